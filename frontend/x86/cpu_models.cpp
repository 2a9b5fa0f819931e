// SPDX-License-Identifier: Apache-2.0
//
// `max`, and what -cpu adds to and takes from a model. Which instructions a processor has follows from its
// features (cpu_isa.cpp).
#include <algorithm>
#include <charconv>
#include <optional>

#include "frontend/x86/cpu_models_table.h"

namespace mynah::x86 {

namespace {

using enum Feature;

constexpr size_t kFeatures = static_cast<size_t>(kCount);

constexpr FeatureInfo kInfo[] = {
#define FEATURE(id, name, leaf, subleaf, reg, bit) {name, leaf, subleaf, reg, bit},
#include "frontend/x86/features.def"
#undef FEATURE
};

// What is without meaning unless the second is there, and goes with it.
struct Needs {
  Feature feature, needs;
};
constexpr Needs kNeeds[] = {
    {kSse, kFxsr},
    {kSse2, kSse},
    {kSse3, kSse2},
    {kSsse3, kSse3},
    {kSse41, kSsse3},
    {kSse42, kSse41},
    {kAes, kSse2},
    {kPclmulqdq, kSse2},
    {kSha, kSse41},
    {kGfni, kSse2},
    {kXsaveopt, kXsave},
    {kXsavec, kXsave},
    {kXgetbv1, kXsave},
    {kXsaves, kXsavec},
    {kAvx, kXsave},
    {kAvx, kSse42},
    {kAvx2, kAvx},
    {kFma, kAvx},
    {kF16c, kAvx},
    {kVaes, kAvx},
    {kVaes, kAes},
    {kVpclmulqdq, kAvx},
    {kVpclmulqdq, kPclmulqdq},
    {kPku, kXsave},
    {kX2apic, kApic},
    {kTscDeadline, kApic},
    {kLa57, kLm},
    {kPcid, kLm},
    {kLm, kPae},
    {kSyscall, kMsr},
    {kNx, kPae},
    {kInvtsc, kTsc},
    {kTscDeadline, kTsc},
    {kStibp, kSpecCtrl},
    {kSsbd, kSpecCtrl},
    {kBhiCtrl, kSpecCtrl},
};

struct Alias {
  std::string_view alias, name;
};
constexpr Alias kAliases[] = {
    {"pni", "sse3"},
    {"cx8", "cx8"},
    {"sysenter", "sep"},
    {"lzcnt", "abm"},
    {"i64", "lm"},
    {"xd", "nx"},
    {"sha", "sha-ni"},
    {"fsrm", "fsrm"},
    {"lahf", "lahf-lm"},
    {"tsc-deadline-timer", "tsc-deadline"},
    {"pclmuldq", "pclmulqdq"},
    {"clfsh", "clflush"},
};

// Features that people name and that are not implemented: to be without them is no wish that fails.
constexpr std::string_view kMissing[] = {
    "vmx",
    "svm",
    "npt",
    "nrip-save",
    "hle",
    "rtm",
    "mpx",
    "3dnow",
    "3dnowext",
    "mmxext",
    "sse4a",
    "misalignsse",
    "xop",
    "fma4",
    "tbm",
    "lwp",
    "pmu",
    "pdcm",
    "ds",
    "ds-cpl",
    "dtes64",
    "acpi",
    "tm",
    "tm2",
    "pbe",
    "est",
    "smx",
    "xtpr",
    "dca",
    "cid",
    "osxsave",
    "ospke",
    "avx512f",
    "avx512dq",
    "avx512ifma",
    "avx512pf",
    "avx512er",
    "avx512cd",
    "avx512bw",
    "avx512vl",
    "avx512vbmi",
    "avx512vbmi2",
    "avx512-vbmi2",
    "avx512-vnni",
    "avx512vnni",
    "avx512bitalg",
    "avx512-bitalg",
    "avx512-vpopcntdq",
    "avx512-fp16",
    "avx512-bf16",
    "avx512-4vnniw",
    "avx512-4fmaps",
    "avx512-vp2intersect",
    "amx-tile",
    "amx-int8",
    "amx-bf16",
    "avx-vnni",
    "avx-ifma",
    "movdiri",
    "movdir64b",
    "cldemote",
    "waitpkg",
    "pks",
    "intel-pt",
    "hwp",
    "fxsr-opt",
    "fxsropt",
    "ffxsr",
    "cmp-legacy",
    "extapic",
    "cr8legacy",
    "osvw",
    "ibs",
    "skinit",
    "wdt",
    "topoext",
    "perfctr-core",
    "perfctr-nb",
    "ibpb",
    "ibrs",
    "amd-ssbd",
    "amd-stibp",
    "virt-ssbd",
    "amd-no-ssb",
    "md-clear",
    "core-capability",
    "split-lock-detect",
    "wbnoinvd",
    "clzero",
    "xsaveerptr",
    "rdctl-no",
    "ibrs-all",
    "rsba",
    "skip-l1dfl-vmentry",
    "ssb-no",
    "mds-no",
    "pschange-mc-no",
    "taa-no",
    "tsx-ctrl",
    "bus-lock-detect",
    "fzrm",
    "fsrs",
    "fsrc",
    "cmpccxadd",
    "pn",
    "ia64",
    "pclmulqdq-x",
    "mp",
    "sgx",
    "xfd",
    "arch-lbr",
};
// Properties without a meaning here: they are about hosts that run the guest themselves.
constexpr std::string_view kNoMeaning[] = {
    "check",
    "enforce",
    "migratable",
    "kvm",
    "host-phys-bits",
    "host-phys-bits-limit",
    "l3-cache",
    "cpuid-0xb",
    "full-cpuid-auto-level",
    "fill-mtrr-mask",
    "host-cache-info",
    "tcg-cpuid",
    "vmware-cpuid-freq",
    "pmu",
    "legacy-cache",
};

std::string normal(std::string_view name) {
  std::string to(name);
  for (char& c : to) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    if (c == '_' || c == '.') c = '-';
  }
  return to;
}

std::optional<Feature> find_feature(std::string_view spelled) {
  std::string name = normal(spelled);
  for (const Alias& a : kAliases)
    if (a.alias == name) name = a.name;
  for (size_t i = 0; i < kFeatures; ++i)
    if (kInfo[i].name == name) return static_cast<Feature>(i);
  return std::nullopt;
}

void set(CpuModel& model, Feature feature, bool on) { model.features.set(static_cast<size_t>(feature), on); }

CpuModel maximum() {
  CpuModel model;
  model.name = "max";
  // A current processor's, since systems choose by it: what this vendor's later ones say of themselves in
  // IA32_ARCH_CAPABILITIES is all true of an emulator that executes nothing ahead of time, and systems then
  // do without the remedies that cost most. Some of Linux mistrust BHI_NO, and clear the history of branches
  // by a loop at each entry unless IA32_SPEC_CTRL has a bit for it: hence bhi-ctrl. Its model number is
  // nobody's: programs that GCC made for several processors take a real one's word for instructions that are
  // not here (AVX-512), whatever the features say.
  model.vendor = "GenuineIntel";
  model.brand = "Mynah x86-64 processor";
  model.family = 6;
  model.model = 255;
  model.stepping = 0;
  model.max_leaf = 0x16;
  model.linear_bits = 48;
  model.features.set();
  set(model, kMonitor, false);
  return model;
}

CpuModel make_named(const NamedModel& named) {
  CpuModel model;
  if (!named.beyond.empty()) {
    const auto all = named_models();
    model = make_named(*std::ranges::find(all, named.beyond, &NamedModel::name));
  }
  model.name = named.name;
  model.vendor = named.vendor;
  model.brand = named.brand;
  model.family = named.family;
  model.model = named.model;
  model.stepping = named.stepping;
  model.max_leaf = named.max_leaf;
  model.max_extended_leaf = named.max_extended_leaf;
  model.physical_bits = named.physical_bits;
  for (const Feature f : named.has) set(model, f, true);
  for (const Feature f : named.lacks) set(model, f, false);
  return model;
}

// Takes away what lost its ground, and derives the rest.
void complete(CpuModel& model) {
  for (bool changed = true; changed;) {
    changed = false;
    for (const Needs& n : kNeeds)
      if (model.has(n.feature) && !model.has(n.needs)) {
        set(model, n.feature, false);
        changed = true;
      }
  }
  if (!model.has(kLm) && model.max_extended_leaf >= 0x80000008 && !model.has(kNx) && model.brand.empty())
    model.max_extended_leaf = 0;
  for (size_t i = 0; i < kFeatures; ++i) {
    if (!model.features.test(i)) continue;
    const uint32_t leaf = kInfo[i].leaf;
    uint32_t& most = leaf >= 0x80000000 ? model.max_extended_leaf : model.max_leaf;
    most = std::max(most, leaf);
  }
  model.linear_bits = model.has(kLa57) ? 57 : model.has(kLm) ? 48 : 32;
  if (!model.has(kLm))
    model.physical_bits = std::min(model.physical_bits, model.has(kPae) || model.has(kPse36) ? 36u : 32u);
  model.isa = isa_of(model);
}

std::optional<bool> parse_switch(std::string_view word) {
  for (const std::string_view yes : {"on", "yes", "true", "y", ""})
    if (word == yes) return true;
  for (const std::string_view no : {"off", "no", "false", "n"})
    if (word == no) return false;
  return std::nullopt;
}

std::optional<uint32_t> parse_number(std::string_view word) {
  uint32_t value = 0;
  const bool hex = word.starts_with("0x");
  if (hex) word.remove_prefix(2);
  const auto [end, failed] = std::from_chars(word.data(), word.data() + word.size(), value, hex ? 16 : 10);
  if (failed != std::errc() || end != word.data() + word.size()) return std::nullopt;
  return value;
}

struct Number {
  std::string_view name;
  uint32_t CpuModel::*field;
  uint32_t least, most;
};
constexpr Number kNumbers[] = {
    {"family", &CpuModel::family, 3, 0xff + 0xf},
    {"model", &CpuModel::model, 0, 0xff},
    {"stepping", &CpuModel::stepping, 0, 0xf},
    {"level", &CpuModel::max_leaf, 1, 0x20},
    {"min-level", &CpuModel::max_leaf, 0, 0x20},
    {"xlevel", &CpuModel::max_extended_leaf, 0, 0x8000001f},
    {"min-xlevel", &CpuModel::max_extended_leaf, 0, 0x8000001f},
};

WrongCpu apply(CpuModel& model, std::string_view word) {
  std::optional<bool> on;
  std::string_view name = word, value;
  if (word.starts_with('+') || word.starts_with('-')) {
    on = word[0] == '+';
    name.remove_prefix(1);
  } else {
    const size_t equals = word.find('=');
    name = word.substr(0, equals);
    if (equals != std::string_view::npos) value = word.substr(equals + 1);
    on = parse_switch(value);
  }
  const auto quoted = [&] { return "CPU property '" + std::string(name) + "'"; };
  const auto feature = find_feature(name);
  if (feature) {
    if (!on) return {quoted() + " takes on or off, not '" + std::string(value) + "'"};
    set(model, *feature, *on);
    return {};
  }
  const std::string plain = normal(name);
  for (const Number& n : kNumbers) {
    if (n.name != plain) continue;
    const auto number = parse_number(value);
    if (!number || *number < n.least || *number > n.most)
      return {
          error("{} takes a number from {:#x} to {:#x}, not '{}'", quoted(), n.least, n.most, value).message};
    model.*n.field = *number;
    return {};
  }
  if (plain == "phys-bits") {
    const auto number = parse_number(value);
    if (!number || *number < 32 || *number > 52)
      return {error("{} takes a number from 32 to 52, not '{}'", quoted(), value).message};
    model.physical_bits = *number;
    return {};
  }
  if (plain == "vendor") {
    if (value.size() != 12) return {quoted() + " takes twelve letters, as GenuineIntel or AuthenticAMD"};
    model.vendor = value;
    return {};
  }
  if (plain == "model-id") {
    model.brand = std::string(value.substr(0, 47));
    return {};
  }
  if (std::ranges::find(kNoMeaning, plain) != std::end(kNoMeaning) || plain.starts_with("hv-")) return {};
  if (std::ranges::find(kMissing, plain) != std::end(kMissing)) {
    if (on && !*on) return {};
    return {quoted() + " asks for an extension that is not implemented; leave it out"};
  }
  WrongCpu wrong{quoted() + " is not known", std::string(name), {}};
  for (const FeatureInfo& f : kInfo) wrong.known.push_back(f.name);
  for (const Number& n : kNumbers) wrong.known.push_back(n.name);
  for (const std::string_view more : {"vendor", "model-id", "phys-bits"}) wrong.known.push_back(more);
  return wrong;
}

// Empty, or what is wrong. Switches with "+" and "-" count after all others, whatever their order.
WrongCpu parse(std::string_view specification, CpuModel& model) {
  size_t comma = specification.find(',');
  const std::string_view name = specification.substr(0, comma);
  const auto all = named_models();
  const auto named =
      std::ranges::find_if(all, [&](const NamedModel& m) { return normal(m.name) == normal(name); });
  if (named != all.end())
    model = make_named(*named);
  else if (name == "max" || name == "host")
    model = maximum();
  else
    return {"CPU model '" + std::string(name) + "' is not known", std::string(name), cpu_model_names()};
  std::vector<std::string_view> words, signs;
  while (comma != std::string_view::npos) {
    const size_t start = comma + 1;
    comma = specification.find(',', start);
    const std::string_view word =
        specification.substr(start, comma == std::string_view::npos ? comma : comma - start);
    if (word.empty()) continue;
    (word[0] == '+' || word[0] == '-' ? signs : words).push_back(word);
  }
  words.insert(words.end(), signs.begin(), signs.end());
  for (const std::string_view word : words)
    if (WrongCpu wrong = apply(model, word); !wrong.sentence.empty()) return wrong;
  complete(model);
  return {};
}

}  // namespace

const FeatureInfo& info(Feature feature) { return kInfo[static_cast<size_t>(feature)]; }

Result<CpuModel> parse_cpu(std::string_view specification) {
  CpuModel model;
  WrongCpu wrong = parse(specification, model);
  if (wrong.sentence.empty()) return model;
  if (!wrong.known.empty()) wrong.sentence += "; -cpu help lists those that are";
  return Error{std::move(wrong.sentence)};
}

WrongCpu check_cpu(std::string_view specification) {
  CpuModel model;
  return parse(specification, model);
}

std::vector<std::string_view> cpu_model_names() {
  std::vector<std::string_view> names;
  for (const NamedModel& m : named_models()) names.push_back(m.name);
  names.push_back("max");
  names.push_back("host");
  return names;
}

std::string cpu_left_out(std::string_view name) {
  for (const NamedModel& m : named_models())
    if (m.name == name) return std::string(m.left_out);
  return "VMX, SVM, SMM, AVX-512, AMX, performance counters";
}

}  // namespace mynah::x86
