// SPDX-License-Identifier: Apache-2.0
//
// Every row of the decode tables that works on general registers alone: random fields, operands with many
// edge values, one instruction at a time, on each way to run it, against Unicorn. Left out are system
// instructions and pointer authentication, which have tests of their own, and what Unicorn has wrong (see
// unicorn_is_wrong).
#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>

#include "tests/a64_integer/jit_runner.h"
#include "tests/a64_oracle/general_rows.h"

namespace mynah::a64_oracle {
namespace {

constexpr Encoding kBranches[] = {Encoding::b_cond, Encoding::b,     Encoding::bl,     Encoding::cbz,
                                  Encoding::cbnz,   Encoding::tbz,   Encoding::tbnz,   Encoding::br,
                                  Encoding::blr,    Encoding::ret,   Encoding::nop,    Encoding::dmb,
                                  Encoding::dsb,    Encoding::cfinv, Encoding::xaflag, Encoding::axflag};

bool is_vector_access(std::string_view id) {
  return id.ends_with("_simd") || id.find("_multiple") != id.npos || id.find("_single") != id.npos ||
         (id.size() >= 4 && id.substr(0, 2) == "ld" && id[2] >= '1' && id[2] <= '4' && id[3] == 'r');
}

std::vector<Encoding> without(std::span<const Encoding> rows,
                              std::initializer_list<std::string_view> prefixes) {
  std::vector<Encoding> kept;
  for (const Encoding encoding : rows) {
    const std::string_view id = encoding_id(encoding);
    const bool left_out =
        std::any_of(prefixes.begin(), prefixes.end(), [&](auto p) { return id.starts_with(p); });
    if (!left_out && !is_vector_access(id)) kept.push_back(encoding);
  }
  return kept;
}

bool unicorn_is_wrong(const Case& c) {
  switch (arm::a64::decode(c.word).encoding) {
    // Below 64 bits it compares all of the register, and memory as if unsigned. (NarrowAtomics has these.)
    case Encoding::ldsmax:
    case Encoding::ldsmin:
    case Encoding::ldumax:
    case Encoding::ldumin:
      return c.word >> 30 != 3;
    default:
      return qemu_is_wrong(c);
  }
}

enum class Way { kEvaluator, kEvaluatorSlow, kJit, kJitPlain, kJitSlow };
std::string way_name(const testing::TestParamInfo<Way>& info) {
  constexpr const char* kNames[] = {"evaluator", "evaluator_slow", "jit", "jit_plain", "jit_slow"};
  return kNames[static_cast<unsigned>(info.param)];
}

class A64Integer : public testing::TestWithParam<Way> {
 protected:
  void check(std::span<const Encoding> rows, std::unique_ptr<Oracle> oracle = make_unicorn_oracle(),
             bool (*is_wrong)(const Case&) = unicorn_is_wrong) {
    const arm::CpuModel model = *arm::make_cpu_model("max").model;
    Settings settings = Settings::from_environment();
    settings.words = std::max(1u, settings.words / 2);
    settings.skip = is_wrong;
    settings.slow = GetParam() == Way::kEvaluatorSlow || GetParam() == Way::kJitSlow;
    std::unique_ptr<JitRunner> jit;
    RunRegion run = settings.slow ? evaluate_region_bounced : evaluate_region;
    if (GetParam() >= Way::kJit) {
      jit = std::make_unique<JitRunner>(JitOptions{.plain = GetParam() == Way::kJitPlain});
      run = jit->function();
    }
    for (const Encoding encoding : rows) {
      uint64_t compared = 0;
      const std::string failures = check_encoding(encoding, *oracle, run, model, settings, &compared);
      EXPECT_TRUE(failures.empty()) << failures;
      if (settings.rows.empty()) {
        EXPECT_GT(compared, 0u) << encoding_id(encoding) << " was not tested";
      }
    }
  }
};
INSTANTIATE_TEST_SUITE_P(, A64Integer,
                         testing::Values(Way::kEvaluator, Way::kEvaluatorSlow, Way::kJit, Way::kJitPlain,
                                         Way::kJitSlow),
                         way_name);

TEST_P(A64Integer, DataProcessing) { check(without(kDataProcessing, {"udf", "pac", "aut", "xpac"})); }
TEST_P(A64Integer, Branches) { check(kBranches); }
// QEMU, and so Unicorn, lacks the limited-ordering accesses; LDRAA authenticates.
TEST_P(A64Integer, LoadStore) { check(without(kLoadStore, {"stllr", "ldlar", "ldraa"})); }

TEST_P(A64Integer, NarrowAtomics) {
  auto qemu = make_qemu_oracle();
  if (!qemu) GTEST_SKIP() << "no qemu-aarch64, or no compiler for AArch64";
  constexpr Encoding kRows[] = {Encoding::ldsmax, Encoding::ldsmin, Encoding::ldumax, Encoding::ldumin};
  check(kRows, std::move(qemu), qemu_is_wrong);
}

}  // namespace
}  // namespace mynah::a64_oracle
