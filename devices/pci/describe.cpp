// SPDX-License-Identifier: Apache-2.0
//
// A BAR that is not decoded has the address of all ones.
#include "devices/pci/describe.h"

#include <fmt/format.h>

#include <iterator>

#include "devices/pci/bridge.h"

namespace mynah::dev::pci {
namespace {

struct ClassName {
  unsigned code;
  std::string_view name;
};
constexpr ClassName kClassNames[] = {
    {0x0100, "SCSI controller"},     {0x0101, "IDE controller"}, {0x0106, "SATA controller"},
    {0x0200, "Ethernet controller"}, {0x0300, "VGA controller"}, {0x0380, "Display controller"},
    {0x0600, "Host bridge"},         {0x0601, "ISA bridge"},     {0x0604, "PCI bridge"},
    {0x0c03, "USB controller"},
};

std::string class_name(unsigned code) {
  for (const ClassName& known : kClassNames)
    if (known.code == code) return std::string(known.name);
  return fmt::format("Class {:04d}", code);
}

void describe_bridge(const Bridge& bridge, std::back_insert_iterator<std::string> out) {
  const Range io = bridge.io_window(), memory = bridge.memory_window(),
              prefetchable = bridge.prefetchable_window();
  fmt::format_to(out, "      BUS {}.\n      secondary bus {}.\n      subordinate bus {}.\n",
                 bridge.config(kPrimaryBus, 1), bridge.secondary_number(), bridge.subordinate_number());
  fmt::format_to(out, "      IO range [{:#06x}, {:#06x}]\n", io.first, io.last);
  fmt::format_to(out, "      memory range [{:#010x}, {:#010x}]\n", memory.first, memory.last);
  fmt::format_to(out, "      prefetchable memory range [{:#010x}, {:#010x}]\n", prefetchable.first,
                 prefetchable.last);
}

void describe_bars(const Function& function, std::back_insert_iterator<std::string> out) {
  for (unsigned n = 0; n < Function::kBars; ++n) {
    const Function::Bar& bar = function.bar(n);
    if (bar.size == 0) continue;
    const auto decoded = function.decoded(n);
    const uint64_t first = decoded ? decoded->first : ~uint64_t{0};
    const uint64_t last = first + (bar.size - 1);
    if (bar.kind == BarKind::kIo) {
      fmt::format_to(out, "      BAR{}: I/O at {:#06x} [{:#06x}].\n", n, first, last);
      continue;
    }
    fmt::format_to(out, "      BAR{}: {} bit{} memory at {:#010x} [{:#010x}].\n", n,
                   bar.kind == BarKind::kMemory32 ? 32 : 64,
                   bar.kind == BarKind::kPrefetchable64 ? " prefetchable" : "", first, last);
  }
}

void describe_bus(const Bus& bus, std::back_insert_iterator<std::string> out) {
  for (const auto& [devfn, owned] : bus.functions()) {
    Function& function = *owned;
    const Bridge* bridge = function.as_bridge();
    fmt::format_to(out, "  Bus {:2}, device {:3}, function {}:\n", bus.number(), devfn >> 3, devfn & 7);
    fmt::format_to(out, "    {}: PCI device {:04x}:{:04x}\n", class_name(function.config(kClassCode + 1, 2)),
                   function.config(kVendorId, 2), function.config(kDeviceId, 2));
    if (!bridge)
      fmt::format_to(out, "      PCI subsystem {:04x}:{:04x}\n", function.config(kSubsystemVendorId, 2),
                     function.config(kSubsystemId, 2));
    if (const uint32_t pin = function.config(kInterruptPin, 1); pin != 0)
      fmt::format_to(out, "      IRQ {}, pin {}\n", function.config(kInterruptLine, 1),
                     static_cast<char>('A' + (pin - 1) % 4));
    if (bridge) describe_bridge(*bridge, out);
    describe_bars(function, out);
    fmt::format_to(out, "      id \"{}\"\n", function.id);
    if (bridge && bridge->secondary_number() != 0) describe_bus(bridge->secondary(), out);
  }
}

}  // namespace

std::string describe(const Host& host) {
  std::string text;
  describe_bus(host.root(), std::back_inserter(text));
  return text;
}

}  // namespace mynah::dev::pci
