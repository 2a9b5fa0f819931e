// SPDX-License-Identifier: Apache-2.0
//
// Fuzzes the floppy controller with its DMA controller.
#include "devices/storage/fdc_82077.h"
#include "tests/fuzz/fuzz_input.h"

using namespace mynah;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  fuzz::Input in(data, size);
  dev::fake::Memory ram(0, 0x20000);
  dev::fake::Irq irq;
  dev::fake::Disk disk(360 << 10);
  dev::NullLog log;
  dev::Dma8237 dma(ram, log);
  dev::Fdc82077 fdc(dma, irq.line(), log);
  fdc.plug(0, &disk);
  fdc.reset();
  fuzz::run(in, {.device = fdc,
                 .pick_offset = [](fuzz::Input& i) -> dev::Offset {
                   const uint8_t at = i.u8();
                   return at & 0x18 ? dev::Fdc82077::kFifo : at & 7;
                 },
                 .pick_value = [](fuzz::Input& i) -> uint64_t { return i.u8(); },
                 .extra =
                     [&](fuzz::Input& i) {
                       const uint8_t op = i.u8();
                       dev::Device& port = op & 1 ? dma.second() : op & 2 ? dma.pages() : dma.first();
                       if (op & 4)
                         port.write(i.u8() & 31, dev::Width::k1, i.u8());
                       else
                         (void)port.read(i.u8() & 31, dev::Width::k1);
                       if (op & 8) fuzz::restore(dma, i);
                     }});
  return 0;
}
