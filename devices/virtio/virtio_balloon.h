// SPDX-License-Identifier: Apache-2.0
//
// virtio-balloon, the traditional memory balloon (VIRTIO 1.2, 5.5): pages that the driver puts in are given
// back to the host and read as zero; statistics. Queues: inflation, deflation, statistics. Features: the
// statistics queue and deflation when memory runs out; no free-page hints, page poison or reporting.
//
// A page number counts 4 KiB. What is not in RAM is left alone. The driver's statistics buffer is kept until
// the next request for new ones.
#pragma once

#include <array>
#include <optional>
#include <unordered_map>

#include "devices/virtio/virtio_device.h"

namespace mynah::dev {

class VirtioBalloon final : public VirtioDevice {
 public:
  // The driver's tags, 5.5.6.3, in their order.
  enum Statistic : unsigned {
    kSwapIn,
    kSwapOut,
    kMajorFaults,
    kMinorFaults,
    kFreeMemory,
    kTotalMemory,
    kAvailableMemory,
    kDiskCaches,
    kHugePageAllocations,
    kHugePageFailures,
    kStatistics,
  };

  VirtioBalloon(DmaMemory& memory, Log& log, uint64_t ram_bytes);

  uint32_t device_id() const override { return 5; }
  uint32_t state_version() const override { return 1; }
  bool write_config(uint64_t offset, std::span<const uint8_t> from) override;

  // --- For a person. Bytes; what the guest is asked to have left, and has.
  void set_target(uint64_t bytes);
  uint64_t actual() const;
  // As the driver last said them; asks it for new ones.
  const std::array<std::optional<uint64_t>, kStatistics>& statistics();

 private:
  enum Queue : unsigned { kInflate, kDeflate, kStats };
  static constexpr unsigned kPageBits = 12, kMostPages = 4096;  // the latter of a buffer
  static constexpr unsigned kGroupBits = 15;                    // pages of a group of ballooned_

  uint64_t device_features() const override;
  void config(std::span<uint8_t> to) const override;
  void notify(unsigned queue) override;
  void reset_device() override;
  void serialize_device(StateStream& stream) override;
  uint32_t move_pages(const DescriptorChain& chain, bool inflate);
  void move_page(uint32_t page, bool inflate);
  void take_statistics();

  const uint64_t ram_bytes_;
  uint32_t wanted_pages_ = 0, actual_pages_ = 0;
  // A bit a page that has been given back, so that it is done once; not saved.
  std::unordered_map<uint32_t, std::array<uint64_t, (1u << kGroupBits) / 64>> ballooned_;
  DescriptorChain stats_chain_;
  std::optional<uint16_t> stats_buffer_;  // the head of what the driver waits to have back
  std::array<std::optional<uint64_t>, kStatistics> statistics_{};
};

}  // namespace mynah::dev
