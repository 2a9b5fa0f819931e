// SPDX-License-Identifier: Apache-2.0
//
// Fuzzes the PL061 with levels and pulses on its pins, and lines on its outputs.
#include "devices/gpio/pl061.h"
#include "tests/fuzz/fuzz_input.h"

using namespace mynah;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  fuzz::Input in(data, size);
  dev::ManualClock clock;
  dev::EventQueue events(clock);
  dev::fake::Irq irq, out;
  dev::NullLog log;
  dev::Pl061 gpio(events, irq.line(), log);
  for (unsigned i = 0; i < 8; ++i) gpio.connect_output(i, out.line(i));
  fuzz::run(in, {.device = gpio,
                 .pick_offset = [](fuzz::Input& i) -> dev::Offset {
                   const uint8_t b = i.u8();
                   if (b < 0x40) return i.u8() * 4u;
                   return b < 0xf0 ? 0x400 + (b & 0xf) * 4u : i.u16();
                 },
                 .pick_value = [](fuzz::Input& i) { return i.number(1); },
                 .clock = &clock,
                 .events = &events,
                 .extra =
                     [&](fuzz::Input& i) {
                       const uint8_t b = i.u8();
                       if (b & 0x80) {
                         if (clock.time < dev::kNever / 2) gpio.pulse_input(b & 0xf);
                       } else {
                         gpio.set_irq(b & 0xf, b & 0x10);
                       }
                     }});
  fuzz::require(irq.level() == (gpio.read(dev::Pl061::kMis, dev::Width::k4) != 0));
  return 0;
}
