// SPDX-License-Identifier: Apache-2.0
//
// Fixture of tests with the toy guest: two neighbouring pages of code, the second in two versions, and an
// instruction that goes from the one into the other; pages for other code and data, mapped to themselves.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <vector>

#include "tests/engine/engine_test.h"
#include "tests/engine/toy_guest.h"

namespace mynah::test::toy {

constexpr uint64_t kProgram = 0x10000, kBehind = 0x11000;         // virtual; two pages of code
constexpr uint64_t kFirst = 0x20000, kA = 0x30000, kB = 0x40000;  // frames: of the first, two of the second
constexpr uint64_t kAt = kProgram + 0xffb;                        // the instruction that crosses
constexpr uint64_t kValueA = 0xaaaa'aaaa'aa00'0001, kValueB = 0xbbbb'bbbb'bb00'0001;  // alike in kFirst
constexpr uint64_t kFar = 0x50000;                       // virtual and physical: other code
constexpr uint64_t kBuffer = 0x60000, kOther = 0x70000;  // the same, data

inline std::vector<uint8_t> crossing(uint64_t value) { return Code(kAt).move(0, value).halt().bytes(); }

class ToyTest : public EngineTest {
 protected:
  ToyTest() { set_up(m); }
  static void set_up(Machine& m) {
    m.map(0, kProgram, kFirst);
    m.map(0, kBehind, kA);
    for (const uint64_t va : {kFar, kBuffer, kBuffer + kPage, kBuffer + 2 * kPage, kOther, kOther + kPage,
                              kOther + 2 * kPage, kOther + 3 * kPage})
      m.map(0, va, va);
    m.load(kFirst + 0xffb, kA, crossing(kValueA));
    m.load(kFirst + 0xffb, kB, crossing(kValueB));
  }
  // A second space, which has kB behind.
  static void add_space(Machine& m) {
    for (const auto& [va, translation] : std::map(m.cpu->spaces[0].pages)) m.map(1, va, translation.pa);
    m.map(1, kBehind, kB);
  }
  uint64_t result(uint64_t pc = kAt, uint32_t space = 0) {
    m.r(0) = 0;
    EXPECT_TRUE(m.run(pc, space));
    return m.r(0);
  }

  Machine m{GetParam()};
};

}  // namespace mynah::test::toy
