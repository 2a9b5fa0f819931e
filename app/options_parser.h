// SPDX-License-Identifier: Apache-2.0
//
// What the files of the command-line parser share. An apply function gets the option's argument and returns
// an empty string or the sentence that says what is wrong.
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
  std::optional<std::string> cpu;             // -cpu
  std::vector<DeviceOption> default_devices;  // network cards of -nic, after all -device

  void print(std::string text) {
    if (!options.print) options.print = std::move(text);
  }
  // Checks what concerns several options, and makes the devices that drives and networks imply.
  std::string finish();
  std::string choose_cpu();  // finish()'s part in options_machine.cpp
};

// options_machine.cpp
std::string apply_machine(OptionParser&, const std::string&);
std::string apply_cpu(OptionParser&, const std::string&);
std::string apply_smp(OptionParser&, const std::string&);
std::string apply_memory(OptionParser&, const std::string&);
std::string apply_accelerator(OptionParser&, const std::string&);
std::string apply_icount(OptionParser&, const std::string&);
std::string apply_rtc(OptionParser&, const std::string&);
std::string apply_uuid(OptionParser&, const std::string&);
std::string apply_name(OptionParser&, const std::string&);
std::string apply_action(OptionParser&, const std::string&);

// options_devices.cpp
std::string apply_drive(OptionParser&, const std::string&);
std::string apply_disk_file(OptionParser&, const std::string& file, unsigned index, bool cdrom);
std::string apply_device(OptionParser&, const std::string&);
// Why a device that is not here can not be, where a bus is the reason; else empty.
std::string needs_pci(const std::string& name);
std::string apply_object(OptionParser&, const std::string&);

// options_host.cpp
std::string apply_netdev(OptionParser&, const std::string&);
std::string apply_nic(OptionParser&, const std::string&);
std::string apply_net(OptionParser&, const std::string&);
std::string apply_chardev(OptionParser&, const std::string&);
std::string apply_serial(OptionParser&, const std::string&);
std::string apply_monitor(OptionParser&, const std::string&);
std::string apply_mon(OptionParser&, const std::string&);
std::string apply_display(OptionParser&, const std::string&);
std::string apply_gdb(OptionParser&, const std::string&);

// options_trace.cpp
std::string apply_traces(OptionParser&, const std::string&);
std::string apply_trace_ranges(OptionParser&, const std::string&);
std::string apply_stats(OptionParser&, const std::string&);

std::optional<MacAddress> parse_mac(std::string_view text);
MacAddress default_mac(unsigned index);

// Setters for tables of properties.
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
