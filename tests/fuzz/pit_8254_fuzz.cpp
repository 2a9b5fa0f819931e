// SPDX-License-Identifier: Apache-2.0
//
// Fuzzes the 8254 with steps of time and port 0x61.
#include "devices/timer/pit_8254.h"
#include "tests/fuzz/fuzz_input.h"

using namespace mynah;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  fuzz::Input in(data, size);
  dev::ManualClock clock;
  dev::EventQueue events(clock);
  dev::fake::Irq irq;
  dev::NullLog log;
  dev::Pit8254 pit(events, irq.line(), log);
  fuzz::run(in, {.device = pit,
                 .pick_offset = [](fuzz::Input& i) -> dev::Offset { return i.u8() & 3; },
                 .clock = &clock,
                 .events = &events,
                 .extra =
                     [&](fuzz::Input& i) {
                       const uint8_t op = i.u8();
                       if (op & 0x80) {
                         pit.speaker_port().write(0, dev::Width::k1, op & 3);
                       } else {
                         fuzz::require(pit.speaker_port().read(0, dev::Width::k1) < 0x40);
                         clock.time += std::min<dev::TimeNs>(op * 700, dev::kNever - 1 - clock.time);
                         events.run_due();
                       }
                     }});
  return 0;
}
