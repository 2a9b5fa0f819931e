// SPDX-License-Identifier: Apache-2.0
//
// Register accesses that are more than a stored word; the table of system registers points at them.
#pragma once

#include "frontend/arm/sysregs.h"

namespace mynah::arm::sysregs {

// Writable bits that depend on the model.
uint64_t mask_sctlr(const CpuModel&);
uint64_t mask_tcr(const CpuModel&);
uint64_t mask_spsr(const CpuModel&);
uint64_t mask_fpcr(const CpuModel&);

bool read_zero(const SysregContext&, uint64_t&);
bool write_ignored(const SysregContext&, uint64_t);

// Kept by ArmSystem.
bool read_external(const SysregContext&, uint64_t&);
bool write_external(const SysregContext&, uint64_t);

// Identification.
bool read_midr(const SysregContext&, uint64_t&);
bool read_revidr(const SysregContext&, uint64_t&);
bool read_id_space(const SysregContext&, uint64_t&);
bool read_ccsidr(const SysregContext&, uint64_t&);
bool read_clidr(const SysregContext&, uint64_t&);
bool read_ctr(const SysregContext&, uint64_t&);
bool read_dczid(const SysregContext&, uint64_t&);

// PSTATE.
bool read_current_el(const SysregContext&, uint64_t&);
bool read_daif(const SysregContext&, uint64_t&);
bool write_daif(const SysregContext&, uint64_t);
bool read_nzcv(const SysregContext&, uint64_t&);
bool write_nzcv(const SysregContext&, uint64_t);
bool read_spsel(const SysregContext&, uint64_t&);
bool write_spsel(const SysregContext&, uint64_t);
bool read_pan(const SysregContext&, uint64_t&);
bool write_pan(const SysregContext&, uint64_t);
bool read_uao(const SysregContext&, uint64_t&);
bool write_uao(const SysregContext&, uint64_t);
bool read_dit(const SysregContext&, uint64_t&);
bool write_dit(const SysregContext&, uint64_t);
bool read_ssbs(const SysregContext&, uint64_t&);
bool write_ssbs(const SysregContext&, uint64_t);
bool read_isr(const SysregContext&, uint64_t&);

bool read_random(const SysregContext&, uint64_t&);

// Debug.
bool write_mdscr(const SysregContext&, uint64_t);
bool write_oslar(const SysregContext&, uint64_t);
bool read_claim_set(const SysregContext&, uint64_t&);
bool write_claim_set(const SysregContext&, uint64_t);
bool write_claim_clear(const SysregContext&, uint64_t);
bool read_debug_array(const SysregContext&, uint64_t&);
bool write_debug_array(const SysregContext&, uint64_t);

// Generic timer.
bool write_cntkctl(const SysregContext&, uint64_t);

// Performance monitor.
bool read_pmcr(const SysregContext&, uint64_t&);
bool write_pmcr(const SysregContext&, uint64_t);
bool write_pmcntenset(const SysregContext&, uint64_t);
bool write_pmcntenclr(const SysregContext&, uint64_t);
bool read_pmovs(const SysregContext&, uint64_t&);
bool write_pmovsset(const SysregContext&, uint64_t);
bool write_pmovsclr(const SysregContext&, uint64_t);
bool write_pmintenset(const SysregContext&, uint64_t);
bool write_pmintenclr(const SysregContext&, uint64_t);
bool read_pmceid0(const SysregContext&, uint64_t&);
bool read_pmccntr(const SysregContext&, uint64_t&);
bool write_pmccntr(const SysregContext&, uint64_t);
bool write_pmccfiltr(const SysregContext&, uint64_t);
bool write_pmswinc(const SysregContext&, uint64_t);
// Of event counter n; none such: reads as zero.
bool read_pmevcntr(const SysregContext&, unsigned n, uint64_t&);
bool write_pmevcntr(const SysregContext&, unsigned n, uint64_t);
bool read_pmevtyper(const SysregContext&, unsigned n, uint64_t&);
bool write_pmevtyper(const SysregContext&, unsigned n, uint64_t);
template <unsigned n>
bool read_pmevcntr_of(const SysregContext& c, uint64_t& value) {
  return read_pmevcntr(c, n, value);
}
template <unsigned n>
bool write_pmevcntr_of(const SysregContext& c, uint64_t value) {
  return write_pmevcntr(c, n, value);
}
template <unsigned n>
bool read_pmevtyper_of(const SysregContext& c, uint64_t& value) {
  return read_pmevtyper(c, n, value);
}
template <unsigned n>
bool write_pmevtyper_of(const SysregContext& c, uint64_t value) {
  return write_pmevtyper(c, n, value);
}
bool read_pmxevcntr(const SysregContext&, uint64_t&);
bool write_pmxevcntr(const SysregContext&, uint64_t);
bool read_pmxevtyper(const SysregContext&, uint64_t&);
bool write_pmxevtyper(const SysregContext&, uint64_t);

}  // namespace mynah::arm::sysregs
