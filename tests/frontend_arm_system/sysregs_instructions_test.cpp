// SPDX-License-Identifier: Apache-2.0
//
// System instructions: TLB and cache maintenance, address translation, and which of them end a block.
#include "frontend/arm/sysregs_instructions.h"

#include <gtest/gtest.h>

#include "frontend/arm/exceptions_syndrome.h"
#include "frontend/arm/pstate.h"
#include "frontend/arm/tlbi.h"
#include "tests/frontend_arm_system/fakes.h"

namespace mynah::arm::test {
namespace {

using Scope = TlbInvalidation::Scope;
using Status = AccessResult::Status;

constexpr uint16_t tlbi(unsigned crm, unsigned op2) { return system_key(1, 0, 8, crm, op2); }

class Sys : public testing::Test {
 protected:
  Sys() {
    reset(state, model, {});
    state.tcr = 25 | 25 << 16 | uint64_t{2} << 30 | uint64_t{5} << 32 | uint64_t{1} << 36;
    state.ttbr0 = 0x1000;
    state.mair = 0xff;
    state.sctlr |= 1 | 1 << 2;
  }
  AccessResult run(uint16_t key, uint64_t value) { return execute_sys(state, system, model, key, value, 3); }
  TlbInvalidation last() {
    EXPECT_FALSE(system.invalidations.empty());
    return system.invalidations.back();
  }
  void map_page(uint64_t va, uint64_t leaf) {
    auto& words = system.physical.words;
    words[0x1000 + (va >> 30) * 8] = 0x2000 | 3;
    words[0x2000 + (va >> 21 & 511) * 8] = 0x3000 | 3;
    words[0x3000 + (va >> 12 & 511) * 8] = leaf | 3;
  }

