// SPDX-License-Identifier: Apache-2.0
//
// Flags are made of what the state still has, so they come before everything else.
#include "ir/saved.h"

#include <cstring>

#include "ir/eval.h"

namespace mynah::ir {

namespace {

class Writer {
 public:
  Writer(std::span<const SlotInfo> slots, const HostRegisters& registers, uint8_t* state)
      : slots_(slots), registers_(registers), state_(state) {}

  void write(std::span<const SavedSlot> saved) {
    for (size_t i = 0; i < saved.size(); ++i)
      if (is_made(saved[i].at)) {
        const FlagsMade made = flags_made(saved[i].at);
        put(saved[i].slot, {make(made, saved.subspan(i + 1, made.operands)), 0});
        i += made.operands;
      }
    for (size_t i = 0; i < saved.size(); ++i) {
      if (is_made(saved[i].at))
        i += flags_made(saved[i].at).operands;
      else
        put(saved[i].slot, value(saved[i].at, bytes(slots_[saved[i].slot].type)));
    }
  }

 private:
  void put(Slot slot, const V128& v) {
    std::memcpy(state_ + slots_[slot].offset, &v, bytes(slots_[slot].type));
  }

  V128 value(const Location& at, unsigned n) const {
    switch (at.kind) {
      case Location::Kind::kConst:
        return {at.imm, at.imm_hi};
      case Location::Kind::kSpill:
        if (at.spill >= kSpillSlots) {
          const SlotInfo& slot = slots_[at.spill - kSpillSlots];
          V128 v;
          std::memcpy(&v, state_ + slot.offset, bytes(slot.type));
          return v;
        }
        return {registers_.spill[at.spill], n > 8 ? registers_.spill[at.spill + 1u] : 0};
      case Location::Kind::kVec:
        return {registers_.vec[at.index][0], registers_.vec[at.index][1]};
      default:
        return {registers_.gpr[at.index], 0};
    }
  }

  uint64_t make(const FlagsMade& made, std::span<const SavedSlot> operands) const {
    const uint64_t mask = made.type == Type::i64 ? ~uint64_t{0} : 0xffffffff;
    V128 args[2];
    for (size_t i = 0; i < operands.size(); ++i) args[i] = {value(operands[i].at, 8).lo & mask, 0};
    const bool steps = made.op == Op::fl_inc || made.op == Op::fl_dec;
    if (made.undo) {
      const bool adds = made.op == Op::fl_add || made.op == Op::fl_inc;
      const uint64_t second = steps ? 1 : args[1].lo;
      args[0].lo = (adds ? args[0].lo - second : args[0].lo + second) & mask;
    }
    const Type types[2] = {made.type, steps ? Type::flags : made.type};
    uint32_t sticky = 0;
    return evaluate_op({made.op, Type::flags, made.aux, 0, args, types}, FpMode{}, sticky).lo;
  }

  std::span<const SlotInfo> slots_;
  const HostRegisters& registers_;
  uint8_t* state_;
};

}  // namespace

void write_saved(std::span<const SavedSlot> saved, std::span<const SlotInfo> slots,
                 const HostRegisters& registers, uint8_t* state) {
  Writer(slots, registers, state).write(saved);
}

}  // namespace mynah::ir
