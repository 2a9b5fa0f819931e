// SPDX-License-Identifier: Apache-2.0
//
// Emitter: what emit functions write code with. Registers have been chosen; the emitter adds operand helpers,
// the host-flags bookkeeping, cold stubs and sites.
//
// Emitters may overwrite rax, xmm14 and xmm15, their temporaries, their clobbers and their result; and the
// host flags when their row says so. Room for one step is made before it, so emit functions need not.
#pragma once

#include <asmjit/x86.h>

#include <cstddef>
#include <string>
#include <vector>

#include "backend-x86_64/constants.h"
#include "backend-x86_64/encode.h"
#include "backend-x86_64/f80_stack.h"
#include "backend-x86_64/frame.h"
#include "backend-x86_64/select.h"
#include "ir/backend.h"

namespace mynah::x86_64 {

namespace x86 = asmjit::x86;
namespace Id = asmjit::x86::Inst;
using encode::Alu;
using ir::Cond;
using ir::Location;
using ir::Runtime;
using ir::Site;
using ir::alloc::is_register;
using ir::alloc::Recipe;
using ir::alloc::Spot;

// Host conditions, as encoded.
enum class Cc : uint8_t { o, no, b, ae, e, ne, be, a, s, ns, p, np, l, ge, le, g };
constexpr Cc operator!(Cc cc) { return static_cast<Cc>(static_cast<uint8_t>(cc) ^ 1); }

// The registers of one instruction.
struct Regs {
  const Step& step;
  Reg result() const { return step.result_where; }
  bool has_result() const { return step.result_where != ir::alloc::kNone; }
  Reg operator[](unsigned k) const { return step.where[k]; }
  Reg temp(unsigned i) const { return step.temp[i]; }
  bool is_reg(unsigned k) const { return is_register(step.where[k]); }
  bool is_imm(unsigned k) const { return step.where[k] == ir::alloc::kImmediate; }
  bool is_mem(unsigned k) const { return step.where[k] == ir::alloc::kMemory; }
  bool in_flags(unsigned k) const { return step.where[k] == ir::alloc::kHostFlags; }
};

// What a linked exit to another page starts with: cmp dword [rbp + disp32], imm32 (10); jne (2); mov rax,
// imm64 (10); cmp [rbp - 128], rax (4); jne (2); jmp rel32 (5).
constexpr unsigned kPageLinkSize = 33;

// What code that goes on in the next page starts with: cmp dword [rbp + disp32], imm32; jne rel32.
constexpr unsigned kNameCompareSize = 10, kNameCheckSize = 16;

// The thunks by name. Code refers to them by relocations.
enum class Thunk : uint8_t {
  enter,
  leave,
  restore,
  link,
  crosspage,
  empty_return,
  deadline,
  dead,
  engine,
  guard,
  call,
  run_op,
  cold_op,
  constants,
  indirect_miss,  // rax: the address. Of the first kind of branch; the others' follow
  indirect_leave = indirect_miss + ir::kBranchKinds,  // the same, where no jump cache may be asked
  page_pair =
      indirect_leave + ir::kBranchKinds,  // the rest of a guard, by page_pair(); of the first register
  kCount = page_pair + 2 * 16
};
constexpr Thunk indirect_miss(unsigned branch) {
  return static_cast<Thunk>(static_cast<unsigned>(Thunk::indirect_miss) + branch);
}
constexpr Thunk indirect_leave(unsigned branch) {
  return static_cast<Thunk>(static_cast<unsigned>(Thunk::indirect_leave) + branch);
}

// A guard that missed in this register, of whose range the first page may have hit (ThunkWriter::page_pair).
constexpr Thunk page_pair(Reg pointer, bool write) {
  return static_cast<Thunk>(static_cast<unsigned>(Thunk::page_pair) + 2 * pointer + write);
}

// ir::Relocation::kind: a distance of four bytes, from `-addend` bytes behind its start, to a thunk
// (number) or a constant (number: K).
enum RelocationKind : uint8_t { kToThunk, kToConstant };

// Bytes from an entry of the jump cache to the same one of a kind of branch.
constexpr int32_t jump_disp(unsigned branch) {
  return static_cast<int32_t>(branch * ir::kJumpStart * sizeof(ir::JumpEntry));
}

// Bytes from the state register.
constexpr int32_t state_disp(uint32_t offset) { return static_cast<int32_t>(offset) - kStateBias; }
constexpr int32_t runtime_disp(size_t offset) {
  return static_cast<int32_t>(offset) - static_cast<int32_t>(offsetof(Runtime, state)) - kStateBias;
}
constexpr int32_t spill_disp(unsigned index) {
  return runtime_disp(offsetof(Runtime, registers) + offsetof(ir::HostRegisters, spill) + 8 * size_t{index});
}
#define MYNAH_RUNTIME(field) ::mynah::x86_64::runtime_disp(offsetof(::mynah::ir::Runtime, field))
#define MYNAH_HOST_FRAME(field) \
  (MYNAH_RUNTIME(backend) + static_cast<int32_t>(offsetof(::mynah::x86_64::HostFrame, field)))

class Emitter {
 public:
  Emitter(const Features& features, const ir::BackendOptions& options);
  ~Emitter();

