// SPDX-License-Identifier: Apache-2.0
//
// Fdc82077: a floppy disk controller (Intel 82077AA, data sheet 290166) with two drives, by DMA. Ports 0x3f0
// to 0x3f5, and 0x3f7.
//
// A command is carried out when its last byte is written; heads and motors take no time. What is not
// modelled: transfers without DMA, formatting (accepted, writes the fill byte), tapes.
#pragma once

#include <array>
#include <vector>

#include "devices/core/device.h"
#include "devices/core/host_backends.h"
#include "devices/core/stateless_device.h"
#include "devices/dma/dma_8237.h"
#include "devices/storage/removable_drive.h"

namespace mynah::dev {

class Fdc82077 final : public Device {
 public:
  static constexpr uint64_t kWindowSize = 6, kLastSize = 1;
  static constexpr unsigned kDrives = 2, kDmaChannel = 2, kSector = 512;
  enum Register : Offset { kStatusA = 0, kStatusB = 1, kDor = 2, kTape = 3, kMainStatus = 4, kFifo = 5 };
  // CMOS's numbers.
  enum class Kind : uint8_t { kNone = 0, k360K = 1, k1200K = 2, k720K = 3, k1440K = 4, k2880K = 5 };

  Fdc82077(Dma8237& dma, IrqLine irq, Log& log);

  // A drive, with a disk or without; its kind is that of its first disk, or of 1.44 MB.
  RemovableDrive& plug(unsigned drive, BlockBackend* disk);
  Kind kind(unsigned drive) const { return drives_[drive % kDrives].kind; }
  Device& last() { return last_; }  // at 0x3f7: disk change, data rate

  std::string_view name() const override { return "i82077"; }
  uint32_t state_version() const override { return 1; }
  void reset() override;
  uint64_t read(Offset, Width) override;
  void write(Offset, Width, uint64_t) override;

 private:
  struct Drive final : RemovableDrive {
    bool change_medium(BlockBackend* to, bool) override {
      insert(to);
      changed = true;
      return true;
    }
    void insert(BlockBackend* to);

    BlockBackend* disk = nullptr;
    Kind kind = Kind::kNone, medium = Kind::kNone;
    uint8_t tracks = 80, heads = 2, sectors = 18;
    uint8_t track = 0;
    bool changed = true;  // until the heads move
  };
  class Last final : public StatelessDevice {
   public:
    explicit Last(Fdc82077& fdc) : StatelessDevice("i82077-rate"), fdc_(fdc) {}
    uint64_t read(Offset, Width) override;
    void write(Offset, Width, uint64_t value) override { fdc_.rate_ = value & 3; }

   private:
    Fdc82077& fdc_;
  };
  struct Command;
  static const Command* find(uint8_t code);

  void serialize_state(StateStream&) override;
  uint8_t read_register(Offset offset);
  void write_register(Offset offset, uint8_t value);
  void write_dor(uint8_t value);
  void soft_reset();
  uint8_t main_status() const;
  uint8_t read_fifo();
  void write_fifo(uint8_t value);
  void execute();
  void answer(std::initializer_list<uint8_t> bytes);
  void interrupt(uint8_t status0);
  Drive& selected() { return drives_[command_[1] & (kDrives - 1)]; }
  bool has_disk(unsigned drive) const { return drive < kDrives && drives_[drive].disk; }
  void seek(unsigned drive, uint8_t track);
  void sense_interrupt();
  void transfer(bool write, bool verify);
  bool move_sector(Drive& drive, uint64_t sector, bool write, bool verify, bool& ended);
  void end_transfer(uint8_t code, uint8_t status1, uint8_t status2);
  void read_id();
  void format();

  Dma8237& dma_;
  IrqLine irq_;
  Log& log_;
  std::array<Drive, kDrives> drives_;
  Last last_{*this};
  std::array<uint8_t, 16> command_{};
  uint8_t have_ = 0;  // bytes of it
  std::array<uint8_t, 16> result_{};
  uint8_t result_at_ = 0, result_end_ = 0;
  uint8_t dor_ = 0, rate_ = 0, tape_ = 0;
  uint8_t status0_ = 0;      // of the last interrupt
  bool pending_ = false;     // it has not been sensed
  uint8_t after_reset_ = 0;  // drives whose change of readiness is to be sensed
  std::array<uint8_t, 2> specify_{};
  std::array<uint8_t, 3> configure_{};
  uint8_t perpendicular_ = 0;
  bool locked_ = false;
};

}  // namespace mynah::dev
