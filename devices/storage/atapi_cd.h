// SPDX-License-Identifier: Apache-2.0
//
// AtapiCd: a CD or DVD drive on an ATA cable (ATA/ATAPI-6 chapter 8.23, PACKET): brings packets to a MmcUnit
// and its data to the host, by words or by DMA.
#pragma once

#include "devices/storage/ide_drive.h"
#include "devices/storage/mmc_unit.h"

namespace mynah::dev {

class AtapiCd final : public IdeDrive, public RemovableDrive {
 public:
  static constexpr unsigned kBlock = MmcUnit::kBlock;

  // No disk: no medium.
  AtapiCd(BlockBackend* disk, Log& log);

  std::string_view name() const override { return "atapi-cd"; }
  uint32_t state_version() const override { return 2; }
  bool change_medium(BlockBackend* disk, bool force = false) override;
  bool locked() const override { return unit_.locked(); }
  bool tray_open() const override { return unit_.tray_open(); }
  void ask_for_medium() override { unit_.ask_for_medium(); }

 private:
  void execute(uint8_t command) override;
  void buffer_moved(Next next) override;
  bool dma_moved_in(std::span<uint8_t> to) override;
  bool dma_moved_out(std::span<const uint8_t>) override { return false; }
  void dma_ended() override { finish(); }
  void set_signature() override;
  void reset_drive() override;
  void serialize_drive(StateStream& s) override;

  void packet();
  void identify();
  void refuse();
  void finish();
  bool fetch(std::span<uint8_t> to);
  void offer_data();

  MmcUnit unit_;
  bool by_dma_ = false;
  // What is left for the host: of the medium from `position_`, or of the unit's answer.
  bool from_disk_ = false;
  uint64_t position_ = 0, left_ = 0;
};

}  // namespace mynah::dev
