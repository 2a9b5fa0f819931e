// SPDX-License-Identifier: Apache-2.0
//
// What is done at once.
#include "devices/host/pooled_disk.h"

namespace mynah::host {

dev::BlockBackend::Answer PooledDisk::read_now(uint64_t offset, std::span<uint8_t> to) {
  std::unique_lock<std::mutex> turn;
  return try_turn(turn) ? disk_->read_now(offset, to) : Answer::kWaits;
}

dev::BlockBackend::Answer PooledDisk::write_now(uint64_t offset, std::span<const uint8_t> from) {
  using Clock = std::chrono::steady_clock;
  std::unique_lock<std::mutex> turn;
  if (!try_turn(turn)) return Answer::kWaits;
  if (given_away_ != 0) {
    --given_away_;
    return Answer::kWaits;
  }
  const auto begin = Clock::now();
  const Answer answer = disk_->write_now(offset, from);
  if (Clock::now() - begin > kSlow) given_away_ = kGivenAway;
  return answer;
}

}  // namespace mynah::host
