// SPDX-License-Identifier: Apache-2.0
//
// pci::Bridge: a function that leads to another bus (PCI-to-PCI Bridge 1.2): bus numbers, the windows of
// addresses that it forwards, reset of its secondary bus. What a port adds is the port's (root_port.h).
#pragma once

#include <vector>

#include "devices/pci/bus.h"
#include "devices/pci/function.h"

namespace mynah::dev::pci {

class Bridge : public Function {
 public:
  // `slots` of the secondary bus: 1 below a PCI Express port.
  Bridge(std::string_view name, const Identity& identity, Log& log, ConfigSize config_size,
         bool express_secondary, unsigned slots);

  Bridge* as_bridge() override { return this; }
  Bus& secondary() { return secondary_; }
  const Bus& secondary() const { return secondary_; }
  unsigned secondary_number() const { return config(kSecondaryBus, 1); }
  unsigned subordinate_number() const { return config(kSubordinateBus, 1); }
  bool leads_to(unsigned bus) const { return bus >= secondary_number() && bus <= subordinate_number(); }
  // What is forwarded downstream now.
  std::vector<Range> forwarded(Space space) const;
  Range io_window() const;            // first > last: closed
  Range memory_window() const;        // the same
  Range prefetchable_window() const;  // the same

 protected:
  void reset_model() override;
  void serialize_model(StateStream& stream) override;
  void config_written(unsigned offset, unsigned width) override;

 private:
  Bus secondary_;
  bool in_reset_ = false;  // as bridge control has it
};

// A bridge to a conventional bus of 32 slots: on one, and on a PCI Express bus.
std::unique_ptr<Bridge> make_pci_bridge(Log& log, uint8_t chassis);
std::unique_ptr<Bridge> make_pcie_pci_bridge(Log& log);

}  // namespace mynah::dev::pci
