// SPDX-License-Identifier: Apache-2.0
//
// What the files of the command-line parser share. An apply function gets the option's argument.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "app/key_values.h"
#include "app/options.h"
#include "app/text.h"
#include "devices/host/option_text.h"

namespace mynah::app {

enum class ObjectKind : uint8_t { kRandom, kMemory, kDump, kThread };
struct ObjectOption {
  ObjectKind kind = ObjectKind::kRandom;
  std::string id;
  uint64_t size = 0;         // kMemory, bytes
  std::string path, netdev;  // kDump
  uint32_t longest = 65536;  // kDump
};

// One -net: a card, or a network with its properties behind its kind.
struct OldNet {
  std::string vlan;
  DeviceOption card;  // of a network: `netdev` alone, once it has a card
  std::vector<std::string> parts = {};
};

// Options under construction: what only later options decide is kept here until finish().
struct OptionParser {
  Options options;
  bool network_given = false;                   // any of -nic, -netdev, -net: no default network card
  std::vector<OldNet> old_cards, old_networks;  // -net
  std::optional<std::string> cpu;               // -cpu
  std::string machine_flash[2];                 // -M pflash0=ID, pflash1=ID
  bool numa_node = false;
  bool no_acpi = false, no_hpet = false;  // whatever -M says, before or behind
  std::vector<ObjectOption> objects;
  std::string memory_backend;  // -M memory-backend=ID
  // -global: properties of all devices of a driver, "driver" and "property=value".
  std::vector<std::pair<std::string, std::string>> globals;
  // Network cards of -nic, before all -device; without a row: what the board has.
  std::vector<DeviceOption> default_devices;

