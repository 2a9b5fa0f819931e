// SPDX-License-Identifier: Apache-2.0
//
// Stand-ins for what surrounds a device: interrupt sink, guest memory, serial line, disk, log. For unit tests
// and fuzz targets.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <vector>

#include "devices/core/char_backend.h"
#include "devices/core/device.h"
#include "devices/core/host_backends.h"
#include "tests/devices/deferring_disk.h"

namespace mynah::dev::fake {

// Levels of up to 64 lines, and how often each rose.
class Irq final : public IrqSink {
 public:
  void set_irq(unsigned line, bool level) override {
    if (line >= levels.size()) return;
    if (level && !levels[line]) ++rises[line];
    levels[line] = level;
  }
  IrqLine line(unsigned n = 0) { return {*this, n}; }
  bool level(unsigned n = 0) const { return levels[n]; }

  std::vector<bool> levels = std::vector<bool>(64);
  std::vector<unsigned> rises = std::vector<unsigned>(64);
};

// RAM of `size` bytes at `base`.
class Memory final : public DmaMemory {
 public:
  Memory(uint64_t base, size_t size) : base(base), ram(size) {}
  bool read(uint64_t pa, void* to, size_t n) override {
    if (!inside(pa, n)) return false;
    if (n != 0) std::memcpy(to, ram.data() + (pa - base), n);
    return true;
  }
  bool write(uint64_t pa, const void* from, size_t n) override {
    if (!inside(pa, n)) return false;
    if (n != 0) std::memcpy(ram.data() + (pa - base), from, n);
    return true;
  }
  uint8_t* map(uint64_t pa, size_t n, bool) override {
    return inside(pa, n) ? ram.data() + (pa - base) : nullptr;
  }
  bool discard(uint64_t pa, size_t n) override {
    if (!inside(pa, n)) return false;
    std::memset(at(pa), 0, n);
    return true;
  }
  uint8_t* at(uint64_t pa) { return ram.data() + (pa - base); }

  uint64_t base;
  std::vector<uint8_t> ram;

 private:
  bool inside(uint64_t pa, size_t n) const {
    return pa >= base && pa - base <= ram.size() && n <= ram.size() - (pa - base);
  }
};

// Keeps what the guest sent. Host input waits in `pending` until the device takes it.
class Serial final : public CharBackend {
 public:
  void write(std::span<const uint8_t> bytes) override { sent.append(bytes.begin(), bytes.end()); }
  void attach(CharReceiver* r) override { receiver = r; }
  void accept_input() override {
    ++accepts;
    deliver();
  }
  void type(std::string_view text) {
    pending.append(text);
    deliver();
  }

  std::string sent;
  std::string pending;
  unsigned accepts = 0;
  CharReceiver* receiver = nullptr;

 private:
  void deliver() {
    const size_t n = receiver ? std::min(receiver->can_receive(), pending.size()) : 0;
    if (n == 0) return;
    const std::string now = pending.substr(0, n);
    pending.erase(0, n);
    receiver->receive({reinterpret_cast<const uint8_t*>(now.data()), n});
  }
};

class Disk final : public DeferringDisk {
 public:
  explicit Disk(size_t size, uint8_t fill = 0) : data(size, fill) {}
  uint64_t size() const override { return data.size(); }
  bool read_only() const override { return only_read; }
  bool read(uint64_t offset, std::span<uint8_t> to) override {
    if (broken || !inside(offset, to.size())) return false;
    std::copy_n(data.begin() + static_cast<ptrdiff_t>(offset), to.size(), to.begin());
    return true;
  }
  bool write(uint64_t offset, std::span<const uint8_t> from) override {
    if (broken || only_read || !inside(offset, from.size())) return false;
    std::copy(from.begin(), from.end(), data.begin() + static_cast<ptrdiff_t>(offset));
    ++writes;
    return true;
  }
  bool flush() override { return !broken; }
  bool discard(uint64_t offset, uint64_t n) override { return inside(offset, n); }
  bool write_zeroes(uint64_t offset, uint64_t n) override {
    if (broken || only_read || !inside(offset, n)) return false;
    std::fill_n(data.begin() + static_cast<ptrdiff_t>(offset), n, 0);
    return true;
  }

  std::vector<uint8_t> data;
  bool only_read = false;
  bool broken = false;
  unsigned writes = 0;

 private:
  bool inside(uint64_t offset, uint64_t n) const {
    return offset <= data.size() && n <= data.size() - offset;
  }
};

class RecordingLog final : public Log {
 public:
  void guest_error(std::string_view, std::string_view message) override { errors.emplace_back(message); }
  void unimplemented(std::string_view, std::string_view message) override { missing.emplace_back(message); }

  std::vector<std::string> errors, missing;
};

// Saves a device (or an event queue) and returns the bytes.
template <typename T>
std::vector<uint8_t> save(T& device) {
  StateStream s;
  device.serialize(s);
  return s.take();
}

// Restores; true when the stream fitted.
template <typename T>
bool load(T& device, std::vector<uint8_t> state) {
  StateStream s(std::move(state));
  device.serialize(s);
  return !s.failed();
}

}  // namespace mynah::dev::fake
