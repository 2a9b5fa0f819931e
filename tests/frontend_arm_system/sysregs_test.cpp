// SPDX-License-Identifier: Apache-2.0
//
// System registers: every row's access, traps, reserved bits, and who is told of a change.
#include "frontend/arm/sysregs.h"

#include <gtest/gtest.h>

#include <set>

#include "frontend/arm/exceptions_syndrome.h"
#include "frontend/arm/pstate.h"
#include "tests/frontend_arm_system/fakes.h"

namespace mynah::arm::test {
namespace {

using Status = AccessResult::Status;

class Sysregs : public testing::Test {
 protected:
  Sysregs() { reset(state, model, {}); }
  uint64_t get(uint16_t key) {
    uint64_t value = 0xdead;
    EXPECT_TRUE(sysregs::read(state, system, model, key, value).ok()) << sysregs::display_name(key);
    return value;
  }
  void set(uint16_t key, uint64_t value) {
    EXPECT_TRUE(sysregs::write(state, system, model, key, value).ok()) << sysregs::display_name(key);
  }
  Status read_status(uint16_t key) {
    uint64_t value;
    return sysregs::read(state, system, model, key, value).status;
  }
  Status write_status(uint16_t key) { return sysregs::write(state, system, model, key, 0).status; }
  void to_el0() { select_level(state, 0, 0); }

