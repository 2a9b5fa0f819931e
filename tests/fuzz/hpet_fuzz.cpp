// SPDX-License-Identifier: Apache-2.0
//
// Fuzzes the event timers with steps of time and the lines that lead through them.
#include "devices/timer/hpet.h"
#include "tests/fuzz/fuzz_input.h"

using namespace mynah;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  fuzz::Input in(data, size);
  dev::ManualClock clock;
  dev::EventQueue events(clock);
  dev::fake::Irq irq;
  dev::NullLog log;
  dev::Hpet hpet(events, irq, 0xff0104, log);
  fuzz::run(in, {.device = hpet,
                 .pick_offset = [](fuzz::Input& i) -> dev::Offset {
                   const uint8_t op = i.u8();
                   if (op & 0x80) return i.u16();
                   constexpr dev::Offset kRegisters[] = {0, 0x10, 0x20, 0xf0, 0x100, 0x108, 0x120, 0x128};
                   return kRegisters[op & 7] + (op & 8 ? 4 : 0);
                 },
                 .clock = &clock,
                 .events = &events,
                 .extra =
                     [&](fuzz::Input& i) {
                       const uint8_t op = i.u8();
                       if (op & 1) hpet.interval_timer().set(op & 2);
                       if (op & 4) hpet.calendar().set(op & 8);
                       clock.time += std::min<dev::TimeNs>(op * 700, dev::kNever - 1 - clock.time);
                       events.run_due();
                     }});
  return 0;
}
