// SPDX-License-Identifier: Apache-2.0
//
// Lifting A64 into the IR. One function a row of the decode tables, lift_<id>(Lifter&,
// Fields<Encoding::<id>>), in files that follow the manual's chapters (lift_dp_immediate.cpp,
// lift_load_store.cpp, lift_fp.cpp, ...). lift_block() walks a guest block; the functions here are what the
// lift functions share.
//
// A lift function appends to `l.b` and leaves the pc alone unless it branches. Registers are read with x(),
// w(), reg(sf, n) (31 reads as zero) and x_sp(), and written with the set_ twins; FP and vector registers
// with v(), d(), s(), h() and set_v() (all 128 bits), set_scalar() (zeros above).
#pragma once

#include <cstdint>
#include <string_view>

#include "frontend/arm/a64/access_note.h"
#include "frontend/arm/a64/decode.h"
#include "frontend/arm/a64/fields.h"
#include "frontend/arm/a64/rows.h"
#include "frontend/arm/helpers.h"
#include "frontend/arm/mode.h"
#include "frontend/arm/slots.h"
#include "frontend/block_walk.h"
#include "frontend/guest.h"
#include "ir/builder.h"

namespace mynah::arm {
struct CpuModel;
}

namespace mynah::arm::a64 {

using ir::Cond;
using ir::Op;
using ir::Type;
using ir::Value;

class Lifter {
 public:
  Lifter(ir::Builder& builder, const CpuModel& model, uint64_t mode, const BlockWalk& walk)
      : b(builder), model(model), mode(mode), walk(walk) {}

  ir::Builder& b;
  const CpuModel& model;
  const uint64_t mode;
  int32_t pc_offset = 0;  // of the current instruction, from the page's start
  uint32_t index = 0;     // instructions before it in this block
  bool yields = false;    // LiftOptions::yields
  BlockWalk walk;
  int64_t goes_to = kNowhere;  // where the block goes on behind the current instruction, unless at the next
  bool end_block =
      false;  // the current instruction ends the block without having left it (falls to the next)

  // --- general registers
  Value x(unsigned n) { return n == 31 ? b.i64(0) : b.get(kSlotX0 + n); }
  Value w(unsigned n) { return n == 31 ? b.i32(0) : b.trunc(b.get(kSlotX0 + n)); }
  Value reg(bool sf, unsigned n) { return sf ? x(n) : w(n); }
  Value x_sp(unsigned n) { return b.get(n == 31 ? ir::Slot{kSlotSp} : ir::Slot(kSlotX0 + n)); }
  Value reg_sp(bool sf, unsigned n) { return sf ? x_sp(n) : b.trunc(x_sp(n)); }
  void set_x(unsigned n, Value v) {
    if (n != 31) b.set(kSlotX0 + n, widen(v));
  }
  void set_x_sp(unsigned n, Value v) {
    b.set(n == 31 ? ir::Slot{kSlotSp} : ir::Slot(kSlotX0 + n), widen(v));
    sp_written |= n == 31;
  }
  // i32 results are zero-extended, as every write of a W register is.
  Value widen(Value v) { return b.type(v) == Type::i32 ? b.zext32(v) : v; }
  Value konst(bool sf, uint64_t k) { return sf ? b.i64(k) : b.i32(k); }

  Value flags() { return b.get(kSlotNzcv); }
  void set_flags(Value f) { b.set(kSlotNzcv, f); }
  Value cond(unsigned c);  // condition field; 14 and 15 are constant true
  Value carry() { return b.cond(Cond::cs, flags()); }

  // --- FP and vector registers
  Value v(unsigned n) { return b.get(kSlotV0 + n); }
  Value scalar(Type t, unsigned n) { return b.emit(Op::vlow, t, v(n)); }
  void set_v(unsigned n, Value value) { b.set(kSlotV0 + n, value); }
  void set_v(bool q, unsigned n, Value value) {  // without Q the upper half becomes zero
    set_v(n, q ? value : b.emit(Op::vlow64, Type::v128, value));
  }
  void set_scalar(unsigned n, Value value) { set_v(n, b.emit(Op::vzext, Type::v128, value)); }

  // --- pc
  Value pc(int64_t delta = 0) { return b.add_imm(b.get(kSlotPcPage), pc_offset + delta); }

  // --- memory. Sizes are log2 of bytes. Addresses are i64.
  // Base register of an access: x_sp(n), with CheckSPAlignment. Which of the two ways it is made is in the
  // block key: while SP is aligned, it is what writes SP that is looked at, and nearly always known to keep
  // it so.
  Value base(unsigned n);
  bool sp_written = false;        // by the current instruction
  bool sp_known_aligned() const;  // is now, if it was at the block's entry
  struct Access {
    unsigned size = 3;   // of one element
    unsigned bytes = 0;  // 0: one element
    bool write = false;
    bool read_write = false;  // atomics
    bool user = false;        // LDTR, STTR
    unsigned align = 0;       // log2 of the alignment demanded whatever SCTLR.A says
    uint8_t note = kNotePlain;
  };
  // Host pointer for [base + offset, + bytes). Loads and stores through it take offset + their own.
  Value guard(Value base, int64_t offset, const Access& access);
  // One plain access of a general register: value is i32 or i64 by type.
  Value load(Type type, Value base, int64_t offset, unsigned size, bool is_signed, bool user = false);
  void store(Value base, int64_t offset, unsigned size, Value value, bool user = false);

  bool btype_due = false;  // the current instruction is a branch's target: with it PSTATE.BTYPE becomes zero
  void settle_btype();

  // --- leaving
  void complete();  // what leaves from here on does so behind this instruction
  void leave(ExitReason reason, uint64_t imm = 0, Value argument = ir::kNoValue);  // pc: this instruction's
  void leave_next(ExitReason reason, uint64_t imm = 0);  // pc: the next instruction's, this one counted
  void undefined(uint32_t word) { leave(ExitReason::kUndefined, word); }
  void branch(int64_t delta,
              ir::BranchKind how = ir::BranchKind::kJump);  // direct, relative to this instruction
  void branch_if(Value cond, int64_t delta);                // else: the next instruction
  void branch_indirect(Value target, ir::BranchKind how);
  // Of a BR of register n: in a guarded page all but two registers make one of a kind of its own.
  ir::BranchKind jump_kind(unsigned n) const {
    return (mode & kModeGuarded) && n != 16 && n != 17 ? ir::BranchKind::kOtherJump : ir::BranchKind::kJump;
  }
  Value call(Helper helper, Type result, Value a = ir::kNoValue, Value b = ir::kNoValue,
             Value c = ir::kNoValue);
  // FP and AdvSIMD instructions begin with this: false (the region has left) when CPACR traps them.
  bool fp_access();

  bool privileged() const { return mode & kModeEl1; }

 private:
  Value return_address(ir::BranchKind how) { return how == ir::BranchKind::kCall ? x(30) : ir::kNoValue; }
};

// The lift function of each row.
#define ROW(id, ...) void lift_##id(Lifter& l, Fields<Encoding::id> word);
#include "frontend/arm/a64/tables.inc"

// Lifts one block: up to options.max_insts instructions, to the end of the page or the first branch.
void lift_block(ir::Region& region, std::span<const uint8_t> page, uint32_t pc_offset, uint64_t mode,
                const CpuModel& model, const LiftOptions& options);

}  // namespace mynah::arm::a64
