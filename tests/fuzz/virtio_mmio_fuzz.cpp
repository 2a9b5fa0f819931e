// SPDX-License-Identifier: Apache-2.0
//
// Fuzzes the transport (both register sets, and empty) and the queues behind it, with a device that copies
// what it is given: readable bytes to writable ones.
#include <algorithm>

#include "tests/fuzz/virtio_fuzz.h"

namespace {

using namespace mynah::dev;

class CopyDevice final : public VirtioDevice {
 public:
  CopyDevice(DmaMemory& memory, Log& log) : VirtioDevice("copy", memory, log, {64, 16, 16}) {}
  uint32_t device_id() const override { return 42; }
  uint32_t state_version() const override { return 1; }

 private:
  uint64_t device_features() const override { return 0xff; }
  void config(std::span<uint8_t> to) const override { std::fill(to.begin(), to.end(), uint8_t{1}); }
  void notify(unsigned queue) override {
    process(queue, [this](const DescriptorChain& chain) -> uint32_t {
      ScatterCursor from(memory_, chain.readable), to(memory_, chain.writable);
      const uint64_t n = std::min<uint64_t>({chain.readable_size, chain.writable_size, 256});
      const auto put = [&](std::span<uint8_t> piece) { return from.read(piece.data(), piece.size()); };
      if (to.fill(n, put) != Transfer::kDone) fail("not in RAM");
      return static_cast<uint32_t>(n);
    });
  }
  void reset_device() override {}
  void serialize_device(StateStream&) override {}
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  fuzz::Input in(data, size);
  fuzz::Memory memory;
  fuzz::Irq irq;
  NullLog log;
  CopyDevice device(memory, log);
  const auto kind = in.get<uint8_t>() % 8;
  VirtioMmio mmio(kind == 0 ? nullptr : &device, IrqLine(irq, 0), log,
                  kind == 1 ? VirtioMmio::Version::kLegacy : VirtioMmio::Version::kModern);
  const fuzz::Target target{.queues = 3, .unit = 64};
  fuzz::Guest(in, memory, mmio, irq, target).run();
  return 0;
}