  // Everything of a region, into `out`.
  void region(const ir::Region& region, ir::CompiledCode& out, ir::alloc::Program& program,
              const Selector& selector);
  // For thunks: writes into `out` until finish().
  void start(ir::CompiledCode& out);
  void make_room(size_t bytes);
  void finish();

  // --- the assembler and what stands around it
  x86::Assembler a;
  const Features& features;
  const ir::Region& ir() const { return *region_; }
  // The instruction that is being emitted.
  const Inst& current() const { return region_->insts[program_->steps[index_].inst]; }
  // An invariant does not hold: prints the region, if there is one, and aborts.
  [[noreturn]] void broken(const std::string& what) const;
  bool smp() const { return region_->smp; }

  // --- operands
  static x86::Gp r64(Reg r) { return x86::gpq(r); }
  static x86::Gp r32(Reg r) { return x86::gpd(r); }
  static x86::Gp r16(Reg r) { return x86::gpw(r); }
  static x86::Gp r8(Reg r) { return x86::gpb_lo(r); }
  static x86::Gp gp(Type t, Reg r) { return wide(t) ? r64(r) : r32(r); }
  static x86::Gp rax(Type t) { return gp(t, kRax); }
  static x86::Xmm xmm(Reg r) { return x86::xmm(r - ir::alloc::kVectorBase); }
  static bool wide(Type t) { return t == Type::i64 || t == Type::ptr; }
  Type type(Value v) const { return region_->insts[v].type; }
  Type arg_type(const Inst& inst, unsigned k) const { return type(inst.args[k]); }
  x86::Mem runtime(int32_t disp, uint32_t size = 0) const { return x86::ptr(x86::rbp, disp, size); }
  x86::Mem slot(uint64_t index, uint32_t size = 0) const {
    return x86::ptr(x86::rbp, state_disp(region_->slots[index].offset), size);
  }
  int32_t slot_disp(Value get) const { return state_disp(region_->slots[region_->insts[get].imm].offset); }
  x86::Mem slot_of(Value get, uint32_t size = 0) const { return slot(region_->insts[get].imm, size); }
  x86::Mem spill(unsigned index, uint32_t size = 0) const {
    return x86::ptr(x86::rbp, spill_disp(index), size);
  }
  uint64_t const_bits(Value konst) const { return region_->constant(region_->insts[konst]).lo; }
  uint64_t imm(const Regs& r, unsigned k) const { return const_bits(r.step.value[k]); }
  // Operand k as an instruction's last operand of type t: register, immediate or memory.
  asmjit::Operand operand(const Regs& r, unsigned k, Type t) const;
  // A vector register, or that many bytes of a state slot.
  asmjit::Operand vector_operand(const Regs& r, unsigned k, uint32_t bytes) const {
    if (r.is_mem(k)) return slot_of(r.step.value[k], bytes);
    return xmm(r[k]);
  }
  // The bytes of pointer operand k at inst.imm.
  x86::Mem memory(const Inst& inst, const Regs& r, unsigned k, uint32_t size = 0) const;
  int32_t memory_disp(const Inst& inst, const Regs& r, unsigned k) const;
  void op(uint32_t id, const asmjit::Operand_& x, const asmjit::Operand_& y) { a.emit(id, x, y); }
  void mov(Type t, Reg to, Reg from) {  // nothing when equal
    if (to != from) encode::registers(a._bufferPtr, encode::kMovLoad, wide(t), to, from);
  }
  // to = to op operand k (compares for cmp).
  void alu(Alu what, Type t, Reg to, const Regs& r, unsigned k) {
    if (r.is_imm(k))
      encode::alu_immediate(a._bufferPtr, what, wide(t), to, static_cast<int32_t>(imm(r, k)));
    else if (r.is_mem(k))
      encode::memory(a._bufferPtr, encode::opcode(what), wide(t), to, kRbp, slot_disp(r.step.value[k]));
    else
      encode::registers(a._bufferPtr, encode::opcode(what), wide(t), to, r[k]);
  }
  void alu(Alu what, Type t, Reg to, int32_t k) { encode::alu_immediate(a._bufferPtr, what, wide(t), to, k); }
  void test(Type t, Reg x, Reg y) { encode::registers(a._bufferPtr, encode::kTest, wide(t), y, x); }
  void lea(Type t, Reg to, Reg base, int32_t disp) {
    encode::memory(a._bufferPtr, encode::kLea, wide(t), to, base, disp);
  }
  void shift(encode::Shift what, Type t, Reg to, unsigned n) {
    encode::shift(a._bufferPtr, what, wide(t), to, n);
  }
  void load(Type t, Reg to, Reg base, int32_t disp) {
    encode::memory(a._bufferPtr, encode::kMovLoad, wide(t), to, base, disp);
  }
  void store(Type t, Reg from, Reg base, int32_t disp) {
    encode::memory(a._bufferPtr, encode::kMovStore, wide(t), from, base, disp);
  }
  void load_const(Reg to, uint64_t value);  // shortest; keeps the flags when they are needed
  void load_const(const x86::Gp& to, uint64_t value, bool keep_flags);
  void load_vector_const(Reg to, uint64_t lo, uint64_t hi);
  // Three-operand vector instruction (AVX) or two-operand where the result is in x's register.
  void vec3(uint32_t sse, uint32_t avx, Reg to, Reg x, Reg y);
  void vec_mov(Reg to, Reg from);
  // An instruction whose last operand (in front of an immediate) is a constant.
  void constant(uint32_t id, const asmjit::Operand_& x, K k);
  void constant(uint32_t id, const asmjit::Operand_& x, const asmjit::Operand_& y, K k);
  void constant(uint32_t id, const asmjit::Operand_& x, const asmjit::Operand_& y, K k, uint8_t imm);

