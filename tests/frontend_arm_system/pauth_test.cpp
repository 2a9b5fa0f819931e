// SPDX-License-Identifier: Apache-2.0
#include "frontend/arm/pauth.h"

#include <gtest/gtest.h>

#include <bit>
#include <random>

#include "frontend/arm/mmu.h"
#include "tests/frontend_arm_system/fakes.h"

namespace mynah::arm::test {
namespace {

constexpr PauthKeyName kNames[] = {PauthKeyName::kIa, PauthKeyName::kIb, PauthKeyName::kDa,
                                   PauthKeyName::kDb};

ArmState make_state(unsigned t0sz, unsigned t1sz, bool tbi0, bool tbi1) {
  ArmState state{};
  state.tcr = t0sz | uint64_t{t1sz} << 16 | uint64_t{tbi0} << 37 | uint64_t{tbi1} << 38;
  state.apia = {0x1111111122222222, 0x3333333344444444};
  state.apib = {0x5555555566666666, 0x7777777788888888};
  state.apda = {0x99999999aaaaaaaa, 0xbbbbbbbbcccccccc};
  state.apdb = {0xddddddddeeeeeeee, 0xffffffff00000000};
  state.apga = {0x0123456789abcdef, 0xfedcba9876543210};
  return state;
}

TEST(Pauth, SignAndAuthenticate) {
  std::mt19937_64 random(1);
  for (unsigned size : {16u, 25u, 28u, 39u}) {
    for (bool tbi : {false, true}) {
      const ArmState state = make_state(size, size, tbi, tbi);
      const uint64_t space = (uint64_t{1} << (64 - size)) - 1;
      // Bits that a code may not touch: the address, bit 55, and the tag when it is one.
      const uint64_t kept = space | uint64_t{1} << 55 | (tbi ? uint64_t{0xff} << 56 : 0);
      unsigned changed = 0;
      for (unsigned i = 0; i < 400; ++i) {
        uint64_t pointer = random() & space;
        if (i & 1) pointer |= ~space;
        if (tbi) pointer = (pointer & (~uint64_t{0} >> 8)) | random() << 56;
        const uint64_t modifier = random();
        const PauthKeyName name = kNames[i / 2 % 4];
        const uint64_t signed_pointer = add_pac(state, name, pointer, modifier);
        EXPECT_EQ((signed_pointer ^ pointer) & kept, 0u);
        changed += signed_pointer != pointer;
        EXPECT_EQ(authenticate(state, name, signed_pointer, modifier), pointer);
        EXPECT_EQ(strip_pac(state, signed_pointer, i & 2), pointer);
      }
      EXPECT_GT(changed, size == 16 && tbi ? 380u : 390u);
    }
  }
}

TEST(Pauth, FailurePoisonsThePointer) {
  const ArmState state = make_state(16, 16, false, false);
  const uint64_t lower = 0x0000123456789abc, upper = 0xffff823456789abc;
  EXPECT_EQ(authenticate(state, PauthKeyName::kIa, add_pac(state, PauthKeyName::kIa, lower, 1), 2),
            lower | uint64_t{1} << 61);
  EXPECT_EQ(authenticate(state, PauthKeyName::kDb, add_pac(state, PauthKeyName::kDb, lower, 1), 2),
            lower | uint64_t{1} << 62);
  EXPECT_EQ(authenticate(state, PauthKeyName::kDa, add_pac(state, PauthKeyName::kDa, upper, 1), 2),
            upper & ~(uint64_t{1} << 62));
  EXPECT_EQ(authenticate(state, PauthKeyName::kIb, add_pac(state, PauthKeyName::kIb, upper, 1), 2),
            upper & ~(uint64_t{1} << 61));
  const ArmState tagged = make_state(16, 16, true, true);
  const uint64_t pointer = 0x5a00123456789abc;
  EXPECT_EQ(authenticate(tagged, PauthKeyName::kDa, add_pac(tagged, PauthKeyName::kDa, pointer, 1), 2),
            pointer | uint64_t{1} << 53);
  EXPECT_EQ(authenticate(tagged, PauthKeyName::kDb, add_pac(tagged, PauthKeyName::kDb, pointer, 1), 2),
            pointer | uint64_t{1} << 54);
}

TEST(Pauth, SigningABadPointerGivesABadCode) {
  const ArmState state = make_state(25, 25, false, false);
  const uint64_t bad = 0x0010000000001000;
  const uint64_t signed_pointer = add_pac(state, PauthKeyName::kIa, bad, 5);
  EXPECT_NE(authenticate(state, PauthKeyName::kIa, signed_pointer, 5), 0x1000u);
  // A pointer that carries a code already is one of those.
  const uint64_t once = add_pac(state, PauthKeyName::kIa, 0x1000, 5);
  ASSERT_NE(once, 0x1000u);
  EXPECT_NE(authenticate(state, PauthKeyName::kIa, add_pac(state, PauthKeyName::kIa, once, 5), 5), 0x1000u);
}

TEST(Pauth, InstructionsMayHaveNoTag) {
  ArmState state = make_state(25, 25, true, true);
  state.tcr |= uint64_t{3} << 51;  // TBID
  unsigned top_used = 0;
  for (uint64_t i = 0; i < 64; ++i) {
    const uint64_t code = add_pac(state, PauthKeyName::kIa, 0x1000 * i, i),
                   data = add_pac(state, PauthKeyName::kDa, 0x1000 * i, i);
    top_used += code >> 56 != 0;
    EXPECT_EQ(data >> 56, 0u);
    EXPECT_EQ(authenticate(state, PauthKeyName::kIa, code, i), 0x1000 * i);
  }
  EXPECT_GT(top_used, 50u);
}

TEST(Pauth, Enables) {
  ArmState state{};
  for (const auto& [name, number] : {std::pair{PauthKeyName::kIa, 31},
                                     {PauthKeyName::kIb, 30},
                                     {PauthKeyName::kDa, 27},
                                     {PauthKeyName::kDb, 13}}) {
    state.sctlr = 0;
    EXPECT_FALSE(pauth_enabled(state, name));
    state.sctlr = uint64_t{1} << number;
    EXPECT_TRUE(pauth_enabled(state, name));
  }
}

TEST(Pauth, HashMixes) {
  std::mt19937_64 random(2);
  double total = 0;
  constexpr unsigned kRounds = 200;
  for (unsigned i = 0; i < kRounds; ++i) {
    uint64_t words[4] = {random(), random(), random(), random()};
    const auto hash = [&] { return compute_pac(words[0], words[1], {words[2], words[3]}); };
    const uint64_t before = hash();
    for (unsigned flip = 0; flip < 256; ++flip) {
      words[flip / 64] ^= uint64_t{1} << flip % 64;
      total += std::popcount(hash() ^ before);
      EXPECT_NE(hash(), before);
      words[flip / 64] ^= uint64_t{1} << flip % 64;
    }
  }
  EXPECT_NEAR(total / (kRounds * 256), 32.0, 0.5);
  const ArmState state = make_state(16, 16, false, false);
  EXPECT_EQ(generic_pac(state, 1, 2) & 0xffffffff, 0u);
  EXPECT_NE(generic_pac(state, 1, 2), generic_pac(state, 1, 3));
}

}  // namespace
}  // namespace mynah::arm::test
