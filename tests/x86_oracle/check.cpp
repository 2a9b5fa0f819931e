// SPDX-License-Identifier: Apache-2.0
//
// Runs cases on the host and on all our ways.
#include "tests/x86_oracle/check.h"

#include <fmt/format.h>

#include <cstdlib>
#include <fstream>

namespace mynah::x86_oracle {

Settings Settings::from_environment() {
  Settings s;
  if (const char* seed = std::getenv("MYNAH_ORACLE_SEED")) s.seed = std::strtoull(seed, nullptr, 0);
  if (const char* cases = std::getenv("MYNAH_ORACLE_CASES"))
    s.instances *= static_cast<unsigned>(std::max(1, std::atoi(cases)));
  if (const char* forms = std::getenv("MYNAH_ORACLE_FORMS")) s.forms = forms;
  return s;
}

const std::vector<KnownFailure>& known_failures() {
  static const auto list = [] {
    std::vector<KnownFailure> known;
    std::ifstream in(MYNAH_X86_KNOWN_FAILURES);
    for (std::string line; std::getline(in, line);) {
      const size_t end = line.find(" | ");
      if (line.empty() || line[0] == '#' || end == line.npos) continue;
      const std::string text = line.substr(0, end);
      known.push_back({std::regex(text), text, line.substr(end + 3)});
    }
    return known;
  }();
  return list;
}

const KnownFailure* known_failure(const Form& form) {
  for (const KnownFailure& k : known_failures())
    if (std::regex_match(form.name, k.forms)) return &k;
  return nullptr;
}

Checker::Checker(const Settings& settings) : settings_(settings) {
  for (const Way& way : ways()) ours_.push_back(OurSide::make(way));
}

std::string Checker::check(const Form& form, HostCpu& host) {
  constexpr unsigned kShown = 2;
  const CaseLimits limits{.low_data = host.has_low_data(), .bases = host.has_bases()};
  uint64_t seed = settings_.seed;
  for (const char c : form.key) seed = seed * 131 + static_cast<uint8_t>(c);
  Random random(seed);
  const std::string mnemonic = ZydisMnemonicGetString(form.mnemonic);
  const KnownFailure* const known = known_failure(form);
  std::string text;
  unsigned failures = 0, compared = 0;
  for (unsigned n = 0; n < settings_.instances; ++n) {
    const auto instance = random_instance(random, form, limits);
    if (!instance) break;
    for (unsigned k = 0; k < settings_.states; ++k) {
      const Case before = random_case(random, *instance, limits);
      Case expected = before;
      host.run(expected);
      ++cases;
      const Undefined undefined = undefined_of(instance->decoded, before);
      Case first;
      for (size_t w = 0; w < ours_.size(); ++w) {
        Case actual = before;
        ours_[w]->run(actual);
        if (actual.outcome.vector == kUnsupported) {
          ++unsupported;
          break;
        }
        std::string lines = difference(before, expected, actual, undefined);
        if (w == 0) {
          first = actual;
          ++compared;
          done += expected.outcome.vector == kNone;
        } else if (lines.empty()) {
          lines = difference(before, first, actual, {});
          if (!lines.empty()) lines = "    other than the evaluator:\n" + lines;
        }
        if (lines.empty()) continue;
        if (failures++ < kShown) text += fmt::format("  {}:\n{}{}", ways()[w].name, describe(before), lines);
        break;
      }
    }
  }
  if (known) ++(failures ? known_failed : known_passed)[known];
  if (failures == 0 || known) return {};
  ++failed[mnemonic];
  return fmt::format("MYNAH_ORACLE_FORMS='^{}$' MYNAH_ORACLE_SEED={}: {} of {} cases differ\n{}", form.name,
                     settings_.seed, failures, compared, text);
}

}  // namespace mynah::x86_oracle
