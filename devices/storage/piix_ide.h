// SPDX-License-Identifier: Apache-2.0
//
// PiixIde: the IDE function of Intel's 82371SB (data sheet 290550, 2.2): two channels at ISA's places, and
// the bus-master registers of the "Programming Interface for Bus Master IDE Controller", 1.0, in BAR 4.
//
// A transfer happens at once when both the drive and the engine are ready. The timing registers keep what is
// written.
#pragma once

#include <array>

#include "devices/pci/function.h"
#include "devices/storage/ide_channel.h"
#include "devices/storage/ide_controller.h"

namespace mynah::dev {

class PiixIde final : public pci::Function, public IdeController {
 public:
  static constexpr unsigned kChannels = 2;

  PiixIde(IrqLine first, IrqLine second, Log& log);

  IdeChannel& channel(unsigned n) { return channels_[n % kChannels]; }
  unsigned buses() const override { return kChannels; }
  unsigned units() const override { return 2; }
  IdeDrive* drive(unsigned bus, unsigned unit) const override { return channels_[bus].drive(unit); }
  void plug_drive(unsigned bus, unsigned unit, std::unique_ptr<IdeDrive> drive) override {
    channels_[bus].plug(unit, std::move(drive));
  }

 private:
  struct BusMaster {
    uint8_t command = 0, status = 0;
    uint32_t table = 0;
    // Where in the table the transfer is: the entry that is next, and what is left of the last one.
    uint32_t entry = 0, left = 0;
    uint64_t address = 0;
    bool last = false;
  };
  uint64_t bar_read(unsigned bar, uint64_t offset, Width width) override;
  void bar_write(unsigned bar, uint64_t offset, Width width, uint64_t value) override;
  void reset_model() override;
  void serialize_model(StateStream&) override;
  uint8_t read_byte(unsigned offset) const;
  void write_byte(unsigned offset, uint8_t value);
  void write_command(unsigned n, uint8_t value);
  void transfer(unsigned n);
  bool next_entry(BusMaster& m);
  bool move(BusMaster& m, IdeDrive& drive);

  std::array<IdeChannel, kChannels> channels_;
  std::array<BusMaster, kChannels> masters_;
};

}  // namespace mynah::dev
