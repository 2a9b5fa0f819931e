// SPDX-License-Identifier: Apache-2.0
//
// Arguments of the helpers for segments and tables (helpers.def) that lift functions and C++ agree upon.
#pragma once

#include <cstdint>

namespace mynah::x86 {

// ReadSelector, LoadSystemSegment.
constexpr unsigned kSelectorLdtr = 6, kSelectorTr = 7;
// ReadTable, LoadTable.
constexpr unsigned kTableGdtr = 0, kTableIdtr = 1;
// CheckDescriptor: LAR, LSL, VERR, VERW.
enum class DescriptorCheck : uint8_t { kAccess, kLimit, kReadable, kWritable };

// LoadSegment: the segment, and how the instruction goes on by itself where facts of the block have changed
// (`length` bytes, with `popped` bytes off the stack in any case); length 0: it is told of that.
constexpr uint64_t load_segment_imm(unsigned segment, unsigned length, unsigned popped, unsigned stack_bits) {
  return segment | uint64_t{length} << 8 | uint64_t{popped} << 16 | uint64_t{stack_bits} << 24;
}

// Transfers: operand size and bytes of the instruction.
constexpr uint64_t instruction_imm(unsigned bits, unsigned length) { return bits | uint64_t{length} << 8; }
// Interrupt: which instruction.
enum class InterruptKind : uint8_t { kInt, kInt3, kInto, kInt1 };

}  // namespace mynah::x86