  void print(std::string text) {
    if (!options.print) options.print = std::move(text);
  }
  // Checks what concerns several options, and makes the devices that drives and networks imply.
  Result<void> finish();
  Result<void> make_cards();
  std::string virtio_form(std::string_view kind) const;
  Result<void> choose_cpu();  // finish()'s parts in options_board.cpp
  Result<void> place_machine_flashes();
  Result<void> choose_processors();  // in options_smp.cpp
  Result<void> join_old_networks();  // in options_nets.cpp
  void continue_card(OldNet& card, OldNet& network);
  Result<void> check_objects();  // in options_objects.cpp
  // A device's own properties behind those that -global has for it.
  std::string with_globals(std::string_view driver, const std::string& properties) const;
  void say_what_runs_instead(bool cpu_is_host);  // and in options_accelerator.cpp
};

// options_board.cpp
Result<void> apply_machine(OptionParser&, const std::string&);
Result<void> apply_cpu(OptionParser&, const std::string&);

// options_machine.cpp
Result<void> apply_memory(OptionParser&, const std::string&);
Result<void> apply_icount(OptionParser&, const std::string&);
Result<void> apply_rtc(OptionParser&, const std::string&);
Result<void> apply_uuid(OptionParser&, const std::string&);
Result<void> apply_name(OptionParser&, const std::string&);
Result<void> apply_action(OptionParser&, const std::string&);

// options_accelerator.cpp
Result<void> apply_accelerator(OptionParser&, const std::string&);
std::string set_accelerator(Options&, const std::string&);  // as a setter of a table

// options_smp.cpp
Result<void> apply_smp(OptionParser&, const std::string&);

// options_drives.cpp
Result<void> apply_drive(OptionParser&, const std::string&);
Result<void> apply_disk_file(OptionParser&, const std::string& file, unsigned index, bool cdrom);
Result<void> apply_floppy_file(OptionParser&, const std::string& file, unsigned unit);
Result<void> place_legacy_disks(Options& options);
Result<void> check_flash(Options&);  // finish()'s part: gives each its flash
// Setters of tables, as all spellings of a disk have them.
std::string set_drive_discard(DriveOption&, const std::string&);
std::string set_drive_aio(DriveOption&, const std::string&);
std::string set_drive_locking(DriveOption&, const std::string&);
std::string set_detect_zeroes(DriveOption&, const std::string&);

// options_blockdev.cpp
Result<void> apply_blockdev(OptionParser&, const std::string&);

// options_accepted.cpp
Result<void> apply_boot(OptionParser&, const std::string&);
Result<void> apply_message_form(OptionParser&, const std::string&);
Result<void> apply_overcommit(OptionParser&, const std::string&);
Result<void> apply_sandbox(OptionParser&, const std::string&);
Result<void> apply_numa(OptionParser&, const std::string&);
Result<void> apply_memory_path(OptionParser&, const std::string&);
Result<void> apply_watchdog_action(OptionParser&, const std::string&);
std::string set_watchdog_action(Options&, const std::string&);  // as a setter of a table
Result<void> apply_vga(OptionParser&, const std::string&);
Result<void> apply_parallel(OptionParser&, const std::string&);
Result<void> check_parallel(const Options&);
Result<void> apply_audiodev(OptionParser&, const std::string&);

// options_smbios.cpp
Result<void> apply_smbios(OptionParser&, const std::string&);

// options_global.cpp
Result<void> apply_global(OptionParser&, const std::string&);

// options_devices.cpp
Result<void> apply_device(OptionParser&, const std::string&);
bool is_device(std::string_view name);
Result<const DeviceRow*> find_network_card(const std::string& model);  // as model= names it
std::string network_card_list();

// options_objects.cpp
Result<void> apply_object(OptionParser&, const std::string&);

// options_board_parts.cpp
Result<void> attach_board_parts(Options&);  // finish()'s part

// options_boot.cpp
Result<void> apply_loader(OptionParser&, std::string_view properties);  // -device loader
Result<void> apply_firmware_file(OptionParser&, const std::string&);
Result<void> apply_semihosting(OptionParser&, const std::string&);
Result<void> apply_semihosting_config(OptionParser&, const std::string&);

// options_nets.cpp
Result<void> apply_netdev(OptionParser&, const std::string&);
Result<void> apply_nic(OptionParser&, const std::string&);
Result<void> apply_net(OptionParser&, const std::string&);

// options_host.cpp
Result<void> apply_display(OptionParser&, const std::string&);
Result<void> apply_curses(OptionParser&, const std::string&);
Result<void> apply_gdb(OptionParser&, const std::string&);

// options_chars.cpp
Result<void> apply_chardev(OptionParser&, const std::string&);
Result<void> apply_debug_console(OptionParser&, const std::string&);
Result<void> apply_serial(OptionParser&, const std::string&);
Result<void> apply_monitor(OptionParser&, const std::string&);
Result<void> apply_mon(OptionParser&, const std::string&);

// options_trace.cpp
Result<void> apply_traces(OptionParser&, const std::string&);
Result<void> apply_trace_ranges(OptionParser&, const std::string&);
Result<void> apply_stats(OptionParser&, const std::string&);

std::optional<std::array<uint8_t, 16>> parse_uuid(const std::string& value);
std::optional<MacAddress> parse_mac(std::string_view text);
MacAddress default_mac(unsigned index);

// Reads a list of properties, or prints what there are.
template <typename T, size_t N>
Result<void> keys_or_help(OptionParser& p, std::string_view value, const KeyListSyntax& syntax,
                          const KeyRow<T> (&rows)[N], T& to) {
  const auto list = apply_keys(value, syntax, rows, to);
  if (!list) return list.error();
  if (*list == KeyList::kHelp) p.print(key_help(syntax.what, key_names(std::span<const KeyRow<T>>(rows))));
  return {};
}

// Setters for tables of properties: empty, or what the value must be.
template <typename T, std::string T::*member>
std::string set_text(T& to, const std::string& value) {
  to.*member = value;
  return {};
}
template <typename T, bool T::*member>
std::string set_on_off(T& to, const std::string& value) {
  const auto on = host::parse_switch(value);
  if (!on) return "on or off";
  to.*member = *on;
  return {};
}
// A property that says what is the case here anyway, or has no effect here.
template <typename T>
std::string set_nothing(T&, const std::string&) {
  return {};
}
// A switch that can only be off, or only be on.
template <typename T>
std::string only_off(T&, const std::string& value) {
  return host::parse_switch(value) == false ? "" : "only off here, because this machine does not have it";
}
template <typename T>
std::string only_on(T&, const std::string& value) {
  return host::parse_switch(value) == true ? "" : "only on here";
}

}  // namespace mynah::app
