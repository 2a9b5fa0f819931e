// SPDX-License-Identifier: Apache-2.0
//
// Every form, one instruction at a time, on each of our ways, against the host's processor.
#include <gtest/gtest.h>

#include <regex>
#include <set>

#include "tests/x86_oracle/check.h"

namespace mynah::x86_oracle {
namespace {

using Parameter = std::tuple<Mode, Group>;
class X86Single : public testing::TestWithParam<Parameter> {};

std::string parameter_name(const testing::TestParamInfo<Parameter>& info) {
  return std::string(group_name(std::get<1>(info.param))) +
         (std::get<0>(info.param) == Mode::k64 ? "_64" : "_32");
}

TEST_P(X86Single, AsTheHost) {
  const auto [mode, group] = GetParam();
  std::string why;
  HostCpu* const host = HostCpu::get(why);
  if (!host) GTEST_SKIP() << why;
  if (mode == Mode::k32 && !host->has_32bit()) GTEST_SKIP() << "the host runs no 32-bit code";
  const Settings settings = Settings::from_environment();
  Checker checker(settings);
  std::set<std::string> lacking, without;
  unsigned shown = 0, bad = 0, forms = 0;
  for (const Form& form : all_forms(mode)) {
    if (form.group != group) continue;
    if (!settings.forms.empty() && !std::regex_search(form.name, std::regex(settings.forms))) continue;
    if (const auto feature = host_lacks(form.isa_set); !feature.empty()) {
      lacking.insert(std::string(feature));
      continue;
    }
    if (!has_lifter(form.mnemonic)) {
      without.insert(ZydisMnemonicGetString(form.mnemonic));
      continue;
    }
    ++forms;
    const std::string failure = checker.check(form, *host);
    if (failure.empty()) continue;
    ++bad;
    if (shown++ < 12) ADD_FAILURE() << failure;
  }
  for (const auto& feature : lacking) std::printf("skipped: the host lacks %s\n", feature.c_str());
  if (!without.empty()) {
    std::string list;
    for (const auto& m : without) list += " " + m;
    std::printf("%zu mnemonics without lifter:%s\n", without.size(), list.c_str());
  }
  for (const auto& [mnemonic, count] : checker.failed)
    std::printf("%s: %u forms fail\n", mnemonic.c_str(), count);
  for (const auto& [known, count] : checker.known_failed)
    std::printf("known: %u forms of %s: %s\n", count, known->text.c_str(), known->reason.c_str());
  for (const auto& [known, count] : checker.known_passed)
    if (!checker.known_failed.count(known) && settings.forms.empty())
      ADD_FAILURE() << "known_failures.txt: " << known->text << " no longer differs from the host here";
  std::printf("%u forms, %u bad; %llu cases, %llu ran to their end, %llu unsupported\n", forms, bad,
              static_cast<unsigned long long>(checker.cases), static_cast<unsigned long long>(checker.done),
              static_cast<unsigned long long>(checker.unsupported));
}

INSTANTIATE_TEST_SUITE_P(Groups, X86Single,
                         testing::Combine(testing::Values(Mode::k64, Mode::k32),
                                          testing::Values(Group::kGeneral, Group::kString, Group::kControl,
                                                          Group::kX87, Group::kMmx, Group::kSse, Group::kSse2,
                                                          Group::kSse3, Group::kSse4, Group::kAvx,
                                                          Group::kAvx2, Group::kFma, Group::kBmi,
                                                          Group::kCrypto, Group::kSystem)),
                         parameter_name);

}  // namespace
}  // namespace mynah::x86_oracle
