// SPDX-License-Identifier: Apache-2.0
//
// HostClock: the host's own clocks, for the calendar of a guest. Guest time is another thing (GuestClock).
#pragma once

#include <time.h>

#include "devices/core/event_queue.h"

namespace mynah::host {

class HostClock final : public dev::Clock {
 public:
  enum class Kind : uint8_t {
    kWall,    // nanoseconds of the Unix epoch; somebody may set it
    kSteady,  // since the host started, its sleep included; nobody can set it
  };
  explicit HostClock(Kind kind) : id_(kind == Kind::kWall ? CLOCK_REALTIME : CLOCK_BOOTTIME) {}
  dev::TimeNs now() const override {
    timespec t{};
    ::clock_gettime(id_, &t);
    return dev::TimeNs{t.tv_sec} * 1'000'000'000 + t.tv_nsec;
  }

 private:
  clockid_t id_;
};

}  // namespace mynah::host
