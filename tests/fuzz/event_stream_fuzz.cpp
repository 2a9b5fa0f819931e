// SPDX-License-Identifier: Apache-2.0
//
// Settings, waits and steps of time in any order on an event stream. Oracle: a model that knows the changes
// of the bit from the counter alone.
#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "devices/timer/event_stream.h"
#include "tests/fuzz/fuzz_input.h"

namespace {

using namespace mynah::dev;
using mynah::fuzz::Input;
using mynah::fuzz::require;
using mynah::fuzz::save_and_load;

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Input in(data, size);
  ManualClock clock;
  EventQueue events(clock);
  // No slower than that the counter's bit 31 changes before guest time ends.
  GenericTimer timer(events, 0, {}, {}, static_cast<uint32_t>(in.number(4) % 1'000'000'000 + 1000));
  unsigned came = 0;
  EventStream stream(events, timer, 0, [&] { ++came; });
  bool enabled = false, falling = false;
  unsigned bit = 0;
  uint64_t seen = 0;
  // Whether the bit changed the right way in (from, to].
  const auto changed = [&](uint64_t from, uint64_t to) {
    if (!enabled) return false;
    const uint64_t period = uint64_t{2} << bit, first = falling ? 0 : uint64_t{1} << bit;
    const uint64_t next = from < first ? first : from + period - (from - first) % period;
    return next <= to;
  };
  for (int steps = 0; !in.empty() && steps < 2000; ++steps) {
    const uint64_t op = in.u8();
    switch (op & 7) {
      case 0:
        enabled = op & 8;
        falling = op & 16;
        bit = static_cast<unsigned>(in.u8() & 31);
        stream.set(enabled, bit, falling);
        seen = timer.counter();
        break;
      case 1:
        require(stream.take() == changed(seen, timer.counter()));
        seen = timer.counter();
        break;
      case 2: {
        stream.wait();
        const TimeNs due = events.next_deadline();
        require((due == kNever) == !enabled);
        if (!enabled) break;
        require(due > clock.time);
        require(!changed(timer.counter(), timer.counter_at(due - 1)));
        require(changed(timer.counter(), timer.counter_at(due)));
        break;
      }
      case 3:
        stream.stop_waiting();
        require(events.next_deadline() == kNever);
        break;
      case 4:
        // Far from the end of guest time, where a next event may not be.
        clock.time = (clock.time + static_cast<TimeNs>(in.number(op & 0x40 ? 6 : 3))) & (kNever >> 8);
        break;
      case 5:
        save_and_load(events);
        save_and_load(stream);
        break;
      default:
        if (events.next_deadline() != kNever) clock.time = std::max(clock.time, events.next_deadline());
        break;
    }
    const bool due = events.next_deadline() <= clock.time;
    const unsigned before = came;
    events.run_due();
    require(came - before == due);
    if (due) seen = timer.counter();
  }
  return 0;
}
