// SPDX-License-Identifier: Apache-2.0
//
// The guest's floating-point environment in MXCSR (Intel SDM volume 1, 10.2.3).
#include "backend-x86_64/frame.h"

#include <new>

namespace mynah::x86_64 {

namespace {

constexpr uint32_t kMasked = 0x1f80;  // every exception masked, round to nearest even
constexpr uint32_t kFlags = 0x3f, kDenormalsZero = 1 << 6, kRoundShift = 13, kFlushZero = 1 << 15;

// IE 0, DE 1, ZE 2, OE 3, UE 4, PE 5. A subnormal operand alone (DE) is an x86 guest's event only.
uint32_t flags(const ir::Runtime& runtime) {
  const uint32_t mxcsr = host_frame(runtime).guest_mxcsr;
  return (mxcsr & 1) | (mxcsr >> 1 & 0x1e) | (runtime.fp_mode.x86_nans ? (mxcsr & 2) << 6 : 0);
}
void clear_flags(ir::Runtime& runtime) { host_frame(runtime).guest_mxcsr &= ~kFlags; }
void set_mode(ir::Runtime& runtime, const ir::FpMode& mode) {
  static constexpr uint32_t kControl[] = {0, 2, 1, 3};  // RC: nearest, down, up, zero
  uint32_t& mxcsr = host_frame(runtime).guest_mxcsr;
  mxcsr = (mxcsr & kFlags) | kMasked | kControl[mode.round & 3] << kRoundShift;
  if (mode.x86_nans && mode.flush) mxcsr |= kFlushZero;
  if (mode.x86_nans && mode.denormals_zero) mxcsr |= kDenormalsZero;
}
constexpr ir::HostFloat kHostFloat = {flags, clear_flags, set_mode};

}  // namespace

void prepare_frame(ir::Runtime& runtime) {
  new (runtime.backend) HostFrame{.guest_mxcsr = kMasked, .host_mxcsr = kMasked, .stack = nullptr};
  runtime.host_float = &kHostFloat;
}

}  // namespace mynah::x86_64
