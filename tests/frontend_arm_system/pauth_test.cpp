// SPDX-License-Identifier: Apache-2.0
//
// Pointer authentication: its instructions lifted and evaluated, in both flavours. What the fast flavour does
// it must do as the slow one; what it leaves is counted.
#include "frontend/arm/pauth.h"

#include <gtest/gtest.h>

#include <bit>
#include <cstring>
#include <random>

#include "frontend/arm/a64/lift.h"
#include "frontend/arm/cpu.h"
#include "ir/eval.h"
#include "tests/frontend_arm_system/fakes.h"

namespace mynah::arm::test {
namespace {

using enum PauthKeyName;
constexpr PauthKeyName kNames[] = {kIa, kIb, kDa, kDb};

class NoMemory final : public ir::EvalHost {
  bool guard(const ir::Region&, const ir::Inst&, uint64_t, uint8_t*&) override { return false; }
  bool commit(const ir::Region&, const ir::Inst&, uint8_t*) override { return false; }
  bool call(const ir::Region&, const ir::Inst&, const uint64_t[4], uint64_t&) override { return false; }
};

class Pauth : public testing::Test {
 protected:
  Pauth() : runtime_(ir::new_runtime(sizeof(ArmState))), cpu_(model_of("max"), system_, nullptr, *runtime_) {
    cpu_.reset();
    state().sctlr = bit(31) | bit(30) | bit(27) | bit(13);
    state().apia = {0x1111111122222222, 0x3333333344444444};
    state().apib = {0x5555555566666666, 0x7777777788888888};
    state().apda = {0x99999999aaaaaaaa, 0xbbbbbbbbcccccccc};
    state().apdb = {0xddddddddeeeeeeee, 0xffffffff00000000};
    state().apga = {0x0123456789abcdef, 0xfedcba9876543210};
  }
  ~Pauth() override { ir::delete_runtime(runtime_); }

  static constexpr uint64_t bit(unsigned n) { return uint64_t{1} << n; }
  ArmState& state() { return cpu_.arm(); }
  void spaces(unsigned t0sz, unsigned t1sz, bool tbi0, bool tbi1) {
    state().tcr = t0sz | uint64_t{t1sz} << 16 | uint64_t{tbi0} << 37 | uint64_t{tbi1} << 38;
  }

  // One instruction with X0 and X1 as given: what X0 becomes.
  uint64_t run(uint32_t word, uint64_t x0, uint64_t x1) {
    std::optional<uint64_t> result[2];
    for (const bool slow : {false, true}) {
      std::array<uint8_t, 4> page;
      std::memcpy(page.data(), &word, 4);
      ir::Region region;
      a64::lift_block(region, page, 0, cpu_.context_key().code.mode, cpu_.model(),
                      {.max_insts = 1, .slow = slow});
      state().x(0) = x0;
      state().x(1) = x1;
      NoMemory host;
      const ir::EvalResult r = ir::evaluate(region, runtime_->state, runtime_->fp_sticky, host);
      if (r.leave == ir::Leave::kLink) {
        result[slow] = state().x(0);
      } else {
        EXPECT_FALSE(slow);
        EXPECT_EQ(r.leave, ir::Leave::kEngine);
        EXPECT_EQ(region.insts[r.inst].aux, static_cast<uint8_t>(ExitReason::kSlow));
        EXPECT_EQ(state().x(0), x0);
        ++left;
      }
    }
    EXPECT_TRUE(!result[0] || result[0] == result[1]);
    return *result[1];
  }
  // PACIA X0, X1 and its kin.
  uint64_t add_pac(PauthKeyName key, uint64_t pointer, uint64_t modifier) {
    return run(0xdac10020 | static_cast<uint32_t>(key) << 10, pointer, modifier);
  }
  uint64_t authenticate(PauthKeyName key, uint64_t pointer, uint64_t modifier) {
    return run(0xdac11020 | static_cast<uint32_t>(key) << 10, pointer, modifier);
  }
  uint64_t strip(uint64_t pointer, bool instruction) {
    return run(instruction ? 0xdac143e0 : 0xdac147e0, pointer, 0);
  }
  uint64_t generic(uint64_t value, uint64_t modifier) { return run(0x9ac13000, value, modifier); }

  unsigned left = 0;  // instructions that the fast flavour did not do

