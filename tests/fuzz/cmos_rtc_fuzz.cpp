// SPDX-License-Identifier: Apache-2.0
//
// Fuzzes the CMOS clock with steps of time; the interrupt line agrees with register C.
#include "devices/rtc/cmos_rtc.h"
#include "tests/fuzz/fuzz_input.h"

using namespace mynah;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  fuzz::Input in(data, size);
  dev::ManualClock clock;
  dev::EventQueue events(clock);
  dev::fake::Irq irq;
  dev::NullLog log;
  const dev::RtcClock calendar(clock, in.u32(), true);
  dev::CmosRtc rtc(events, irq.line(), calendar, log);
  fuzz::run(in, {.device = rtc,
                 .pick_offset = [](fuzz::Input& i) -> dev::Offset { return i.u8() & 1; },
                 .pick_value = [&](fuzz::Input& i) -> uint64_t {
                   const uint8_t b = i.u8();
                   return b & 0x80 ? b & 15 : i.u8();  // often a register of the clock
                 },
                 .clock = &clock,
                 .events = &events});
  const bool level = irq.level();
  rtc.write(0, dev::Width::k1, dev::CmosRtc::kA);
  rtc.read(1, dev::Width::k1);
  const bool now = irq.level();
  fuzz::require(now || !level);
  rtc.write(0, dev::Width::k1, dev::CmosRtc::kC);
  fuzz::require((rtc.read(1, dev::Width::k1) & 0x80) == (now ? 0x80 : 0));
  fuzz::require(!irq.level());
  return 0;
}
