// SPDX-License-Identifier: Apache-2.0
//
// Vectors as operands, and the instructions that are an op for every half; see lift_vector.h.
#include "frontend/x86/lift_vector.h"

#include "frontend/x86/lift_x87.h"

namespace mynah::x86 {

namespace {
constexpr Value kNone = ir::kNoValue;
}

VectorLift::VectorLift(Lifter& l) : l(l), b(l.b) {
  for (unsigned n = 0; n < l.i.operand_count; ++n) {
    const RegisterClass c = operand(n).reg_class;
    mmx |= c == RegisterClass::kMmx;
    xmm |= c == RegisterClass::kXmm || c == RegisterClass::kYmm;
    if (c == RegisterClass::kYmm) halves = 2;
  }
  xmm |= !mmx;
  if (l.i.vex && l.i.vector_bits == 256) halves = 2;
}

bool VectorLift::begin() {
  if (vex()) return l.needs_avx();
  if (xmm && !l.needs_sse()) return false;
  if (!mmx) return true;
  if (!l.needs_mmx()) return false;
  check_x87_exceptions(l);
  return true;
}

unsigned VectorLift::first_source() const {
  const unsigned n = l.i.operand_count;
  const bool has_imm = n && operand(n - 1).is_immediate();
  return n - has_imm >= 3 ? 1 : 0;
}

unsigned VectorLift::imm() const {
  const unsigned n = l.i.operand_count;
  return n && operand(n - 1).is_immediate() ? static_cast<uint8_t>(operand(n - 1).value) : 0;
}

unsigned VectorLift::align_of(const Operand& o, Alignment alignment) const {
  if (alignment == kUnaligned || (alignment == kAsEncoded && (vex() || o.bits != 128))) return 0;
  return o.bits == 256 ? 5 : o.bits == 128 ? 4 : 0;
}

Halves VectorLift::read(const Operand& o, Alignment alignment) {
  if (o.is_register()) {
    if (o.reg_class == RegisterClass::kMmx) return {{of_integer(l.mmx(o.reg)), kNone}};
    return {{get(o.reg), o.reg_class == RegisterClass::kYmm ? get_high(o.reg) : kNone}};
  }
  const unsigned bytes = o.bits / 8u;
  const Lifter::Place p = l.place(o, {.bytes = bytes, .align = align_of(o, alignment)});
  switch (o.bits) {
    case 256: {
      const Value low = l.load_vector(p);
      return {{low, l.load_vector(p, 16)}};
    }
    case 128:
      return {{l.load_vector(p), kNone}};
    case 64:
      return {{b.emit(Op::vzext, Type::v128, b.load(Type::f64, p.pointer, p.offset, 3)), kNone}};
    case 32:
      return {{b.emit(Op::vzext, Type::v128, b.load(Type::f32, p.pointer, p.offset, 2)), kNone}};
    default:
      return {{of_integer(l.load(p, o.bits)), kNone}};
  }
}

void VectorLift::write(const Operand& o, const Halves& v) {
  if (o.reg_class == RegisterClass::kMmx) {
    const Value bits = lane(v.low(), 3, 0, Type::i64);
    l.enter_mmx();
    return l.set_mmx(o.reg, bits);
  }
  b.set(slot_xmm(o.reg), v.low());
  if (vex()) b.set(slot_ymm_high(o.reg), v.high() == kNone ? zero() : v.high());
  end_mmx();
}

void VectorLift::store(const Operand& o, const Halves& v, Alignment alignment) {
  const Lifter::Place p = l.place(o, {.bytes = o.bits / 8u, .write = true, .align = align_of(o, alignment)});
  switch (o.bits) {
    case 256:
      l.store_vector(p, v.low());
      l.store_vector(p, v.high(), 16);
      break;
    case 128:
      l.store_vector(p, v.low());
      break;
    case 64:
      b.store(p.pointer, p.offset, b.emit(Op::vlow, Type::f64, v.low()), 3);
      break;
    case 32:
      b.store(p.pointer, p.offset, b.emit(Op::vlow, Type::f32, v.low()), 2);
      break;
    default:
      l.store(p, o.bits, lane(v.low(), o.bits == 16 ? 1 : 0, 0, Type::i32));
  }
  l.stored_to(p);
  end_mmx();
}

namespace {

struct Packed {
  Op op;
  uint8_t lane;
  uint32_t how;
  explicit Packed(uint32_t argument)
      : op(static_cast<Op>(argument & 0xffff)), lane(argument >> 16 & 3), how(argument) {}
  unsigned imm(unsigned imm8, unsigned half) const { return half ? imm8 >> (how >> kImmShift & 31) : imm8; }
};

}  // namespace

void lift_packed(Lifter& l, uint32_t argument) {
  VectorLift v(l);
  if (!v.begin()) return;
  const Packed p(argument);
  const unsigned first = v.first_source();
  const Halves y = v.read(first + 1), x = v.read(first);
  Halves r;
  for (unsigned h = 0; h < v.halves; ++h) {
    Value a = x.half[h], b = y.half[h];
    if (v.mmx && p.how & kJoined) a = b = l.b.vec(Op::vzip1, 3, a, b);
    if (p.how & kSwapped) std::swap(a, b);
    r.half[h] = l.b.emit(p.op, Type::v128, a, b, kNone, p.imm(v.imm(), h), p.lane);
  }
  if (v.mmx && p.how & kUpper) r.half[0] = l.b.vec(Op::vzip2, 3, r.half[0], r.half[0]);
  v.write(0, r);
}

void lift_packed_unary(Lifter& l, uint32_t argument) {
  VectorLift v(l);
  if (!v.begin()) return;
  const Packed p(argument);
  const Halves x = v.read(1);
  Halves r;
  for (unsigned h = 0; h < v.halves; ++h)
    r.half[h] = l.b.emit(p.op, Type::v128, x.half[h], kNone, kNone, p.imm(v.imm(), h), p.lane);
  v.write(0, r);
}

}  // namespace mynah::x86
