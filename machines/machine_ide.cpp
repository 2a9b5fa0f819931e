// SPDX-License-Identifier: Apache-2.0
//
// Disks and CDs on IDE and AHCI: finds their place on the machine's buses, or says why it is not to be had.
#include <fmt/format.h>

#include "machines/machine.h"

namespace mynah {

void Machine::add_ide_controller(dev::IdeController& controller, const std::string& name,
                                 const std::string& path) {
  for (unsigned n = 0; n < controller.buses(); ++n)
    ide_buses_.push_back(
        {name.empty() ? fmt::format("ide.{}", unnamed_ide_buses_++) : fmt::format("{}.{}", name, n), path,
         &controller, n});
}

Result<void> Machine::add_ide(const IdeFactory& make, const IdePlace& place) {
  if (ide_buses_.empty())
    return Error{"the machine has no IDE; add -device ich9-ahci where it has PCI, or use virtio-blk"};
  const auto names = [this] {
    std::string text;
    for (const IdeBus& bus : ide_buses_) text += (text.empty() ? "" : ", ") + bus.name;
    return text;
  };
  unsigned number = 0;  // of places before
  const IdeBus* found = nullptr;
  unsigned unit = 0;
  bool known = false;
  for (const IdeBus& bus : ide_buses_) {
    const unsigned units = bus.controller->units();
    const bool meant = place.index ? *place.index >= number && *place.index < number + units
                                   : place.bus.empty() || place.bus == bus.name;
    known |= meant;
    if (meant && place.unit && *place.unit >= units && !place.bus.empty())
      return error("the IDE bus '{}' has {}; there is no unit={}", bus.name,
                   units == 1 ? "unit 0 alone" : "units 0 and 1", *place.unit);
    for (unsigned n = 0; n < units && meant && !found; ++n) {
      const bool fits = place.index ? *place.index == number + n : !place.unit || *place.unit == n;
      if (!fits || bus.controller->drive(bus.number, n)) continue;
      found = &bus;
      unit = n;
      number += n;
    }
    if (found) break;
    number += units;
  }
  if (!known && place.index) return error("the machine has {} places for IDE disks, from 0", number);
  if (!known) return error("there is no IDE bus '{}'; there are {}", place.bus, names());
  if (!found)
    return error("there is no free place for it on {}; the IDE buses are {}",
                 place.bus.empty() ? "the IDE buses" : "the IDE bus '" + place.bus + "'", names());
  found->controller->plug_drive(found->number, unit, make(number + 1, log_));
  return add_boot_path({place.boot_index, fmt::format("disk@{:x}", unit)},
                       fmt::format("{}/drive@{:x}", found->path, found->number));
}

}  // namespace mynah
