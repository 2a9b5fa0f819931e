// SPDX-License-Identifier: Apache-2.0
//
// -accel and its other spellings. Scripts ask for what runs the guest on the host's own processor; here it is
// always translated (or interpreted), on any host, and one line says so.
#include <fmt/format.h>

#include <algorithm>

#include "app/options_parser.h"
#include "app/text.h"

namespace mynah::app {
namespace {

struct HostAccelerator {
  std::string_view name, title;
};
constexpr HostAccelerator kHostAccelerators[] = {
    {"kvm", "KVM"}, {"hvf", "HVF"}, {"whpx", "WHPX"}, {"nvmm", "NVMM"}, {"xen", "Xen"}, {"hax", "HAXM"},
};

std::string set_one_accelerator(Options& to, const std::string& value) {
  for (const HostAccelerator& host : kHostAccelerators)
    if (host.name == value) {
      to.host_accelerator = host.title;
      return {};
    }
  if (value == "jit" || value == "tcg") {
    to.accelerator = Accelerator::kJit;
  } else if (value == "interp") {
    to.accelerator = Accelerator::kInterp;
  } else {
    static constexpr std::string_view kKnown[] = {"jit", "interp", "tcg", "kvm", "hvf", "whpx"};
    return "jit (also called tcg) or interp" + suggestion(value, kKnown);
  }
  return {};
}

std::string set_code_size(Options& to, const std::string& value) {
  const auto mib = parse_u64(value);
  if (!mib || *mib < 8 || *mib > 2047) return "MiB from 8 to 2047";
  to.code_bytes = static_cast<size_t>(*mib) << 20;
  return {};
}
std::string set_thread(Options&, const std::string& value) {
  return value == "single" || value == "multi" ? "" : "single or multi (it is one thread either way)";
}
std::string set_without(Options& to, const std::string& value) {
  std::vector<std::string_view> names;
  for (const TechniqueName& t : kTechniques) names.push_back(t.name);
  for (size_t at = 0; at <= value.size();) {
    const size_t end = std::min(value.find('+', at), value.size());
    const std::string word = value.substr(at, end - at);
    at = end + 1;
    const auto found = std::find(names.begin(), names.end(), word);
    if (found == names.end()) return "one of " + joined(names) + suggestion(word, names);
    to.techniques.*kTechniques[found - names.begin()].on = false;
  }
  return {};
}

constexpr KeyRow<Options> kAcceleratorKeys[] = {
    {"accel", "jit|interp|tcg|kvm...",
     "translate (tcg is another name for jit), or interpret; kvm, hvf, whpx: translated as well",
     set_accelerator},
    {"thread", "single|multi", "accepted: it is one thread", set_thread},
    {"without", "NAME[+NAME...]", "techniques to leave out, to see what they are worth (help lists them)",
     set_without},
    {"verify", "on|off", "the translator checks its own work at every stage, and stops where it is wrong",
     set_on_off<Options, &Options::verify>},
    {"tb-size", "MIB", "room for translated code, 256 by default", set_code_size},
    {"split-wx", "on|off", "accepted", set_nothing<Options>},
    {"one-insn-per-tb", "off", "blocks of one instruction; -d nochain or GDB serve", only_off<Options>},
    {"kernel-irqchip", "on|off|split", "accepted, for kvm", set_nothing<Options>},
    {"kvm-shadow-mem", "SIZE", "the same", set_nothing<Options>},
    {"dirty-ring-size", "N", "the same", set_nothing<Options>},
    {"eager-split-size", "SIZE", "the same", set_nothing<Options>},
    {"notify-vmexit", "run|internal-error|disable", "the same", set_nothing<Options>},
    {"notify-window", "N", "the same", set_nothing<Options>},
    {"ipa-granule-size", "SIZE", "accepted, for hvf", set_nothing<Options>},
    {"hyperv", "auto|on|off", "accepted, for whpx", set_nothing<Options>},
};

std::string technique_help() {
  std::string text = "techniques (-accel jit,without=NAME+NAME):\n";
  for (const TechniqueName& t : kTechniques) text += fmt::format("  {:<18} {}\n", t.name, t.help);
  return text;
}

}  // namespace

// "kvm:tcg": the first that there is.
std::string set_accelerator(Options& to, const std::string& value) {
  for (size_t at = 0; at <= value.size();) {
    const size_t end = std::min(value.find(':', at), value.size());
    if (std::string expected = set_one_accelerator(to, value.substr(at, end - at)); !expected.empty())
      return expected;
    at = end + 1;
  }
  return {};
}

Result<void> apply_accelerator(OptionParser& p, const std::string& value) {
  if (value == "help" || value == "?") {
    p.print(
        "accelerators (-accel NAME[,PROPERTY=VALUE...]):\n"
        "  jit            translates guest code to host code (default; also called tcg)\n"
        "  interp         interprets it: slow, works on every host\n" +
        key_help("-accel", key_names(std::span<const KeyRow<Options>>(kAcceleratorKeys))) + technique_help());
    return {};
  }
  return keys_or_help(p, value, {"-accel", "accel"}, kAcceleratorKeys, p.options);
}

void OptionParser::say_what_runs_instead(bool cpu_is_host) {
  std::string_view board_cpu = options.board->default_cpu;
  const std::string processor = cpu_is_host ? fmt::format("-cpu host is -cpu {}", board_cpu) : std::string();
  if (!options.host_accelerator.empty())
    options.warnings.push_back(
        fmt::format("{} is not used: the guest's code is translated, as with -accel tcg, on any host{}{}",
                    options.host_accelerator, processor.empty() ? "" : "; ", processor));
  else if (cpu_is_host)
    options.warnings.push_back(processor + ", because the guest's code is translated, on any host");
}

}  // namespace mynah::app
