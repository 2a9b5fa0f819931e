// SPDX-License-Identifier: Apache-2.0
//
// The boards `pc` and `q35` as ACPI describes it.
#pragma once

#include <cstdint>

#include "machines/acpi/tables.h"
#include "machines/pc_chipset.h"

namespace mynah {

struct PcDescription {
  const PcChipsetFacts* chipset = &kI440FxFacts;
  unsigned processors = 1;
  bool second_serial = false, parallel = false, hpet = false;
  uint64_t pci_memory = 0;  // from where on memory below 4 GiB is PCI's
  uint16_t power_base = 0;  // of power management's ports, where firmware has placed them; else 0
};

acpi::Description describe_pc(const PcDescription& description);

}  // namespace mynah
