// SPDX-License-Identifier: Apache-2.0
//
// Wiring of processors and interrupt controllers, and what is told of memory (E820: ACPI 6.4, chapter 15).
#include "machines/x86_machine.h"

#include <algorithm>
#include <utility>

#include "frontend/x86/cpuid.h"
#include "machines/firmware_items.h"
#include "machines/loader/x86_kernel.h"

namespace mynah {

namespace {

// Of ACPI's tables, below the BIOS's end, where a system that was started without firmware searches for them.
constexpr uint64_t kAcpiTables = 0xe0000, kAcpiTablesEnd = 0x100000;

// The 8259s' output, to the bootstrap processor.
struct ToApic final : dev::IrqSink {
  explicit ToApic(dev::LocalApic& apic) : apic(apic) {}
  void set_irq(unsigned, bool level) override { apic.set_external(level); }
  dev::LocalApic& apic;
};

}  // namespace

X86Machine::X86Machine(MachineConfig config, const x86::CpuModel& model, dev::Log& log)
    : Machine(std::move(config), log),
      rtc_clock_(config_.rtc_clock ? *config_.rtc_clock : clock(), config_.rtc_base_seconds,
                 !config_.rtc_clock),
      apics_(log),
      io_apic_(apics_, 0, log),
      pic_({}, log),
      fw_cfg_(dma(), log),
      fw_cfg_ports_(fw_cfg_, log) {
  const X86Processor::Board shared{.apics = apics_,
                                   .ports = ports(),
                                   .entropy = config_.entropy,
                                   .log = log,
                                   .processors = config_.processors.now,
                                   .shut_down = [this] { ask_for(AfterExit::kReset); }};
  for (unsigned i = 0; i < config_.processors.now; ++i) {
    x86_.push_back(std::make_unique<X86Processor>(*this, shared, i));
    add_processor(x86_.back()->make(model));
  }
  apics_.current = [this]() -> dev::LocalApic& { return x86_[current()]->apic(); };
  apics_.on_end_of_interrupt = [this](uint8_t vector) { io_apic_.end_of_interrupt(vector); };
  x86_[0]->apic().external_vector = [this] { return pic_.acknowledge(); };
  pic_output_ = std::make_unique<ToApic>(x86_[0]->apic());
  pic_.connect({*pic_output_, 0});
}

X86Machine::~X86Machine() = default;

void X86Machine::hold_interrupts(bool hold) {
  for (const auto& processor : x86_) processor->hold_interrupts(hold);
}

void X86Machine::add_processor_parts() {
  for (const auto& processor : x86_)
    for (dev::Stateful* part : processor->parts()) add_part(*part);
}

void X86Machine::note_memory(dev::CmosRtc& rtc) const {
  enum Byte : uint8_t {
    kBaseMemory = 0x15,      // KiB below 640 KiB
    kExtendedMemory = 0x17,  // KiB from 1 MiB
    kExtendedAgain = 0x30,
    kAbove16 = 0x34,  // 64 KiB from 16 MiB
    kAbove4G = 0x5b,  // 64 KiB from 4 GiB
  };
  const X86Memory map = memory_map();
  const auto note = [&rtc](uint8_t index, uint64_t value, unsigned n) {
    for (unsigned i = 0; i < n; ++i)
      rtc.set_byte(static_cast<uint8_t>(index + i), static_cast<uint8_t>(value >> 8 * i));
  };
  const auto beyond = [&map](uint64_t from, uint64_t unit) {
    return std::min<uint64_t>(map.below_4g > from ? (map.below_4g - from) / unit : 0, 0xffff);
  };
  note(kBaseMemory, std::min<uint64_t>(map.below_4g >> 10, 640), 2);
  note(kExtendedMemory, beyond(1 << 20, 1 << 10), 2);
  note(kExtendedAgain, beyond(1 << 20, 1 << 10), 2);
  note(kAbove16, beyond(16 << 20, 64 << 10), 2);
  note(kAbove4G, map.above_4g >> 16, 3);
}

dev::SmbiosMachine X86Machine::smbios(std::string_view product) {
  const X86Memory map = memory_map();
  std::vector<dev::SmbiosMachine::Ram> ram{{0, map.below_4g}};
  if (map.above_4g) ram.push_back({kFourGiB, map.above_4g});
  dev::SmbiosMachine all = smbios_machine(config_, product, std::move(ram));
  const x86::CpuidLeaf identity = x86::cpuid(cpu(), 1, 0);
  all.processor_id = identity.eax | uint64_t{identity.edx} << 32;
  return all;
}

void X86Machine::add_memory_items() {
  constexpr uint16_t kIrq0Override = dev::FwCfg::kArchLocal + 2;
  fw_cfg_.add_item_u32(kIrq0Override, 1);  // ISA's interrupt 0 is the I/O APIC's input 2
  std::vector<uint8_t> table;
  const auto put = [&table](uint64_t value, unsigned n) {
    for (unsigned i = 0; i < n; ++i) table.push_back(static_cast<uint8_t>(value >> 8 * i));
  };
  // RAM as the machine has it: what lies below 1 MiB is firmware's to say.
  const X86Memory map = memory_map();
  const auto range = [&put](uint64_t base, uint64_t size, E820Type type) {
    put(base, 8);
    put(size, 8);
    put(static_cast<uint32_t>(type), 4);
  };
  range(0, map.below_4g, E820Type::kRam);
  if (map.above_4g) range(kFourGiB, map.above_4g, E820Type::kRam);
  fw_cfg_.add_file("etc/e820", std::move(table));
}

Result<void> X86Machine::place_kernel(const std::string& command_line, const acpi::Description* acpi,
                                      const X86Memory& memory) {
  if (acpi) {
    acpi_tables_ = acpi::make_tables(*acpi, kAcpiTables);
    if (acpi_tables_.size() > kAcpiTablesEnd - kAcpiTables)
      return Error{"the ACPI tables do not fit below 1 MiB"};
  }
  X86KernelFiles files;
  files.kernel = config_.kernel;
  files.kernel_name = config_.kernel_name;
  if (!config_.initrd.empty()) files.modules.push_back({config_.initrd, {}});
  for (const KernelModule& module : config_.modules) files.modules.push_back({module.bytes, module.text});
  files.command_line = command_line;
  if (!config_.rng_seed.empty()) files.setup_data.push_back({X86SetupData::kRngSeed, config_.rng_seed});
  files.rsdp = acpi ? kAcpiTables : 0;
  auto placed = place_x86_kernel(files, memory, X86Entry::k32);
  if (!placed) return placed.error();
  boot_ = std::move(*placed);
  boot_.memory.add("the ACPI tables", kAcpiTables, acpi_tables_);
  return {};
}

}  // namespace mynah
