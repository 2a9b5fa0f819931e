// SPDX-License-Identifier: Apache-2.0
//
// Fuzzes virtio-rng.
#include <algorithm>

#include "devices/virtio/virtio_rng.h"
#include "tests/fuzz/virtio_fuzz.h"

namespace {

using namespace mynah::dev;

class Source final : public EntropySource {
 public:
  void fill(std::span<uint8_t> to) override { std::fill(to.begin(), to.end(), ++value_); }

 private:
  uint8_t value_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  fuzz::Input in(data, size);
  fuzz::Memory memory;
  fuzz::Irq irq;
  NullLog log;
  Source source;
  VirtioRng rng(memory, log, source);
  VirtioMmio mmio(&rng, IrqLine(irq, 0), log);
  const fuzz::Target target{.queues = 1};
  fuzz::Guest(in, memory, mmio, irq, target).run();
  return 0;
}
