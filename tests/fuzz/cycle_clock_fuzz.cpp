// SPDX-License-Identifier: Apache-2.0
//
// Sleep, calls and steps of time in any order on a cycle clock. Oracle: a sum of the time awake.
#include <cstddef>
#include <cstdint>

#include "devices/timer/cycle_clock.h"
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
  uint64_t awake_time = 0, due = 0;
  bool asleep = false, called = false;
  CycleClock cycles(events, 0, [&] { called = true; });
  for (int steps = 0; !in.empty() && steps < 2000; ++steps) {
    const uint64_t op = in.u8();
    switch (op & 7) {
      case 0:
        cycles.sleep();
        asleep = true;
        break;
      case 1:
        cycles.wake();
        asleep = false;
        break;
      case 2: {
        const uint64_t n = in.number(op & 0x40 ? 8 : 3);
        cycles.call_after(n);
        due = n && n < static_cast<uint64_t>(kNever) ? awake_time + n : 0;
        break;
      }
      case 3:
        save_and_load(events);
        save_and_load(cycles);
        break;
      case 4:
        cycles.reset();
        asleep = false;
        due = 0;
        break;
      default: {
        const auto step = static_cast<TimeNs>(in.number(op & 0x40 ? 7 : 2));
        if (step > kNever - 1 - clock.time) break;
        clock.time += step;
        if (!asleep) awake_time += static_cast<uint64_t>(step);
        break;
      }
    }
    const uint64_t when = due + (static_cast<uint64_t>(clock.time) - awake_time);
    require((events.next_deadline() == kNever) == (asleep || !due || when >= static_cast<uint64_t>(kNever)));
    called = false;
    events.run_due();
    require(called == (!asleep && due && due <= awake_time));
    if (called) due = 0;
    require(cycles.now() == awake_time);
  }
  return 0;
}
