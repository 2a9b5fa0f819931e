// SPDX-License-Identifier: Apache-2.0
//
// MmcUnit: a CD or DVD drive as its commands see it (MMC-5): reading of 2048-byte sectors, table of contents,
// capacity, the tray, its lock and what happens to it.
//
// What is not modelled: audio, writing, raw sectors of other kinds than data.
#pragma once

#include "devices/storage/removable_drive.h"
#include "devices/storage/scsi_unit.h"

namespace mynah::dev {

class MmcUnit final : public ScsiUnit, public RemovableDrive {
 public:
  static constexpr unsigned kBlock = 2048;

  // No disk: no medium.
  MmcUnit(BlockBackend* disk, Identity identity);

  std::string_view name() const override { return "mmc-unit"; }
  bool change_medium(BlockBackend* disk, bool force) override;
  bool locked() const override { return locked_; }
  bool tray_open() const override { return open_; }
  void ask_for_medium() override { asked_ = true; }

 private:
  Outcome run(uint8_t operation) override;
  BlockBackend* medium() const override { return open_ ? nullptr : disk_; }
  void reset_unit() override;
  void serialize_unit(StateStream& s) override;

  uint32_t blocks() const { return disk_ ? static_cast<uint32_t>(disk_->size() / kBlock) : 0; }
  bool ready();
  Outcome failed() const { return {.failed = true}; }
  Outcome read_blocks(uint32_t block, uint32_t n);
  Outcome mode_sense();
  Outcome table_of_contents();
  Outcome configuration();
  Outcome event_status();
  Outcome start_stop();

  BlockBackend* disk_;
  bool open_ = false, locked_ = false;
  bool changed_ = false, removed_ = false, asked_ = false;  // what the host is to be told
};

}  // namespace mynah::dev
