// SPDX-License-Identifier: Apache-2.0
//
// The two clocks of a machine. Deterministic: guest time is the count of executed instructions, scaled; an
// idle guest jumps to its next deadline. Realtime: guest time is the host's monotonic clock since the machine
// started.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>

#include "devices/core/event_queue.h"

namespace mynah {

class GuestClock final : public dev::Clock {
 public:
  enum class Kind : uint8_t { kRealtime, kDeterministic };

  // shift: an instruction takes 1 << shift ns (deterministic only), 0 to 10.
  GuestClock(Kind kind, unsigned shift) : kind_(kind), shift_(shift), start_(Host::now()) {}

  void count_with(std::function<uint64_t()> instructions) { instructions_ = std::move(instructions); }

  Kind kind() const { return kind_; }
  unsigned shift() const { return shift_; }
  bool deterministic() const { return kind_ == Kind::kDeterministic; }
  dev::TimeNs now() const override {
    if (kind_ == Kind::kRealtime)
      return std::chrono::duration_cast<std::chrono::nanoseconds>((paused_ ? paused_at_ : Host::now()) -
                                                                  start_)
          .count();
    return skipped_ + static_cast<dev::TimeNs>((instructions_ ? instructions_() : 0) << shift_);
  }
  // Realtime: a stopped machine's time stands still.
  void pause() {
    if (!paused_) paused_at_ = Host::now();
    paused_ = true;
  }
  void resume() {
    if (paused_) start_ += Host::now() - paused_at_;
    paused_ = false;
  }
  // Guest time is `time` now, and goes on from there.
  void set(dev::TimeNs time) {
    const dev::TimeNs ahead = time - now();
    if (kind_ == Kind::kRealtime)
      start_ -= std::chrono::nanoseconds(ahead);
    else
      skipped_ += ahead;
  }
  // Deterministic: instructions that fit before a deadline, at least 1.
  uint64_t instructions_until(dev::TimeNs deadline) const {
    const dev::TimeNs left = deadline - now();
    if (left <= 0) return 1;
    return (static_cast<uint64_t>(left) + (uint64_t{1} << shift_) - 1) >> shift_;
  }
  // Deterministic: an idle guest waits for `deadline`.
  void skip_to(dev::TimeNs deadline) {
    if (deadline > now()) skipped_ += deadline - now();
  }

 private:
  using Host = std::chrono::steady_clock;
  Kind kind_;
  unsigned shift_;
  dev::TimeNs skipped_ = 0;
  bool paused_ = false;
  Host::time_point start_, paused_at_;
  std::function<uint64_t()> instructions_;
};

}  // namespace mynah
