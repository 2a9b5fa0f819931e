// SPDX-License-Identifier: Apache-2.0
//
// What the vector emitters share: names for a step's registers and for instructions by lane size. All of
// these ops need AVX (three operands, unaligned constants); without it they take the generic expansion, see
// adjust_vector().
//
// A result may share an operand's register unless the row says kEarlyResult, so an emitter writes `to` with
// its last instruction, or when it has read every operand.
#pragma once

#include "backend-x86_64/emit.h"

namespace mynah::x86_64 {

struct Vector {
  Emitter& e;
  x86::Assembler& a;
  const Inst& inst;
  const Regs& r;
  const unsigned lane;  // log2 of its bytes
  const unsigned imm;
  const x86::Xmm to, x, y, z;

  Vector(Emitter& e, const Inst& inst, const Regs& r)
      : e(e),
        a(e.a),
        inst(inst),
        r(r),
        lane(inst.lane()),
        imm(static_cast<unsigned>(inst.imm)),
        to(reg(r.result())),
        x(reg(r[0])),
        y(reg(r[1])),
        z(reg(r[2])) {}

  // Scratch registers, and a temporary that the row asked for.
  const x86::Xmm s = x86::xmm15, t = x86::xmm14;
  x86::Xmm temp(unsigned i) const { return Emitter::xmm(r.temp(i)); }

  using Ids = const uint32_t (&)[4];
  void op(uint32_t id, const x86::Xmm& d, const x86::Xmm& p, const x86::Xmm& q) { a.emit(id, d, p, q); }
  void op(uint32_t id, const x86::Xmm& d, const x86::Xmm& p, K k) { e.constant(id, d, p, k); }
  void op(uint32_t id, const x86::Xmm& d, const x86::Xmm& p, unsigned n) { a.emit(id, d, p, asmjit::Imm(n)); }
  template <typename Q>
  void op(Ids ids, const x86::Xmm& d, const x86::Xmm& p, const Q& q) {
    op(ids[lane], d, p, q);
  }
  void load(const x86::Xmm& d, K k) { e.constant(Id::kIdVmovdqa, d, k); }
  void zero(const x86::Xmm& d) { a.vpxor(d, d, d); }
  void invert(const x86::Xmm& d, const x86::Xmm& p) { op(Id::kIdVpxor, d, p, K::kOnes); }
  void copy(const x86::Xmm& d, const x86::Xmm& p) {
    if (d != p) a.vmovaps(d, p);
  }

  K sign() const { return K::kSign8 + lane; }
  K one() const { return K::kOne8 + lane; }

  // Leaves for the cold stub where p has a bit set; the code goes on behind. Overwrites the host flags.
  void cold_if_any(const x86::Xmm& p) {
    a.vptest(p, p);
    const auto mark = e.jump_near(Cc::ne);
    e.cold_op(mark);
  }
  void saturated_if_any(const x86::Xmm& p) {
    a.vptest(p, p);
    const auto mark = e.jump_near(Cc::ne);
    e.cold_saturated(mark);
  }

 private:
  static x86::Xmm reg(Reg r) {
    return is_register(r) && r >= ir::alloc::kVectorBase ? Emitter::xmm(r) : x86::xmm0;
  }
};

// The generic expansion, where the row's adjustment chose it.
inline bool generic(Emitter& e, const Inst& inst, const Regs& r) {
  if (!(r.step.traits & ir::alloc::kClobbersAll)) return false;
  e.run_generic(inst, r);
  return true;
}

// Instructions by lane size; 0: there is none.
constexpr uint32_t kAdd[4] = {Id::kIdVpaddb, Id::kIdVpaddw, Id::kIdVpaddd, Id::kIdVpaddq};
constexpr uint32_t kSub[4] = {Id::kIdVpsubb, Id::kIdVpsubw, Id::kIdVpsubd, Id::kIdVpsubq};
constexpr uint32_t kEqual[4] = {Id::kIdVpcmpeqb, Id::kIdVpcmpeqw, Id::kIdVpcmpeqd, Id::kIdVpcmpeqq};
constexpr uint32_t kGreater[4] = {Id::kIdVpcmpgtb, Id::kIdVpcmpgtw, Id::kIdVpcmpgtd, Id::kIdVpcmpgtq};
constexpr uint32_t kMinU[4] = {Id::kIdVpminub, Id::kIdVpminuw, Id::kIdVpminud, 0};
constexpr uint32_t kMaxU[4] = {Id::kIdVpmaxub, Id::kIdVpmaxuw, Id::kIdVpmaxud, 0};
constexpr uint32_t kMinS[4] = {Id::kIdVpminsb, Id::kIdVpminsw, Id::kIdVpminsd, 0};
constexpr uint32_t kMaxS[4] = {Id::kIdVpmaxsb, Id::kIdVpmaxsw, Id::kIdVpmaxsd, 0};
constexpr uint32_t kShl[4] = {Id::kIdVpsllw, Id::kIdVpsllw, Id::kIdVpslld,
                              Id::kIdVpsllq};  // bytes: to be masked
constexpr uint32_t kShr[4] = {Id::kIdVpsrlw, Id::kIdVpsrlw, Id::kIdVpsrld, Id::kIdVpsrlq};
constexpr uint32_t kSar[4] = {0, Id::kIdVpsraw, Id::kIdVpsrad, 0};

// Defines emit_NAME for an op that may be generic; the body sees `v`.
#define MYNAH_VECTOR(name)                                        \
  static void vector_##name(Vector v);                            \
  void emit_##name(Emitter& e, const Inst& inst, const Regs& r) { \
    if (!generic(e, inst, r)) vector_##name({e, inst, r});        \
  }                                                               \
  static void vector_##name([[maybe_unused]] Vector v)

}  // namespace mynah::x86_64
