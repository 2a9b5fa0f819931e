// SPDX-License-Identifier: Apache-2.0
//
// What the helpers may do to the slots of frontend/x86/slots.h, and which function each is. A region that is
// evaluated and verified holds them to it.
#include "frontend/x86/helpers.h"

#include <array>

#include "frontend/x86/helpers_functions.h"
#include "frontend/x86/slots.h"
#include "frontend/x86/state.h"

namespace mynah::x86 {

namespace {

using ir::SlotSet;

constexpr SlotSet kAllSlots = SlotSet::range(0, kSlotCount);
constexpr SlotSet kNoSlots{};
constexpr SlotSet kStatus{kSlotFlags};
constexpr SlotSet kRaxRdx{slot_r(kRax), slot_r(kRdx)};
constexpr SlotSet kAxStatus{slot_r(kRax), kSlotFlags};
constexpr SlotSet kX87Slots =
    SlotSet::range(kSlotMm0, 16) | SlotSet{kSlotFsw, kSlotFcw, kSlotFtw, kSlotFpuTop, kSlotFpuStackFault};
constexpr SlotSet kX87RareReads = kX87Slots | SlotSet{kSlotPcPage, slot_base(kCs)};
constexpr SlotSet kVectors = SlotSet::range(kSlotXmm0, 32);
constexpr SlotSet kMxcsr{kSlotMxcsr};
constexpr SlotSet kStringRegisters{slot_r(kRcx), slot_r(kRsi), slot_r(kRdi)};
// They ask who accesses.
constexpr SlotSet kStringReads = kStringRegisters | SlotSet{kSlotEflags};
// Reading a clock lets everything happen that is due.
constexpr SlotSet kByTime{kSlotInterruptPending};
constexpr SlotSet kByMemory{kSlotInterruptPending};
constexpr SlotSet kSystemSlots{kSlotInterruptPending};
constexpr SlotSet kMsrSlots{kSlotInterruptPending, kSlotKernelGsBase, kSlotTscAux, slot_base(kFs),
                            slot_base(kGs)};
constexpr SlotSet kCpuidRegisters{slot_r(kRax), slot_r(kRbx), slot_r(kRcx), slot_r(kRdx)};
constexpr SlotSet kExtendedSlots = SlotSet::range(kSlotXmm0, kSlotMxcsr + 1 - kSlotXmm0) | SlotSet{kSlotPkru};
constexpr SlotSet kPortStrings = kStringRegisters | kByTime;

constexpr ir::HelperInfo kHelpers[] = {
#define HELPER(name, function, reads, writes, may_leave, safepoint) \
  {#name, reads, writes, may_leave, safepoint},
#include "frontend/x86/helpers.def"
#undef HELPER
};

constexpr HelperFunction* kFunctions[] = {
#define HELPER(name, function, ...) function,
#include "frontend/x86/helpers.def"
#undef HELPER
};

}  // namespace

std::span<const ir::HelperInfo> helper_table() { return kHelpers; }

bool call_helper(Helper helper, X86Cpu& cpu, const uint64_t args[4], uint64_t& result) {
  return kFunctions[static_cast<size_t>(helper)](cpu, args, result);
}

}  // namespace mynah::x86
