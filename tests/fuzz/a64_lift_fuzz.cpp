// SPDX-License-Identifier: Apache-2.0
//
// The A64 decoder and lifter on any words, at every exception level: the input's first bytes say model and
// mode.
#include "frontend/arm/a64/frontend.h"
#include "frontend/arm/cpu_models.h"
#include "frontend/arm/mode.h"
#include "frontend/arm/pauth.h"
#include "frontend/arm/state.h"
#include "tests/fuzz/lift_fuzz.h"

using namespace mynah;

namespace {

const arm::CpuModel& model(unsigned n) {
  static const arm::CpuModel models[] = {*arm::make_cpu_model("max").model,
                                         *arm::make_cpu_model("cortex-a57").model,
                                         *arm::make_cpu_model("cortex-a76").model};
  return models[n % std::size(models)];
}

// Any bits that may be together; pointers are signed as some address sizes have it.
uint64_t mode_of(uint64_t bits) {
  using namespace arm;
  uint64_t mode = bits & 0x1fffffff & ~uint64_t{1 << 14};
  if (mode & kModeMmuOff) mode |= kModeAlignCheck;
  if (!(mode & kModeEl1)) mode &= ~uint64_t{kModeSpEl1};
  ArmState state{};
  constexpr uint64_t kTcr[] = {25 | 25 << 16, 16 | 16 << 16 | uint64_t{1} << 37,
                               25 | 16 << 16 | uint64_t{3} << 37};
  state.tcr = kTcr[(bits >> 40) % std::size(kTcr)];
  return mode | pauth_mode(state);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  fuzz::Input in(data, size);
  const arm::a64::A64Frontend frontend(model(in.u8()));
  fuzz::LiftRun run(frontend);
  run.run(in, mode_of(in.u64()), 4);
  return 0;
}
