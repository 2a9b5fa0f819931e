// SPDX-License-Identifier: Apache-2.0
//
// Floating-point arithmetic and comparisons; emit_fp.h says what is checked and why.
#include "backend-x86_64/emit_fp.h"

namespace mynah::x86_64 {

using namespace ir::alloc;
using ir::FpRound;
using ir::FtoI;

namespace {

// Whether a conversion from integers rounds as MXCSR says.
bool rounds_currently(const FtoI& how, const ir::FpMode& mode) {
  return how.round == FpRound::kCurrent || static_cast<unsigned>(how.round) == mode.round;
}

// Whether the host has an instruction that converts to integers like this.
bool direct(const FtoI& how) { return how.round == FpRound::kZero || how.round == FpRound::kCurrent; }

bool written_for(const Selector& s, const Inst& inst) {
  const Features& f = s.features;
  const ir::FpMode& mode = s.fp();
  if (!f.avx || mode.overflow_traps || mode.underflow_traps) return false;
  if (mode.flush && !mode.x86_nans) return false;
  const Type from = s.type(inst.args[0]);
  const bool half_too = f.f16c && !mode.alternative_half;
  switch (inst.op) {
    case Op::fl_fcmp:
    case Op::fl_comi:
      return fp_format(from) >= 2;
    case Op::frcp:
    case Op::frsqrt:
    case Op::int_to_f_wide:
      return true;
    case Op::fto_int_narrow: {
      const FtoI how = ir::ftoi(inst.imm);
      return direct(how) && !how.is_unsigned && how.fraction_bits == 0 && mode.x86_nans;
    }
    case Op::int_to_f_low: {
      const FtoI how = ir::ftoi(inst.imm);
      return rounds_currently(how, mode) && !how.is_unsigned && how.fraction_bits == 0;
    }
    // A NaN of these, or what is rounded otherwise than Arm would, is not looked at.
    case Op::fma_signs:
      return f.fma && mode.x86_nans;
    case Op::fround_low:
      return mode.x86_nans && (inst.imm & 7) != static_cast<unsigned>(FpRound::kTiesAway) && !(inst.imm >> 4);
    case Op::fcvt_low:
    case Op::fsqrt_low:
    case Op::faddsub:
    case Op::fhadd:
    case Op::fhsub:
    case Op::fdot:
      return mode.x86_nans;
    case Op::fma:
      if (!f.fma) return false;
      break;
    case Op::fround:
      if (inst.imm >> 4) return false;
      break;
    case Op::fcvt:
      if (from == Type::f16 || inst.type == Type::f16) return half_too && from != Type::f64;
      return true;
    case Op::fcvt_wide:
      return inst.lane() == 2 || (inst.lane() == 1 && half_too);
    case Op::fcvt_narrow:
      return (inst.lane() == 3 && inst.imm == 0) ||
             (inst.lane() == 2 && half_too && (inst.imm & 7) != static_cast<unsigned>(FpRound::kTiesAway));
    case Op::fto_int: {
      const FtoI how = ir::ftoi(inst.imm);
      if (mode.x86_nans && (how.is_unsigned || !direct(how))) return false;
      return fp_format(from) >= 2 && how.fraction_bits == 0;
    }
    case Op::fto_fixed: {
      const FtoI how = ir::ftoi(inst.imm);
      if (mode.x86_nans && !direct(how)) return false;
      return inst.lane() >= 2 && !how.is_unsigned && how.fraction_bits == 0;
    }
    case Op::int_to_f:
      return fp_format(inst.type) >= 2 && rounds_currently(ir::ftoi(inst.imm), mode);
    case Op::fixed_to_f: {
      const FtoI how = ir::ftoi(inst.imm);
      if (inst.lane() < 2 || !rounds_currently(how, mode)) return false;
      return inst.lane() == 2 || !how.is_unsigned || mode.round != 2;  // the sum that gives zero gives -0
    }
    default:
      break;
  }
  return inst.type == Type::v128 ? inst.lane() >= 2 : fp_format(inst.type) >= 2;
}

}  // namespace

void adjust_fp(Selector& s, const Inst& inst, Step& step) {
  if (!written_for(s, inst)) {
    for (unsigned k = 0; k < 4; ++k)
      if (step.where[k] == kMemory) s.need_register(step, k);
    return make_generic(step);
  }
  const bool x86 = s.fp().x86_nans;
  if (inst.op == Op::fto_int && !x86) step.vector_temps = 1;
  if (inst.op == Op::fma_signs) step.tied = static_cast<uint8_t>(inst.imm >> ir::kFusedPlaceShift & 3);
  // Checks look at operands in registers, and what makes none clobbers no flags.
  if (!x86 && step.where[1] == kMemory) s.need_register(step, 1);
  if (!x86 || inst.op == Op::fl_comi || inst.op == Op::fl_fcmp || inst.op == Op::int_to_f) return;
  step.target = kKeepsFlags;
  if (inst.op != Op::fround) step.traits &= static_cast<uint8_t>(~kEarlyResult);
}

// --- arithmetic

namespace {

constexpr uint32_t kFadd[4] = {Id::kIdVaddss, Id::kIdVaddsd, Id::kIdVaddps, Id::kIdVaddpd};
constexpr uint32_t kFsub[4] = {Id::kIdVsubss, Id::kIdVsubsd, Id::kIdVsubps, Id::kIdVsubpd};
constexpr uint32_t kFmul[4] = {Id::kIdVmulss, Id::kIdVmulsd, Id::kIdVmulps, Id::kIdVmulpd};
constexpr uint32_t kFdiv[4] = {Id::kIdVdivss, Id::kIdVdivsd, Id::kIdVdivps, Id::kIdVdivpd};
constexpr uint32_t kFmin[4] = {Id::kIdVminss, Id::kIdVminsd, Id::kIdVminps, Id::kIdVminpd};
constexpr uint32_t kFmax[4] = {Id::kIdVmaxss, Id::kIdVmaxsd, Id::kIdVmaxps, Id::kIdVmaxpd};
constexpr uint32_t kFma[4] = {Id::kIdVfmadd231ss, Id::kIdVfmadd231sd, Id::kIdVfmadd231ps, Id::kIdVfmadd231pd};

}  // namespace

MYNAH_FP(fadd) {
  v.fop(kFadd, v.to, v.x, v.second());
  v.check_nan(v.to);
}
MYNAH_FP(fsub) {
  v.fop(kFsub, v.to, v.x, v.second());
  v.check_nan(v.to);
}
MYNAH_FP(fmul) {
  v.fop(kFmul, v.to, v.x, v.second());
  v.check_tiny(v.to);
}
// A quotient below a power of two is too far below it to be rounded up to it.
MYNAH_FP(fdiv) {
  v.fop(kFdiv, v.to, v.x, v.second());
  v.check_nan(v.to);
}
MYNAH_FP(fma) {
  v.copy(v.to, v.z);
  v.fop(kFma, v.to, v.x, v.y);
  v.check_tiny(v.to);
}
MYNAH_FP(fsqrt) {
  if (v.vector)
    v.a.emit(v.format == 3 ? Id::kIdVsqrtpd : Id::kIdVsqrtps, v.to, v.x);
  else
    v.op(v.format == 3 ? Id::kIdVsqrtsd : Id::kIdVsqrtss, v.to, v.x, v.x);
  v.check_nan(v.to);
}

// --- minimum and maximum. Of equal numbers x86 takes the second operand: both orders joined give zeros their
// sign. NaNs are sorted out first, as these instructions flag quiet ones too.
namespace {

void extreme(Fp& v, Vector::Ids ids, uint32_t join) {
  if (v.x86) return v.fop(ids, v.to, v.x, v.second());
  const auto mark = v.jump_if_unordered(v.x, v.y);
  v.fop(ids, v.s, v.x, v.y);
  v.fop(ids, v.to, v.y, v.x);
  if (v.vector || v.inst.type != Type::v128) {
    v.op(join, v.to, v.to, v.s);
  } else {
    v.op(join, v.s, v.to, v.s);
    v.op(v.format == 3 ? Id::kIdVmovsd : Id::kIdVmovss, v.to, v.x, v.s);
  }
  v.e.cold_op(mark);
}

}  // namespace

MYNAH_FP(fmin) { extreme(v, kFmin, Id::kIdVpor); }
MYNAH_FP(fmax) { extreme(v, kFmax, Id::kIdVpand); }
MYNAH_FP(fminnm) { extreme(v, kFmin, Id::kIdVpor); }
MYNAH_FP(fmaxnm) { extreme(v, kFmax, Id::kIdVpand); }

// --- comparisons. The host flags the invalid operands that Arm does: ucomi and the quiet predicates
// signaling NaNs, comi and the others every NaN.

// al becomes 0 (less), 1 (equal), 2 (greater) or 0x80 (unordered); al - 1 then sets the flags as Arm has
// them, the last by overflow.
void emit_fl_fcmp(Emitter& e, const Inst& inst, const Regs& r) {
  if (generic(e, inst, r)) return;
  const bool is_double = e.arg_type(inst, 0) == Type::f64;
  const bool signaling = inst.signaling();
  e.a.mov(x86::eax, 0x80);
  e.a.emit(signaling ? (is_double ? Id::kIdVcomisd : Id::kIdVcomiss)
                     : (is_double ? Id::kIdVucomisd : Id::kIdVucomiss),
           e.xmm(r[0]), e.xmm(r[1]));
  const auto unordered = e.jump_short(Cc::p);
  e.setcc(Cc::a, kRax);
  e.a.sbb(x86::al, -1);
  e.land_short(unordered);
  e.a.cmp(x86::al, 1);
  e.flags = {.sub = true};
  if (!r.has_result()) return;
  e.pack_flags_to_rax();
  e.a.mov(e.r32(r.result()), x86::eax);
}

MYNAH_FP(fcmeq) { v.compare(v.to, v.x, v.y, Predicate::kEqualQuiet); }
MYNAH_FP(fcmge) { v.compare(v.to, v.x, v.y, Predicate::kGreaterEqual); }
MYNAH_FP(fcmgt) { v.compare(v.to, v.x, v.y, Predicate::kGreater); }

namespace {

void compare_magnitudes(Fp& v, Predicate c) {
  v.op(Id::kIdVpand, v.s, v.x, v.magnitude());
  v.op(Id::kIdVpand, v.t, v.y, v.magnitude());
  v.compare(v.to, v.s, v.t, c);
}

}  // namespace

MYNAH_FP(facge) { compare_magnitudes(v, Predicate::kGreaterEqual); }
MYNAH_FP(facgt) { compare_magnitudes(v, Predicate::kGreater); }

}  // namespace mynah::x86_64
