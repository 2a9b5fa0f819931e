// SPDX-License-Identifier: Apache-2.0
//
// See virtio_balloon.h.
#include "devices/virtio/virtio_balloon.h"

#include <algorithm>
#include <cstring>

namespace mynah::dev {

namespace {

using virtio::bit;
constexpr unsigned kStatisticsQueue = 1, kDeflateOnOom = 2;
constexpr uint64_t kActual = 4;                       // in the configuration, behind num_pages
constexpr size_t kEntrySize = 10, kMostEntries = 64;  // of statistics: a tag of 16 bits, a value of 64

}  // namespace

VirtioBalloon::VirtioBalloon(DmaMemory& memory, Log& log, uint64_t ram_bytes)
    : VirtioDevice("virtio-balloon", memory, log, {128, 128, 128}), ram_bytes_(ram_bytes) {}

uint64_t VirtioBalloon::device_features() const { return bit(kStatisticsQueue) | bit(kDeflateOnOom); }

void VirtioBalloon::config(std::span<uint8_t> to) const {
  std::memcpy(to.data(), &wanted_pages_, 4);
  std::memcpy(to.data() + kActual, &actual_pages_, 4);
}

bool VirtioBalloon::write_config(uint64_t offset, std::span<const uint8_t> from) {
  if (offset < kActual || offset - kActual > 4 || from.size() > 4 - (offset - kActual)) return false;
  std::memcpy(reinterpret_cast<uint8_t*>(&actual_pages_) + (offset - kActual), from.data(), from.size());
  return true;
}

void VirtioBalloon::set_target(uint64_t bytes) {
  wanted_pages_ = static_cast<uint32_t>((ram_bytes_ - std::min(bytes, ram_bytes_)) >> kPageBits);
  config_changed();
}

uint64_t VirtioBalloon::actual() const {
  return ram_bytes_ - std::min(ram_bytes_, uint64_t{actual_pages_} << kPageBits);
}

void VirtioBalloon::reset_device() {
  actual_pages_ = 0;
  ballooned_.clear();
  stats_buffer_.reset();
  statistics_ = {};
}

void VirtioBalloon::notify(unsigned queue) {
  if (queue == kStats) return take_statistics();
  process(queue,
          [this, queue](const DescriptorChain& chain) { return move_pages(chain, queue == kInflate); });
}

uint32_t VirtioBalloon::move_pages(const DescriptorChain& chain, bool inflate) {
  std::array<uint32_t, kMostPages> pages;
  const uint64_t n = std::min<uint64_t>(chain.readable_size / 4, kMostPages);
  if (chain.readable_size / 4 > n) guest_error("a buffer has more than 4096 page numbers");
  if (!ScatterCursor(memory_, chain.readable).read(pages.data(), n * 4)) {
    fail("page numbers are not in RAM");
    return 0;
  }
  for (uint64_t i = 0; i < n; ++i) move_page(pages[i], inflate);
  return 0;
}

void VirtioBalloon::move_page(uint32_t page, bool inflate) {
  const uint32_t group = page >> kGroupBits, in_group = page & ((1u << kGroupBits) - 1);
  const uint64_t mask = uint64_t{1} << (in_group % 64);
  const auto found = ballooned_.find(group);
  const bool known = found != ballooned_.end() && (found->second[in_group / 64] & mask);
  if (known == inflate) return;
  if (!inflate) {
    found->second[in_group / 64] &= ~mask;
    return;
  }
  // A group comes only with a page of RAM: their number is bounded.
  if (memory_.discard(uint64_t{page} << kPageBits, size_t{1} << kPageBits))
    ballooned_[group][in_group / 64] |= mask;
}

// The driver gives one buffer and waits for it; a second one makes no sense, and the first goes back.
void VirtioBalloon::take_statistics() {
  if (!running()) return;
  Virtqueue& q = queue(kStats);
  for (unsigned left = q.size(); left != 0; --left) {
    switch (q.pop(stats_chain_)) {
      case Virtqueue::Pop::kBroken:
        return fail(q.error());
      case Virtqueue::Pop::kEmpty:
        if (q.enable_notification()) return;
        continue;
      case Virtqueue::Pop::kChain:
        break;
    }
    if (stats_buffer_) {
      q.add_used(*stats_buffer_, 0);
      complete(kStats);
    }
    stats_buffer_ = stats_chain_.head;
    std::array<uint8_t, kEntrySize * kMostEntries> bytes;
    const uint64_t n = std::min<uint64_t>(stats_chain_.readable_size, bytes.size()) / kEntrySize;
    if (!ScatterCursor(memory_, stats_chain_.readable).read(bytes.data(), n * kEntrySize))
      return fail("statistics are not in RAM");
    statistics_ = {};
    for (uint64_t i = 0; i < n; ++i) {
      uint16_t tag = 0;
      uint64_t value = 0;
      std::memcpy(&tag, &bytes[i * kEntrySize], sizeof tag);
      std::memcpy(&value, &bytes[i * kEntrySize + sizeof tag], sizeof value);
      if (tag < kStatistics) statistics_[tag] = value;
    }
  }
}

const std::array<std::optional<uint64_t>, VirtioBalloon::kStatistics>& VirtioBalloon::statistics() {
  if (stats_buffer_ && running()) {
    queue(kStats).add_used(*stats_buffer_, 0);
    stats_buffer_.reset();
    complete(kStats);
  }
  return statistics_;
}

void VirtioBalloon::serialize_device(StateStream& stream) {
  stream.io(wanted_pages_);
  stream.io(actual_pages_);
  bool waits = stats_buffer_.has_value();
  uint16_t head = stats_buffer_.value_or(0);
  stream.io(waits);
  stream.io(head);
  if (!stream.loading()) return;
  ballooned_.clear();
  statistics_ = {};
  stats_buffer_ = waits && !stream.failed() ? std::optional(head) : std::nullopt;
}

}  // namespace mynah::dev
