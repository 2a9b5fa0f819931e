// SPDX-License-Identifier: Apache-2.0
//
// Options about the machine's memory, processors, time and end. The machine itself is options_board.cpp.
#include <fmt/format.h>
#include <time.h>

#include <charconv>

#include "app/options_parser.h"
#include "app/text.h"

namespace mynah::app {
namespace {

constexpr uint64_t kMiB = 1 << 20;

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
  to.ram_given = true;
  return {};
}
std::string set_maximum_memory(Options& to, const std::string& value) {
  const auto size = parse_size(value, kMiB);
  return !size ? "a size such as 4G" : *size < to.ram_bytes ? "at least the size itself" : "";
}
std::string set_slots(Options&, const std::string& value) { return parse_u64(value) ? "" : "a number"; }
constexpr KeyRow<Options> kMemoryKeys[] = {
    {"size", "SIZE", "guest memory", set_memory},
    {"slots", "N", "accepted: memory cannot be added later", set_slots},
    {"maxmem", "SIZE", "accepted: memory cannot be added later", set_maximum_memory},
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
    {"panic", "none|pause|shutdown|exit-failure", "accepted: no device tells of a panic",
     set_nothing<Options>},
    {"watchdog", "ACTION", "when a watchdog has expired, as -watchdog-action", set_watchdog_action},
};

constexpr KeyRow<Options> kNameKeys[] = {
    {"guest", "NAME", "the name", set_text<Options, &Options::name>},
    {"process", "NAME", "the name", set_text<Options, &Options::name>},
    {"debug-threads", "on|off", "accepted", set_nothing<Options>},
};

}  // namespace

Result<void> apply_memory(OptionParser& p, const std::string& value) {
  return keys_or_help(p, value, {"-m", "size"}, kMemoryKeys, p.options);
}

Result<void> apply_icount(OptionParser& p, const std::string& value) {
  if (value == "auto") return apply_icount(p, "shift=auto");
  p.options.clock = GuestClock::Kind::kDeterministic;
  return keys_or_help(p, value, {"-icount", "shift"}, kIcountKeys, p);
}

Result<void> apply_rtc(OptionParser& p, const std::string& value) {
  return keys_or_help(p, value, {"-rtc", "base"}, kRtcKeys, p);
}

std::optional<std::array<uint8_t, 16>> parse_uuid(const std::string& value) {
  std::array<uint8_t, 16> uuid{};
  unsigned digits = 0;
  for (size_t i = 0; i < value.size(); ++i) {
    const char c = value[i];
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    uint8_t digit = 0;
    if (dash ? c != '-' : std::from_chars(&c, &c + 1, digit, 16).ec != std::errc()) return std::nullopt;
    if (dash) continue;
    if (digits == 32) return std::nullopt;
    uint8_t& byte = uuid[digits / 2];
    byte = static_cast<uint8_t>(digits % 2 ? byte << 4 | digit : digit);
    ++digits;
  }
  return digits == 32 ? std::optional(uuid) : std::nullopt;
}

Result<void> apply_uuid(OptionParser& p, const std::string& value) {
  const auto uuid = parse_uuid(value);
  if (!uuid)
    return Error{"-uuid takes 32 hexadecimal digits as 01234567-89ab-cdef-0123-456789abcdef, not '" + value +
                 "'"};
  p.options.uuid = *uuid;
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
