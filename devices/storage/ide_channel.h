// SPDX-License-Identifier: Apache-2.0
//
// IdeChannel: two drives on one cable, behind the eight ports of the command block and the control port
// (ATA/ATAPI-6, chapter 7). Registers are written to both, read from the selected one, whose interrupt is the
// cable's.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "devices/core/stateless_device.h"
#include "devices/storage/ide_drive.h"

namespace mynah::dev {

class IdeChannel final : public Stateful {
 public:
  static constexpr uint64_t kCommandSize = 8, kControlSize = 1;

  // `name` for the state.
  IdeChannel(std::string name, IrqLine irq);

  Device& command_block() { return command_block_; }  // at 0x1f0 or 0x170
  Device& control() { return control_; }              // at 0x3f6 or 0x376
  void plug(unsigned drive, std::unique_ptr<IdeDrive> what) { drives_[drive & 1] = std::move(what); }
  IdeDrive* drive(unsigned n) const { return drives_[n & 1].get(); }
  IdeDrive* selected() const { return drives_[select_ >> 4 & 1].get(); }
  // After a drive has done something of its own accord: its interrupt shows.
  void update();
  // A command may have asked for DMA; the interrupt has risen.
  std::function<void()> command_written = [] {}, interrupted = [] {};

  std::string_view name() const override { return name_; }
  uint32_t state_version() const override { return 1; }
  void reset() override;

 private:
  class Block final : public StatelessDevice {
   public:
    Block(IdeChannel& channel, bool control)
        : StatelessDevice(is_control_ ? "ide-control" : "ide-command"),
          channel_(channel),
          is_control_(control) {}
    uint64_t read(Offset, Width) override;
    void write(Offset, Width, uint64_t) override;

   private:
    IdeChannel& channel_;
    const bool is_control_;
  };

  void serialize_state(StateStream&) override;
  uint8_t read_register(unsigned n);
  void write_register(unsigned n, uint8_t value);
  uint8_t status() const;
  void write_control(uint8_t value);

  const std::string name_;
  IrqLine irq_;
  std::unique_ptr<IdeDrive> drives_[2];
  Block command_block_{*this, false}, control_{*this, true};
  uint8_t select_ = 0, control_value_ = 0;
  bool shown_ = false;
};

}  // namespace mynah::dev
