// SPDX-License-Identifier: Apache-2.0
//
// Lifting: the Lifter is what every instruction's lift function works with.
//
// To add an instruction: write a function `void lift_x(Lifter& l, uint32_t argument)` in the lift_*.cpp of
// its chapter, and a row {ZYDIS_MNEMONIC_X, lift_x, argument} in that file's rows. `l.i` is the decoded
// instruction (decode.h: operands in Intel's order). A function
//   - reads operands with read() (8- and 16-bit values are i32 with unspecified upper bits; zx() and sx()
//     define them) or, by guards, with place() and load(); whatever may fault is guarded before any state
//     is set;
//   - sets state with write(), set_reg(), set_flags(), `l.b.set(slot, value)`;
//   - neither sets the pc nor counts: an instruction that goes on at the next one just returns. One that
//     branches calls branch(), branch_if() or branch_indirect(); one that raises an exception fault().
//   - whoever may have changed facts of the mode (mode.h) calls end(), and execution is looked up again.
// Memory operands that are read, changed and written are guarded once (Place, for writing too). In the slow
// flavour an instruction that stored ends its block: it may have changed the next one (store() notes it). In
// every flavour one does that has stored in C++ (cut()).
#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>

#include "frontend/block_walk.h"
#include "frontend/frontend.h"
#include "frontend/x86/decode.h"
#include "frontend/x86/helpers.h"
#include "frontend/x86/mode.h"
#include "frontend/x86/slots.h"
#include "frontend/x86/state.h"
#include "ir/builder.h"

namespace mynah::x86 {

struct CpuModel;

using ir::Cond;
using ir::Op;
using ir::Type;
using ir::Value;

// GuardRange::note of an access: what a fault there is to know.
enum AccessNote : uint8_t {
  kNoteStack = 1 << 0,    // by way of SS: #SS where others are #GP
  kNoteAligned = 1 << 1,  // misaligned: #GP(0), not #AC
};

class Lifter {
 public:
  Lifter(ir::Builder& builder, const CpuModel& model, uint64_t mode, const BlockWalk& walk)
      : b(builder),
        model(model),
        mode(mode),
        walk(walk),
        access(mode & kModeAccess),
        x87_top(mode_x87_top(mode)),
        x87_tags(mode_x87_tags(mode)) {}

  ir::Builder& b;
  const CpuModel& model;
  const uint64_t mode;
  Decoded i;              // the current instruction
  int32_t pc_offset = 0;  // its place, from the page's start
  uint32_t index = 0;     // instructions before it in this block
  bool slow = false;      // LiftOptions
  bool yields = false;    // LiftOptions
  BlockWalk walk;
  int64_t goes_to = kNowhere;  // where the block goes on behind the current instruction, unless at the next
  bool ends = false;           // the block ends behind the current instruction, which goes on at the next
  bool stored = false;         // the current instruction has stored to memory
  bool cuts = false;           // the same, by a helper that makes stores, or a device does
  bool access = false;         // EFLAGS.AC: a supervisor's accesses reach user pages
  bool after_sti = false;      // the current instruction is STI, which keeps interrupts off the next one
  Value was_enabled = ir::kNoValue;  // unless this, i32, is not zero: IF before it

  // --- what the code is
  bool code64() const { return mode & kModeCode64; }
  CodeWidth width() const {
    return code64() ? CodeWidth::k64 : mode & kModeCode32 ? CodeWidth::k32 : CodeWidth::k16;
  }
  unsigned cpl() const { return mode_cpl(mode); }
  bool user() const { return cpl() == 3; }
  bool real_or_vm86() const { return mode & (kModeReal | kModeVm86); }
  bool flat(unsigned segment) const { return mode & mode_flat(segment); }
  unsigned stack_bits() const { return code64() ? 64 : mode & kModeStack32 ? 32 : 16; }

  // --- operands
  const Operand& operand(unsigned n) const { return i.operands[n]; }
  // Value of operand n, of its own width: i64 for 64 bits, else i32 (low bits count).
  Value read(unsigned n) { return read(i.operands[n]); }
  Value read(const Operand& operand);
  void write(unsigned n, Value value) { write(i.operands[n], value); }
  void write(const Operand& operand, Value value);
  // Immediate as a value of that many bits.
  Value imm(unsigned n, unsigned bits) { return konst(bits, static_cast<uint64_t>(i.operands[n].value)); }
  Value konst(unsigned bits, uint64_t value) { return bits == 64 ? b.i64(value) : b.i32(value); }
  static Type type_of(unsigned bits) { return bits == 64 ? Type::i64 : Type::i32; }
  // Zero- or sign-extends the low `bits` to the value's whole type.
  Value zx(Value value, unsigned bits);
  Value sx(Value value, unsigned bits);
  // The low `from` bits zero- or sign-extended to a value of `to` bits (i32 or i64).
  Value extend(Value value, unsigned from, unsigned to, bool is_signed);
  // i64 of an i32, zero-extended; an i64 as it is.
  Value wide(Value value) { return b.type(value) == Type::i32 ? b.zext32(value) : value; }
  Value narrow(Value value) { return b.type(value) == Type::i64 ? b.trunc(value) : value; }

