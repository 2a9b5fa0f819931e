// SPDX-License-Identifier: Apache-2.0
//
// Fuzzes the virtio-pci transport in its three forms, with a device that copies readable bytes to writable
// ones and queues that the input can bring up in one step.
#include <algorithm>

#include "devices/virtio/virtio_pci.h"
#include "tests/devices/pci_fakes.h"
#include "tests/fuzz/pci_fuzz.h"

namespace {

using namespace mynah;
using namespace mynah::dev;

class CopyDevice final : public VirtioDevice {
 public:
  CopyDevice(DmaMemory& memory, Log& log) : VirtioDevice("copy", memory, log, {16, 8}) {}
  uint32_t device_id() const override { return 4; }
  uint32_t state_version() const override { return 1; }
  using VirtioDevice::config_changed;

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

constexpr uint64_t kModern = 0x10'0000, kTable = 0x20'0000, kIo = 0x100;

struct Guest {
  fake::PciHost& tree;
  void config(unsigned at, uint32_t value, unsigned width = 4) { tree.set(0, at, value, width); }
  void put(uint64_t at, uint64_t value, Width width) {
    tree.host.write(pci::Space::kMemory, kModern + at, width, value);
  }
  void out(uint64_t at, uint64_t value, Width width) {
    tree.host.write(pci::Space::kIo, kIo + at, width, value);
  }
  void place() {
    config(pci::kBar0, kIo);
    config(pci::kBar0 + 4, kTable);
    config(pci::kBar0 + 16, kModern);
    config(pci::kBar0 + 20, 0);
    config(pci::kCommand, 7, 2);
  }
  void modern() {
    for (uint8_t status : {0, 3}) put(20, status, Width::k1);
    put(8, 1, Width::k4);
    put(12, 1, Width::k4);
    put(20, 11, Width::k1);
    put(22, 0, Width::k2);
    for (uint64_t field : {0, 1, 2}) put(32 + 8 * field, 0x4000'1000 + 0x200 * field, Width::k8);
    put(28, 1, Width::k2);
    put(20, 15, Width::k1);
  }
  void legacy() {
    for (uint8_t status : {0, 3}) out(18, status, Width::k1);
    out(14, 0, Width::k2);
    out(8, 0x4000'1, Width::k4);
    out(18, 7, Width::k1);
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  fuzz::Input in(data, size);
  fake::PciHost tree;
  ManualClock clock;
  EventQueue events(clock);
  CopyDevice* device = nullptr;
  const VirtioPci::Options options{.form = static_cast<VirtioPci::Form>(in.u8() % 4)};
  tree.plug(std::make_unique<VirtioPci>(
                [&](DmaMemory& memory, Log& log) {
                  auto made = std::make_unique<CopyDevice>(memory, log);
                  device = made.get();
                  return made;
                },
                events, tree.log, options),
            0);
  tree.host.reset();
  Guest guest{tree};
  guest.place();
  fuzz::PciFront front(tree.host);
  const auto extra = [&](fuzz::Input& input) {
    switch (input.u8() % 8) {
      case 0:
        return guest.place();
      case 1:
        return guest.modern();
      case 2:
        return guest.legacy();
      case 3:
        return device->config_changed();
      case 4:
        return guest.put(0x3000, 0, Width::k2);
      default: {
        // Rings and descriptors.
        const uint64_t at = 0x4000'1000 + input.u16() % 0x800;
        const uint64_t value = input.u8() % 2 ? 0x4000'0000 + input.u16() : input.u64();
        tree.ram.write(at & ~uint64_t{1}, &value, 1u << input.u8() % 4);
        return;
      }
    }
  };
  fuzz::run(in, {.device = front,
                 .pick_offset = fuzz::pick_pci_offset,
                 .pick_value = fuzz::pick_pci_value,
                 .clock = &clock,
                 .events = &events,
                 .extra = extra});
  return 0;
}
