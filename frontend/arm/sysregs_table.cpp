// SPDX-License-Identifier: Apache-2.0
//
// The table of system registers, in the order of their encodings (a test holds it to that; lookup relies on
// it). Columns: key, name, access, gate, feature, flags, stored word, writable bits, and for what is not just
// a word mask, read and write functions. EL2 and EL3 registers, and those of extensions that no model has,
// are absent: accesses to them are undefined.
#include <algorithm>
#include <cstddef>

#include "frontend/arm/id_registers.h"
#include "frontend/arm/sysregs_functions.h"

namespace mynah::arm::sysregs {
namespace {

using enum Feature;
using enum Gate;

// The two columns that say where ArmState keeps a register.
#define WORD(member) static_cast<int32_t>(offsetof(ArmState, member)), sizeof(ArmState::member)
#define NOWHERE -1, 0

constexpr uint64_t kAll = ~uint64_t{0}, k32 = 0xffffffff;
constexpr uint16_t kInline = kInlineReadable | kInlineWritable;
constexpr uint16_t kReadInline = kInlineReadable;
constexpr uint16_t kTranslation = kInline | kChangesTranslation;
constexpr uint16_t kTimer = kExternal | kNeedsTime;
constexpr uint16_t kTimerWrite = kTimer | kEndsBlock;
constexpr uint16_t kGic = kExternal | kEndsBlock | kNeedsTime;

constexpr uint16_t K(unsigned op0, unsigned op1, unsigned crn, unsigned crm, unsigned op2) {
  return system_key(op0, op1, crn, crm, op2);
}

// clang-format off
constexpr SysregRow kRows[] = {
    // Debug
    {K(2,0,0,0,2), "OSDTRRX_EL1", kEl1, kNone, kBase, kInline, WORD(osdtrrx), k32},
    {K(2,0,0,0,4), "DBGBVR<n>_EL1", kEl1, kNone, kBase, kEndsBlock, NOWHERE, kAll, nullptr, read_debug_array, write_debug_array},
    {K(2,0,0,0,5), "DBGBCR<n>_EL1", kEl1, kNone, kBase, kEndsBlock, NOWHERE, 0x00ffe1e7, nullptr, read_debug_array, write_debug_array},
    {K(2,0,0,0,6), "DBGWVR<n>_EL1", kEl1, kNone, kBase, kEndsBlock, NOWHERE, ~uint64_t{3}, nullptr, read_debug_array, write_debug_array},
    {K(2,0,0,0,7), "DBGWCR<n>_EL1", kEl1, kNone, kBase, kEndsBlock, NOWHERE, 0x1f1fffff, nullptr, read_debug_array, write_debug_array},
    {K(2,0,0,2,0), "MDCCINT_EL1", kEl1, kNone, kBase, kInline, WORD(mdccint), 0x60000000},
    {K(2,0,0,2,2), "MDSCR_EL1", kEl1, kNone, kBase, kReadInline | kEndsBlock, WORD(mdscr), 0, nullptr, nullptr, write_mdscr},
    {K(2,0,0,3,2), "OSDTRTX_EL1", kEl1, kNone, kBase, kInline, WORD(osdtrtx), k32},
    {K(2,0,0,6,2), "OSECCR_EL1", kEl1, kNone, kBase, kInline, WORD(oseccr), k32},
    {K(2,0,1,0,0), "MDRAR_EL1", kEl1ReadOnly, kNone, kBase, 0, NOWHERE, 0, nullptr, read_zero},
    {K(2,0,1,0,4), "OSLAR_EL1", kEl1WriteOnly, kNone, kBase, kEndsBlock, NOWHERE, 0, nullptr, nullptr, write_oslar},
    {K(2,0,1,1,4), "OSLSR_EL1", kEl1ReadOnly, kNone, kBase, kReadInline, WORD(oslsr)},
    {K(2,0,1,3,4), "OSDLR_EL1", kEl1, kNone, kBase, kReadInline | kEndsBlock, WORD(osdlr), 1},
    {K(2,0,1,4,4), "DBGPRCR_EL1", kEl1, kNone, kBase, 0, NOWHERE, 0, nullptr, read_zero, write_ignored},
    {K(2,0,7,8,6), "DBGCLAIMSET_EL1", kEl1, kNone, kBase, 0, NOWHERE, 0, nullptr, read_claim_set, write_claim_set},
    {K(2,0,7,9,6), "DBGCLAIMCLR_EL1", kEl1, kNone, kBase, kReadInline, WORD(dbgclaim), 0, nullptr, nullptr, write_claim_clear},
    {K(2,0,7,14,6), "DBGAUTHSTATUS_EL1", kEl1ReadOnly, kNone, kBase, 0, NOWHERE, 0, nullptr, read_zero},
    {K(2,3,0,1,0), "MDCCSR_EL0", kBothReadOnly, kTdcc, kBase, 0, NOWHERE, 0, nullptr, read_zero},
    {K(2,3,0,4,0), "DBGDTR_EL0", kBoth, kTdcc, kBase, 0, NOWHERE, 0, nullptr, read_zero, write_ignored},
    {K(2,3,0,5,0), "DBGDTRTX_EL0", kBoth, kTdcc, kBase, 0, NOWHERE, 0, nullptr, read_zero, write_ignored},

    // Identification
    {K(3,0,0,0,0), "MIDR_EL1", kEl1ReadOnly, kNone, kBase, 0, NOWHERE, 0, nullptr, read_midr},
    {K(3,0,0,0,5), "MPIDR_EL1", kEl1ReadOnly, kNone, kBase, kReadInline, WORD(mpidr)},
    {K(3,0,0,0,6), "REVIDR_EL1", kEl1ReadOnly, kNone, kBase, 0, NOWHERE, 0, nullptr, read_revidr},
    {K(3,0,0,1,0), "ID space", kEl1ReadOnly, kNone, kBase, 0, NOWHERE, 0, nullptr, read_id_space},

    // System control and translation
    {K(3,0,1,0,0), "SCTLR_EL1", kEl1, kNone, kBase, kTranslation | kEndsBlock, WORD(sctlr), 0, mask_sctlr},
    {K(3,0,1,0,1), "ACTLR_EL1", kEl1, kNone, kBase, kReadInline, WORD(actlr), 0},
    {K(3,0,1,0,2), "CPACR_EL1", kEl1, kNone, kBase, kReadInline | kEndsBlock, WORD(cpacr), 0x300000},
    {K(3,0,2,0,0), "TTBR0_EL1", kEl1, kNone, kBase, kTranslation, WORD(ttbr0), ~uint64_t{1}},
    {K(3,0,2,0,1), "TTBR1_EL1", kEl1, kNone, kBase, kTranslation, WORD(ttbr1), ~uint64_t{1}},
    {K(3,0,2,0,2), "TCR_EL1", kEl1, kNone, kBase, kTranslation | kEndsBlock, WORD(tcr), 0, mask_tcr},
    {K(3,0,2,1,0), "APIAKeyLo_EL1", kEl1, kNone, kPauth, kInline, WORD(apia.lo), kAll},
    {K(3,0,2,1,1), "APIAKeyHi_EL1", kEl1, kNone, kPauth, kInline, WORD(apia.hi), kAll},
    {K(3,0,2,1,2), "APIBKeyLo_EL1", kEl1, kNone, kPauth, kInline, WORD(apib.lo), kAll},
    {K(3,0,2,1,3), "APIBKeyHi_EL1", kEl1, kNone, kPauth, kInline, WORD(apib.hi), kAll},
    {K(3,0,2,2,0), "APDAKeyLo_EL1", kEl1, kNone, kPauth, kInline, WORD(apda.lo), kAll},
    {K(3,0,2,2,1), "APDAKeyHi_EL1", kEl1, kNone, kPauth, kInline, WORD(apda.hi), kAll},
    {K(3,0,2,2,2), "APDBKeyLo_EL1", kEl1, kNone, kPauth, kInline, WORD(apdb.lo), kAll},
    {K(3,0,2,2,3), "APDBKeyHi_EL1", kEl1, kNone, kPauth, kInline, WORD(apdb.hi), kAll},
    {K(3,0,2,3,0), "APGAKeyLo_EL1", kEl1, kNone, kPauth, kInline, WORD(apga.lo), kAll},
    {K(3,0,2,3,1), "APGAKeyHi_EL1", kEl1, kNone, kPauth, kInline, WORD(apga.hi), kAll},

    // Exceptions and PSTATE
    {K(3,0,4,0,0), "SPSR_EL1", kEl1, kNone, kBase, kInline, WORD(spsr), 0, mask_spsr},
    {K(3,0,4,0,1), "ELR_EL1", kEl1, kNone, kBase, kInline, WORD(elr), kAll},
    {K(3,0,4,1,0), "SP_EL0", kEl1, kNone, kBase, kInline | kNeedsSpsel, static_cast<int32_t>(offsetof(ArmState, sp_bank)), 8, kAll},
    {K(3,0,4,2,0), "SPSel", kEl1, kNone, kBase, kEndsBlock, NOWHERE, 0, nullptr, read_spsel, write_spsel},
    {K(3,0,4,2,2), "CurrentEL", kEl1ReadOnly, kNone, kBase, 0, NOWHERE, 0, nullptr, read_current_el},
    {K(3,0,4,2,3), "PAN", kEl1, kNone, kPan, kEndsBlock | kChangesTranslation, NOWHERE, 0, nullptr, read_pan, write_pan},
    {K(3,0,4,2,4), "UAO", kEl1, kNone, kUao, kEndsBlock, NOWHERE, 0, nullptr, read_uao, write_uao},
    {K(3,0,4,6,0), "ICC_PMR_EL1", kEl1, kNone, kBase, kGic, NOWHERE, 0, nullptr, read_external, write_external},
    {K(3,0,5,1,0), "AFSR0_EL1", kEl1, kNone, kBase, kReadInline, WORD(afsr0), 0},
    {K(3,0,5,1,1), "AFSR1_EL1", kEl1, kNone, kBase, kReadInline, WORD(afsr1), 0},
    {K(3,0,5,2,0), "ESR_EL1", kEl1, kNone, kBase, kInline, WORD(esr), k32},
    {K(3,0,5,3,0), "ERRIDR_EL1", kEl1ReadOnly, kNone, kRas, 0, NOWHERE, 0, nullptr, read_zero},
    {K(3,0,5,3,1), "ERRSELR_EL1", kEl1, kNone, kRas, 0, NOWHERE, 0, nullptr, read_zero, write_ignored},
    {K(3,0,6,0,0), "FAR_EL1", kEl1, kNone, kBase, kInline, WORD(far), kAll},
    {K(3,0,7,4,0), "PAR_EL1", kEl1, kNone, kBase, kInline, WORD(par), kAll},

    // Performance monitor at EL1, memory attributes, limited ordering regions (none: LORID says so)
    {K(3,0,9,14,1), "PMINTENSET_EL1", kEl1, kNone, kPmu, kReadInline | kNeedsTime | kEndsBlock, WORD(pminten), 0, nullptr, nullptr, write_pmintenset},
    {K(3,0,9,14,2), "PMINTENCLR_EL1", kEl1, kNone, kPmu, kReadInline | kNeedsTime, WORD(pminten), 0, nullptr, nullptr, write_pmintenclr},
    {K(3,0,10,2,0), "MAIR_EL1", kEl1, kNone, kBase, kTranslation, WORD(mair), kAll},
    {K(3,0,10,3,0), "AMAIR_EL1", kEl1, kNone, kBase, kReadInline, WORD(amair), 0},
    {K(3,0,10,4,0), "LORSA_EL1", kEl1, kNone, kLor, 0, NOWHERE, 0, nullptr, read_zero, write_ignored},
    {K(3,0,10,4,1), "LOREA_EL1", kEl1, kNone, kLor, 0, NOWHERE, 0, nullptr, read_zero, write_ignored},
    {K(3,0,10,4,2), "LORN_EL1", kEl1, kNone, kLor, 0, NOWHERE, 0, nullptr, read_zero, write_ignored},
    {K(3,0,10,4,3), "LORC_EL1", kEl1, kNone, kLor, 0, NOWHERE, 0, nullptr, read_zero, write_ignored},
    {K(3,0,10,4,7), "LORID_EL1", kEl1ReadOnly, kNone, kLor, 0, NOWHERE, 0, nullptr, read_zero},

    // Vectors, interrupt status, interrupt controller
    {K(3,0,12,0,0), "VBAR_EL1", kEl1, kNone, kBase, kInline, WORD(vbar), ~uint64_t{0x7ff}},
    {K(3,0,12,0,1), "RVBAR_EL1", kEl1ReadOnly, kNone, kBase, kReadInline, WORD(rvbar)},
    {K(3,0,12,1,0), "ISR_EL1", kEl1ReadOnly, kNone, kBase, kNeedsTime, NOWHERE, 0, nullptr, read_isr},
    {K(3,0,12,1,1), "DISR_EL1", kEl1, kNone, kRas, kInline, WORD(disr), 0x81ffffff},
    {K(3,0,12,8,0), "ICC_IAR0_EL1", kEl1ReadOnly, kNone, kBase, kGic, NOWHERE, 0, nullptr, read_external},
    {K(3,0,12,8,1), "ICC_EOIR0_EL1", kEl1WriteOnly, kNone, kBase, kGic, NOWHERE, 0, nullptr, nullptr, write_external},
    {K(3,0,12,8,2), "ICC_HPPIR0_EL1", kEl1ReadOnly, kNone, kBase, kGic, NOWHERE, 0, nullptr, read_external},
    {K(3,0,12,8,3), "ICC_BPR0_EL1", kEl1, kNone, kBase, kGic, NOWHERE, 0, nullptr, read_external, write_external},
    {K(3,0,12,8,4), "ICC_AP0R0_EL1", kEl1, kNone, kBase, kGic, NOWHERE, 0, nullptr, read_external, write_external},
    {K(3,0,12,8,5), "ICC_AP0R1_EL1", kEl1, kNone, kBase, kGic, NOWHERE, 0, nullptr, read_external, write_external},
    {K(3,0,12,8,6), "ICC_AP0R2_EL1", kEl1, kNone, kBase, kGic, NOWHERE, 0, nullptr, read_external, write_external},
    {K(3,0,12,8,7), "ICC_AP0R3_EL1", kEl1, kNone, kBase, kGic, NOWHERE, 0, nullptr, read_external, write_external},
    {K(3,0,12,9,0), "ICC_AP1R0_EL1", kEl1, kNone, kBase, kGic, NOWHERE, 0, nullptr, read_external, write_external},
    {K(3,0,12,9,1), "ICC_AP1R1_EL1", kEl1, kNone, kBase, kGic, NOWHERE, 0, nullptr, read_external, write_external},
    {K(3,0,12,9,2), "ICC_AP1R2_EL1", kEl1, kNone, kBase, kGic, NOWHERE, 0, nullptr, read_external, write_external},
    {K(3,0,12,9,3), "ICC_AP1R3_EL1", kEl1, kNone, kBase, kGic, NOWHERE, 0, nullptr, read_external, write_external},
    {K(3,0,12,11,1), "ICC_DIR_EL1", kEl1WriteOnly, kNone, kBase, kGic, NOWHERE, 0, nullptr, nullptr, write_external},
    {K(3,0,12,11,3), "ICC_RPR_EL1", kEl1ReadOnly, kNone, kBase, kGic, NOWHERE, 0, nullptr, read_external},
    {K(3,0,12,11,5), "ICC_SGI1R_EL1", kEl1WriteOnly, kNone, kBase, kGic, NOWHERE, 0, nullptr, nullptr, write_external},
    {K(3,0,12,11,6), "ICC_ASGI1R_EL1", kEl1WriteOnly, kNone, kBase, kGic, NOWHERE, 0, nullptr, nullptr, write_external},
    {K(3,0,12,11,7), "ICC_SGI0R_EL1", kEl1WriteOnly, kNone, kBase, kGic, NOWHERE, 0, nullptr, nullptr, write_external},
    {K(3,0,12,12,0), "ICC_IAR1_EL1", kEl1ReadOnly, kNone, kBase, kGic, NOWHERE, 0, nullptr, read_external},
    {K(3,0,12,12,1), "ICC_EOIR1_EL1", kEl1WriteOnly, kNone, kBase, kGic, NOWHERE, 0, nullptr, nullptr, write_external},
    {K(3,0,12,12,2), "ICC_HPPIR1_EL1", kEl1ReadOnly, kNone, kBase, kGic, NOWHERE, 0, nullptr, read_external},
    {K(3,0,12,12,3), "ICC_BPR1_EL1", kEl1, kNone, kBase, kGic, NOWHERE, 0, nullptr, read_external, write_external},
    {K(3,0,12,12,4), "ICC_CTLR_EL1", kEl1, kNone, kBase, kGic, NOWHERE, 0, nullptr, read_external, write_external},
    {K(3,0,12,12,5), "ICC_SRE_EL1", kEl1, kNone, kBase, kGic, NOWHERE, 0, nullptr, read_external, write_external},
    {K(3,0,12,12,6), "ICC_IGRPEN0_EL1", kEl1, kNone, kBase, kGic, NOWHERE, 0, nullptr, read_external, write_external},
    {K(3,0,12,12,7), "ICC_IGRPEN1_EL1", kEl1, kNone, kBase, kGic, NOWHERE, 0, nullptr, read_external, write_external},

    // Thread and context identification
    {K(3,0,13,0,1), "CONTEXTIDR_EL1", kEl1, kNone, kBase, kInline, WORD(contextidr), k32},
    {K(3,0,13,0,4), "TPIDR_EL1", kEl1, kNone, kBase, kInline, WORD(tpidr_el1), kAll},
    {K(3,0,13,0,7), "SCXTNUM_EL1", kEl1, kNone, kCsv2Context, kInline, WORD(scxtnum_el1), kAll},
    {K(3,0,14,1,0), "CNTKCTL_EL1", kEl1, kNone, kBase, kReadInline | kNeedsTime, WORD(cntkctl), 0x3ff, nullptr, nullptr, write_cntkctl},

    // Caches
    {K(3,1,0,0,0), "CCSIDR_EL1", kEl1ReadOnly, kNone, kBase, 0, NOWHERE, 0, nullptr, read_ccsidr},
    {K(3,1,0,0,1), "CLIDR_EL1", kEl1ReadOnly, kNone, kBase, 0, NOWHERE, 0, nullptr, read_clidr},
    {K(3,1,0,0,7), "AIDR_EL1", kEl1ReadOnly, kNone, kBase, 0, NOWHERE, 0, nullptr, read_zero},
    {K(3,2,0,0,0), "CSSELR_EL1", kEl1, kNone, kBase, kInline, WORD(csselr), 0xf},
    {K(3,3,0,0,1), "CTR_EL0", kBothReadOnly, kUct, kBase, 0, NOWHERE, 0, nullptr, read_ctr},
    {K(3,3,0,0,7), "DCZID_EL0", kBothReadOnly, kNone, kBase, 0, NOWHERE, 0, nullptr, read_dczid},

    // EL0
    {K(3,3,2,4,0), "RNDR", kBothReadOnly, kNone, kRng, kSetsNzcv, NOWHERE, 0, nullptr, read_random},
    {K(3,3,2,4,1), "RNDRRS", kBothReadOnly, kNone, kRng, kSetsNzcv, NOWHERE, 0, nullptr, read_random},
    {K(3,3,4,2,0), "NZCV", kBoth, kNone, kBase, kSetsNzcv, NOWHERE, 0, nullptr, read_nzcv, write_nzcv},
    {K(3,3,4,2,1), "DAIF", kBoth, kUma, kBase, kEndsBlock, NOWHERE, 0, nullptr, read_daif, write_daif},
    {K(3,3,4,2,5), "DIT", kBoth, kNone, kDit, 0, NOWHERE, 0, nullptr, read_dit, write_dit},
    {K(3,3,4,2,6), "SSBS", kBoth, kNone, kSsbs2, 0, NOWHERE, 0, nullptr, read_ssbs, write_ssbs},
    {K(3,3,4,4,0), "FPCR", kBoth, kFp, kBase, kReadInline | kEndsBlock, WORD(fpcr), 0, mask_fpcr},
    {K(3,3,4,4,1), "FPSR", kBoth, kFp, kBase, kInline, WORD(fpsr), 0x0800009f},
    {K(3,3,9,12,0), "PMCR_EL0", kBoth, kPmuAny, kPmu, kNeedsTime | kEndsBlock, NOWHERE, 0, nullptr, read_pmcr, write_pmcr},
    {K(3,3,9,12,1), "PMCNTENSET_EL0", kBoth, kPmuAny, kPmu, kReadInline | kNeedsTime, WORD(pmcnten), 0, nullptr, nullptr, write_pmcntenset},
    {K(3,3,9,12,2), "PMCNTENCLR_EL0", kBoth, kPmuAny, kPmu, kReadInline | kNeedsTime, WORD(pmcnten), 0, nullptr, nullptr, write_pmcntenclr},
    {K(3,3,9,12,3), "PMOVSCLR_EL0", kBoth, kPmuAny, kPmu, kNeedsTime, NOWHERE, 0, nullptr, read_pmovs, write_pmovsclr},
    {K(3,3,9,12,4), "PMSWINC_EL0", kBothWriteOnly, kPmuSoftware, kPmu, kNeedsTime | kEndsBlock, NOWHERE, 0, nullptr, nullptr, write_pmswinc},
    {K(3,3,9,12,5), "PMSELR_EL0", kBoth, kPmuSelect, kPmu, kInline, WORD(pmselr), 0x1f},
    {K(3,3,9,12,6), "PMCEID0_EL0", kBothReadOnly, kPmuAny, kPmu, 0, NOWHERE, 0, nullptr, read_pmceid0},
    {K(3,3,9,12,7), "PMCEID1_EL0", kBothReadOnly, kPmuAny, kPmu, 0, NOWHERE, 0, nullptr, read_zero},
    {K(3,3,9,13,0), "PMCCNTR_EL0", kBoth, kPmuCycle, kPmu, kNeedsTime, NOWHERE, 0, nullptr, read_pmccntr, write_pmccntr},
    {K(3,3,9,13,1), "PMXEVTYPER_EL0", kBoth, kPmuAny, kPmu, kNeedsTime, NOWHERE, 0, nullptr, read_pmxevtyper, write_pmxevtyper},
    {K(3,3,9,13,2), "PMXEVCNTR_EL0", kBoth, kPmuEvent, kPmu, kNeedsTime, NOWHERE, 0, nullptr, read_pmxevcntr, write_pmxevcntr},
    {K(3,3,9,14,0), "PMUSERENR_EL0", kEl0ReadEl1, kNone, kPmu, kInline, WORD(pmuseren), 0xf},
    {K(3,3,9,14,3), "PMOVSSET_EL0", kBoth, kPmuAny, kPmu, kNeedsTime | kEndsBlock, NOWHERE, 0, nullptr, read_pmovs, write_pmovsset},
    {K(3,3,13,0,2), "TPIDR_EL0", kBoth, kNone, kBase, kInline, WORD(tpidr_el0), kAll},
    {K(3,3,13,0,3), "TPIDRRO_EL0", kEl0ReadEl1, kNone, kBase, kInline, WORD(tpidrro_el0), kAll},
    {K(3,3,13,0,7), "SCXTNUM_EL0", kBoth, kTscxt, kCsv2Context, kInline, WORD(scxtnum_el0), kAll},

    // Generic timer
    {K(3,3,14,0,0), "CNTFRQ_EL0", kEl0ReadEl1, kCntFrequency, kBase, kExternal, NOWHERE, 0, nullptr, read_external, write_external},
    {K(3,3,14,0,1), "CNTPCT_EL0", kBothReadOnly, kCntPhysical, kBase, kTimer, NOWHERE, 0, nullptr, read_external},
    {K(3,3,14,0,2), "CNTVCT_EL0", kBothReadOnly, kCntVirtual, kBase, kTimer, NOWHERE, 0, nullptr, read_external},
    {K(3,3,14,2,0), "CNTP_TVAL_EL0", kBoth, kCntPhysicalTimer, kBase, kTimerWrite, NOWHERE, 0, nullptr, read_external, write_external},
    {K(3,3,14,2,1), "CNTP_CTL_EL0", kBoth, kCntPhysicalTimer, kBase, kTimerWrite, NOWHERE, 0, nullptr, read_external, write_external},
    {K(3,3,14,2,2), "CNTP_CVAL_EL0", kBoth, kCntPhysicalTimer, kBase, kTimerWrite, NOWHERE, 0, nullptr, read_external, write_external},
    {K(3,3,14,3,0), "CNTV_TVAL_EL0", kBoth, kCntVirtualTimer, kBase, kTimerWrite, NOWHERE, 0, nullptr, read_external, write_external},
    {K(3,3,14,3,1), "CNTV_CTL_EL0", kBoth, kCntVirtualTimer, kBase, kTimerWrite, NOWHERE, 0, nullptr, read_external, write_external},
    {K(3,3,14,3,2), "CNTV_CVAL_EL0", kBoth, kCntVirtualTimer, kBase, kTimerWrite, NOWHERE, 0, nullptr, read_external, write_external},
    {K(3,3,14,8,0), "PMEVCNTR0_EL0", kBoth, kPmuEvent, kPmu, kNeedsTime, NOWHERE, 0, nullptr, read_pmevcntr_of<0>, write_pmevcntr_of<0>},
    {K(3,3,14,8,1), "PMEVCNTR1_EL0", kBoth, kPmuEvent, kPmu, kNeedsTime, NOWHERE, 0, nullptr, read_pmevcntr_of<1>, write_pmevcntr_of<1>},
    {K(3,3,14,8,2), "PMEVCNTR2_EL0", kBoth, kPmuEvent, kPmu, kNeedsTime, NOWHERE, 0, nullptr, read_pmevcntr_of<2>, write_pmevcntr_of<2>},
    {K(3,3,14,8,3), "PMEVCNTR3_EL0", kBoth, kPmuEvent, kPmu, kNeedsTime, NOWHERE, 0, nullptr, read_pmevcntr_of<3>, write_pmevcntr_of<3>},
    {K(3,3,14,8,4), "PMEVCNTR4_EL0", kBoth, kPmuEvent, kPmu, kNeedsTime, NOWHERE, 0, nullptr, read_pmevcntr_of<4>, write_pmevcntr_of<4>},
    {K(3,3,14,8,5), "PMEVCNTR5_EL0", kBoth, kPmuEvent, kPmu, kNeedsTime, NOWHERE, 0, nullptr, read_pmevcntr_of<5>, write_pmevcntr_of<5>},
    {K(3,3,14,12,0), "PMEVTYPER0_EL0", kBoth, kPmuAny, kPmu, kNeedsTime, NOWHERE, 0, nullptr, read_pmevtyper_of<0>, write_pmevtyper_of<0>},
    {K(3,3,14,12,1), "PMEVTYPER1_EL0", kBoth, kPmuAny, kPmu, kNeedsTime, NOWHERE, 0, nullptr, read_pmevtyper_of<1>, write_pmevtyper_of<1>},
    {K(3,3,14,12,2), "PMEVTYPER2_EL0", kBoth, kPmuAny, kPmu, kNeedsTime, NOWHERE, 0, nullptr, read_pmevtyper_of<2>, write_pmevtyper_of<2>},
    {K(3,3,14,12,3), "PMEVTYPER3_EL0", kBoth, kPmuAny, kPmu, kNeedsTime, NOWHERE, 0, nullptr, read_pmevtyper_of<3>, write_pmevtyper_of<3>},
    {K(3,3,14,12,4), "PMEVTYPER4_EL0", kBoth, kPmuAny, kPmu, kNeedsTime, NOWHERE, 0, nullptr, read_pmevtyper_of<4>, write_pmevtyper_of<4>},
    {K(3,3,14,12,5), "PMEVTYPER5_EL0", kBoth, kPmuAny, kPmu, kNeedsTime, NOWHERE, 0, nullptr, read_pmevtyper_of<5>, write_pmevtyper_of<5>},
    {K(3,3,14,15,7), "PMCCFILTR_EL0", kBoth, kPmuAny, kPmu, kReadInline | kNeedsTime, WORD(pmccfiltr), 0, nullptr, nullptr, write_pmccfiltr},
};
// clang-format on

#undef WORD
#undef NOWHERE

constexpr bool sorted() {
  for (size_t i = 1; i < std::size(kRows); ++i) {
    if (kRows[i - 1].key >= kRows[i].key) return false;
  }
  return true;
}
static_assert(sorted(), "rows are unique and in the order of their keys");

constexpr uint16_t kIdSpace = system_key(3, 0, 0, 1, 0), kDebugArrays = system_key(2, 0, 0, 0, 4);

// Rows that stand for a range: the identification space (CRm 1 to 7), and the breakpoint and watchpoint
// registers.
constexpr uint16_t row_key(uint16_t key) {
  if ((key & ~0x3f) == (kIdSpace & ~0x3f) && (key & 0x38) != 0) return kIdSpace;
  if ((key & ~0x7b) == kDebugArrays) return key & ~0x78;
  return key;
}

constexpr struct {
  IdRegister index;
  std::string_view name;
} kIdNames[] = {
    {kIdPfr0, "ID_AA64PFR0_EL1"},   {kIdPfr1, "ID_AA64PFR1_EL1"},   {kIdDfr0, "ID_AA64DFR0_EL1"},
    {kIdDfr1, "ID_AA64DFR1_EL1"},   {kIdIsar0, "ID_AA64ISAR0_EL1"}, {kIdIsar1, "ID_AA64ISAR1_EL1"},
    {kIdIsar2, "ID_AA64ISAR2_EL1"}, {kIdMmfr0, "ID_AA64MMFR0_EL1"}, {kIdMmfr1, "ID_AA64MMFR1_EL1"},
    {kIdMmfr2, "ID_AA64MMFR2_EL1"},
};

}  // namespace

std::span<const SysregRow> all() { return kRows; }

const SysregRow* find(uint16_t key) {
  const uint16_t wanted = row_key(key);
  const SysregRow* end = std::end(kRows);
  const SysregRow* row = std::lower_bound(std::begin(kRows), end, wanted,
                                          [](const SysregRow& r, uint16_t k) { return r.key < k; });
  return row != end && row->key == wanted ? row : nullptr;
}

std::string display_name(uint16_t key) {
  const unsigned crm = key >> 3 & 15;
  const SysregRow* row = find(key);
  if (row && row->key == kIdSpace) {
    for (const auto& id : kIdNames) {
      if (id.index == (key & 63)) return std::string(id.name);
    }
    row = nullptr;
  }
  if (row) {
    std::string name(row->name);
    if (const size_t n = name.find("<n>"); n != std::string::npos) name.replace(n, 3, std::to_string(crm));
    return name;
  }
  return "S" + std::to_string(key >> 14) + "_" + std::to_string(key >> 11 & 7) + "_C" +
         std::to_string(key >> 7 & 15) + "_C" + std::to_string(crm) + "_" + std::to_string(key & 7);
}

}  // namespace mynah::arm::sysregs
