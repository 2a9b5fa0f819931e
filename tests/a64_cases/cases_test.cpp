// SPDX-License-Identifier: Apache-2.0
//
// The instruction cases of tests/a64_cases/*.txt (their form: cases.h), on the evaluator and translated, and
// qemu-aarch64 asked for the same. MYNAH_UPDATE_GOLDENS=1 has qemu-aarch64 write the results column anew.
#include "tests/a64_cases/cases.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>

#include "tests/a64_integer/jit_runner.h"

namespace mynah::a64_cases {
namespace {

using a64_oracle::Case;
using a64_oracle::Outcome;

std::vector<TextCase> all_cases() {
  std::vector<std::string> paths;
  for (const auto& entry : std::filesystem::directory_iterator(MYNAH_A64_CASES))
    if (entry.path().extension() == ".txt" && entry.path().stem() != "CMakeLists")
      paths.push_back(entry.path());
  std::sort(paths.begin(), paths.end());
  std::vector<TextCase> cases;
  for (const std::string& path : paths) {
    const std::vector<TextCase> more = read_cases(path);
    cases.insert(cases.end(), more.begin(), more.end());
  }
  return cases;
}

void expect(const TextCase& c, const Case& ran, std::string_view who) {
  EXPECT_EQ(ran.outcome, Outcome::kDone) << c.file << ":" << c.line << " " << who;
  const std::string lines = difference({c.after, c.word, Outcome::kDone}, ran);
  EXPECT_EQ(lines, "") << c.file << ":" << c.line << ": " << c.head << "\n  of " << who << ":"
                       << results(c.before, ran.state);
}

void run_all(const a64_oracle::RunRegion& run, std::string_view who, bool slow = false) {
  const arm::CpuModel model = *arm::make_cpu_model("max").model;
  const std::vector<TextCase> cases = all_cases();
  EXPECT_GE(cases.size(), 100u);
  for (const TextCase& c : cases) {
    Case ran{c.before, c.word, Outcome::kDone};
    run_case(run, model, ran, slow);
    expect(c, ran, who);
  }
}

TEST(Cases, Evaluated) { run_all(a64_oracle::evaluate_region, "the evaluator"); }
TEST(Cases, Translated) {
  a64_oracle::JitRunner jit;
  run_all(jit.function(), "translated code");
}
TEST(Cases, TranslatedForAPlainProcessor) {
  a64_oracle::JitRunner jit({.plain = true});
  run_all(jit.function(), "translated code");
}

void write_results(const std::string& path, const std::map<unsigned, std::string>& lines) {
  std::ifstream in(path);
  std::string text;
  unsigned number = 0;
  for (std::string line; std::getline(in, line);) {
    const auto found = lines.find(++number);
    text += (found == lines.end() ? line : found->second) + "\n";
  }
  std::ofstream(path) << text;
}

TEST(Cases, AgreeWithQemu) {
  const auto oracle = a64_oracle::make_qemu_oracle();
  if (!oracle) GTEST_SKIP() << "no qemu-aarch64, or no compiler for AArch64";
  const bool update = std::getenv("MYNAH_UPDATE_GOLDENS") != nullptr;
  std::map<std::string, std::map<unsigned, std::string>> written;
  for (const TextCase& c : all_cases()) {
    Case ran{c.before, c.word, Outcome::kDone};
    oracle->run({&ran, 1});
    if (update && ran.outcome == Outcome::kDone)
      written[c.file][c.line] = c.head + results(c.before, ran.state);
    else
      expect(c, ran, oracle->name());
  }
  for (const auto& [path, lines] : written) write_results(path, lines);
}

TEST(Cases, FormIsHeld) {
  const std::string path = testing::TempDir() + "mynah_case.txt";
  const auto error = [&](const std::string& line) {
    std::ofstream(path) << line << "\n";
    try {
      read_cases(path);
    } catch (const std::exception& e) {
      return std::string(e.what()).substr(path.size());
    }
    return std::string();
  };
  EXPECT_EQ(error("1ac20c20  sdiv w0, w1, w2 | x1=-1 | x0=0x8000_0000"), "");
  EXPECT_EQ(error("1ac20c20  sdiv w0, w1, w2 | x1=1"), ":1: three columns expected");
  EXPECT_EQ(error("1ac20c20  sdiv w0, w1, w2 | x31=1 | "), ":1: no such register: x31");
  EXPECT_EQ(error("1ac20c20  sdiv w0, w1, w2 | x1=1z | "), ":1: no number: 1z");
  EXPECT_EQ(error("1ac20c20  sdiv w0, w1, w2 | v1=1 | "), ":1: a vector is high:low");
  std::filesystem::remove(path);
}

}  // namespace
}  // namespace mynah::a64_cases
