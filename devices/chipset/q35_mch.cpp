// SPDX-License-Identifier: Apache-2.0
//
// PCIEXBAR is 64 bits wide: bits 35 to 28 of an address, down to 26 where the window is smaller; its size.
#include "devices/chipset/q35_mch.h"

#include <utility>

namespace mynah::dev {

namespace {
constexpr uint32_t kSizeShift = 1, kSizeMask = 3;
constexpr uint64_t kMost = uint64_t{1} << 36;
}  // namespace

Q35Mch::Q35Mch(Changed changed, Device& ecam, Log& log)
    : PamBridge("mch", {.vendor = 0x8086, .device = 0x29c0, .class_code = 0x060000}, kPam0, kSmram,
                std::move(changed), log),
      ecam_(ecam) {
  add_range(0, pci::Space::kMemory, kPciexbarSize);
  set_config(kPciexbar, 4, static_cast<uint32_t>(kPciexbarAtReset));
  let_write(kPciexbar, 4, 0xfc000000 | kSizeMask << kSizeShift | kPciexbarEnable);
  let_write(kPciexbar + 4, 4, 0xf);
  constexpr uint8_t kCachesAreOff = 0x38;
  set_config(kEsmramc, 1, kCachesAreOff);
}

uint64_t Q35Mch::window() const { return kPciexbarSize >> (config(kPciexbar, 4) >> kSizeShift & kSizeMask); }

void Q35Mch::place() {
  const uint32_t low = config(kPciexbar, 4);
  constexpr uint32_t kReservedSize = 3;
  if (!(low & kPciexbarEnable) || (low >> kSizeShift & kSizeMask) == kReservedSize)
    return place_range(0, std::nullopt);
  const uint64_t base = (uint64_t{config(kPciexbar + 4, 4)} << 32 | low) & ~(window() - 1) & (kMost - 1);
  place_range(0, base);
}

void Q35Mch::reset_model() {
  PamBridge::reset_model();
  place();
}

void Q35Mch::config_written(unsigned offset, unsigned width) {
  PamBridge::config_written(offset, width);
  place();
}

void Q35Mch::serialize_model(StateStream& s) {
  PamBridge::serialize_model(s);
  if (s.loading()) place();
}

uint64_t Q35Mch::bar_read(unsigned, uint64_t offset, Width width) {
  return offset < window() ? ecam_.read(offset, width) : ~uint64_t{0} >> (64 - 8 * bytes(width));
}

void Q35Mch::bar_write(unsigned, uint64_t offset, Width width, uint64_t value) {
  if (offset < window()) ecam_.write(offset, width, value);
}

}  // namespace mynah::dev
