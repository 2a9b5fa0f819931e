// SPDX-License-Identifier: Apache-2.0
//
// Names that the text form's printer and parser share.
#pragma once

#include <iterator>
#include <string_view>

#include "ir/ir.h"

namespace mynah::ir::text {

constexpr std::string_view kTypes[] = {"none", "i1",  "i32", "i64", "flags",
                                       "ptr",  "f16", "f32", "f64", "v128"};
constexpr std::string_view kConds[] = {"eq", "ne", "cs", "cc", "mi", "pl", "vs", "vc", "hi",
                                       "ls", "ge", "lt", "gt", "le", "pe", "po", "ab", "be"};
static_assert(std::size(kConds) == ir::kConds);
constexpr std::string_view kSizes[] = {"b", "h", "s", "d", "q"};
constexpr std::string_view kBranchKinds[] = {"jump", "call", "return", "other"};
constexpr std::string_view kRounds[] = {"ties_even", "up", "down", "zero", "ties_away", "current"};

// Without what only C++ needs of it: a trailing underscore, the k of konst.
inline std::string_view op_name(Op op) {
  if (op == Op::konst) return "const";
  if (op == Op::fl_konst) return "fl_const";
  std::string_view name = info(op).name;
  if (name.ends_with('_')) name.remove_suffix(1);
  return name;
}

}  // namespace mynah::ir::text
