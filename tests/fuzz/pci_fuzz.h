// SPDX-License-Identifier: Apache-2.0
//
// A PCI host as one device, for the loop of fuzz_input.h: the top of an offset says which way in.
#pragma once

#include "devices/pci/host.h"
#include "tests/fuzz/fuzz_input.h"

namespace mynah::fuzz {

class PciFront final : public dev::Device {
 public:
  explicit PciFront(dev::pci::Host& host) : host_(host) {}
  enum Way : uint64_t { kEcam, kPorts, kMemory, kIo };
  static constexpr unsigned kWayShift = 60;

  std::string_view name() const override { return "front"; }
  uint32_t state_version() const override { return 1; }
  void reset() override { host_.reset(); }
  uint64_t read(dev::Offset offset, dev::Width width) override {
    const uint64_t at = offset & ((uint64_t{1} << kWayShift) - 1);
    switch (offset >> kWayShift) {
      case kEcam:
        return host_.ecam().read(at % (256 << 20), width);
      case kPorts:
        return host_.config_ports().read(at % 8, width);
      case kMemory:
        return host_.read(dev::pci::Space::kMemory, at, width);
      default:
        return host_.read(dev::pci::Space::kIo, at, width);
    }
  }
  void write(dev::Offset offset, dev::Width width, uint64_t value) override {
    const uint64_t at = offset & ((uint64_t{1} << kWayShift) - 1);
    switch (offset >> kWayShift) {
      case kEcam:
        return host_.ecam().write(at % (256 << 20), width, value);
      case kPorts:
        return host_.config_ports().write(at % 8, width, value);
      case kMemory:
        return host_.write(dev::pci::Space::kMemory, at, width, value);
      default:
        return host_.write(dev::pci::Space::kIo, at, width, value);
    }
  }

 private:
  void serialize_state(dev::StateStream& stream) override { host_.serialize(stream); }
  dev::pci::Host& host_;
};

// An offset: configuration space of a low bus and slot, or an address in the few places where values of
// pick_pci_value() put BARs and windows.
inline dev::Offset pick_pci_offset(Input& in) {
  const uint8_t way = in.u8();
  switch (way % 8) {
    case 0:
      return uint64_t{PciFront::kPorts} << PciFront::kWayShift | in.u8() % 8;
    case 1:
    case 2:
      return uint64_t{PciFront::kMemory} << PciFront::kWayShift | uint64_t{in.u8() % 16u} << 20 |
             in.u16() % 0x4100;
    case 3:
      return uint64_t{PciFront::kIo} << PciFront::kWayShift | in.u16() % 0x400;
    case 4:
      return in.u64() & 0x0fff'ffff;
    default:
      return uint64_t{in.u8() % 4u} << 20 | uint64_t{in.u8() % 4u} << 15 | uint64_t{in.u8() % 2u} << 12 |
             (way & 0x80 ? in.u8() : in.u16() & 0xfff);
  }
}

inline uint64_t pick_pci_value(Input& in) {
  switch (in.u8() % 6) {
    case 0:
      return ~uint64_t{0};
    case 1:
      return 7;  // memory, I/O, bus master
    case 2:
      return uint64_t{in.u8() % 16u} << 20;  // of a BAR
    case 3:
      return 0x00ff'0100;  // bus numbers
    case 4:
      return in.u8();
    default:
      return in.u64();
  }
}

}  // namespace mynah::fuzz
