// SPDX-License-Identifier: Apache-2.0
//
// UEFI's shell, as Debian builds the firmware for each board.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "tests/app/program.h"

namespace mynah::app::test {

// A variable that is set in one run is there in the next one.
inline void expect_variables_are_kept(const Args& args, std::chrono::seconds patience) {
  const std::string variable = "setvar mine -guid 00112233-4455-6677-8899-aabbccddeeff";
  for (bool first : {true, false}) {
    Program program(args);
    ASSERT_TRUE(program.wait_for("to skip", patience)) << program.output << program.errors;
    program.type("\x1b");
    ASSERT_TRUE(program.wait_for("Shell> ")) << program.output;
    program.type(variable + (first ? " -nv -bs =0x4321\r" : "\r"));
    if (!first) {
      EXPECT_TRUE(program.wait_for("21 43")) << program.output;
    }
    program.type("reset\r");
    EXPECT_EQ(program.finish(), 0);
  }
}

}  // namespace mynah::app::test
