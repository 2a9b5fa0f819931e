// SPDX-License-Identifier: Apache-2.0
//
// A fixture that checks lists of decode rows against an oracle, with the evaluator on our side.
#pragma once

#include <gtest/gtest.h>

#include <span>

#include "tests/a64_oracle/oracle.h"

namespace mynah::a64_oracle {

class OracleTest : public testing::Test {
 protected:
  using IsWrong = bool (*)(const Case&);

  void SetUp() override {
    auto result = arm::make_cpu_model("max");
    ASSERT_TRUE(result.model) << result.error;
    model_ = *result.model;
  }
  void check(Oracle& oracle, IsWrong is_wrong, std::span<const Encoding> rows, bool slow = false) {
    Settings settings = Settings::from_environment();
    settings.skip = is_wrong;
    settings.slow = slow;
    const RunRegion run = slow ? evaluate_region_bounced : evaluate_region;
    for (const Encoding encoding : rows) {
      uint64_t compared = 0;
      const std::string failures = check_encoding(encoding, oracle, run, model_, settings, &compared);
      EXPECT_TRUE(failures.empty()) << failures;
      if (settings.rows.empty()) {
        EXPECT_GT(compared, 0u) << encoding_id(encoding) << " was not tested";
      }
    }
  }
  void check_unicorn(IsWrong is_wrong, std::span<const Encoding> rows) {
    check(*make_unicorn_oracle(), is_wrong, rows);
  }
  void check_qemu(IsWrong is_wrong, std::span<const Encoding> rows, bool slow = false) {
    const auto oracle = make_qemu_oracle();
    if (!oracle) GTEST_SKIP() << "no qemu-aarch64, or no compiler for AArch64";
    check(*oracle, is_wrong, rows, slow);
  }

  arm::CpuModel model_;
};

}  // namespace mynah::a64_oracle
