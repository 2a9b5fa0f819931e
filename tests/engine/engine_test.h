// SPDX-License-Identifier: Apache-2.0
//
// Fixture of the engine's tests: each runs translated and interpreted.
#pragma once

#include <gtest/gtest.h>

#include "tests/engine/bare_machine.h"

namespace mynah::test {

class EngineTest : public testing::TestWithParam<Accelerator> {
 protected:
  bool jit() const { return GetParam() == Accelerator::kJit; }
  BareOptions options() const { return {.accelerator = GetParam()}; }
};

#define MYNAH_BOTH_ACCELERATORS(Suite)                                                        \
  INSTANTIATE_TEST_SUITE_P(, Suite, testing::Values(Accelerator::kJit, Accelerator::kInterp), \
                           [](const auto& info) { return accelerator_name(info.param); })

}  // namespace mynah::test
