// SPDX-License-Identifier: Apache-2.0
//
// Comparison of cases with the host's processor, and of all our ways with each other.
//
// Environment: MYNAH_ORACLE_FORMS (a regular expression over forms' names: those alone), MYNAH_ORACLE_CASES
// (times as many cases), MYNAH_ORACLE_SEED. A failure says which of them shows it again.
#pragma once

#include <map>
#include <memory>
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

// Failures that are known, by mnemonic and the reason (known_failures.txt); a reason that begins with
// "undefined:" means that the manuals leave the result open.
const std::map<std::string, std::string>& known_failures();

class Checker {
 public:
  explicit Checker(const Settings& settings);
  // One message for the first few failures of the form, with their count; empty: none.
  std::string check(const Form& form, HostCpu& host);

  uint64_t cases = 0, done = 0, unsupported = 0;
  std::map<std::string, unsigned> failed;  // by mnemonic

 private:
  Settings settings_;
  std::vector<std::unique_ptr<OurSide>> ours_;
};

}  // namespace mynah::x86_oracle
