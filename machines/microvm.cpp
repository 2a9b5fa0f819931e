// SPDX-License-Identifier: Apache-2.0
//
// Which device is where on the board `microvm`, which line goes where, and what is in memory at the start.
#include "machines/microvm.h"

#include <fmt/format.h>

#include <algorithm>

#include "machines/acpi/tables.h"
#include "machines/firmware_items.h"
#include "machines/loader/x86_kernel.h"
#include "machines/microvm_acpi.h"
#include "machines/pci_root.h"

namespace mynah {

using namespace microvm_map;

struct MicrovmMachine::Gsi final : dev::IrqSink {
  explicit Gsi(MicrovmMachine& board) : board(board) {}
  void set_irq(unsigned n, bool level) override {
    if (n >= kSecondIoApicGsi) return board.second_io_apic_.set_irq(n - kSecondIoApicGsi, level);
    if (n < 16) board.pic_.set_irq(n, level);
    board.io_apic_.set_irq(n == kPitIrq ? kTimerInput : n, level);
  }
  MicrovmMachine& board;
};

namespace {
// The 8259s' output, to the bootstrap processor.
struct ToApic final : dev::IrqSink {
  explicit ToApic(dev::LocalApic& apic) : apic(apic) {}
  void set_irq(unsigned, bool level) override { apic.set_external(level); }
  dev::LocalApic& apic;
};
}  // namespace

MicrovmMachine::MicrovmMachine(MicrovmConfig config, dev::Log& log)
    : Machine(std::move(config), log),
      board_(std::move(config)),
      rtc_clock_(config_.rtc_clock ? *config_.rtc_clock : clock(), config_.rtc_base_seconds,
                 !config_.rtc_clock),
      apics_(log),
      io_apic_(apics_, 0, log),
      second_io_apic_(apics_, 1, log, "ioapic2"),
      pic_({}, log),
      gsi_(std::make_unique<Gsi>(*this)),
      pit_(events(), gsi(kPitIrq), log),
      rtc_(events(), gsi(kRtcIrq), rtc_clock_, log),
      ged_(
          gsi(kGedIrq),
          {.off = [this] { ask_for(AfterExit::kShutdown); }, .reset = [this] { ask_for(AfterExit::kReset); }},
          log),
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
    add_processor(x86_.back()->make(board_.cpu));
  }
  apics_.current = [this]() -> dev::LocalApic& { return x86_[current()]->apic(); };
  apics_.on_end_of_interrupt = [this](uint8_t vector) {
    io_apic_.end_of_interrupt(vector);
    second_io_apic_.end_of_interrupt(vector);
  };
  x86_[0]->apic().external_vector = [this] { return pic_.acknowledge(); };
  pic_output_ = std::make_unique<ToApic>(x86_[0]->apic());
  pic_.connect({*pic_output_, 0});
  map(dev::ApicBus::kWindow, dev::ApicBus::kWindowSize, apics_);
  map(kIoApic, dev::IoApic::kWindowSize, io_apic_);
  map_ports(kPicPort, dev::Pic8259::kWindowSize, pic_.first());
  map_ports(kSecondPicPort, dev::Pic8259::kWindowSize, pic_.second());
  map_ports(kLevelPort, dev::Pic8259::kWindowSize, pic_.levels());
  map_ports(kPitPort, dev::Pit8254::kWindowSize, pit_);
  map_ports(kSpeakerPort, 1, pit_.speaker_port());
  map_ports(kFwCfgPort, dev::FwCfgPorts::kWindowSize, fw_cfg_ports_);
  if (board_.rtc) map_ports(kRtcPort, dev::CmosRtc::kWindowSize, rtc_);
  if (board_.acpi) {
    map(kSecondIoApic, dev::IoApic::kWindowSize, second_io_apic_);
    map(kGed, dev::GenericEventDevice::kWindowSize, ged_);
    map(kGedRegisters, dev::GenericEventDevice::kRegistersSize, ged_.registers());
  }
  uart_ = std::make_unique<dev::Uart16550>(config_.serial ? *config_.serial : null_serial_, gsi(kSerialIrq),
                                           log_);
  map_ports(kSerialPort, dev::Uart16550::kWindowSize, *uart_);
  if (config_.second_serial) {
    second_uart_ = std::make_unique<dev::Uart16550>(*config_.second_serial, gsi(kSecondSerialIrq), log_);
    map_ports(kSecondSerialPort, dev::Uart16550::kWindowSize, *second_uart_);
  }
  if (board_.pcie) add_pci_host();
}

MicrovmMachine::~MicrovmMachine() = default;

dev::IrqLine MicrovmMachine::gsi(unsigned n) { return {*gsi_, n}; }

