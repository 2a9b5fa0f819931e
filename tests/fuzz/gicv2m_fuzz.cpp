// SPDX-License-Identifier: Apache-2.0
//
// Fuzzes the GICv2m frame: no message reaches a line that is not the frame's.
#include "devices/intc/gicv2m.h"

#include "tests/fuzz/fuzz_input.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace mynah;
  using namespace mynah::dev;
  struct Lines final : IrqSink {
    void set_irq(unsigned line, bool) override { fuzz::require(line >= 48 && line < 112); }
  } lines;
  fuzz::Input in(data, size);
  NullLog log;
  Gicv2m frame(lines, log, {.base = 0x0802'0000, .first_spi = 48, .count = 64});
  fuzz::run(in, {.device = frame,
                 .pick_offset = [](fuzz::Input& input) -> Offset {
                   static constexpr Offset kKnown[] = {0x008, 0x040, 0xfcc, 0xfe0};
                   const uint8_t n = input.u8();
                   return n & 0x80 ? input.u16() % 0x1000 : kKnown[n % std::size(kKnown)];
                 },
                 .extra =
                     [&](fuzz::Input& input) {
                       frame.message(input.u8() % 2 ? 0x0802'0040 : input.u64(), input.u32(), input.u16());
                     }});
  return 0;
}
