// SPDX-License-Identifier: Apache-2.0
//
// Random sequences on each of our ways, against the host's processor.
#include "tests/x86_oracle/sequence.h"

#include <gtest/gtest.h>

#include "tests/x86_oracle/check.h"

namespace mynah::x86_oracle {
namespace {

class X86Sequences : public testing::TestWithParam<std::tuple<Mode, bool>> {};

TEST_P(X86Sequences, AsTheHost) {
  const auto [mode, branches] = GetParam();
  std::string why;
  HostCpu* const host = HostCpu::get(why);
  if (!host) GTEST_SKIP() << why;
  if (mode == Mode::k32 && !host->has_32bit()) GTEST_SKIP() << "the host runs no 32-bit code";
  const Settings settings = Settings::from_environment();
  const CaseLimits limits{.low_data = false, .bases = host->has_bases(), .faults = false};
  std::regex chosen(settings.forms);
  const SequenceMaker maker(mode, limits, [&](const Form& f) {
    return host_lacks(f.isa_set).empty() && has_lifter(f.mnemonic) && !known_failure(f) &&
           (settings.forms.empty() || std::regex_search(f.name, chosen));
  });
  std::vector<std::unique_ptr<OurSide>> ours;
  for (const Way& way : ways()) ours.push_back(OurSide::make(way));
  const unsigned count = settings.instances * 500;
  unsigned failures = 0, done = 0, unsupported = 0;
  for (unsigned n = 0; n < count && failures < 6; ++n) {
    Random random(settings.seed * 1'000'003 + n * 4 + static_cast<unsigned>(mode) * 2 + branches);
    const Sequence s = maker.make(random, 2 + random.below(11), branches);
    Case expected = s.before, first;
    host->run(expected);
    done += expected.outcome.vector == kNone;
    for (size_t w = 0; w < ours.size(); ++w) {
      // Twice: links are made by the first time.
      for (unsigned again = 0; again < 2; ++again) {
        Case actual = s.before;
        ours[w]->run(actual);
        if (actual.outcome.vector == kUnsupported) {
          ++unsupported;
          break;
        }
        std::string lines = difference(s.before, expected, actual, s.undefined);
        if (w == 0 && again == 0) {
          first = actual;
        } else if (lines.empty()) {
          lines = difference(s.before, first, actual, {});
          if (!lines.empty()) lines = "    other than the evaluator:\n" + lines;
        }
        if (lines.empty()) continue;
        ++failures;
        ADD_FAILURE() << "sequence " << n << " of seed " << settings.seed << ", " << ways()[w].name
                      << (again ? ", again" : "") << "\n"
                      << describe(s.before) << lines;
        w = ours.size() - 1;
        break;
      }
    }
  }
  std::printf("%u sequences, %u ran to their end, %u runs unsupported\n", count, done, unsupported);
  EXPECT_TRUE(failures || done > count / 2);
}

INSTANTIATE_TEST_SUITE_P(Modes, X86Sequences,
                         testing::Combine(testing::Values(Mode::k64, Mode::k32), testing::Bool()),
                         [](const testing::TestParamInfo<std::tuple<Mode, bool>>& info) {
                           return std::string(std::get<0>(info.param) == Mode::k64 ? "64" : "32") +
                                  (std::get<1>(info.param) ? "_branches" : "_straight");
                         });

}  // namespace
}  // namespace mynah::x86_oracle
