// SPDX-License-Identifier: Apache-2.0
//
// Fuzzes the PC's pair of 8259As: lines, command words, acknowledge cycles. Whatever is set in service was
// acknowledged; a chip's output stands only where an unmasked input asks.
#include "devices/intc/pic_8259.h"
#include "tests/fuzz/fuzz_input.h"

using namespace mynah;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  fuzz::Input in(data, size);
  dev::fake::Irq irq;
  dev::NullLog log;
  dev::Pic8259 pic(irq.line(), log);
  dev::Device* const ports[] = {&pic.first(), &pic.second(), &pic.levels()};
  for (size_t step = 0; step < 4096 && !in.empty(); ++step) {
    const uint8_t op = in.u8();
    switch (op % 8) {
      case 0:
      case 1:
      case 2:
        ports[in.u8() % 3]->write(op >> 7, dev::Width::k1, in.u8());
        break;
      case 3: {
        const uint64_t value = ports[in.u8() % 3]->read(op >> 7, dev::Width::k1);
        fuzz::require(value <= 0xff);
        break;
      }
      case 4:
      case 5:
        pic.set_irq(in.u8() % 17, op & 0x80);
        break;
      case 6:
        pic.acknowledge();
        break;
      default:
        if (op & 0x80)
          fuzz::restore(pic, in);
        else
          pic.reset();
    }
  }
  // With all inputs masked nothing asks. A chip in the middle of its initialization takes a mask for an ICW.
  for (unsigned chip = 0; chip < 2; ++chip)
    for (const dev::Offset port : {0, 1, 1, 1, 1})
      ports[chip]->write(port, dev::Width::k1, port ? 0xff : 0x11);
  fuzz::require(!irq.level());
  fuzz::save_and_load(pic);
  return 0;
}
