// SPDX-License-Identifier: Apache-2.0
//
// The emitter table: for each IR op its emit function and what it demands of its operands. The rows stand in
// files named after the emitters' (emit_integer.def for emit_integer.cpp, ...):
//
//   EMITTER(op, designated initializers of Row)   void emit_op(Emitter&, const Inst&, const Regs&) in the
//   .cpp GENERIC(op)                                   a call of Runtime::run_op (generic.def lists these)
//   SELECTED(op)                                  no code of its own or handled in select.cpp alone
//
// rows.cpp asserts that every op has exactly one of them. To give an op native code, move its line.
#pragma once

#include "backend-x86_64/target.h"

namespace mynah::x86_64 {

class Emitter;
class Selector;
struct Regs;

// How an operand may be given. A register always may.
enum Use : uint8_t {
  kUnused,
  kReg,
  kRegImm,    // or a constant that is a sign-extended 32-bit immediate
  kRegConst,  // or any constant of at most 64 bits
  kRegMem,    // or a state slot
  kRegImmMem,
  kBool,        // i1: or a condition of the host's flags, or a constant
  kFlagsValue,  // flags: or the host's flags, or a constant
};

enum ResultRule : uint8_t {
  kNoResult,
  kFree,
  kSame0,  // in operand 0's register
  kSame1,
  kSame2,
  kVex0,  // free with AVX (three operands), else in operand 0's register
};

enum FlagsEffect : uint8_t {
  kKeepsFlags,
  kClobbersFlags,
  kSetsFlags,  // arithmetic whose host flags a flags op over the same operands may take
};
// Step::target: the effect, and marks for emitters.
constexpr uint8_t kEffectMask = 3;
constexpr uint8_t kFusedCompare =
    1 << 4;  // fl_select: operands 1 and 2 are those of the comparison that it chooses
constexpr uint8_t kFusedRound =
    1 << 5;  // aesmc, aesimc: operands 0 and 1 are those of the aese, aesd in front
// A comparison that is made again where its flags are read: nothing, unless its group is wanted in a
// register.
constexpr uint8_t kOnlyResult = 1 << 2;
// f80_load and others: operand 1 is the pointer of the load that makes it; f80_store: of the store behind it.
constexpr uint8_t kFusedMemory = 1 << 3;
// add: of a constant, as the subtraction of its negation.
constexpr uint8_t kFusedSubtract = 1 << 7;

// The host's flags, as they are in front of the step, are read by it or a later one.
constexpr uint8_t kFlagsLive = 1 << 6;

struct Row {
  void (*emit)(Emitter&, const ir::Inst&, const Regs&) = nullptr;
  Use args[4] = {};
  ResultRule result = kNoResult;
  FlagsEffect flags = kKeepsFlags;
  uint8_t traits = 0;  // StepTraits
  uint8_t temps = 0, vector_temps = 0;
  RegSet clobbers = 0;
  // Changes to the step that depend on constants or the processor; runs after the operands have been placed.
  // Sets step.target (FlagsEffect) where it differs.
  void (*adjust)(Selector&, const ir::Inst&, ir::alloc::Step&) = nullptr;
};

const Row& row(ir::Op op);

}  // namespace mynah::x86_64
