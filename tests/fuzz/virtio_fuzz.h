// SPDX-License-Identifier: Apache-2.0
//
// What the virtio fuzz targets share. The input is a program of one-byte operations on a device behind a
// virtio-mmio transport: registers, guest memory, ring entries, host events, saved states. Bring-up,
// descriptors and whole requests have operations of their own, so that the fuzzer gets past the negotiation.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <span>
#include <vector>

#include "devices/core/device.h"
#include "devices/virtio/virtio_device.h"
#include "devices/virtio/virtio_mmio.h"

namespace mynah::dev::fuzz {

// Reads 0 past its end.
class Input {
 public:
  Input(const uint8_t* data, size_t size) : data_(data, size) {}
  bool empty() const { return data_.empty(); }
  template <typename T>
  T get() {
    T value{};
    const auto part = bytes(sizeof value);
    if (!part.empty()) std::memcpy(&value, part.data(), part.size());
    return value;
  }
  std::span<const uint8_t> bytes(size_t n) {
    const auto part = data_.first(std::min(n, data_.size()));
    data_ = data_.subspan(part.size());
    return part;
  }

 private:
  std::span<const uint8_t> data_;
};

// 64 KiB of RAM at address 0, in two pieces.
class Memory final : public DmaMemory {
 public:
  static constexpr uint64_t kSize = 0x10000, kSeam = 0x9000;
  bool read(uint64_t pa, void* to, size_t n) override {
    if (!inside(pa, n)) return false;
    std::memcpy(to, ram.data() + pa, n);
    return true;
  }
  bool write(uint64_t pa, const void* from, size_t n) override {
    if (!inside(pa, n)) return false;
    std::memcpy(ram.data() + pa, from, n);
    return true;
  }
  uint8_t* map(uint64_t pa, size_t n, bool) override {
    return inside(pa, n) && (pa >= kSeam || pa + n <= kSeam) ? ram.data() + pa : nullptr;
  }
  bool discard(uint64_t pa, size_t n) override {
    if (!inside(pa, n)) return false;
    std::memset(ram.data() + pa, 0, n);
    return true;
  }
  std::vector<uint8_t> ram = std::vector<uint8_t>(kSize);

 private:
  static bool inside(uint64_t pa, size_t n) { return pa <= kSize && n <= kSize - pa; }
};

// Checked against InterruptStatus after every operation.
class Irq final : public IrqSink {
 public:
  void set_irq(unsigned, bool now) override { level = now; }
  bool level = false;
};

inline void require(bool holds) {
  if (!holds) std::abort();
}

// What a target knows of its device.
struct Target {
  unsigned queues;
  std::function<void(Input&)> host_event = [](Input&) {};  // one thing that the host side does to the device
  // The first readable bytes of a request of this queue, near what the device understands.
  std::function<std::vector<uint8_t>(Input&, unsigned)> header = [](Input&, unsigned) {
    return std::vector<uint8_t>();
  };
  uint32_t unit = 1;  // sizes of requests are mostly multiples of it
};

template <typename... T>
std::vector<uint8_t> bytes_of(T... values) {
  std::vector<uint8_t> all;
  const auto add = [&](const auto& value) {
    const auto* p = reinterpret_cast<const uint8_t*>(&value);
    all.insert(all.end(), p, p + sizeof value);
  };
  (add(values), ...);
  return all;
}

class Guest {
 public:
  Guest(Input& in, Memory& memory, VirtioMmio& mmio, Irq& irq, const Target& target)
      : in_(in), memory_(memory), mmio_(mmio), irq_(irq), target_(target) {}

  void run() {
    const auto start = in_.get<uint8_t>();
    if (start & 3) bring_up(start & 4 ? ~uint64_t{0} : in_.get<uint64_t>());
    while (!in_.empty()) {
      step(in_.get<uint8_t>() % 20);
      require(irq_.level == (mmio_.read(0x60, Width::k4) != 0));
    }
  }

