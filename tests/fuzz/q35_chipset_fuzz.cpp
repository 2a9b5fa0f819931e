// SPDX-License-Identifier: Apache-2.0
//
// Fuzzes the functions of Q35's chipset: configuration space by ports and by memory, ranges that it places,
// lines, time.
#include <memory>

#include "devices/chipset/ich9_lpc.h"
#include "devices/chipset/ich9_smbus.h"
#include "devices/chipset/q35_mch.h"
#include "tests/devices/pci_fakes.h"
#include "tests/fuzz/fuzz_input.h"

using namespace mynah;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  fuzz::Input in(data, size);
  dev::fake::PciHost pc;
  dev::fake::Irq irq;
  dev::ManualClock clock;
  dev::EventQueue events(clock);
  dev::Ich9Lpc::Lines lines;
  for (unsigned i = 0; i < 24; ++i) {
    lines.pirqs[i] = irq.line(i);
    lines.sci[i] = irq.line(i + 32);
  }
  pc.plug(std::make_unique<dev::Q35Mch>(
              [](unsigned piece, dev::PamBridge::Route) { fuzz::require(piece < dev::PamBridge::kPieces); },
              pc.host.ecam(), pc.log),
          0);
  auto& lpc = pc.plug(std::make_unique<dev::Ich9Lpc>(
                          events, lines, [] {}, [] {}, pc.host.config_ports(), pc.log),
                      31, 0, true);
  pc.plug(std::make_unique<dev::Ich9Smbus>(pc.log), 31, 3);
  pc.host.reset();
  constexpr uint64_t kBases[] = {0xb0000000, 0xfed1c000, 0xe0000000, 0xb00f8000};
  for (unsigned step = 0; step < 4096 && !in.empty(); ++step) {
    const uint8_t op = in.u8();
    const unsigned slot = op & 8 ? 31 : 0, function = op & 8 && op & 0x10 ? 3 : 0;
    switch (op & 7) {
      default:
        pc.set(slot, in.u8(), in.u32(), 1u << (in.u8() % 3), 0, function);
        break;
      case 2:
        pc.set(0, dev::Q35Mch::kPciexbar, 0xb0000001);
        pc.set(31, dev::Ich9Lpc::kRcba, 0xfed1c001);
        pc.set(31, dev::Ich9Lpc::kPmBase, op & 0x80 ? 0x601 : 0x1);
        pc.set(31, dev::Ich9Lpc::kAcpiControl, op & 0xf0, 1);
        break;
      case 3:
        lpc.pirqs().set_irq(in.u8() & 15, op & 8);
        break;
      case 4:
        lpc.ports().write(in.u8() & 7, in.width(), in.u32());
        lpc.apm().write(in.u8() & 3, dev::Width::k1, in.u8());
        break;
      case 5: {
        const uint64_t memory = kBases[op >> 6] + in.u16();
        pc.host.write(dev::pci::Space::kMemory, memory, in.width(), in.u32());
        (void)pc.host.read(dev::pci::Space::kMemory, memory, in.width());
        const uint16_t port = op & 0x20 ? in.u16() : static_cast<uint16_t>(0x600 + (in.u8() & 0x7f));
        pc.host.write(dev::pci::Space::kIo, port, in.width(), in.u32());
        (void)pc.host.read(dev::pci::Space::kIo, port, in.width());
        break;
      }
      case 6:
        clock.time += in.u32();
        events.run_due();
        break;
      case 7:
        if (in.u8() % 8 == 0) lpc.press_power_button();
        fuzz::restore_part(pc.host, in);
    }
  }
  fuzz::save_and_load(pc.host);
  return 0;
}
