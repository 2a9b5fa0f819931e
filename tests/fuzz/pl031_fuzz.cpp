// SPDX-License-Identifier: Apache-2.0
//
// Fuzzes the PL031 with steps of time; the interrupt line agrees with the masked status.
#include "devices/rtc/pl031.h"
#include "tests/fuzz/fuzz_input.h"

using namespace mynah;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  fuzz::Input in(data, size);
  dev::ManualClock clock;
  dev::EventQueue events(clock);
  dev::fake::Irq irq;
  dev::NullLog log;
  const dev::RtcClock calendar(clock, in.u32(), true);
  dev::Pl031 rtc(events, irq.line(), calendar, log);
  fuzz::run(in, {.device = rtc,
                 .pick_offset = [](fuzz::Input& i) -> dev::Offset {
                   const uint8_t b = i.u8();
                   return b < 0xf0 ? (b & 0x7) * 4u : i.u16();
                 },
                 .pick_value = [&](fuzz::Input& i) -> uint64_t {
                   // Often near the present time, where matches are.
                   const uint8_t b = i.u8();
                   return b & 1 ? rtc.read(dev::Pl031::kDr, dev::Width::k4) + (b >> 1) - 8 : i.u32();
                 },
                 .clock = &clock,
                 .events = &events});
  // Restored state may hold a match that no event tells of: the read sees it, and raises the line.
  const bool shown = rtc.read(dev::Pl031::kMis, dev::Width::k4) != 0;
  fuzz::require(irq.level() == shown);
  return 0;
}
