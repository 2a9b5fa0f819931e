// SPDX-License-Identifier: Apache-2.0
//
// Processor models: which architecture features a guest processor has, and what its identification registers
// say. A feature is listed once, with the ID register field that announces it (id_registers.cpp), so the
// decoder's gates and what the guest reads cannot disagree.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "frontend/arm/state.h"

namespace mynah::arm {

enum class Feature : uint8_t {
  kBase,  // Armv8.0: present in every model
  kFp16,
  kCrc32,
  kLse,
  kRdm,
  kDotProd,
  kRcpc,
  kRcpc2,  // LDAPUR, STLUR
  kFcma,
  kJscvt,
  kFlagM,
  kFlagM2,
  kFrintts,
  kAes,
  kPmull,
  kSha1,
  kSha256,
  kSha512,
  kSha3,
  kPan,
  kPan2,  // AT S1E1RP, AT S1E1WP
  kUao,
  kDpb,
  kDpb2,
  kBti,
  kSb,
  kSsbs,   // PSTATE.SSBS
  kSsbs2,  // MSR and MRS of SSBS
  kDit,
  kRng,
  kPauth,
  kHaf,     // hardware access flag
  kHafdbs,  // and dirty state
  kHpds,
  kTlbiOs,
  kTlbiRange,
  kGranule16k,
  kCsv2,
  kCsv2Context,  // SCXTNUM_ELx
  kCsv3,
  kPmu,
  kGicCpuInterface,  // ICC_* registers: the board has a GICv3
  kRas,
  kLor,
  kE0pd,
  kCount
};

class FeatureSet {
 public:
  constexpr FeatureSet() = default;
  constexpr FeatureSet(std::initializer_list<Feature> list) {
    for (Feature feature : list) add(feature);
  }
  constexpr bool has(Feature feature) const { return bits_ >> static_cast<unsigned>(feature) & 1; }
  constexpr void add(Feature feature) { bits_ |= uint64_t{1} << static_cast<unsigned>(feature); }
  constexpr void remove(Feature feature) { bits_ &= ~(uint64_t{1} << static_cast<unsigned>(feature)); }
  constexpr bool operator==(const FeatureSet&) const = default;

 private:
  uint64_t bits_ = 1;  // kBase
};

// "FEAT_LSE": the manual's name, for messages about instructions that a model does not have.
std::string_view feature_name(Feature);

struct CpuModel {
  std::string name;
  std::string compatible;  // in a device tree
  FeatureSet features;
  uint64_t midr = 0, revidr = 0, ctr = 0, clidr = 0;
  std::array<uint32_t, 3> ccsidr{};  // L1 data, L1 instruction, L2 unified
  uint64_t pmcr_identity = 0;        // IMP and IDCODE of PMCR_EL0
  uint8_t pa_bits = 48;
  uint8_t breakpoints = 6, watchpoints = 4, context_breakpoints = 2;
  uint64_t mmfr0_base = 0;  // fields of ID_AA64MMFR0_EL1 that no feature and no size above accounts for

  // Op0=3, op1=0, CRn=0: index CRm * 8 + op2. CRm=0 (MIDR, MPIDR, REVIDR) is not kept here.
  std::array<uint64_t, 64> id{};

  bool has(Feature feature) const { return features.has(feature); }
  // Switches one feature and recomputes the ID registers.
  void set_feature(Feature feature, bool on);
};

struct CpuModelResult {
  std::optional<CpuModel> model = std::nullopt;
  std::string error = {};  // a sentence that says what to do, when there is no model
  // Where the error is that a name is not known: the name, and those that are, which the sentence leaves out.
  std::string unknown = {};
  std::vector<std::string_view> known = {};
};

// Parses what -cpu takes: "max", "max,pauth-impdef=on", "cortex-a57,pmu=off".
CpuModelResult make_cpu_model(std::string_view specification);
std::vector<std::string_view> cpu_model_names();
// Of a real processor's features, what is not here: "AArch32, EL2".
std::string cpu_model_left_out(std::string_view name);

struct ResetConfig {
  uint64_t affinity = 0;       // Aff3..Aff0 as MPIDR_EL1 has them
  uint64_t reset_address = 0;  // RVBAR_EL1, and the first pc
};

// Warm reset into EL1 with everything masked. Registers that the manual leaves unknown are zero. input lines
// keep their level.
void reset(ArmState&, const CpuModel&, const ResetConfig&);

}  // namespace mynah::arm