unsigned MicrovmMachine::virtio_slots() const { return board_.acpi ? kVirtioSlots : kVirtioSlotsWithoutAcpi; }

unsigned MicrovmMachine::virtio_gsi(unsigned slot) const {
  return (board_.acpi ? kVirtioGsi : kVirtioGsiWithoutAcpi) + slot;
}

void MicrovmMachine::add_pci_host() {
  pci_ = std::make_unique<dev::pci::Host>(
      dev::pci::Host::Config{.memory = dma(),
                             .log = log_,
                             .lines = {gsi(kPciIrq), gsi(kPciIrq + 1), gsi(kPciIrq + 2), gsi(kPciIrq + 3)}});
  pci_->root().plug(make_generic_root(log_), 0);
  pci_->set_message_target(&apics_);
  map(kPciConfig, kPciConfigSize, pci_->ecam());
  map(kPciMemory, kPciMemorySize, pci_->add_window(dev::pci::Space::kMemory, kPciMemory));
}

// In the last free slot unless it is said, as QEMU does.
Result<void> MicrovmMachine::add_virtio_mmio(const VirtioFactory& make, const VirtioMmioPlace& place) {
  const unsigned slots = virtio_slots();
  unsigned slot = slots;
  if (place.slot) {
    slot = *place.slot;
    if (slot >= slots) return error("there is no bus virtio-mmio-bus.{}; there are {}, from 0", slot, slots);
    if (slots_[slot]) return error("the bus virtio-mmio-bus.{} has a device already; use another one", slot);
  } else {
    while (slot > 0 && slots_[slot - 1]) --slot;
    if (slot-- == 0) return error("the machine has no free virtio-mmio slot; {} fit", slots);
  }
  const std::string path = fmt::format("/virtio-mmio@{:016x}", kVirtio + slot * kVirtioSize);
  if (auto ok = add_boot_path(place.boot, path); !ok) return ok;
  slots_[slot] = make(dma(), log_);
  return {};
}

Result<void> MicrovmMachine::build() {
  const uint64_t low = std::min(config_.ram_bytes, kLowRamEnd);
  if (auto added = memory().add_ram(0, low); !added) return added;
  if (config_.ram_bytes > low)
    if (auto added = memory().add_ram(kFourGiB, config_.ram_bytes - low); !added) return added;
  for (unsigned i = 0; i < virtio_slots(); ++i) {
    transports_.push_back(std::make_unique<dev::VirtioMmio>(
        slots_[i].get(), gsi(virtio_gsi(i)), log_,
        board_.legacy_virtio ? dev::VirtioMmio::Version::kLegacy : dev::VirtioMmio::Version::kModern));
    map(kVirtio + i * kVirtioSize, kVirtioSize, *transports_.back());
  }
  // Interrupt controllers and processors behind those that drive lines into them.
  for (const auto& transport : transports_) add_part(*transport);
  if (pci_) add_part(*pci_);
  add_part(*uart_);
  if (second_uart_) add_part(*second_uart_);
  for (dev::Stateful* part : {static_cast<dev::Stateful*>(&rtc_), static_cast<dev::Stateful*>(&pit_),
                              static_cast<dev::Stateful*>(&ged_), static_cast<dev::Stateful*>(&fw_cfg_),
                              static_cast<dev::Stateful*>(&pic_), static_cast<dev::Stateful*>(&io_apic_),
                              static_cast<dev::Stateful*>(&second_io_apic_)})
    add_part(*part);
  for (const auto& processor : x86_)
    for (dev::Stateful* part : processor->parts()) add_part(*part);
  note_memory();
  if (auto ok = add_firmware_items(); !ok) return ok;
  return place_start();
}

// --- what a system is told

acpi::Bytes MicrovmMachine::describe() const {
  MicrovmDescription d{
      .second_serial = second_uart_ != nullptr, .rtc = board_.rtc, .pci = board_.pcie, .virtio = {}};
  for (unsigned i = 0; i < virtio_slots(); ++i)
    if (slots_[i]) d.virtio.push_back({i, virtio_gsi(i)});
  return describe_microvm(d);
}

// Where ACPI does not say where the virtio-mmio devices are, Linux takes it from the command line.
std::string MicrovmMachine::command_line() const {
  std::string line = config_.command_line;
  if (board_.acpi || !board_.extend_command_line) return line;
  for (unsigned i = 0; i < virtio_slots(); ++i)
    if (slots_[i])
      line += fmt::format(" virtio_mmio.device={}@{:#x}:{}", kVirtioSize, kVirtio + i * kVirtioSize,
                          virtio_gsi(i));
  return line;
}

