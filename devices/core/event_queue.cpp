// SPDX-License-Identifier: Apache-2.0
//
// A heap by (time, order of scheduling). Cancelling removes entries at once, so what is in the heap is due.
#include "devices/core/event_queue.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

namespace mynah::dev {
namespace {

[[noreturn]] void broken(std::string_view what, std::string_view name) {
  fmt::print(stderr, "event queue: {}: {}\n", what, name);
  std::abort();
}

}  // namespace

EventId EventQueue::register_event(std::string name, Callback callback) {
  for (const auto& r : registrations_) {
    if (r.name == name) broken("event registered twice", name);
  }
  registrations_.push_back({std::move(name), std::move(callback)});
  return static_cast<EventId>(registrations_.size() - 1);
}

void EventQueue::schedule(EventId id, TimeNs when, uint64_t data) {
  if (id >= registrations_.size()) broken("unregistered event scheduled", std::to_string(id));
  const uint64_t order = next_order_++;
  heap_.push_back({when, order, id, data});
  std::push_heap(heap_.begin(), heap_.end(), later);
  if (heap_.front().order == order && notify_) notify_();
}

void EventQueue::cancel(EventId id) {
  if (std::erase_if(heap_, [id](const Entry& e) { return e.id == id; }) != 0) {
    std::make_heap(heap_.begin(), heap_.end(), later);
  }
}

void EventQueue::reschedule(EventId id, TimeNs when, uint64_t data) {
  cancel(id);
  schedule(id, when, data);
}

bool EventQueue::pending(EventId id) const {
  return std::any_of(heap_.begin(), heap_.end(), [id](const Entry& e) { return e.id == id; });
}

TimeNs EventQueue::run_due() {
  while (true) {
    // The clock is read for each event: a realtime clock moves while callbacks run, and what they schedule
    // for "now" has to run in this call.
    const TimeNs time = now();
    if (heap_.empty() || heap_.front().when > time) return time;
    std::pop_heap(heap_.begin(), heap_.end(), later);
    const Entry due = heap_.back();
    heap_.pop_back();
    // Unsigned: an event far in the past may be more than the signed range late.
    const uint64_t late = static_cast<uint64_t>(time) - static_cast<uint64_t>(due.when);
    registrations_[due.id].callback(
        due.data, static_cast<TimeNs>(std::min<uint64_t>(late, std::numeric_limits<TimeNs>::max())));
  }
}

// Entries are saved in the order in which they will run, with the names of their events: equal queues give
// equal bytes, and a queue with another order of registration can read them.
void EventQueue::serialize(StateStream& s) {
  s.section("event-queue", 1);
  uint64_t next_order = next_order_;
  uint64_t count = heap_.size();
  s.io(next_order);
  s.io(count);
  std::vector<Entry> entries;
  if (!s.loading()) {
    entries = heap_;
    std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) { return later(b, a); });
  }
  for (uint64_t i = 0; i < count && !s.failed(); ++i) {
    Entry e{};
    std::string name;
    if (!s.loading()) {
      e = entries[i];
      name = registrations_[e.id].name;
    }
    s.io(name);
    s.io(e.when);
    s.io(e.order);
    s.io(e.data);
    if (!s.loading() || s.failed()) continue;
    const auto r = std::find_if(registrations_.begin(), registrations_.end(),
                                [&](const Registration& reg) { return reg.name == name; });
    if (r == registrations_.end() || e.order >= next_order) {
      s.fail();
      return;
    }
    e.id = static_cast<EventId>(r - registrations_.begin());
    entries.push_back(e);
  }
  if (!s.loading() || s.failed()) return;
  next_order_ = next_order;
  heap_ = std::move(entries);
  std::make_heap(heap_.begin(), heap_.end(), later);
  if (notify_) notify_();
}

}  // namespace mynah::dev
