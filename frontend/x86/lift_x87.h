// SPDX-License-Identifier: Apache-2.0
//
// What lift functions of the x87 share: the stack. A block is lifted for one TOP and one set of tags, the
// mode's, which its first such instruction checks; from there on both are constants. TOP is times 16: a
// register's place in the file. Tags count from the top.
#pragma once

#include "frontend/x86/lift.h"
#include "ir/f80.h"

namespace mynah::x86 {

constexpr uint32_t kX87File = offsetof(X86State, fpr);

class X87 {
 public:
  explicit X87(Lifter& l) : l(l), b(l.b) {}
  Lifter& l;
  ir::Builder& b;

  // Where ST(i) is in the file.
  Value st(unsigned i) { return b.i64(16 * ((l.x87_top + i) & 7)); }
  // TOP and the tags are as expected from here on.
  void know();
  // A stack fault unless the registers of the mask are full, and, for a push, ST(7) is empty. Behind guards,
  // in front of all effects.
  void needs(unsigned mask, bool push = false);
  // TOP moves; what is on top is yet to be set.
  void push() { l.set_x87(l.x87_top - 1, l.x87_tags << 1 | 1); }
  void pop() { l.set_x87(l.x87_top + 1, l.x87_tags >> 1); }
  void set_full(unsigned i) { l.set_x87(l.x87_top, l.x87_tags | 1u << i); }
  void set_empty(unsigned i) { l.set_x87(l.x87_top, l.x87_tags & ~(1u << i)); }

  // --- ops over the file
  void operate(ir::F80Op op, unsigned to, unsigned from) {
    b.f80(Op::f80_op, Type::none, kX87File, static_cast<uint8_t>(op), st(to), st(from));
  }
  void set(unsigned i, Value significand, Value exponent, bool clears_c1 = true) {
    b.f80(Op::f80_set, Type::none, kX87File, clears_c1, st(i), significand, exponent);
  }
  void unary(Op op, uint8_t aux = 0) { b.f80(op, Type::none, kX87File, aux, st(0)); }
  void copy(unsigned to, unsigned from) { b.f80(Op::f80_copy, Type::none, kX87File, 0, st(to), st(from)); }
  Value significand(unsigned i) { return b.f80(Op::f80_significand, Type::i64, kX87File, 0, st(i)); }
  Value exponent(unsigned i) { return b.f80(Op::f80_exponent, Type::i32, kX87File, 0, st(i)); }
  void clear_c1() { b.set(kSlotFsw, b.binary(Op::and_, b.get(kSlotFsw), b.i32(~(1u << 9)))); }
  // A new ST(0).
  void push_value(Value significand, Value exponent) {
    push();
    set(0, significand, exponent);
  }

  // What a memory operand of the instruction is: its format.
  static ir::F80Format float_format(unsigned bits) {
    return bits == 32 ? ir::F80Format::kF32 : ir::F80Format::kF64;
  }
  static ir::F80Format integer_format(unsigned bits) {
    return bits == 16 ? ir::F80Format::kI16 : bits == 32 ? ir::F80Format::kI32 : ir::F80Format::kI64;
  }
  // The memory operand, or null.
  const Operand* memory() const {
    for (unsigned n = 0; n < l.i.operand_count; ++n)
      if (l.i.operands[n].is_memory()) return &l.i.operands[n];
    return nullptr;
  }
  unsigned index() const { return l.i.modrm & 7; }  // ST(i) of a register form
};

// #MF where an exception that is not masked waits.
void check_x87_exceptions(Lifter& l);
// False: the region has left. An instruction that waits looks for an exception that does.
bool begin_x87(Lifter& l, bool waits = true);
// The same of an instruction that raises exceptions of its own. False, too, where one of them is not masked,
// or it has met a stack fault: then it is lifted as a call that does all of it (x87_rare.cpp).
enum class X87Effect : uint8_t { kStack, kStore, kReadFlags, kSetFlags };
bool begin_x87_arithmetic(Lifter& l, X87Effect effect = X87Effect::kStack);

}  // namespace mynah::x86
