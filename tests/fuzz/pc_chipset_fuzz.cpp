// SPDX-License-Identifier: Apache-2.0
//
// Fuzzes the functions of a PC's chipset: configuration space, ranges that it places, lines, time.
#include <memory>

#include "devices/chipset/i440fx.h"
#include "devices/chipset/piix3.h"
#include "devices/chipset/piix4_pm.h"
#include "tests/devices/pci_fakes.h"
#include "tests/fuzz/fuzz_input.h"

using namespace mynah;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  fuzz::Input in(data, size);
  dev::fake::PciHost pc;
  dev::fake::Irq irq;
  dev::ManualClock clock;
  dev::EventQueue events(clock);
  std::array<dev::IrqLine, 16> lines;
  for (unsigned i = 0; i < 16; ++i) lines[i] = irq.line(i);
  pc.plug(
      std::make_unique<dev::I440Fx>(
          [](unsigned piece, dev::I440Fx::Route) { fuzz::require(piece < dev::I440Fx::kPieces); }, pc.log),
      0);
  auto& isa = pc.plug(std::make_unique<dev::Piix3>(
                          lines, [] {}, pc.host.config_ports(), pc.log),
                      1, 0, true);
  auto& pm = pc.plug(std::make_unique<dev::Piix4Pm>(
                         events, irq.line(20), [] {}, pc.log),
                     1, 3);
  pc.host.reset();
  for (unsigned step = 0; step < 4096 && !in.empty(); ++step) {
    const uint8_t op = in.u8();
    const unsigned slot = op >> 3 & 1, function = slot && (op & 0x10) ? 3 : 0;
    switch (op & 7) {
      default:
        pc.set(slot, in.u8(), in.u32(), 1u << (in.u8() % 3), 0, function);
        break;
      case 2:
        (void)pc.get(slot, in.u8(), 4, 0, function);
        break;
      case 3:
        isa.pirqs().set_irq(in.u8() & 7, op & 8);
        break;
      case 4:
        isa.ports().write(in.u8() & 7, in.width(), in.u32());
        pm.apm().write(in.u8() & 3, dev::Width::k1, in.u8());
        break;
      case 5:
        pc.host.write(dev::pci::Space::kIo, in.u16(), in.width(), in.u32());
        (void)pc.host.read(dev::pci::Space::kIo, in.u16(), in.width());
        break;
      case 6:
        clock.time += in.u32();
        events.run_due();
        break;
      case 7:
        if (in.u8() % 8 == 0) pm.press_power_button();
        fuzz::restore_part(pc.host, in);
    }
  }
  fuzz::save_and_load(pc.host);
  return 0;
}
