// SPDX-License-Identifier: Apache-2.0
//
// Which architecture feature an instruction belongs to, so that a processor without it takes an Undefined
// Instruction exception. System registers and SYS operations have their own gates with the register
// definitions; hints never require anything.
#pragma once

#include <cstdint>
#include <optional>

#include "frontend/arm/a64/decode.h"
#include "frontend/arm/cpu_models.h"

namespace mynah::arm::a64 {

// The feature that defines the row (that defines this word, when it has two: FP16 for half precision FADD).
// Nothing when the instruction is part of Armv8.0 with FP and Advanced SIMD.
std::optional<Feature> required_feature(Encoding, uint32_t word);

// The first feature that the instruction needs and the set lacks. Nothing when the processor has the
// instruction.
std::optional<Feature> missing_feature(Encoding, uint32_t word, const FeatureSet&);
inline std::optional<Feature> missing_feature(Decoded d, const FeatureSet& set) {
  return missing_feature(d.encoding, d.word, set);
}

}  // namespace mynah::arm::a64
