// SPDX-License-Identifier: Apache-2.0
//
// The x86 decoder and lifter on any bytes, in every mode: the input's first bytes say model and mode.
#include "frontend/x86/cpu_model.h"
#include "frontend/x86/frontend.h"
#include "frontend/x86/mode.h"
#include "frontend/x86/state.h"
#include "tests/fuzz/lift_fuzz.h"

using namespace mynah;

namespace {

const x86::CpuModel& model(unsigned n) {
  static const x86::CpuModel models[] = {*x86::parse_cpu("max"), *x86::parse_cpu("486"),
                                         *x86::parse_cpu("core2duo"), *x86::parse_cpu("max,monitor=on")};
  return models[n % std::size(models)];
}

// Any bits that may be together: widths, real and virtual-8086 mode exclude one another.
uint64_t mode_of(uint64_t bits) {
  using namespace x86;
  constexpr uint64_t kWidths = kModeCode32 | kModeCode64 | kModeStack32 | kModeReal | kModeVm86 | kModeLong;
  uint64_t mode = bits & ~kWidths & (mode_full(kSegments) - 1);
  switch (bits & 7) {
    case 0:
      mode |= kModeReal | kModeIoOpen;
      break;
    case 1:
      mode |= kModeVm86 | uint64_t{3} << kModeCplShift;
      break;
    case 2:
      break;
    case 3:
      mode |= kModeStack32;
      break;
    case 4:
      mode |= kModeCode32 | kModeStack32;
      break;
    case 5:
      mode |= kModeCode32 | kModeStack32 | kModeLong;
      break;
    default:
      mode |= kModeCode64 | kModeLong;
      break;
  }
  // A flat segment is a full one.
  for (unsigned n = 0; n < kFs; ++n)
    if (!(mode & mode_full(n))) mode &= ~mode_flat(n);
  if (mode & kModeReal) mode &= ~(uint64_t{3} << kModeCplShift);
  return mode;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  fuzz::Input in(data, size);
  const x86::X86Frontend frontend(model(in.u8()));
  fuzz::LiftRun run(frontend);
  run.run(in, mode_of(in.u64()), 1);
  return 0;
}
