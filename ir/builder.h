// SPDX-License-Identifier: Apache-2.0
//
// Builder: appends instructions to a region and keeps the guest state in SSA form while it does so: get()
// gives a slot's current value (loading it once), set() only remembers the new one, and whatever may leave
// the region takes a snapshot of the slots that differ from memory. Constants are folded, and what was
// computed before is found again, as they are built. One block only; regions of several blocks are joined
// from these.
#pragma once

#include <array>
#include <bit>
#include <optional>

#include "ir/ir.h"

namespace mynah::ir {

class Builder {
 public:
  explicit Builder(Region& region) : r_(region) {}
  // Starts an empty region over this slot table; `helpers`: what call() may name.
  void begin(std::span<const SlotInfo> slots, std::span<const HelperInfo> helpers = {});
  void finish();  // closes the block

  // --- where we are
  void at(int32_t pc_offset, uint32_t completed) {
    if (pc_offset != pc_offset_ || completed != completed_) snapshot_valid_ = false;
    pc_offset_ = pc_offset;
    completed_ = completed;
  }
  Region& region() { return r_; }

  // --- guest state
  Value get(Slot slot);
  Value get_now(Slot slot);  // of a slot that something else than this region changes, and this region never
  void set(Slot slot, Value v);
  void assume(Slot slot, Value v);  // that the slot's value, which is not known yet, is v
  bool ended() const { return ended_; }

  // --- instructions. emit() folds and simplifies what fold.cpp knows.
  Value emit(Op op, Type type, Value a = kNoValue, Value b = kNoValue, Value c = kNoValue, uint64_t imm = 0,
             uint8_t aux = 0);
  Value konst(Type type, uint64_t bits);
  Value konst_v128(uint64_t lo, uint64_t hi);
  Value i32(uint64_t v) { return konst(Type::i32, v & 0xffffffff); }
  Value i64(uint64_t v) { return konst(Type::i64, v); }
  std::optional<uint64_t> as_const(Value v) const {
    if (r_.insts[v].op == Op::konst) return r_.insts[v].imm;
    return std::nullopt;
  }
  Type type(Value v) const { return r_.insts[v].type; }

  Value binary(Op op, Value a, Value b, uint8_t aux = 0) { return emit(op, type(a), a, b, kNoValue, 0, aux); }
  Value unary(Op op, Value a, uint64_t imm = 0, uint8_t aux = 0) {
    return emit(op, type(a), a, kNoValue, kNoValue, imm, aux);
  }
  Value add(Value a, Value b) { return binary(Op::add, a, b); }
  Value sub(Value a, Value b) { return binary(Op::sub, a, b); }
  Value add_imm(Value a, int64_t k) { return k == 0 ? a : add(a, konst(type(a), static_cast<uint64_t>(k))); }
  Value zext32(Value a) { return emit(Op::zext32, Type::i64, a); }
  Value sext32(Value a) { return emit(Op::sext32, Type::i64, a); }
  Value trunc(Value a) { return emit(Op::trunc, Type::i32, a); }
  Value select(Value c, Value a, Value b) { return emit(Op::select, type(a), c, a, b); }
  Value cond(Cond c, Value flags) {
    return emit(Op::cond, Type::i1, flags, kNoValue, kNoValue, 0, uint8_t(c));
  }
  Value icmp(Cond c, Value a, Value b) { return emit(Op::icmp, Type::i1, a, b, kNoValue, 0, uint8_t(c)); }
  Value icmpz(Cond c, Value a) { return emit(Op::icmpz, Type::i1, a, kNoValue, kNoValue, 0, uint8_t(c)); }
  // Vector op: lane = log2 bytes.
  Value vec(Op op, unsigned lane, Value a, Value b = kNoValue, Value c = kNoValue, uint64_t imm = 0) {
    return emit(op, Type::v128, a, b, c, imm, uint8_t(lane));
  }

  // --- memory
  // Pointer for [base + range.lo, + length); aux: GuardAux without kGuardSlow, which set_slow() adds.
  Value guard(Value base, GuardRange range, uint8_t aux);
  // An op over the file at `file`, Family::kExtended.
  Value f80(Op op, Type type, uint32_t file, uint8_t aux, Value a = kNoValue, Value b = kNoValue,
            Value c = kNoValue);
  void set_slow(bool slow) { slow_ = slow; }
  bool slow() const { return slow_; }
  void set_reuse(bool reuse) { reuse_ = reuse; }
  Value load(Type type, Value ptr, int64_t offset, uint8_t aux) {
    return emit(Op::load, type, ptr, kNoValue, kNoValue, static_cast<uint64_t>(offset), aux);
  }
  void store(Value ptr, int64_t offset, Value v, uint8_t aux) {
    emit(Op::store, Type::none, ptr, v, kNoValue, static_cast<uint64_t>(offset), aux);
  }
  // After the last store through a guard: writes a bounce buffer out (slow flavour only; else nothing).
  void commit(Value ptr);

  // --- leaving. Page offsets are bytes from the start of the page that holds the region.
  void exit_if(Value cond, int64_t target_offset);
  // return_address: of a call, where it returns to.
  void exit(int64_t target_offset, BranchKind branch = BranchKind::kJump, Value return_address = kNoValue);
  void exit_indirect(Value target, BranchKind branch, Value return_address = kNoValue);
  // To C++ with the pc of at(); argument may be kNoValue.
  void exit_engine(uint8_t reason, uint64_t imm, Value argument = kNoValue);
  // The same where cond holds. For what hardly ever happens: the fast path is one branch.
  void exit_engine_if(Value cond, uint8_t reason, uint64_t imm = 0);
  // Writes what the helper reads, forgets what it writes; and more where that makes shorter code.
  Value call(Type type, unsigned helper, Value a = kNoValue, Value b = kNoValue, Value c = kNoValue,
             Value d = kNoValue);

 private:
  Value append(const Inst& inst);
  // Whether base is a sum of which one term has an upper bound.
  bool split(Value base, BoundedAddress& parts);
  void flush(const SlotSet& slots);
  void forget(const SlotSet& slots);
  uint32_t take_snapshot();

  Region& r_;
  struct SlotState {
    Value value = kNoValue;
    bool dirty = false;
  };
  std::array<SlotState, SlotSet::kMaxSlots> slots_{};
  std::vector<Slot> dirty_;
  std::vector<Slot> known_;
  std::vector<Value> consts_;
  // Where a pure computation was made, by hash; an entry counts only if the instruction there is equal.
  std::array<Value, 64> computed_{};
  int32_t pc_offset_ = 0;
  uint32_t completed_ = 0;
  uint32_t last_snapshot_ = kNoSnapshot;
  bool snapshot_valid_ = false;
  bool slow_ = false;
  bool reuse_ = true;
  bool ended_ = false;
};

}  // namespace mynah::ir
