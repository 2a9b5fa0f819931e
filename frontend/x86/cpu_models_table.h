// SPDX-License-Identifier: Apache-2.0
//
// Models of real and conventional processors, by what each has beyond an older one.
#pragma once

#include <bitset>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string_view>
#include <vector>

#include "frontend/x86/cpu_model.h"

namespace mynah::x86 {

struct NamedModel {
  std::string_view name;
  std::string_view beyond;  // has all that this one has; empty: nothing
  std::string_view vendor, brand;
  uint32_t family, model, stepping;
  uint32_t max_leaf, max_extended_leaf;
  unsigned physical_bits;
  std::vector<Feature> has, lacks;
  std::string_view left_out;  // of the real one, for help
};
std::span<const NamedModel> named_models();

// The instruction sets that a model has by its features (cpu_isa.cpp).
std::bitset<512> isa_of(const CpuModel& model);

}  // namespace mynah::x86
