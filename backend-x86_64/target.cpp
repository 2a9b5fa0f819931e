// SPDX-License-Identifier: Apache-2.0
//
// What the processor says of itself.
#include "backend-x86_64/target.h"

#include <asmjit/core.h>

namespace mynah::x86_64 {

namespace {

#if defined(__x86_64__)
// CF and OF behind a shift of a byte: left, right, or arithmetic right.
unsigned flags_of_shift(unsigned kind, uint8_t x, uint8_t count) {
  uint8_t carry, overflow;
  switch (kind) {
    case 0:
      asm("shlb %%cl, %0" : "+q"(x), "=@ccc"(carry), "=@cco"(overflow) : "c"(count));
      break;
    case 1:
      asm("shrb %%cl, %0" : "+q"(x), "=@ccc"(carry), "=@cco"(overflow) : "c"(count));
      break;
    default:
      asm("sarb %%cl, %0" : "+q"(x), "=@ccc"(carry), "=@cco"(overflow) : "c"(count));
  }
  return carry | overflow << 1;
}

bool shifts_by_ones() {
  for (unsigned kind = 0; kind < 3; ++kind)
    for (unsigned x = 0; x < 256; ++x) {
      auto step = static_cast<uint8_t>(x);
      for (uint8_t count = 1; count < 32; ++count) {
        const unsigned last = flags_of_shift(kind, step, 1);
        step = static_cast<uint8_t>(kind == 0   ? step << 1
                                    : kind == 1 ? step >> 1
                                                : static_cast<int8_t>(step) >> 1);
        if (flags_of_shift(kind, static_cast<uint8_t>(x), count) != last) return false;
      }
    }
  return true;
}
#else
bool shifts_by_ones() { return false; }
#endif

}  // namespace

const Features& host_features() {
  static const Features features = [] {
    const auto& f = asmjit::CpuInfo::host().features().x86();
    return Features{.bmi1 = f.hasBMI(),
                    .bmi2 = f.hasBMI2(),
                    .lzcnt = f.hasLZCNT(),
                    .popcnt = f.hasPOPCNT(),
                    .avx = f.hasAVX(),
                    .avx2 = f.hasAVX2(),
                    .fma = f.hasFMA(),
                    .f16c = f.hasF16C(),
                    .aes = f.hasAESNI(),
                    .pclmul = f.hasPCLMULQDQ(),
                    .sha = f.hasSHA(),
                    .gfni = f.hasGFNI(),
                    .shift_flags = shifts_by_ones()};
  }();
  return features;
}

}  // namespace mynah::x86_64
