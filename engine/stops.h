// SPDX-License-Identifier: Apache-2.0
//
// Stops: a debugger's break- and watchpoints (StopPoints) and the guest's own together, as code that is about
// to run and accesses of the slow path ask for them.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>

#include "engine/address_space.h"
#include "engine/stop_points.h"
#include "frontend/guest.h"

namespace mynah {

class Stops {
 public:
  Stops(GuestCpu& guest, AddressSpace& space, StopPoints& points)
      : guest_(guest), space_(space), points_(points) {}

  const StopPoints& points() const { return points_; }

  // --- code
  // Number of the stop set of pc's page. Numbers may be given anew here: VcpuGroup::follow_numbering().
  uint32_t number_at(uint64_t pc);
  std::span<const uint16_t> offsets(uint32_t number) const { return points_.offsets(number); }

  // --- accesses
  // An access to va's page may hit a watchpoint.
  bool watches_page(uint64_t va) const;
  // kAlone: the instruction hits one of the debugger's, and is to be executed by itself (execute_alone()).
  enum class Watch : uint8_t { kNone, kFault, kAlone };
  struct Bytes {
    uint64_t va, length;
    bool read, write;
    uint8_t note;
    uint32_t permission_class;
  };
  Watch check(const Bytes& access, Fault& fault);

  // --- an instruction that is executed by itself
  // An access wants its instruction to be, next.
  bool alone_wanted() const { return alone_wanted_; }
  void begin_alone() {
    alone_wanted_ = false;
    alone_ = true;
  }
  void end_alone() { alone_ = false; }
  // The watchpoint that was hit since this was last called.
  bool has_hit() const { return hit_.has_value(); }
  std::optional<StopPoints::Watchpoint> take_hit() { return std::exchange(hit_, std::nullopt); }

 private:
  bool guest_has_stops() const { return space_.key().translation.stops != 0; }

  GuestCpu& guest_;
  AddressSpace& space_;
  StopPoints& points_;  // all vCPUs'
  std::optional<StopPoints::Watchpoint> hit_;
  bool alone_wanted_ = false;
  bool alone_ = false;
};

}  // namespace mynah
