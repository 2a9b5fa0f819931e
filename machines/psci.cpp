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
enum Result : int64_t { kSuccess = 0, kNotSupported = -1, kInvalidParameters = -2, kAlreadyOn = -4 };

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

}  // namespace

std::optional<AfterExit> psci_call(arm::ArmState& state, bool) {
  const auto function = static_cast<uint32_t>(state.x(0));
  const uint64_t affinity = state.x(1) & 0xff00ffffff;
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
      result = affinity == 0 ? 0 : kInvalidParameters;
      break;
    case kCpuOn32:
    case kCpuOn64:
      result = affinity == 0 ? kAlreadyOn : kInvalidParameters;
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
      return AfterExit::kHalt;  // the only processor: nothing turns it on again
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
