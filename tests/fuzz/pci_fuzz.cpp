// SPDX-License-Identifier: Apache-2.0
//
// Fuzzes configuration space, BARs, bridges and interrupts of a small tree: two cards on the root bus (one
// with two functions), a root port with a bridge behind it, a card behind that.
#include "tests/fuzz/pci_fuzz.h"

#include "tests/devices/pci_fakes.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace mynah;
  using namespace mynah::dev;
  fuzz::Input in(data, size);
  fake::PciHost tree;
  std::vector<fake::PciCard*> cards;
  const auto card = [&](pci::Bus& bus, unsigned slot, unsigned function, uint8_t pin) {
    cards.push_back(&static_cast<fake::PciCard&>(bus.plug(std::make_unique<fake::PciCard>(tree.log, pin),
                                                          pci::devfn_of(slot, function), function != 0)));
  };
  card(tree.host.root(), 0, 0, 1);
  card(tree.host.root(), 0, 1, 2);
  auto& port = tree.plug(std::make_unique<pci::RootPort>(tree.log, pci::RootPort::Options{}), 1);
  auto& bridge = static_cast<pci::Bridge&>(port.secondary().plug(pci::make_pcie_pci_bridge(tree.log), 0));
  card(bridge.secondary(), 2, 0, 3);
  card(tree.host.root(), 2, 0, 0);
  tree.host.reset();
  fuzz::PciFront front(tree.host);

  const auto extra = [&](fuzz::Input& input) {
    fake::PciCard& one = *cards[input.u8() % cards.size()];
    const uint8_t what = input.u8();
    switch (what % 4) {
      case 0:
        one.set_intx((what & 0x80) != 0);
        break;
      case 1:
        one.notify(what >> 2);
        break;
      case 2:
        one.dma().write(0x4000'0000 + input.u16(), &what, 1);
        break;
      default:
        tree.messages.seen.clear();
        break;
    }
    // Nobody asserts a line when nobody's wire is up.
    for (unsigned line = 0; line < 4; ++line) {
      bool any = false;
      for (const fake::PciCard* c : cards) any = any || c->drives_line();
      fuzz::require(any || !tree.irq.level(line));
    }
  };
  fuzz::run(in, {.device = front,
                 .pick_offset = fuzz::pick_pci_offset,
                 .pick_value = fuzz::pick_pci_value,
                 .extra = extra});
  return 0;
}
