// SPDX-License-Identifier: Apache-2.0
//
// The boards `pc` and `q35` started with a kernel, without firmware: it is left as SeaBIOS leaves it. What
// that is:
//
//   memory 0xc0000 to 0xfffff   RAM (PAM), with ACPI's tables where a system searches for them
//   BIOS data area              segment of the EBDA, KiB of memory below it, ports of the serial lines
//   8259s                       inputs 10 and 11 by level
//   8254                        channel 0 ticks 18.2 times a second
//   PIRQs                       A to D are 10, 10, 11, 11, and so are ICH9's E to H
//   power management            PMBASE 0x600, SMBus 0x700, both on; PIIX4's interrupt is 9
//   Q35                         configuration space at 0xb0000000, ICH9's RCBA at 0xfed1c000
//   PCI functions               BARs below the I/O APIC, I/O from 0xc000 on, both decoded; interrupt line
//   MTRRs                       write-back, but uncached from 640 KiB to 768 KiB and from the end of RAM to 4
//   GiB local APIC                  LINT0 is the 8259s' (X86Processor::start)
#include <algorithm>

#include "machines/pc.h"
#include "machines/pc_map.h"

namespace mynah {

using namespace pc_map;

namespace {

struct Place {
  dev::pci::Function* function;
  unsigned bar;
};

void set_bar(dev::pci::Function& function, unsigned bar, uint64_t address) {
  const unsigned at = dev::pci::kBar0 + 4 * bar;
  function.config_write(at, 4, static_cast<uint32_t>(address));
  const dev::pci::BarKind kind = function.bar(bar).kind;
  if (kind == dev::pci::BarKind::kMemory64 || kind == dev::pci::BarKind::kPrefetchable64)
    function.config_write(at + 4, 4, static_cast<uint32_t>(address >> 32));
}

// From the end down, the smallest last. What does not fit is left to the system.
void place_bars(const dev::pci::Bus& bus, uint64_t memory_begin) {
  std::vector<Place> places[2];
  for (const auto& [devfn, function] : bus.functions())
    for (unsigned bar = 0; bar < dev::pci::Function::kBars; ++bar)
      if (function->bar(bar).size != 0)
        places[static_cast<size_t>(function->space_of(bar))].push_back({function.get(), bar});
  uint64_t port = kFirstPciPort, memory = kPciMemoryEnd;
  for (auto& list : places)
    std::stable_sort(list.begin(), list.end(), [](const Place& a, const Place& b) {
      return a.function->bar(a.bar).size > b.function->bar(b.bar).size;
    });
  for (const Place& p : places[static_cast<size_t>(dev::pci::Space::kIo)]) {
    set_bar(*p.function, p.bar, port);
    port += p.function->bar(p.bar).size;
  }
  for (const Place& p : places[static_cast<size_t>(dev::pci::Space::kMemory)]) {
    const uint64_t size = p.function->bar(p.bar).size;
    if (size > memory - memory_begin) continue;
    const uint64_t at = (memory - size) & ~(size - 1);
    if (at < memory_begin) continue;
    memory = at;
    set_bar(*p.function, p.bar, at);
  }
}

}  // namespace

void PcMachine::preset_pci() {
  dev::PamBridge& host = chipset_->host_bridge();
  for (unsigned n = 0; n < dev::PamBridge::kPams; ++n) host.config_write(host.first_pam() + n, 1, 0x33);
  chipset_->preset();
  place_bars(pci_->root(), std::max(memory_map().below_4g, facts_.pci_memory_begin));
  for (const auto& [devfn, function] : pci_->root().functions()) {
    const uint32_t command = function->config(dev::pci::kCommand, 2);
    if (!function->as_bridge())
      function->config_write(dev::pci::kCommand, 2, command | dev::pci::kIoSpace | dev::pci::kMemorySpace);
    if (const uint32_t pin = function->config(dev::pci::kInterruptPin, 1))
      function->config_write(dev::pci::kInterruptLine, 1,
                             kPirqIrqs[facts_.pirq_of(function->slot(), pin - 1) % 4]);
  }
  chipset_->preset_behind_bars();
}

void PcMachine::preset_memory() {
  constexpr uint64_t kBiosData = 0x400, kEbdaSegment = 0x40e, kMemoryKib = 0x413;
  const uint16_t ports[] = {kSerialPort, second_uart_ ? kSecondSerialPort : uint16_t{0}};
  const uint16_t ebda = kX86LowMemoryEnd >> 4, kib = kX86LowMemoryEnd >> 10;
  memory().put(kBiosData, ports, sizeof ports);
  memory().put(kEbdaSegment, &ebda, sizeof ebda);
  memory().put(kMemoryKib, &kib, sizeof kib);
}

void PcMachine::start_kernel() {
  preset_pci();
  constexpr uint64_t kLevels = 1 << 10 | 1 << 11;
  ports().write(kLevelPort + 1, dev::Width::k1, kLevels >> 8);
  constexpr uint8_t kChannel0ByWords = 0x34;  // mode 2
  ports().write(kPitPort + 3, dev::Width::k1, kChannel0ByWords);
  for (unsigned i = 0; i < 2; ++i) ports().write(kPitPort, dev::Width::k1, 0);
  boot_.memory.write(memory());
  preset_memory();

  x86::X86State& s = x86_[0]->cpu().x86();
  constexpr uint64_t kWriteBack = 6, kUncached = 0, kOn = 1 << 11, kFixedOn = 1 << 10;
  constexpr uint64_t kAllWriteBack = 0x0606060606060606;
  const uint64_t hole = memory_map().above_4g ? facts_.low_ram_where_more
                                              : std::max(facts_.most_low_ram, facts_.pci_memory_begin);
  for (size_t i = 0; i < std::size(s.mtrr_fixed); ++i) s.mtrr_fixed[i] = kAllWriteBack;
  s.mtrr_fixed[2] = kUncached;  // 0xa0000 to 0xbffff
  s.mtrr_base[0] = hole | kUncached;
  s.mtrr_mask[0] =
      (((uint64_t{1} << x86_[0]->cpu().model().physical_bits) - 1) & ~(kFourGiB - hole - 1)) | kOn;
  s.mtrr_default = kOn | kFixedOn | kWriteBack;
  x86_[0]->start(boot_.state);
}

}  // namespace mynah