 private:
  static constexpr uint16_t kQueueSize = 16;
  // Descriptors; then 0x100 the available ring, 0x200 the used ring.
  static uint64_t ring(unsigned queue) { return 0x400 * queue; }
  static Width width(uint8_t n) { return static_cast<Width>(1 << (n & 3)); }
  void set(Offset offset, uint64_t value) { mmio_.write(offset, Width::k4, value); }
  template <typename T>
  void put(uint64_t pa, T value) {
    memory_.write(pa, &value, sizeof value);
  }

  void step(unsigned operation) {
    switch (operation) {
      case 0:
        mmio_.read(in_.get<uint16_t>() % 0x1f9, width(in_.get<uint8_t>()));
        break;
      case 1: {
        const auto offset = in_.get<uint16_t>();
        const auto w = in_.get<uint8_t>();
        mmio_.write(offset % 0x1f9, width(w), in_.get<uint64_t>());
        break;
      }
      case 2: {
        const auto pa = in_.get<uint16_t>();
        const auto bytes = in_.bytes(in_.get<uint8_t>());
        if (!bytes.empty()) memory_.write(pa, bytes.data(), bytes.size());
        break;
      }
      case 3:
        set(0x50, in_.get<uint8_t>() % (target_.queues + 1));
        break;
      case 4: {
        const unsigned queue = in_.get<uint8_t>() % target_.queues;
        offer(queue, static_cast<uint16_t>(in_.get<uint8_t>() % (kQueueSize + 1)));
        break;
      }
      case 5:
        bring_up(in_.get<uint64_t>());
        break;
      case 6:
        target_.host_event(in_);
        break;
      case 7:
        set(0x64, in_.get<uint8_t>());
        break;
      case 8:
        save_and_restore();
        break;
      case 9: {
        const unsigned queue = in_.get<uint8_t>() % target_.queues;
        const uint64_t pa = ring(queue) + 16 * (in_.get<uint8_t>() % kQueueSize);
        const auto address = in_.get<uint16_t>(), length = in_.get<uint16_t>();
        const auto flags = in_.get<uint8_t>(), next = in_.get<uint8_t>();
        descriptor(pa, address, length, flags & 7, next % (kQueueSize + 1));
        break;
      }
      case 10:
        restore_damaged();
        break;
      case 11:
        if (in_.get<uint8_t>() % 16 == 0) mmio_.reset();
        break;
      case 12:
        mmio_.write(0x100 + in_.get<uint8_t>() % 64, width(in_.get<uint8_t>()), in_.get<uint64_t>());
        break;
      case 13:
        legacy_queue();
        break;
      case 14:
      case 15:
        bring_up(~uint64_t{0});
        break;  // things break often: start again as often
      default:
        request();
        break;
    }
  }

  void descriptor(uint64_t pa, uint64_t address, uint32_t length, unsigned flags, unsigned next) {
    put(pa, address);
    put(pa + 8, length);
    put(pa + 12, static_cast<uint16_t>(flags));
    put(pa + 14, static_cast<uint16_t>(next));
  }

  // Makes a chain available and notifies.
  void offer(unsigned queue, uint16_t head) {
    uint16_t index = 0;
    memory_.read(ring(queue) + 0x102, &index, sizeof index);
    put(ring(queue) + 0x104 + 2 * (index % kQueueSize), head);
    put(ring(queue) + 0x102, ++index);
    set(0x50, queue);
  }

  void bring_up(uint64_t features) {
    set(0x70, 0);
    set(0x70, 3);
    for (uint32_t word = 0; word < 2; ++word) {
      set(0x14, word);
      set(0x24, word);
      const auto offered = static_cast<uint32_t>(mmio_.read(0x10, Width::k4));
      set(0x20, (static_cast<uint32_t>(features >> (32 * word)) | word) & offered);
    }
    set(0x70, 11);
    for (unsigned queue = 0; queue < target_.queues; ++queue) {
      std::fill_n(memory_.ram.begin() + static_cast<ptrdiff_t>(ring(queue)) + 0x100, 0x300, uint8_t{0});
      set(0x30, queue);
      set(0x38, kQueueSize);
      for (Offset offset : {0x80, 0x90, 0xa0}) {
        set(offset, ring(queue) + 0x10 * (offset - 0x80));
        set(offset + 4, 0);
      }
      set(0x44, 1);
    }
    set(0x70, 15);
  }

