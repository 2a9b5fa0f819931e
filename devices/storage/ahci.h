// SPDX-License-Identifier: Apache-2.0
//
// Ahci: Intel's ICH9 SATA controller in AHCI mode (I/O Controller Hub 9 data sheet, chapter 15; Serial ATA
// AHCI 1.3.1): six ports, registers in BAR 5, the same behind an index and a data port in BAR 4, MSI.
//
// A board plugs it where its chipset has it; drives go into its ports by IdeController.
#pragma once

#include <memory>
#include <vector>

#include "devices/pci/function.h"
#include "devices/storage/ahci_port.h"
#include "devices/storage/ide_controller.h"

namespace mynah::dev {

class Ahci final : public pci::Function, public IdeController {
 public:
  explicit Ahci(Log& log);

  unsigned buses() const override { return ahci::kPorts; }
  unsigned units() const override { return 1; }
  IdeDrive* drive(unsigned bus, unsigned) const override { return ports_[bus]->drive(); }
  void plug_drive(unsigned bus, unsigned, std::unique_ptr<IdeDrive> drive) override {
    ports_[bus]->plug(std::move(drive));
  }

 private:
  uint64_t bar_read(unsigned bar, uint64_t offset, Width width) override;
  void bar_write(unsigned bar, uint64_t offset, Width width, uint64_t value) override;
  void reset_model() override { reset_controller(); }
  void serialize_model(StateStream&) override;
  void reset_controller();
  uint32_t read_register(uint32_t offset) const;
  void write_register(uint32_t offset, uint32_t value);
  void update(bool again = false);

  std::vector<std::unique_ptr<AhciPort>> ports_;
  uint32_t control_ = 0, interrupts_ = 0;  // GHC, IS
  uint32_t index_ = 0;
};

}  // namespace mynah::dev
