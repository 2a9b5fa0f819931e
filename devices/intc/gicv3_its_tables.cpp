// SPDX-License-Identifier: Apache-2.0
//
// See gicv3_its.h. Here: the way from a device's event to a processor's LPI, through tables in guest memory
// that may hold anything.
#include "devices/intc/gicv3_its.h"
#include "devices/intc/gicv3_its_fields.h"

namespace mynah::dev {

using namespace its;

std::optional<uint64_t> Gicv3Its::load(uint64_t pa) {
  uint64_t value = 0;
  if (!memory_.read(pa, &value, sizeof value)) {
    guest_error("a table is not in RAM");
    return std::nullopt;
  }
  return value;
}

bool Gicv3Its::store(uint64_t pa, uint64_t value) {
  if (memory_.write(pa, &value, sizeof value)) return true;
  guest_error("a table is not in RAM");
  return false;
}

// Where the entry of this ID is. A table of two levels has pages of entries; the first level has their
// addresses.
std::optional<uint64_t> Gicv3Its::entry_address(unsigned table, uint64_t id) {
  const uint64_t baser = basers_[table];
  if (!(baser & kValid)) return std::nullopt;
  const unsigned page_bits = 12 + 2 * static_cast<unsigned>(baser >> 8 & 3);
  const uint64_t page = uint64_t{1} << page_bits, size = ((baser & 0xff) + 1) << page_bits;
  uint64_t pa = baser & 0x0000'ffff'ffff'f000 & ~(page - 1);
  if (page_bits == 16) pa |= (baser >> 12 & 0xf) << 48;  // with pages of 64 KiB, bits 51 to 48 are there
  if (!(baser & kIndirect))
    return id < size / kEntrySize ? std::optional(pa + id * kEntrySize) : std::nullopt;
  const uint64_t entries = page / kEntrySize;
  if (id / entries >= size / kEntrySize) return std::nullopt;
  const auto first = load(pa + id / entries * kEntrySize);
  if (!first || !(*first & kValid)) return std::nullopt;
  return (*first & kQueueAddress & ~(page - 1)) + id % entries * kEntrySize;
}

std::optional<Gicv3Its::DeviceEntry> Gicv3Its::device(uint32_t device_id) {
  if (device_id >> kDeviceBits) return std::nullopt;
  const auto at = entry_address(kDevices, device_id);
  const auto entry = at ? load(*at) : std::nullopt;
  if (!entry || !(*entry & kValid)) return std::nullopt;
  const unsigned event_bits = (*entry & 0x1f) + 1;
  if (event_bits > kEventBits) return std::nullopt;
  return DeviceEntry{*entry & kIttAddress, event_bits};
}

std::optional<unsigned> Gicv3Its::target(unsigned collection) {
  const auto at = entry_address(kCollections, collection);
  const auto entry = at ? load(*at) : std::nullopt;
  if (!entry || !(*entry & kValid)) return std::nullopt;
  const auto cpu = static_cast<unsigned>(*entry & 0xffff);
  return cpu < gic_.cpus() ? std::optional(cpu) : std::nullopt;
}

std::optional<uint64_t> Gicv3Its::translation_address(uint32_t device_id, uint32_t event_id) {
  const auto found = device(device_id);
  if (!found || event_id >> found->event_bits) return std::nullopt;
  return found->itt + event_id * kEntrySize;
}

std::optional<Gicv3Its::Translation> Gicv3Its::translate(uint32_t device_id, uint32_t event_id) {
  const auto at = translation_address(device_id, event_id);
  const auto entry = at ? load(*at) : std::nullopt;
  if (!entry || !(*entry & kValid)) return std::nullopt;
  return Translation{*at, static_cast<unsigned>(*entry >> 32 & 0xffff),
                     static_cast<unsigned>(*entry & 0xffff)};
}

}  // namespace mynah::dev
