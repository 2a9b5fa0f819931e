// SPDX-License-Identifier: Apache-2.0
//
// Arm's own processors, as their technical reference manuals identify them, and which of their features are
// here. What a guest reads is computed from the features (id_registers.cpp); the manual's values say what is
// left out.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "frontend/arm/cpu_models.h"

namespace mynah::arm {

// The identification registers of the real processor.
struct RealIdentity {
  uint64_t pfr0, pfr1, dfr0, isar0, isar1, mmfr0, mmfr1, mmfr2;
};

struct RealProcessor {
  std::string_view name;
  std::string_view compatible;  // in a device tree
  uint64_t midr, revidr, ctr, clidr;
  std::array<uint32_t, 3> ccsidr;  // in the format with 32 bits: FEAT_CCIDX is not here
  uint64_t pmcr_identity;
  uint8_t pa_bits;
  FeatureSet features;
  RealIdentity identity;
};

std::span<const RealProcessor> real_processors();
CpuModel make_real_model(const RealProcessor&);

// "AArch32, EL2, EL3": the processor's features that are not here.
std::string left_out(const RealProcessor&);

}  // namespace mynah::arm
