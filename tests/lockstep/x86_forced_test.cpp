// SPDX-License-Identifier: Apache-2.0
//
// Random x86 sequences, flags alive across their blocks, broken off at every instruction by whatever can: see
// x86_forced.h. MYNAH_LOCKSTEP_SEEDS=FIRST:COUNT runs others than the usual ones.
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>

#include "tests/lockstep/x86_forced.h"
#include "tests/x86_oracle/check.h"

namespace mynah::lockstep {
namespace {

using x86_oracle::Case;
using x86_oracle::Mode;
using Kind = Force::Kind;

// Instructions that raise an exception where they stand, whatever the registers.
std::vector<uint8_t> faulting(x86_oracle::Random& random) {
  constexpr auto missing = static_cast<uint32_t>(x86_oracle::kData - 0x1000 + 0x123);
  constexpr auto only_read = static_cast<uint32_t>(x86_oracle::kCode + 0x321);
  const auto with_address = [](std::vector<uint8_t> bytes, uint32_t address) {
    for (unsigned i = 0; i < 4; ++i) bytes.push_back(static_cast<uint8_t>(address >> 8 * i));
    return bytes;
  };
  switch (random.below(6)) {
    case 0:
      return with_address({0x8b, 0x04, 0x25}, missing);  // mov eax, [missing]
    case 1:
      return with_address({0x01, 0x04, 0x25}, missing);  // add [missing], eax
    case 2:
      return with_address({0x11, 0x0c, 0x25}, only_read);  // adc [only_read], ecx
    case 3:
      return {0x0f, 0x0b};  // ud2
    case 4:
      return {0xcd, 0x45};  // int 0x45: #GP
    default:
      return {0xd4, 0x00, 0xf4};  // aam 0: #DE; in 64-bit code #UD
  }
}

std::vector<uint8_t> code_of(const Case& c) { return {c.code, c.code + c.length}; }

// Where instructions of the sequence begin.
std::vector<size_t> starts_of(const Case& c) {
  std::vector<size_t> starts;
  x86_oracle::Decoded d;
  for (size_t at = 0; at < c.length && x86_oracle::decode(c.mode, c.code + at, c.length - at, d);
       at += d.insn.length)
    starts.push_back(at);
  return starts;
}

// Everything that breaks off the sequence, at every place. The first difference.
std::string break_off(ForcedRuns& runs, const Case& c, x86_oracle::Random& random) {
  const std::vector<uint8_t> code = code_of(c);
  std::string text;
  const auto run = [&](const Force& force) {
    if (text.empty()) text = runs.run(c, code, force);
  };
  runs.forget_pages();
  for (unsigned n = 0; n < 3; ++n) run({});  // links are made
  const uint64_t length = runs.executed();
  for (uint64_t after = 0; after <= std::min<uint64_t>(length, 40) && text.empty(); ++after) {
    run({.kind = Kind::kInterrupt, .after = after});
    run({.kind = Kind::kAtBlock, .after = after + 1});
    run({.kind = Kind::kStep, .after = after});
  }
  run({.kind = Kind::kSteps});
  for (const uint8_t pages : {1, 4, 5, 2, 8, 10, 6, 9}) run({.kind = Kind::kPages, .pages = pages});
  for (const size_t at : starts_of(c)) {
    std::vector<uint8_t> changed = code;
    const std::vector<uint8_t> bytes = faulting(random);
    if (changed.size() < at + bytes.size()) changed.resize(at + bytes.size(), 0xcc);
    std::copy(bytes.begin(), bytes.end(), changed.begin() + static_cast<ptrdiff_t>(at));
    runs.forget_pages();
    for (unsigned again = 0; again < 2 && text.empty(); ++again) text = runs.run(c, changed, {});
    if (!text.empty()) return text + "with " + x86_oracle::hex(changed.data(), changed.size()) + "\n";
  }
  return text;
}

class X86Forced : public testing::TestWithParam<std::tuple<Mode, bool>> {};

TEST_P(X86Forced, EveryInstruction) {
  const auto [mode, branches] = GetParam();
  unsigned long long first = 1, count = 40;
  if (const char* seeds = std::getenv("MYNAH_LOCKSTEP_SEEDS")) {
    ASSERT_EQ(std::sscanf(seeds, "%llu:%llu", &first, &count), 2) << "FIRST:COUNT";
  }
  const x86_oracle::CaseLimits limits{.low_data = false, .faults = false};
  const x86_oracle::SequenceMaker maker(
      mode, limits, [](const x86_oracle::Form& f) { return x86_oracle::has_lifter(f.mnemonic); });
  ForcedRuns runs;
  unsigned different = 0;
  for (uint64_t seed = first; seed < first + count && different < 5; ++seed) {
    x86_oracle::Random random(seed * 4 + static_cast<unsigned>(mode) * 2 + branches);
    const Case c = maker.make(random, 3 + random.below(10), branches).before;
    const std::string text = break_off(runs, c, random);
    if (text.empty()) continue;
    ++different;
    ADD_FAILURE() << "seed " << seed << "\n" << x86_oracle::describe(c) << text;
  }
  EXPECT_GT(runs.exceptions, runs.runs / 2);
  std::printf("%llu sequences, %llu runs, %llu exceptions\n", count,
              static_cast<unsigned long long>(runs.runs), static_cast<unsigned long long>(runs.exceptions));
}

INSTANTIATE_TEST_SUITE_P(Modes, X86Forced,
                         testing::Combine(testing::Values(Mode::k64, Mode::k32), testing::Bool()),
                         [](const testing::TestParamInfo<std::tuple<Mode, bool>>& info) {
                           return std::string(std::get<0>(info.param) == Mode::k64 ? "64" : "32") +
                                  (std::get<1>(info.param) ? "_branches" : "_straight");
                         });

}  // namespace
}  // namespace mynah::lockstep
