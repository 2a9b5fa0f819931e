// SPDX-License-Identifier: Apache-2.0
//
// Options about the machine, its time and its end.
#include <fmt/format.h>
#include <time.h>

#include <charconv>

#include "app/known_elsewhere.h"
#include "app/options_parser.h"
#include "app/text.h"

namespace mynah::app {
namespace {

constexpr uint64_t kMiB = 1 << 20;

std::string set_accelerator(Options& to, const std::string& value) {
  if (value == "jit" || value == "tcg") {
    to.accelerator = Accelerator::kJit;
  } else if (value == "interp") {
    to.accelerator = Accelerator::kInterp;
  } else if (value == "kvm" || value == "hvf" || value == "whpx" || value == "xen") {
    return "jit or interp; the guest's processor is always emulated";
  } else {
    static constexpr std::string_view kKnown[] = {"jit", "interp", "tcg"};
    return "jit or interp" + suggestion(value, kKnown);
  }
  return {};
}

std::vector<std::string_view> board_names() {
  std::vector<std::string_view> names;
  for (const Board* board : boards()) names.push_back(board->name);
  return names;
}

std::string set_machine_type(Options& to, const std::string& value) {
  if (const Board* board = find_board(value)) {
    if (board != to.board) to.board_choice.properties.clear();
    to.board = board;
    return {};
  }
  return "the name of a machine" + suggestion(value, board_names()) + " (-M help lists them)";
}

constexpr KeyRow<Options> kMachineKeys[] = {
    {"type", "NAME", "the machine", set_machine_type},
    {"accel", "jit|interp", "as -accel", set_accelerator},
    {"dumpdtb", "FILE", "write the device tree there and exit", set_text<Options, &Options::dump_dtb>},
};

// "2|3|max" as "2, 3 or max".
std::string alternatives(std::string_view values) {
  std::string text(values);
  for (size_t at = 0, bar; (bar = text.find('|', at)) != std::string::npos; at = bar)
    text.replace(bar, 1, text.find('|', bar + 1) == std::string::npos ? " or " : ", ");
  return text;
}

std::string set_board_property(Options& to, const BoardProperty& property, const std::string& value) {
  if (property.values == "off") {
    if (std::string error = only_off(to, value); !error.empty()) return error;
  } else if (const std::string all = fmt::format("|{}|", property.values);
             value.find('|') != std::string::npos || all.find("|" + value + "|") == std::string::npos) {
    return alternatives(property.values);
  }
  to.board_choice.properties.emplace_back(property.name, value);
  return {};
}

std::string set_shift(OptionParser& to, const std::string& value) {
  if (value == "auto") {
    to.options.clock_shift = 3;
    return {};
  }
  const auto shift = parse_u64(value);
  if (!shift || *shift > 10) return "a number from 0 to 10, or auto";
  to.options.clock_shift = static_cast<unsigned>(*shift);
  return {};
}
std::string set_sleep(OptionParser& to, const std::string& value) {
  return set_on_off<Options, &Options::sleep_when_idle>(to.options, value);
}
constexpr KeyRow<OptionParser> kIcountKeys[] = {
    {"shift", "N|auto", "an instruction takes 2^N ns; auto is 3", set_shift},
    {"sleep", "on|off", "an idle guest waits as long as the time it skips; off: it jumps there", set_sleep},
    {"align", "off", "slow down to the host's time", only_off<OptionParser>},
};

// "2026-01-31" or "2026-01-31T23:59:59", in UTC.
std::optional<int64_t> parse_date(const std::string& text) {
  tm fields{};
  for (const char* form : {"%Y-%m-%dT%H:%M:%S", "%Y-%m-%d"}) {
    fields = {};
    const char* end = ::strptime(text.c_str(), form, &fields);
    if (end && *end == '\0') return ::timegm(&fields);
  }
  return std::nullopt;
}

std::string set_rtc_base(OptionParser& to, const std::string& value) {
  if (value == "utc" || value == "localtime") {
    to.options.rtc_base = value == "utc" ? RtcBase::kUtc : RtcBase::kLocal;
    return {};
  }
  const auto date = parse_date(value);
  // The clock device counts seconds in 32 bits.
  if (!date || *date < 0 || *date > int64_t{UINT32_MAX})
    return "utc, localtime or a date as 2026-01-31T23:59:59";
  to.options.rtc_base = RtcBase::kDate;
  to.options.rtc_date = *date;
  return {};
}
std::string set_rtc_clock(OptionParser& to, const std::string& value) {
  static constexpr std::pair<std::string_view, RtcSource> kSources[] = {
      {"host", RtcSource::kHost}, {"rt", RtcSource::kSteady}, {"vm", RtcSource::kGuest}};
  for (const auto& [name, source] : kSources)
    if (value == name) {
      to.options.rtc_source = source;
      return {};
    }
  return "host, rt or vm";
}
std::string set_rtc_drift_fix(OptionParser&, const std::string& value) {
  return value == "none" || value == "slew" ? "" : "none or slew";
}
constexpr KeyRow<OptionParser> kRtcKeys[] = {
    {"base", "utc|localtime|DATE", "what the calendar starts with", set_rtc_base},
    {"clock", "host|rt|vm",
     "what it goes by: the host's date (the default), the host's uptime, which nobody sets, or guest time "
     "(the default with -icount), which stands still while the guest is stopped",
     set_rtc_clock},
    {"driftfix", "none|slew", "accepted: the clock has no ticks that could be lost", set_rtc_drift_fix},
};

std::string set_memory(Options& to, const std::string& value) {
  const auto size = parse_size(value, kMiB);
  if (!size) return "a size such as 512M or 4G";
  if (*size < kMiB) return "at least 1M";
  to.ram_bytes = (*size + 4095) & ~uint64_t{4095};
  return {};
}
std::string no_hotplug(Options&, const std::string&) {
  return "nothing here: memory cannot be added later; leave it out";
}
constexpr KeyRow<Options> kMemoryKeys[] = {
    {"size", "SIZE", "guest memory", set_memory},
    {"slots", "", "not supported", no_hotplug},
    {"maxmem", "", "not supported", no_hotplug},
};

std::string set_code_size(Options& to, const std::string& value) {
  const auto mib = parse_u64(value);
  if (!mib || *mib < 8 || *mib > 2047) return "MiB from 8 to 2047";
  to.code_bytes = static_cast<size_t>(*mib) << 20;
  return {};
}
std::string set_thread(Options&, const std::string& value) {
  return value == "single" || value == "multi"
             ? ""
             : "single or multi (one processor runs on one thread either way)";
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
    {"accel", "jit|interp|tcg", "translate (tcg is another name for jit), or interpret", set_accelerator},
    {"thread", "single|multi", "accepted: one processor runs on one thread", set_thread},
    {"without", "NAME[+NAME...]", "techniques to leave out, to see what they are worth (help lists them)",
     set_without},
    {"verify", "on|off", "the translator checks its own work at every stage, and stops where it is wrong",
     set_on_off<Options, &Options::verify>},
    {"tb-size", "MIB", "room for translated code, 256 by default", set_code_size},
};

std::string set_reboot(Options& to, const std::string& value) {
  to.exit_on_reset = value == "shutdown";
  return to.exit_on_reset || value == "reset" ? "" : "reset or shutdown";
}
std::string set_shutdown(Options& to, const std::string& value) {
  to.stay_after_shutdown = value == "pause";
  return to.stay_after_shutdown || value == "poweroff" ? "" : "poweroff or pause";
}
constexpr KeyRow<Options> kActionKeys[] = {
    {"reboot", "reset|shutdown", "when the guest restarts", set_reboot},
    {"shutdown", "poweroff|pause", "when the guest powers off", set_shutdown},
};

constexpr KeyRow<Options> kNameKeys[] = {
    {"guest", "NAME", "the name", set_text<Options, &Options::name>},
    {"process", "NAME", "the name", set_text<Options, &Options::name>},
    {"debug-threads", "on|off", "accepted", set_nothing<Options>},
};

}  // namespace

Result<void> apply_machine(OptionParser& p, const std::string& value) {
  if (value == "help" || value == "?") {
    std::string text = "machines (-M NAME):\n";
    for (const Board* board : boards())
      text += fmt::format("  {:<14} {}{}\n", board->name, board->help,
                          board == boards().front() ? " (default)" : "");
    p.print(std::move(text));
    return {};
  }
  const std::string first = host::split_options(value)[0];
  if (first.find('=') == std::string::npos && !find_board(first) && first != "help")
    return Error{"machine '" + first +
                 (known_elsewhere(Known::kMachine, first)
                      ? "' is not supported yet; use " + joined(board_names())
                      : "' is not known" + suggestion(first, board_names())) +
                 " (-M help lists them)"};
  // The board is known before its properties are: it comes first.
  Options& options = p.options;
  const std::string type = first.starts_with("type=") ? first.substr(5) : first;
  if (find_board(type)) set_machine_type(options, type);
  const std::string what = fmt::format("-machine {}", options.board->name);
  const std::span<const BoardProperty> properties = options.board->properties;
  std::vector<KeyNames> names = key_names(std::span<const KeyRow<Options>>(kMachineKeys));
  for (const BoardProperty& property : properties)
    names.push_back({property.name, property.values, property.help});
  const auto list = apply_key_list(value, {what, "type"}, names, [&](size_t row, const std::string& to) {
    return row < std::size(kMachineKeys)
               ? kMachineKeys[row].set(options, to)
               : set_board_property(options, properties[row - std::size(kMachineKeys)], to);
  });
  if (!list) return list.error();
  if (*list == KeyList::kHelp) p.print(key_help(what, names));
  return {};
}

Result<void> apply_cpu(OptionParser& p, const std::string& value) {
  p.cpu = value;
  if (value != "help" && value != "?") return {};
  const Board& board = *p.options.board;
  std::string text = "processors (-cpu NAME[,PROPERTY=on|off...]):\n";
  for (std::string_view name : board.cpu_names())
    text += fmt::format("  {}{}\n", name, name == board.default_cpu ? "  (default)" : "");
  p.print(text + fmt::format("properties: {}\n", board.cpu_properties));
  return {};
}

Result<void> OptionParser::choose_cpu() {
  const Board& board = *options.board;
  const std::string name = cpu.value_or(std::string(board.default_cpu));
  options.board_choice.cpu = name;
  const WrongChoice wrong = board.check_cpu(name);
  if (wrong.sentence.empty()) return {};
  if (wrong.known.empty()) return Error{wrong.sentence};
  if (name == "host")
    return error("-cpu host is not possible, because the guest's processor is always emulated; use -cpu {}",
                 board.default_cpu);
  if (known_elsewhere(Known::kProcessor, name.substr(0, name.find(','))))
    return error("processor '{}' is not supported yet; use one of {}", wrong.unknown, joined(wrong.known));
  return error("{}{} (there are {})", wrong.sentence, suggestion(wrong.unknown, wrong.known),
               joined(wrong.known));
}

Result<void> apply_memory(OptionParser& p, const std::string& value) {
  return keys_or_help(p, value, {"-m", "size"}, kMemoryKeys, p.options);
}

namespace {
std::string technique_help() {
  std::string text = "techniques (-accel jit,without=NAME+NAME):\n";
  for (const TechniqueName& t : kTechniques) text += fmt::format("  {:<18} {}\n", t.name, t.help);
  return text;
}
}  // namespace

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

Result<void> apply_icount(OptionParser& p, const std::string& value) {
  if (value == "auto") return apply_icount(p, "shift=auto");
  p.options.clock = GuestClock::Kind::kDeterministic;
  return keys_or_help(p, value, {"-icount", "shift"}, kIcountKeys, p);
}

Result<void> apply_rtc(OptionParser& p, const std::string& value) {
  return keys_or_help(p, value, {"-rtc", "base"}, kRtcKeys, p);
}

Result<void> apply_uuid(OptionParser& p, const std::string& value) {
  unsigned digits = 0;
  for (size_t i = 0; i < value.size(); ++i) {
    const char c = value[i];
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    uint8_t digit = 0;
    if (dash ? c != '-' : std::from_chars(&c, &c + 1, digit, 16).ec != std::errc()) {
      digits = 99;
      break;
    }
    if (dash) continue;
    uint8_t& byte = p.options.uuid[digits / 2 % 16];
    byte = static_cast<uint8_t>(digits % 2 ? byte << 4 | digit : digit);
    if (++digits > 32) break;
  }
  if (digits != 32)
    return Error{"-uuid takes 32 hexadecimal digits as 01234567-89ab-cdef-0123-456789abcdef, not '" + value +
                 "'"};
  p.options.uuid_given = true;
  return {};
}

Result<void> apply_name(OptionParser& p, const std::string& value) {
  return keys_or_help(p, value, {"-name", "guest"}, kNameKeys, p.options);
}

Result<void> apply_action(OptionParser& p, const std::string& value) {
  return keys_or_help(p, value, {"-action", ""}, kActionKeys, p.options);
}

}  // namespace mynah::app
