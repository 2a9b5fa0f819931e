// SPDX-License-Identifier: Apache-2.0
//
// A guest in miniature for the virtio tests: RAM in a vector, a recording log and interrupt line, and a
// driver that negotiates, lays out rings and writes descriptors exactly as told, malformed ones included.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <functional>
#include <initializer_list>
#include <span>
#include <string>
#include <vector>

#include "devices/core/device.h"
#include "devices/virtio/virtio_device.h"
#include "devices/virtio/virtio_mmio.h"

namespace mynah::dev::test {

// RAM of `size` bytes at kBase. A range across `seam` (when not 0) is readable and writable but cannot be
// mapped, like two pieces of RAM that are neighbours in the guest alone.
class FakeMemory final : public DmaMemory {
 public:
  static constexpr uint64_t kBase = 0x4000'0000;
  explicit FakeMemory(size_t size = 1 << 20) : ram(size) {}

  bool read(uint64_t pa, void* to, size_t n) override {
    if (!inside(pa, n)) return false;
    std::memcpy(to, &ram[pa - kBase], n);
    bytes_copied += n;
    return true;
  }
  bool write(uint64_t pa, const void* from, size_t n) override {
    if (!inside(pa, n)) return false;
    std::memcpy(&ram[pa - kBase], from, n);
    bytes_copied += n;
    return true;
  }
  uint8_t* map(uint64_t pa, size_t n, bool) override {
    if (!inside(pa, n) || (seam != 0 && pa < seam && pa + n > seam)) return nullptr;
    return &ram[pa - kBase];
  }

  template <typename T>
  T get(uint64_t pa) const {
    T value;
    std::memcpy(&value, &ram.at(pa - kBase), sizeof value);
    return value;
  }
  template <typename T>
  void put(uint64_t pa, T value) {
    std::memcpy(&ram.at(pa - kBase), &value, sizeof value);
  }
  void put_bytes(uint64_t pa, std::span<const uint8_t> from) {
    std::copy(from.begin(), from.end(), ram.begin() + static_cast<ptrdiff_t>(pa - kBase));
  }
  std::vector<uint8_t> get_bytes(uint64_t pa, size_t n) const {
    const auto at = ram.begin() + static_cast<ptrdiff_t>(pa - kBase);
    return {at, at + static_cast<ptrdiff_t>(n)};
  }

  std::vector<uint8_t> ram;
  uint64_t seam = 0;
  uint64_t bytes_copied = 0;

 private:
  bool inside(uint64_t pa, size_t n) const {
    return pa >= kBase && pa - kBase <= ram.size() && n <= ram.size() - (pa - kBase);
  }
};

class RecordingLog final : public Log {
 public:
  void guest_error(std::string_view device, std::string_view message) override {
    errors.push_back(std::string(device) + ": " + std::string(message));
  }
  void unimplemented(std::string_view device, std::string_view message) override {
    guest_error(device, message);
  }
  std::vector<std::string> errors;
};

class RecordingIrq final : public IrqSink {
 public:
  void set_irq(unsigned, bool now) override {
    if (now && !level) ++rises;
    level = now;
  }
  bool level = false;
  int rises = 0;
};

constexpr uint16_t kNext = 1, kWrite = 2, kIndirect = 4;

struct Desc {
  uint64_t address;
  uint32_t length;
  uint16_t flags = 0;
  uint16_t next = 0;
};

struct Used {
  uint32_t id;
  uint32_t length;
};

// One queue's rings, laid out by the driver. Rings take 16 KiB, queue n's at kBase + n * 16 KiB.
class DriverQueue {
 public:
  DriverQueue(FakeMemory& memory, unsigned index, uint16_t size)
      : memory_(memory),
        size_(size),
        desc_(FakeMemory::kBase + 0x4000 * index),
        avail_(desc_ + 0x2000),
        used_(desc_ + 0x3000) {}

