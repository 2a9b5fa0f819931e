// SPDX-License-Identifier: Apache-2.0
//
// What the floating-point emitters share. Single and double precision run on the host's own instructions:
// MXCSR has the guest's rounding mode in translated code, and its sticky flags are the guest's. Where the
// host might differ from Arm in a bit of the result or in a flag, a check behind (or in front of) the
// instruction leaves for the op's cold stub, which computes with softfloat; what the host has flagged by
// then, Arm flags too. The differences:
//
//   - NaN results: Arm chooses another operand's payload, its default NaN is positive, DN. Checks: result
//   unordered.
//   - Tininess is detected before rounding by Arm, after rounding by x86: results that were rounded up to the
//     smallest normal number. Only products, and conversions to a narrower format, can be such. Check: equal
//     to it.
//   - Conversions to integers that do not fit saturate.
//
// An x86 guest (FpMode::x86_nans) differs in nothing: no checks. MXCSR has its flushing modes, too.
//
// Arm's flushing modes and half precision take the generic expansion.
#pragma once

#include "backend-x86_64/emit_vector.h"

namespace mynah::x86_64 {

// Arm's format numbers.
constexpr unsigned fp_format(Type t) {
  return t == Type::f16 ? 1 : t == Type::f32 ? 2 : t == Type::f64 ? 3 : 0;
}

// Predicates of vcmpps and its kin.
enum class Predicate : uint8_t {
  kEqualQuiet = 0x00,
  kUnorderedQuiet = 0x03,
  kEqualOrUnordered = 0x08,
  kGreaterEqual = 0x0d,
  kGreater = 0x0e,
  kLessQuiet = 0x11,
};
// The rounding immediate of vroundps and its kin.
constexpr unsigned kRoundCurrent = 4, kRoundZero = 3, kRoundSilently = 8;

struct Fp : Vector {
  const unsigned format;  // 2 or 3
  const bool vector;      // every lane, not the low one alone
  const bool x86;
  Fp(Emitter& e, const Inst& inst, const Regs& r)
      : Fp(e, inst, r, inst.type == Type::v128 ? inst.lane() : fp_format(inst.type)) {}
  Fp(Emitter& e, const Inst& inst, const Regs& r, unsigned format)
      : Vector(e, inst, r),
        format(format),
        vector(inst.type == Type::v128 &&
               !(ir::facts(inst.op).aux == ir::AuxForm::kFormatLow && inst.low_lane())),
        x86(e.ir().fp.x86_nans) {}

  // Operand 1, which may be a state slot.
  asmjit::Operand second() const { return e.vector_operand(r, 1, operand_bytes()); }
  unsigned operand_bytes() const { return vector ? 16 : format == 3 ? 8 : 4; }

  // Of {ss, sd, ps, pd}.
  uint32_t form(Ids ids) const { return ids[(vector ? 2 : 0) + (format == 3 ? 1 : 0)]; }
  template <typename Q>
  void fop(Ids ids, const x86::Xmm& d, const x86::Xmm& p, const Q& q) {
    a.emit(form(ids), d, p, q);
  }
  K magnitude() const { return format == 3 ? K::kAbs64 : K::kAbs32; }
  K sign_bit() const { return format == 3 ? K::kSign64 : K::kSign32; }
  // Constants of which the double comes behind the single.
  K by_format(K single) const { return single + (format - 2); }

  void compare(const x86::Xmm& d, const x86::Xmm& p, const x86::Xmm& q, Predicate c) {
    a.emit(form(kCompare), d, p, q, asmjit::Imm(static_cast<unsigned>(c)));
  }
  void compare(const x86::Xmm& d, const x86::Xmm& p, const asmjit::Operand& q, unsigned predicate) {
    a.emit(form(kCompare), d, p, q, asmjit::Imm(predicate));
  }
  void compare(const x86::Xmm& d, const x86::Xmm& p, K k, Predicate c) {
    e.constant(form(kCompare), d, p, k, static_cast<uint8_t>(c));
  }
  void ucomi(const x86::Xmm& p, const x86::Xmm& q) {
    a.emit(format == 3 ? Id::kIdVucomisd : Id::kIdVucomiss, p, q);
  }
  void round(const x86::Xmm& d, const x86::Xmm& p, unsigned how) {
    if (vector)
      a.emit(form(kRound), d, p, asmjit::Imm(how));
    else
      a.emit(form(kRound), d, p, p, asmjit::Imm(how));
  }
  // The sign bits of any lane of p.
  Emitter::Mark jump_if_any_sign(const x86::Xmm& p) {
    a.emit(format == 3 ? Id::kIdVtestpd : Id::kIdVtestps, p, p);
    return e.jump_near(Cc::ne);
  }

  // --- checks; they use s
  Emitter::Mark jump_if_unordered(const x86::Xmm& p, const x86::Xmm& q) {
    if (!vector) {
      ucomi(p, q);
      return e.jump_near(Cc::p);
    }
    compare(s, p, q, Predicate::kUnorderedQuiet);
    return jump_if_any_sign(s);
  }
  void check_nan(const x86::Xmm& d) {
    if (x86) return;
    const auto mark = jump_if_unordered(d, d);
    e.cold_op(mark);
  }
  // NaNs too.
  void check_tiny(const x86::Xmm& d) {
    if (x86) return;
    op(Id::kIdVpand, s, d, magnitude());
    Emitter::Mark mark;
    if (vector) {
      compare(s, s, by_format(K::kMinNormal32), Predicate::kEqualOrUnordered);
      mark = jump_if_any_sign(s);
    } else {
      e.constant(format == 3 ? Id::kIdVucomisd : Id::kIdVucomiss, s, by_format(K::kMinNormal32));
      mark = e.jump_near(Cc::e);  // unordered is "equal" as well
    }
    e.cold_op(mark);
  }

  // d = p rounded to an integral value, ties away from zero, without flags but for signaling NaNs. d is not
  // p.
  void round_ties_away(const x86::Xmm& d, const x86::Xmm& p);

  static constexpr uint32_t kCompare[4] = {Id::kIdVcmpss, Id::kIdVcmpsd, Id::kIdVcmpps, Id::kIdVcmppd};
  static constexpr uint32_t kRound[4] = {Id::kIdVroundss, Id::kIdVroundsd, Id::kIdVroundps, Id::kIdVroundpd};
};

// vroundps' immediate; not for ties away.
constexpr unsigned rounding(ir::FpRound round) {
  constexpr uint8_t kHost[] = {0, 2, 1, 3, 0, kRoundCurrent};
  return kHost[static_cast<unsigned>(round)];
}

#define MYNAH_FP(name)                                            \
  static void fp_##name(Fp v);                                    \
  void emit_##name(Emitter& e, const Inst& inst, const Regs& r) { \
    if (!generic(e, inst, r)) fp_##name({e, inst, r});            \
  }                                                               \
  static void fp_##name(Fp v)

}  // namespace mynah::x86_64
