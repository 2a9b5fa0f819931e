// SPDX-License-Identifier: Apache-2.0
//
// What the device fuzz targets share: the input as a supply of numbers, and the loop that reads it as a
// sequence of register reads, register writes, time steps, resets and restores. A restore loads either the
// device's own state, which must give the same state again, or a damaged one, which the device may accept or
// refuse but must survive.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <functional>
#include <vector>

#include "devices/core/device.h"
#include "devices/core/event_queue.h"
#include "tests/devices/fakes.h"

namespace mynah::fuzz {

class Input {
 public:
  Input(const uint8_t* data, size_t size) : data_(data), size_(size) {}
  bool empty() const { return size_ == 0; }
  // Zero when the input is used up.
  uint8_t u8() {
    if (size_ == 0) return 0;
    --size_;
    return *data_++;
  }
  uint64_t number(unsigned n) {
    uint64_t value = 0;
    while (n-- != 0) value = value << 8 | u8();
    return value;
  }
  uint16_t u16() { return static_cast<uint16_t>(number(2)); }
  uint32_t u32() { return static_cast<uint32_t>(number(4)); }
  uint64_t u64() { return number(8); }
  dev::Width width() { return static_cast<dev::Width>(1u << (u8() & 3)); }

 private:
  const uint8_t* data_;
  size_t size_;
};

inline void require(bool condition) {
  if (!condition) std::abort();
}

// What was saved must load.
template <typename T>
void save_and_load(T& part) {
  require(dev::fake::load(part, dev::fake::save(part)));
}

struct DeviceRun {
  dev::Device& device;
  std::function<dev::Offset(Input&)> pick_offset;  // inside or outside the window
  std::function<uint64_t(Input&)> pick_value = [](Input& in) { return in.u64(); };
  dev::ManualClock* clock = nullptr;
  dev::EventQueue* events = nullptr;
  std::function<void(Input&)> extra;  // an action of the device's surroundings
  size_t max_steps = 4096;
};

inline void damage(std::vector<uint8_t>& state, Input& in) {
  for (unsigned n = in.u8() % 4 + 1; n != 0; --n) state[in.u16() % state.size()] ^= in.u8();
}

// Its state comes back whole, or damaged: then it may be refused.
inline void load_saved(dev::Stateful& device, Input& in, bool damaged) {
  if (!damaged) return save_and_load(device);
  auto state = dev::fake::save(device);
  damage(state, in);
  dev::fake::load(device, std::move(state));
}

inline void restore_part(dev::Stateful& device, Input& in) {
  const std::vector<uint8_t> state = dev::fake::save(device);
  if (in.u8() % 4 != 0) {
    require(dev::fake::load(device, state));
    require(dev::fake::save(device) == state);
    return;
  }
  std::vector<uint8_t> damaged = state;
  damage(damaged, in);
  if (in.u8() % 4 == 0) damaged.resize(in.u16() % (damaged.size() + 1));
  dev::fake::load(device, std::move(damaged));
}

inline void restore(dev::Device& device, Input& in) { restore_part(device, in); }

inline void run(Input& in, const DeviceRun& r) {
  for (size_t step = 0; step < r.max_steps && !in.empty(); ++step) {
    const uint8_t op = in.u8();
    switch (op % 16) {
      default: {
        const dev::Offset offset = r.pick_offset(in);
        const dev::Width width = in.width();
        r.device.write(offset, width, r.pick_value(in));
        break;
      }
      case 8:
      case 9:
      case 10:
      case 11: {
        const dev::Offset offset = r.pick_offset(in);
        const dev::Width width = in.width();
        const uint64_t value = r.device.read(offset, width);
        require(width == dev::Width::k8 || value >> (8 * dev::bytes(width)) == 0);
        break;
      }
      case 12:
        if (r.clock) {
          // From nanoseconds to centuries, never beyond the end of time.
          const auto by = static_cast<dev::TimeNs>((in.u64() >> 1) >> (in.u8() & 63));
          r.clock->time += std::min(by, dev::kNever - 1 - r.clock->time);
          r.events->run_due();
        }
        break;
      case 13:
      case 14:
        if (r.extra) r.extra(in);
        break;
      case 15:
        if (in.u8() % 8 == 0) {
          r.device.reset();
        } else {
          restore(r.device, in);
        }
        break;
    }
  }
  const std::vector<uint8_t> state = dev::fake::save(r.device);
  require(dev::fake::load(r.device, state));
  require(dev::fake::save(r.device) == state);
}

}  // namespace mynah::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);
