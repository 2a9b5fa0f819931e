// SPDX-License-Identifier: Apache-2.0
//
// Comparison of cases with the host's processor, and of all our ways with each other.
//
// Environment: MYNAH_ORACLE_FORMS (a regular expression over forms' names: those alone), MYNAH_ORACLE_CASES
// (times as many cases), MYNAH_ORACLE_SEED. A failure says which of them shows it again.
#pragma once

#include <map>
#include <memory>
#include <regex>
#include <string>
#include <vector>

#include "tests/x86_oracle/host_cpu.h"
#include "tests/x86_oracle/our_side.h"
#include "tests/x86_oracle/random_case.h"

namespace mynah::x86_oracle {

struct Settings {
  unsigned instances = 6;  // of each form
  unsigned states = 8;     // of each instance
  uint64_t seed = 1;
  std::string forms;  // regular expression, empty for all
  static Settings from_environment();
};

// What differs, a line each; empty when nothing does.
std::string difference(const Case& before, const Case& expected, const Case& actual,
                       const Undefined& undefined);
std::string describe(const Case& before);  // code and the registers that it names

// Failures that are known (known_failures.txt): forms whose name matches differ, for that reason.
struct KnownFailure {
  std::regex forms;
  std::string text;  // of the expression
  std::string reason;
};
const std::vector<KnownFailure>& known_failures();
const KnownFailure* known_failure(const Form& form);

class Checker {
 public:
  explicit Checker(const Settings& settings);
  // One message for the first few failures of the form, with their count; empty: none, or none but known
  // ones.
  std::string check(const Form& form, HostCpu& host);

  uint64_t cases = 0, done = 0, unsupported = 0;
  std::map<std::string, unsigned> failed;                              // by mnemonic
  std::map<const KnownFailure*, unsigned> known_failed, known_passed;  // forms

 private:
  Settings settings_;
  std::vector<std::unique_ptr<OurSide>> ours_;
};

}  // namespace mynah::x86_oracle
