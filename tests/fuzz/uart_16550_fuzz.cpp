// SPDX-License-Identifier: Apache-2.0
//
// Fuzzes the 16550A with a line that types and breaks.
#include "devices/serial/uart_16550.h"
#include "tests/fuzz/fuzz_input.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace mynah;
  fuzz::Input in(data, size);
  dev::fake::Irq irq;
  dev::fake::Serial serial;
  dev::NullLog log;
  dev::Uart16550 uart(serial, irq.line(), log);
  fuzz::run(in, {.device = uart,
                 .pick_offset = [](fuzz::Input& i) { return dev::Offset{i.u8() % 16u}; },
                 .extra =
                     [&](fuzz::Input& i) {
                       if (i.u8() % 4 == 0) return uart.receive_break();
                       serial.type(std::string(i.u8() % 40, 'x'));
                     }});
  return 0;
}