  // --- general registers by number; bits 8 (low byte), 16, 32, 64
  Value reg64(unsigned n) { return b.get(slot_r(n)); }
  Value reg(unsigned n, unsigned bits) { return bits == 64 ? reg64(n) : b.trunc(reg64(n)); }
  void set_reg(unsigned n, unsigned bits, Value value);  // 32 clears the upper half, 8 and 16 keep it
  Value high_byte(unsigned n);                           // AH, CH, DH, BH: i32
  void set_high_byte(unsigned n, Value value);

  // --- flags
  Value flags() { return b.get(kSlotFlags); }
  void set_flags(Value f) { b.set(kSlotFlags, f); }
  // All of `f` but those in `mask` (ir/flags.h), which stay what they are.
  void set_flags_but(Value f, uint32_t mask) {
    set_flags(b.emit(Op::fl_merge, Type::flags, f, flags(), ir::kNoValue, mask));
  }
  void set_only_flags(Value f, uint32_t mask) {
    set_flags(b.emit(Op::fl_merge, Type::flags, flags(), f, ir::kNoValue, mask));
  }
  Value carry() { return b.cond(Cond::cs, flags()); }
  static uint8_t flags_aux(unsigned bits, bool borrow = false) {
    return static_cast<uint8_t>((bits == 8    ? ir::kFlags8
                                 : bits == 16 ? ir::kFlags16
                                              : 0) |
                                (borrow ? ir::kFlagsBorrow : 0));
  }
  Value flags_op(Op op, unsigned bits, Value a, Value v = ir::kNoValue, bool borrow = false) {
    return b.emit(op, Type::flags, a, v, ir::kNoValue, 0, flags_aux(bits, borrow));
  }
  Value cond(unsigned cc);  // condition as opcodes number them: O, NO, B, NB, ...

  // --- addresses. EA: an offset in a segment, i64, of the address size. Linear: what guards take.
  Value effective_address(const Operand& memory);
  // A memory access: guarded, at pointer + offset.
  struct Place {
    Value pointer = ir::kNoValue;
    int64_t offset = 0;
  };
  struct Access {
    unsigned bytes = 4;
    bool write = false;
    bool read_write = false;
    unsigned align = 0;      // log2 of the alignment whose lack is #GP (SSE)
    unsigned element = ~0u;  // log2 of one access's bytes, for devices; by default that of `bytes`
    uint8_t note = 0;
  };
  Place place(const Operand& memory, const Access& access, int64_t more = 0);
  // At `address`, an EA, of a segment.
  Place place_at(unsigned segment, Value address, const Access& access, int64_t more = 0);
  // In linear memory, without segment checks.
  Place place_linear(Value linear, int64_t offset, const Access& access);
  // The linear address of an operand whose bytes a helper accesses; limits are checked.
  Value linear_address(const Operand& memory, unsigned bytes, bool write);
  Value load(const Place& p, unsigned bits, int64_t more = 0);  // up to 64: i32 or i64, zero-extended
  Value load_vector(const Place& p, int64_t more = 0) {
    return b.load(Type::v128, p.pointer, p.offset + more, 4);
  }
  void store(const Place& p, unsigned bits, Value value, int64_t more = 0);
  void store_vector(const Place& p, Value value, int64_t more = 0);
  void stored_to(const Place& p);  // behind the last store to it

  // --- stack, of the stack segment's width
  Value stack_pointer() { return reg(kRsp, stack_bits()); }
  void push(unsigned bits, Value value);
  // EFLAGS' status bits as a word, and back.
  Value status_word();
  Value status_group(Value word);
  // Status flags where i1 values say so (kFlagC, kFlagV of `mask`), the others as `others`.
  Value with_carry(Value others, Value carry_bit, Value overflow_bit);

  // Value that the stack's top holds; `pop` moves the pointer when the value is safe.
  Value top(unsigned bits, int64_t more = 0);
  void drop(int64_t bytes);  // RSP += bytes
  // Of an instruction's near transfers, pushes and pops.
  unsigned operand_bits() const { return i.operand_bits; }

  // --- x87 and MMX (lift_x87.cpp)
  // TOP, and from there on which registers are full, as expected where we are: the mode's, and what the
  // instructions since have made of it. Checked where the slots' values are no constants.
  unsigned x87_top, x87_tags;
  void set_x87(unsigned top, unsigned tags);
  // An MMX instruction but EMMS: TOP becomes 0, every register full.
  void enter_mmx();
  Value mmx(unsigned n) { return b.get(slot_mm(n)); }
  void set_mmx(unsigned n, Value value);  // i64; its exponent becomes all ones

