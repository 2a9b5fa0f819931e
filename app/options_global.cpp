// SPDX-License-Identifier: Apache-2.0
//
// -global DRIVER.PROPERTY=VALUE: what every device of a kind gets unless it says otherwise. Those of the
// board's own devices are in its description; what names no device of the machine is passed over, as scripts
// that serve several machines expect.
#include <fmt/format.h>

#include <algorithm>

#include "app/options_parser.h"
#include "app/text.h"

namespace mynah::app {

Result<void> apply_global(OptionParser& p, const std::string& value) {
  std::string driver, property, to;
  if (const size_t dot = value.find('.'), equals = value.find('=');
      equals != std::string::npos && dot < equals) {
    // The last dot, since "cfi.pflash01" is a driver.
    const size_t last = value.rfind('.', equals);
    driver = value.substr(0, last);
    property = value.substr(last + 1, equals - last - 1);
    to = value.substr(equals + 1);
  } else {
    for (const std::string& part : host::split_options(value)) {
      const host::KeyValue pair = host::split_key_value(part);
      if (pair.key == "driver") driver = pair.value.value_or("");
      if (pair.key == "property") property = pair.value.value_or("");
      if (pair.key == "value") to = pair.value.value_or("");
    }
  }
  if (driver.empty() || property.empty())
    return Error{"-global '" + value + "' is not understood; write DRIVER.PROPERTY=VALUE"};
  for (const BoardProperty& known : p.options.board->device_properties) {
    if (known.name != driver + "." + property) continue;
    const auto on = host::parse_switch(to.empty() ? std::optional<std::string>() : to);
    if (!on || (known.values == "off" && *on))
      return error(
          "-global {}: {} takes {}", value, property,
          known.values == "off" ? "only off here, because this machine does not have it" : "on or off");
    p.options.board_choice.properties.emplace_back(known.name, *on ? "on" : "off");
    return {};
  }
  // Floppy disks once were the controller's.
  if (driver == "isa-fdc" && (property == "driveA" || property == "driveB"))
    return apply_device(p, fmt::format("floppy,unit={},drive={}", property.back() - 'A', to));
  if (is_device(driver)) {
    std::string escaped;
    for (char c : to) escaped.append(c == ',' ? 2 : 1, c);
    p.globals.emplace_back(driver, property + "=" + escaped);
    return {};
  }
  p.options.warnings.push_back(fmt::format(
      "-global {}: the machine has no device '{}' with such a property; it is passed over", value, driver));
  return {};
}

std::string OptionParser::with_globals(std::string_view driver, const std::string& properties) const {
  std::string all;
  for (const auto& [name, property] : globals)
    if (name == driver) all += property + ",";
  all += properties;
  if (all.ends_with(',') && properties.empty()) all.pop_back();
  return all;
}

}  // namespace mynah::app