  // The legacy way, for transports that know it: a queue in the pages from 0x4000.
  void legacy_queue() {
    set(0x28, in_.get<uint8_t>() % 8 ? 4096 : in_.get<uint32_t>());
    set(0x30, in_.get<uint8_t>() % target_.queues);
    set(0x38, kQueueSize);
    set(0x3c, in_.get<uint8_t>() % 8 ? 256 : in_.get<uint32_t>());
    set(0x40, in_.get<uint8_t>() % 8 ? 4 : in_.get<uint32_t>());
    put(0x4000 + 0x102, in_.get<uint16_t>());
  }

  // A chain of up to four readable and four writable pieces, all right unless the input wants one thing
  // wrong.
  void request() {
    const unsigned queue = in_.get<uint8_t>() % target_.queues;
    const auto shape = in_.get<uint8_t>();
    const unsigned damage = in_.get<uint8_t>();
    std::vector<uint8_t> readable = target_.header(in_, queue);
    readable.resize(readable.size() + size());
    const auto content = in_.bytes(in_.get<uint8_t>() % 32);
    std::copy_backward(content.end() - static_cast<ptrdiff_t>(std::min(content.size(), readable.size())),
                       content.end(), readable.end());
    const uint32_t writable = size() + in_.get<uint8_t>() % 4;

    const uint64_t at = shape & 1 ? 0x8f00 : 0xa000;  // the first crosses the seam
    if (!readable.empty()) memory_.write(at, readable.data(), readable.size());
    const bool indirect = (shape & 2) != 0;
    const uint64_t table = indirect ? 0x3800 : ring(queue);
    unsigned n = 0;
    uint64_t last = table;
    const auto pieces = [&](uint64_t pa, uint32_t total, unsigned count, unsigned flags) {
      for (; total != 0 && n < 8; ++n) {
        const uint32_t part = count-- <= 1 ? total : std::min<uint32_t>(total, 1 + in_.get<uint8_t>());
        last = table + 16 * n;
        descriptor(last, pa, part, flags | 1, n + 1);
        pa += part + (shape >> 6 & 1);
        total -= part;
      }
    };
    if (!(shape & 0x80)) pieces(at, static_cast<uint32_t>(readable.size()), 1 + (shape >> 2 & 3), 0);
    pieces(0xd000, writable, 1 + (shape >> 4 & 3), 2);
    if (n == 0) return;
    uint16_t flags = 0;
    memory_.read(last + 12, &flags, sizeof flags);
    put(last + 12, static_cast<uint16_t>(flags & ~1));
    if (damage < 16) put(table + 16 * (damage % n) + in_.get<uint8_t>() % 16, in_.get<uint8_t>());
    if (indirect) descriptor(ring(queue) + 0xf0, table, 16 * n, 4, 0);
    offer(queue, indirect ? kQueueSize - 1 : 0);
  }

  uint32_t size() { return in_.get<uint8_t>() % 5 * target_.unit; }

  // Saved and restored, it is the same.
  void save_and_restore() {
    StateStream saved;
    mmio_.serialize(saved);
    StateStream load(saved.bytes());
    mmio_.serialize(load);
    StateStream again;
    mmio_.serialize(again);
    require(!load.failed() && again.bytes() == saved.bytes());
  }

  void restore_damaged() {
    StateStream saved;
    mmio_.serialize(saved);
    auto bytes = saved.take();
    for (int i = in_.get<uint8_t>() % 8; i >= 0; --i) {
      const auto at = in_.get<uint16_t>();
      bytes[at % bytes.size()] = in_.get<uint8_t>();
    }
    StateStream load(std::move(bytes));
    mmio_.serialize(load);
  }

  Input& in_;
  Memory& memory_;
  VirtioMmio& mmio_;
  Irq& irq_;
  const Target& target_;
};

}  // namespace mynah::dev::fuzz