  // --- pc. Linear and as EIP; of the next instruction by default.
  int32_t next_offset() const { return pc_offset + i.length; }
  Value linear_pc(int64_t offset) { return b.add_imm(b.get(kSlotPcPage), offset); }
  Value ip_at(int64_t page_offset);  // RIP, EIP or IP; i64, zero-extended
  Value next_ip() { return ip_at(next_offset()); }

  // --- leaving
  void complete();  // what leaves from here on does so behind this instruction
  void end() { ends = true; }
  void cut() { cuts = true; }  // the block ends behind this instruction, which may have changed the next one
  void leave(ExitReason reason, uint64_t imm = 0, Value argument = ir::kNoValue);  // pc: this instruction's
  void leave_next(ExitReason reason, uint64_t imm = 0);  // pc: the next instruction's
  // An exception of this instruction's: with or without error code.
  void fault(unsigned vector) { leave(ExitReason::kException, exception_imm(vector)); }
  void fault(unsigned vector, uint32_t error) { leave(ExitReason::kException, exception_imm(vector, error)); }
  // The same where `cond` (i1) holds; rare.
  void fault_if(Value cond, uint64_t imm);
  void undefined() { leave(ExitReason::kUndefined, static_cast<uint64_t>(i.mnemonic)); }
  // False: the region has left, with #GP(0) for want of privilege.
  bool needs_cpl0();
  // False: the region has left, with #UD or #NM: x87, MMX, SSE, AVX are off.
  bool needs_x87();
  bool needs_mmx();
  bool needs_sse();
  bool needs_avx();

  // Each instruction is looked at: stepped, or met by breakpoints.
  bool by_steps() const { return mode & (kModeApart | kModeDebug); }
  // Behind an iteration of a repeated instruction, which goes on with the next one.
  void repeat();

  // Near branches. `delta`: from the next instruction.
  void branch(int64_t delta, ir::BranchKind how = ir::BranchKind::kJump, Value return_address = ir::kNoValue);
  void branch_if(Value cond, int64_t delta);
  // To IP `target` (i64, zero-extended, of operand size).
  void branch_indirect(Value target, ir::BranchKind how, Value return_address = ir::kNoValue);

  Value call(Helper helper, Type result, Value a0 = ir::kNoValue, Value a1 = ir::kNoValue,
             Value a2 = ir::kNoValue, Value a3 = ir::kNoValue) {
    return b.call(result, static_cast<unsigned>(helper), a0, a1, a2, a3);
  }
  // The last that the instruction does: the helper goes on behind it (X86Cpu::go_on_behind).
  void call_last(Helper helper, Value a0, Value a1 = ir::kNoValue, Value a2 = ir::kNoValue) {
    call(helper, Type::none, a0, a1, a2, b.i64(i.length));
    leave_next(ExitReason::kContinue);
  }

 private:
  struct Linear {
    Value base;
    int64_t offset;
    uint8_t note;
  };
  // Registers of an address with as much of the displacement as can stay apart.
  Linear address_parts(const Operand& memory, bool apart);
  Linear linear(unsigned segment, const Linear& ea, unsigned bytes, bool write);
  bool direct_target(int64_t delta) const;
};

// --- rows
struct Row {
  ZydisMnemonic mnemonic;
  void (*lift)(Lifter&, uint32_t argument);
  uint32_t argument = 0;
};
using Rows = std::span<const Row>;

// The rows of each lift_*.cpp; lift_rows.cpp joins them.
Rows move_rows();
Rows arithmetic_rows();
Rows logic_rows();
Rows shift_rows();
Rows bit_rows();
Rows control_rows();
Rows string_rows();
Rows flag_rows();
Rows segment_rows();
Rows transfer_rows();
Rows bmi_rows();
Rows vector_packed_rows();
Rows vector_unpack_rows();
Rows vector_move_rows();
Rows vector_shuffle_rows();
Rows mxcsr_rows();
Rows float_arithmetic_rows();
Rows float_compare_rows();
Rows fma_rows();
Rows convert_rows();
Rows crypto_rows();
Rows avx_rows();
Rows x87_rows();
Rows x87_control_rows();
Rows system_control_rows();
Rows port_rows();
Rows state_rows();
const Row* find_row(ZydisMnemonic mnemonic);

// Forms of mnemonics that rows of other chapters have.
void lift_mov_segment(Lifter& l);  // MOV to or from a segment register
void lift_mov_control(Lifter& l);  // and of control and debug registers
void lift_push_segment(Lifter& l);
void lift_pop_segment(Lifter& l);
void lift_far_jump(Lifter& l);
void lift_far_call(Lifter& l);
void lift_far_return(Lifter& l);
void lift_scalar_movsd(Lifter& l);  // MOVSD and CMPSD of SSE2
void lift_scalar_cmpsd(Lifter& l);

// Lifts one block (Frontend::lift).
Lifted lift_block(ir::Region& region, CodeSource& source, uint32_t pc_offset, uint64_t mode,
                  const CpuModel& model, const LiftOptions& options);

}  // namespace mynah::x86
