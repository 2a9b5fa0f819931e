// SPDX-License-Identifier: Apache-2.0
//
// Register accesses with side effects or computed values; those of the performance monitor are in
// sysregs_pmu.cpp.
#include "frontend/arm/sysregs_functions.h"

#include "frontend/arm/pstate.h"
#include "frontend/arm/sysregs_fields.h"

namespace mynah::arm {

uint64_t sctlr_res1(const CpuModel& model) {
  uint64_t ones = sctlr::kItd | sctlr::kSed | sctlr::kEos | sctlr::kEis | sctlr::kNtlsmd | sctlr::kLsmaoe;
  if (!model.has(Feature::kPan)) ones |= sctlr::kSpan;
  if (!model.has(Feature::kCsv2Context)) ones |= sctlr::kTscxt;
  return ones;
}

namespace sysregs {

uint64_t mask_sctlr(const CpuModel& model) {
  uint64_t mask = sctlr::kM | sctlr::kA | sctlr::kC | sctlr::kSa | sctlr::kSa0 | sctlr::kUma | sctlr::kI |
                  sctlr::kDze | sctlr::kUct | sctlr::kNtwi | sctlr::kNtwe | sctlr::kWxn | sctlr::kUci;
  if (model.has(Feature::kPan)) mask |= sctlr::kSpan;
  if (model.has(Feature::kPauth)) mask |= sctlr::kEnIa | sctlr::kEnIb | sctlr::kEnDa | sctlr::kEnDb;
  if (model.has(Feature::kBti)) mask |= sctlr::kBt0 | sctlr::kBt1;
  if (model.has(Feature::kSsbs)) mask |= sctlr::kDssbs;
  if (model.has(Feature::kCsv2Context)) mask |= sctlr::kTscxt;
  return mask;
}

uint64_t mask_tcr(const CpuModel& model) {
  uint64_t mask = 0x7'ffffffff & ~(bit(6));  // both halves and IPS; bit 6 is RES0
  mask |= tcr::kAs | tcr::kTbi0 | tcr::kTbi1;
  if (model.has(Feature::kHaf)) mask |= tcr::kHa;
  if (model.has(Feature::kHafdbs)) mask |= tcr::kHd;
  if (model.has(Feature::kHpds)) mask |= tcr::kHpd0 | tcr::kHpd1;
  if (model.has(Feature::kPauth)) mask |= tcr::kTbid0 | tcr::kTbid1;
  if (model.has(Feature::kE0pd)) mask |= tcr::kE0pd0 | tcr::kE0pd1;
  return mask;
}

uint64_t mask_spsr(const CpuModel& model) {
  uint64_t mask = spsr::kN | spsr::kZ | spsr::kC | spsr::kV | spsr::kSs | spsr::kIl |
                  15u << spsr::kDaifShift | spsr::kModeMask;
  if (model.has(Feature::kDit)) mask |= spsr::kDit;
  if (model.has(Feature::kUao)) mask |= spsr::kUao;
  if (model.has(Feature::kPan)) mask |= spsr::kPan;
  if (model.has(Feature::kSsbs)) mask |= spsr::kSsbs;
  if (model.has(Feature::kBti)) mask |= 3u << spsr::kBtypeShift;
  return mask;
}

// AHP, DN, FZ, RMode, FZ16. Trapped floating-point exceptions are not supported, so their enables are RES0.
uint64_t mask_fpcr(const CpuModel& model) { return 0x07c00000 | (model.has(Feature::kFp16) ? bit(19) : 0); }

bool read_zero(const SysregContext&, uint64_t& value) { return value = 0, true; }
bool write_ignored(const SysregContext&, uint64_t) { return true; }

bool read_external(const SysregContext& c, uint64_t& value) { return c.system.read_external(c.key, value); }
bool write_external(const SysregContext& c, uint64_t value) { return c.system.write_external(c.key, value); }

// Identification.

bool read_midr(const SysregContext& c, uint64_t& value) { return value = c.model.midr, true; }
bool read_revidr(const SysregContext& c, uint64_t& value) { return value = c.model.revidr, true; }
bool read_id_space(const SysregContext& c, uint64_t& value) { return value = c.model.id[c.key & 63], true; }
bool read_clidr(const SysregContext& c, uint64_t& value) { return value = c.model.clidr, true; }
bool read_ctr(const SysregContext& c, uint64_t& value) { return value = c.model.ctr, true; }

bool read_ccsidr(const SysregContext& c, uint64_t& value) {
  value = c.state.csselr < c.model.ccsidr.size() ? c.model.ccsidr[c.state.csselr] : 0;
  return true;
}

bool read_dczid(const SysregContext& c, uint64_t& value) {
  constexpr uint64_t kBlock64Bytes = 4, kProhibited = bit(4);
  value = kBlock64Bytes | (c.state.el == 0 && !(c.state.sctlr & sctlr::kDze) ? kProhibited : 0);
  return true;
}

// PSTATE.

bool read_current_el(const SysregContext& c, uint64_t& value) {
  return value = uint64_t{c.state.el} << 2, true;
}

bool read_daif(const SysregContext& c, uint64_t& value) {
  return value = uint64_t{c.state.daif} << spsr::kDaifShift, true;
}
bool write_daif(const SysregContext& c, uint64_t value) {
  return c.state.daif = value >> spsr::kDaifShift & kDaifAll, true;
}

bool read_nzcv(const SysregContext& c, uint64_t& value) { return value = get_nzcv(c.state), true; }
bool write_nzcv(const SysregContext& c, uint64_t value) {
  set_nzcv(c.state, static_cast<uint32_t>(value));
  return true;
}

bool read_spsel(const SysregContext& c, uint64_t& value) { return value = c.state.spsel, true; }
bool write_spsel(const SysregContext& c, uint64_t value) {
  select_level(c.state, c.state.el, value & 1);
  return true;
}

bool read_pan(const SysregContext& c, uint64_t& value) { return value = c.state.pan ? spsr::kPan : 0, true; }
bool write_pan(const SysregContext& c, uint64_t value) {
  return c.state.pan = (value & spsr::kPan) != 0, true;
}
bool read_uao(const SysregContext& c, uint64_t& value) { return value = c.state.uao ? spsr::kUao : 0, true; }
bool write_uao(const SysregContext& c, uint64_t value) {
  return c.state.uao = (value & spsr::kUao) != 0, true;
}
bool read_dit(const SysregContext& c, uint64_t& value) { return value = c.state.dit ? spsr::kDit : 0, true; }
bool write_dit(const SysregContext& c, uint64_t value) {
  return c.state.dit = (value & spsr::kDit) != 0, true;
}
bool read_ssbs(const SysregContext& c, uint64_t& value) {
  return value = c.state.ssbs ? spsr::kSsbs : 0, true;
}
bool write_ssbs(const SysregContext& c, uint64_t value) {
  return c.state.ssbs = (value & spsr::kSsbs) != 0, true;
}

bool read_isr(const SysregContext& c, uint64_t& value) {
  c.system.catch_up();
  return value = (c.state.irq_pending ? bit(7) : 0) | (c.state.fiq_pending ? bit(6) : 0), true;
}

bool read_random(const SysregContext& c, uint64_t& value) {
  const auto number = c.system.random();
  value = number.value_or(0);
  set_nzcv(c.state, number ? 0 : spsr::kZ);
  return true;
}

// Debug.

bool write_mdscr(const SysregContext& c, uint64_t value) {
  // The fields that mirror an external debugger's state are writable only to restore them under the OS lock.
  const uint64_t always = mdscr::kSs | mdscr::kTdcc | mdscr::kKde | mdscr::kMde;
  const uint64_t mask = always | (c.state.oslsr & kOslsrOslk ? 0x6ce04040 : 0);
  c.state.mdscr = (c.state.mdscr & ~mask) | (value & mask);
  return true;
}

bool write_oslar(const SysregContext& c, uint64_t value) {
  c.state.oslsr = kOslsrOslm | (value & 1 ? kOslsrOslk : 0);
  return true;
}

bool read_claim_set(const SysregContext&, uint64_t& value) { return value = 0xff, true; }
bool write_claim_set(const SysregContext& c, uint64_t value) {
  return c.state.dbgclaim |= value & 0xff, true;
}
bool write_claim_clear(const SysregContext& c, uint64_t value) {
  return c.state.dbgclaim &= ~(value & 0xff), true;
}

namespace {

// DBGBVR, DBGBCR, DBGWVR and DBGWCR by op2 4 to 7, CRm the number. Null beyond what the model has.
uint64_t* debug_word(const SysregContext& c) {
  const unsigned n = c.key >> 3 & 15;
  switch (c.key & 7) {
    case 4:
      return n < c.model.breakpoints ? &c.state.dbgbvr[n] : nullptr;
    case 5:
      return n < c.model.breakpoints ? &c.state.dbgbcr[n] : nullptr;
    case 6:
      return n < c.model.watchpoints ? &c.state.dbgwvr[n] : nullptr;
    default:
      return n < c.model.watchpoints ? &c.state.dbgwcr[n] : nullptr;
  }
}

}  // namespace

bool read_debug_array(const SysregContext& c, uint64_t& value) {
  const uint64_t* word = debug_word(c);
  if (word) value = *word;
  return word != nullptr;
}

bool write_debug_array(const SysregContext& c, uint64_t value) {
  uint64_t* word = debug_word(c);
  if (!word) return false;
  *word = value & c.row.mask;
  c.system.translation_changed();
  return true;
}

// Generic timer.

bool write_cntkctl(const SysregContext& c, uint64_t value) {
  c.state.cntkctl = value & c.row.mask;
  c.system.set_event_stream({.enabled = (value & cntkctl::kEvnten) != 0,
                             .bit = static_cast<unsigned>(field(value, cntkctl::kEvntiShift, 4)),
                             .falling = (value & cntkctl::kEvntdir) != 0});
  return true;
}

}  // namespace sysregs
}  // namespace mynah::arm