  // --- branches. Short ones stay within one emitter. Near ones lead to cold stubs; shorten() makes them
  // short where the stub turns out to be close.
  using Mark = uint32_t;
  uint32_t position() const { return static_cast<uint32_t>(a._bufferPtr - a._bufferData); }
  void fill(size_t bytes);  // with INT3
  Mark jump_short();
  Mark jump_short(Cc cc);
  void land_short(Mark mark);
  void jump_back(Cc cc, uint32_t target);
  void jump_back(uint32_t target);  // from a cold stub
  void jump_back_near(Cc cc, uint32_t target);
  Mark jump_near();
  Mark jump_near(Cc cc);
  void land_near(Mark mark);  // of a jump_near
  void keep_near(Mark mark) { near_[mark - 1].patched_later = true; }
  void call(Thunk thunk);
  void load_address(const x86::Gp& to, Thunk thunk);
  void jump(Thunk thunk);
  void jump(Cc cc, Thunk thunk);
  void setcc(Cc cc, Reg r) { a.emit(kSet[static_cast<unsigned>(cc)], r8(r)); }
  void cmov(Cc cc, const x86::Gp& to, const asmjit::Operand_& from) {
    a.emit(kCmov[static_cast<unsigned>(cc)], to, from);
  }

  // --- host flags. Selection has decided who holds them; here is how.
  struct HostFlags {
    bool sub = false;   // carry is a borrow
    bool test = false;  // not a group: `cc` is what a bit test asked
    Cc cc = Cc::e;
    bool a_unknown = false;  // A is whatever the host leaves, and has to be 0
  };
  HostFlags flags;
  bool flags_needed() const { return program_->steps[index_].target & kFlagsLive; }
  Cc condition(const HostFlags& f, Cond cond);  // without touching the flags: no hi, ls in the add sense
  Cc host_condition(Value boolean);  // of an i1 that the host flags hold; may turn carry's sense round
  // Operand k (Use kBool) as a condition: tests a register, takes the host flags. Not for immediates.
  Cc bool_condition(const Regs& r, unsigned k);
  void pack_product_flags(Type t);
  void pack_flags_to_rax(
      bool stay = true);  // flags group -> eax; the host's stay as they are, unless nobody asks
  // The host's flags are the result: as `how` says, and packed where somebody asked for that.
  void set_flags_group(const Regs& r, HostFlags how);
  void set_carry(const Regs& r, unsigned k, bool inverted);  // operand k (Use kBool) to CF
  const Selector& selector() const { return *selector_; }

