// SPDX-License-Identifier: Apache-2.0
//
// Bus: maps physical address windows to devices. Windows do not overlap. RAM is not on this bus: the engine
// resolves it first and comes here only for device accesses.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "devices/core/device.h"

namespace mynah::dev {

class Bus {
 public:
  // Asserts that the window does not overlap another one.
  void map(uint64_t base, uint64_t size, Device& device);
  // What has all addresses at which no window begins or goes on; its offsets are addresses.
  void map_rest(Device& device) { rest_ = &device; }
  // An access that leaves the window it starts in, or hits none, finds nothing: the guest gets an external
  // abort. Width is 1, 2, 4 or 8.
  std::optional<uint64_t> read(uint64_t pa, Width width) const;
  bool write(uint64_t pa, Width width, uint64_t value) const;

  struct Window {
    uint64_t base, size;
    Device* device;
  };
  const std::vector<Window>& windows() const { return windows_; }

 private:
  const Window* find(uint64_t pa, unsigned n) const;
  std::vector<Window> windows_;  // sorted by base
  Device* rest_ = nullptr;
};

}  // namespace mynah::dev
