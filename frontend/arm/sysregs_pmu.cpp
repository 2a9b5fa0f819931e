// SPDX-License-Identifier: Apache-2.0
//
// Accesses to the registers of the performance monitor.
#include "frontend/arm/pmu.h"
#include "frontend/arm/sysregs_fields.h"
#include "frontend/arm/sysregs_functions.h"

namespace mynah::arm::sysregs {
namespace {

// The counter as it is now. An overflow that is seen here is also seen by the interrupt.
void look(const SysregContext& c) {
  pmu::count(c.state, c.system);
  pmu::settle(c.state, c.system);
}

bool change(const SysregContext& c, uint64_t& word, uint64_t value) {
  pmu::count(c.state, c.system);
  word = value;
  pmu::settle(c.state, c.system);
  return true;
}

}  // namespace

bool read_pmcr(const SysregContext& c, uint64_t& value) {
  return value = c.model.pmcr_identity | c.state.pmcr, true;
}

bool write_pmcr(const SysregContext& c, uint64_t value) {
  pmu::count(c.state, c.system);
  c.state.pmcr = (value & (pmcr::kE | pmcr::kD | pmcr::kX | pmcr::kDp)) | pmcr::kLc;
  if (value & pmcr::kC) c.state.pmccntr = 0;
  pmu::settle(c.state, c.system);
  return true;
}

bool write_pmcntenset(const SysregContext& c, uint64_t value) {
  return change(c, c.state.pmcnten, c.state.pmcnten | (value & kPmuCycleCounter));
}
bool write_pmcntenclr(const SysregContext& c, uint64_t value) {
  return change(c, c.state.pmcnten, c.state.pmcnten & ~(value & kPmuCycleCounter));
}
bool write_pmintenset(const SysregContext& c, uint64_t value) {
  return change(c, c.state.pminten, c.state.pminten | (value & kPmuCycleCounter));
}
bool write_pmintenclr(const SysregContext& c, uint64_t value) {
  return change(c, c.state.pminten, c.state.pminten & ~(value & kPmuCycleCounter));
}

bool read_pmovs(const SysregContext& c, uint64_t& value) {
  look(c);
  return value = c.state.pmovs, true;
}
bool write_pmovsset(const SysregContext& c, uint64_t value) {
  pmu::count(c.state, c.system);  // what is to be set joins what overflowed by now
  return change(c, c.state.pmovs, c.state.pmovs | (value & kPmuCycleCounter));
}
bool write_pmovsclr(const SysregContext& c, uint64_t value) {
  pmu::count(c.state, c.system);
  return change(c, c.state.pmovs, c.state.pmovs & ~(value & kPmuCycleCounter));
}

bool read_pmceid0(const SysregContext&, uint64_t& value) { return value = bit(0x11), true; }  // CPU_CYCLES

bool read_pmccntr(const SysregContext& c, uint64_t& value) {
  look(c);
  return value = c.state.pmccntr, true;
}
bool write_pmccntr(const SysregContext& c, uint64_t value) { return change(c, c.state.pmccntr, value); }

bool write_pmccfiltr(const SysregContext& c, uint64_t value) {
  return change(c, c.state.pmccfiltr, value & (pmccfiltr::kP | pmccfiltr::kU));
}

// PMSELR_EL0.SEL 31 is the cycle counter's filter; there are no others.
bool read_pmxevtyper(const SysregContext& c, uint64_t& value) {
  return value = c.state.pmselr == 31 ? c.state.pmccfiltr : 0, true;
}
bool write_pmxevtyper(const SysregContext& c, uint64_t value) {
  return c.state.pmselr != 31 || write_pmccfiltr(c, value);
}

}  // namespace mynah::arm::sysregs
