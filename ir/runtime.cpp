// SPDX-License-Identifier: Apache-2.0
#include "ir/runtime.h"

#include <cstring>
#include <new>

namespace mynah::ir {

ReturnEntry* make_return_stack(uint8_t* memory) {
  auto* const end = reinterpret_cast<ReturnEntry*>(memory + kReturnStackBytes) - 1;
  *end = {};
  return end;
}

Runtime* new_runtime(size_t state_size) {
  const size_t size = sizeof(Runtime) + state_size;
  void* memory = ::operator new (size, std::align_val_t{64});
  std::memset(memory, 0, size);
  auto* runtime = static_cast<Runtime*>(memory);
#if defined(__x86_64__)
  runtime->guest_fp_control = 0x1f80;  // every exception masked, round to nearest even
  runtime->host_fp_control = 0x1f80;
#endif
  return runtime;
}

void delete_runtime(Runtime* runtime) { ::operator delete (runtime, std::align_val_t{64}); }

#if defined(__x86_64__)
// MXCSR: IE 0, DE 1, ZE 2, OE 3, UE 4, PE 5. A subnormal operand alone (DE) is no guest event here.
uint32_t fp_flags(const Runtime& runtime) {
  const uint32_t mxcsr = runtime.guest_fp_control;
  return runtime.fp_sticky | (mxcsr & 1) | (mxcsr >> 1 & 0x1e);
}

void set_fp_flags(Runtime& runtime, uint32_t flags) {
  runtime.guest_fp_control &= ~0x3fu;
  runtime.fp_sticky = flags;
}

void set_fp_round(Runtime& runtime, uint8_t round) {
  static constexpr uint32_t kControl[] = {0, 2, 1, 3};  // MXCSR.RC: nearest, down, up, zero
  runtime.guest_fp_control = (runtime.guest_fp_control & ~0x6000u) | kControl[round & 3] << 13;
}
#else
// FPSR has the flags where softfloat has them; only the mode lives in guest_fp_control (FPCR).
uint32_t fp_flags(const Runtime& runtime) { return runtime.fp_sticky; }
void set_fp_flags(Runtime& runtime, uint32_t flags) { runtime.fp_sticky = flags; }
void set_fp_round(Runtime& runtime, uint8_t round) {
  runtime.guest_fp_control = (runtime.guest_fp_control & ~(3u << 22)) | uint32_t{round & 3u} << 22;
}
#endif

}  // namespace mynah::ir
