// SPDX-License-Identifier: Apache-2.0
//
// Fuzzes the generic event device; its line stands while an event was not read.
#include "devices/acpi/ged.h"
#include "tests/fuzz/fuzz_input.h"

using namespace mynah;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  fuzz::Input in(data, size);
  dev::fake::Irq irq;
  dev::NullLog log;
  unsigned requests = 0;
  const auto count = [&] { ++requests; };
  dev::GenericEventDevice ged(irq.line(), {.off = count, .reset = count}, log);
  fuzz::run(in, {.device = ged,
                 .pick_offset = [](fuzz::Input& i) -> dev::Offset { return i.u8() & 3; },
                 .extra =
                     [&](fuzz::Input& i) {
                       const uint8_t op = i.u8();
                       if (op & 1) ged.press_power_button();
                       if (op & 2) ged.registers().write(op >> 6, dev::Width::k1, i.u8());
                       if (op & 4) fuzz::require(ged.registers().read(op >> 6, i.width()) == 0);
                     }});
  const bool level = irq.level();
  fuzz::require((ged.read(0, dev::Width::k4) != 0) == level);
  fuzz::require(!irq.level());
  return 0;
}
