// SPDX-License-Identifier: Apache-2.0
//
// The table of rows, complete at compile time.
#include "backend-x86_64/rows.h"

#include <array>

#include "backend-x86_64/emit.h"

namespace mynah::x86_64 {

namespace {

using namespace ir::alloc;

// A row that a .def file gives, by op; `count` finds ops without one or with two.
struct Table {
  std::array<Row, static_cast<size_t>(Op::kCount)> rows{};
  std::array<uint8_t, static_cast<size_t>(Op::kCount)> count{};
};

constexpr Row kGenericRow = {.emit = emit_generic,
                             .args = {kRegConst, kRegConst, kRegConst, kRegConst},
                             .result = kFree,
                             .flags = kClobbersFlags,
                             .traits = kClobbersAll,
                             .clobbers = kCallClobbers};

constexpr Table make_table() {
  Table t;
  const auto add = [&t](Op op, const Row& row) {
    t.rows[static_cast<size_t>(op)] = row;
    ++t.count[static_cast<size_t>(op)];
  };
#define EMITTER(op, ...) add(Op::op, Row{.emit = emit_##op __VA_OPT__(, ) __VA_ARGS__});
#define GENERIC(op) add(Op::op, kGenericRow);
#define SELECTED(op) add(Op::op, Row{});
#include "backend-x86_64/emit_atomic.def"
#include "backend-x86_64/emit_crypto.def"
#include "backend-x86_64/emit_crypto_rounds.def"
#include "backend-x86_64/emit_exit.def"
#include "backend-x86_64/emit_f80.def"
#include "backend-x86_64/emit_flags.def"
#include "backend-x86_64/emit_fp.def"
#include "backend-x86_64/emit_generic.def"
#include "backend-x86_64/emit_integer.def"
#include "backend-x86_64/emit_memory.def"
#include "backend-x86_64/emit_vector_integer.def"
#include "backend-x86_64/emit_vector_move.def"
#include "backend-x86_64/emit_vector_packed.def"
#undef EMITTER
#undef GENERIC
#undef SELECTED
  return t;
}

constexpr Table kTable = make_table();
constexpr bool complete() {
  for (const uint8_t n : kTable.count)
    if (n != 1) return false;
  return true;
}
static_assert(complete(), "every op needs exactly one EMITTER, GENERIC or SELECTED row");

}  // namespace

const Row& row(Op op) { return kTable.rows[static_cast<size_t>(op)]; }

}  // namespace mynah::x86_64
