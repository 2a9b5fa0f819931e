// SPDX-License-Identifier: Apache-2.0
//
// The monitor's commands, one row each.
#include <fmt/format.h>

#include <cstring>
#include <vector>

#include "app/files.h"
#include "app/gdb_guest.h"
#include "app/key_names.h"
#include "app/monitor.h"
#include "app/options.h"
#include "app/text.h"
#include "devices/host/picture_file.h"
#include "devices/input/ps2.h"
#include "devices/pci/describe.h"
#include "devices/virtio/virtio_balloon.h"

namespace mynah::app {
namespace {

using Words = std::vector<std::string_view>;

struct Command {
  std::string_view name, alias, arguments, help;
  std::string (*run)(RunControl&, const Words&);
};

std::string help(RunControl&, const Words&);
std::string info(RunControl&, const Words&);

std::string quit(RunControl& c, const Words&) {
  c.quit();
  return {};
}
std::string stop(RunControl& c, const Words&) {
  c.pause();
  return {};
}
std::string go_on(RunControl& c, const Words&) {
  c.go_on();
  return {};
}
std::string reset(RunControl& c, const Words&) {
  c.reset_machine();
  return {};
}
std::string power_key(RunControl& c, const Words&) {
  c.machine().press_power_key();
  return {};
}

constexpr std::string_view kNoBalloon =
    "the machine has no memory balloon; start it with -device virtio-balloon-pci\n";

// Megabytes, as QEMU counts them.
std::string balloon(RunControl& c, const Words& words) {
  const auto megabytes = words.size() == 2 ? parse_u64(words[1]) : std::nullopt;
  if (!megabytes || *megabytes == 0 || *megabytes >> 40) return "balloon MEGABYTES\n";
  if (!c.balloon()) return std::string(kNoBalloon);
  c.balloon()->set_target(*megabytes << 20);
  return {};
}

std::string eject(RunControl& c, const Words& words) {
  const bool force = words.size() > 1 && words[1] == "-f";
  if (words.size() != (force ? 3 : 2)) return "eject [-f] DRIVE (info block lists them)\n";
  const auto done = c.eject_medium(words.back(), force);
  return done ? "" : done.message() + "\n";
}

std::string change(RunControl& c, const Words& words) {
  const size_t at = words.size() > 1 && words[1] == "-f" ? 2 : 1;
  if (words.size() < at + 2 || words.size() > at + 4)
    return "change [-f] DRIVE FILE [FORMAT [retain|read-only|read-write]] (info block lists the drives)\n";
  const auto word = [&](size_t n) { return n < words.size() ? words[n] : std::string_view(); };
  const auto done = c.change_medium(words[at], std::string(words[at + 1]), std::string(word(at + 2)),
                                    word(at + 3), at == 2);
  return done ? "" : done.message() + "\n";
}

// screendump FILE [-f ppm|png]
std::string screendump(RunControl& c, const Words& words) {
  const bool named = words.size() == 4 && words[2] == "-f";
  const std::string_view format = named ? words[3] : "ppm";
  if ((words.size() != 2 && !named) || (format != "ppm" && format != "png"))
    return "screendump FILE [-f ppm|png]\n";
  const dev::Screen* screen = c.machine().screen();
  if (!screen) return "the machine has no screen\n";
  const dev::Screen::Picture picture = screen->picture();
  if (picture.pixels.empty()) return "there is nothing on the screen\n";
  const auto done = write_file(std::string(words[1]), "picture to",
                               format == "png" ? host::png_file(picture) : host::ppm_file(picture));
  return done ? "" : done.message() + "\n";
}

// sendkey KEYS [HOLD]: all go down, and up again at once.
std::string send_key(RunControl& c, const Words& words) {
  if (words.size() < 2 || words.size() > 3 || (words.size() == 3 && !parse_u64(words[2])))
    return "sendkey KEY[-KEY...] [MS], as sendkey ctrl-alt-delete\n";
  dev::Ps2Keyboard* const keyboard = c.machine().keyboard();
  if (!keyboard) return "the machine has no keyboard\n";
  const auto keys = keys_of(words[1]);
  if (!keys) return keys.message() + "\n";
  bool sent = true;
  for (const uint16_t key : *keys) sent &= keyboard->key(key, true);
  for (size_t i = keys->size(); i-- > 0;) sent &= keyboard->key((*keys)[i], false);
  return sent ? "" : "the guest does not read its keyboard; some keys were lost\n";
}

// x /COUNT ADDRESS: words of guest memory.
std::string examine(RunControl& c, const Words& words) {
  size_t count = 1, at = 1;
  if (words.size() > 1 && words[1].starts_with('/')) {
    std::string_view digits = words[1].substr(1);
    while (!digits.empty() && (digits.back() < '0' || digits.back() > '9')) digits.remove_suffix(1);
    count = static_cast<size_t>(std::min<uint64_t>(parse_u64(digits).value_or(1), 1024));
    at = 2;
  }
  const auto address = at < words.size() ? parse_u64(words[at]) : std::nullopt;
  if (!address) return "x [/COUNT] ADDRESS\n";
  std::string text;
  for (size_t i = 0; i < count; ++i) {
    uint32_t word;
    uint8_t bytes[4];
    const uint64_t here = *address + 4 * i;
    if (read_guest(c.machine(), c.selected(), here, bytes) != 4)
      return text + fmt::format("\n{:#018x} is not mapped\n", here);
    std::memcpy(&word, bytes, 4);
    if (i % 4 == 0) text += fmt::format("{}{:016x}:", i ? "\n" : "", here);
    text += fmt::format(" {:#010x}", word);
  }
  return text + "\n";
}

std::string select_processor(RunControl& c, const Words& words) {
  const size_t count = c.machine().processors().size();
  const auto number = words.size() > 1 ? parse_u64(words[1]) : std::nullopt;
  if (!number) return "cpu NUMBER\n";
  if (*number >= count)
    return fmt::format("there is no processor {}: they are numbered 0 to {}\n", *number, count - 1);
  c.select(static_cast<size_t>(*number));
  return {};
}

constexpr Command kCommands[] = {
    {"help", "?", "[COMMAND]", "this list", help},
    {"info", "", "[WHAT]", "state of the machine; info alone lists what there is", info},
    {"stop", "s", "", "stop the guest", stop},
    {"cont", "c", "", "let it go on", go_on},
    {"cpu", "", "NUMBER", "the processor that x and info registers are about", select_processor},
    {"system_reset", "", "", "restart the machine", reset},
    {"system_powerdown", "", "", "press its power key", power_key},
    {"balloon", "", "MEGABYTES", "memory that the guest is asked to have left", balloon},
    {"change", "", "[-f] DRIVE FILE [FORMAT [MODE]]", "put another medium into a drive", change},
    {"eject", "", "[-f] DRIVE", "take the medium out; -f: locked or not", eject},
    {"screendump", "", "FILE [-f ppm|png]", "a picture of the screen", screendump},
    {"sendkey", "", "KEY[-KEY...] [MS]", "press keys of a PC; MS is accepted", send_key},
    {"x", "", "[/COUNT] ADDRESS", "words of guest memory", examine},
    {"quit", "q", "", "end the emulator", quit},
};

std::string help(RunControl&, const Words&) {
  std::string text;
  for (const Command& c : kCommands) {
    std::string left = std::string(c.name);
    if (!c.alias.empty()) left.append("|").append(c.alias);
    left.append(" ").append(c.arguments);
    text += fmt::format("{:<28} {}\n", left, c.help);
  }
  return text;
}

struct InfoRow {
  std::string_view name, help;
  std::string (*text)(RunControl&);
};

std::string memory_tree(RunControl& c) {
  struct Line {
    uint64_t first, last;
    std::string name;
  };
  std::vector<Line> lines;
  for (const auto& r : c.machine().memory().regions())
    lines.push_back(
        {r.pa, r.pa + r.size - 1, std::string(r.rom ? "rom" : "ram") + (r.visible ? "" : " (hidden)")});
  for (const auto& w : c.machine().bus().windows())
    lines.push_back({w.base, w.base + w.size - 1, std::string(w.device->name())});
  std::stable_sort(lines.begin(), lines.end(),
                   [](const Line& a, const Line& b) { return a.first < b.first; });
  std::string text;
  for (const Line& l : lines) text += fmt::format("{:016x}-{:016x} {}\n", l.first, l.last, l.name);
  return text;
}

std::string processors(RunControl& c) {
  std::string text;
  for (const Processor& p : c.machine().processors()) {
    const size_t number = static_cast<size_t>(&p - c.machine().processors().data());
    text += fmt::format("{} CPU #{}: pc={:#x}{}\n", number == c.selected() ? '*' : ' ', number, p.guest->pc(),
                        p.guest->asleep() ? " (halted)" : "");
  }
  return text;
}

std::string registers(RunControl& c) { return c.machine().processors()[c.selected()].debug->dump(); }

std::string pci_functions(RunControl& c) {
  const dev::pci::Host* host = c.machine().pci();
  return host ? dev::pci::describe(*host) : "the machine has no PCI\n";
}

// Statistics are the driver's last; asking for them makes it say new ones.
std::string balloon_info(RunControl& c) {
  if (!c.balloon()) return std::string(kNoBalloon);
  static constexpr std::string_view kNames[] = {
      "swapped-in", "swapped-out", "major-faults", "minor-faults",          "free",
      "total",      "available",   "disk-caches",  "huge-page-allocations", "huge-page-failures"};
  static_assert(std::size(kNames) == dev::VirtioBalloon::kStatistics);
  std::string text = fmt::format("balloon: actual={}\n", c.balloon()->actual() >> 20);
  const auto& statistics = c.balloon()->statistics();
  for (size_t i = 0; i < std::size(kNames); ++i)
    if (statistics[i]) text += fmt::format("  {}={}\n", kNames[i], *statistics[i]);
  return text;
}

constexpr InfoRow kInfos[] = {
    {"balloon", "the guest's memory, and what it says of it", balloon_info},
    {"block", "disks", [](RunControl& c) { return c.block_info(); }},
    {"cpus", "processors", processors},
    {"jit", "figures of the run so far", [](RunControl& c) { return c.figures(); }},
    {"mtree", "memory map", memory_tree},
    {"name", "name of the machine", [](RunControl& c) { return c.name_and_uuid(false); }},
    {"network", "networks and their connections", [](RunControl& c) { return c.network_info(); }},
    {"pci", "PCI functions", pci_functions},
    {"registers", "registers of the processor that 'cpu' names", registers},
    {"status", "running or not", [](RunControl& c) { return "VM status: " + c.status() + "\n"; }},
    {"uuid", "identity of the machine", [](RunControl& c) { return c.name_and_uuid(true); }},
    {"version", "version of the emulator", [](RunControl&) { return version_text(); }},
};

std::string info(RunControl& c, const Words& words) {
  if (words.size() < 2) {
    std::string text;
    for (const InfoRow& row : kInfos) text += fmt::format("info {:<12} {}\n", row.name, row.help);
    return text;
  }
  std::vector<std::string_view> names;
  for (const InfoRow& row : kInfos) {
    if (row.name == words[1]) return row.text(c);
    names.push_back(row.name);
  }
  return "there is no 'info " + std::string(words[1]) + "'" + suggestion(words[1], names, "info ") +
         " (info alone lists what there is)\n";
}

}  // namespace

std::string run_monitor_command(RunControl& control, std::string_view line) {
  Words words;
  while (!line.empty()) {
    const size_t n = std::min(line.find(' '), line.size());
    if (n) words.push_back(line.substr(0, n));
    line.remove_prefix(std::min(n + 1, line.size()));
  }
  if (words.empty()) return {};
  std::vector<std::string_view> names;
  for (const Command& command : kCommands) {
    if (command.name == words[0] || (!command.alias.empty() && command.alias == words[0]))
      return command.run(control, words);
    names.push_back(command.name);
  }
  return "there is no command '" + std::string(words[0]) + "'" + suggestion(words[0], names) +
         " (help lists them)\n";
}

}  // namespace mynah::app
