// SPDX-License-Identifier: Apache-2.0
//
// Which device is where on the board `microvm`, which line goes where, and what is in memory at the start.
#include "machines/microvm.h"

#include <fmt/format.h>

#include <algorithm>

#include "machines/acpi/tables.h"
#include "machines/firmware_items.h"
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

MicrovmMachine::MicrovmMachine(MicrovmConfig config, dev::Log& log)
    : X86Machine(std::move(config), config.cpu, log),
      board_(std::move(config)),
      second_io_apic_(apics_, 1, log, "ioapic2"),
      gsi_(std::make_unique<Gsi>(*this)),
      pit_(events(), gsi(kPitIrq), log),
      rtc_(events(), gsi(kRtcIrq), rtc_clock_, log),
      ged_(
          gsi(kGedIrq),
          {.off = [this] { ask_for(AfterExit::kShutdown); }, .reset = [this] { ask_for(AfterExit::kReset); }},
          log) {
  apics_.on_end_of_interrupt = [this](uint8_t vector) {
    io_apic_.end_of_interrupt(vector);
    second_io_apic_.end_of_interrupt(vector);
  };
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
  for (const BootPlace& behind : place.behind)
    if (auto ok = add_boot_path(behind, path); !ok) return ok;
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
  add_processor_parts();
  note_memory(rtc_);
  if (auto ok = add_firmware_items(); !ok) return ok;
  return place_start();
}

// --- what a system is told

acpi::Description MicrovmMachine::describe() const {
  MicrovmDescription d{
      .second_serial = second_uart_ != nullptr, .rtc = board_.rtc, .pci = board_.pcie, .virtio = {}};
  for (unsigned i = 0; i < virtio_slots(); ++i)
    if (slots_[i]) d.virtio.push_back({i, virtio_gsi(i)});
  return {.processors = static_cast<unsigned>(x86_.size()),
          .io_apics = {{0, static_cast<uint32_t>(kIoApic), 0},
                       {1, static_cast<uint32_t>(kSecondIoApic), kSecondIoApicGsi}},
          .timer_on_input_2 = true,
          .sleep_registers = kGedRegisters,
          .reset_value = dev::GenericEventDevice::kResetValue,
          .pci_config = board_.pcie ? kPciConfig : 0,
          .dsdt = describe_microvm(d)};
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

// The kernel itself is no item: there is no firmware that would start it.
Result<void> MicrovmMachine::add_firmware_items() {
  add_memory_items();
  fw_cfg_.add_item_u32(dev::FwCfg::kCommandLineSize, static_cast<uint32_t>(command_line().size() + 1));
  fw_cfg_.add_item(dev::FwCfg::kCommandLineData, command_line());
  return mynah::add_firmware_items(fw_cfg_, config_, smbios_by_choice(config_, smbios(name())), boot_order());
}

Result<void> MicrovmMachine::place_start() {
  if (config_.kernel.empty()) return Error{"the board microvm has no firmware; give it a kernel by -kernel"};
  const acpi::Description tables = describe();
  return place_kernel(command_line(), board_.acpi ? &tables : nullptr, memory_map());
}

void MicrovmMachine::reset_board() {
  boot_.memory.write(memory());
  x86_[0]->start(boot_.state);
}

}  // namespace mynah
