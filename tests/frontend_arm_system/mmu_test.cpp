// SPDX-License-Identifier: Apache-2.0
//
// Table walks against expectations that are written down, not computed the way the walk computes them.
#include "frontend/arm/mmu.h"

#include <gtest/gtest.h>

#include "tests/frontend_arm_system/fakes.h"

namespace mynah::arm::test {
namespace {

constexpr uint64_t kAf = 1 << 10, kInnerShareable = 3 << 8, kNg = 1 << 11;
constexpr uint64_t kUxn = uint64_t{1} << 54, kPxn = uint64_t{1} << 53, kDbm = uint64_t{1} << 51;
constexpr uint64_t kTcrHa = uint64_t{1} << 39, kTcrHd = uint64_t{1} << 40;
constexpr uint64_t kIps48 = uint64_t{5} << 32;

// A state with translation on: T0SZ = T1SZ, one granule for both halves.
ArmState make_state(unsigned granule, unsigned size_offset) {
  ArmState state{};
  state.el = 1;
  state.pa_bits = 48;
  state.granule_16k = 1;
  state.sctlr = 1 | 1 << 2;
  const uint64_t tg0 = granule == 12   ? 0
                       : granule == 14 ? 2
                                       : 1,
                 tg1 = granule == 12   ? 2
                       : granule == 14 ? 1
                                       : 3;
  state.tcr = size_offset | size_offset << 16 | tg0 << 14 | tg1 << 30 | kIps48;
  state.ttbr0 = 0x10000000;
  state.ttbr1 = 0x20000000;
  state.mair = 0x00000000ff440400;  // 0 nGnRnE, 1 nGnRE, 2 non-cacheable, 3 write-back
  return state;
}

// Levels and index fields, from the manual's figures: {granule, level, lowest bit, bits}.
struct LevelRow {
  unsigned granule, level, low, bits;
};
constexpr LevelRow kLevels[] = {
    {12, 0, 39, 9},  {12, 1, 30, 9},  {12, 2, 21, 9},  {12, 3, 12, 9},  {14, 0, 47, 1},  {14, 1, 36, 11},
    {14, 2, 25, 11}, {14, 3, 14, 11}, {16, 1, 42, 13}, {16, 2, 29, 13}, {16, 3, 16, 13},
};

const LevelRow& level_row(unsigned granule, unsigned level) {
  for (const LevelRow& row : kLevels) {
    if (row.granule == granule && row.level == level) return row;
  }
  throw std::logic_error("no such level");
}

// Maps va down to `leaf_level`; tables at 0x40000000 + level * 0x1000000. Returns the leaf's address.
uint64_t map(FakeMemory& memory, uint64_t root, unsigned granule, unsigned first_level, unsigned leaf_level,
             uint64_t va, uint64_t leaf, uint64_t table_bits = 0) {
  uint64_t table = root;
  for (unsigned level = first_level;; ++level) {
    const LevelRow& row = level_row(granule, level);
    // At the first level of a narrower address space the index has fewer bits; the tests' addresses leave
    // those zero.
    const uint64_t slot = table + ((va >> row.low) & ((uint64_t{1} << row.bits) - 1)) * 8;
    if (level == leaf_level) {
      memory.words[slot] = leaf | (level == 3 ? 3 : 1);
      return slot;
    }
    table = 0x40000000 + level * 0x1000000;
    memory.words[slot] = table | 3 | table_bits;
  }
}

TEST(Walk, AllGranulesAndLevels) {
  struct Case {
    unsigned granule, size_offset, first_level;
  };
  // First level by input size, from the manual's tables.
  const Case cases[] = {
      {12, 16, 0}, {12, 24, 0}, {12, 25, 1}, {12, 33, 1}, {12, 34, 2}, {12, 39, 2},
      {14, 16, 0}, {14, 17, 1}, {14, 27, 1}, {14, 28, 2}, {14, 38, 2}, {14, 39, 3},
      {16, 16, 1}, {16, 21, 1}, {16, 22, 2}, {16, 34, 2}, {16, 35, 3}, {16, 39, 3},
  };
  for (const Case& c : cases) {
    for (bool upper : {false, true}) {
      for (unsigned leaf = c.first_level; leaf <= 3; ++leaf) {
        const bool has_leaf = leaf == 3 || leaf == 2 || (leaf == 1 && c.granule == 12);
        if (!has_leaf) continue;
        SCOPED_TRACE(testing::Message() << "granule " << c.granule << " TxSZ " << c.size_offset << " upper "
                                        << upper << " leaf level " << leaf);
        FakeMemory memory;
        ArmState state = make_state(c.granule, c.size_offset);
        const unsigned page_bits = level_row(c.granule, leaf).low;
        const uint64_t space = (uint64_t{1} << (64 - c.size_offset)) - 1;
        const uint64_t low_va = 0x0000'5555'5a5a'5a58 & space & ~(uint64_t{1} << (63 - c.size_offset));
        const uint64_t va = upper ? low_va | ~space : low_va;
        const uint64_t page = (uint64_t{0x0000'7abc'def0'0000} >> page_bits) << page_bits;
        map(memory, upper ? state.ttbr1 : state.ttbr0, c.granule, c.first_level, leaf, low_va,
            page | kAf | 3 << 2 | kInnerShareable);
        const WalkResult result = walk(state, memory, va, Access::kRead, true, false);
        ASSERT_TRUE(result.ok()) << int(result.fault) << " level " << int(result.level);
        EXPECT_EQ(result.page_bits, page_bits);
        EXPECT_EQ(result.pa, page | (va & ((uint64_t{1} << page_bits) - 1)));
        EXPECT_EQ(memory.reads, leaf - c.first_level + 1);
        EXPECT_TRUE(result.global);
        EXPECT_FALSE(result.device);
        EXPECT_EQ(result.attributes, 0xff);
        EXPECT_EQ(result.shareability, 3);
      }
    }
  }
}

TEST(Walk, InvalidDescriptorsFaultAtTheirLevel) {
  for (const auto& [granule, size, first] : {std::tuple{12u, 16u, 0u}, {14u, 16u, 0u}, {16u, 16u, 1u}}) {
    for (unsigned level = first; level <= 3; ++level) {
      // 0: invalid everywhere. 1: a block, reserved at the levels that have none, and reserved at level 3.
      for (uint64_t low : {0, 1, 2}) {
        FakeMemory memory;
        ArmState state = make_state(granule, size);
        const uint64_t slot = map(memory, state.ttbr0, granule, first, level, 0x12345678, 0);
        memory.words[slot] = low | kAf;
        const bool block = low == 1 && (level == 2 || (level == 1 && granule == 12));
        const WalkResult result = walk(state, memory, 0x12345678, Access::kRead, true, false);
        EXPECT_EQ(result.fault, block ? Fault::kNone : Fault::kTranslation);
        EXPECT_EQ(result.level, block ? 0 : level);
      }
    }
  }
}

// The manual's table of AP[2:1] data permissions, and who may execute. Letters: r, w, x for EL1 then EL0.
struct PermissionRow {
  unsigned ap;
  bool uxn, pxn, wxn;
  const char* el1;
  const char* el0;
};
constexpr PermissionRow kPermissions[] = {
    {0, false, false, false, "rwx", "--x"}, {0, false, true, false, "rw-", "--x"},
    {0, true, false, false, "rwx", "---"},  {0, true, true, false, "rw-", "---"},
    {1, false, false, false, "rw-", "rwx"}, {1, false, true, false, "rw-", "rwx"},
    {1, true, false, false, "rw-", "rw-"},  {1, true, true, false, "rw-", "rw-"},
    {2, false, false, false, "r-x", "--x"}, {2, false, true, false, "r--", "--x"},
    {2, true, false, false, "r-x", "---"},  {2, true, true, false, "r--", "---"},
    {3, false, false, false, "r-x", "r-x"}, {3, false, true, false, "r--", "r-x"},
    {3, true, false, false, "r-x", "r--"},  {3, true, true, false, "r--", "r--"},
    {0, false, false, true, "rw-", "--x"},  {0, false, true, true, "rw-", "--x"},
    {0, true, false, true, "rw-", "---"},   {0, true, true, true, "rw-", "---"},
    {1, false, false, true, "rw-", "rw-"},  {1, false, true, true, "rw-", "rw-"},
    {1, true, false, true, "rw-", "rw-"},   {1, true, true, true, "rw-", "rw-"},
    {2, false, false, true, "r-x", "--x"},  {2, false, true, true, "r--", "--x"},
    {2, true, false, true, "r-x", "---"},   {2, true, true, true, "r--", "---"},
    {3, false, false, true, "r-x", "r-x"},  {3, false, true, true, "r--", "r-x"},
    {3, true, false, true, "r-x", "r--"},   {3, true, true, true, "r--", "r--"},
};

TEST(Walk, Permissions) {
  for (const PermissionRow& row : kPermissions) {
    for (unsigned level : {1u, 2u, 3u}) {
      FakeMemory memory;
      ArmState state = make_state(12, 16);
      if (row.wxn) state.sctlr |= 1 << 19;
      map(memory, state.ttbr0, 12, 0, level, 0x80000000,
          0x80000000 | kAf | uint64_t{row.ap} << 6 | (row.uxn ? kUxn : 0) | (row.pxn ? kPxn : 0));
      for (bool privileged : {false, true}) {
        for (bool pan : {false, true}) {
          for (Access access : {Access::kRead, Access::kWrite, Access::kExecute, Access::kTranslateRead,
                                Access::kTranslateWrite}) {
            SCOPED_TRACE(testing::Message()
                         << "ap " << row.ap << " uxn " << row.uxn << " pxn " << row.pxn << " wxn " << row.wxn
                         << " privileged " << privileged << " pan " << pan << " access " << int(access));
            const char* letters = privileged ? row.el1 : row.el0;
            const bool execute = access == Access::kExecute;
            const bool write = access == Access::kWrite || access == Access::kTranslateWrite;
            bool expected = letters[execute ? 2 : write ? 1 : 0] != '-';
            if (privileged && pan && !execute && row.el0[0] == 'r') expected = false;
            const WalkResult result = walk(state, memory, 0x80000123, access, privileged, pan);
            EXPECT_EQ(result.fault, expected ? Fault::kNone : Fault::kPermission);
            if (!expected) {
              EXPECT_EQ(result.level, level);
              continue;
            }
            const char flags[] = {result.read_el1 ? 'r' : '-', result.write_el1 ? 'w' : '-',
                                  result.execute_el1 ? 'x' : '-', 0};
            const char user_flags[] = {result.read_el0 ? 'r' : '-', result.write_el0 ? 'w' : '-',
                                       result.execute_el0 ? 'x' : '-', 0};
            EXPECT_STREQ(flags, row.el1);
            EXPECT_STREQ(user_flags, row.el0);
          }
        }
      }
    }
  }
}

TEST(Walk, HierarchicalPermissions) {
  constexpr uint64_t kPxnTable = uint64_t{1} << 59, kUxnTable = uint64_t{1} << 60, kNoEl0 = uint64_t{1} << 61,
                     kReadOnly = uint64_t{1} << 62;
  struct Case {
    uint64_t table_bits;
    unsigned ap;
    const char* el1;
    const char* el0;
  };
  const Case cases[] = {
      {0, 1, "rw-", "rwx"},
      {kNoEl0, 1, "rwx", "--x"},
      {kReadOnly, 1, "r-x", "r-x"},
      {kReadOnly, 0, "r-x", "--x"},
      {kNoEl0 | kReadOnly, 1, "r-x", "--x"},
      {kPxnTable, 0, "rw-", "--x"},
      {kUxnTable, 0, "rwx", "---"},
      {kPxnTable | kUxnTable, 3, "r--", "r--"},
  };
  for (const Case& c : cases) {
    for (bool disabled : {false, true}) {
      FakeMemory memory;
      ArmState state = make_state(12, 25);
      if (disabled) state.tcr |= uint64_t{1} << 41;
      map(memory, state.ttbr0, 12, 1, 3, 0x1000, 0x1000 | kAf | uint64_t{c.ap} << 6, c.table_bits);
      const WalkResult result = walk(state, memory, 0x1000, Access::kRead, true, false);
      ASSERT_TRUE(result.ok());
      const std::string el1{result.read_el1 ? 'r' : '-', result.write_el1 ? 'w' : '-',
                            result.execute_el1 ? 'x' : '-'};
      const std::string el0{result.read_el0 ? 'r' : '-', result.write_el0 ? 'w' : '-',
                            result.execute_el0 ? 'x' : '-'};
      const char* const plain[][2] = {{"rwx", "--x"}, {"rw-", "rwx"}, {"r-x", "--x"}, {"r-x", "r-x"}};
      EXPECT_EQ(el1, disabled ? plain[c.ap][0] : c.el1) << std::hex << c.table_bits << " ap " << c.ap;
      EXPECT_EQ(el0, disabled ? plain[c.ap][1] : c.el0) << std::hex << c.table_bits << " ap " << c.ap;
    }
  }
}

TEST(Walk, AccessFlag) {
  FakeMemory memory;
  ArmState state = make_state(12, 16);
  const uint64_t slot = map(memory, state.ttbr0, 12, 0, 3, 0x4000, 0x4000);
  WalkResult result = walk(state, memory, 0x4000, Access::kRead, true, false);
  EXPECT_EQ(result.fault, Fault::kAccessFlag);
  EXPECT_EQ(result.level, 3);
  EXPECT_EQ(fault_status_code(result.fault, result.level), 0x0bu);

  state.tcr |= kTcrHa;
  EXPECT_TRUE(walk(state, memory, 0x4000, Access::kTranslateWrite, true, false).ok());
  EXPECT_FALSE(memory.words[slot] & kAf) << "AT leaves the flag alone";
  EXPECT_EQ(walk(state, memory, 0x4000, Access::kRead, false, false).fault, Fault::kPermission);
  EXPECT_FALSE(memory.words[slot] & kAf) << "an access that faults leaves it alone as well";
  EXPECT_TRUE(walk(state, memory, 0x4000, Access::kRead, true, false).ok());
  EXPECT_TRUE(memory.words[slot] & kAf);
}

TEST(Walk, DirtyState) {
  FakeMemory memory;
  ArmState state = make_state(12, 16);
  const uint64_t leaf = 0x4000 | kAf | kDbm | 3 << 6;  // read-only for both, DBM: writable and clean
  const uint64_t slot = map(memory, state.ttbr0, 12, 0, 3, 0x4000, leaf);
  EXPECT_EQ(walk(state, memory, 0x4000, Access::kWrite, false, false).fault, Fault::kPermission) << "HD off";
  state.tcr |= kTcrHd;
  EXPECT_EQ(walk(state, memory, 0x4000, Access::kWrite, false, false).fault, Fault::kPermission)
      << "HD without HA";
  state.tcr |= kTcrHa;

  WalkResult result = walk(state, memory, 0x4000, Access::kRead, false, false);
  ASSERT_TRUE(result.ok());
  EXPECT_TRUE(result.read_el0);
  EXPECT_FALSE(result.write_el0) << "a write must come back to make the page dirty";
  EXPECT_FALSE(result.write_el1);
  EXPECT_EQ(memory.words[slot], leaf | 3);

  EXPECT_TRUE(walk(state, memory, 0x4000, Access::kTranslateWrite, false, false).ok());
  EXPECT_EQ(memory.words[slot], leaf | 3) << "AT does not make a page dirty";

  result = walk(state, memory, 0x4000, Access::kWrite, false, false);
  ASSERT_TRUE(result.ok());
  EXPECT_TRUE(result.write_el0);
  EXPECT_TRUE(result.write_el1);
  EXPECT_EQ(memory.words[slot], (leaf & ~uint64_t{1 << 7}) | 3);
}

TEST(Walk, TableReadOnlyWinsOverDirtyState) {
  FakeMemory memory;
  ArmState state = make_state(12, 16);
  state.tcr |= kTcrHa | kTcrHd;
  map(memory, state.ttbr0, 12, 0, 3, 0x4000, 0x4000 | kAf | kDbm | 3 << 6, uint64_t{1} << 62);
  EXPECT_EQ(walk(state, memory, 0x4000, Access::kWrite, false, false).fault, Fault::kPermission);
}

TEST(Walk, UpdateRacesWithAnotherWriter) {
  FakeMemory memory;
  ArmState state = make_state(12, 16);
  state.tcr |= kTcrHa;
  const uint64_t slot = map(memory, state.ttbr0, 12, 0, 3, 0x4000, 0x4000);
  memory.before_exchange = [&](uint64_t) {
    memory.words[slot] = 0;  // unmapped meanwhile
    memory.before_exchange = nullptr;
  };
  const WalkResult result = walk(state, memory, 0x4000, Access::kRead, true, false);
  EXPECT_EQ(result.fault, Fault::kTranslation);
  EXPECT_EQ(memory.words[slot], 0u);

  // A descriptor that never stands still ends the walk all the same.
  map(memory, state.ttbr0, 12, 0, 3, 0x4000, 0x4000);
  memory.before_exchange = [&](uint64_t pa) { memory.words[pa] ^= uint64_t{1} << 55; };
  EXPECT_EQ(walk(state, memory, 0x4000, Access::kRead, true, false).fault, Fault::kWalkExternal);
}

TEST(Walk, ExternalAborts) {
  FakeMemory memory;
  ArmState state = make_state(12, 16);
  const uint64_t slot = map(memory, state.ttbr0, 12, 0, 3, 0x4000, 0x4000);
  memory.aborting.insert(slot & ~uint64_t{0xfff});
  WalkResult result = walk(state, memory, 0x4000, Access::kRead, true, false);
  EXPECT_EQ(result.fault, Fault::kWalkExternal);
  EXPECT_EQ(fault_status_code(result.fault, result.level), 0x17u);
  memory.aborting = {state.ttbr0};
  result = walk(state, memory, 0x4000, Access::kRead, true, false);
  EXPECT_EQ(fault_status_code(result.fault, result.level), 0x14u);
  memory.aborting.clear();
  memory.read_only = {slot & ~uint64_t{0xfff}};
  state.tcr |= kTcrHa;
  EXPECT_EQ(walk(state, memory, 0x4000, Access::kRead, true, false).fault, Fault::kWalkExternal);
}

TEST(Walk, AddressSize) {
  FakeMemory memory;
  ArmState state = make_state(12, 16);
  state.tcr &= ~(uint64_t{7} << 32);  // IPS 32 bits
  map(memory, state.ttbr0, 12, 0, 3, 0x4000, 0x1'0000'0000 | kAf);
  WalkResult result = walk(state, memory, 0x4000, Access::kRead, true, false);
  EXPECT_EQ(result.fault, Fault::kAddressSize);
  EXPECT_EQ(result.level, 3);
  memory.words[state.ttbr0] = 0x2'0000'0000 | 3;
  result = walk(state, memory, 0x4000, Access::kRead, true, false);
  EXPECT_EQ(result.fault, Fault::kAddressSize);
  EXPECT_EQ(result.level, 0);
  state.ttbr0 = 0x1'0000'0000;
  result = walk(state, memory, 0x4000, Access::kRead, true, false);
  EXPECT_EQ(result.fault, Fault::kAddressSize);
  EXPECT_EQ(result.level, 0);
  // IPS beyond what is implemented counts as what is implemented.
  state.tcr |= uint64_t{5} << 32;
  state.pa_bits = 32;
  EXPECT_EQ(walk(state, memory, 0x4000, Access::kRead, true, false).fault, Fault::kAddressSize);
}

TEST(Walk, TopOfTheAddress) {
  constexpr uint64_t kTbi0 = uint64_t{1} << 37, kTbi1 = uint64_t{1} << 38, kTbid0 = uint64_t{1} << 51;
  FakeMemory memory;
  ArmState state = make_state(12, 25);
  map(memory, state.ttbr0, 12, 1, 3, 0x4000, 0x4000 | kAf);
  map(memory, state.ttbr1, 12, 1, 3, 0x8000, 0x8000 | kAf);  // another page: the two share their lower tables
  const auto pa = [&](uint64_t va, Access access) -> uint64_t {
    const WalkResult result = walk(state, memory, va, access, true, false);
    if (!result.ok()) {
      EXPECT_EQ(result.fault, Fault::kTranslation);
      EXPECT_EQ(result.level, 0);
    }
    return result.ok() ? result.pa : 1;
  };
  EXPECT_EQ(pa(0x4000, Access::kRead), 0x4000u);
  EXPECT_EQ(pa(0xffffff8000008000, Access::kRead), 0x8000u);
  EXPECT_EQ(pa(0x0000008000004000, Access::kRead), 1u);
  EXPECT_EQ(pa(0xffffff0000008000, Access::kRead), 1u);
  EXPECT_EQ(pa(0x5a00000000004000, Access::kRead), 1u);
  state.tcr |= kTbi0;
  EXPECT_EQ(pa(0x5a00000000004000, Access::kRead), 0x4000u);
  EXPECT_EQ(pa(0x5a00000000004000, Access::kExecute), 0x4000u);
  EXPECT_EQ(pa(0x5affff8000008000, Access::kRead), 1u) << "TBI1 is off";
  state.tcr |= kTbid0;
  EXPECT_EQ(pa(0x5a00000000004000, Access::kExecute), 1u);
  EXPECT_EQ(pa(0x5a00000000004000, Access::kWrite), 0x4000u);
  state.tcr |= kTbi1;
  EXPECT_EQ(pa(0x5affff8000008000, Access::kRead), 0x8000u);
  state.tcr |= 1 << 7;  // EPD0
  EXPECT_EQ(pa(0x4000, Access::kRead), 1u);
  EXPECT_EQ(pa(0xffffff8000008000, Access::kRead), 0x8000u);
  state.tcr |= 1 << 23;  // EPD1
  EXPECT_EQ(pa(0xffffff8000008000, Access::kRead), 1u);
}

TEST(Walk, HalfClosedToEl0) {
  constexpr uint64_t kE0pd1 = uint64_t{1} << 56, kUser = 1 << 6;
  FakeMemory memory;
  ArmState state = make_state(12, 25);
  state.tcr |= kE0pd1;
  map(memory, state.ttbr0, 12, 1, 3, 0x4000, 0x4000 | kAf | kUser);
  map(memory, state.ttbr1, 12, 1, 3, 0x8000, 0x8000 | kAf | kUser);
  EXPECT_TRUE(walk(state, memory, 0x4000, Access::kRead, false, false).ok());
  memory.reads = 0;
  for (Access access : {Access::kRead, Access::kWrite, Access::kExecute, Access::kTranslateRead}) {
    const WalkResult result = walk(state, memory, 0xffffff8000008000, access, false, false);
    EXPECT_EQ(result.fault, Fault::kTranslation);
    EXPECT_EQ(result.level, 0);
  }
  EXPECT_EQ(memory.reads, 0u);
  const WalkResult result = walk(state, memory, 0xffffff8000008000, Access::kRead, true, false);
  ASSERT_TRUE(result.ok());
  EXPECT_FALSE(result.read_el0 || result.write_el0 || result.execute_el0);
  EXPECT_TRUE(result.user && result.read_el1 && result.write_el1);
  EXPECT_EQ(walk(state, memory, 0xffffff8000008000, Access::kRead, true, true).fault, Fault::kPermission)
      << "PAN";
}

TEST(Walk, SizesOutOfRangeFault) {
  FakeMemory memory;
  for (unsigned size_offset : {0u, 15u, 40u, 63u}) {
    for (unsigned granule : {12u, 14u, 16u}) {
      ArmState state = make_state(granule, size_offset);
      const WalkResult result = walk(state, memory, 0, Access::kRead, true, false);
      EXPECT_EQ(result.fault, Fault::kTranslation);
      EXPECT_EQ(result.level, 0);
    }
  }
}

TEST(Walk, Attributes) {
  FakeMemory memory;
  ArmState state = make_state(12, 16);
  struct Case {
    uint64_t bits;
    uint8_t attributes;
    bool device, global, guarded;
    uint8_t shareability;
  };
  constexpr uint64_t kGp = uint64_t{1} << 50;
  const Case cases[] = {
      {0 << 2 | kInnerShareable, 0x00, true, true, false, 2},
      {1 << 2 | kNg, 0x04, true, false, false, 2},
      {2 << 2 | kInnerShareable, 0x44, false, true, false, 2},
      {3 << 2 | kInnerShareable | kGp, 0xff, false, true, true, 3},
      {3 << 2 | 2 << 8, 0xff, false, true, false, 2},
  };
  for (const Case& c : cases) {
    map(memory, state.ttbr0, 12, 0, 3, 0x4000, 0x4000 | kAf | c.bits);
    const WalkResult result = walk(state, memory, 0x4000, Access::kRead, true, false);
    EXPECT_EQ(result.attributes, c.attributes);
    EXPECT_EQ(result.device, c.device);
    EXPECT_EQ(result.global, c.global);
    EXPECT_EQ(result.guarded, c.guarded);
    EXPECT_EQ(result.shareability, c.shareability);
  }
}

TEST(Walk, TranslationOff) {
  FakeMemory memory;
  ArmState state = make_state(12, 16);
  state.sctlr = 0;
  state.pa_bits = 44;
  WalkResult result = walk(state, memory, 0xfff'ffff'f123, Access::kWrite, false, true);
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result.pa, 0xfff'ffff'f123u);
  EXPECT_TRUE(result.device && result.write_el0 && result.execute_el1 && result.global);
  result = walk(state, memory, uint64_t{1} << 44, Access::kRead, true, false);
  EXPECT_EQ(result.fault, Fault::kAddressSize);
  EXPECT_EQ(result.level, 0);
  EXPECT_FALSE(walk(state, memory, uint64_t{1} << 60, Access::kRead, true, false).ok());
  state.tcr |= uint64_t{1} << 37;
  EXPECT_TRUE(walk(state, memory, uint64_t{1} << 60, Access::kRead, true, false).ok());
  EXPECT_EQ(memory.reads, 0u);
  EXPECT_FALSE(walk(state, memory, 0x1000, Access::kExecute, true, false).device);
}

TEST(Walk, UnimplementedGranuleCountsAs4K) {
  ArmState state = make_state(14, 16);
  EXPECT_EQ(granule_bits(state, 0), 14u);
  EXPECT_EQ(granule_bits(state, ~uint64_t{0}), 14u);
  state.granule_16k = 0;
  EXPECT_EQ(granule_bits(state, 0), 12u);
  EXPECT_EQ(granule_bits(state, ~uint64_t{0}), 12u);
}

TEST(Walk, Asid) {
  ArmState state = make_state(12, 16);
  state.ttbr0 |= uint64_t{0x1234} << 48;
  state.ttbr1 |= uint64_t{0x5678} << 48;
  EXPECT_EQ(current_asid(state), 0x34);
  state.tcr |= uint64_t{1} << 36;
  EXPECT_EQ(current_asid(state), 0x1234);
  state.tcr |= 1 << 22;
  EXPECT_EQ(current_asid(state), 0x5678);
}

}  // namespace
}  // namespace mynah::arm::test