  // --- extended floats
  F80Stack f80;
  bool wants_file(const Step& step) const;  // of extended floats: everything is to be in it before the step

  // --- leaving
  // flags_stay: the host's flags are still wanted behind it.
  void write_state(const Step& step, const ir::Snapshot& snapshot, bool flags_stay = false);
  // Whether the step behind this exit_if is an exit with the same state: then it is written once, in front of
  // both.
  bool exit_shares_state() const;
  bool state_written = false;  // by the exit_if in front
  bool is_only_link(const Inst& exit, bool state_written) const;
  void fix_count(const ir::Snapshot& snapshot);
  void exit_to(const Inst& inst, const ir::Snapshot& snapshot);
  void jump_entry(Reg entry, Reg address);  // where it is, from jump_disp()
  void probe_jump_cache(Reg target, unsigned branch);
  void return_miss(const Inst& inst, const Regs& r);
  void push_return(const Inst& inst, const Regs& r, unsigned k);
  bool returns_by_stack(const Inst& inst) const {
    return options_.return_stack && region_->linkable && inst.branch() == ir::BranchKind::kReturn;
  }
  Site& add_site(Site::Kind kind, const Inst& inst);
  // To C++ for the address or pointer of operand 0: a guard or a commit.
  Site& call_guard(Site::Kind kind, const Inst& inst, const Regs& r);
  void add_saved(Site& site, const Step& step, const Inst& inst);
  Location location(Reg r) const;
  Location location(const Spot& spot, Value v) const;
  void remake_flags(const Spot& spot);  // by its recipe; packed in eax
  struct Cold {
    // kOp: the op's reference meaning on the operands, which are still in their registers; kSaturated: sets
    // the sticky saturation flag. Both go on behind.
    enum class Kind : uint8_t { kExit, kGuard, kEngine, kReturn, kOp, kSaturated } kind;
    uint32_t step;
    Mark from[2] = {0, 0};
    uint32_t resume = 0;
    HostFlags flags;
    F80Stack f80;
    bool state_written = false;
    bool only_link = false;  // an exit with nothing to do: the jump to it may go to its target once linked
  };
  void add_cold(Cold cold) {
    cold.step = index_;
    cold.f80 = f80;
    cold_.push_back(cold);
  }
  // The code from here on may be reached from a cold stub that took over at these jumps.
  void cold_op(Mark first, Mark second = 0) { cold(Cold::Kind::kOp, first, second); }
  void cold_saturated(Mark first) { cold(Cold::Kind::kSaturated, first, 0); }
  void run_generic(const Inst& inst, const Regs& r);
  void run_cold(const Inst& inst, const Regs& r);
  void store_argument(const Inst& inst, const Regs& r, unsigned k, int32_t to, bool full_vector);

 private:
  class Errors;
  void moves(const Step& step);
  void emit_name_check();
  void cold_stub(const Cold& cold);
  void guard_miss(const Cold& cold, const Inst& inst, const Regs& r);
  void cold(Cold::Kind kind, Mark first, Mark second) {
    add_cold({.kind = kind, .from = {first, second}, .resume = position()});
  }
  void constant_distance(K k, unsigned behind);
  uint64_t pack_op(const Inst& inst, const Regs& r);
  void shorten();
  void thunk_distance(Thunk thunk);
  size_t needed(const Step& step) const;
  void grow(size_t bytes);
  void attach();

  static const uint32_t kSet[16], kCmov[16];
  const ir::BackendOptions options_;
  std::unique_ptr<Errors> errors_;
  asmjit::CodeHolder code_;
  asmjit::CodeBuffer own_buffer_{};
  const ir::Region* region_ = nullptr;
  const ir::alloc::Program* program_ = nullptr;
  const Selector* selector_ = nullptr;
  ir::CompiledCode* out_ = nullptr;
  uint32_t index_ = 0;
  std::vector<Cold> cold_;
  struct Near {
    uint32_t end;  // behind the jump
    uint32_t target = 0;
    bool conditional;
    bool is_short = false;
    bool patched_later = false;  // keeps its length
  };
  std::vector<Near> near_;  // in order
  struct Back {
    uint32_t at;  // where the distance stands
    uint32_t target;
  };
  std::vector<Back> back_;      // jumps from cold stubs
  std::vector<uint32_t> cuts_;  // shorten(): ends of the jumps that lose four bytes
};

}  // namespace mynah::x86_64
