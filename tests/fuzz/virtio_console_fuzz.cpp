// SPDX-License-Identifier: Apache-2.0
//
// Fuzzes virtio-console with one port and with three; each terminal answers a byte for every write.
#include <algorithm>
#include <array>

#include "devices/virtio/virtio_console.h"
#include "tests/fuzz/virtio_fuzz.h"

namespace {

using namespace mynah::dev;

class Terminal final : public CharBackend {
 public:
  void write(std::span<const uint8_t> bytes) override {
    fuzz::require(!bytes.empty());
    type(1);
  }
  void attach(CharReceiver* to) override { receiver_ = to; }
  void accept_input() override { type(3); }
  void type(size_t n) {
    const std::vector<uint8_t> bytes(std::min(n, receiver_->can_receive()), 'x');
    if (!bytes.empty()) receiver_->receive(bytes);
  }

 private:
  CharReceiver* receiver_ = nullptr;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  fuzz::Input in(data, size);
  fuzz::Memory memory;
  fuzz::Irq irq;
  NullLog log;
  std::array<Terminal, 3> terminals;
  const auto run = [&](VirtioConsole& console, unsigned ports) {
    VirtioMmio mmio(&console, IrqLine(irq, 0), log);
    fuzz::Target target{.queues = console.queue_count(), .unit = 16};
    target.host_event = [&](fuzz::Input& more) {
      Terminal& terminal = terminals[more.get<uint8_t>() % ports];
      terminal.type(more.get<uint16_t>());
    };
    target.header = [](fuzz::Input& more, unsigned queue) {
      if (queue != 3) return std::vector<uint8_t>();
      const auto n = more.get<uint8_t>();
      return fuzz::bytes_of(uint32_t{n} % 4, static_cast<uint16_t>(n / 4 % 8), uint16_t{n < 192});
    };
    fuzz::Guest(in, memory, mmio, irq, target).run();
  };
  if (in.get<uint8_t>() & 1) {
    VirtioConsole console(memory, log, terminals[0]);
    run(console, 1);
  } else {
    VirtioConsole console(
        memory, log,
        {{terminals[0], "", true, 0}, {terminals[1], "a", false, 1}, {terminals[2], "b", false, 3}});
    run(console, 3);
  }
  return 0;
}
