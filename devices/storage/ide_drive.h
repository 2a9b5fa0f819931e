// SPDX-License-Identifier: Apache-2.0
//
// IdeDrive: what every ATA and ATAPI device has (ATA/ATAPI-6, chapters 7 to 9): the command block registers,
// data by words or by DMA, an interrupt, reset. A command is carried out when its register is written; data
// then waits in a buffer for the host, or the host's DMA engine takes it piece by piece.
//
// It knows no channel: whoever drives it (an IDE channel, an AHCI port) passes registers on and looks at
// interrupt().
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "devices/core/device.h"

namespace mynah::dev {

class IdeDrive : public Stateful {
 public:
  enum Register : unsigned {
    kData = 0,
    kErrorFeatures = 1,
    kSectorCount = 2,
    kLbaLow = 3,
    kLbaMid = 4,
    kLbaHigh = 5,
    kDevice = 6,
    kStatusCommand = 7
  };
  enum Status : uint8_t {
    kErr = 0x01,
    kDrq = 0x08,
    kSeekDone = 0x10,
    kFault = 0x20,
    kReady = 0x40,
    kBusy = 0x80
  };
  enum ErrorBit : uint8_t { kAbort = 0x04, kNotFound = 0x10, kUncorrectable = 0x40 };
  static constexpr unsigned kSector = 512;

  // Of registers 1 to 6; a write of a register is for both drives of a channel. `previous`: what was written
  // before, of those that are two deep.
  uint8_t read_register(unsigned n, bool previous) const;
  void write_register(unsigned n, uint8_t value);
  uint8_t status() const { return status_; }
  uint8_t error() const { return error_; }
  void acknowledge() { interrupt_ = false; }  // the status register was read
  bool interrupt() const { return interrupt_; }
  void command(uint8_t value);
  // Data of width bytes, while DRQ is set; else nothing.
  uint32_t read_data(unsigned width);
  void write_data(unsigned width, uint32_t value);
  // The same by many bytes: what is left of the buffer at most, whose size data_left() is.
  uint32_t data_left() const { return (status_ & kDrq) && !dma_left_ ? end_ - at_ : 0; }
  bool data_to_host() const { return !out_; }
  bool wants_packet() const { return data_left() != 0 && out_ && next_ == Next::kPacket; }
  void read_block(std::span<uint8_t> to);
  void write_block(std::span<const uint8_t> from);
  // Whoever moves the data cannot: the command ends with an error.
  void abandon() { fail(kAbort); }
  // The cable is serial: the drive says so, and takes queued commands where it knows them.
  void use_serial_ata() { serial_ata_ = true; }
  void reset() override;      // by the power, or by software
  void execute_diagnostic();  // the same for both drives, with an interrupt

  // --- DMA, once a command has asked for it and until all of its bytes were moved.
  bool wants_dma() const { return dma_left_ != 0; }
  bool dma_to_memory() const { return dma_in_; }
  uint64_t dma_left() const { return dma_left_; }
  // The next bytes, at most dma_left(). False: the command has ended with an error.
  bool dma_read(std::span<uint8_t> to);
  bool dma_write(std::span<const uint8_t> from);

  uint32_t state_version() const override { return 1; }

 protected:
  explicit IdeDrive(Log& log) : log_(log) {}

  struct TaskFile {
    uint8_t features = 0, count = 0, low = 0, mid = 0, high = 0;
  };
  // What the data in the buffer is for, once the host has read or written all of it.
  enum class Next : uint8_t { kNothing, kReadSectors, kWriteSectors, kPacket, kPacketIn };

  virtual void execute(uint8_t command) = 0;
  virtual void buffer_moved(Next next) = 0;
  virtual bool dma_moved_in(std::span<uint8_t> to) = 0;  // bytes for the host
  virtual bool dma_moved_out(std::span<const uint8_t> from) = 0;
  virtual void dma_ended() = 0;  // all were moved
  virtual void set_signature() = 0;
  virtual void reset_drive() = 0;
  virtual void serialize_drive(StateStream& s) = 0;

  // --- For a command's answer.
  // The buffer's first n bytes (even) are for the host, or from it; with an interrupt or not.
  void offer(size_t n, Next next, bool interrupts = true);
  void ask(size_t n, Next next, bool interrupts);
  // The answer of IDENTIFY DEVICE or IDENTIFY PACKET DEVICE, in the buffer: zeroes, to be filled by words.
  void begin_identity();
  void identity_word(unsigned n, uint64_t value);                         // its low 16 bits
  void identity_text(unsigned n, unsigned words, std::string_view text);  // filled up with spaces
  void begin_dma(bool to_memory, uint64_t bytes);
  void done();
  void fail(uint8_t error);

  Log& log_;
  TaskFile now_, before_;
  uint8_t device_ = 0, status_ = 0, error_ = 0;
  bool interrupt_ = false;
  bool serial_ata_ = false;
  std::vector<uint8_t> buffer_ = std::vector<uint8_t>(kBufferBytes);
  static constexpr size_t kBufferBytes = 0x10000;
  static constexpr uint64_t kMostDma = uint64_t{1} << 32;

 private:
  void serialize_state(StateStream& s) final;
  void moved(size_t n);  // of the buffer

  uint32_t at_ = 0, end_ = 0;  // of the buffer
  bool out_ = false;           // the host writes it
  Next next_ = Next::kNothing;
  bool dma_in_ = false;
  uint64_t dma_left_ = 0;
};

}  // namespace mynah::dev
