// SPDX-License-Identifier: Apache-2.0
//
// A debugger on a run of the program, which waits for it: the protocol by hand, or GDB itself.
#pragma once

#include <gtest/gtest.h>

#include <cstdio>
#include <map>
#include <regex>
#include <string>

#include "tests/app/gdb_client.h"
#include "tests/app/program.h"

namespace mynah::app::test {

struct GdbSession : testing::Test {
  Folder folder;
  std::string socket = folder / "gdb";
  Args with(const std::vector<uint8_t>& guest, Args more = {}) const {
    Args args{"-nographic", "-kernel",       folder.write("kernel", guest), "-nic", "none", "-S",
              "-gdb",       "unix:" + socket};
    args.insert(args.end(), more.begin(), more.end());
    return args;
  }
  static std::string description(GdbClient& gdb) {
    std::string xml;
    for (;;) {
      const std::string piece = gdb.ask(fmt::format("qXfer:features:read:target.xml:{:x},1000", xml.size()));
      if (piece.empty() || (piece[0] != 'm' && piece[0] != 'l')) return "(" + piece + ")";
      xml += piece.substr(1);
      if (piece[0] == 'l') return xml;
    }
  }
  // Numbers by name, of the registers that say theirs; `bits`: of that size (a regular expression).
  static std::map<std::string, unsigned> numbers(const std::string& xml, const char* bits = "64") {
    std::map<std::string, unsigned> all;
    const std::regex reg(fmt::format("<reg name=\"(\\w+)\" bitsize=\"{}\" regnum=\"(\\d+)\"", bits));
    for (std::sregex_iterator it(xml.begin(), xml.end(), reg), end; it != end; ++it)
      all[(*it)[1]] = static_cast<unsigned>(std::stoul((*it)[2]));
    return all;
  }
  static std::string read(GdbClient& gdb, unsigned number) { return gdb.ask(fmt::format("p{:x}", number)); }
};

inline std::string output_of(const std::string& command) {
  std::string text;
  std::FILE* pipe = ::popen((command + " 2>&1").c_str(), "r");
  if (!pipe) return "(nothing)";
  char buffer[4096];
  while (const size_t n = std::fread(buffer, 1, sizeof buffer, pipe)) text.append(buffer, n);
  const int status = ::pclose(pipe);
  return status == 0 ? text : text + "(status " + std::to_string(status) + ")";
}

}  // namespace mynah::app::test
