// SPDX-License-Identifier: Apache-2.0
//
// A PCI function in a machine of a root bus, memory and a message target that keeps what comes: for tests and
// fuzz targets of models. BARs are accessed as a bus would; their addresses and memory decoding need no
// set-up.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "tests/devices/pci_fakes.h"

namespace mynah::dev::fake {

template <typename Card>
class CardMachine {
 public:
  static constexpr uint64_t kRam = 0x40000000;

  template <typename... Args>
  explicit CardMachine(size_t ram_bytes, Args&&... args)
      : memory(kRam, ram_bytes),
        host({.memory = memory,
              .log = log,
              .lines = {irq.line(0), irq.line(1), irq.line(2), irq.line(3)},
              .line_of_pin = [](unsigned, unsigned) { return 0u; }}) {
    host.set_message_target(&messages);
    auto made = std::make_unique<Card>(std::forward<Args>(args)...);
    card = made.get();
    host.root().plug(std::move(made), pci::devfn_of(1, 0));
    host.reset();
    command(0x7);
  }
  void command(uint32_t value) { card->config_write(pci::kCommand, 2, value); }
  uint64_t r(uint64_t offset, Width width = Width::k4, unsigned bar = 0) {
    return card->access_read(bar, offset, width);
  }
  void w(uint64_t offset, uint64_t value, Width width = Width::k4, unsigned bar = 0) {
    card->access_write(bar, offset, width, value);
  }
  template <typename T>
  T peek(uint64_t pa) {
    T value{};
    memory.read(pa, &value, sizeof value);
    return value;
  }
  template <typename T>
  void poke(uint64_t pa, const T& value) {
    memory.write(pa, &value, sizeof value);
  }
  // MSI-X on; vector n sends data n. The table is at `table` of BAR `bar`.
  void enable_msix(unsigned vectors, unsigned bar, uint64_t table) {
    unsigned at = card->config_read(pci::kCapabilitiesPointer, 1);
    while (at != 0 && card->config_read(at, 1) != static_cast<unsigned>(pci::Capability::kMsix))
      at = card->config_read(at + 1, 1);
    for (unsigned n = 0; n < vectors; ++n) {
      w(table + 16 * n, Messages::kPage, Width::k4, bar);
      w(table + 16 * n + 4, 0, Width::k4, bar);
      w(table + 16 * n + 8, n, Width::k4, bar);
      w(table + 16 * n + 12, 0, Width::k4, bar);
    }
    card->config_write(at + pci::kMsixControl, 2, pci::kMsixEnable);
  }
  // How often message n came since the last call.
  size_t messages_of(uint32_t n) {
    const auto count =
        std::count_if(messages.seen.begin(), messages.seen.end(), [n](const auto& m) { return m.data == n; });
    messages.seen.clear();
    return static_cast<size_t>(count);
  }
  bool line() const { return irq.level(0); }

  RecordingLog log;
  Irq irq;
  Memory memory;
  Messages messages;
  pci::Host host;
  Card* card = nullptr;
};

}  // namespace mynah::dev::fake
