// SPDX-License-Identifier: Apache-2.0
//
// Register writes and steps of time in any order on a generic timer. Oracles: after due events ran, each line
// is ENABLE and not IMASK and counter >= CVAL; no event lies in the past; a deadline is the first nanosecond
// at which the condition holds.
#include <cstddef>
#include <cstdint>

#include "devices/timer/generic_timer.h"
#include "tests/fuzz/fuzz_input.h"

namespace {

using namespace mynah::dev;
using mynah::fuzz::Input;
using mynah::fuzz::require;
using mynah::fuzz::save_and_load;

struct Wires : IrqSink {
  void set_irq(unsigned line, bool level) override { levels[line] = level; }
  bool levels[2] = {};
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using Timer = GenericTimer::Timer;
  Input in(data, size);
  ManualClock clock;
  EventQueue events(clock);
  Wires wires;
  constexpr uint32_t kFrequencies[] = {62'500'000, 1'000'000'000, 24'000'000, 1};
  const uint64_t choice = in.u8();
  uint32_t hz = choice & 4 ? static_cast<uint32_t>(in.number(4)) : kFrequencies[choice & 3];
  // Above 2 GHz the 64-bit counter can wrap within the range of guest time.
  hz = hz % 2'000'000'000 + 1;
  GenericTimer timer(events, 0, {wires, 0}, {wires, 1}, hz);
  for (int steps = 0; !in.empty() && steps < 2000; steps++) {
    const uint64_t op = in.u8();
    const Timer which = op & 0x80 ? Timer::kVirtual : Timer::kPhysical;
    switch (op & 7) {
      case 0:
        timer.write_ctl(which, in.u8());
        break;
      case 1:
        timer.write_cval(which, in.number(8));
        break;
      case 2:
        timer.write_cval(which, timer.counter() + in.number(2));
        break;
      case 3:
        timer.write_tval(which, in.number(4));
        break;
      case 4: {
        const auto step = static_cast<TimeNs>(in.number(op & 0x40 ? 8 : 3) >> 1);
        clock.time = step > kNever - 1 - clock.time ? kNever - 1 : clock.time + step;
        break;
      }
      case 5:
        if (events.next_deadline() != kNever && events.next_deadline() > clock.time) {
          const TimeNs due = events.next_deadline();
          clock.time = due - 1;
          events.run_due();
          require(events.next_deadline() == due);
          clock.time = due;
          const bool before = wires.levels[0] && wires.levels[1];
          events.run_due();
          require(!before && (wires.levels[0] || wires.levels[1]));
        }
        break;
      case 6:
        save_and_load(events);
        save_and_load(timer);
        break;
      default:
        timer.reset();
        break;
    }
    events.run_due();
    require(events.next_deadline() > clock.time);
    for (Timer t : {Timer::kPhysical, Timer::kVirtual}) {
      const uint64_t ctl = timer.read_ctl(t);
      const bool met = timer.counter() >= timer.read_cval(t);
      require(((ctl & 4) != 0) == ((ctl & 1) && met));
      require(wires.levels[static_cast<unsigned>(t)] == ((ctl & 7) == 5));
      require(timer.line(t) == wires.levels[static_cast<unsigned>(t)]);
      timer.read_tval(t);
    }
  }
  return 0;
}
