// SPDX-License-Identifier: Apache-2.0
//
// The table of slots.h: type and offset of each. A slot's type is as wide as the field that it names in
// ArmState, and two slots never share bytes: the builder takes a slot for the only name of its memory.
#include "frontend/arm/slots.h"

#include <array>
#include <cstddef>

#include "frontend/arm/state.h"

namespace mynah::arm {

namespace {

using ir::Type;

constexpr const char* kXNames[] = {"x0",  "x1",  "x2",  "x3",  "x4",  "x5",  "x6",  "x7",
                                   "x8",  "x9",  "x10", "x11", "x12", "x13", "x14", "x15",
                                   "x16", "x17", "x18", "x19", "x20", "x21", "x22", "x23",
                                   "x24", "x25", "x26", "x27", "x28", "x29", "x30"};
constexpr const char* kVNames[] = {"v0",  "v1",  "v2",  "v3",  "v4",  "v5",  "v6",  "v7",
                                   "v8",  "v9",  "v10", "v11", "v12", "v13", "v14", "v15",
                                   "v16", "v17", "v18", "v19", "v20", "v21", "v22", "v23",
                                   "v24", "v25", "v26", "v27", "v28", "v29", "v30", "v31"};

constexpr auto make_table() {
  std::array<ir::SlotInfo, kSlotCount> t{};
  constexpr uint32_t hot = offsetof(ArmState, hot);
  t[kSlotPcPage] = {"pc_page", Type::i64, hot};
  t[kSlotNzcv] = {"nzcv", Type::flags, hot + 8};
  t[kSlotSp] = {"sp", Type::i64, hot + 16};
  for (unsigned i = 0; i < 31; ++i) t[kSlotX0 + i] = {kXNames[i], Type::i64, hot + 8u * kXPosition[i]};
  for (unsigned i = 0; i < 32; ++i)
    t[kSlotV0 + i] = {kVNames[i], Type::v128, uint32_t(offsetof(ArmState, v) + 16 * i)};
  t[kSlotSpEl0] = {"sp_el0", Type::i64, offsetof(ArmState, sp_bank)};
  t[kSlotTpidrEl0] = {"tpidr_el0", Type::i64, offsetof(ArmState, tpidr_el0)};
  t[kSlotTpidrroEl0] = {"tpidrro_el0", Type::i64, offsetof(ArmState, tpidrro_el0)};
  t[kSlotTpidrEl1] = {"tpidr_el1", Type::i64, offsetof(ArmState, tpidr_el1)};
  t[kSlotElr] = {"elr_el1", Type::i64, offsetof(ArmState, elr)};
  t[kSlotSpsr] = {"spsr_el1", Type::i64, offsetof(ArmState, spsr)};
  t[kSlotEsr] = {"esr_el1", Type::i64, offsetof(ArmState, esr)};
  t[kSlotFar] = {"far_el1", Type::i64, offsetof(ArmState, far)};
  t[kSlotTtbr0] = {"ttbr0_el1", Type::i64, offsetof(ArmState, ttbr0)};
  t[kSlotTtbr1] = {"ttbr1_el1", Type::i64, offsetof(ArmState, ttbr1)};
  t[kSlotContextidr] = {"contextidr_el1", Type::i64, offsetof(ArmState, contextidr)};
  t[kSlotExclusiveAddress] = {"exclusive_address", Type::i64, offsetof(ArmState, exclusive_address)};
  t[kSlotExclusiveLo] = {"exclusive_lo", Type::i64, offsetof(ArmState, exclusive_lo)};
  t[kSlotExclusiveHi] = {"exclusive_hi", Type::i64, offsetof(ArmState, exclusive_hi)};
  t[kSlotFpcr] = {"fpcr", Type::i32, offsetof(ArmState, fpcr)};
  t[kSlotFpsr] = {"fpsr", Type::i32, offsetof(ArmState, fpsr)};
  t[kSlotDaif] = {"daif", Type::i32, offsetof(ArmState, daif)};
  static_assert(offsetof(ArmState, irq_pending) % 8 == 0 &&
                offsetof(ArmState, fiq_pending) == offsetof(ArmState, irq_pending) + 4);
  t[kSlotPendingInterrupts] = {"pending_interrupts", Type::i64, offsetof(ArmState, irq_pending)};
  t[kSlotBtype] = {"btype", Type::i32, offsetof(ArmState, btype)};
  constexpr const char* kKeyNames[] = {"apiakeylo", "apiakeyhi", "apibkeylo", "apibkeyhi", "apdakeylo",
                                       "apdakeyhi", "apdbkeylo", "apdbkeyhi", "apgakeylo", "apgakeyhi"};
  static_assert(offsetof(ArmState, apga) == offsetof(ArmState, apia) + 4 * sizeof(PauthKey));
  for (unsigned i = 0; i < 10; ++i)
    t[kSlotApiaLo + i] = {kKeyNames[i], Type::i64, uint32_t(offsetof(ArmState, apia) + 8 * i)};
  return t;
}
constexpr auto kTable = make_table();

}  // namespace

std::span<const ir::SlotInfo> slot_table() { return kTable; }

}  // namespace mynah::arm
