// SPDX-License-Identifier: Apache-2.0
//
// Fuzzes virtio-balloon.
#include "devices/virtio/virtio_balloon.h"
#include "tests/fuzz/virtio_fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace mynah::dev;
  fuzz::Input in(data, size);
  fuzz::Memory memory;
  fuzz::Irq irq;
  NullLog log;
  VirtioBalloon balloon(memory, log, 1 << 20);
  VirtioMmio mmio(&balloon, IrqLine(irq, 0), log);
  balloon.set_target(in.get<uint32_t>());
  // Rings are in the pages that it gives back, too.
  const fuzz::Target target{.queues = 3,
                            .host_event =
                                [&](fuzz::Input& i) {
                                  if (i.get<uint8_t>() & 1) {
                                    balloon.statistics();
                                  } else {
                                    balloon.set_target(i.get<uint32_t>());
                                  }
                                },
                            .header =
                                [](fuzz::Input& i, unsigned) {
                                  return fuzz::bytes_of(uint32_t{i.get<uint8_t>()} % 20,
                                                        uint32_t{i.get<uint8_t>()});
                                },
                            .unit = 4};
  fuzz::Guest(in, memory, mmio, irq, target).run();
  return 0;
}
