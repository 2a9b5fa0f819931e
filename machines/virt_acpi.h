// SPDX-License-Identifier: Apache-2.0
//
// What the board `virt` says of itself by ACPI, to systems that firmware starts.
#pragma once

#include <span>
#include <vector>

#include "machines/acpi/table_set.h"
#include "machines/machine_config.h"
#include "machines/virt_tree.h"

namespace mynah {

struct VirtAcpiInput {
  const ProcessorConfig& processors;
  std::span<const uint64_t> affinities;  // of those that are there
  bool pmu;
  unsigned gic_version;
  bool its;
  const VirtPciWindows& pci;
  bool second_serial;
  std::vector<unsigned> virtio_slots;  // that have a device
};

acpi::TableSet describe_virt(const VirtAcpiInput& input);

}  // namespace mynah
