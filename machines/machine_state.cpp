// SPDX-License-Identifier: Apache-2.0
//
// A machine's saved state: which board and how much memory, time, memory by pages that are not all zero, then
// each part in its fixed order, and last the events, so that none of what parts do as they are loaded
// remains.
#include <algorithm>
#include <array>
#include <string>

#include "machines/machine.h"

namespace mynah {

namespace {
constexpr uint32_t kVersion = 3;  // of all that is not a part's
constexpr uint64_t kLastPage = ~uint64_t{0};
using Page = std::array<uint8_t, kGuestPageSize>;
constexpr Page kZeroes{};
}  // namespace

void Machine::serialize(dev::StateStream& stream) {
  stream.section(name(), kVersion);
  uint64_t ram = config_.ram_bytes;
  dev::TimeNs now = clock_.now();
  stream.io(ram);
  stream.io(now);
  if (ram != config_.ram_bytes) stream.fail();
  if (stream.failed()) return;
  if (stream.loading()) clock_.set(now);
  uint64_t current = current_;
  stream.io(current);
  stream.io(turn_left_);
  stream.io(turn_pieces_);
  for (Processor& p : processors_) stream.io(p.gave_way);
  if (current >= processors_.size()) stream.fail();
  if (stream.failed()) return;
  current_ = current;
  serialize_ram(stream);
  for (dev::Stateful* part : parts_) part->serialize(stream);
  events_.serialize(stream);
}

void Machine::serialize_ram(dev::StateStream& stream) {
  stream.section("memory", kVersion);
  if (!stream.loading()) {
    for (const GuestMemory::Region& region : memory_.regions()) {
      if (!region.ram) continue;
      for (uint64_t at = 0; at < region.size; at += kGuestPageSize) {
        if (std::equal(kZeroes.begin(), kZeroes.end(), region.own + at)) continue;
        uint64_t pa = region.pa + at;
        stream.io(pa);
        stream.raw(region.own + at, kGuestPageSize);
      }
    }
    uint64_t end = kLastPage;
    return stream.io(end);
  }
  for (const GuestMemory::Region& region : memory_.regions()) {
    if (!region.ram) continue;
    for (uint64_t at = 0; at < region.size; at += kGuestPageSize)
      if (!std::equal(kZeroes.begin(), kZeroes.end(), region.own + at))
        memory_.put(region.pa + at, kZeroes.data(), kGuestPageSize);
  }
  Page page;
  for (;;) {
    uint64_t pa = kLastPage;
    stream.io(pa);
    if (stream.failed() || pa == kLastPage) return;
    stream.raw(page.data(), page.size());
    if (stream.failed()) return;
    const GuestMemory::Region* const region = memory_.find(pa);
    if (!region || !region->ram || pa % kGuestPageSize != 0) return stream.fail();
    memory_.put(pa, page.data(), page.size());
  }
}

std::vector<uint8_t> Machine::save() {
  settle_();
  dev::StateStream stream;
  serialize(stream);
  return stream.take();
}

Result<void> Machine::restore(std::vector<uint8_t> saved) {
  settle_();
  dev::StateStream stream(std::move(saved));
  serialize(stream);
  forget_translations();
  host_mapping_changed();
  if (stream.failed()) return Error{stream.error()};
  return {};
}

}  // namespace mynah