  CpuModel model = model_of("max");
  ArmState state{};
  FakeSystem system;
};

TEST_F(Sys, TlbiForms) {
  struct Case {
    unsigned crm, op2;
    Scope scope;
    bool broadcast, all_asids, last_level;
  };
  const Case cases[] = {
      {7, 0, Scope::kAll, false, false, false},   {3, 0, Scope::kAll, true, false, false},
      {1, 0, Scope::kAll, true, false, false},    {7, 1, Scope::kVa, false, false, false},
      {3, 1, Scope::kVa, true, false, false},     {7, 2, Scope::kAsid, false, false, false},
      {1, 2, Scope::kAsid, true, false, false},   {7, 3, Scope::kVaAllAsid, false, true, false},
      {3, 5, Scope::kVa, true, false, true},      {3, 7, Scope::kVaAllAsid, true, true, true},
      {6, 1, Scope::kRange, false, false, false}, {2, 3, Scope::kRange, true, true, false},
      {5, 5, Scope::kRange, true, false, true},   {6, 7, Scope::kRange, false, true, true},
  };
  const uint64_t argument = uint64_t{0x1234} << 48 | uint64_t{1} << 46 | 0xffffff8000;
  for (const Case& c : cases) {
    SCOPED_TRACE(testing::Message() << "CRm " << c.crm << " op2 " << c.op2);
    ASSERT_TRUE(run(tlbi(c.crm, c.op2), argument).ok());
    EXPECT_EQ(last().scope, c.scope);
    EXPECT_EQ(last().broadcast, c.broadcast);
    EXPECT_EQ(last().all_asids, c.all_asids);
    EXPECT_EQ(last().last_level_only, c.last_level);
    EXPECT_EQ(last().asid, c.scope == Scope::kAll || c.all_asids ? 0 : 0x1234);
  }
}

TEST_F(Sys, TlbiUndefined) {
  for (unsigned op2 : {4u, 6u}) EXPECT_EQ(run(tlbi(7, op2), 0).status, Status::kUndefined);
  for (unsigned crm : {0u, 4u, 8u, 15u}) EXPECT_EQ(run(tlbi(crm, 0), 0).status, Status::kUndefined);
  EXPECT_EQ(run(tlbi(6, 0), 0).status, Status::kUndefined);
  EXPECT_EQ(run(system_key(1, 4, 8, 7, 0), 0).status, Status::kUndefined) << "EL2's";
  EXPECT_EQ(run(system_key(1, 0, 9, 7, 0), 0).status, Status::kUndefined) << "nXS";
  model = model_of("cortex-a72");
  EXPECT_EQ(run(tlbi(1, 0), 0).status, Status::kUndefined) << "outer shareable";
  EXPECT_EQ(run(tlbi(6, 1), 0).status, Status::kUndefined) << "range";
  EXPECT_TRUE(run(tlbi(7, 0), 0).ok());
  select_level(state, 0, 0);
  EXPECT_EQ(run(tlbi(7, 0), 0).status, Status::kUndefined);
}

TEST_F(Sys, TlbiAddresses) {
  run(tlbi(7, 1), 0x12345 | uint64_t{7} << 44);
  EXPECT_EQ(last().va, 0x12345000u);
  EXPECT_EQ(last().pages4k, 1u);
  run(tlbi(7, 1), 0xff8000012345);
  EXPECT_EQ(last().va, 0xffffff8000012345 << 12) << "bit 55 extends";
  state.tcr |= 1 << 14;  // lower half: 64 KiB
  run(tlbi(7, 1), 0x1234f);
  EXPECT_EQ(last().va, 0x12340000u);
  EXPECT_EQ(last().pages4k, 16u);
  state.tcr &= ~(uint64_t{1} << 36);  // 8-bit ASIDs
  run(tlbi(7, 2), uint64_t{0x1234} << 48);
  EXPECT_EQ(last().asid, 0x34);
}

TEST_F(Sys, TlbiRanges) {
  const auto range = [](unsigned tg, unsigned scale, unsigned number, uint64_t base) {
    return uint64_t{tg} << 46 | uint64_t{scale} << 44 | uint64_t{number} << 39 | base;
  };
  run(tlbi(6, 1), range(1, 0, 0, 0x400));
  EXPECT_EQ(last().va, 0x400000u);
  EXPECT_EQ(last().pages4k, 2u);
  run(tlbi(6, 1), range(1, 3, 31, uint64_t{0x1f} << 32));
  EXPECT_EQ(last().va, uint64_t{0xffff'f000'0000'0000} | uint64_t{0xf} << 44);
  EXPECT_EQ(last().pages4k, 32u << 16);
  run(tlbi(6, 1), range(2, 1, 1, 1));
  EXPECT_EQ(last().va, 0x4000u);
  EXPECT_EQ(last().pages4k, 2u * 64 * 4);
  run(tlbi(6, 1), range(3, 1, 0, 1));
  EXPECT_EQ(last().va, 0x10000u);
  EXPECT_EQ(last().pages4k, 64u * 16);
  run(tlbi(6, 1), range(0, 1, 0, 1));
  EXPECT_EQ(last().scope, Scope::kAll) << "reserved granule";
}

TEST_F(Sys, AddressTranslation) {
  constexpr uint64_t kAf = 1 << 10, kUser = 1 << 6, kReadOnly = 1 << 7, kInner = 3 << 8;
  map_page(0x5000, 0x7abcd000 | kAf | kUser | kReadOnly | kInner);
  const auto par = [&](unsigned crm, unsigned op2) {
    EXPECT_TRUE(run(system_key(1, 0, 7, crm, op2), 0x5123).ok());
    return state.par;
  };
  const uint64_t good = uint64_t{0xff} << 56 | 0x7abcd000 | 1 << 11 | 1 << 9 | 3 << 7;
  const uint64_t denied = 1 << 11 | 0x0f << 1 | 1;
  EXPECT_EQ(par(8, 0), good);
  EXPECT_EQ(par(8, 1), denied);
  EXPECT_EQ(par(8, 2), good);
  EXPECT_EQ(par(8, 3), denied);
  state.pan = 1;
  EXPECT_EQ(par(8, 0), good) << "S1E1R ignores PAN";
  EXPECT_EQ(par(9, 0), denied);
  EXPECT_EQ(par(9, 1), denied);
  state.pan = 0;
  EXPECT_EQ(par(9, 0), good);
  EXPECT_TRUE(run(system_key(1, 0, 7, 8, 0), 0x6000).ok());
  EXPECT_EQ(state.par, uint64_t{1 << 11 | 0x07 << 1 | 1});
  system.physical.aborting.insert(0x2000);
  const AccessResult aborted = run(system_key(1, 0, 7, 8, 0), 0x5123);
  EXPECT_EQ(aborted.status, Status::kFault);
  EXPECT_EQ(aborted.esr, 0x96000156u);
  EXPECT_EQ(aborted.far, 0x5123u);
  model = model_of("cortex-a57");
  EXPECT_EQ(run(system_key(1, 0, 7, 9, 0), 0).status, Status::kUndefined);
  select_level(state, 0, 0);
  EXPECT_EQ(run(system_key(1, 0, 7, 8, 0), 0).status, Status::kUndefined);
}

TEST_F(Sys, CacheMaintenanceByAddress) {
  constexpr uint64_t kAf = 1 << 10, kUser = 1 << 6, kReadOnly = 1 << 7;
  map_page(0x5000, 0x5000 | kAf | kReadOnly);
  const uint16_t by_address[] = {system_key(1, 3, 7, 10, 1), system_key(1, 3, 7, 11, 1),
                                 system_key(1, 3, 7, 12, 1), system_key(1, 3, 7, 13, 1),
                                 system_key(1, 3, 7, 14, 1), system_key(1, 3, 7, 5, 1)};
  for (uint16_t key : by_address) {
    SCOPED_TRACE(key);
    select_level(state, 1, 1);
    state.sctlr &= ~(uint64_t{1} << 26);
    EXPECT_TRUE(run(key, 0x5040).ok());
    AccessResult result = run(key, 0x9040);
    EXPECT_EQ(result.status, Status::kFault);
    EXPECT_EQ(result.esr, 0x96000147u);
    EXPECT_EQ(result.far, 0x9040u);
    select_level(state, 0, 0);
    result = run(key, 0x5040);
    EXPECT_EQ(result.status, Status::kTrapped) << "UCI";
    EXPECT_EQ(result.esr, syndrome::system_register(key, 3, false));
    state.sctlr |= 1 << 26;
    EXPECT_EQ(run(key, 0x5040).esr, 0x9200014fu) << "EL0 cannot read it";
    system.physical.words[0x3000 + 5 * 8] |= kUser;
    EXPECT_TRUE(run(key, 0x5040).ok());
    system.physical.words[0x3000 + 5 * 8] &= ~kUser;
  }
  EXPECT_EQ(system.instruction_invalidations, 2u);
  select_level(state, 1, 1);
  EXPECT_EQ(run(system_key(1, 0, 7, 6, 1), 0x5000).esr, 0x9600014fu) << "DC IVAC wants to write";
  for (auto [crm, op2] : {std::pair{6, 2}, {10, 2}, {14, 2}, {1, 0}, {5, 0}}) {
    EXPECT_TRUE(run(system_key(1, 0, 7, crm, op2), 0).ok());
  }
  model = model_of("cortex-a57");
  EXPECT_EQ(run(by_address[2], 0x5000).status, Status::kUndefined) << "DC CVAP";
  EXPECT_EQ(run(by_address[3], 0x5000).status, Status::kUndefined) << "DC CVADP";
}

TEST_F(Sys, ZeroBlock) {
  EXPECT_TRUE(run(kDcZva, 0x5000).ok());
  select_level(state, 0, 0);
  EXPECT_EQ(run(kDcZva, 0x5000).status, Status::kTrapped);
  state.sctlr |= 1 << 14;
  EXPECT_TRUE(run(kDcZva, 0x5000).ok());
}

TEST_F(Sys, BlockEnds) {
  EXPECT_TRUE(sys_ends_block(tlbi(7, 0)));
  EXPECT_TRUE(sys_ends_block(system_key(1, 3, 7, 5, 1)));
  EXPECT_FALSE(sys_ends_block(system_key(1, 3, 7, 14, 1)));
  EXPECT_FALSE(sys_ends_block(kDcZva));
}

TEST_F(Sys, AnyEncodingIsHarmless) {
  for (unsigned key = 0; key < 0x10000; ++key) {
    for (uint8_t el : {0, 1}) {
      select_level(state, el, el);
      run(static_cast<uint16_t>(key), ~uint64_t{0});
      uint64_t value;
      sysregs::read(state, system, model, static_cast<uint16_t>(key), value);
      sysregs::display_name(static_cast<uint16_t>(key));
    }
  }
}

}  // namespace
}  // namespace mynah::arm::test
