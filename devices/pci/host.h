// SPDX-License-Identifier: Apache-2.0
//
// pci::Host: what stands between a machine and its PCI buses. It has the root bus, finds functions for
// configuration accesses and BARs for memory and I/O accesses, joins the functions' lines into a few, and
// passes messages on. All buses are one part of the machine's state.
//
// The board maps what it needs of: the ECAM window (PCI Express Base 4.0, 7.2.2), the two ports of the older
// configuration mechanism (PCI Local Bus 3.0, 3.2.2.3.2), and windows of CPU addresses that are bus
// addresses.
//
// Where nothing answers, reads are all ones and writes have no effect. Where BARs overlap, the function on
// the lower device and function number, then the lower BAR, has the address.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "devices/core/device.h"
#include "devices/pci/bus.h"
#include "devices/pci/msi_target.h"

namespace mynah::dev::pci {

class Host final : public Stateful {
 public:
  struct Config {
    DmaMemory& memory;
    Log& log;
    std::string root_name = "pcie.0";
    bool express = true;           // the root bus
    std::array<IrqLine, 8> lines;  // level
    // Which of the lines, below eight, pin 0 to 3 of a slot of the root bus goes to; by default (slot + pin)
    // % 4.
    std::function<unsigned(unsigned slot, unsigned pin)> line_of_pin;
    // Who claims what of bus addresses may have changed.
    std::function<void()> claims_changed = [] {};
  };
  explicit Host(Config config);
  ~Host() override;

  std::string_view name() const override { return "pci"; }
  uint32_t state_version() const override { return 1; }
  void reset() override;

  Bus& root() { return root_; }
  const Bus& root() const { return root_; }
  // Null: messages are writes to memory.
  void set_message_target(MsiTarget* target) { messages_ = target; }

  // --- What a board maps.
  static constexpr uint64_t kEcamBytesPerBus = uint64_t{1} << 20;
  static constexpr uint64_t kConfigPortsSize = 8;
  Device& ecam();          // one MiB a bus, from bus 0
  Device& config_ports();  // 0xcf8 to 0xcff; reset and saved with the host
  // CPU addresses from the start of the window are bus addresses from `base`.
  Device& add_window(Space space, uint64_t base);

  // --- Accesses. Any address and number.
  Function* find(unsigned bus, unsigned devfn) const;
  uint64_t read(Space space, uint64_t address, Width width);
  void write(Space space, uint64_t address, Width width, uint64_t value);
  // Where a BAR's memory is, while all of it is decoded and reached.
  std::optional<uint64_t> place_of(const Function& function, unsigned bar);
  // Of bus names, in the order in which the buses are come to.
  Bus* find_bus(std::string_view name) { return find_bus(root_, name); }

  // --- For functions.
  DmaMemory& memory() const { return config_.memory; }
  void claims_changed() {
    stale_ = true;
    config_.claims_changed();
  }
  void line_changed(const Function& function, bool level);
  bool message(uint64_t address, uint32_t data, uint16_t requester) {
    return messages_ && messages_->message(address, data, requester);
  }

 private:
  struct Claim {
    uint64_t first, last;
    uint64_t base;  // of the BAR
    Function* function;
    unsigned bar;
  };
  struct Map {
    std::vector<Claim> claims;  // sorted, without overlap
    size_t recent = 0;
  };
  class Ecam;
  class ConfigPorts;
  class Window;

  void serialize_state(StateStream& stream) override;
  void refresh_claims();
  const Claim* claim(Space space, uint64_t address, unsigned width);
  void collect(const Bus& bus, Space space, const std::vector<Range>& reachable);
  static void insert(std::vector<Claim>& into, const Claim& claim);
  static Bus* find_bus(Bus& bus, std::string_view name);

  Config config_;
  MsiTarget* messages_ = nullptr;
  std::array<unsigned, 8> asserted_{};  // functions that assert each line
  bool stale_ = true;
  std::array<Map, 2> maps_;  // by space
  std::unique_ptr<Ecam> ecam_;
  std::unique_ptr<ConfigPorts> config_ports_;
  std::vector<std::unique_ptr<Window>> windows_;
  Bus root_;  // the last: functions let go of the lines
};

}  // namespace mynah::dev::pci
