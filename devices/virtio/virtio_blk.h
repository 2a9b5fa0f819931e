// SPDX-License-Identifier: Apache-2.0
//
// virtio-blk, the block device (VIRTIO 1.2, 5.2). Interfaces: BlockBackend; one queue of requests.
//
// Requests complete inside the notification, in order, except where the host would make the guest wait: those
// complete when the host has done them (disk_transfer.h). A header, a payload and the status byte may be
// split over descriptors anywhere. Errors that a disk can have (host errors, sectors outside the disk, writes
// to a read-only disk) are VIRTIO_BLK_S_IOERR; a chain that is not a request at all stops the device.
#pragma once

#include <optional>
#include <string>

#include "devices/core/host_backends.h"
#include "devices/virtio/disk_transfer.h"
#include "devices/virtio/virtio_device.h"

namespace mynah::dev {

class VirtioBlk final : public VirtioDevice {
 public:
  struct Options {
    std::string serial;                  // the first 20 bytes count
    uint32_t logical_block_size = 512;   // 512 to 32768, a power of two: requests are multiples of it
    uint32_t physical_block_size = 512;  // a power of two, at least logical_block_size
  };

  // A disk whose size is not a multiple of the logical block ends at the last whole one.
  VirtioBlk(DmaMemory& memory, Log& log, BlockBackend& backend, Options options);
  VirtioBlk(DmaMemory& memory, Log& log, BlockBackend& backend)
      : VirtioBlk(memory, log, backend, Options{}) {}

  uint32_t device_id() const override { return 2; }
  uint32_t state_version() const override { return 1; }
  bool write_config(uint64_t offset, std::span<const uint8_t> from) override;

 private:
  enum class Status : uint8_t { kOk = 0, kIoError = 1, kUnsupported = 2 };
  struct Header {
    uint32_t type;
    uint32_t reserved;
    uint64_t sector;
  };

  uint64_t device_features() const override;
  void config(std::span<uint8_t> to) const override;
  void notify(unsigned queue) override;
  void features_accepted() override;
  void reset_device() override { write_back_ = true; }
  void serialize_device(StateStream& stream) override;

  // What a request came to. kUnreachable: a buffer is not in RAM. kLater: it ends later.
  enum class Outcome : uint8_t { kOk, kIoError, kUnsupported, kUnreachable, kLater };
  void settle() override { backend_.settle(); }
  // Bytes written to the chain; nothing: later.
  std::optional<uint32_t> handle(const DescriptorChain& chain);
  std::optional<uint32_t> end(const DescriptorChain& chain, Outcome outcome);
  Outcome execute(const Header& header, const DescriptorChain& chain);
  Outcome read(uint64_t sector, const DescriptorChain& chain);
  Outcome write(uint64_t sector, ScatterCursor payload, uint64_t size, const DescriptorChain& chain);
  Outcome get_id(const DescriptorChain& chain);
  Outcome discard_or_zero(bool discard, ScatterCursor payload, uint64_t size, const DescriptorChain& chain);
  static Outcome outcome_of(std::optional<Transfer> took);
  Ended ends_later(const DescriptorChain& chain);

  uint64_t capacity() const;  // in sectors
  bool valid_range(uint64_t sector, uint64_t sectors) const;

  BlockBackend& backend_;
  const Options options_;
  bool write_back_ = true;  // else each write is flushed before it completes
};

}  // namespace mynah::dev
