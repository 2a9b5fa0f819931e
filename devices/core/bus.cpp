// SPDX-License-Identifier: Apache-2.0
//
// Windows are kept sorted, and an access looks at one by binary search. An overlap is the board's mistake and
// aborts.
#include "devices/core/bus.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

namespace mynah::dev {

void Bus::map(uint64_t base, uint64_t size, Device& device) {
  const auto next = std::lower_bound(windows_.begin(), windows_.end(), base,
                                     [](const Window& w, uint64_t pa) { return w.base < pa; });
  // Written with "last byte" so that a window may end at the very top of the address space.
  const uint64_t last = base + (size - 1);
  const bool good = size != 0 && last >= base && (next == windows_.end() || last < next->base) &&
                    (next == windows_.begin() || (next - 1)->base + ((next - 1)->size - 1) < base);
  if (!good) {
    fmt::print(stderr, "bus: window of {} at {:#x}, size {:#x}, is empty or overlaps\n", device.name(), base,
               size);
    std::abort();
  }
  windows_.insert(next, {base, size, &device});
}

const Bus::Window* Bus::find(uint64_t pa, unsigned n) const {
  const auto after = std::upper_bound(windows_.begin(), windows_.end(), pa,
                                      [](uint64_t at, const Window& w) { return at < w.base; });
  if (after == windows_.begin()) return nullptr;
  const Window& w = *(after - 1);
  const uint64_t offset = pa - w.base;
  return offset < w.size && n <= w.size - offset ? &w : nullptr;
}

std::optional<uint64_t> Bus::read(uint64_t pa, Width width) const {
  if (const Window* w = find(pa, bytes(width))) return w->device->read(pa - w->base, width);
  if (!rest_ || find(pa, 1)) return std::nullopt;
  return rest_->read(pa, width);
}

bool Bus::write(uint64_t pa, Width width, uint64_t value) const {
  const Window* w = find(pa, bytes(width));
  if (!w && (!rest_ || find(pa, 1))) return false;
  if (w)
    w->device->write(pa - w->base, width, value);
  else
    rest_->write(pa, width, value);
  return true;
}

}  // namespace mynah::dev
