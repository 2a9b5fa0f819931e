// SPDX-License-Identifier: Apache-2.0
//
// Fuzzes the 6300ESB's watchdog: accesses of any kind to its registers and configuration space, time, saved
// states.
#include "devices/watchdog/i6300esb.h"
#include "tests/devices/card_machine.h"
#include "tests/fuzz/fuzz_input.h"

using namespace mynah;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  fuzz::Input in(data, size);
  dev::ManualClock clock;
  dev::EventQueue events(clock);
  dev::NullLog log;
  unsigned expired = 0;
  dev::fake::CardMachine<dev::I6300Esb> m(0x1000, events, log, "watchdog", [&expired] { ++expired; });
  while (!in.empty()) {
    const uint8_t op = in.u8();
    const uint64_t at = in.u8() % 9;
    switch (op % 8) {
      case 0:
        m.w(dev::I6300Esb::kReload, dev::I6300Esb::kUnlock1, dev::Width::k2);
        m.w(dev::I6300Esb::kReload, dev::I6300Esb::kUnlock2, dev::Width::k2);
        break;
      case 1:
        m.w(4 * (at % 4), in.u32(), dev::Width::k4);
        break;
      case 2:
        m.w(at, in.u32(), in.width());
        break;
      case 3:
        m.r(at, in.width());
        break;
      case 4:
        m.card->config_write(op & 0x80 ? dev::I6300Esb::kConfig : dev::I6300Esb::kLock, 1u << (op >> 4 & 1),
                             in.u16());
        break;
      case 5:
        clock.time += in.u32();
        events.run_due();
        break;
      case 6:
        fuzz::save_and_load(*m.card);
        break;
      case 7: {
        auto state = dev::fake::save(*m.card);
        state[in.u16() % state.size()] ^= in.u8();
        dev::fake::load(*m.card, std::move(state));
        break;
      }
    }
  }
  return 0;
}
