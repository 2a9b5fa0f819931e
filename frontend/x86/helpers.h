// SPDX-License-Identifier: Apache-2.0
//
// What translated x86 code asks of C++: helpers (`call` ops, which return into the region) and reasons to
// leave it for good (`exit_engine`). X86Cpu implements both (X86Cpu::call_helper finds the function of a
// helper in a table of helpers.cpp).
#pragma once

#include <cstdint>
#include <span>

#include "ir/ir.h"

namespace mynah::x86 {

class X86Cpu;

// A helper: name, function, what it may do to the state. The function's arguments and result are those of the
// `call` op; false: it raised an exception or set the pc (X86Cpu::set_pc), and the region is left.
//   HELPER(name, function, reads, writes, may_leave, safepoint)
// The list is helpers.def; functions are declared in helpers_functions.h.
enum class Helper : uint16_t {
#define HELPER(name, ...) k##name,
#include "frontend/x86/helpers.def"
#undef HELPER
  kCount
};

std::span<const ir::HelperInfo> helper_table();
bool call_helper(Helper helper, X86Cpu& cpu, const uint64_t args[4], uint64_t& result);

// Results of Helper::kRepMovs and kRepStos; 0: nothing was done.
constexpr uint64_t kRepDone = 1, kRepMore = 2;

// exit_engine: aux. pc of the snapshot is the instruction's own unless said otherwise.
enum class ExitReason : uint8_t {
  kContinue,   // look up again at the snapshot's pc (which is the next instruction's): modes may have changed
  kException,  // imm = ExceptionImm
  kUndefined,  // #UD; imm = ZydisMnemonic | 1 << 16 | ZydisISASet << 32 where the processor model lacks it
  kHlt,        // pc is the next instruction's
  kPause,      // the same
  kShadow,     // the same: the next instruction is shadowed (imm: 1 STI, 2 MOV SS)
  kRepeat,     // an iteration of a repeated instruction is done, and it goes on
  kX87Stack,   // a stack fault of the x87's; not yet executed
  kX87Other,   // TOP or tags are not the mode's; not yet executed
  kStop,       // one of LiftOptions::stops; not yet executed
  kSlow,       // the fast flavour left something out; not yet executed
};

// Vector, error code.
constexpr uint64_t exception_imm(unsigned vector) { return vector; }
constexpr uint64_t exception_imm(unsigned vector, uint32_t error) {
  return vector | 1 << 8 | uint64_t{error} << 16;
}

}  // namespace mynah::x86
