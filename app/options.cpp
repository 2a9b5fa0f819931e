// SPDX-License-Identifier: Apache-2.0
//
// The table of options and the loop over the arguments.
#include "app/options.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "app/known_elsewhere.h"
#include "app/options_parser.h"
#include "app/refused_options.h"
#include "app/stray_words.h"
#include "app/text.h"
#include "devices/host/shell_text.h"

namespace mynah::app {
namespace {

enum class Argument : uint8_t {
  kNone,
  kRequired,  // the next argument
  kList,      // the same, and it is a list of properties
  kAttached,  // optional, after '='
};

struct OptionRow {
  std::string_view name, alias;  // alias may be empty
  Argument argument;
  std::string_view form;  // of the argument, for help
  std::string_view help;  // one sentence; a row without a name is a heading
  Result<void> (*apply)(OptionParser&, const std::string&);
};

template <std::string Options::*member>
Result<void> take_file(OptionParser& p, const std::string& value) {
  if (value.empty()) return Error{"a file name is empty; leave the option out if there is no file"};
  p.options.*member = value;
  return {};
}
template <bool Options::*member>
Result<void> turn_on(OptionParser& p, const std::string&) {
  p.options.*member = true;
  return {};
}
Result<void> accept(OptionParser&, const std::string&) { return {}; }

Result<void> apply_help(OptionParser& p, const std::string&) {
  p.print(help_text());
  return {};
}
Result<void> apply_version(OptionParser& p, const std::string&) {
  p.print(version_text());
  return {};
}
Result<void> apply_escape(OptionParser& p, const std::string& value) {
  const auto key = parse_u64(value);
  if (!key || *key < 1 || *key > 255)
    return Error{"-echr takes the code of a key from 1 to 255 (1 is Ctrl-A)"};
  p.options.escape_key = static_cast<uint8_t>(*key);
  return {};
}
Result<void> apply_seed(OptionParser& p, const std::string& value) {
  const auto seed = parse_u64(value);
  if (!seed) return Error{"-seed takes a number, not '" + value + "'"};
  p.options.seed = *seed;
  return {};
}
Result<void> apply_gdb_default(OptionParser& p, const std::string&) { return apply_gdb(p, "tcp::1234"); }
Result<void> apply_firmware_folder(OptionParser& p, const std::string& value) {
  p.options.firmware_folders.push_back(value);
  return {};
}
Result<void> apply_flash_file(OptionParser& p, const std::string& value) {
  return apply_drive(
      p, "if=pflash,format=raw,file=" + [&] {
        std::string escaped;
        for (char c : value) escaped.append(c == ',' ? 2 : 1, c);
        return escaped;
      }());
}
Result<void> apply_no_shutdown(OptionParser& p, const std::string&) {
  p.options.stay_after_shutdown = true;
  return {};
}
template <unsigned index>
Result<void> apply_hard_disk(OptionParser& p, const std::string& value) {
  return apply_disk_file(p, value, index, false);
}
template <unsigned unit>
Result<void> apply_floppy(OptionParser& p, const std::string& value) {
  return apply_floppy_file(p, value, unit);
}
Result<void> apply_cdrom(OptionParser& p, const std::string& value) {
  return apply_disk_file(p, value, 2, true);
}

using enum Argument;

constexpr OptionRow kOptions[] = {
    {"", "", kNone, "", "Machine", nullptr},
    {"machine", "M", kList, "TYPE[,PROPERTY=VALUE...]", "machine and its properties (help lists both)",
     apply_machine},
    {"cpu", "", kList, "MODEL[,PROPERTY=on|off...]", "processor (help lists them)", apply_cpu},
    {"smp", "", kList, "N", "processors (1 by default), and how they are arranged", apply_smp},
    {"m", "", kList, "SIZE[K|M|G|T]", "guest memory, in MiB unless it says otherwise; 128M by default",
     apply_memory},
    {"accel", "", kList, "jit|interp[,PROPERTY=VALUE...]",
     "translate to host code, or interpret (help lists the properties); kvm and its like: translate",
     apply_accelerator},
    {"enable-kvm", "", kNone, "", "the same as -accel kvm: the guest's code is translated",
     [](OptionParser& p, const std::string&) { return apply_accelerator(p, "kvm"); }},
    {"global", "", kList, "DRIVER.PROPERTY=VALUE", "a property of all devices of a kind", accept},
    {"boot", "", kList, "menu=on|off[,splash-time=MS][,...]", "what firmware is told (help lists it)",
     apply_boot},
    {"nodefaults", "", kNone, "", "no default network card, serial line and monitor",
     turn_on<&Options::no_defaults>},
    {"no-user-config", "nodefconfig", kNone, "", "accepted: there are no configuration files", accept},
    {"name", "", kList, "NAME", "a name for messages and the process list", apply_name},
    {"uuid", "", kRequired, "UUID", "identity of the machine, for firmware", apply_uuid},
    {"smbios", "", kList, "type=N[,FIELD=TEXT...]",
     "what firmware tells systems of the machine (type=1,help)", apply_smbios},
    {"usb", "", kNone, "", "accepted: it adds nothing to this machine", accept},
    {"no-acpi", "", kNone, "", "the same as -M acpi=off",
     [](OptionParser& p, const std::string&) {
       p.no_acpi = true;
       return Result<void>();
     }},
    {"no-hpet", "", kNone, "", "the same as -M hpet=off, on PCs",
     [](OptionParser& p, const std::string&) {
       p.no_hpet = true;
       return Result<void>();
     }},
    {"no-kvm", "", kNone, "", "accepted", accept},
    {"mem-prealloc", "", kNone, "", "accepted: the host gives memory as the guest touches it", accept},
    {"mem-path", "", kRequired, "PATH", "accepted: guest memory is in no file", apply_memory_path},
    {"overcommit", "", kList, "mem-lock=off,cpu-pm=on|off", "accepted", apply_overcommit},
    {"numa", "", kList, "node[,memdev=ID]", "one node, which is the whole machine", apply_numa},

    {"", "", kNone, "", "What to start", nullptr},
    {"kernel", "", kRequired, "FILE",
     "arm64 Image, plain, compressed (gzip, xz, lzma, zstd) or as EFI zboot image; ELF program; raw binary",
     take_file<&Options::kernel>},
    {"initrd", "", kRequired, "FILE", "initial RAM disk for the kernel", take_file<&Options::initrd>},
    {"append", "", kRequired, "TEXT", "the kernel's command line",
     [](OptionParser& p, const std::string& v) -> Result<void> {
       p.options.append = v;
       return {};
     }},
    {"dtb", "", kRequired, "FILE", "device tree to use instead of the machine's own",
     take_file<&Options::dtb>},
    {"fw_cfg", "", kList, "[name=]NAME,file=FILE|string=TEXT",
     "a file that firmware and systems find by its name (/sys/firmware/qemu_fw_cfg)", apply_firmware_file},
    {"semihosting", "", kNone, "", "serve a program's debugger calls: console, arguments, time, exit code",
     apply_semihosting},
    {"semihosting-config", "", kList, "enable=on|off[,folder=FOLDER][,arg=TEXT...][,PROPERTY=VALUE...]",
     "the same, with files of a folder and more (help lists the properties)", apply_semihosting_config},
    {"bios", "", kRequired, "FILE", "firmware for the first flash", take_file<&Options::bios>},
    {"pflash", "", kRequired, "FILE", "contents of the next flash, as -drive if=pflash", apply_flash_file},
    {"L", "", kRequired, "FOLDER", "where to look for -bios files", apply_firmware_folder},

    {"", "", kNone, "", "Disks (a file name alone is a disk, too)", nullptr},
    {"drive", "", kList, "file=FILE[,if=virtio|ide|floppy|none|pflash][,PROPERTY=VALUE...]",
     "a disk image, and with if=virtio the disk for it (help lists the properties)", apply_drive},
    {"blockdev", "", kList, "raw|file,node-name=ID,filename=FILE[,PROPERTY=VALUE...]",
     "a disk image for a device or a flash (help lists the properties)", apply_blockdev},
    {"hda", "", kRequired, "FILE", "first disk", apply_hard_disk<0>},
    {"hdb", "", kRequired, "FILE", "second disk", apply_hard_disk<1>},
    {"hdc", "", kRequired, "FILE", "third disk", apply_hard_disk<2>},
    {"hdd", "", kRequired, "FILE", "fourth disk", apply_hard_disk<3>},
    {"cdrom", "", kRequired, "FILE",
     "a CD, or where the machine has no drive for one, a disk that the guest cannot write", apply_cdrom},
    {"fda", "", kRequired, "FILE", "first floppy disk", apply_floppy<0>},
    {"fdb", "", kRequired, "FILE", "second floppy disk", apply_floppy<1>},
    {"snapshot", "", kNone, "", "keep disk images as they are: writes are gone after the run",
     turn_on<&Options::snapshot>},

    {"", "", kNone, "", "Devices and networks", nullptr},
    {"device", "", kList, "DEVICE[,PROPERTY=VALUE...]",
     "a device (help, and DEVICE,help, list what there is)", apply_device},
    {"object", "", kList, "KIND,id=ID[,PROPERTY=VALUE...]",
     "what devices and networks use: random numbers, memory, a record of a network (help lists them)",
     apply_object},
    {"netdev", "", kList, "user|tap|bridge|socket|stream|dgram,id=ID[,PROPERTY=VALUE...]",
     "a network for a device (help lists the properties)", apply_netdev},
    {"nic", "", kList, "user|tap|...[,PROPERTY=VALUE...]|none",
     "a network and the card for it, or no default card", apply_nic},
    {"net", "", kList, "nic|user|tap|...|none[,PROPERTY=VALUE...]", "the older spelling of -nic", apply_net},

    {"", "", kNone, "", "Consoles", nullptr},
    {"nographic", "", kNone, "", "no window; serial line and monitor share the terminal (Ctrl-A H helps)",
     turn_on<&Options::nographic>},
    {"display", "", kRequired, "none|curses",
     "no window, and nothing else on the terminal; or the screen of a PC on it", apply_display},
    {"curses", "", kNone, "", "-display curses", apply_curses},
    {"vga", "", kRequired, "none", "accepted: the machine has no graphics card", apply_vga},
    {"parallel", "", kRequired, "LINE", "where the parallel port of a PC prints, spelled as for -serial",
     apply_parallel},
    {"k", "", kRequired, "LAYOUT", "accepted: keys are those of a US keyboard", accept},
    {"audiodev", "", kList, "none,id=ID", "accepted: the machine has no sound", apply_audiodev},
    {"serial", "", kRequired, "LINE",
     "where the next serial line goes, of two: stdio (where Ctrl-C ends the emulator; with -nographic as "
     "mon:stdio), mon:stdio (with the monitor, Ctrl-C reaches the guest), null, file:PATH, pty, unix:PATH, "
     "tcp:HOST:PORT, telnet:HOST:PORT, udp:HOST:PORT, pipe:PATH, /dev/TTY, chardev:ID",
     apply_serial},
    {"debugcon", "", kRequired, "LINE", "a console at I/O port 0xe9 (x86), spelled as for -serial",
     apply_debug_console},
    {"monitor", "", kRequired, "LINE", "where the monitor goes, spelled as for -serial", apply_monitor},
    {"mon", "", kList, "chardev=ID", "the monitor on a character device", apply_mon},
    {"chardev", "", kList, "KIND,id=ID[,PROPERTY=VALUE...]",
     "a character device: stdio, null, file, socket, pty, udp, pipe, serial, testdev (help lists the "
     "properties)",
     apply_chardev},
    {"echr", "", kRequired, "CODE", "key that calls the emulator instead of the guest, 1 (Ctrl-A) by default",
     apply_escape},

    {"", "", kNone, "", "Time", nullptr},
    {"icount", "", kList, "shift=N|auto[,sleep=on|off]",
     "guest time counts instructions, 2^N ns each: two runs are the same (random numbers then come from "
     "-seed, the "
     "calendar starts in 2026 unless -rtc says otherwise, and default networks have no IPv6)",
     apply_icount},
    {"rtc", "", kList, "base=utc|localtime|DATE,clock=host|rt|vm",
     "what the guest's calendar starts with, and goes by", apply_rtc},
    {"localtime", "", kNone, "", "the same as -rtc base=localtime",
     [](OptionParser& p, const std::string&) { return apply_rtc(p, "base=localtime"); }},
    {"startdate", "", kRequired, "DATE", "the same as -rtc base=DATE",
     [](OptionParser& p, const std::string& date) { return apply_rtc(p, "base=" + date); }},
    {"seed", "", kRequired, "N", "random numbers that the guest is given follow from this number",
     apply_seed},

    {"", "", kNone, "", "Running", nullptr},
    {"S", "", kNone, "", "wait for the debugger or the monitor before the first instruction",
     turn_on<&Options::start_stopped>},
    {"gdb", "", kRequired, "tcp::PORT|tcp:HOST:PORT|unix:PATH", "listen there for GDB", apply_gdb},
    {"s", "", kNone, "", "the same as -gdb tcp::1234", apply_gdb_default},
    {"no-reboot", "", kNone, "", "exit when the guest restarts", turn_on<&Options::exit_on_reset>},
    {"no-shutdown", "", kNone, "", "stop, and do not exit, when the guest powers off", apply_no_shutdown},
    {"action", "", kList, "reboot=reset|shutdown,shutdown=poweroff|pause", "the same two, spelled in one",
     apply_action},
    {"watchdog", "", kRequired, "i6300esb", "the same as -device i6300esb",
     [](OptionParser& p, const std::string& name) { return apply_device(p, name); }},
    {"watchdog-action", "", kRequired, "reset|shutdown|poweroff|pause|debug|none",
     "what is done when a watchdog has expired; reset by default", apply_watchdog_action},
    {"daemonize", "", kNone, "", "go on in the background once the machine is ready",
     turn_on<&Options::daemonize>},
    {"msg", "", kList, "timestamp=on|off,guest-name=on|off", "accepted", apply_message_form},
    {"sandbox", "", kList, "on|off[,...]", "on: accepted with a warning, since there is none", apply_sandbox},
    {"pidfile", "", kRequired, "FILE", "write the process number there", take_file<&Options::pid_file>},

    {"", "", kNone, "", "Looking inside", nullptr},
    {"d", "", kList, "ITEM[,ITEM...]", "log these (help lists them)", apply_traces},
    {"D", "", kRequired, "FILE", "log there instead of standard error", take_file<&Options::log_file>},
    {"dfilter", "", kRequired, "RANGE[,RANGE...]",
     "log code of these guest addresses only: FIRST..LAST, START+SIZE or END-SIZE", apply_trace_ranges},
    {"stats", "", kAttached, "json|FILE",
     "figures of the run at its end, as a table, as JSON, or as JSON in a file", apply_stats},
    {"help", "h", kNone, "", "this text", apply_help},
    {"version", "", kNone, "", "name and version", apply_version},
};

const OptionRow* find_option(std::string_view name) {
  if (name.empty()) return nullptr;
  for (const OptionRow& row : kOptions)
    if (row.name == name || row.alias == name) return &row;
  return nullptr;
}

std::string unknown_option(std::string_view argument, std::string_view name) {
  if (const size_t equals = name.find('='); equals != std::string_view::npos) {
    const std::string_view front = name.substr(0, equals);
    if (const OptionRow* row = find_option(front))
      return "'" + std::string(argument) + "' is not understood; write -" + std::string(front) +
             (row->argument != kNone ? " " + std::string(name.substr(equals + 1)) : std::string());
    name = front;
  }
  if (const std::string_view reason = refused_option(name); !reason.empty())
    return "option '-" + std::string(name) + "' is not supported: " + std::string(reason);
  std::vector<std::string_view> names;
  for (const OptionRow& row : kOptions) {
    if (!row.name.empty()) names.push_back(row.name);
    if (!row.alias.empty()) names.push_back(row.alias);
  }
  if (known_elsewhere(Known::kOption, name))
    return "option '-" + std::string(name) +
           "' is not supported yet; leave it out (-help lists what there is)";
  return "option '" + std::string(argument) + "' is not known" + suggestion(name, names, "-") +
         " (-help lists all)";
}

bool is_option(std::string_view argument) { return argument.size() >= 2 && argument[0] == '-'; }
std::string_view option_name(std::string_view argument) {
  return argument.substr(argument.starts_with("--") ? 2 : 1);
}
bool takes_next(const OptionRow& row) { return row.argument == kRequired || row.argument == kList; }

// The argument of arguments[i] would be the option that follows it.
std::string missing_value(std::span<const std::string_view> arguments, size_t i, const OptionRow& row) {
  const std::string option(arguments[i]), next(arguments[i + 1]);
  const OptionRow* after = find_option(option_name(next));
  // "-kernel -nographic Image"
  const bool swapped =
      after && !takes_next(*after) && i + 2 < arguments.size() && !is_option(arguments[i + 2]);
  const std::string begin =
      "option '" + option + "' needs an argument, and the option '" + next + "' follows it; ";
  if (swapped) return begin + "write " + option + " " + host::shell_quoted(arguments[i + 2]) + " " + next;
  return begin + "write " + option + " " + std::string(row.form);
}

// One argument that is no option, and what it most likely is when it is no disk.
Result<void> parse_disk(OptionParser& parser, std::span<const std::string_view> arguments, size_t i,
                        unsigned number) {
  if (arguments[i].empty()) return Error{"an argument is empty; check the quotes of the command line"};
  // The words since the last option and its argument, up to the next option.
  size_t first = i, end = i + 1;
  while (first > 0 && !is_option(arguments[first - 1])) --first;
  while (end < arguments.size() && !is_option(arguments[end])) ++end;
  OptionBefore before;
  if (first > 0) {
    if (const OptionRow* row = find_option(option_name(arguments[first - 1]))) {
      before.name = option_name(arguments[first - 1]);
      before.takes_value = takes_next(*row);
      before.properties = row->argument == kList;
      before.file = row->form == "FILE";
      if (before.takes_value) before.value = arguments[first++];
    }
  }
  StrayWords stray = explain_stray_words(before, arguments.subspan(first, end - first), i - first);
  if (!stray.certain.empty()) return Error{stray.certain};
  if (auto ok = apply_disk_file(parser, std::string(arguments[i]), number, false); !ok) return ok;
  parser.options.drives.back().if_absent = std::move(stray.if_absent);
  return {};
}

// -global comes first: it is about devices before and behind it, and -M before those.
Result<void> apply_globals(OptionParser& parser, std::span<const std::string_view> arguments) {
  for (size_t i = 0; i < arguments.size(); ++i) {
    if (!is_option(arguments[i])) continue;
    const std::string_view name = option_name(arguments[i]);
    const OptionRow* row = find_option(name);
    if (!row || !takes_next(*row) || ++i == arguments.size()) continue;
    if (name != "global") continue;
    if (auto ok = apply_global(parser, std::string(arguments[i])); !ok) return ok;
  }
  return {};
}

Result<void> parse_into(OptionParser& parser, std::span<const std::string_view> arguments) {
  if (auto ok = apply_globals(parser, arguments); !ok) return ok;
  unsigned disks = 0;
  for (size_t i = 0; i < arguments.size() && !parser.options.print; ++i) {
    const std::string_view argument = arguments[i];
    if (!is_option(argument)) {
      if (auto ok = parse_disk(parser, arguments, i, disks++); !ok) return ok;
      continue;
    }
    const std::string_view name = option_name(argument);
    const size_t equals = name.find('=');
    const OptionRow* row = find_option(name);
    std::string value;
    if (!row && equals != std::string_view::npos) {
      row = find_option(name.substr(0, equals));
      if (row && row->argument != kAttached) row = nullptr;
      value = name.substr(equals + 1);
    }
    if (!row) return Error{unknown_option(argument, name)};
    if (takes_next(*row)) {
      if (i + 1 == arguments.size())
        return Error{"option '" + std::string(argument) + "' needs an argument: " + std::string(row->form)};
      if (is_option(arguments[i + 1]) && find_option(option_name(arguments[i + 1])))
        return Error{missing_value(arguments, i, *row)};
      value = arguments[++i];
      // "-device virtio-rng-device, rng=r"
      if (row->argument == kList && value.ends_with(',') && !value.ends_with(",,") &&
          i + 1 < arguments.size() && !is_option(arguments[i + 1]))
        return parse_disk(parser, arguments, i + 1, disks);
    }
    if (auto ok = row->apply(parser, value); !ok) return ok;
  }
  return parser.options.print ? Result<void>() : parser.finish();
}

// Fills a paragraph from column `indent` to 100.
std::string wrapped(std::string_view text, size_t indent) {
  std::string out;
  size_t column = indent;
  while (!text.empty()) {
    const size_t n = std::min(text.find(' '), text.size());
    if (column > indent && column + n > 100) {
      out += "\n" + std::string(indent, ' ');
      column = indent;
    } else if (column > indent) {
      out += ' ';
      ++column;
    }
    out += text.substr(0, n);
    column += n;
    text.remove_prefix(std::min(n + 1, text.size()));
  }
  return out;
}

// The architectures that there are boards for.
std::string guests() {
  std::vector<std::string_view> names;
  for (const Board* board : boards())
    if (std::find(names.begin(), names.end(), board->guest) == names.end()) names.push_back(board->guest);
  return joined(names);
}

}  // namespace

Result<Options> parse_options(std::span<const std::string_view> arguments) {
  OptionParser parser;
  if (auto ok = parse_into(parser, arguments); !ok) return ok.error();
  return std::move(parser.options);
}

std::string version_text() { return fmt::format("mynah {} ({} guests)\n", MYNAH_VERSION, guests()); }

std::string help_text() {
  constexpr size_t kColumn = 14;
  std::string text = fmt::format(
      "{}usage: mynah [OPTION...] [DISK-IMAGE]\n\n"
      "Runs operating systems for {}. Options start with - or --.\n",
      version_text(), guests());
  for (const OptionRow& row : kOptions) {
    if (row.name.empty()) {
      text += "\n" + std::string(row.help) + "\n";
      continue;
    }
    std::string left = "  -" + std::string(row.name);
    if (!row.alias.empty()) left += ", -" + std::string(row.alias);
    if (row.argument == kRequired) left += " " + std::string(row.form);
    if (row.argument == kAttached) left += "[=" + std::string(row.form) + "]";
    text += left + "\n" + std::string(kColumn, ' ') + wrapped(row.help, kColumn) + "\n";
  }
  return text;
}

}  // namespace mynah::app
