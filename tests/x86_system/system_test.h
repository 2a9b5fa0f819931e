// SPDX-License-Identifier: Apache-2.0
//
// Tests of small programs: evaluated, translated, and by the host's kernel where MYNAH_KVM says so (it is not
// the processor itself wherever that kernel emulates, so this is for who knows his machine); else skipped by
// name.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

#include "frontend/x86/vectors.h"
#include "tests/x86_system/bare_machine.h"

namespace mynah::test {

using namespace x86;

enum class RunBy : uint8_t { kInterp, kJit, kHost };

class SystemTest : public testing::TestWithParam<RunBy> {
 protected:
  void SetUp() override {
    if (!on_host()) return;
    if (!std::getenv("MYNAH_KVM")) GTEST_SKIP() << "MYNAH_KVM is not set";
    if (::access("/dev/kvm", R_OK | W_OK) != 0) GTEST_SKIP() << "/dev/kvm does not open";
  }
  bool on_host() const { return GetParam() == RunBy::kHost; }
  BareOptions options(Start start) const {
    return {.start = start,
            .accelerator = GetParam() == RunBy::kJit ? Accelerator::kJit : Accelerator::kInterp,
            .cpu = "max",
            .on_host = on_host()};
  }
};
// What the host cannot be asked, or what its maker has otherwise than the manual of ours.
#define MYNAH_NOT_ON_HOST(why) \
  if (on_host()) GTEST_SKIP() << why

inline std::string run_by_name(const testing::TestParamInfo<RunBy>& info) {
  return info.param == RunBy::kHost ? "host" : info.param == RunBy::kJit ? "jit" : "interp";
}

#define MYNAH_SYSTEM_TEST(name)      \
  class name : public SystemTest {}; \
  INSTANTIATE_TEST_SUITE_P(, name, testing::Values(RunBy::kInterp, RunBy::kJit, RunBy::kHost), run_by_name)

}  // namespace mynah::test