X86Memory MicrovmMachine::memory_map() const {
  X86Memory map{.below_4g = std::min(config_.ram_bytes, kLowRamEnd), .above_4g = 0, .reserved = {}};
  if (config_.ram_bytes > kLowRamEnd) map.above_4g = config_.ram_bytes - kLowRamEnd;
  if (board_.pcie) map.reserved.push_back({{kPciConfig, kPciConfig + kPciConfigSize}, E820Type::kReserved});
  return map;
}

// In CMOS memory, where PC firmware and old systems look: KiB below 640 KiB, KiB from 1 MiB (twice), 64 KiB
// from 16 MiB, 64 KiB from 4 GiB.
void MicrovmMachine::note_memory() {
  const X86Memory map = memory_map();
  const auto note = [this](uint8_t index, uint64_t value, unsigned n) {
    for (unsigned i = 0; i < n; ++i)
      rtc_.set_byte(static_cast<uint8_t>(index + i), static_cast<uint8_t>(value >> 8 * i));
  };
  const auto beyond = [&map](uint64_t from, uint64_t unit) {
    return std::min<uint64_t>(map.below_4g > from ? (map.below_4g - from) / unit : 0, 0xffff);
  };
  note(0x15, std::min<uint64_t>(map.below_4g >> 10, 640), 2);
  note(0x17, beyond(1 << 20, 1 << 10), 2);
  note(0x30, beyond(1 << 20, 1 << 10), 2);
  note(0x34, beyond(16 << 20, 64 << 10), 2);
  note(0x5b, map.above_4g >> 16, 3);
}

// The kernel itself is no item: there is no firmware that would start it.
Result<void> MicrovmMachine::add_firmware_items() {
  constexpr uint16_t kIrq0Override = dev::FwCfg::kArchLocal + 2;
  fw_cfg_.add_item_u32(kIrq0Override, 1);  // ISA's interrupt 0 is the I/O APIC's input 2
  std::vector<uint8_t> table;
  const auto put = [&table](uint64_t value, unsigned n) {
    for (unsigned i = 0; i < n; ++i) table.push_back(static_cast<uint8_t>(value >> 8 * i));
  };
  // RAM and what is reserved, as the machine has it: what lies below 1 MiB is firmware's to say.
  const X86Memory map = memory_map();
  const auto range = [&put](uint64_t base, uint64_t size, E820Type type) {
    put(base, 8);
    put(size, 8);
    put(static_cast<uint32_t>(type), 4);
  };
  range(0, map.below_4g, E820Type::kRam);
  if (map.above_4g) range(kFourGiB, map.above_4g, E820Type::kRam);
  fw_cfg_.add_file("etc/e820", std::move(table));
  fw_cfg_.add_item_u32(dev::FwCfg::kCommandLineSize, static_cast<uint32_t>(command_line().size() + 1));
  fw_cfg_.add_item(dev::FwCfg::kCommandLineData, command_line());
  return mynah::add_firmware_items(fw_cfg_, config_, name(), boot_order());
}

Result<void> MicrovmMachine::place_start() {
  if (config_.kernel.empty()) return Error{"the board microvm has no firmware; give it a kernel by -kernel"};
  if (board_.acpi) {
    acpi_tables_ =
        acpi::make_tables({.processors = static_cast<unsigned>(x86_.size()),
                           .io_apics = {{0, static_cast<uint32_t>(kIoApic), 0},
                                        {1, static_cast<uint32_t>(kSecondIoApic), kSecondIoApicGsi}},
                           .timer_on_input_2 = true,
                           .sleep_registers = kGedRegisters,
                           .reset_value = dev::GenericEventDevice::kResetValue,
                           .pci_config = board_.pcie ? kPciConfig : 0,
                           .dsdt = describe()},
                          kAcpiTables);
    if (acpi_tables_.size() > kAcpiTablesEnd - kAcpiTables)
      return Error{"the ACPI tables do not fit below 1 MiB"};
  }
  X86KernelFiles files;
  files.kernel = config_.kernel;
  files.kernel_name = "kernel";
  if (!config_.initrd.empty()) files.modules.push_back({config_.initrd, {}});
  files.command_line = command_line();
  if (!config_.rng_seed.empty()) files.setup_data.push_back({X86SetupData::kRngSeed, config_.rng_seed});
  files.rsdp = board_.acpi ? kAcpiTables : 0;
  auto placed = place_x86_kernel(files, memory_map(), X86Entry::k32);
  if (!placed) return placed.error();
  boot_ = std::move(*placed);
  if (!acpi_tables_.empty()) boot_.memory.add("the ACPI tables", kAcpiTables, acpi_tables_);
  return {};
}

void MicrovmMachine::reset_board() {
  boot_.memory.write(memory());
  x86_[0]->start(boot_.state);
}

void MicrovmMachine::hold_interrupts(bool hold) {
  for (const auto& processor : x86_) processor->hold_interrupts(hold);
}

}  // namespace mynah
