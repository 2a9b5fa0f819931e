// SPDX-License-Identifier: Apache-2.0
//
// Function numbers and results of DEN 0022, chapters 5 and 6; the 32- and the 64-bit form of a call differ in
// the width of their arguments only.
#include "machines/psci.h"

namespace mynah {

namespace {

enum Function : uint32_t {
  kPsciVersion = 0x84000000,
  kCpuSuspend32 = 0x84000001,
  kCpuOff = 0x84000002,
  kCpuOn32 = 0x84000003,
  kAffinityInfo32 = 0x84000004,
  kMigrateInfoType = 0x84000006,
  kSystemOff = 0x84000008,
  kSystemReset = 0x84000009,
  kPsciFeatures = 0x8400000a,
  kCpuSuspend64 = 0xc4000001,
  kCpuOn64 = 0xc4000003,
  kAffinityInfo64 = 0xc4000004,
  kSmcccVersion = 0x80000000,
};
enum Result : int64_t {
  kSuccess = 0,
  kNotSupported = -1,
  kInvalidParameters = -2,
  kAlreadyOn = -4,
  kInvalidAddress = -9,
};
enum AffinityInfo : int64_t { kAffinityOn = 0, kAffinityOff = 1 };
constexpr uint32_t kWide = 1 << 30;  // of a function: the 64-bit form

// CPU_SUSPEND's power_state in the original format, which PSCI_FEATURES announces: bits 31:26 and 23:17 are
// reserved, and there is no power level above the processor's own (bits 25:24).
constexpr uint32_t kPowerStateInvalid = 0xfffe0000;

bool supported(uint32_t function) {
  switch (function) {
    case kPsciVersion:
    case kCpuSuspend32:
    case kCpuSuspend64:
    case kCpuOff:
    case kCpuOn32:
    case kCpuOn64:
    case kAffinityInfo32:
    case kAffinityInfo64:
    case kMigrateInfoType:
    case kSystemOff:
    case kSystemReset:
    case kPsciFeatures:
    case kSmcccVersion:
      return true;
    default:
      return false;
  }
}

int64_t turn_on(PsciProcessors& processors, uint64_t affinity, uint64_t entry, uint64_t context) {
  const auto on = processors.is_on(affinity);
  if (!on) return kInvalidParameters;
  if (*on) return kAlreadyOn;
  if (entry % 4) return kInvalidAddress;  // a processor here begins in AArch64 state
  processors.turn_on(affinity, entry, context);
  return kSuccess;
}

}  // namespace

std::optional<AfterExit> psci_call(arm::ArmState& state, PsciProcessors& processors) {
  const auto function = static_cast<uint32_t>(state.x(0));
  // Bits that are no affinity field must be zero: there is no such processor.
  const bool wide = function & kWide;
  const uint64_t affinity = wide ? state.x(1) : static_cast<uint32_t>(state.x(1));
  int64_t result = kNotSupported;
  switch (function) {
    case kPsciVersion:
      result = 0x10001;
      break;
    case kSmcccVersion:
      result = 0x10001;
      break;
    case kPsciFeatures:
      result = supported(static_cast<uint32_t>(state.x(1))) ? kSuccess : kNotSupported;
      break;
    case kMigrateInfoType:
      result = 2;
      break;  // no trusted OS needs to migrate
    case kAffinityInfo32:
    case kAffinityInfo64:
      // The lowest level alone is asked for; higher ones are optional.
      if (static_cast<uint32_t>(state.x(2)) != 0)
        result = kInvalidParameters;
      else if (const auto on = processors.is_on(affinity))
        result = *on ? kAffinityOn : kAffinityOff;
      else
        result = kInvalidParameters;
      break;
    case kCpuOn32:
    case kCpuOn64:
      result = turn_on(processors, affinity, wide ? state.x(2) : static_cast<uint32_t>(state.x(2)),
                       wide ? state.x(3) : static_cast<uint32_t>(state.x(3)));
      break;
    case kCpuSuspend32:
    case kCpuSuspend64:
      if (static_cast<uint32_t>(state.x(1)) & kPowerStateInvalid) {
        result = kInvalidParameters;
        break;
      }
      state.x(0) = kSuccess;  // a standby state: as WFI
      return state.irq_pending || state.fiq_pending ? AfterExit::kContinue : AfterExit::kHalt;
    case kCpuOff:
      processors.turn_off();
      return AfterExit::kHalt;
    case kSystemOff:
      return AfterExit::kShutdown;
    case kSystemReset:
      return AfterExit::kReset;
    default:
      break;
  }
  state.x(0) = static_cast<uint64_t>(result);
  return AfterExit::kContinue;
}

}  // namespace mynah
