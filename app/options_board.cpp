// SPDX-License-Identifier: Apache-2.0
//
// -machine and -cpu: which board, its properties, its processor. A board's own properties are its
// description's (machines/boards.h); those that every machine has are here, and many of them stand for an
// option of their own.
#include <fmt/format.h>

#include <algorithm>

#include "app/known_elsewhere.h"
#include "app/options_parser.h"
#include "app/text.h"

namespace mynah::app {
namespace {

std::vector<std::string_view> board_names() {
  std::vector<std::string_view> names;
  for (const Board* board : boards()) names.push_back(board->name);
  return names;
}

std::string set_machine_type(OptionParser& p, const std::string& value) {
  Options& to = p.options;
  if (const Board* board = find_board(value)) {
    if (board != to.board) to.board_choice.properties.clear();
    to.board = board;
    return {};
  }
  return "the name of a machine" + suggestion(value, board_names()) + " (-M help lists them)";
}

template <std::string Options::*member>
std::string set_option_text(OptionParser& p, const std::string& value) {
  p.options.*member = value;
  return {};
}
std::string set_machine_accelerator(OptionParser& p, const std::string& value) {
  return set_accelerator(p.options, value);
}
template <unsigned number>
std::string set_machine_flash(OptionParser& p, const std::string& value) {
  p.machine_flash[number] = value;
  return {};
}
std::string set_memory_backend(OptionParser& p, const std::string& value) {
  p.memory_backend = value;
  return {};
}
std::string set_ignored_switch(OptionParser&, const std::string& value) {
  return host::parse_switch(value) ? "" : "on or off";
}
std::string set_no_encryption(OptionParser&, const std::string&) {
  return "nothing here: memory encryption is missing; leave it out";
}

constexpr KeyRow<OptionParser> kMachineKeys[] = {
    {"type", "NAME", "the machine", set_machine_type},
    {"accel", "jit|interp|kvm:tcg...", "as -accel", set_machine_accelerator},
    {"dumpdtb", "FILE", "write the device tree there and exit", set_option_text<&Options::dump_dtb>},
    {"kernel", "FILE", "as -kernel", set_option_text<&Options::kernel>},
    {"initrd", "FILE", "as -initrd", set_option_text<&Options::initrd>},
    {"append", "TEXT", "as -append", set_option_text<&Options::append>},
    {"dtb", "FILE", "as -dtb", set_option_text<&Options::dtb>},
    {"firmware", "FILE", "as -bios", set_option_text<&Options::bios>},
    {"pflash0", "ID", "the -blockdev or -drive if=none in the first flash", set_machine_flash<0>},
    {"pflash1", "ID", "the same of the second", set_machine_flash<1>},
    {"memory-backend", "ID", "the -object memory-backend-... that guest memory is", set_memory_backend},
    {"usb", "on|off", "accepted: it adds nothing to this machine", set_ignored_switch},
    {"graphics", "on|off", "accepted: the machine has no graphics card", set_ignored_switch},
    {"dump-guest-core", "on|off", "accepted", set_ignored_switch},
    {"mem-merge", "on|off", "accepted", set_ignored_switch},
    {"suppress-vmdesc", "on|off", "accepted", set_ignored_switch},
    {"kernel-irqchip", "on|off|split", "accepted, for kvm", set_nothing<OptionParser>},
    {"nvdimm", "off", "persistent memory", only_off<OptionParser>},
    {"hmat", "off", "memory attributes for ACPI", only_off<OptionParser>},
    {"cxl", "off", "CXL", only_off<OptionParser>},
    {"confidential-guest-support", "", "missing", set_no_encryption},
    {"memory-encryption", "", "missing", set_no_encryption},
};

// "2|3|max" as "2, 3 or max".
std::string alternatives(std::string_view values) {
  std::string text(values);
  for (size_t at = 0, bar; (bar = text.find('|', at)) != std::string::npos; at = bar)
    text.replace(bar, 1, text.find('|', bar + 1) == std::string::npos ? " or " : ", ");
  return text;
}

bool among(std::string_view values, std::string_view value) {
  return value.find('|') == std::string_view::npos &&
         fmt::format("|{}|", values).find(fmt::format("|{}|", value)) != std::string::npos;
}

std::string set_board_property(OptionParser& p, const BoardProperty& property, std::string value) {
  // Switches have several spellings.
  if (const auto on = host::parse_switch(value);
      on && (among(property.values, "on") || among(property.values, "off")))
    value = *on ? "on" : "off";
  if (!property.values.empty() && !among(property.values, value)) {
    if (property.values == "off") return only_off(p, value);
    return alternatives(property.values) +
           (among(property.missing, value) ? fmt::format("; {} is missing here", value) : std::string());
  }
  p.options.board_choice.properties.emplace_back(property.name, value);
  return {};
}

// Names of properties may have underscores for dashes, as they once had.
std::string with_dashes(const std::string& value) {
  std::string text;
  for (std::string part : host::split_options(value)) {
    const size_t end = std::min(part.find('='), part.size());
    std::replace(part.begin(), part.begin() + static_cast<ptrdiff_t>(end), '_', '-');
    if (!text.empty()) text += ',';
    for (char c : part) text.append(c == ',' ? 2 : 1, c);
  }
  return text;
}

}  // namespace

Result<void> apply_machine(OptionParser& p, const std::string& value) {
  if (value == "help" || value == "?") {
    std::string text = "machines (-M NAME):\n";
    for (const Board* board : boards()) {
      text += fmt::format("  {:<14} {}{}\n", board->name, board->help,
                          board == boards().front() ? " (default)" : "");
      if (!board->versions.empty())
        text += fmt::format("  {:<14} the same\n",
                            fmt::format("{0}-{1}...{0}-{2}",
                                        board->versioned_name.empty() ? board->name : board->versioned_name,
                                        board->versions.front(), board->versions.back()));
    }
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
  const std::string type = first.starts_with("type=") ? first.substr(5) : first;
  if (find_board(type)) set_machine_type(p, type);
  const Board& board = *p.options.board;
  const std::string what = fmt::format("-machine {}", board.name);
  std::vector<KeyNames> names = key_names(std::span<const KeyRow<OptionParser>>(kMachineKeys));
  for (const BoardProperty& property : board.properties)
    names.push_back({property.name, property.values.empty() ? "TEXT" : property.values, property.help});
  const auto list =
      apply_key_list(with_dashes(value), {what, "type"}, names, [&](size_t row, const std::string& to) {
        return row < std::size(kMachineKeys)
                   ? kMachineKeys[row].set(p, to)
                   : set_board_property(p, board.properties[row - std::size(kMachineKeys)], to);
      });
  if (!list) return list.error();
  if (*list == KeyList::kHelp) p.print(key_help(what, names));
  return {};
}

Result<void> apply_cpu(OptionParser& p, const std::string& value) {
  p.cpu = value;
  if (value != "help" && value != "?") return {};
  const Board& board = *p.options.board;
  std::string text = "processors (-cpu NAME[,PROPERTY=on|off...]), and what is left out of them:\n";
  for (std::string_view name : board.cpu_names())
    text += fmt::format("  {:<14} {}{}\n", name, name == board.default_cpu ? "(default) " : "",
                        board.cpu_left_out(name));
  p.print(text + fmt::format("  {:<14} the same as {}\nproperties: {}\n", "host", board.default_cpu,
                             board.cpu_properties));
  return {};
}

Result<void> OptionParser::choose_cpu() {
  const Board& board = *options.board;
  std::string name = cpu.value_or(std::string(board.default_cpu));
  const bool is_host = name == "host" || name.starts_with("host,");
  if (is_host) name.replace(0, 4, board.default_cpu);
  options.board_choice.cpu = name;
  say_what_runs_instead(is_host);
  const WrongChoice wrong = board.check_cpu(name);
  if (wrong.sentence.empty()) return {};
  if (wrong.known.empty()) return Error{wrong.sentence};
  if (known_elsewhere(Known::kProcessor, name.substr(0, name.find(','))))
    return error("processor '{}' is not supported yet; use one of {}", wrong.unknown, joined(wrong.known));
  return error("{}{} (there are {})", wrong.sentence, suggestion(wrong.unknown, wrong.known),
               joined(wrong.known));
}

// Flashes of -M pflash0=ID.
Result<void> OptionParser::place_machine_flashes() {
  for (unsigned number = 0; number < 2; ++number) {
    const std::string& id = machine_flash[number];
    if (id.empty()) continue;
    const auto found = std::find_if(options.drives.begin(), options.drives.end(),
                                    [&](const DriveOption& d) { return d.id == id; });
    if (found == options.drives.end())
      return error("-M pflash{}={} names no -blockdev with node-name={}; add one", number, id, id);
    if (found->interface != DriveOption::Interface::kNone)
      return error("-M pflash{}={} names a drive that has a place already; say if=none for it", number, id);
    found->interface = DriveOption::Interface::kFlash;
    found->unit = number;
  }
  return {};
}

}  // namespace mynah::app
