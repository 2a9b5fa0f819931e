// SPDX-License-Identifier: Apache-2.0
//
// Instructions that read an operand and write it again: one guard, then whatever is computed.
#pragma once

#include "frontend/x86/lift.h"

namespace mynah::x86 {

// operand = compute(operand); flags may be set in there, since all that can fault is behind us.
template <typename Compute>
void change(Lifter& l, const Operand& o, Compute&& compute) {
  if (!o.is_memory()) return l.write(o, compute(l.read(o)));
  const Lifter::Place p = l.place(o, {.bytes = o.bits / 8u, .write = true, .read_write = true});
  l.store(p, o.bits, compute(l.load(p, o.bits)));
  l.stored_to(p);
}

// i32 0 or 1 of an i1.
inline Value bit_of(Lifter& l, Value condition) { return l.b.emit(Op::bool_int, Type::i32, condition); }
// i32 0 or 1: bit n of a value.
inline Value bit_at(Lifter& l, Value value, unsigned n) {
  return l.narrow(l.b.unary(Op::ubfx, value, 1, static_cast<uint8_t>(n)));
}

}  // namespace mynah::x86
