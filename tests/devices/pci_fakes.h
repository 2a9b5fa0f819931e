// SPDX-License-Identifier: Apache-2.0
//
// A PCI host with RAM, four lines and a target for messages, and a function that records what it is asked.
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "devices/pci/bridge.h"
#include "devices/pci/host.h"
#include "devices/pci/root_port.h"
#include "tests/devices/fakes.h"

namespace mynah::dev::fake {

// Messages to addresses of one page.
struct Messages final : pci::MsiTarget {
  static constexpr uint64_t kPage = 0xfee0'0000;
  struct Message {
    uint64_t address;
    uint32_t data;
    uint16_t requester;
    bool operator==(const Message&) const = default;
  };
  bool message(uint64_t address, uint32_t data, uint16_t requester) override {
    if ((address & ~uint64_t{0xfff}) != kPage) return false;
    seen.push_back({address, data, requester});
    return true;
  }
  std::vector<Message> seen;
};

// BAR 0: I/O, 16 bytes. BAR 1: memory, 4 KiB. BAR 2 and 3: 64-bit prefetchable, 1 MiB. BAR 4: MSI-X, 6
// vectors. Reads answer with the number of the BAR in the top byte and the offset below.
class PciCard final : public pci::Function {
 public:
  explicit PciCard(Log& log, uint8_t pin = 1)
      : Function(
            "card",
            {.vendor = 0x1234, .device = 0x5678, .class_code = 0x0180ff, .revision = 7, .interrupt_pin = pin},
            log) {
    add_bar(0, pci::BarKind::kIo, 16);
    add_bar(1, pci::BarKind::kMemory32, 0x1000);
    add_bar(2, pci::BarKind::kPrefetchable64, 0x10'0000);
    add_msix_bar(6, 4);
    add_msi(4);
    add_power_management();
    add_express(pci::PortType::kEndpoint, true);
  }
  using Function::bus_master;
  using Function::capability;
  using Function::dma;
  using Function::notify;
  using Function::set_intx;

  uint64_t bar_read(unsigned bar, uint64_t offset, Width) override { return uint64_t{bar} << 24 | offset; }
  void bar_write(unsigned bar, uint64_t offset, Width, uint64_t value) override {
    writes.push_back({uint64_t{bar} << 24 | offset, value});
  }
  void reset_model() override { ++resets; }
  void serialize_model(StateStream& stream) override { stream.io(value); }

  std::vector<std::pair<uint64_t, uint64_t>> writes;
  unsigned resets = 0;
  uint32_t value = 0;
};

struct PciHost {
  PciHost() { host.set_message_target(&messages); }
  template <typename T>
  T& plug(std::unique_ptr<T> function, unsigned slot, unsigned number = 0, bool multifunction = false) {
    return static_cast<T&>(host.root().plug(std::move(function), pci::devfn_of(slot, number), multifunction));
  }
  // Through the ECAM window.
  static uint64_t place(unsigned bus, unsigned slot, unsigned function, unsigned at) {
    return uint64_t{bus} << 20 | pci::devfn_of(slot, function) << 12 | at;
  }
  uint32_t get(unsigned slot, unsigned at, unsigned width = 4, unsigned bus = 0, unsigned function = 0) {
    return static_cast<uint32_t>(host.ecam().read(place(bus, slot, function, at), static_cast<Width>(width)));
  }
  void set(unsigned slot, unsigned at, uint32_t value, unsigned width = 4, unsigned bus = 0,
           unsigned function = 0) {
    host.ecam().write(place(bus, slot, function, at), static_cast<Width>(width), value);
  }
  uint64_t memory_at(uint64_t address, Width width = Width::k4) {
    return host.read(pci::Space::kMemory, address, width);
  }
  uint64_t io_at(uint64_t address, Width width = Width::k4) {
    return host.read(pci::Space::kIo, address, width);
  }

  NullLog log;
  Memory ram{0x4000'0000, 0x10000};
  Irq irq;
  Messages messages;
  pci::Host host{{.memory = ram, .log = log, .lines = {irq.line(0), irq.line(1), irq.line(2), irq.line(3)}}};
};

}  // namespace mynah::dev::fake
