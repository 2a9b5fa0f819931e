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
  constexpr unsigned kNShift = 11;
  return value = c.model.pmcr_identity | uint64_t{pmu::kCounters} << kNShift | c.state.pmcr, true;
}

bool write_pmcr(const SysregContext& c, uint64_t value) {
  pmu::count(c.state, c.system);
  c.state.pmcr = (value & (pmcr::kE | pmcr::kD | pmcr::kX | pmcr::kDp)) | pmcr::kLc;
  if (value & pmcr::kC) c.state.pmccntr = 0;
  if (value & pmcr::kP) c.state.pmevcntr.fill(0);
  pmu::settle(c.state, c.system);
  return true;
}

bool write_pmcntenset(const SysregContext& c, uint64_t value) {
  return change(c, c.state.pmcnten, c.state.pmcnten | (value & kPmuCounters));
}
bool write_pmcntenclr(const SysregContext& c, uint64_t value) {
  return change(c, c.state.pmcnten, c.state.pmcnten & ~(value & kPmuCounters));
}
bool write_pmintenset(const SysregContext& c, uint64_t value) {
  return change(c, c.state.pminten, c.state.pminten | (value & kPmuCounters));
}
bool write_pmintenclr(const SysregContext& c, uint64_t value) {
  return change(c, c.state.pminten, c.state.pminten & ~(value & kPmuCounters));
}

bool read_pmovs(const SysregContext& c, uint64_t& value) {
  look(c);
  return value = c.state.pmovs, true;
}
bool write_pmovsset(const SysregContext& c, uint64_t value) {
  pmu::count(c.state, c.system);  // what is to be set joins what overflowed by now
  return change(c, c.state.pmovs, c.state.pmovs | (value & kPmuCounters));
}
bool write_pmovsclr(const SysregContext& c, uint64_t value) {
  pmu::count(c.state, c.system);
  return change(c, c.state.pmovs, c.state.pmovs & ~(value & kPmuCounters));
}

bool read_pmceid0(const SysregContext&, uint64_t& value) { return value = pmu::kEvents, true; }

bool write_pmswinc(const SysregContext& c, uint64_t value) {
  pmu::count(c.state, c.system);
  pmu::happened(c.state, pmu::kSoftwareIncrement, value);
  pmu::settle(c.state, c.system);
  return true;
}

bool read_pmccntr(const SysregContext& c, uint64_t& value) {
  look(c);
  return value = c.state.pmccntr, true;
}
bool write_pmccntr(const SysregContext& c, uint64_t value) { return change(c, c.state.pmccntr, value); }

bool write_pmccfiltr(const SysregContext& c, uint64_t value) {
  return change(c, c.state.pmccfiltr, value & (pmccfiltr::kP | pmccfiltr::kU));
}

bool read_pmevcntr(const SysregContext& c, unsigned n, uint64_t& value) {
  look(c);
  return value = n < pmu::kCounters ? c.state.pmevcntr[n] : 0, true;
}
bool write_pmevcntr(const SysregContext& c, unsigned n, uint64_t value) {
  return n >= pmu::kCounters || change(c, c.state.pmevcntr[n], value & 0xffffffff);
}
bool read_pmevtyper(const SysregContext& c, unsigned n, uint64_t& value) {
  return value = n < pmu::kCounters ? c.state.pmevtyper[n] : 0, true;
}
bool write_pmevtyper(const SysregContext& c, unsigned n, uint64_t value) {
  constexpr uint64_t kWritable = pmccfiltr::kP | pmccfiltr::kU | kPmuEventMask;
  return n >= pmu::kCounters || change(c, c.state.pmevtyper[n], value & kWritable);
}

// PMSELR_EL0.SEL 31 is the cycle counter's filter, and no counter.
bool read_pmxevtyper(const SysregContext& c, uint64_t& value) {
  if (c.state.pmselr == 31) return value = c.state.pmccfiltr, true;
  return read_pmevtyper(c, static_cast<unsigned>(c.state.pmselr), value);
}
bool write_pmxevtyper(const SysregContext& c, uint64_t value) {
  if (c.state.pmselr == 31) return write_pmccfiltr(c, value);
  return write_pmevtyper(c, static_cast<unsigned>(c.state.pmselr), value);
}
bool read_pmxevcntr(const SysregContext& c, uint64_t& value) {
  return read_pmevcntr(c, static_cast<unsigned>(c.state.pmselr), value);
}
bool write_pmxevcntr(const SysregContext& c, uint64_t value) {
  return write_pmevcntr(c, static_cast<unsigned>(c.state.pmselr), value);
}

}  // namespace mynah::arm::sysregs
