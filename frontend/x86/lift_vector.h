// SPDX-License-Identifier: Apache-2.0
//
// What lift functions of MMX, SSE and AVX share: vectors as an instruction's operands. 256 bits are two
// halves of 128, 64 bits (MMX) the low half of one. What VEX encodes clears the bits above its result, other
// forms keep them.
//
// A lift function makes a VectorLift and, if begin() says so, reads with read(), memory first, computes, and
// ends with write() or store().
#pragma once

#include "frontend/x86/lift.h"

namespace mynah::x86 {

// Of 128 bits each; the second is there for 256 bits alone.
struct Halves {
  Value half[2] = {ir::kNoValue, ir::kNoValue};
  Value low() const { return half[0]; }
  Value high() const { return half[1]; }
};

class VectorLift {
 public:
  explicit VectorLift(Lifter& l);
  Lifter& l;
  ir::Builder& b;
  bool mmx = false;     // some operand is an MMX register
  bool xmm = false;     // some is an XMM or YMM register, or none is MMX
  unsigned halves = 1;  // 2: 256 bits

  bool vex() const { return l.i.vex; }
  const Operand& operand(unsigned n) const { return l.operand(n); }
  // False: the region has left, with #UD, #NM, or #MF where an x87 exception waits in front of MMX.
  bool begin();

  // --- operands
  // The number of the first source of an instruction with two: VEX has a destination of its own.
  unsigned first_source() const;
  // The 8-bit immediate, which is the last operand; 0 where there is none.
  unsigned imm() const;
  enum Alignment : uint8_t {
    kAsEncoded,  // 16 bytes of memory are aligned but with VEX
    kUnaligned,
    kAligned,
  };
  // Registers whole; memory as many bytes as the operand has, zeros above (from 32 bits on without an integer
  // register in between).
  Halves read(unsigned n, Alignment alignment = kAsEncoded) { return read(operand(n), alignment); }
  Halves read(const Operand& o, Alignment alignment = kAsEncoded);
  // A register: its vector's bits (all that the instruction has), the ones above as the encoding says.
  void write(unsigned n, const Halves& v) { write(operand(n), v); }
  void write(const Operand& o, const Halves& v);
  void write(unsigned n, Value low) { write(operand(n), {{low, ir::kNoValue}}); }
  // The low o.bits of v (32 to 256) to memory.
  void store(const Operand& o, const Halves& v, Alignment alignment = kAsEncoded);
  // Behind an instruction that reads an MMX register and writes none.
  void end_mmx() {
    if (mmx) l.enter_mmx();
  }

  // --- values
  Value zero() { return b.konst_v128(0, 0); }
  Value get(unsigned n) { return b.get(slot_xmm(n)); }
  Value get_high(unsigned n) { return b.get(slot_ymm_high(n)); }
  Value of_integer(Value integer) { return b.emit(Op::vfrom_gpr, Type::v128, integer); }
  Value lane(Value v, unsigned log2, unsigned n, Type type) {
    return b.emit(Op::vextract, type, v, ir::kNoValue, ir::kNoValue, n, static_cast<uint8_t>(log2));
  }
  template <typename F>
  Halves each(const Halves& x, F f) {
    Halves r;
    for (unsigned h = 0; h < halves; ++h) r.half[h] = f(x.half[h]);
    return r;
  }
  template <typename F>
  Halves each(const Halves& x, const Halves& y, F f) {
    Halves r;
    for (unsigned h = 0; h < halves; ++h) r.half[h] = f(x.half[h], y.half[h]);
    return r;
  }

 private:
  unsigned align_of(const Operand& o, Alignment alignment) const;
};

// --- rows that most instructions have: an op for every half
// Row arguments: the op, its lane (log2 of bytes), and how operands are given.
enum PackedHow : uint32_t {
  kSwapped = 1 << 20,  // the second source is the op's first operand
  kJoined = 1 << 21,   // MMX: both sources in one vector, which is both operands
  kUpper = 1 << 22,    // MMX: the result is the vector's upper half
  kImmShift = 24,      // bits 28:24: the upper half takes the immediate from this bit on
};
constexpr uint32_t packed(Op op, unsigned lane = 0, uint32_t how = 0) {
  return static_cast<uint32_t>(op) | lane << 16 | how;
}
constexpr uint32_t packed_imm_shift(unsigned n) { return n << kImmShift; }
void lift_packed(Lifter& l, uint32_t packed);        // dst = op(a, b), with the immediate if there is one
void lift_packed_unary(Lifter& l, uint32_t packed);  // dst = op(a), the same

}  // namespace mynah::x86
