// SPDX-License-Identifier: Apache-2.0
//
// The IR's text form: what `--dump-ir` shows and what the IR tests are written in. print() and parse() are
// inverse.
//
//   region @0x1000 insts=3 bytes=12 smp {
//     %0:i64 = get x1
//     %1:i64 = const 16
//     %2:i64 = add %0, %1
//     %3:ptr = guard.write %2, -8..8 by 8 @0x1004 #1 {x1=%2}
//     store.d [%3 + -8], %0
//     %5:i1 = icmpz.eq %0
//     exit_if %5, 0x1020 @0x1008 #2 {x1=%2}
//     exit @0x100c #3 {x1=%2}
//   }
//
// - Values are numbered; a number is any name, but print() gives an instruction's index.
// - Constant attributes follow an op's name after dots (conditions, lane sizes b h s d q, flags) or its
// arguments
//   (numbers, names). Bits that have no name show as aux=N and imm=N.
// - An op that may leave ends with its snapshot: guest pc, completed instructions, slots that differ from
// memory.
//   The target of exit and exit_if is left out where it is that pc.
// - A region of several blocks has a line `blockN:` before each. jump and branch pass values in parentheses.
// - `;` starts a comment.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "ir/ir.h"

namespace mynah::ir {

std::string print(const Region& region);

// Replaces `region`. An empty string, or what is wrong and in which line; then the region is of no use.
// Checks the form only: verify() does the rest. `slots` must outlive the region.
std::string parse(std::string_view text, std::span<const SlotInfo> slots, Region& region);

}  // namespace mynah::ir
