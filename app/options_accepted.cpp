// SPDX-License-Identifier: Apache-2.0
//
// Options of existing scripts that mean little here: checked, so that a mistake is found, and passed over,
// with a line where a person would miss what they asked for. And -boot, whose words are firmware's.
#include <fmt/format.h>

#include <algorithm>

#include "app/options_parser.h"
#include "app/text.h"

namespace mynah::app {
namespace {

std::string set_boot_order(Options& to, const std::string& value) {
  if (!std::all_of(value.begin(), value.end(), [](char c) { return c >= 'a' && c <= 'p'; }))
    return "letters from a to p";
  to.boot_order = value;
  return {};
}
std::string set_boot_menu(Options& to, const std::string& value) {
  return set_on_off<Options, &Options::boot_menu>(to, value);
}
std::string set_splash_time(Options& to, const std::string& value) {
  const auto ms = parse_u64(value);
  if (!ms || *ms > 0xffff) return "milliseconds from 0 to 65535";
  to.boot_menu_wait = static_cast<uint16_t>(*ms);
  return {};
}
std::string set_reboot_timeout(Options& to, const std::string& value) {
  const auto ms = value == "-1" ? std::optional<uint64_t>(0xffffffff) : parse_u64(value);
  if (!ms || (*ms > 0xffff && *ms != 0xffffffff)) return "milliseconds from 0 to 65535, or -1";
  to.boot_fail_wait = static_cast<uint32_t>(*ms);
  return {};
}
std::string set_boot_strict(Options& to, const std::string& value) {
  return set_on_off<Options, &Options::boot_strict>(to, value);
}
constexpr KeyRow<Options> kBootKeys[] = {
    {"order", "LETTERS",
     "a floppy disk, c disk, d CD, n network: what a PC tries, in this order; other machines go by "
     "bootindex= of "
     "-device",
     set_boot_order},
    {"once", "LETTERS", "the same", set_boot_order},
    {"menu", "on|off", "firmware shows its menu", set_boot_menu},
    {"splash", "FILE", "accepted: there is no picture without graphics", set_nothing<Options>},
    {"splash-time", "MS", "how long firmware waits for a key", set_splash_time},
    {"reboot-timeout", "MS", "how long firmware waits where nothing starts", set_reboot_timeout},
    {"strict", "on|off", "firmware tries nothing that has no bootindex", set_boot_strict},
};

struct Ignored {
  bool on = false;
};
constexpr KeyRow<Ignored> kMessageKeys[] = {
    {"timestamp", "on|off", "accepted", set_on_off<Ignored, &Ignored::on>},
    {"guest-name", "on|off", "accepted", set_on_off<Ignored, &Ignored::on>},
};
constexpr KeyRow<Ignored> kOvercommitKeys[] = {
    {"mem-lock", "off", "lock the guest's memory", only_off<Ignored>},
    {"cpu-pm", "on|off", "accepted", set_on_off<Ignored, &Ignored::on>},
};
constexpr KeyRow<Ignored> kSandboxKeys[] = {
    {"enable", "on|off", "there is no sandbox", set_on_off<Ignored, &Ignored::on>},
    {"obsolete", "allow|deny", "accepted", set_nothing<Ignored>},
    {"elevateprivileges", "allow|deny|children", "accepted", set_nothing<Ignored>},
    {"spawn", "allow|deny", "accepted", set_nothing<Ignored>},
    {"resourcecontrol", "allow|deny", "accepted", set_nothing<Ignored>},
};

struct Numa {
  std::string type;
};
std::string set_node_id(Numa&, const std::string& value) {
  return value == "0" ? "" : "0: there is one node";
}
constexpr KeyRow<Numa> kNumaKeys[] = {
    {"type", "node", "one node", set_text<Numa, &Numa::type>},
    {"nodeid", "0", "its number", set_node_id},
    {"cpus", "FIRST-LAST", "accepted: all", set_nothing<Numa>},
    {"mem", "SIZE", "accepted: all", set_nothing<Numa>},
    {"memdev", "ID", "the -object memory-backend-... that it is", set_nothing<Numa>},
};

}  // namespace

Result<void> apply_boot(OptionParser& p, const std::string& value) {
  return keys_or_help(p, value, {"-boot", "order"}, kBootKeys, p.options);
}

Result<void> apply_message_form(OptionParser& p, const std::string& value) {
  Ignored ignored;
  return keys_or_help(p, value, {"-msg", ""}, kMessageKeys, ignored);
}

Result<void> apply_overcommit(OptionParser& p, const std::string& value) {
  Ignored ignored;
  return keys_or_help(p, value, {"-overcommit", ""}, kOvercommitKeys, ignored);
}

Result<void> apply_sandbox(OptionParser& p, const std::string& value) {
  Ignored sandbox;
  if (auto ok = keys_or_help(p, value, {"-sandbox", "enable"}, kSandboxKeys, sandbox); !ok) return ok;
  if (sandbox.on)
    p.options.warnings.push_back("-sandbox is missing here: the emulator's own calls are not restricted");
  return {};
}

Result<void> apply_numa(OptionParser& p, const std::string& value) {
  Numa numa;
  if (auto ok = keys_or_help(p, value, {"-numa", "type"}, kNumaKeys, numa); !ok || p.options.print) return ok;
  if (numa.type != "node") return Error{"-numa " + numa.type + " is missing here; the machine has one node"};
  if (p.numa_node) return Error{"the machine has one memory node; leave the second -numa node out"};
  p.numa_node = true;
  return {};
}

Result<void> apply_memory_path(OptionParser& p, const std::string& value) {
  p.options.warnings.push_back("guest memory is in no file: -mem-path " + value + " is passed over");
  return {};
}

std::string set_watchdog_action(Options& to, const std::string& value) {
  using enum WatchdogAction;
  static constexpr std::pair<std::string_view, WatchdogAction> kActions[] = {
      {"reset", kReset}, {"shutdown", kShutdown}, {"poweroff", kPowerOff},
      {"pause", kPause}, {"debug", kDebug},       {"none", kNone}};
  std::vector<std::string_view> names;
  for (const auto& [name, action] : kActions) {
    names.push_back(name);
    if (name != value) continue;
    to.watchdog_action = action;
    return {};
  }
  return joined(names) + (value == "inject-nmi" ? "; inject-nmi is missing here" : suggestion(value, names));
}

Result<void> apply_watchdog_action(OptionParser& p, const std::string& value) {
  if (const std::string expected = set_watchdog_action(p.options, value); !expected.empty())
    return error("-watchdog-action '{}' is not possible: it takes {}", value, expected);
  return {};
}

Result<void> apply_vga(OptionParser&, const std::string& value) {
  if (value == "none") return {};
  return Error{"-vga " + value +
               " needs a graphics card, which the machine does not have yet; use -vga none"};
}

Result<void> apply_audiodev(OptionParser&, const std::string& value) {
  if (value == "none" || value.starts_with("none,") || value.starts_with("driver=none")) return {};
  return Error{"-audiodev " + value.substr(0, value.find(',')) +
               " needs sound, which the machine does not have; leave it out, or use none"};
}

}  // namespace mynah::app
