// SPDX-License-Identifier: Apache-2.0
//
// The models and their command-line properties. Names and properties are spelled as existing scripts spell
// them. The Cortex models have the identification values of those processors (their technical reference
// manuals), without what is not implemented here: AArch32, EL2, EL3, big-endian data, event counters.
#include "frontend/arm/cpu_models.h"

#include <algorithm>

#include "frontend/arm/id_registers.h"
#include "frontend/arm/pstate.h"
#include "frontend/arm/sysregs.h"
#include "frontend/arm/sysregs_fields.h"

namespace mynah::arm {
namespace {

using enum Feature;

constexpr FeatureSet kArmv80 = {kCrc32, kAes, kPmull, kSha1, kSha256, kPmu};

constexpr FeatureSet
    kMaximum = {kFp16,  kCrc32,  kLse,     kRdm, kDotProd, kRcpc, kRcpc2,  kFcma,      kJscvt,
                kFlagM, kFlagM2, kFrintts, kAes, kPmull,   kSha1, kSha256, kSha512,    kSha3,
                kPan,   kPan2,   kUao,     kDpb, kDpb2,    kBti,  kSb,     kSsbs,      kSsbs2,
                kDit,   kRng,    kPauth,   kHaf, kHafdbs,  kHpds, kTlbiOs, kTlbiRange, kGranule16k,
                kCsv2,  kCsv3,   kPmu,     kE0pd};  // with KASLR, Linux unmaps the kernel from user space
                                                    // (and pays for it) unless E0PD is there

CpuModel cortex(std::string name, uint64_t midr, uint32_t l2_ccsidr, unsigned pmu_identity) {
  CpuModel model;
  model.name = std::move(name);
  model.features = kArmv80;
  model.midr = midr;
  model.ctr = 0x8444c004;  // 64-byte lines, physically tagged; cache maintenance by the guest is required
  model.clidr = 0x0a200023;
  model.ccsidr = {0x701fe00a, 0x201fe012, l2_ccsidr};
  model.pmcr_identity = uint64_t{0x41} << 24 | uint64_t{pmu_identity} << 16;
  model.pa_bits = 44;
  model.mmfr0_base = 0x1000;  // SNSMem
  return model;
}

CpuModel cortex_a57() { return cortex("cortex-a57", 0x411fd070, 0x70ffe07a, 1); }
CpuModel cortex_a72() { return cortex("cortex-a72", 0x410fd083, 0x707fe07a, 2); }

CpuModel maximum() {
  CpuModel model = cortex("max", 0, 0x70ffe07a, 0);
  model.features = kMaximum;
  // Implementer 0 is reserved for software; the part number is this project's initial.
  model.midr = uint64_t{0xf} << 16 | uint64_t{'M'} << 4;
  model.pmcr_identity = 0;
  model.pa_bits = 48;
  model.mmfr0_base = 0;
  return model;
}

struct ModelRow {
  std::string_view name;
  CpuModel (*make)();
  bool has_pauth;
};
constexpr ModelRow kModels[] = {
    {"cortex-a57", cortex_a57, false},
    {"cortex-a72", cortex_a72, false},
    {"max", maximum, true},
};

struct PropertyRow {
  std::string_view name;
  bool pauth_only;
};
constexpr PropertyRow kProperties[] = {
    {"aarch64", false}, {"lpa2", false}, {"pauth", true}, {"pauth-impdef", true},
    {"pmu", false},     {"sme", false},  {"sve", false},
};

std::optional<bool> parse_switch(std::string_view word) {
  for (std::string_view yes : {"on", "yes", "true", "y"}) {
    if (word == yes) return true;
  }
  for (std::string_view no : {"off", "no", "false", "n"}) {
    if (word == no) return false;
  }
  return std::nullopt;
}

// Empty, or what is wrong.
CpuModelResult apply_property(CpuModel& model, const ModelRow& row, std::string_view word) {
  const size_t equals = word.find('=');
  const std::string_view name = word.substr(0, equals);
  std::vector<std::string_view> known;
  for (const PropertyRow& property : kProperties) {
    if (!property.pauth_only || row.has_pauth) known.push_back(property.name);
  }
  const std::string quoted = "CPU property '" + std::string(name) + "'";
  if (std::find(known.begin(), known.end(), name) == known.end()) {
    return {std::nullopt, quoted + " is not known for " + model.name, std::string(name), std::move(known)};
  }
  const std::optional<bool> on =
      equals == std::string_view::npos ? std::optional<bool>(true) : parse_switch(word.substr(equals + 1));
  if (!on) {
    return {std::nullopt, quoted + " takes on or off, not '" + std::string(word.substr(equals + 1)) + "'"};
  }
  if (name == "pmu") {
    *on ? model.features.add(kPmu) : model.features.remove(kPmu);
  } else if (name == "pauth") {
    *on ? model.features.add(kPauth) : model.features.remove(kPauth);
  } else if (name == "pauth-impdef") {
    if (!*on) {
      return {std::nullopt,
              quoted +
                  "=off asks for the QARMA5 algorithm, which is not implemented; leave the property out, "
                  "or use pauth=off"};
    }
  } else if (name == "aarch64") {
    if (!*on)
      return {std::nullopt, quoted +
                                "=off asks for an AArch32 processor, which this model is not; leave the "
                                "property out"};
  } else if (*on) {  // sve, sme, lpa2
    return {std::nullopt, quoted + " asks for an extension that is not implemented; leave it out or say " +
                              std::string(name) + "=off"};
  }
  return {};
}

}  // namespace

void CpuModel::set_feature(Feature feature, bool on) {
  on ? features.add(feature) : features.remove(feature);
  compute_id_registers(*this);
}

std::vector<std::string_view> cpu_model_names() {
  std::vector<std::string_view> names;
  for (const ModelRow& row : kModels) names.push_back(row.name);
  return names;
}

CpuModelResult make_cpu_model(std::string_view specification) {
  size_t comma = specification.find(',');
  const std::string_view name = specification.substr(0, comma);
  const auto row =
      std::find_if(std::begin(kModels), std::end(kModels), [&](const ModelRow& r) { return r.name == name; });
  if (row == std::end(kModels)) {
    const std::vector<std::string_view> names = cpu_model_names();
    return {std::nullopt, "CPU model '" + std::string(name) + "' is not known", std::string(name), names};
  }
  CpuModel model = row->make();
  while (comma != std::string_view::npos) {
    const size_t start = comma + 1;
    comma = specification.find(',', start);
    const std::string_view word =
        specification.substr(start, comma == std::string_view::npos ? comma : comma - start);
    CpuModelResult wrong = apply_property(model, *row, word);
    if (!wrong.error.empty()) return wrong;
  }
  compute_id_registers(model);
  return {std::move(model), {}};
}

void reset(ArmState& state, const CpuModel& model, const ResetConfig& config) {
  const uint32_t irq = state.irq_pending, fiq = state.fiq_pending;
  state.reset_words();
  state.irq_pending = irq;
  state.fiq_pending = fiq;
  state.el = 1;
  state.spsel = 1;
  state.daif = kDaifAll;
  state.exclusive_address = ~uint64_t{0};
  state.mpidr = bit(31) | (config.affinity & 0xff00ffffff);
  state.rvbar = config.reset_address;
  state.pa_bits = model.pa_bits;
  state.granule_16k = model.has(kGranule16k);
  state.sctlr = sctlr_res1(model) | sctlr::kNtwi | sctlr::kNtwe | sctlr::kSa | sctlr::kSa0 | sctlr::kSpan;
  state.oslsr = kOslsrOslm | kOslsrOslk;
  state.pmcr = pmcr::kLc;
  state.set_pc(config.reset_address);
}

}  // namespace mynah::arm
