// SPDX-License-Identifier: Apache-2.0
//
// Tests of small programs, evaluated and translated.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "frontend/x86/vectors.h"
#include "tests/x86_system/bare_machine.h"

namespace mynah::test {

using namespace x86;

class SystemTest : public testing::TestWithParam<Accelerator> {
 protected:
  BareOptions options(Start start) const { return {.start = start, .accelerator = GetParam()}; }
};

inline std::string accelerator_name(const testing::TestParamInfo<Accelerator>& info) {
  return info.param == Accelerator::kJit ? "jit" : "interp";
}

#define MYNAH_SYSTEM_TEST(name)      \
  class name : public SystemTest {}; \
  INSTANTIATE_TEST_SUITE_P(, name, testing::Values(Accelerator::kInterp, Accelerator::kJit), accelerator_name)

}  // namespace mynah::test
