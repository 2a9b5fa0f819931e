// SPDX-License-Identifier: Apache-2.0
//
// Stops: a debugger's and the guest's own, asked as one.
#include "engine/stops.h"

#include <algorithm>

namespace mynah {

uint32_t Stops::number_at(uint64_t pc) {
  if (!guest_has_stops()) return points_.breakpoints().empty() ? 0 : points_.number(pc, {});
  return points_.number(pc, guest_.guest_stops().breakpoints);
}

bool Stops::watches_page(uint64_t tagged) const {
  if (!guest_has_stops() && points_.watchpoints().empty()) return false;
  const uint64_t va = guest_.canonical(tagged);
  if (points_.watches_page(va)) return true;
  return guest_has_stops() &&
         std::ranges::any_of(guest_.guest_stops().watched, [&](const GuestStops::Range& r) {
           return r.first >> 12 <= va >> 12 && va >> 12 <= r.last >> 12;
         });
}

Stops::Watch Stops::check(const Bytes& access, Fault& fault) {
  if (guest_.watched(access.va, access.length, access.read, access.write, access.note,
                     access.permission_class, fault))
    return Watch::kFault;
  const StopPoints::Watchpoint* hit =
      points_.watched(guest_.canonical(access.va), access.length, access.read, access.write);
  if (!hit) return Watch::kNone;
  if (!alone_) {
    alone_wanted_ = true;
    return Watch::kAlone;
  }
  hit_ = *hit;
  return Watch::kNone;
}

}  // namespace mynah
