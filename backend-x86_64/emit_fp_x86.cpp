// SPDX-License-Identifier: Apache-2.0
//
// Floating-point ops that have x86's shape: one host instruction each.
#include "backend-x86_64/emit_fp.h"

namespace mynah::x86_64 {

using ir::FpRound;

namespace {

// Of {single, double}.
uint32_t by_format(const Fp& v, uint32_t single, uint32_t of_double) {
  return v.format == 3 ? of_double : single;
}

void scalar(Fp& v, uint32_t single, uint32_t of_double) {
  v.a.emit(by_format(v, single, of_double), v.to, v.x, v.e.vector_operand(v.r, 1, v.format == 3 ? 8 : 4));
}
void packed(Fp& v, uint32_t single, uint32_t of_double) {
  v.a.emit(by_format(v, single, of_double), v.to, v.x, v.e.vector_operand(v.r, 1, 16));
}

}  // namespace

MYNAH_FP(fsqrt_low) { scalar(v, Id::kIdVsqrtss, Id::kIdVsqrtsd); }
MYNAH_FP(fcvt_low) { scalar(v, Id::kIdVcvtss2sd, Id::kIdVcvtsd2ss); }
MYNAH_FP(fround_low) {
  const unsigned how = rounding(static_cast<FpRound>(v.inst.imm & 7)) | (v.inst.imm & 8 ? 0 : kRoundSilently);
  v.a.emit(by_format(v, Id::kIdVroundss, Id::kIdVroundsd), v.to, v.x,
           v.e.vector_operand(v.r, 1, v.format == 3 ? 8 : 4), asmjit::Imm(how));
}
MYNAH_FP(int_to_f_low) {
  v.a.emit(by_format(v, Id::kIdVcvtsi2ss, Id::kIdVcvtsi2sd), v.to, v.x,
           v.e.operand(v.r, 1, v.e.arg_type(v.inst, 1)));
}
MYNAH_FP(fcmp) { v.compare(v.to, v.x, v.second(), static_cast<unsigned>(v.inst.imm)); }
MYNAH_FP(faddsub) { packed(v, Id::kIdVaddsubps, Id::kIdVaddsubpd); }
MYNAH_FP(fhadd) { packed(v, Id::kIdVhaddps, Id::kIdVhaddpd); }
MYNAH_FP(fhsub) { packed(v, Id::kIdVhsubps, Id::kIdVhsubpd); }
MYNAH_FP(fdot) {
  v.a.emit(by_format(v, Id::kIdVdpps, Id::kIdVdppd), v.to, v.x, v.y, asmjit::Imm(v.inst.imm));
}
MYNAH_FP(frcp) { v.a.vrcpps(v.to, v.x); }
MYNAH_FP(frsqrt) { v.a.vrsqrtps(v.to, v.x); }
MYNAH_FP(fto_int_narrow) {
  const bool current = ir::ftoi(v.inst.imm).round == FpRound::kCurrent;
  v.a.emit(current ? Id::kIdVcvtpd2dq : Id::kIdVcvttpd2dq, v.to, v.x);
}
MYNAH_FP(int_to_f_wide) { v.a.vcvtdq2pd(v.to, v.x); }

namespace {

// By kind, and {ss, sd, ps, pd}.
#define MYNAH_FUSED(form)                                                                                 \
  {                                                                                                       \
    {Id::kIdVfmadd##form##ss, Id::kIdVfmadd##form##sd, Id::kIdVfmadd##form##ps, Id::kIdVfmadd##form##pd}, \
        {Id::kIdVfmsub##form##ss, Id::kIdVfmsub##form##sd, Id::kIdVfmsub##form##ps,                       \
         Id::kIdVfmsub##form##pd},                                                                        \
        {Id::kIdVfnmadd##form##ss, Id::kIdVfnmadd##form##sd, Id::kIdVfnmadd##form##ps,                    \
         Id::kIdVfnmadd##form##pd},                                                                       \
        {Id::kIdVfnmsub##form##ss, Id::kIdVfnmsub##form##sd, Id::kIdVfnmsub##form##ps,                    \
         Id::kIdVfnmsub##form##pd},                                                                       \
        {0, 0, Id::kIdVfmaddsub##form##ps, Id::kIdVfmaddsub##form##pd}, {                                 \
      0, 0, Id::kIdVfmsubadd##form##ps, Id::kIdVfmsubadd##form##pd                                        \
    }                                                                                                     \
  }
constexpr uint32_t kFused[3][ir::kFusedKinds][4] = {MYNAH_FUSED(132), MYNAH_FUSED(213), MYNAH_FUSED(231)};
#undef MYNAH_FUSED

}  // namespace

// The result's register is that of one operand, which the form's first digit-or-place names: a is 1 of 132, b
// 1 of 213, c 1 of 231. So a's NaN goes before b's before c's in each.
MYNAH_FP(fma_signs) {
  const unsigned place = v.inst.imm >> ir::kFusedPlaceShift & 3;
  const uint32_t id = v.form(kFused[place][v.inst.imm & 15]);
  if (place == 0)
    v.a.emit(id, v.to, v.z, v.y);
  else if (place == 1)
    v.a.emit(id, v.to, v.x, v.z);
  else
    v.a.emit(id, v.to, v.x, v.y);
}

// The host's flags are the group, borrow and all.
void emit_fl_comi(Emitter& e, const Inst& inst, const Regs& r) {
  if (generic(e, inst, r)) return;
  const bool is_double = e.arg_type(inst, 0) == Type::f64;
  e.a.emit(inst.signaling() ? (is_double ? Id::kIdVcomisd : Id::kIdVcomiss)
                            : (is_double ? Id::kIdVucomisd : Id::kIdVucomiss),
           e.xmm(r[0]), e.vector_operand(r, 1, is_double ? 8 : 4));
  e.flags = {};
  if (!r.has_result()) return;
  e.pack_flags_to_rax();
  e.a.mov(e.r32(r.result()), x86::eax);
}

// MXCSR's flags as ir::fp_flags() orders them, with what C++ gathered; and both anew.
void emit_fp_status(Emitter& e, const Inst&, const Regs& r) {
  const x86::Gp to = e.r32(r.result());
  const x86::Mem mxcsr = e.runtime(MYNAH_HOST_FRAME(guest_mxcsr), 4);
  const x86::Mem sticky = e.runtime(MYNAH_RUNTIME(fp_sticky), 4);
  e.features.avx ? e.a.vstmxcsr(mxcsr) : e.a.stmxcsr(mxcsr);
  e.a.mov(x86::eax, mxcsr);
  e.a.mov(to, x86::eax);
  e.a.and_(x86::eax, 1);
  e.a.shr(to, 1);
  e.a.and_(to, 0x1e);
  e.a.or_(to, x86::eax);
  e.a.mov(x86::eax, mxcsr);
  e.a.and_(x86::eax, 2);
  e.a.shl(x86::eax, 6);
  e.a.or_(to, x86::eax);
  e.a.or_(to, sticky);
  e.a.mov(sticky, e.r32(r[0]));
  e.a.and_(mxcsr, ~0x3f);
  e.features.avx ? e.a.vldmxcsr(mxcsr) : e.a.ldmxcsr(mxcsr);
}

}  // namespace mynah::x86_64
