// SPDX-License-Identifier: Apache-2.0
//
// PflashCfi01: parallel NOR flash with the Intel command set (CFI primary command set 0001h), one or more
// chips side by side on one bus. Manuals: Intel StrataFlash J3 and P30 data sheets (commands, status
// register, block locking), JEDEC JESD68.01 (CFI query).
//
// The default is the `virt` board's: 64 MiB of two 16-bit chips on a 32-bit bus, 128 KiB blocks each, so
// sectors of 256 KiB. Each chip is modelled by itself: a 32-bit bus cycle gives its halves to both, a 64-bit
// one is two cycles. A 16-bit one gives its data to one chip, and its command to both: so does the published
// board, whose firmware (U-Boot) takes the flash for a 16-bit one.
//
// Every operation completes at once, so the ready bit of the status register is always set and suspend does
// nothing. Programming only clears bits. Blocks are unlocked after power-up. Not modelled: protection
// registers (they read 0), read configuration register, factory programming.
//
// The machine may map contents() as ROM while array_mode() holds; on_mode_change tells. Contents change
// outside of array mode only (and in serialize()), but writes of the window always come here.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "devices/core/device.h"
#include "devices/core/host_backends.h"

namespace mynah::dev {

class PflashCfi01 final : public Device {
 public:
  struct Config {
    uint64_t size = 64 << 20;          // bytes in all; a multiple of sector_size
    uint32_t sector_size = 256 << 10;  // bytes erased at once, over all chips; a power of two
    uint8_t bank_width = 4;            // bytes of the bus: 1, 2 or 4
    uint8_t device_width = 2;          // bytes of a chip: 1 or 2
    uint16_t manufacturer = 0x89;
    uint16_t device = 0x18;
    // Clearing the status clears the ready bit, too, until the next operation, as on PCs, whose UEFI tells
    // flash from RAM by it.
    bool clears_ready = false;
    bool read_only = false;  // programming and erasing fail as on a locked block
    // Where the contents live, `size` bytes that outlive the device, erased; empty: the device allocates
    // them.
    std::span<uint8_t> storage = {};
  };
  using ModeChange = std::function<void(bool array_mode)>;
  using ContentsChange = std::function<void(uint64_t offset, uint64_t n)>;

  enum Command : uint8_t {
    kLockBlock = 0x01,  // confirms kLockSetup
    kAlternateProgram = 0x10,
    kEraseSetup = 0x20,
    kLockDownBlock = 0x2f,  // confirms kLockSetup
    kProgram = 0x40,
    kClearStatus = 0x50,
    kLockSetup = 0x60,
    kReadStatus = 0x70,
    kReadId = 0x90,
    kReadQuery = 0x98,
    kSuspend = 0xb0,
    kProtectionProgram = 0xc0,
    kConfirm = 0xd0,  // confirms erase, buffered program; unlocks after kLockSetup; resumes
    kBufferedProgram = 0xe8,
    kReadArray = 0xff,
  };
  enum Status : uint8_t {
    kStatusLocked = 1 << 1,
    kStatusProgramError = 1 << 4,
    kStatusEraseError = 1 << 5,
    kStatusSequenceError = kStatusProgramError | kStatusEraseError,
    kStatusReady = 1 << 7,
  };
  static constexpr uint8_t kErased = 0xff;
  static constexpr unsigned kBufferBytes = 2048;  // of each chip

  // Contents start erased, then as much of the backend as it has. Programming and erasing write
  // through to the backend, which may be nullptr; a failing host write is a program or erase error to the
  // guest.
  PflashCfi01(const Config& config, BlockBackend* backend, Log& log, std::string name = "pflash");

  std::span<uint8_t> contents() { return contents_; }
  // False when the backend could not be read. The flash is then read-only, so that it cannot damage the file.
  bool backend_readable() const { return backend_readable_; }
  bool array_mode() const;
  // At most one listener; called at each change of array_mode(), not for the mode at the time of this call.
  void on_mode_change(ModeChange listener) { mode_change_ = std::move(listener); }

  // At most one listener; called at each change of the contents, which may hold code.
  void on_contents_change(ContentsChange listener) { contents_change_ = std::move(listener); }

  std::string_view name() const override { return name_; }
  void reset() override;  // contents stay; block locks do not
  uint64_t read(Offset, Width) override;
  void write(Offset, Width, uint64_t) override;
  // Includes the contents. Loading writes sectors that differ through to the backend.
  uint32_t state_version() const override { return 1; }

 private:
  void serialize_state(StateStream&) override;
  enum class ReadMode : uint8_t { kArray, kStatus, kId, kQuery };
  // What the next write cycle means.
  enum class Expect : uint8_t {
    kCommand,
    kProgramData,
    kEraseConfirm,
    kLockConfirm,
    kProtectionData,
    kBufferCount,
    kBufferData,
    kBufferConfirm,
  };
  enum LockBit : uint8_t { kLocked = 1 << 0, kLockedDown = 1 << 1 };
  struct Buffered {
    uint32_t word;  // in the chip
    uint16_t data;
  };
  struct Chip {
    ReadMode read_mode = ReadMode::kArray;
    Expect expect = Expect::kCommand;
    uint8_t status = kStatusReady;
    uint32_t buffer_block = 0;
    uint32_t buffer_left = 0;  // words still to come
    std::vector<Buffered> buffer;
    std::vector<uint8_t> locks;  // LockBits of each block
  };

  static bool takes_data(const Chip& chip) {
    return chip.expect == Expect::kProgramData || chip.expect == Expect::kBufferData ||
           chip.expect == Expect::kProtectionData;
  }
  unsigned chip_count() const { return config_.bank_width / config_.device_width; }
  uint32_t words_per_block() const { return config_.sector_size / config_.bank_width; }
  uint32_t block_of(uint32_t word) const { return word / words_per_block(); }
  uint64_t byte_of(unsigned chip, uint32_t word) const {
    return uint64_t{word} * config_.bank_width + chip * config_.device_width;
  }
  void build_query();

  uint16_t read_word(unsigned chip, uint32_t word) const;
  void bus_cycle(uint64_t at, unsigned n, uint32_t value);
  void write_word(unsigned chip, uint32_t word, uint16_t value);
  void command(Chip&, uint32_t word, uint8_t command);
  void confirm_lock(Chip&, uint32_t word, uint8_t command);
  void take_buffer_word(Chip&, uint32_t word, uint16_t value);
  void sequence_error(Chip&);
  // Sets error bits and returns false when the block must not change.
  bool may_change(Chip&, uint32_t block, uint8_t error);
  void program(unsigned chip, uint32_t word, uint16_t value);
  void erase(unsigned chip, uint32_t block);
  void touch(uint64_t first, uint64_t n, uint8_t error);
  void write_through();
  bool host_write(uint64_t at, uint64_t n);
  void report_mode();
  bool load_chip(StateStream&, Chip&);
  void serialize_contents(StateStream&);

  Config config_;
  BlockBackend* backend_;
  Log& log_;
  std::string name_;
  std::vector<uint8_t> own_storage_;
  std::span<uint8_t> contents_;
  std::vector<uint8_t> query_;
  ModeChange mode_change_;
  ContentsChange contents_change_;
  bool reported_array_mode_ = true;
  bool backend_readable_ = true;

  std::vector<Chip> chips_;
  // Bytes changed by the bus cycle under way, and the error bits if the host fails to take them.
  uint64_t dirty_first_ = 0;
  uint64_t dirty_end_ = 0;
  uint8_t dirty_error_ = 0;
};

}  // namespace mynah::dev
