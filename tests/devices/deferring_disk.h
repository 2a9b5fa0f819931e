// SPDX-License-Identifier: Apache-2.0
//
// What a disk with other threads has in common for tests: while it defers, nothing is done at once, and what
// is given to later() waits for settle().
#pragma once

#include <deque>
#include <utility>

#include "devices/core/host_backends.h"

namespace mynah::dev::fake {

class DeferringDisk : public BlockBackend {
 public:
  bool defers = false;
  size_t waiting() const { return requests_.size(); }

  bool has_room(uint64_t) const override { return defers; }
  Answer read_now(uint64_t, std::span<uint8_t>) override { return Answer::kWaits; }
  Answer write_now(uint64_t, std::span<const uint8_t>) override { return Answer::kWaits; }
  void later(uint64_t, Work work, Done done) override {
    requests_.emplace_back(std::move(work), std::move(done));
  }
  void settle() override {
    while (!requests_.empty()) {
      const auto [work, done] = std::move(requests_.front());
      requests_.pop_front();
      done(work());
    }
  }

 private:
  std::deque<std::pair<Work, Done>> requests_;
};

}  // namespace mynah::dev::fake
