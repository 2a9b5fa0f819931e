// SPDX-License-Identifier: Apache-2.0
//
// Fuzzes virtio-net, with frames from a network that answers each frame with itself.
#include "devices/virtio/virtio_net.h"
#include "tests/fuzz/virtio_fuzz.h"

namespace {

using namespace mynah::dev;

class Network final : public NetBackend {
 public:
  void send(std::span<const uint8_t> frame) override {
    fuzz::require(frame.size() >= 14);
    receiver(frame);
  }
  void attach(Receiver to) override { receiver = std::move(to); }
  void buffers_available() override {
    if (!held.empty() && receiver(held)) held.clear();
  }
  Receiver receiver;
  std::vector<uint8_t> held;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  fuzz::Input in(data, size);
  fuzz::Memory memory;
  fuzz::Irq irq;
  NullLog log;
  Network network;
  VirtioNet net(memory, log, network, {2, 0, 0, 0, 0, 1});
  VirtioMmio mmio(&net, IrqLine(irq, 0), log);
  fuzz::Target target{.queues = 3, .unit = 30};
  target.host_event = [&](fuzz::Input& more) {
    const auto n = more.get<uint16_t>();
    if (n >= 0xff00) return net.set_link(n & 1);
    const std::vector<uint8_t> frame(n % 2048, 0x5a);
    if (!network.receiver(frame)) network.held = frame;
  };
  target.header = [](fuzz::Input& more, unsigned queue) {
    if (queue != 2) return std::vector<uint8_t>(queue == 1 ? 12 : 0);
    const auto n = more.get<uint8_t>();
    std::vector<uint8_t> command{static_cast<uint8_t>(n % 3), static_cast<uint8_t>(n / 3 % 8)};
    command.resize(n & 0x80 ? 8 : 3);
    return command;
  };
  fuzz::Guest(in, memory, mmio, irq, target).run();
  return 0;
}
