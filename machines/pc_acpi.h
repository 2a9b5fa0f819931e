// SPDX-License-Identifier: Apache-2.0
//
// The board `pc` as ACPI describes it.
#pragma once

#include <cstdint>

#include "machines/acpi/tables.h"

namespace mynah {

struct PcDescription {
  unsigned processors = 1;
  bool second_serial = false, parallel = false, hpet = false;
  uint64_t pci_memory = 0;  // from where on memory below 4 GiB is PCI's
};

acpi::Description describe_pc(const PcDescription& description);

}  // namespace mynah
