// SPDX-License-Identifier: Apache-2.0
//
// ScsiUnit: a logical unit that takes SCSI commands (SPC-4), a disk or a CD drive, behind whatever brings
// them: packets of ATAPI, virtio-scsi. It knows no transport: a command comes to an Outcome, whoever brought
// it moves the data that this names, and asks sense() where it failed.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "devices/core/device.h"
#include "devices/core/host_backends.h"

namespace mynah::dev {

class ScsiUnit : public Stateful {
 public:
  static constexpr size_t kMostCommand = 16, kSenseBytes = 18, kMostParameters = 4096;
  enum Key : uint8_t {
    kNoSense = 0,
    kNotReady = 2,
    kMediumError = 3,
    kIllegalRequest = 5,
    kUnitAttention = 6,
    kDataProtect = 7
  };
  struct Sense {
    uint8_t key = 0, code = 0, qualifier = 0;
    bool operator==(const Sense&) const = default;
  };
  enum class Data : uint8_t {
    kNone,
    kAnswer,      // answer(), its first `bytes`
    kRead,        // `bytes` of the medium from `position` on, by read()
    kWrite,       // to there, by write(); then written()
    kParameters,  // `bytes`, at most kMostParameters, from the host to take_parameters()
  };
  struct Outcome {
    Data data = Data::kNone;
    uint64_t position = 0, bytes = 0;
    bool failed = false;  // sense() says why
  };
  struct Identity {
    std::string vendor = "MYNAH", product = {}, revision = "1.0", serial = {};
    uint8_t version = 5, format = 2, flags = 2;  // bytes 2, 3 and 7 of INQUIRY: SPC-3, with queues
  };

  // At most kMostCommand bytes; what is missing is 0.
  Outcome execute(std::span<const uint8_t> command);
  std::span<const uint8_t> answer() const { return answer_; }
  // False: it failed, and sense() says why.
  bool read(uint64_t position, std::span<uint8_t> to);
  bool write(uint64_t position, std::span<const uint8_t> from);
  bool written();
  bool take_parameters(std::span<const uint8_t> from);

  const Sense& sense() const { return sense_; }
  void clear_sense() { sense_ = {}; }
  // In the fixed format (SPC-4, 4.5.3).
  static std::array<uint8_t, kSenseBytes> sense_bytes(const Sense& sense);
  void reset() override;
  uint32_t state_version() const override { return 1; }

 protected:
  enum Code : uint8_t {
    kReadError = 0x11,
    kWriteError = 0x0c,
    kBadOperation = 0x20,
    kBadAddress = 0x21,
    kBadField = 0x24,
    kBadParameter = 0x26,
    kWriteProtected = 0x27,
    kMediumChanged = 0x28,
    kSavingNotSupported = 0x39,
    kNoMedium = 0x3a,
    kPreventedByLock = 0x53,
  };
  ScsiUnit(uint8_t type, bool removable, Identity identity);

  virtual Outcome run(uint8_t operation) = 0;
  virtual BlockBackend* medium() const = 0;     // null: none
  virtual bool stable_write() { return true; }  // behind a write; false: the host failed
  virtual bool parameters(std::span<const uint8_t>) { return true; }
  virtual void reset_unit() {}
  virtual void serialize_unit(StateStream& s) = 0;
  // Pages of INQUIRY beyond the list, serial number and identification; the number of bytes, 0: unknown.
  virtual size_t vital_page(uint8_t page, uint8_t* to) { return 0; }
  virtual std::span<const uint8_t> vital_pages() const { return {}; }

  // --- For a command's answer.
  uint32_t field(unsigned at, unsigned n) const;  // of the command, big-endian
  Outcome done() const { return {}; }
  Outcome refuse(Key key, uint8_t code, uint8_t qualifier = 0);
  bool fail(Key key, uint8_t code, uint8_t qualifier = 0);
  // The first n bytes of the answer, of which the host takes `most`.
  Outcome give(size_t n, uint64_t most) const;
  Outcome inquiry();
  Outcome request_sense();
  static void put_text(uint8_t* to, size_t n, std::string_view text);

  std::array<uint8_t, kMostCommand> command_{};
  std::vector<uint8_t> answer_ = std::vector<uint8_t>(kAnswerBytes);
  static constexpr size_t kAnswerBytes = 4096;

 private:
  void serialize_state(StateStream& s) final;
  size_t identification(uint8_t* to) const;

  const uint8_t type_;
  const bool removable_;
  const Identity identity_;
  Sense sense_;
};

}  // namespace mynah::dev
