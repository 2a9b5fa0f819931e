// SPDX-License-Identifier: Apache-2.0
//
// AtapiCd: a CD or DVD drive (ATA/ATAPI-6 chapter 8.23, PACKET; MMC-5 for the commands in packets): reading
// of 2048-byte sectors, table of contents, capacity, sense data, the tray and its lock.
//
// What is not modelled: audio, writing, raw sectors of other kinds than data.
#pragma once

#include <string>

#include "devices/core/host_backends.h"
#include "devices/storage/ide_drive.h"

namespace mynah::dev {

class AtapiCd final : public IdeDrive {
 public:
  static constexpr unsigned kBlock = 2048;

  // No disk: no medium.
  AtapiCd(BlockBackend* disk, Log& log);

  std::string_view name() const override { return "atapi-cd"; }
  uint32_t state_version() const override { return 1; }
  // Another medium, or none. False: the guest has locked the tray.
  bool change_medium(BlockBackend* disk);

 private:
  void execute(uint8_t command) override;
  void buffer_moved(Next next) override;
  bool dma_moved_in(std::span<uint8_t> to) override;
  bool dma_moved_out(std::span<const uint8_t>) override { return false; }
  void dma_ended() override { finish(); }
  void set_signature() override;
  void reset_drive() override;
  void serialize_drive(StateStream& s) override;

  bool medium() const { return disk_ && !open_; }
  uint32_t blocks() const { return disk_ ? static_cast<uint32_t>(disk_->size() / kBlock) : 0; }
  bool ready();
  void packet();
  void identify();
  void refuse(uint8_t key, uint8_t code);
  void finish();
  void answer(size_t n, size_t most);
  void read(uint32_t block, uint32_t n);
  void offer_data();
  void request_sense();
  void inquiry();
  void mode_sense();
  void table_of_contents();
  void configuration();
  void event_status();
  void start_stop();

  BlockBackend* disk_;
  uint8_t packet_[12] = {};
  uint8_t sense_key_ = 0, sense_code_ = 0;
  bool open_ = false, locked_ = false, changed_ = false;
  bool by_dma_ = false;
  // What is left for the host: of the disk from `position_`, or of the answer in the buffer.
  bool from_disk_ = false;
  uint64_t position_ = 0, left_ = 0;
};

}  // namespace mynah::dev
