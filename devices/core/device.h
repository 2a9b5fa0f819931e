// SPDX-License-Identifier: Apache-2.0
//
// What a device model sees of the machine: offsets into its own register window, its interrupt lines, guest
// memory for DMA, a log. Nothing else: no guest address of its own, no host clock, no other device.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "devices/core/state_stream.h"

namespace mynah::dev {

using Offset = uint64_t;                                        // bytes from the start of the device's window
enum class Width : uint8_t { k1 = 1, k2 = 2, k4 = 4, k8 = 8 };  // access size in bytes
constexpr unsigned bytes(Width w) { return static_cast<unsigned>(w); }

class Device : public Stateful {
 public:
  // Never faults: an offset or width that the device does not decode reads 0 / is ignored, after a
  // guest_error or unimplemented log line. The value is zero-extended; only the low `width` bytes of a
  // written value count.
  virtual uint64_t read(Offset, Width) = 0;
  virtual void write(Offset, Width, uint64_t) = 0;
};

// Receives level changes of numbered input lines (an interrupt controller, a PL061's inputs, ...).
class IrqSink {
 public:
  virtual ~IrqSink() = default;
  virtual void set_irq(unsigned line, bool level) = 0;
};

// One wire into a sink; copyable. A default-constructed line is connected to nothing.
class IrqLine {
 public:
  IrqLine() = default;
  IrqLine(IrqSink& sink, unsigned line) : sink_(&sink), line_(line) {}
  void set(bool level) const {
    if (sink_) sink_->set_irq(line_, level);
  }

 private:
  IrqSink* sink_ = nullptr;
  unsigned line_ = 0;
};

// Guest physical memory as a bus-mastering device sees it. Addresses and lengths come from the guest and may
// be anything, wrapping ranges included. Only RAM (and ROM, for reading) is reachable: a range that touches
// anything else fails as a whole, returns false and changes nothing. Writes invalidate translated code and
// set dirty bits.
class DmaMemory {
 public:
  virtual ~DmaMemory() = default;
  virtual bool read(uint64_t pa, void* to, size_t n) = 0;
  virtual bool write(uint64_t pa, const void* from, size_t n) = 0;
  // Direct host access to [pa, pa + n) when it is one contiguous piece of RAM, else nullptr. Valid until
  // control returns to the engine. With for_write the range counts as written at the time of the call.
  virtual uint8_t* map(uint64_t pa, size_t n, bool for_write) = 0;
  // Gives whole pages back to the host: they read as zero. False where that is not possible.
  virtual bool discard(uint64_t pa, size_t n) { return false; }
};

// Guest misuse of a device, and features not modelled. Each distinct message is printed once. `message` is a
// sentence fragment naming register and value: "write of 0x12 to read-only UARTRIS".
class Log {
 public:
  virtual ~Log() = default;
  virtual void guest_error(std::string_view device, std::string_view message) = 0;
  virtual void unimplemented(std::string_view device, std::string_view message) = 0;
};
class NullLog final : public Log {
 public:
  void guest_error(std::string_view, std::string_view) override {}
  void unimplemented(std::string_view, std::string_view) override {}
};

}  // namespace mynah::dev
