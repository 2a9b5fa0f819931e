// SPDX-License-Identifier: Apache-2.0
//
// Fuzzes VGA: registers, memory, DISPI, and what is drawn of them.
#include "devices/display/vga.h"

#include <algorithm>
#include <memory>

#include "tests/devices/pci_fakes.h"
#include "tests/fuzz/fuzz_input.h"

using namespace mynah;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  fuzz::Input in(data, size);
  dev::fake::PciHost pc;
  dev::ManualClock clock;
  dev::EventQueue events(clock);
  auto& vga = pc.plug(std::make_unique<dev::Vga>(events, std::vector<uint8_t>(100), pc.log, 1 << 18), 2);
  pc.host.reset();
  for (unsigned step = 0, drawn = 0; step < 2048 && !in.empty(); ++step) {
    const uint8_t op = in.u8();
    switch (op & 7) {
      default:
        vga.ports().write(in.u8() & 31, dev::Width::k1, in.u8());
        break;
      case 2:
        (void)vga.ports().read(in.u8() & 31, static_cast<dev::Width>(1u << (op >> 3 & 3)));
        break;
      case 3:
        vga.window().write(in.u32() & 0x1fff0, static_cast<dev::Width>(1u << (op >> 3 & 3)), in.u32());
        break;
      case 4:
        (void)vga.window().read(in.u32() & 0x1fff0, static_cast<dev::Width>(1u << (op >> 3 & 3)));
        break;
      case 5:
        vga.dispi_ports().write(0, dev::Width::k2, in.u8() % 12);
        vga.dispi_ports().write(1, dev::Width::k2, in.u16());
        break;
      case 6:
        clock.time += in.u32();
        if (const auto window = vga.plain_window())
          std::fill(window->memory.begin(), window->memory.end(), in.u8());
        if (!vga.linear_memory().empty()) vga.linear_memory().back() = in.u8();
        break;
      case 7:
        if (in.u8() % 32 != 0 || drawn++ >= 2) break;
        (void)vga.text().lines();
        (void)vga.picture();
    }
  }
  return 0;
}
