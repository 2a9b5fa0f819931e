// SPDX-License-Identifier: Apache-2.0
//
// What the helpers may do to the slots of frontend/arm/slots.h. A region that is evaluated and verified holds
// them to it.
#include "frontend/arm/helpers.h"

#include <array>

#include "frontend/arm/slots.h"

namespace mynah::arm {

namespace {

using ir::HelperInfo;
using ir::SlotSet;

// What system instructions neither read nor write.
constexpr SlotSet kGeneral = SlotSet::range(kSlotX0, 31) | SlotSet::range(kSlotV0, 32) | SlotSet{kSlotPcPage};
constexpr SlotSet kSystem = SlotSet::range(0, kSlotCount) - kGeneral;
// Reading a counter lets everything happen that is due, and FPSR gathers what translated code left behind.
constexpr SlotSet kByReading = {kSlotPendingInterrupts, kSlotFpsr};
constexpr SlotSet kRandomNumberFlags = {kSlotNzcv};

constexpr auto kHelpers = [] {
  std::array<HelperInfo, static_cast<size_t>(Helper::kCount)> t{};
  const auto set = [&t](Helper h, const HelperInfo& info) { t[static_cast<size_t>(h)] = info; };
  set(Helper::kReadSysreg, {.name = "read_sysreg",
                            .reads = kSystem,
                            .writes = kByReading | kRandomNumberFlags,
                            .may_leave = true,
                            .safepoint = false});
  set(Helper::kReadOpen,
      {.name = "read_open", .reads = kSystem, .writes = kByReading, .may_leave = false, .safepoint = false});
  set(Helper::kWriteSysreg,
      {.name = "write_sysreg", .reads = kSystem, .writes = kSystem, .may_leave = true, .safepoint = true});
  set(Helper::kSys,
      {.name = "sys", .reads = kSystem, .writes = kByReading, .may_leave = true, .safepoint = true});
  set(Helper::kMsrImmediate,
      {.name = "msr_immediate", .reads = kSystem, .writes = kSystem, .may_leave = true, .safepoint = true});
  set(Helper::kSev, {.name = "sev", .reads = {}, .writes = {}, .may_leave = false, .safepoint = false});
  return t;
}();

}  // namespace

std::span<const HelperInfo> helper_table() { return kHelpers; }

}  // namespace mynah::arm
