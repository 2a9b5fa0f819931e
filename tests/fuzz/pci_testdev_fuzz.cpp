// SPDX-License-Identifier: Apache-2.0
//
// Fuzzes pci-testdev and pci-serial: accesses of any kind to BARs and configuration space, saved states.
#include "devices/pci/pci_testdev.h"
#include "devices/serial/pci_serial.h"
#include "tests/devices/card_machine.h"
#include "tests/fuzz/fuzz_input.h"

namespace {

using namespace mynah;

template <typename Card, typename... Args>
void run(fuzz::Input& in, Args&&... args) {
  dev::NullLog log;
  dev::fake::CardMachine<Card> m(0x1000, log, args...);
  const auto offset = [&](unsigned bar) {
    const uint64_t bytes = m.card->bar(bar).size;
    return std::pair{in.number(2) % (bytes - 7), in.width()};
  };
  while (!in.empty()) {
    const uint8_t op = in.u8();
    const unsigned bar = m.card->bar(1).size != 0 ? op >> 7 : 0;
    const auto [at, width] = offset(bar);
    switch (op % 8) {
      default:
        m.w(at, in.u32(), width, bar);
        break;
      case 3:
      case 4:
        m.r(at, width, bar);
        break;
      case 5:
        m.card->config_write(in.u8() & ~3u, 4, in.u32());
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
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  fuzz::Input in(data, size);
  if (in.u8() & 1) {
    run<dev::PciTestdev>(in);
  } else {
    dev::fake::Serial serial;
    run<dev::PciSerial>(in, serial);
  }
  return 0;
}
