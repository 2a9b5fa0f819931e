// SPDX-License-Identifier: Apache-2.0
//
// What ACPI's DSDT says of the board `microvm`: the devices that no system finds by itself.
#pragma once

#include <vector>

#include "machines/acpi/aml.h"

namespace mynah {

struct MicrovmDescription {
  struct Virtio {
    unsigned slot, gsi;
  };
  bool second_serial = false;
  bool rtc = true;
  bool fw_cfg = true;
  bool pci = false;
  std::vector<Virtio> virtio;  // slots that have a device
};

acpi::Bytes describe_microvm(const MicrovmDescription& description);

}  // namespace mynah
