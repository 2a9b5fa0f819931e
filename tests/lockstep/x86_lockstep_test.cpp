// SPDX-License-Identifier: Apache-2.0
//
// An x86 machine on random bytes, in every mode, evaluated and translated, compared at every exception.
// MYNAH_LOCKSTEP_SEEDS=FIRST:COUNT runs others than the usual ones.
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>

#include "tests/lockstep/x86_episodes.h"

namespace mynah::lockstep {
namespace {

class X86Lockstep : public testing::TestWithParam<unsigned> {};
INSTANTIATE_TEST_SUITE_P(, X86Lockstep, testing::Range(0u, kX86Modes), [](const auto& info) {
  return std::string(name_of(static_cast<X86Mode>(info.param)));
});

TEST_P(X86Lockstep, RandomBytes) {
  unsigned long long first = 1, count = 150;
  if (const char* seeds = std::getenv("MYNAH_LOCKSTEP_SEEDS")) {
    ASSERT_EQ(std::sscanf(seeds, "%llu:%llu", &first, &count), 2) << "FIRST:COUNT";
  }
  const auto mode = static_cast<X86Mode>(GetParam());
  X86Episodes episodes(mode);
  unsigned different = 0;
  for (uint64_t seed = first; seed < first + count && different < 5; ++seed) {
    Random random{seed * kX86Modes + GetParam()};
    const std::string report = episodes.run(random_code(random, 96, mode == X86Mode::kLong64), seed);
    if (report.empty()) continue;
    ++different;
    ADD_FAILURE() << report;
  }
  EXPECT_GT(episodes.exceptions, count / 2);
  std::printf("%llu episodes, %llu instructions, %llu exceptions\n", count,
              static_cast<unsigned long long>(episodes.instructions),
              static_cast<unsigned long long>(episodes.exceptions));
}

}  // namespace
}  // namespace mynah::lockstep
