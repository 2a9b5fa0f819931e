// SPDX-License-Identifier: Apache-2.0
//
// A processor that only remembers what its local APIC told it, for unit tests and fuzz targets.
#pragma once

#include <vector>

#include "devices/intc/local_apic.h"

namespace mynah::dev::fake {

struct ApicCpu final : ApicProcessor {
  void interrupt_changed() override { ++changes; }
  void nmi() override { ++nmis; }
  void init() override { ++inits; }
  void start_up(uint8_t vector) override { start_ups.push_back(vector); }

  unsigned changes = 0, nmis = 0, inits = 0;
  std::vector<uint8_t> start_ups;
};

}  // namespace mynah::dev::fake
