// SPDX-License-Identifier: Apache-2.0
//
// State slots, guards, loads and stores.
#include "backend-x86_64/emit.h"

#include <bit>
#include <cstdlib>

namespace mynah::x86_64 {

using namespace ir::alloc;

namespace {

// Scalar of type t between xmm and memory; what lies above it is cleared by a load.
void load_vector(Emitter& e, Type t, Reg to, x86::Mem from) {
  const x86::Xmm x = e.xmm(to);
  switch (t) {
    case Type::f16:
      from.setSize(2);
      e.a.movzx(x86::eax, from);
      e.a.movd(x, x86::eax);
      break;
    case Type::f32:
      from.setSize(4);
      e.features.avx ? e.a.vmovss(x, from) : e.a.movss(x, from);
      break;
    case Type::f64:
      from.setSize(8);
      e.features.avx ? e.a.vmovsd(x, from) : e.a.movsd(x, from);
      break;
    default:
      from.setSize(16);
      e.features.avx ? e.a.vmovups(x, from) : e.a.movups(x, from);
  }
}

void store_vector(Emitter& e, Type t, x86::Mem to, Reg from) {
  const x86::Xmm x = e.xmm(from);
  switch (t) {
    case Type::f16:
      to.setSize(2);
      e.a.pextrw(to, x, 0);
      break;
    case Type::f32:
      to.setSize(4);
      e.features.avx ? e.a.vmovss(to, x) : e.a.movss(to, x);
      break;
    case Type::f64:
      to.setSize(8);
      e.features.avx ? e.a.vmovsd(to, x) : e.a.movsd(to, x);
      break;
    default:
      to.setSize(16);
      e.features.avx ? e.a.vmovups(to, x) : e.a.movups(to, x);
  }
}

// Bytes of a state slot that is not a vector register's.
unsigned slot_bytes(Type t) { return t == Type::i1 ? 1 : ir::bytes(t); }

}  // namespace

void store_const(Emitter& e, x86::Mem to, uint64_t value, unsigned bytes) {
  to.setSize(bytes);
  switch (bytes) {
    case 1:
      e.a.mov(to, static_cast<int8_t>(value));
      return;
    case 2:
      e.a.mov(to, static_cast<int16_t>(value));
      return;
    case 4:
      e.a.mov(to, static_cast<int32_t>(value));
      return;
    default:
      if (static_cast<int64_t>(value) == static_cast<int32_t>(value)) {
        e.a.mov(to, static_cast<int32_t>(value));
      } else {
        e.load_const(x86::rax, value, true);
        e.a.mov(to, x86::rax);
      }
  }
}

void emit_get(Emitter& e, const Inst& inst, const Regs& r) {
  const Type t = inst.type;
  if (ir::is_vector_register(t)) {
    load_vector(e, t, r.result(), e.slot(inst.imm));
  } else if (slot_bytes(t) == 1) {
    e.a.movzx(e.r32(r.result()), e.slot(inst.imm, 1));
  } else if (slot_bytes(t) == 2) {
    e.a.movzx(e.r32(r.result()), e.slot(inst.imm, 2));
  } else {
    e.load(t, r.result(), kRbp, state_disp(e.ir().slots[inst.imm].offset));
  }
}

void store_slot(Emitter& e, Type t, uint64_t slot, Reg from) {
  if (ir::is_vector_register(t)) {
    store_vector(e, t, e.slot(slot), from);
    return;
  }
  switch (slot_bytes(t)) {
    case 1:
      e.a.mov(e.slot(slot), e.r8(from));
      break;
    case 2:
      e.a.mov(e.slot(slot), e.r16(from));
      break;
    default:
      e.store(t, from, kRbp, state_disp(e.ir().slots[slot].offset));
  }
}

void emit_set(Emitter& e, const Inst& inst, const Regs& r) {
  const Type t = e.ir().slots[inst.imm].type;
  if (r.is_imm(0)) {
    store_const(e, e.slot(inst.imm), e.imm(r, 0), slot_bytes(t));
  } else if (r.in_flags(0)) {
    e.pack_flags_to_rax();
    store_slot(e, Type::i32, inst.imm, kRax);
  } else {
    store_slot(e, t, inst.imm, r[0]);
  }
}

// The registers' part of a snapshot goes to the state. Flags first: they are still the host's, or made of
// what is in the state yet.
void Emitter::write_state(const Step& step, const ir::Snapshot& snapshot, bool flags_stay) {
  const auto is_first = [](const Spot& spot) {
    return spot.kind == Spot::Kind::kFlags || spot.kind == Spot::Kind::kRecipe;
  };
  for (const bool first : {true, false}) {
    for (uint32_t i = 0; i < snapshot.count; ++i) {
      const ir::SnapshotEntry& entry = region_->snapshot_entries[snapshot.first + i];
      const Spot& spot = program_->spots[step.first_spot + i];
      if (is_first(spot) != first) continue;
      const Type t = region_->slots[entry.slot].type;
      const x86::Mem to = slot(entry.slot);
      switch (spot.kind) {
        case Spot::Kind::kFlags:
          pack_flags_to_rax(flags_stay);
          store_slot(*this, Type::i32, entry.slot, kRax);
          break;
        case Spot::Kind::kRecipe:
          remake_flags(spot);
          store_slot(*this, Type::i32, entry.slot, kRax);
          break;
        case Spot::Kind::kConst: {
          const ir::V128 bits = region_->constant(region_->insts[program_->facts[entry.value].root]);
          if (t == Type::v128) {
            load_vector_const(kXmm15, bits.lo, bits.hi);
            store_vector(*this, t, to, kXmm15);
          } else {
            store_const(*this, to, bits.lo, slot_bytes(t));
          }
          break;
        }
        case Spot::Kind::kSpill:
          if (is_vector_register(t)) {
            load_vector(*this, Type::v128, kXmm15, spill(spot.spill));
            store_vector(*this, t, to, kXmm15);
          } else {
            load(Type::i64, kRax, kRbp, spill_disp(spot.spill));
            store_slot(*this, t, entry.slot, kRax);
          }
          break;
        default:
          store_slot(*this, t, entry.slot, spot.reg);
      }
    }
  }
}

// --- guards

void adjust_guard(Selector&, const Inst& inst, Step& step) {
  if (inst.aux & ir::kGuardUser) step.general_temps = 1;
}

namespace {
int32_t tlb_entry(const Inst& guard) {
  return guard.aux & ir::kGuardWrite ? offsetof(ir::TlbPair, write) : offsetof(ir::TlbPair, read);
}
Reg tlb_context(const Inst& guard, const Regs& r) { return guard.aux & ir::kGuardUser ? r.temp(0) : kR14; }
}  // namespace

Site& Emitter::call_guard(Site::Kind kind, const Inst& inst, const Regs& r) {
  call(Thunk::guard);
  Site& site = add_site(kind, inst);
  if (r.has_result()) site.result = r.result();
  site.base = location(r[0]);
  add_saved(site, r.step, inst);
  return site;
}

void emit_guard(Emitter& e, const Inst& inst, const Regs& r) {
  const ir::GuardRange range = ir::guard_range(inst);
  if ((inst.aux & ir::kGuardSlow) || range.length > ir::kPageSize) {
    e.call_guard(Site::Kind::kGuard, inst, r);
    return;
  }
  Emitter::Cold cold{.kind = Emitter::Cold::Kind::kGuard};
  const Reg context = tlb_context(inst, r);
  if (context != kR14) e.load(Type::i64, context, kRbp, MYNAH_RUNTIME(user_tlb));
  uint8_t*& p = e.a._bufferPtr;
  const Reg pointer = r.result();
  if (range.lo)
    e.lea(Type::i64, pointer, r[0], range.lo);
  else
    e.mov(Type::i64, pointer, r[0]);
  if (const unsigned align = inst.aux >> ir::kGuardAlignShift & 7) {
    e.a.test(e.r8(pointer), (1 << align) - 1);
    cold.from[1] = e.jump_near(Cc::ne);
  }
  constexpr unsigned kShift = ir::kPageBits - std::bit_width(sizeof(ir::TlbPair)) + 1;
  if (e.features.bmi2) {
    encode::rorx(p, false, kRax, range.lo ? pointer : r[0], kShift);
  } else {
    e.mov(Type::i32, kRax, pointer);
    e.shift(encode::Shift::shr, Type::i32, kRax, kShift);
  }
  e.alu(Alu::and_, Type::i32, kRax, static_cast<int32_t>((ir::kTlbSize - 1) * sizeof(ir::TlbPair)));
  const int32_t entry = tlb_entry(inst);
  encode::indexed(p, encode::opcode(Alu::xor_), true, pointer, context, kRax, entry);
  e.alu(Alu::cmp, Type::i64, pointer, static_cast<int32_t>(ir::kPageSize - range.length));
  cold.from[0] = e.jump_near(Cc::a);
  encode::indexed(p, encode::opcode(Alu::add), true, pointer, context, kRax, entry + 8);
  cold.resume = e.position();
  e.add_cold(cold);
}

// Where the pointer took the base's register, that is the base again.
void Emitter::guard_miss(const Cold& cold, const Inst& inst, const Regs& r) {
  const Reg pointer = r.result();
  const bool replaced = pointer == r[0];
  land_near(cold.from[0]);
  if ((inst.aux & (ir::kGuardMerged | ir::kGuardUser)) == ir::kGuardMerged) {  // a frame lies where it lies
    call(page_pair(pointer, inst.aux & ir::kGuardWrite));
    jump_back_near(Cc::e, cold.resume);
  }
  if (replaced)
    encode::indexed(a._bufferPtr, encode::opcode(Alu::xor_), true, pointer, tlb_context(inst, r), kRax,
                    tlb_entry(inst));
  if (cold.from[1]) land_near(cold.from[1]);  // the alignment's: nothing has happened to the address yet
  const int32_t lo = ir::guard_range(inst).lo;
  if (replaced && lo) lea(Type::i64, pointer, pointer, -lo);
  if (cold.f80.empty()) {
    call_guard(Site::Kind::kGuard, inst, r).resume = cold.resume;
    return;
  }
  cold.f80.suspend(*this);
  call_guard(Site::Kind::kGuard, inst, r);
  cold.f80.resume(*this);
  jump_back(cold.resume);
}

void emit_index(Emitter& e, const Inst&, const Regs& r) {
  encode::indexed(e.a._bufferPtr, encode::kLea, true, r.result(), r[0], r[1], 0);
}

void emit_commit(Emitter& e, const Inst& inst, const Regs& r) { e.call_guard(Site::Kind::kCommit, inst, r); }

// --- accesses. The host keeps the order of loads and of stores; a load that must see everything before a
// store that releases wants a fence behind the store.

void emit_load(Emitter& e, const Inst& inst, const Regs& r) {
  const unsigned size = 1u << inst.access_size();
  const bool is_signed = inst.aux & ir::kMemSigned;
  const Type t = inst.type;
  if (ir::is_vector_register(t)) {
    const x86::Mem at = e.memory(inst, r, 0, size);
    const Type exact = size == 2 ? Type::f16 : size == 4 ? Type::f32 : size == 8 ? Type::f64 : Type::v128;
    if (size == 1) {
      e.a.movzx(x86::eax, at);
      e.a.movd(e.xmm(r.result()), x86::eax);
    } else {
      load_vector(e, exact, r.result(), at);
    }
    return;
  }
  using enum encode::Opcode;
  uint16_t op = kMovLoad;
  switch (size) {
    case 1:
      op = is_signed ? kMovsx8 : kMovzx8;
      break;
    case 2:
      op = is_signed ? kMovsx16 : kMovzx16;
      break;
    case 4:
      op = is_signed && e.wide(t) ? kMovsxd : kMovLoad;
      break;
    default:
      break;
  }
  const bool wide = size == 8 || (is_signed && e.wide(t));
  encode::memory(e.a._bufferPtr, op, wide, r.result(), r[0], e.memory_disp(inst, r, 0));
}

void adjust_store(Selector& s, const Inst& inst, Step& step) {
  // A vector constant goes through a register; a scalar's bits are stored like an integer's.
  if (step.where[1] == kImmediate && ir::bits(s.type(step.value[1])) > 64) s.need_register(step, 1);
}

void emit_store(Emitter& e, const Inst& inst, const Regs& r) {
  const unsigned size = 1u << inst.access_size();
  const x86::Mem at = e.memory(inst, r, 0, size);
  if (r.is_imm(1)) {
    store_const(e, at, e.imm(r, 1), size);
  } else if (is_register(r[1]) && r[1] >= kVectorBase) {
    const Type exact = size == 2 ? Type::f16 : size == 4 ? Type::f32 : size == 8 ? Type::f64 : Type::v128;
    if (size == 1)
      e.a.pextrb(at, e.xmm(r[1]), 0);
    else
      store_vector(e, exact, at, r[1]);
  } else {
    switch (size) {
      case 1:
        e.a.mov(at, e.r8(r[1]));
        break;
      case 2:
        e.a.mov(at, e.r16(r[1]));
        break;
      default:
        e.store(size == 8 ? Type::i64 : Type::i32, r[1], r[0], e.memory_disp(inst, r, 0));
    }
  }
  if (e.smp() && (inst.aux & ir::kMemRelease)) e.a.mfence();
}

void emit_fence(Emitter& e, const Inst&, const Regs&) {
  if (e.smp()) e.a.mfence();
}

}  // namespace mynah::x86_64
