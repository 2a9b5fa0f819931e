// SPDX-License-Identifier: Apache-2.0
//
// The device tree that the board `virt` makes of itself.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "frontend/arm/cpu_models.h"
#include "machines/machine_config.h"

namespace mynah {

struct VirtPciWindows {
  uint64_t config = 0, config_size = 0;
  bool high_memory = false;
  bool messages = false;  // there is something that takes them
};

struct VirtTreeInput {
  const MachineConfig& config;
  const arm::CpuModel& cpu;
  std::span<const uint64_t> affinities;  // of the processors
  unsigned gic_version;
  bool its;
  const VirtPciWindows& pci;
  uint64_t initrd_start, initrd_end;  // equal: there is none
};

std::vector<uint8_t> make_virt_tree(const VirtTreeInput& input);

}  // namespace mynah
