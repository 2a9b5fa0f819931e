// SPDX-License-Identifier: Apache-2.0
//
// Fuzzes the PL011 with characters, breaks and floods of input; it never asks for more than its FIFO holds.
#include "devices/serial/pl011.h"
#include "tests/fuzz/fuzz_input.h"

using namespace mynah;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  fuzz::Input in(data, size);
  dev::fake::Irq irq;
  dev::fake::Serial line;
  dev::NullLog log;
  dev::Pl011 uart(line, irq.line(), log);
  fuzz::run(in, {.device = uart,
                 .pick_offset = [](fuzz::Input& i) -> dev::Offset {
                   const uint8_t b = i.u8();
                   return b < 0xf0 ? (b & 0x1f) * 4u : i.u16();
                 },
                 .pick_value = [](fuzz::Input& i) { return i.number(2); },
                 .extra =
                     [&](fuzz::Input& i) {
                       const uint8_t b = i.u8();
                       if (b == 0) {
                         line.receiver->receive_break();
                       } else if (b == 1) {
                         const std::string much(40, 'x');  // more than it said it can take
                         line.receiver->receive({reinterpret_cast<const uint8_t*>(much.data()), much.size()});
                       } else {
                         line.type(std::string(b % 24, static_cast<char>(i.u8())));
                       }
                       fuzz::require(line.receiver->can_receive() <= 16);
                       line.sent.clear();
                     }});
  const bool masked = uart.read(dev::Pl011::kMis, dev::Width::k4) != 0;
  fuzz::require(irq.level() == masked);
  return 0;
}
