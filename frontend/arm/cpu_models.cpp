// SPDX-License-Identifier: Apache-2.0
//
// "max", and the command-line properties of all models (cpu_models_table.cpp has the real processors). Names
// and properties are spelled as existing scripts spell them.
#include "frontend/arm/cpu_models.h"

#include <algorithm>

#include "frontend/arm/cpu_models_table.h"
#include "frontend/arm/id_registers.h"
#include "frontend/arm/pstate.h"
#include "frontend/arm/sysregs.h"
#include "frontend/arm/sysregs_fields.h"

namespace mynah::arm {
namespace {

using enum Feature;

constexpr FeatureSet
    kMaximum = {kFp16,  kCrc32,  kLse,     kRdm, kDotProd, kRcpc, kRcpc2,  kFcma,      kJscvt,
                kFlagM, kFlagM2, kFrintts, kAes, kPmull,   kSha1, kSha256, kSha512,    kSha3,
                kPan,   kPan2,   kUao,     kDpb, kDpb2,    kBti,  kSb,     kSsbs,      kSsbs2,
                kDit,   kRng,    kPauth,   kHaf, kHafdbs,  kHpds, kTlbiOs, kTlbiRange, kGranule16k,
                kCsv2,  kCsv3,   kPmu,     kE0pd};  // with KASLR, Linux unmaps the kernel from user space
                                                    // (and pays for it) unless E0PD is there

CpuModel maximum() {
  CpuModel model;
  model.name = "max";
  model.compatible = "arm,armv8";
  model.features = kMaximum;
  // Implementer 0 is reserved for software; the part number is this project's initial.
  model.midr = uint64_t{0xf} << 16 | uint64_t{'M'} << 4;
  model.ctr = 0x8444c004;  // 64-byte lines, physically tagged; cache maintenance by the guest is required
  model.clidr = 0x0a200023;
  model.ccsidr = {0x701fe00a, 0x201fe012, 0x70ffe07a};
  return model;
}

// What a processor's property can be.
enum class PropertyKind : uint8_t {
  kFeature,    // a switch of its own
  kOnlyOff,    // asks for what is not implemented
  kOnlyOn,     // of what every model has
  kNoMeaning,  // is about hosts that run the guest themselves
  kSveLength,  // of SVE
};
struct PropertyRow {
  std::string_view name;
  PropertyKind kind;
  bool pauth_only = false;
};
constexpr PropertyRow kProperties[] = {
    {"aarch64", PropertyKind::kOnlyOn},
    {"pmu", PropertyKind::kFeature},
    {"pauth", PropertyKind::kFeature, true},
    {"pauth-impdef", PropertyKind::kFeature, true},
    {"neon", PropertyKind::kOnlyOn},
    {"vfp", PropertyKind::kOnlyOn},
    {"sve", PropertyKind::kOnlyOff},
    {"sme", PropertyKind::kOnlyOff},
    {"lpa2", PropertyKind::kOnlyOff},
    {"has_el2", PropertyKind::kOnlyOff},
    {"has_el3", PropertyKind::kOnlyOff},
    {"x-rme", PropertyKind::kOnlyOff},
    {"mte", PropertyKind::kOnlyOff},
    {"cfgend", PropertyKind::kOnlyOff},
    {"pauth-qarma3", PropertyKind::kOnlyOff},
    {"pauth-qarma5", PropertyKind::kOnlyOff},
    {"sve-max-vq", PropertyKind::kSveLength},
    {"kvm-no-adjvtime", PropertyKind::kNoMeaning},
    {"kvm-steal-time", PropertyKind::kNoMeaning},
    {"backcompat-cntfrq", PropertyKind::kNoMeaning},
};

// Names of processors that this is not, and why: what is missing.
struct MissingModel {
  std::string_view name, why;
};
constexpr MissingModel kMissing[] = {
    {"cortex-a7", "AArch32"},        {"cortex-a8", "AArch32"},
    {"cortex-a9", "AArch32"},        {"cortex-a15", "AArch32"},
    {"cortex-a32", "AArch32"},       {"arm926", "AArch32"},
    {"arm1136", "AArch32"},          {"arm1176", "AArch32"},
    {"cortex-m3", "M-profile"},      {"cortex-m4", "M-profile"},
    {"cortex-m33", "M-profile"},     {"cortex-r5", "AArch32"},
    {"cortex-r52", "AArch32"},       {"a64fx", "SVE"},
    {"cortex-a710", "SVE2 and MTE"}, {"neoverse-n2", "SVE2 and MTE"},
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
CpuModelResult apply_property(CpuModel& model, bool has_pauth, std::string_view word) {
  const size_t equals = word.find('=');
  const std::string_view name = word.substr(0, equals);
  std::vector<std::string_view> known;
  for (const PropertyRow& property : kProperties) {
    if (!property.pauth_only || has_pauth) known.push_back(property.name);
  }
  const std::string quoted = "CPU property '" + std::string(name) + "'";
  if (std::find(known.begin(), known.end(), name) == known.end()) {
    return {std::nullopt, quoted + " is not known for " + model.name, std::string(name), std::move(known)};
  }
  const std::string_view value = equals == std::string_view::npos ? "on" : word.substr(equals + 1);
  const PropertyKind kind =
      std::find_if(std::begin(kProperties), std::end(kProperties), [&](const PropertyRow& r) {
        return r.name == name;
      })->kind;
  if (kind == PropertyKind::kSveLength)
    return {std::nullopt, quoted + " is about SVE, which is not implemented; leave it out"};
  const std::optional<bool> on = parse_switch(value);
  if (!on) return {std::nullopt, quoted + " takes on or off, not '" + std::string(value) + "'"};
  if (kind == PropertyKind::kOnlyOff && *on)
    return {std::nullopt, quoted + " asks for an extension that is not implemented; leave it out or say " +
                              std::string(name) + "=off"};
  if (kind == PropertyKind::kOnlyOn && !*on)
    return {
        std::nullopt,
        quoted + (name == "aarch64" ? "=off asks for an AArch32 processor, which this model is not; leave "
                                      "the property out"
                                    : "=off asks for less than every model has; leave the property out")};
  if (name == "pmu") {
    *on ? model.features.add(kPmu) : model.features.remove(kPmu);
  } else if (name == "pauth") {
    *on ? model.features.add(kPauth) : model.features.remove(kPauth);
  } else if (name == "pauth-impdef" && !*on) {
    return {std::nullopt,
            quoted +
                "=off asks for the QARMA5 algorithm, which is not implemented; leave the property out, "
                "or use pauth=off"};
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
  for (const RealProcessor& real : real_processors()) names.push_back(real.name);
  names.push_back("max");
  return names;
}

std::string cpu_model_left_out(std::string_view name) {
  for (const RealProcessor& real : real_processors())
    if (real.name == name) return left_out(real);
  return "AArch32, EL2, EL3, SVE, SME, MTE";
}

CpuModelResult make_cpu_model(std::string_view specification) {
  size_t comma = specification.find(',');
  const std::string_view name = specification.substr(0, comma);
  const auto all = real_processors();
  const auto real = std::find_if(all.begin(), all.end(), [&](const auto& r) { return r.name == name; });
  if (real == all.end() && name != "max") {
    for (const MissingModel& missing : kMissing)
      if (missing.name == name)
        return {std::nullopt, "processor '" + std::string(name) + "' needs " + std::string(missing.why) +
                                  ", which is missing here; use another -cpu, such as max"};
    return {std::nullopt, "CPU model '" + std::string(name) + "' is not known", std::string(name),
            cpu_model_names()};
  }
  CpuModel model = real == all.end() ? maximum() : make_real_model(*real);
  const bool has_pauth = model.has(kPauth);
  while (comma != std::string_view::npos) {
    const size_t start = comma + 1;
    comma = specification.find(',', start);
    const std::string_view word =
        specification.substr(start, comma == std::string_view::npos ? comma : comma - start);
    CpuModelResult wrong = apply_property(model, has_pauth, word);
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
