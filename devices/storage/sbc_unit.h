// SPDX-License-Identifier: Apache-2.0
//
// SbcUnit: a disk as its commands see it (SBC-3): reading and writing by addresses of 32 and 64 bits,
// verifying, flushing, unmapping, zeroing, its capacity and mode pages.
//
// What is not modelled: formatting, reservations, protection information; such commands are refused.
#pragma once

#include "devices/storage/scsi_unit.h"

namespace mynah::dev {

class SbcUnit final : public ScsiUnit {
 public:
  struct Options {
    uint32_t logical_block = 512, physical_block = 512;  // powers of two, 512 to 32768
  };
  SbcUnit(BlockBackend& disk, Identity identity, Options options);

  std::string_view name() const override { return "sbc-unit"; }

 private:
  Outcome run(uint8_t operation) override;
  BlockBackend* medium() const override { return &disk_; }
  bool stable_write() override { return (write_cache_ && !stable_) || disk_.flush(); }
  bool parameters(std::span<const uint8_t> from) override;
  void reset_unit() override;
  void serialize_unit(StateStream& s) override;
  size_t vital_page(uint8_t page, uint8_t* to) override;
  std::span<const uint8_t> vital_pages() const override;

  bool on_disk(uint64_t block, uint64_t n);
  Outcome transfer(bool write, uint64_t block, uint64_t n, bool stable);
  Outcome verify(uint64_t block, uint64_t n);
  Outcome flush();
  Outcome capacity10();
  Outcome service_action_in();
  Outcome mode_sense();
  Outcome mode_select(size_t n);
  Outcome write_same(uint64_t block, uint64_t n);
  Outcome unmap();
  bool take_modes(std::span<const uint8_t> from);
  bool take_ranges(std::span<const uint8_t> from);
  bool take_pattern(std::span<const uint8_t> from);

  BlockBackend& disk_;
  const Options options_;
  const uint64_t blocks_;
  bool write_cache_ = true, stable_ = false;  // stable_: of the command, by its FUA
};

}  // namespace mynah::dev
