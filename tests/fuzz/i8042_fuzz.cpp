// SPDX-License-Identifier: Apache-2.0
//
// Fuzzes the keyboard controller with its keyboard and mouse.
#include "devices/input/i8042.h"
#include "tests/fuzz/fuzz_input.h"

using namespace mynah;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  fuzz::Input in(data, size);
  dev::fake::Irq irq;
  dev::NullLog log;
  dev::I8042 controller({irq.line(1), irq.line(12), [](bool) {}, [] {}}, log);
  const auto port = [&](uint8_t op) -> dev::Device& {
    return op & 1 ? controller.command() : controller.data();
  };
  for (unsigned step = 0; step < 4096 && !in.empty(); ++step) {
    const uint8_t op = in.u8();
    switch (op >> 1 & 7) {
      default:
        port(op).write(0, dev::Width::k1, in.u8());
        break;
      case 4:
      case 5:
        fuzz::require(port(op).read(0, dev::Width::k1) < 0x100);
        break;
      case 6:
        if (op & 1)
          controller.keyboard().key(in.u16(), op & 16);
        else
          controller.mouse().move(static_cast<int>(in.u32()), static_cast<int>(in.u32()), in.u8(), in.u8());
        break;
      case 7:
        fuzz::restore(controller, in);
    }
  }
  fuzz::save_and_load(controller);
  return 0;
}
