// SPDX-License-Identifier: Apache-2.0
//
// What the processor says of itself.
#include "backend-x86_64/target.h"

#include <asmjit/core.h>

namespace mynah::x86_64 {

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
                    .gfni = f.hasGFNI()};
  }();
  return features;
}

}  // namespace mynah::x86_64
