// SPDX-License-Identifier: Apache-2.0
//
// The code of typical regions, as text: golden/*.txt hold regions in the IR's text form, each followed by its
// host code. MYNAH_UPDATE_GOLDENS=1 writes the files anew; what changed then shows in the diff. The host code
// is that of a processor with AVX2 and BMI2.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "backend-x86_64/target.h"
#include "harness.h"
#include "ir/text.h"
#include "ir/verify.h"

namespace mynah::ir::testing {
namespace {

// Addresses of thunks depend on nothing that matters here.
std::string without_thunks(const std::string& text) {
  std::istringstream in(text);
  std::string out, line;
  while (std::getline(in, line)) {
    line = line.substr(8);
    if (const size_t at = line.find("0xFFFFFFFFFFFF");
        at != std::string::npos && line.find(',') == std::string::npos)
      line = line.substr(0, at) + "thunk";
    if (const size_t at = line.find("0x00000000000"); at != std::string::npos)
      line = line.substr(0, at + 2) + line.substr(line.size() - 4);
    out += line + "\n";
  }
  return out;
}

std::string update(const std::string& text, std::string& error) {
  std::istringstream in(text);
  std::string out, line, region;
  bool inside = false;
  while (std::getline(in, line)) {
    if (line.starts_with("region")) inside = true;
    if (!inside) {
      if (line.starts_with(";")) out += (out.empty() ? "" : "\n") + line + "\n";
      continue;
    }
    region += line + "\n";
    if (line != "}") continue;
    Machine m;
    error = parse(region, slots(), m.region);
    if (error.empty()) error = verify(m.region);
    if (!error.empty()) {
      error += "\n" + region;
      return {};
    }
    const uint8_t* code = m.compile_region();
    EXPECT_NE(code, nullptr) << region;
    if (!code) return {};
    out += region + "-> " + std::to_string(m.code.size) + " bytes for " +
           std::to_string(m.region.guest_bytes) + "\n" + without_thunks(m.disassembly());
    region.clear();
    inside = false;
  }
  return out;
}

TEST(Golden, HostCode) {
  const auto& f = x86_64::host_features();
  if (!f.avx2 || !f.bmi2 || !f.bmi1 || !f.lzcnt) GTEST_SKIP() << "needs AVX2 and BMI2";
  const bool rewrite = std::getenv("MYNAH_UPDATE_GOLDENS") != nullptr;
  for (const auto& entry : std::filesystem::directory_iterator(MYNAH_SOURCE_DIR "/tests/backend/golden")) {
    if (entry.path().extension() != ".txt") continue;
    std::ifstream in(entry.path());
    std::stringstream text;
    text << in.rdbuf();
    std::string error;
    const std::string now = update(text.str(), error);
    ASSERT_EQ(error, "") << entry.path();
    if (rewrite)
      std::ofstream(entry.path()) << now;
    else
      EXPECT_EQ(now, text.str()) << entry.path() << ": set MYNAH_UPDATE_GOLDENS=1 to accept";
  }
}

}  // namespace
}  // namespace mynah::ir::testing
