// SPDX-License-Identifier: Apache-2.0
//
// CpuModel: what a processor is: its name, its features by CPUID bit, and which instructions it so has.
// cpu_models.cpp has the models and reads what -cpu says.
#pragma once

#include <bitset>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "ir/result.h"

namespace mynah::x86 {

// A CPUID bit: name as -cpu and Linux spell it; where it is.
enum class Feature : uint8_t {
#define FEATURE(id, ...) k##id,
#include "frontend/x86/features.def"
#undef FEATURE
  kCount
};
struct FeatureInfo {
  std::string_view name;
  uint32_t leaf, subleaf;
  uint8_t reg;  // 0 EAX, 1 EBX, 2 ECX, 3 EDX
  uint8_t bit;
};
const FeatureInfo& info(Feature feature);

struct CpuModel {
  std::string name;
  std::string vendor;  // 12 letters
  std::string brand;   // at most 47
  uint32_t family = 6, model = 0, stepping = 0;
  uint32_t max_leaf = 0xd, max_extended_leaf = 0x80000008;
  unsigned physical_bits = 40, linear_bits = 48;
  std::bitset<static_cast<size_t>(Feature::kCount)> features;
  std::bitset<512> isa;  // by ZydisISASet: instructions it has

  bool has(Feature f) const { return features.test(static_cast<size_t>(f)); }
  bool has_isa(unsigned isa_set) const { return isa.test(isa_set); }
};

// What -cpu says: a model's name, and features to add and take away ("max,-avx2", "Haswell,aes=off").
Result<CpuModel> parse_cpu(std::string_view specification);
// What is wrong with that; all empty: nothing. Where a name is not known: it, and those that are, which the
// sentence leaves out.
struct WrongCpu {
  std::string sentence, unknown = {};
  std::vector<std::string_view> known = {};
};
WrongCpu check_cpu(std::string_view specification);
std::vector<std::string_view> cpu_model_names();
// Of a real processor's features, what is not here: "VMX, performance counters".
std::string cpu_left_out(std::string_view name);
// The CPUID bit that an instruction belongs to, for logs; empty: none.
std::string_view feature_of_isa(unsigned isa_set);

}  // namespace mynah::x86