  uint64_t desc() const { return desc_; }
  uint64_t avail() const { return avail_; }
  uint64_t used() const { return used_; }
  uint16_t size() const { return size_; }
  uint16_t used_index() const { return memory_.get<uint16_t>(used_ + 2); }
  uint16_t avail_index() const { return memory_.get<uint16_t>(avail_ + 2); }
  uint16_t avail_event() const { return memory_.get<uint16_t>(used_ + 4 + 8 * size_); }
  void set_used_event(uint16_t value) { memory_.put<uint16_t>(avail_ + 4 + 2 * size_, value); }
  void set_avail_flags(uint16_t value) { memory_.put<uint16_t>(avail_, value); }
  uint16_t used_flags() const { return memory_.get<uint16_t>(used_); }
  Used used_element(uint16_t index) const { return memory_.get<Used>(used_ + 4 + 8 * (index % size_)); }

  void write_desc(uint16_t index, const Desc& d) { write_desc_at(desc_ + 16 * index, d); }
  void write_desc_at(uint64_t pa, const Desc& d) {
    memory_.put(pa, d.address);
    memory_.put(pa + 8, d.length);
    memory_.put(pa + 12, d.flags);
    memory_.put(pa + 14, d.next);
  }
  // Makes the chain that starts at `head` available.
  void offer(uint16_t head) {
    memory_.put<uint16_t>(avail_ + 4 + 2 * (avail_index() % size_), head);
    memory_.put<uint16_t>(avail_ + 2, avail_index() + 1);
  }
  // Writes the descriptors from `head` on, linked in order, and offers them. Flags other than kNext are kept.
  void add(std::vector<Desc> chain, uint16_t head = 0) {
    link(chain, head);
    for (size_t i = 0; i < chain.size(); ++i) write_desc(static_cast<uint16_t>(head + i), chain[i]);
    offer(head);
  }
  void add_indirect(std::vector<Desc> chain, uint64_t table, uint16_t head = 0) {
    link(chain, 0);
    for (size_t i = 0; i < chain.size(); ++i) write_desc_at(table + 16 * i, chain[i]);
    write_desc(head, {table, static_cast<uint32_t>(16 * chain.size()), kIndirect});
    offer(head);
  }

 private:
  static void link(std::vector<Desc>& chain, uint16_t head) {
    for (size_t i = 0; i + 1 < chain.size(); ++i) {
      chain[i].flags |= kNext;
      chain[i].next = static_cast<uint16_t>(head + i + 1);
    }
  }
  FakeMemory& memory_;
  uint16_t size_;
  uint64_t desc_, avail_, used_;
};

// virtio-mmio registers (VIRTIO 1.2, 4.2.2), spelled again so that the tests do not share the model's table.
enum : uint64_t {
  kRegMagic = 0x00,
  kRegVersion = 0x04,
  kRegDeviceId = 0x08,
  kRegVendorId = 0x0c,
  kRegDeviceFeatures = 0x10,
  kRegDeviceFeaturesSel = 0x14,
  kRegDriverFeatures = 0x20,
  kRegDriverFeaturesSel = 0x24,
  kRegGuestPageSize = 0x28,
  kRegQueueSel = 0x30,
  kRegQueueNumMax = 0x34,
  kRegQueueNum = 0x38,
  kRegQueueAlign = 0x3c,
  kRegQueuePfn = 0x40,
  kRegQueueReady = 0x44,
  kRegQueueNotify = 0x50,
  kRegInterruptStatus = 0x60,
  kRegInterruptAck = 0x64,
  kRegStatus = 0x70,
  kRegQueueDesc = 0x80,
  kRegQueueDriver = 0x90,
  kRegQueueDevice = 0xa0,
  kRegShmLenLow = 0xb0,
  kRegGeneration = 0xfc,
  kRegConfig = 0x100,
};

constexpr uint64_t kAllFeatures = ~uint64_t{0};
constexpr uint64_t kFeatureIndirect = uint64_t{1} << 28;
constexpr uint64_t kFeatureEventIndex = uint64_t{1} << 29;
constexpr uint64_t kFeatureVersion1 = uint64_t{1} << 32;

// The driver side of one transport. Queues are created by start().
class Driver {
 public:
  Driver(FakeMemory& memory, VirtioMmio& mmio) : memory(memory), mmio(mmio) {}

