// SPDX-License-Identifier: Apache-2.0
//
// Vectors of integers that are packed, multiplied, shuffled and gathered: ops that are one host instruction
// each. Lane sizes without one take the generic expansion.
#include "backend-x86_64/emit_vector.h"

namespace mynah::x86_64 {

using namespace ir::alloc;

namespace {

constexpr uint32_t kAddUs[4] = {Id::kIdVpaddusb, Id::kIdVpaddusw, 0, 0};
constexpr uint32_t kAddSs[4] = {Id::kIdVpaddsb, Id::kIdVpaddsw, 0, 0};
constexpr uint32_t kSubUs[4] = {Id::kIdVpsubusb, Id::kIdVpsubusw, 0, 0};
constexpr uint32_t kSubSs[4] = {Id::kIdVpsubsb, Id::kIdVpsubsw, 0, 0};
constexpr uint32_t kPackUs[4] = {0, Id::kIdVpackuswb, Id::kIdVpackusdw, 0};
constexpr uint32_t kPackSs[4] = {0, Id::kIdVpacksswb, Id::kIdVpackssdw, 0};
constexpr uint32_t kMulHighU[4] = {0, Id::kIdVpmulhuw, 0, 0};
constexpr uint32_t kMulHighS[4] = {0, Id::kIdVpmulhw, 0, 0};
constexpr uint32_t kMulHighRound[4] = {0, Id::kIdVpmulhrsw, 0, 0};
constexpr uint32_t kSign[4] = {Id::kIdVpsignb, Id::kIdVpsignw, Id::kIdVpsignd, 0};
constexpr uint32_t kAddPairs[4] = {0, Id::kIdVphaddw, Id::kIdVphaddd, 0};
constexpr uint32_t kSubPairs[4] = {0, Id::kIdVphsubw, Id::kIdVphsubd, 0};
constexpr uint32_t kAddPairsSs[4] = {0, Id::kIdVphaddsw, 0, 0};
constexpr uint32_t kSubPairsSs[4] = {0, Id::kIdVphsubsw, 0, 0};
constexpr uint32_t kShlAll[4] = {0, Id::kIdVpsllw, Id::kIdVpslld, Id::kIdVpsllq};
constexpr uint32_t kShrAll[4] = {0, Id::kIdVpsrlw, Id::kIdVpsrld, Id::kIdVpsrlq};
constexpr uint32_t kSarAll[4] = {0, Id::kIdVpsraw, Id::kIdVpsrad, 0};
constexpr uint32_t kShlEach[4] = {0, 0, Id::kIdVpsllvd, Id::kIdVpsllvq};
constexpr uint32_t kShrEach[4] = {0, 0, Id::kIdVpsrlvd, Id::kIdVpsrlvq};
constexpr uint32_t kSarEach[4] = {0, 0, Id::kIdVpsravd, 0};
constexpr uint32_t kPermBy[4] = {0, 0, Id::kIdVpermilps, Id::kIdVpermilpd};
constexpr uint32_t kShuffle[4] = {0, 0, Id::kIdVshufps, Id::kIdVshufpd};
constexpr uint32_t kBlend[4] = {0, Id::kIdVpblendw, Id::kIdVblendps, Id::kIdVblendpd};
constexpr uint32_t kBlendSign[4] = {Id::kIdVpblendvb, 0, Id::kIdVblendvps, Id::kIdVblendvpd};
constexpr uint32_t kMask[4] = {Id::kIdVpmovmskb, Id::kIdVpmovmskb, Id::kIdVmovmskps, Id::kIdVmovmskpd};
constexpr uint32_t kTest[4] = {Id::kIdVptest, Id::kIdVptest, Id::kIdVtestps, Id::kIdVtestpd};
// by the source's lane, then the result's
constexpr uint32_t kSignExtend[3][4] = {{0, Id::kIdVpmovsxbw, Id::kIdVpmovsxbd, Id::kIdVpmovsxbq},
                                        {0, 0, Id::kIdVpmovsxwd, Id::kIdVpmovsxwq},
                                        {0, 0, 0, Id::kIdVpmovsxdq}};
constexpr uint32_t kZeroExtend[3][4] = {{0, Id::kIdVpmovzxbw, Id::kIdVpmovzxbd, Id::kIdVpmovzxbq},
                                        {0, 0, Id::kIdVpmovzxwd, Id::kIdVpmovzxwq},
                                        {0, 0, 0, Id::kIdVpmovzxdq}};

// The instruction of an op by lane; 0: there is none.
uint32_t instruction(const Inst& inst, const Features& f) {
  if (!f.avx) return 0;
  const unsigned lane = inst.lane();
  switch (inst.op) {
    case Op::vadd_us:
      return kAddUs[lane];
    case Op::vadd_ss:
      return kAddSs[lane];
    case Op::vsub_us:
      return kSubUs[lane];
    case Op::vsub_ss:
      return kSubSs[lane];
    case Op::vpack_us:
      return kPackUs[lane];
    case Op::vpack_ss:
      return kPackSs[lane];
    case Op::vumulh:
      return kMulHighU[lane];
    case Op::vsmulh:
      return kMulHighS[lane];
    case Op::vsrmulh:
      return kMulHighRound[lane];
    case Op::vmadd_s16:
      return Id::kIdVpmaddwd;
    case Op::vmadd_us8:
      return Id::kIdVpmaddubsw;
    case Op::vumul_even:
      return Id::kIdVpmuludq;
    case Op::vsmul_even:
      return Id::kIdVpmuldq;
    case Op::vsad:
      return Id::kIdVpsadbw;
    case Op::vsad_slide:
      return Id::kIdVmpsadbw;
    case Op::vuminpos:
      return Id::kIdVphminposuw;
    case Op::vsign:
      return kSign[lane];
    case Op::vhadd:
      return kAddPairs[lane];
    case Op::vhsub:
      return kSubPairs[lane];
    case Op::vhadd_ss:
      return kAddPairsSs[lane];
    case Op::vhsub_ss:
      return kSubPairsSs[lane];
    case Op::vshl_all:
      return kShlAll[lane];
    case Op::vushr_all:
      return kShrAll[lane];
    case Op::vsshr_all:
      return kSarAll[lane];
    case Op::vshl_each:
      return f.avx2 ? kShlEach[lane] : 0;
    case Op::vushr_each:
      return f.avx2 ? kShrEach[lane] : 0;
    case Op::vsshr_each:
      return f.avx2 ? kSarEach[lane] : 0;
    case Op::vshl_bytes:
      return Id::kIdVpslldq;
    case Op::vushr_bytes:
      return Id::kIdVpsrldq;
    case Op::vshuffle8:
      return Id::kIdVpshufb;
    case Op::vperm_imm:
      return Id::kIdVpshufd;
    case Op::vperm16_low:
      return Id::kIdVpshuflw;
    case Op::vperm16_high:
      return Id::kIdVpshufhw;
    case Op::vperm_by:
      return kPermBy[lane];
    case Op::vshuf_imm:
      return kShuffle[lane];
    case Op::vblend_imm:
      return kBlend[lane];
    case Op::vblend_sign:
      return kBlendSign[lane];
    case Op::vins_zero:
      return Id::kIdVinsertps;
    case Op::vsext_to:
      return lane < 3 && inst.imm < 4 ? kSignExtend[lane][inst.imm] : 0;
    case Op::vzext_to:
      return lane < 3 && inst.imm < 4 ? kZeroExtend[lane][inst.imm] : 0;
    case Op::vmask:
      return kMask[lane];
    case Op::vtest:
      return kTest[lane];
    default:
      return 0;
  }
}

void unary(const Vector& v) { v.a.emit(instruction(v.inst, v.e.features), v.to, v.x); }
void unary_imm(const Vector& v, unsigned imm) {
  v.a.emit(instruction(v.inst, v.e.features), v.to, v.x, asmjit::Imm(imm));
}
void binary(const Vector& v) { v.a.emit(instruction(v.inst, v.e.features), v.to, v.x, v.y); }
void binary_imm(const Vector& v, unsigned imm) {
  v.a.emit(instruction(v.inst, v.e.features), v.to, v.x, v.y, asmjit::Imm(imm));
}

}  // namespace

void adjust_packed(Selector& s, const Inst& inst, Step& step) {
  if (!instruction(inst, s.features)) make_generic(step);
}

MYNAH_VECTOR(vadd_us) { binary(v); }
MYNAH_VECTOR(vadd_ss) { binary(v); }
MYNAH_VECTOR(vsub_us) { binary(v); }
MYNAH_VECTOR(vsub_ss) { binary(v); }
MYNAH_VECTOR(vpack_us) { binary(v); }
MYNAH_VECTOR(vpack_ss) { binary(v); }
MYNAH_VECTOR(vumulh) { binary(v); }
MYNAH_VECTOR(vsmulh) { binary(v); }
MYNAH_VECTOR(vsrmulh) { binary(v); }
MYNAH_VECTOR(vmadd_s16) { binary(v); }
MYNAH_VECTOR(vmadd_us8) { binary(v); }
MYNAH_VECTOR(vumul_even) { binary(v); }
MYNAH_VECTOR(vsmul_even) { binary(v); }
MYNAH_VECTOR(vsad) { binary(v); }
MYNAH_VECTOR(vsad_slide) { binary_imm(v, v.imm & 7); }
MYNAH_VECTOR(vuminpos) { unary(v); }
MYNAH_VECTOR(vsign) { binary(v); }
MYNAH_VECTOR(vhadd) { binary(v); }
MYNAH_VECTOR(vhsub) { binary(v); }
MYNAH_VECTOR(vhadd_ss) { binary(v); }
MYNAH_VECTOR(vhsub_ss) { binary(v); }
MYNAH_VECTOR(vshl_all) { binary(v); }
MYNAH_VECTOR(vushr_all) { binary(v); }
MYNAH_VECTOR(vsshr_all) { binary(v); }
MYNAH_VECTOR(vshl_each) { binary(v); }
MYNAH_VECTOR(vushr_each) { binary(v); }
MYNAH_VECTOR(vsshr_each) { binary(v); }
MYNAH_VECTOR(vshl_bytes) { unary_imm(v, v.imm); }
MYNAH_VECTOR(vushr_bytes) { unary_imm(v, v.imm); }
MYNAH_VECTOR(vshuffle8) { binary(v); }
MYNAH_VECTOR(vperm_imm) { unary_imm(v, v.imm & 0xff); }
MYNAH_VECTOR(vperm16_low) { unary_imm(v, v.imm & 0xff); }
MYNAH_VECTOR(vperm16_high) { unary_imm(v, v.imm & 0xff); }
MYNAH_VECTOR(vperm_by) { binary(v); }
MYNAH_VECTOR(vshuf_imm) { binary_imm(v, v.imm & (v.lane == 3 ? 3 : 0xff)); }
MYNAH_VECTOR(vblend_imm) { binary_imm(v, v.imm & ((1u << (16 >> v.lane)) - 1)); }
MYNAH_VECTOR(vblend_sign) { v.a.emit(instruction(v.inst, v.e.features), v.to, v.x, v.y, v.z); }
MYNAH_VECTOR(vins_zero) { binary_imm(v, v.imm & 0xff); }
MYNAH_VECTOR(vsext_to) { unary(v); }
MYNAH_VECTOR(vzext_to) { unary(v); }

MYNAH_VECTOR(vmask) {
  x86::Xmm from = v.x;
  if (v.lane == 1) {  // as bytes
    v.zero(v.s);
    v.a.vpacksswb(v.s, v.x, v.s);
    from = v.s;
  }
  v.a.emit(kMask[v.lane], v.e.r32(v.r.result()), from);
}

void emit_vtest(Emitter& e, const Inst& inst, const Regs& r) {
  if (generic(e, inst, r)) return;
  e.a.emit(kTest[inst.lane()], e.xmm(r[0]), e.xmm(r[1]));
  e.set_flags_group(r, {});
}

}  // namespace mynah::x86_64
