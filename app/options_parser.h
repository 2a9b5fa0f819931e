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

// Options under construction: what only later options decide is kept here until finish().
struct OptionParser {
  Options options;
  bool network_given = false;                     // any of -nic, -netdev, -net: no default network card
  bool legacy_card = false, legacy_user = false;  // -net nic, -net user
  std::string legacy_user_text;
  std::optional<MacAddress> legacy_mac;
  const DeviceRow* legacy_model = nullptr;
  std::optional<std::string> cpu;             // -cpu
  std::vector<DeviceOption> default_devices;  // network cards of -nic, before all -device

  void print(std::string text) {
    if (!options.print) options.print = std::move(text);
  }
  // Checks what concerns several options, and makes the devices that drives and networks imply.
  Result<void> finish();
  Result<void> make_cards();
  Result<void> choose_cpu();         // finish()'s part in options_machine.cpp
  Result<void> choose_processors();  // in options_smp.cpp
};

// options_machine.cpp
Result<void> apply_machine(OptionParser&, const std::string&);
Result<void> apply_cpu(OptionParser&, const std::string&);
Result<void> apply_memory(OptionParser&, const std::string&);
Result<void> apply_accelerator(OptionParser&, const std::string&);
Result<void> apply_icount(OptionParser&, const std::string&);
Result<void> apply_rtc(OptionParser&, const std::string&);
Result<void> apply_uuid(OptionParser&, const std::string&);
Result<void> apply_name(OptionParser&, const std::string&);
Result<void> apply_action(OptionParser&, const std::string&);

// options_smp.cpp
Result<void> apply_smp(OptionParser&, const std::string&);

// options_drives.cpp
Result<void> apply_drive(OptionParser&, const std::string&);
Result<void> apply_disk_file(OptionParser&, const std::string& file, unsigned index, bool cdrom);
Result<void> check_flash(Options&);  // finish()'s part: gives each its flash

// options_devices.cpp
Result<void> apply_device(OptionParser&, const std::string&);
Result<const DeviceRow*> find_network_card(const std::string& model);  // as model= names it
std::string network_card_list();
Result<void> apply_object(OptionParser&, const std::string&);

// options_boot.cpp
Result<void> apply_loader(OptionParser&, std::string_view properties);  // -device loader
Result<void> apply_firmware_file(OptionParser&, const std::string&);
Result<void> apply_semihosting(OptionParser&, const std::string&);
Result<void> apply_semihosting_config(OptionParser&, const std::string&);

// options_host.cpp
Result<void> apply_netdev(OptionParser&, const std::string&);
Result<void> apply_nic(OptionParser&, const std::string&);
Result<void> apply_net(OptionParser&, const std::string&);
Result<void> apply_chardev(OptionParser&, const std::string&);
Result<void> apply_serial(OptionParser&, const std::string&);
Result<void> apply_monitor(OptionParser&, const std::string&);
Result<void> apply_mon(OptionParser&, const std::string&);
Result<void> apply_display(OptionParser&, const std::string&);
Result<void> apply_gdb(OptionParser&, const std::string&);

// options_trace.cpp
Result<void> apply_traces(OptionParser&, const std::string&);
Result<void> apply_trace_ranges(OptionParser&, const std::string&);
Result<void> apply_stats(OptionParser&, const std::string&);

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
