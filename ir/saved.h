// SPDX-License-Identifier: Apache-2.0
//
// What a site has saved, read back: the guest's state as its snapshot has it.
//
// Two places go beyond what ir::Location says of itself. A kSpill from kSpillSlots on is a state slot, which
// memory still has as it was. A kFlags of kMadeFlags is in no register: `imm` says how it is made of the
// saved places that follow it, which are of the same slot and nothing by themselves.
#pragma once

#include "ir/backend.h"

namespace mynah::ir {

constexpr uint8_t kMadeFlags = 0xff;  // Location::index

// A flags group that no register has: `op` of as many operands. With `undo` the first of them is the result
// of the addition or subtraction itself.
struct FlagsMade {
  Op op;
  Type type;  // of the operands
  uint8_t aux;
  bool undo;
  uint8_t operands;
};
constexpr bool is_made(const Location& at) {
  return at.kind == Location::Kind::kFlags && at.index == kMadeFlags;
}
constexpr Location pack_made(const FlagsMade& f) {
  return {.kind = Location::Kind::kFlags,
          .index = kMadeFlags,
          .imm = static_cast<uint64_t>(f.op) | uint64_t{f.aux} << 16 | static_cast<uint64_t>(f.type) << 24 |
                 uint64_t{f.operands} << 32 | uint64_t{f.undo} << 40};
}
constexpr FlagsMade flags_made(const Location& at) {
  return {static_cast<Op>(at.imm & 0xffff), static_cast<Type>(at.imm >> 24 & 0xff),
          static_cast<uint8_t>(at.imm >> 16), (at.imm >> 40 & 1) != 0, static_cast<uint8_t>(at.imm >> 32)};
}
constexpr Location state_place(Slot slot) {
  return {.kind = Location::Kind::kSpill, .spill = static_cast<uint16_t>(kSpillSlots + slot)};
}

// Writes it to the state: registers as the thunk found them.
void write_saved(std::span<const SavedSlot> saved, std::span<const SlotInfo> slots,
                 const HostRegisters& registers, uint8_t* state);

}  // namespace mynah::ir