  uint32_t reg(uint64_t offset) { return static_cast<uint32_t>(mmio.read(offset, Width::k4)); }
  void set_reg(uint64_t offset, uint32_t value) { mmio.write(offset, Width::k4, value); }
  uint8_t status() { return static_cast<uint8_t>(reg(kRegStatus)); }
  uint64_t device_features() {
    set_reg(kRegDeviceFeaturesSel, 0);
    const uint64_t low = reg(kRegDeviceFeatures);
    set_reg(kRegDeviceFeaturesSel, 1);
    return low | uint64_t{reg(kRegDeviceFeatures)} << 32;
  }
  void set_driver_features(uint64_t features) {
    set_reg(kRegDriverFeaturesSel, 0);
    set_reg(kRegDriverFeatures, static_cast<uint32_t>(features));
    set_reg(kRegDriverFeaturesSel, 1);
    set_reg(kRegDriverFeatures, static_cast<uint32_t>(features >> 32));
  }
  void set_up_queue(unsigned index, uint16_t size) {
    if (index == queues.size()) queues.emplace_back(memory, index, size);
    DriverQueue& q = queues[index];
    memory_clear(q.avail(), 0x2000);
    set_reg(kRegQueueSel, index);
    set_reg(kRegQueueNum, size);
    set_reg64(kRegQueueDesc, q.desc());
    set_reg64(kRegQueueDriver, q.avail());
    set_reg64(kRegQueueDevice, q.used());
    set_reg(kRegQueueReady, 1);
    ASSERT_EQ(reg(kRegQueueReady), 1u);
  }
  // The whole of 3.1.1 up to but not including DRIVER_OK, with `wanted` of the offered features.
  void prepare(uint64_t wanted = kAllFeatures, uint16_t size = 16) {
    set_reg(kRegStatus, 0);
    set_reg(kRegStatus, 1);
    set_reg(kRegStatus, 3);
    set_driver_features((wanted | kFeatureVersion1) & device_features());
    set_reg(kRegStatus, 11);
    ASSERT_EQ(status(), 11);
    for (unsigned i = 0;; ++i) {
      set_reg(kRegQueueSel, i);
      if (reg(kRegQueueNumMax) == 0) break;
      set_up_queue(i, size);
    }
  }
  void start(uint64_t wanted = kAllFeatures, uint16_t size = 16) {
    prepare(wanted, size);
    set_reg(kRegStatus, 15);
    ASSERT_EQ(status(), 15);
  }
  void kick(unsigned index = 0) { set_reg(kRegQueueNotify, index); }
  bool needs_reset() { return (status() & 0x40) != 0; }
  void ack() { set_reg(kRegInterruptAck, reg(kRegInterruptStatus)); }
  DriverQueue& queue(unsigned index = 0) { return queues.at(index); }

  FakeMemory& memory;
  VirtioMmio& mmio;
  std::vector<DriverQueue> queues;

 private:
  void set_reg64(uint64_t offset, uint64_t value) {
    set_reg(offset, static_cast<uint32_t>(value));
    set_reg(offset + 4, static_cast<uint32_t>(value >> 32));
  }
  void memory_clear(uint64_t pa, size_t n) {
    std::fill_n(memory.ram.begin() + static_cast<ptrdiff_t>(pa - FakeMemory::kBase), n, uint8_t{0});
  }
};

// Where tests put their buffers: above the rings of eight queues.
constexpr uint64_t kData = FakeMemory::kBase + 0x20000;

inline std::vector<uint8_t> pattern(size_t n, uint8_t seed = 1) {
  std::vector<uint8_t> bytes(n);
  for (size_t i = 0; i < n; ++i) bytes[i] = static_cast<uint8_t>(seed + i * 7 + i / 256);
  return bytes;
}

}  // namespace mynah::dev::test
