// SPDX-License-Identifier: Apache-2.0
//
// Runs on AArch64 (softfloat_arm_test.cpp starts it under qemu-aarch64): reads OracleCase records from
// standard input, executes each case's instruction under its FPCR, and writes OracleAnswer records to
// standard output.

#include <cstdio>
#include <vector>

#include "tests/ir/softfloat_oracle_ops.h"

namespace {

using mynah::test::OracleAnswer;
using mynah::test::OracleCase;

#define TAIL_FP "fmov %[result], d0"
#define TAIL_INT "mov %[result], x0"
#define TAIL_CMP "mrs %[result], nzcv"

#define X(KIND, NAME, BEFORE, REGISTERS, AFTER)                                               \
  OracleAnswer run_##NAME(const OracleCase& c) {                                              \
    OracleAnswer answer;                                                                      \
    asm volatile(                                                                             \
        "fmov d1, %[a]\n\tfmov d2, %[b]\n\tfmov d3, %[c]\n\tmov x1, %[a]\n\t"                 \
        "msr fpcr, %[fpcr]\n\tmsr fpsr, xzr\n\t" BEFORE REGISTERS AFTER "\n\t" TAIL_##KIND    \
        "\n\tmrs %[fpsr], fpsr\n\tmsr fpcr, xzr"                                              \
        : [result] "=&r"(answer.result), [fpsr] "=&r"(answer.fpsr)                            \
        : [a] "r"(c.a), [b] "r"(c.b), [c] "r"(c.c), [fpcr] "r"(static_cast<uint64_t>(c.fpcr)) \
        : "x0", "x1", "x2", "v0", "v1", "v2", "v3", "cc");                                    \
    return answer;                                                                            \
  }
MYNAH_ORACLE_OPS(X)
#undef X

using Runner = OracleAnswer (*)(const OracleCase&);
constexpr Runner kRunners[] = {
#define X(KIND, NAME, BEFORE, REGISTERS, AFTER) run_##NAME,
    MYNAH_ORACLE_OPS(X)
#undef X
};

}  // namespace

int main() {
  std::vector<OracleCase> cases(4096);
  std::vector<OracleAnswer> answers(cases.size());
  while (const size_t n = std::fread(cases.data(), sizeof(OracleCase), cases.size(), stdin)) {
    for (size_t i = 0; i < n; ++i) {
      if (cases[i].op >= static_cast<uint32_t>(mynah::test::OracleOp::count)) return 1;
      answers[i] = kRunners[cases[i].op](cases[i]);
    }
    if (std::fwrite(answers.data(), sizeof(OracleAnswer), n, stdout) != n) return 1;
  }
  return 0;
}
