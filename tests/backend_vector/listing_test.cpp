// SPDX-License-Identifier: Apache-2.0
//
// How many host instructions the ops take: run with --gtest_also_run_disabled_tests
// --gtest_filter='*Counts*'. For looking at, not for failing. MYNAH_LIST=op prints the code of one op.
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>

#include "op_check.h"

namespace mynah::ir::testing {
namespace {

std::vector<OpCase> all_cases() {
  std::vector<OpCase> out;
  for (unsigned i = static_cast<unsigned>(Op::vneg) - 3; i < static_cast<unsigned>(Op::kCount); ++i) {
    const Op op = static_cast<Op>(i);
    const auto& about = info(op);
    const std::string_view arguments = about.arguments;
    if (arguments.find_first_not_of("v") == std::string_view::npos && about.result == "v") {
      for (unsigned lane = 0; lane < (family(op) == Family::kFloat || family(op) == Family::kCrypto ? 1 : 4);
           ++lane)
        out.push_back({op, Type::v128, std::vector<Type>(arguments.size(), Type::v128),
                       static_cast<uint8_t>(lane),
                       info(op).name.ends_with("v") && facts(op).imm == ImmForm::kNumber ? 16u >> lane
                       : op == Op::vrev                                                  ? 3u
                                                                                         : 1u});
    } else if (arguments.find_first_not_of("T") == std::string_view::npos && about.result == "T") {
      for (const Type t : {Type::f32, Type::f64, Type::v128})
        out.push_back(
            {op, t, std::vector<Type>(arguments.size(), t), static_cast<uint8_t>(t == Type::f64 ? 3 : 2)});
    }
  }
  const auto integer = [](FpRound r, bool u) { return pack(FtoI{r, u, 0}); };
  for (const Type f : {Type::f32, Type::f64}) {
    const uint8_t aux = f == Type::f32 ? 2 : 3;
    out.push_back({Op::fl_fcmp, Type::flags, {f, f}});
    out.push_back({Op::fcvt, f == Type::f32 ? Type::f64 : Type::f32, {f}});
    for (const Type i : {Type::i32, Type::i64})
      for (const bool u : {false, true}) {
        out.push_back({Op::int_to_f, f, {i}, aux, integer(FpRound::kCurrent, u)});
        for (const FpRound r : {FpRound::kZero, FpRound::kDown, FpRound::kTiesAway})
          out.push_back({Op::fto_int, i, {f}, aux, integer(r, u)});
      }
    for (const bool u : {false, true}) {
      out.push_back({Op::fixed_to_f, Type::v128, {Type::v128}, aux, integer(FpRound::kCurrent, u)});
      out.push_back({Op::fto_fixed, Type::v128, {Type::v128}, aux, integer(FpRound::kZero, u)});
    }
    for (const uint64_t round : {3, 4, 5}) {
      out.push_back({Op::fround, f, {f}, aux, round});
      out.push_back({Op::fround, Type::v128, {Type::v128}, aux, round});
    }
    out.push_back({Op::fcvt_wide, Type::v128, {Type::v128}, static_cast<uint8_t>(aux - 1)});
    out.push_back({Op::fcvt_narrow, Type::v128, {Type::v128}, aux});
  }
  return out;
}

TEST(Listing, DISABLED_Counts) {
  OpChecker checker;
  const char* wanted = std::getenv("MYNAH_LIST");
  for (const OpCase& c : all_cases()) {
    const std::string all = checker.listing(c, {});
    if (wanted) {
      if (info(c.op).name == wanted) std::printf("%s\n%s\n", name(c).c_str(), all.c_str());
      continue;
    }
    bool generic = false;
    const unsigned n = checker.count(c, {}, &generic);
    std::printf("%-60s %s%u\n", name(c).c_str(), generic ? "generic " : "", n);
  }
}

}  // namespace
}  // namespace mynah::ir::testing
