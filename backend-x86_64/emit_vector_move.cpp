// SPDX-License-Identifier: Apache-2.0
//
// Moves between register kinds and between lanes, bitwise vector ops, floating-point signs.
#include "backend-x86_64/emit.h"

#include <bit>

namespace mynah::x86_64 {

using namespace ir::alloc;

namespace {
const x86::Xmm kScratch = x86::xmm15, kScratch2 = x86::xmm14;

unsigned lane_of(const Inst& inst) { return inst.lane(); }
}  // namespace

void emit_vzext(Emitter& e, const Inst& inst, const Regs& r) {
  const x86::Xmm to = e.xmm(r.result()), from = e.xmm(r[0]);
  switch (e.arg_type(inst, 0)) {
    case Type::f64:
      e.features.avx ? e.a.vmovq(to, from) : e.a.movq(to, from);
      break;
    case Type::f32:
      e.features.avx ? e.a.vinsertps(to, from, from, 0x0e) : e.a.insertps(to, from, 0x0e);
      break;
    default:
      e.a.pextrw(x86::eax, from, 0);
      e.a.movd(to, x86::eax);
  }
}

void emit_vlow64(Emitter& e, const Inst&, const Regs& r) {
  if (e.features.avx)
    e.a.vmovq(e.xmm(r.result()), e.xmm(r[0]));
  else
    e.a.movq(e.xmm(r.result()), e.xmm(r[0]));
}

void emit_vfrom_gpr(Emitter& e, const Inst& inst, const Regs& r) {
  const bool wide = e.wide(e.arg_type(inst, 0));
  const x86::Xmm to = e.xmm(r.result());
  if (wide)
    e.op(e.features.avx ? Id::kIdVmovq : Id::kIdMovq, to, e.operand(r, 0, Type::i64));
  else
    e.op(e.features.avx ? Id::kIdVmovd : Id::kIdMovd, to, e.operand(r, 0, Type::i32));
}

void emit_vpair(Emitter& e, const Inst& inst, const Regs& r) {
  const x86::Xmm to = e.xmm(r.result());
  if (e.features.avx) {
    e.a.vmovq(to, e.r64(r[0]));
    e.a.emit(Id::kIdVpinsrq, to, to, e.operand(r, 1, Type::i64), asmjit::Imm(1));
  } else {
    e.a.movq(to, e.r64(r[0]));
    e.a.emit(Id::kIdPinsrq, to, e.operand(r, 1, Type::i64), asmjit::Imm(1));
  }
}

namespace {
// The low lane of `to` into every lane.
void spread(Emitter& e, unsigned lane, const x86::Xmm& to) {
  if (e.features.avx2) {
    constexpr uint32_t kBroadcast[] = {Id::kIdVpbroadcastb, Id::kIdVpbroadcastw, Id::kIdVpbroadcastd,
                                       Id::kIdVpbroadcastq};
    e.a.emit(kBroadcast[lane], to, to);
    return;
  }
  switch (lane) {
    case 0:
      e.a.pxor(kScratch, kScratch);
      e.a.pshufb(to, kScratch);
      break;
    case 1:
      e.a.pshuflw(to, to, 0);
      e.a.punpcklqdq(to, to);
      break;
    case 2:
      e.a.pshufd(to, to, 0);
      break;
    default:
      e.a.punpcklqdq(to, to);
  }
}
}  // namespace

void emit_vdup(Emitter& e, const Inst& inst, const Regs& r) {
  const x86::Xmm to = e.xmm(r.result());
  if (lane_of(inst) == 3)
    e.features.avx ? e.a.vmovq(to, e.r64(r[0])) : e.a.movq(to, e.r64(r[0]));
  else
    e.features.avx ? e.a.vmovd(to, e.r32(r[0])) : e.a.movd(to, e.r32(r[0]));
  spread(e, lane_of(inst), to);
}

void emit_vdup_lane(Emitter& e, const Inst& inst, const Regs& r) {
  const x86::Xmm to = e.xmm(r.result()), from = e.xmm(r[0]);
  const unsigned i = static_cast<unsigned>(inst.imm);
  switch (lane_of(inst)) {
    case 0:
      e.a.pextrb(x86::eax, from, i);
      e.a.movd(to, x86::eax);
      spread(e, 0, to);
      break;
    case 1:
      e.a.pextrw(x86::eax, from, i);
      e.a.movd(to, x86::eax);
      spread(e, 1, to);
      break;
    case 2:
      e.features.avx ? e.a.vpshufd(to, from, i * 0x55) : e.a.pshufd(to, from, i * 0x55);
      break;
    default: {
      const unsigned order = i ? 0xee : 0x44;
      e.features.avx ? e.a.vpshufd(to, from, order) : e.a.pshufd(to, from, order);
    }
  }
}

namespace {
void insert(Emitter& e, unsigned lane, const x86::Xmm& to, Reg from, unsigned i) {
  switch (lane) {
    case 0:
      e.features.avx ? e.a.vpinsrb(to, to, e.r32(from), i) : e.a.pinsrb(to, e.r32(from), i);
      break;
    case 1:
      e.features.avx ? e.a.vpinsrw(to, to, e.r32(from), i) : e.a.pinsrw(to, e.r32(from), i);
      break;
    case 2:
      e.features.avx ? e.a.vpinsrd(to, to, e.r32(from), i) : e.a.pinsrd(to, e.r32(from), i);
      break;
    default:
      e.features.avx ? e.a.vpinsrq(to, to, e.r64(from), i) : e.a.pinsrq(to, e.r64(from), i);
  }
}
void extract(Emitter& e, unsigned lane, Reg to, const x86::Xmm& from, unsigned i) {
  switch (lane) {
    case 0:
      e.features.avx ? e.a.vpextrb(e.r32(to), from, i) : e.a.pextrb(e.r32(to), from, i);
      break;
    case 1:
      e.features.avx ? e.a.vpextrw(e.r32(to), from, i) : e.a.pextrw(e.r32(to), from, i);
      break;
    case 2:
      if (i)
        e.features.avx ? e.a.vpextrd(e.r32(to), from, i) : e.a.pextrd(e.r32(to), from, i);
      else
        e.features.avx ? e.a.vmovd(e.r32(to), from) : e.a.movd(e.r32(to), from);
      break;
    default:
      if (i)
        e.features.avx ? e.a.vpextrq(e.r64(to), from, i) : e.a.pextrq(e.r64(to), from, i);
      else
        e.features.avx ? e.a.vmovq(e.r64(to), from) : e.a.movq(e.r64(to), from);
  }
}
}  // namespace

void emit_vinsert(Emitter& e, const Inst& inst, const Regs& r) {
  insert(e, lane_of(inst), e.xmm(r.result()), r[1], static_cast<unsigned>(inst.imm));
}

void emit_vins_lane(Emitter& e, const Inst& inst, const Regs& r) {
  const x86::Xmm to = e.xmm(r.result()), from = e.xmm(r[1]);
  const unsigned di = inst.imm & 15, si = static_cast<unsigned>(inst.imm >> 4) & 15;
  switch (lane_of(inst)) {
    case 2:
      e.features.avx ? e.a.vinsertps(to, to, from, si << 6 | di << 4)
                     : e.a.insertps(to, from, si << 6 | di << 4);
      break;
    case 3: {
      // shufpd: bit 0 picks the low half from the first source, bit 1 the high half from the second.
      if (di == 1) {
        e.features.avx ? e.a.vshufpd(to, to, from, si << 1) : e.a.shufpd(to, from, si << 1);
      } else if (si == 0) {
        e.features.avx ? e.a.vmovsd(to, to, from) : e.a.movsd(to, from);
      } else if (e.features.avx) {
        e.a.vunpckhpd(to, from, to);
      } else {
        e.a.movhlps(to, from);
      }
      break;
    }
    default:
      extract(e, lane_of(inst), kRax, from, si);
      insert(e, lane_of(inst), to, kRax, di);
  }
}

void emit_vextract(Emitter& e, const Inst& inst, const Regs& r) {
  const unsigned lane = lane_of(inst), i = inst.imm & 15;
  extract(e, lane, r.result(), e.xmm(r[0]), i);
  if (!(inst.imm & 16)) return;
  const x86::Gp to = e.gp(inst.type, r.result());
  if (lane == 0)
    e.a.movsx(to, e.r8(r.result()));
  else if (lane == 1)
    e.a.movsx(to, e.r16(r.result()));
  else if (lane == 2 && e.wide(inst.type))
    e.a.movsxd(to, e.r32(r.result()));
}

void emit_vand(Emitter& e, const Inst&, const Regs& r) {
  e.vec3(Id::kIdPand, Id::kIdVpand, r.result(), r[0], r[1]);
}
void emit_vor(Emitter& e, const Inst&, const Regs& r) {
  e.vec3(Id::kIdPor, Id::kIdVpor, r.result(), r[0], r[1]);
}
void emit_vxor(Emitter& e, const Inst&, const Regs& r) {
  e.vec3(Id::kIdPxor, Id::kIdVpxor, r.result(), r[0], r[1]);
}

void emit_vandn(Emitter& e, const Inst&, const Regs& r) {
  if (e.features.avx) {
    e.a.vpandn(e.xmm(r.result()), e.xmm(r[1]), e.xmm(r[0]));
  } else {
    e.a.movaps(kScratch, e.xmm(r[1]));
    e.a.pandn(kScratch, e.xmm(r[0]));
    e.a.movaps(e.xmm(r.result()), kScratch);
  }
}

void emit_vnot(Emitter& e, const Inst&, const Regs& r) {
  if (e.features.avx) return e.constant(Id::kIdVpxor, e.xmm(r.result()), e.xmm(r[0]), K::kOnes);
  e.a.pcmpeqd(kScratch, kScratch);
  e.a.pxor(e.xmm(r.result()), kScratch);
}

// c ^ (a & (b ^ c))
void emit_vbsl(Emitter& e, const Inst&, const Regs& r) {
  if (e.features.avx) {
    e.a.vpxor(kScratch, e.xmm(r[1]), e.xmm(r[2]));
    e.a.vpand(kScratch, kScratch, e.xmm(r[0]));
    e.a.vpxor(e.xmm(r.result()), kScratch, e.xmm(r[2]));
  } else {
    e.a.movaps(kScratch, e.xmm(r[1]));
    e.a.pxor(kScratch, e.xmm(r[2]));
    e.a.pand(kScratch, e.xmm(r[0]));
    e.a.pxor(kScratch, e.xmm(r[2]));
    e.a.movaps(e.xmm(r.result()), kScratch);
  }
}

namespace {
// xmm15 = the sign bit of every lane; inverted: all the other bits.
void sign_mask(Emitter& e, unsigned lane, bool inverted) {
  constexpr uint32_t kLeft[] = {0, Id::kIdPsllw, Id::kIdPslld, Id::kIdPsllq};
  constexpr uint32_t kRight[] = {0, Id::kIdPsrlw, Id::kIdPsrld, Id::kIdPsrlq};
  e.a.pcmpeqd(kScratch, kScratch);
  if (inverted)
    e.a.emit(kRight[lane], kScratch, asmjit::Imm(1));
  else
    e.a.emit(kLeft[lane], kScratch, asmjit::Imm((8 << lane) - 1));
}
unsigned fp_lane(const Inst& inst) {
  switch (inst.type) {
    case Type::f16:
      return 1;
    case Type::f32:
      return 2;
    case Type::f64:
      return 3;
    default:
      return inst.lane();
  }
}
}  // namespace

void emit_fabs(Emitter& e, const Inst& inst, const Regs& r) {
  if (e.features.avx)
    return e.constant(Id::kIdVpand, e.xmm(r.result()), e.xmm(r[0]), K::kAbs8 + fp_lane(inst));
  sign_mask(e, fp_lane(inst), true);
  e.a.pand(e.xmm(r.result()), kScratch);
}

void emit_fneg(Emitter& e, const Inst& inst, const Regs& r) {
  if (e.features.avx)
    return e.constant(Id::kIdVpxor, e.xmm(r.result()), e.xmm(r[0]), K::kSign8 + fp_lane(inst));
  sign_mask(e, fp_lane(inst), false);
  e.a.pxor(e.xmm(r.result()), kScratch);
}

}  // namespace mynah::x86_64