  CpuModel model = model_of("max");
  ArmState state{};
  FakeSystem system;
};

uint16_t key_of(std::string_view name) {
  for (const SysregRow& row : sysregs::all()) {
    if (row.name == name) return row.key;
  }
  ADD_FAILURE() << "no register " << name;
  return 0;
}

TEST_F(Sysregs, TableIsSane) {
  std::set<uint16_t> keys;
  std::set<std::string_view> names;
  for (const SysregRow& row : sysregs::all()) {
    SCOPED_TRACE(row.name);
    EXPECT_TRUE(keys.insert(row.key).second);
    EXPECT_TRUE(names.insert(row.name).second);
    EXPECT_EQ(sysregs::find(row.key), &row);
    EXPECT_NE(row.access, 0);
    EXPECT_TRUE(row.key >> 14 == 2 || row.key >> 14 == 3);
    const bool readable = row.access & (kEl0Read | kEl1Read), writable = row.access & (kEl0Write | kEl1Write);
    const bool word = row.offset >= 0;
    EXPECT_TRUE(!word || size_t(row.offset) + row.size <= sizeof(ArmState));
    EXPECT_TRUE(!(readable) || (word || row.read));
    EXPECT_TRUE(!(writable) || (word || row.write));
    EXPECT_TRUE(!(row.flags & kInlineReadable) || (word && !row.read));
    EXPECT_TRUE(!(row.flags & kInlineWritable) || (word && !row.write));
    // EL0 never has an access that EL1 lacks.
    EXPECT_EQ((row.access & 3) & ~(row.access >> 2), 0);
    // op1 3 is what EL0 may reach at all.
    EXPECT_TRUE(!(row.access & (kEl0Read | kEl0Write)) || (row.key >> 11 & 7) == 3);
  }
}

// Every row at every level, against its access column and nothing else (all gates open).
TEST_F(Sysregs, EveryRowsAccess) {
  for (const SysregRow& row : sysregs::all()) {
    if (row.flags & kExternal) system.external[row.key] = 0;
  }
  for (const char* name : {"max", "cortex-a57"}) {
    model = model_of(name);
    for (const SysregRow& row : sysregs::all()) {
      for (uint8_t el : {0, 1}) {
        for (bool write : {false, true}) {
          SCOPED_TRACE(testing::Message()
                       << name << " " << row.name << " el" << int(el) << (write ? " write" : " read"));
          ArmState fresh{};
          reset(fresh, model, {});
          state = fresh;
          state.cpacr = 3 << 20;
          state.pmuseren = 15;
          state.cntkctl = 0x3ff;
          state.sctlr |= 1 << 9 | 1 << 15;
          state.sctlr &= ~(uint64_t{1} << 20);
          select_level(state, el, el);
          const uint8_t needed = el == 0 ? (write ? kEl0Write : kEl0Read) : (write ? kEl1Write : kEl1Read);
          const bool ok = (row.access & needed) && model.has(row.feature);
          EXPECT_EQ(write ? write_status(row.key) : read_status(row.key),
                    ok ? Status::kOk : Status::kUndefined);
        }
      }
    }
  }
}

TEST_F(Sysregs, GatesTrapFromEl0) {
  for (const SysregRow& row : sysregs::all()) {
    if (row.flags & kExternal) system.external[row.key] = 0;
  }
  to_el0();
  state.cpacr = 3 << 20;
  state.mdscr = 1 << 12;
  for (const SysregRow& row : sysregs::all()) {
    if (!(row.access & kEl0Read) || row.gate == Gate::kNone || row.gate == Gate::kFp ||
        !model.has(row.feature))
      continue;
    uint64_t value;
    const AccessResult result = sysregs::read(state, system, model, row.key, value, 9);
    EXPECT_EQ(result.status, Status::kTrapped) << row.name;
    EXPECT_EQ(result.esr, syndrome::system_register(row.key, 9, true)) << row.name;
  }
}

TEST_F(Sysregs, EachGate) {
  struct Case {
    const char* name;
    bool write;
    void (*open)(ArmState&);
  };
  const Case cases[] = {
      {"CTR_EL0", false, [](ArmState& s) { s.sctlr |= 1 << 15; }},
      {"DAIF", true, [](ArmState& s) { s.sctlr |= 1 << 9; }},
      {"PMCR_EL0", false, [](ArmState& s) { s.pmuseren = 1; }},
      {"PMCCNTR_EL0", false, [](ArmState& s) { s.pmuseren = 4; }},
      {"PMCCNTR_EL0", true, [](ArmState& s) { s.pmuseren = 1; }},
      {"PMXEVCNTR_EL0", false, [](ArmState& s) { s.pmuseren = 8; }},
      {"PMSELR_EL0", true, [](ArmState& s) { s.pmuseren = 8; }},
      {"PMSWINC_EL0", true, [](ArmState& s) { s.pmuseren = 2; }},
      {"CNTFRQ_EL0", false, [](ArmState& s) { s.cntkctl = 1; }},
      {"CNTFRQ_EL0", false, [](ArmState& s) { s.cntkctl = 2; }},
      {"CNTPCT_EL0", false, [](ArmState& s) { s.cntkctl = 1; }},
      {"CNTVCT_EL0", false, [](ArmState& s) { s.cntkctl = 2; }},
      {"CNTV_CTL_EL0", true, [](ArmState& s) { s.cntkctl = 1 << 8; }},
      {"CNTP_CVAL_EL0", true, [](ArmState& s) { s.cntkctl = 1 << 9; }},
  };
  for (const Case& c : cases) {
    reset(state, model, {});
    to_el0();
    const uint16_t key = key_of(c.name);
    system.external[key] = 0;
    EXPECT_EQ(c.write ? write_status(key) : read_status(key), Status::kTrapped) << c.name;
    c.open(state);
    EXPECT_EQ(c.write ? write_status(key) : read_status(key), Status::kOk) << c.name;
  }
  state.pmuseren = 4;
  EXPECT_EQ(write_status(key_of("PMCCNTR_EL0")), Status::kTrapped) << "CR is for reads";
}

TEST_F(Sysregs, FpTraps) {
  for (const auto& [fpen, el0, el1] :
       {std::tuple{0u, true, true}, {1u, true, false}, {2u, true, true}, {3u, false, false}}) {
    reset(state, model, {});
    state.cpacr = uint64_t{fpen} << 20;
    EXPECT_EQ(read_status(key_of("FPCR")), el1 ? Status::kTrapped : Status::kOk);
    to_el0();
    uint64_t value;
    const AccessResult result = sysregs::read(state, system, model, key_of("FPSR"), value);
    EXPECT_EQ(result.status, el0 ? Status::kTrapped : Status::kOk);
    EXPECT_EQ(result.esr, el0 ? syndrome::fp_access() : 0);
  }
}

TEST_F(Sysregs, ReservedBitsStayZero) {
  const auto stored = [&](const char* name, uint64_t value) {
    set(key_of(name), value);
    return get(key_of(name));
  };
  state.cpacr = 3 << 20;
  EXPECT_EQ(stored("VBAR_EL1", ~uint64_t{0}), ~uint64_t{0x7ff});
  EXPECT_EQ(stored("CPACR_EL1", 3 << 20), 3u << 20);
  EXPECT_EQ(stored("FPCR", ~uint64_t{0}), 0x07c80000u);
  EXPECT_EQ(stored("FPSR", ~uint64_t{0}), 0x0800009fu);
  EXPECT_EQ(stored("ESR_EL1", ~uint64_t{0}), 0xffffffffu);
  EXPECT_EQ(stored("ACTLR_EL1", ~uint64_t{0}), 0u);
  EXPECT_EQ(stored("CNTKCTL_EL1", ~uint64_t{0}), 0x3ffu);
  EXPECT_EQ(stored("SPSR_EL1", ~uint64_t{0}), 0xf1f01fdfu | 1u << 23);
  EXPECT_EQ(stored("SCTLR_EL1", 0), sctlr_res1(model));
  EXPECT_EQ(stored("SCTLR_EL1", ~uint64_t{0}) & (uint64_t{1} << 24 | uint64_t{1} << 25), 0u)
      << "big-endian data";
  EXPECT_EQ(stored("TCR_EL1", ~uint64_t{0}), 0x019807f7ffffffbfu);
  model = model_of("cortex-a57");
  reset(state, model, {});
  state.cpacr = 3 << 20;
  EXPECT_EQ(stored("FPCR", ~uint64_t{0}), 0x07c00000u);
  EXPECT_EQ(stored("SPSR_EL1", ~uint64_t{0}), 0xf03003dfu);
  EXPECT_EQ(stored("TCR_EL1", ~uint64_t{0}), 0x00000077ffffffbfu);
  EXPECT_EQ(stored("SCTLR_EL1", ~uint64_t{0}) >> 32, 0u);
  EXPECT_EQ(read_status(key_of("APIAKeyLo_EL1")), Status::kUndefined);
}

TEST_F(Sysregs, TranslationChangesAreTold) {
  for (const char* name : {"SCTLR_EL1", "TCR_EL1", "TTBR0_EL1", "TTBR1_EL1", "MAIR_EL1", "PAN"}) {
    const unsigned before = system.translation_changes;
    set(key_of(name), 0);
    EXPECT_EQ(system.translation_changes, before + 1) << name;
  }
  set(key_of("TPIDR_EL0"), 1);
  EXPECT_EQ(system.translation_changes, 6u);
}

TEST_F(Sysregs, IdentificationSpace) {
  EXPECT_EQ(get(system_key(3, 0, 0, 4, 0)), model.id[32]);
  EXPECT_EQ(get(system_key(3, 0, 0, 6, 1)), model.id[49]);
  for (unsigned crm = 1; crm < 8; ++crm) {
    for (unsigned op2 = 0; op2 < 8; ++op2) {
      const uint16_t key = system_key(3, 0, 0, crm, op2);
      EXPECT_EQ(get(key), model.id[crm * 8 + op2]);
      EXPECT_EQ(write_status(key), Status::kUndefined);
    }
  }
  EXPECT_EQ(sysregs::find(system_key(3, 0, 0, 0, 1)), nullptr);
  EXPECT_EQ(sysregs::find(system_key(3, 0, 0, 8, 0)), nullptr);
  EXPECT_EQ(sysregs::display_name(system_key(3, 0, 0, 6, 1)), "ID_AA64ISAR1_EL1");
  EXPECT_EQ(sysregs::display_name(system_key(3, 0, 15, 2, 0)), "S3_0_C15_C2_0");
  EXPECT_EQ(get(key_of("MIDR_EL1")), model.midr);
  to_el0();
  EXPECT_EQ(read_status(system_key(3, 0, 0, 4, 0)), Status::kUndefined);
}

TEST_F(Sysregs, Caches) {
  set(key_of("CSSELR_EL1"), 1);
  EXPECT_EQ(get(key_of("CCSIDR_EL1")), 0x201fe012u);
  set(key_of("CSSELR_EL1"), 2);
  EXPECT_EQ(get(key_of("CCSIDR_EL1")), 0x70ffe07au);
  set(key_of("CSSELR_EL1"), 15);
  EXPECT_EQ(get(key_of("CCSIDR_EL1")), 0u);
  EXPECT_EQ(get(key_of("CTR_EL0")) & (3 << 28), 0u) << "no IDC, no DIC";
  EXPECT_EQ(get(key_of("DCZID_EL0")), 4u);
  to_el0();
  EXPECT_EQ(get(key_of("DCZID_EL0")), 0x14u);
  state.sctlr |= 1 << 14;
  EXPECT_EQ(get(key_of("DCZID_EL0")), 4u);
}

TEST_F(Sysregs, Pstate) {
  EXPECT_EQ(get(key_of("CurrentEL")), 4u);
  EXPECT_EQ(get(key_of("DAIF")), 0x3c0u);
  set(key_of("DAIF"), 0x80);
  EXPECT_EQ(state.daif, kDaifI);
  set(key_of("NZCV"), 0xffffffff);
  EXPECT_EQ(get(key_of("NZCV")), 0xf0000000u);
  set(key_of("PAN"), 1 << 22);
  EXPECT_EQ(get(key_of("PAN")), 1u << 22);
  set(key_of("UAO"), 1 << 23);
  EXPECT_EQ(get(key_of("UAO")), 1u << 23);
  set(key_of("DIT"), 1 << 24);
  EXPECT_EQ(get(key_of("DIT")), 1u << 24);
  set(key_of("SSBS"), 1 << 12);
  EXPECT_EQ(get(key_of("SSBS")), 1u << 12);
  EXPECT_EQ(pack_pstate(state), 0xf1c01085u);

  state.sp() = 0x1111;
  set(key_of("SP_EL0"), 0x2222);
  set(key_of("SPSel"), 0);
  EXPECT_EQ(state.sp(), 0x2222u);
  EXPECT_EQ(read_status(key_of("SP_EL0")), Status::kUndefined);
  set(key_of("SPSel"), 1);
  EXPECT_EQ(state.sp(), 0x1111u);

  state.irq_pending = 1;
  EXPECT_EQ(get(key_of("ISR_EL1")), 0x80u);
  state.fiq_pending = 1;
  EXPECT_EQ(get(key_of("ISR_EL1")), 0xc0u);
}

TEST_F(Sysregs, ImmediateForms) {
  const auto immediate = [&](unsigned op1, unsigned op2, unsigned value) {
    return sysregs::write_immediate(state, system, model, op1, op2, value);
  };
  EXPECT_TRUE(immediate(3, 7, 0xf).ok());
  EXPECT_EQ(state.daif, 0);
  EXPECT_TRUE(immediate(3, 6, 2).ok());
  EXPECT_EQ(state.daif, kDaifI);
  EXPECT_TRUE(immediate(0, 4, 1).ok());
  EXPECT_EQ(state.pan, 1);
  EXPECT_EQ(system.translation_changes, 1u);
  EXPECT_TRUE(immediate(0, 3, 1).ok());
  EXPECT_TRUE(immediate(3, 1, 1).ok());
  EXPECT_TRUE(immediate(3, 2, 1).ok());
  EXPECT_TRUE(state.uao && state.ssbs && state.dit);
  EXPECT_TRUE(immediate(0, 5, 0).ok());
  EXPECT_EQ(state.spsel, 0);
  EXPECT_EQ(immediate(3, 4, 0).status, Status::kUndefined) << "TCO";
  to_el0();
  EXPECT_EQ(immediate(0, 4, 0).status, Status::kUndefined);
  EXPECT_EQ(immediate(0, 5, 0).status, Status::kUndefined);
  EXPECT_EQ(immediate(3, 6, 2).status, Status::kTrapped);
  EXPECT_EQ(immediate(3, 6, 2).esr,
            0x18u << 26 | 1u << 25 | 6u << 17 | 3u << 14 | 4u << 10 | 31u << 5 | 2u << 1);
  state.sctlr |= 1 << 9;
  EXPECT_TRUE(immediate(3, 6, 2).ok());
  model = model_of("cortex-a57");
  for (auto [op1, op2] : {std::pair{0, 3}, {0, 4}, {3, 1}, {3, 2}}) {
    EXPECT_EQ(immediate(op1, op2, 0).status, Status::kUndefined);
  }
}

TEST_F(Sysregs, Random) {
  set_nzcv(state, 0xf0000000);
  for (const char* name : {"RNDR", "RNDRRS"}) {
    EXPECT_EQ(get(key_of(name)), 0x0123456789abcdefu);
    EXPECT_EQ(get_nzcv(state), 0u);
  }
  system.random_number.reset();
  EXPECT_EQ(get(key_of("RNDR")), 0u);
  EXPECT_EQ(get_nzcv(state), 0x40000000u);
}

TEST_F(Sysregs, Debug) {
  EXPECT_EQ(get(key_of("OSLSR_EL1")), 10u);
  set(key_of("MDSCR_EL1"), 0xffffffff);
  EXPECT_EQ(get(key_of("MDSCR_EL1")), 0x6ce0f041u);
  set(key_of("OSLAR_EL1"), 0);
  EXPECT_EQ(get(key_of("OSLSR_EL1")), 8u);
  set(key_of("MDSCR_EL1"), 1);
  EXPECT_EQ(get(key_of("MDSCR_EL1")), 0x6ce04041u) << "the debugger's fields are read-only now";
  set(key_of("DBGCLAIMSET_EL1"), 0x15);
  EXPECT_EQ(get(key_of("DBGCLAIMSET_EL1")), 0xffu);
  set(key_of("DBGCLAIMCLR_EL1"), 0x11);
  EXPECT_EQ(get(key_of("DBGCLAIMCLR_EL1")), 4u);
  for (unsigned n = 0; n < 16; ++n) {
    for (unsigned op2 : {4u, 5u, 6u, 7u}) {
      const uint16_t key = system_key(2, 0, 0, n, op2);
      const bool there = n < (op2 < 6 ? 6u : 4u);
      EXPECT_EQ(write_status(key), there ? Status::kOk : Status::kUndefined);
      EXPECT_EQ(read_status(key), there ? Status::kOk : Status::kUndefined);
    }
  }
  set(system_key(2, 0, 0, 3, 4), 0xffff000012345677);
  EXPECT_EQ(state.dbgbvr[3], 0xffff000012345677u);  // whole: it may be a context's id
  set(system_key(2, 0, 0, 2, 7), ~uint64_t{0});
  EXPECT_EQ(get(system_key(2, 0, 0, 2, 7)), 0x1f1fffffu);
  EXPECT_EQ(sysregs::display_name(system_key(2, 0, 0, 11, 5)), "DBGBCR11_EL1");
}

TEST_F(Sysregs, CycleCounter) {
  system.cycles = 1000;
  EXPECT_EQ(get(key_of("PMCCNTR_EL0")), 0u);
  set(key_of("PMCCNTR_EL0"), 50);
  system.cycles = 2000;
  EXPECT_EQ(get(key_of("PMCCNTR_EL0")), 50u) << "stands still";
  set(key_of("PMCNTENSET_EL0"), 0xffffffff);
  EXPECT_EQ(get(key_of("PMCNTENCLR_EL0")), 0x8000003fu) << "no others";
  set(key_of("PMCR_EL0"), 1);
  EXPECT_EQ(get(key_of("PMCR_EL0")), (0x3000u | 0x41u));
  system.cycles = 2100;
  EXPECT_EQ(get(key_of("PMCCNTR_EL0")), 150u);
  set(key_of("PMCNTENCLR_EL0"), 0x80000000);
  system.cycles = 2200;
  EXPECT_EQ(get(key_of("PMCCNTR_EL0")), 150u);
  set(key_of("PMCNTENSET_EL0"), 0x80000000);
  set(key_of("PMCCNTR_EL0"), 7);
  system.cycles = 2201;
  EXPECT_EQ(get(key_of("PMCCNTR_EL0")), 8u);
  set(key_of("PMCR_EL0"), 1 | 1 << 2);
  EXPECT_EQ(get(key_of("PMCCNTR_EL0")), 0u);
  set(key_of("PMSELR_EL0"), 31);
  set(key_of("PMXEVTYPER_EL0"), 0xffffffff);
  EXPECT_EQ(get(key_of("PMCCFILTR_EL0")), 0xc0000000u);
  set(key_of("PMINTENSET_EL1"), 0x80000000);
  EXPECT_EQ(get(key_of("PMINTENCLR_EL1")), 0x80000000u);
}

TEST_F(Sysregs, CycleCounterOverflow) {
  set(key_of("PMCCNTR_EL0"), ~uint64_t{0} - 99);
  set(key_of("PMCNTENSET_EL0"), 0x80000000);
  set(key_of("PMCR_EL0"), 1);
  EXPECT_EQ(system.call_after, 0u) << "nobody would be interrupted";
  set(key_of("PMINTENSET_EL1"), 0x80000000);
  EXPECT_EQ(system.call_after, 100u);
  system.cycles += 99;
  EXPECT_EQ(get(key_of("PMOVSCLR_EL0")), 0u);
  EXPECT_EQ(system.call_after, 1u);
  EXPECT_FALSE(system.pmu_interrupt);
  system.cycles += 1;
  EXPECT_EQ(get(key_of("PMOVSSET_EL0")), 0x80000000u) << "seen before the call comes";
  EXPECT_TRUE(system.pmu_interrupt);
  EXPECT_EQ(system.call_after, 0u);
  EXPECT_EQ(get(key_of("PMCCNTR_EL0")), 0u);
  set(key_of("PMOVSCLR_EL0"), 0x7fffffff);
  EXPECT_TRUE(system.pmu_interrupt);
  set(key_of("PMOVSCLR_EL0"), 0x80000000);
  EXPECT_FALSE(system.pmu_interrupt);
  EXPECT_EQ(system.call_after, 0u) << "2^64 cycles are beyond all counting";
  set(key_of("PMOVSSET_EL0"), 0x80000000);
  EXPECT_TRUE(system.pmu_interrupt);
  set(key_of("PMCR_EL0"), 0);
  EXPECT_FALSE(system.pmu_interrupt);
  set(key_of("PMCR_EL0"), 1);
  EXPECT_TRUE(system.pmu_interrupt);
  set(key_of("PMINTENCLR_EL1"), 0x80000000);
  EXPECT_FALSE(system.pmu_interrupt);
  // The counter's own writes do not overflow it.
  set(key_of("PMOVSCLR_EL0"), 0x80000000);
  set(key_of("PMCCNTR_EL0"), ~uint64_t{0});
  set(key_of("PMCR_EL0"), 1 | 1 << 2);
  set(key_of("PMCCNTR_EL0"), 5);
  EXPECT_EQ(get(key_of("PMOVSCLR_EL0")), 0u);
}

TEST_F(Sysregs, EventCounters) {
  EXPECT_EQ(get(key_of("PMCR_EL0")) >> 11 & 31, 6u);
  EXPECT_EQ(get(key_of("PMCEID0_EL0")), 0x48020701u);
  set(key_of("PMEVTYPER0_EL0"), 0xffffffff);
  EXPECT_EQ(get(key_of("PMEVTYPER0_EL0")), 0xc00003ffu);
  // By number and by selection.
  for (unsigned n = 0; n < 6; ++n) {
    set(key_of("PMSELR_EL0"), n);
    set(key_of("PMXEVTYPER_EL0"), n == 0 ? 0x08 : n == 1 ? 0x11 : n == 2 ? 0x00 : 0x3ff);
    set(key_of("PMXEVCNTR_EL0"), 0x100000000 + n);
    EXPECT_EQ(get(key_of("PMXEVCNTR_EL0")), n) << "32 bits";
  }
  set(key_of("PMSELR_EL0"), 6);
  set(key_of("PMXEVCNTR_EL0"), 1);
  EXPECT_EQ(get(key_of("PMXEVCNTR_EL0")), 0u);
  set(key_of("PMCNTENSET_EL0"), ~uint64_t{0});
  EXPECT_EQ(get(key_of("PMCNTENSET_EL0")), 0x8000003fu);
  set(key_of("PMCR_EL0"), 1);
  system.instructions += 100;
  system.cycles += 70;
  set(key_of("PMSWINC_EL0"), 4 | 8);
  EXPECT_EQ(get(key_of("PMEVCNTR0_EL0")), 100u);
  EXPECT_EQ(get(key_of("PMEVCNTR1_EL0")), 71u);
  EXPECT_EQ(get(key_of("PMEVCNTR2_EL0")), 3u);
  EXPECT_EQ(get(key_of("PMEVCNTR3_EL0")), 3u) << "counts nothing";
  set(key_of("PMEVTYPER0_EL0"), 0x80000008);  // not at EL1
  system.instructions += 100;
  EXPECT_EQ(get(key_of("PMEVCNTR0_EL0")), 100u);
  set(key_of("PMCR_EL0"), 1 | 2);  // P
  EXPECT_EQ(get(key_of("PMEVCNTR1_EL0")), 0u);
}

TEST_F(Sysregs, EventCountersOverflowAndChain) {
  set(key_of("PMEVTYPER2_EL0"), 0x08);
  set(key_of("PMEVTYPER3_EL0"), 0x1e);
  set(key_of("PMEVCNTR2_EL0"), 0xffffff00);
  set(key_of("PMEVCNTR3_EL0"), 0xffffffff);
  set(key_of("PMCNTENSET_EL0"), 4 | 8);
  set(key_of("PMINTENSET_EL1"), 8);
  set(key_of("PMCR_EL0"), 1);
  EXPECT_EQ(system.call_after, 0x100u) << "the lower one's overflow goes on to the upper";
  system.instructions += 0xff;
  EXPECT_EQ(get(key_of("PMOVSCLR_EL0")), 0u);
  EXPECT_FALSE(system.pmu_interrupt);
  system.instructions += 3;
  EXPECT_EQ(get(key_of("PMOVSCLR_EL0")), 4u | 8u);
  EXPECT_TRUE(system.pmu_interrupt);
  EXPECT_EQ(get(key_of("PMEVCNTR2_EL0")), 2u);
  EXPECT_EQ(get(key_of("PMEVCNTR3_EL0")), 0u);
  set(key_of("PMOVSCLR_EL0"), 8);
  EXPECT_FALSE(system.pmu_interrupt) << "the lower one has none";
}

TEST_F(Sysregs, CycleCounterFilter) {
  set(key_of("PMCNTENSET_EL0"), 0x80000000);
  set(key_of("PMINTENSET_EL1"), 0x80000000);
  set(key_of("PMCR_EL0"), 1);
  set(key_of("PMCCNTR_EL0"), 100);
  system.cycles += 10;
  set(key_of("PMCCFILTR_EL0"), 0x80000000);  // not at EL1
  system.cycles += 10;
  EXPECT_EQ(get(key_of("PMCCNTR_EL0")), 110u);
  EXPECT_EQ(system.call_after, 0u);
  set(key_of("PMCCFILTR_EL0"), 0x40000000);  // not at EL0
  system.cycles += 10;
  EXPECT_EQ(get(key_of("PMCCNTR_EL0")), 120u);
  EXPECT_EQ(system.call_after, ~uint64_t{0} - 119);
}

TEST_F(Sysregs, EventStream) {
  set(key_of("CNTKCTL_EL1"), 0xfffffcd7);  // EVNTEN, rising, EVNTI 13, the gates
  EXPECT_EQ(get(key_of("CNTKCTL_EL1")), 0xd7u) << "EVNTIS is of FEAT_ECV";
  EXPECT_TRUE(system.event_stream.enabled);
  EXPECT_EQ(system.event_stream.bit, 13u);
  EXPECT_FALSE(system.event_stream.falling);
  set(key_of("CNTKCTL_EL1"), 0x38);
  EXPECT_FALSE(system.event_stream.enabled);
  EXPECT_EQ(system.event_stream.bit, 3u);
  EXPECT_TRUE(system.event_stream.falling);
}

TEST_F(Sysregs, External) {
  const uint16_t iar = key_of("ICC_IAR1_EL1");
  EXPECT_EQ(read_status(iar), Status::kUndefined) << "a board without GICv3";
  system.external[iar] = 1023;
  EXPECT_EQ(get(iar), 1023u);
  EXPECT_EQ(write_status(iar), Status::kUndefined);
  to_el0();
  EXPECT_EQ(read_status(iar), Status::kUndefined);
}

}  // namespace
}  // namespace mynah::arm::test