 private:
  FakeSystem system_;
  ir::Runtime* runtime_;
  ArmCpu cpu_;
};

TEST_F(Pauth, SignAndAuthenticate) {
  std::mt19937_64 random(1);
  for (unsigned size : {16u, 25u, 28u, 39u}) {
    for (unsigned tbi = 0; tbi < 4; ++tbi) {
      spaces(size, size, tbi & 1, tbi & 2);
      const uint64_t space = bit(64 - size) - 1;
      unsigned changed = 0;
      for (unsigned i = 0; i < 400; ++i) {
        const bool upper = i & 1, tagged = tbi >> upper & 1;
        // Bits that a code may not touch: the address, bit 55, and the tag when it is one.
        const uint64_t kept = space | bit(55) | (tagged ? uint64_t{0xff} << 56 : 0);
        uint64_t pointer = random() & space;
        if (upper) pointer |= ~space;
        if (tagged) pointer = (pointer & (~uint64_t{0} >> 8)) | random() << 56;
        const uint64_t modifier = random();
        const PauthKeyName name = kNames[i / 2 % 4];
        state().el = i >> 3 & 1;
        left = 0;
        const uint64_t signed_pointer = add_pac(name, pointer, modifier);
        EXPECT_EQ((signed_pointer ^ pointer) & kept, 0u);
        changed += signed_pointer != pointer;
        EXPECT_EQ(authenticate(name, signed_pointer, modifier), pointer);
        EXPECT_EQ(strip(signed_pointer, i & 2), pointer);
        EXPECT_EQ(left, upper == state().el ? 0u : 2u);  // each level's own pointers are fast
      }
      EXPECT_GT(changed, size == 16 && tbi ? 380u : 390u);
    }
  }
}

TEST_F(Pauth, FailurePoisonsThePointer) {
  spaces(16, 16, false, false);
  const uint64_t lower = 0x0000123456789abc, upper = 0xffff823456789abc;
  for (const unsigned el : {0, 1}) {
    state().el = static_cast<uint8_t>(el);
    EXPECT_EQ(authenticate(kIa, add_pac(kIa, lower, 1), 2), lower | bit(61));
    EXPECT_EQ(authenticate(kDb, add_pac(kDb, lower, 1), 2), lower | bit(62));
    EXPECT_EQ(authenticate(kDa, add_pac(kDa, upper, 1), 2), upper & ~bit(62));
    EXPECT_EQ(authenticate(kIb, add_pac(kIb, upper, 1), 2), upper & ~bit(61));
  }
  spaces(16, 16, true, true);
  const uint64_t pointer = 0x5a00123456789abc;
  EXPECT_EQ(authenticate(kDa, add_pac(kDa, pointer, 1), 2), pointer | bit(53));
  EXPECT_EQ(authenticate(kDb, add_pac(kDb, pointer, 1), 2), pointer | bit(54));
}

// Every single wrong bit in the code's place is noticed.
TEST_F(Pauth, EveryBitOfTheCodeCounts) {
  spaces(16, 16, true, false);
  for (const uint64_t pointer : {uint64_t{0x5a00123456789abc}, uint64_t{0xffff823456789abc}}) {
    const uint64_t good = add_pac(kDa, pointer, 1);
    ASSERT_EQ(authenticate(kDa, good, 1), pointer);
    for (unsigned n = 48; n < (pointer >> 63 ? 64 : 55); ++n) {
      if (n == 55) continue;
      EXPECT_NE(authenticate(kDa, good ^ bit(n), 1), pointer) << n;
    }
  }
}

TEST_F(Pauth, SigningABadPointerGivesABadCode) {
  spaces(25, 25, false, false);
  for (const unsigned el : {0, 1}) {
    state().el = static_cast<uint8_t>(el);
    const uint64_t bad = 0x0010000000001000;
    // PAC<62> of the good pointer's code is inverted.
    EXPECT_EQ(add_pac(kIa, bad, 5), add_pac(kIa, 0x1000, 5) ^ bit(62));
    EXPECT_NE(authenticate(kIa, add_pac(kIa, bad, 5), 5), 0x1000u);
    // A pointer that carries a code already is one of those.
    const uint64_t once = add_pac(kIa, 0x1000, 5);
    ASSERT_NE(once, 0x1000u);
    EXPECT_NE(authenticate(kIa, add_pac(kIa, once, 5), 5), 0x1000u);
  }
  spaces(25, 25, true, true);
  EXPECT_EQ(add_pac(kDa, 0x5a10000000001000, 5), add_pac(kDa, 0x5a00000000001000, 5) ^ bit(54));
}

TEST_F(Pauth, InstructionsMayHaveNoTag) {
  spaces(25, 25, true, true);
  state().tcr |= uint64_t{3} << 51;  // TBID
  unsigned top_used = 0;
  for (uint64_t i = 0; i < 64; ++i) {
    const uint64_t code = add_pac(kIa, 0x1000 * i, i), data = add_pac(kDa, 0x1000 * i, i);
    top_used += code >> 56 != 0;
    EXPECT_EQ(data >> 56, 0u);
    EXPECT_EQ(authenticate(kIa, code, i), 0x1000 * i);
  }
  EXPECT_GT(top_used, 50u);
}

// A key that is not enabled leaves pointers alone; XPAC and PACGA do not ask.
TEST_F(Pauth, Enables) {
  spaces(25, 25, false, false);
  constexpr unsigned kBits[] = {31, 30, 27, 13};
  for (unsigned on = 0; on < 4; ++on) {
    state().sctlr = bit(kBits[on]);
    for (unsigned key = 0; key < 4; ++key) {
      const uint64_t signed_pointer = add_pac(kNames[key], 0x1000, 1);
      EXPECT_EQ(signed_pointer != 0x1000, key == on);
      EXPECT_EQ(authenticate(kNames[key], 0x0020000000001000, 1) != 0x0020000000001000, key == on);
      EXPECT_EQ(strip(0x0020000000001000, true), 0x1000u);
      EXPECT_NE(generic(1, key), 0u);
    }
  }
}

TEST_F(Pauth, HashMixes) {
  std::mt19937_64 random(2);
  double total = 0;
  constexpr unsigned kRounds = 100;
  for (unsigned i = 0; i < kRounds; ++i) {
    uint64_t words[4] = {random(), random(), random(), random()};
    const auto hash = [&] {
      state().apga = {words[2], words[3]};
      return generic(words[0], words[1]);
    };
    const uint64_t before = hash();
    EXPECT_EQ(before & 0xffffffff, 0u);
    for (unsigned flip = 0; flip < 256; ++flip) {
      words[flip / 64] ^= bit(flip % 64);
      total += std::popcount(hash() ^ before);
      words[flip / 64] ^= bit(flip % 64);
    }
  }
  EXPECT_NEAR(total / (kRounds * 256), 16.0, 0.5);
}

}  // namespace
}  // namespace mynah::arm::test
