// SPDX-License-Identifier: Apache-2.0
//
// AtaDisk: a hard disk (ATA/ATAPI-6 with 48-bit addresses; DATA SET MANAGEMENT of ACS-2): PIO, multiword and
// Ultra DMA, write cache, power commands that say that it runs; on a serial cable the queued commands of
// ACS-2 (7.24, 7.67), one after the other, and the log that tells which of them failed.
//
// What is not modelled: SMART, security and host protected areas; such commands are aborted, as a drive
// without these features does.
#pragma once

#include <string>

#include "devices/core/host_backends.h"
#include "devices/storage/ide_drive.h"

namespace mynah::dev {

class AtaDisk final : public IdeDrive {
 public:
  struct Options {
    std::string serial;  // at most 20 bytes
    std::string model = "MYNAH HARDDISK";
  };
  // Sectors of 512 bytes; what of the disk is less than one is not seen.
  AtaDisk(BlockBackend& disk, Options options, Log& log);

  std::string_view name() const override { return "ata-disk"; }
  uint32_t state_version() const override { return 2; }
  static constexpr unsigned kQueueDepth = 32;
  static bool is_queued(uint8_t command) { return command == 0x60 || command == 0x61; }
  // As firmware is told it by default: cylinders of 16 heads and 63 sectors.
  unsigned cylinders() const { return cylinders_; }

 private:
  void execute(uint8_t command) override;
  void buffer_moved(Next next) override;
  bool dma_moved_in(std::span<uint8_t> to) override;
  bool dma_moved_out(std::span<const uint8_t> from) override;
  void dma_ended() override;
  void set_signature() override;
  void reset_drive() override;
  void serialize_drive(StateStream& s) override;

  bool address(bool wide);
  void transfer(bool wide, bool write, unsigned block);
  void transfer_dma(bool wide, bool write);
  void transfer_queued(bool write);
  void move_by_dma(bool write);
  void read_log();
  void offer_sectors();
  void take_sectors();
  void identify();
  void set_features();
  void set_transfer_mode();
  void show_address(bool wide, uint64_t lba);
  void trim();

  BlockBackend& disk_;
  const Options options_;
  const uint64_t sectors_;
  const unsigned cylinders_;
  uint64_t lba_ = 0;       // of the next sector
  uint32_t left_ = 0;      // sectors, of a command by words
  uint32_t in_block_ = 0;  // of them in the buffer
  uint8_t block_ = 1;      // sectors a DRQ
  uint8_t multiple_ = 16;  // as SET MULTIPLE MODE has it; 0: off
  uint8_t heads_ = 16, track_sectors_ = 63;
  uint8_t multiword_ = 2, ultra_ = 0xff;  // modes that are set; 0xff: none
  bool write_cache_ = true, trims_ = false;
  bool queued_ = false, stable_ = false;  // of the command: by a tag; what it writes is flushed
  uint8_t failed_tag_ = 0x80;             // as the log has it; 0x80: no queued command failed
  uint64_t position_ = 0;                 // of DMA, in bytes
};

}  // namespace mynah::dev
