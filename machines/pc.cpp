// SPDX-License-Identifier: Apache-2.0
//
// Which device is where on the board `pc`, which line goes where.
#include "machines/pc.h"

#include <fmt/format.h>

#include <algorithm>

#include "machines/acpi/tables.h"
#include "machines/pc_map.h"

namespace mynah {

using namespace pc_map;

// A line is an input of the I/O APIC, below 16 an interrupt of ISA, and who drives it.
struct PcMachine::Lines final : dev::IrqSink {
  static constexpr unsigned kIrqs = dev::IoApic::kInputs;
  explicit Lines(PcMachine& board) : board(board) {}
  void set_irq(unsigned line, bool level) override {
    const unsigned irq = line % kIrqs;
    const uint8_t source = static_cast<uint8_t>(1u << line / kIrqs);
    levels[irq] = static_cast<uint8_t>(level ? levels[irq] | source : levels[irq] & ~source);
    const bool now = levels[irq] != 0;
    board.pic_.set_irq(irq, now);
    if (irq == kPitIrq || irq == kTimerInput)
      board.io_apic_.set_irq(kTimerInput, levels[kPitIrq] || levels[kTimerInput]);
    else
      board.io_apic_.set_irq(irq, now);
  }
  struct Hpet final : dev::IrqSink {
    explicit Hpet(Lines& lines) : lines(lines) {}
    void set_irq(unsigned line, bool level) override {
      lines.set_irq(static_cast<unsigned>(Source::kHpet) * kIrqs + line, level);
    }
    Lines& lines;
  };
  Hpet hpet{*this};
  PcMachine& board;
  uint8_t levels[kIrqs] = {};
};

// Firmware's messages, a byte a write, are lines of the log.
class PcMachine::FirmwareLog final : public dev::Device {
 public:
  explicit FirmwareLog(dev::Log& log) : log_(log) {}
  std::string_view name() const override { return "firmware"; }
  uint32_t state_version() const override { return 1; }
  void reset() override { line_.clear(); }
  uint64_t read(dev::Offset, dev::Width) override { return kAnswer; }
  void write(dev::Offset, dev::Width, uint64_t value) override {
    constexpr size_t kLongest = 256;
    const char c = static_cast<char>(value);
    if (c != '\n' && line_.size() < kLongest) {
      line_ += c >= ' ' && c <= '~' ? c : ' ';
      return;
    }
    log_.unimplemented(name(), line_);
    line_.clear();
  }

 private:
  static constexpr uint8_t kAnswer = 0xe9;  // by which firmware finds the port
  void serialize_state(dev::StateStream&) override {}
  dev::Log& log_;
  std::string line_;
};

namespace {
// PCI's four lines end in a function that is made behind the host.
struct ToPirqs final : dev::IrqSink {
  void set_irq(unsigned line, bool level) override {
    if (bridge) bridge->pirqs().set_irq(line, level);
  }
  dev::Piix3* bridge = nullptr;
};
}  // namespace

PcMachine::PcMachine(PcConfig config, dev::Log& log)
    : X86Machine(std::move(config), config.cpu, log),
      board_(std::move(config)),
      lines_(std::make_unique<Lines>(*this)),
      hpet_(board_.hpet ? std::make_unique<dev::Hpet>(events(), lines_->hpet, kHpetRoutes, log) : nullptr),
      pit_(events(), hpet_ ? hpet_->interval_timer() : isa(kPitIrq), log),
      rtc_(events(), hpet_ ? hpet_->calendar() : isa(kRtcIrq), rtc_clock_, log),
      isa_dma_(dma(), log),
      floppy_(isa_dma_, isa(kFloppyIrq), log),
      keyboard_({.keyboard = isa(kKeyboardIrq),
                 .mouse = isa(kMouseIrq),
                 .a20 = [this](bool on) { port92_.set_a20(on); },
                 .reset = [this] { ask_for(AfterExit::kReset); }},
                log),
      port92_([this](bool on) { set_a20(on); }, [this] { ask_for(AfterExit::kReset); }),
      shadow_(make_shadow()),
      firmware_log_(std::make_unique<FirmwareLog>(log)) {
  uart_ = std::make_unique<dev::Uart16550>(config_.serial ? *config_.serial : null_serial_, isa(kSerialIrq),
                                           log_);
  if (config_.second_serial)
    second_uart_ = std::make_unique<dev::Uart16550>(*config_.second_serial, isa(kSecondSerialIrq), log_);
  if (config_.parallel) parallel_ = std::make_unique<dev::ParallelPort>(*config_.parallel, isa(kParallelIrq));
  add_pci_host();
  map_devices();
}

PcMachine::~PcMachine() = default;

dev::IrqLine PcMachine::isa(unsigned irq, Source source) {
  return {*lines_, static_cast<unsigned>(source) * Lines::kIrqs + irq};
}

void PcMachine::map_devices() {
  map(kOptionRoms, kOneMiB - kOptionRoms, *shadow_);
  map(kVideo, dev::Vga::kWindowSize, vga_->window());
  map(dev::ApicBus::kWindow, dev::ApicBus::kWindowSize, apics_);
  map(kIoApic, dev::IoApic::kWindowSize, io_apic_);
  if (hpet_) map(kHpet, dev::Hpet::kWindowSize, *hpet_);
  map_rest(pci_->add_window(dev::pci::Space::kMemory, 0));

  map_ports(kDmaPort, dev::Dma8237::kFirstSize, isa_dma_.first());
  map_ports(kPicPort, dev::Pic8259::kWindowSize, pic_.first());
  map_ports(kPitPort, dev::Pit8254::kWindowSize, pit_);
  map_ports(kKeyboardPort, 1, keyboard_.data());
  map_ports(kSpeakerPort, 1, pit_.speaker_port());
  map_ports(kKeyboardCommandPort, 1, keyboard_.command());
  map_ports(kRtcPort, dev::CmosRtc::kWindowSize, rtc_);
  map_ports(kDmaPagePort, dev::Dma8237::kPagesSize, isa_dma_.pages());
  map_ports(kPort92, 1, port92_);
  map_ports(kSecondPicPort, dev::Pic8259::kWindowSize, pic_.second());
  map_ports(kApmPort, dev::Piix4Pm::kApmSize, pm_->apm());
  map_ports(kSecondDmaPort, dev::Dma8237::kSecondSize, isa_dma_.second());
  map_ports(kSerialPort, dev::Uart16550::kWindowSize, *uart_);
  if (second_uart_) map_ports(kSecondSerialPort, dev::Uart16550::kWindowSize, *second_uart_);
  map_ports(kIdePort, dev::IdeChannel::kCommandSize, ide_->channel(0).command_block());
  map_ports(kFloppyPort, dev::Fdc82077::kWindowSize, floppy_);
  map_ports(kFloppyLastPort, dev::Fdc82077::kLastSize, floppy_.last());
  map_ports(kIdeControlPort, dev::IdeChannel::kControlSize, ide_->channel(0).control());
  map_ports(kSecondIdePort, dev::IdeChannel::kCommandSize, ide_->channel(1).command_block());
  if (parallel_) map_ports(kParallelPort, dev::ParallelPort::kWindowSize, *parallel_);
  map_ports(kSecondIdeControlPort, dev::IdeChannel::kControlSize, ide_->channel(1).control());
  map_ports(kDispiPort, 3, vga_->dispi_ports());
  map_ports(kMonoPort, 2, vga_->mono_ports());
  map_ports(kMonoStatusPort, 1, vga_->mono_status());
  map_ports(kVgaPort, 32, vga_->ports());
  map_ports(kLevelPort, dev::Pic8259::kWindowSize, pic_.levels());
  map_ports(kFwCfgPort, dev::FwCfgPorts::kWindowSize, fw_cfg_ports_);
  map_ports(kPciConfigPort, dev::pci::Host::kConfigPortsSize, isa_bridge_->ports());
  map_port_rest(pci_->add_window(dev::pci::Space::kIo, 0));
}

void PcMachine::add_pci_host() {
  auto to_pirqs = std::make_unique<ToPirqs>();
  ToPirqs& pirqs = *to_pirqs;
  pirqs_ = std::move(to_pirqs);
  pci_ = std::make_unique<dev::pci::Host>(
      dev::pci::Host::Config{.memory = dma(),
                             .log = log_,
                             .root_name = "pci.0",
                             .express = false,
                             .lines = {dev::IrqLine(pirqs, 0), dev::IrqLine(pirqs, 1), dev::IrqLine(pirqs, 2),
                                       dev::IrqLine(pirqs, 3)},
                             // The bridge itself, in slot 1, has pin A at the first line.
                             .line_of_pin = [](unsigned slot, unsigned pin) { return slot + pin + 3; }});
  pci_->set_message_target(&apics_);
  add_chipset_functions();
  pirqs.bridge = isa_bridge_;
}

void PcMachine::add_chipset_functions() {
  const auto plug = [this](auto function, unsigned slot, unsigned number, bool several = false) {
    auto* const made = function.get();
    pci_->root().plug(std::move(function), dev::pci::devfn_of(slot, number), several);
    return made;
  };
  std::array<dev::IrqLine, 16> irqs;
  for (unsigned irq = 0; irq < irqs.size(); ++irq) irqs[irq] = isa(irq, Source::kPirq);
  host_bridge_ = plug(std::make_unique<dev::I440Fx>(
                          [this](unsigned piece, dev::I440Fx::Route to) { route(piece, to); }, log_),
                      kHostSlot, 0);
  isa_bridge_ = plug(std::make_unique<dev::Piix3>(
                         irqs, [this] { ask_for(AfterExit::kReset); }, pci_->config_ports(), log_),
                     kIsaSlot, 0, true);
  ide_ = plug(std::make_unique<dev::PiixIde>(isa(kIdeIrq), isa(kSecondIdeIrq), log_), kIsaSlot, kIdeFunction);
  add_ide_controller(*ide_, {}, fmt::format("{}/ide@{:x},{:x}", pci_path(), kIsaSlot, kIdeFunction));
  pm_ = plug(std::make_unique<dev::Piix4Pm>(
                 events(), isa(kSciIrq, Source::kSci), [this] { ask_for(AfterExit::kShutdown); }, log_),
             kIsaSlot, kPmFunction);
  vga_ = plug(std::make_unique<dev::Vga>(events(), config_.video_bios, log_), kVgaSlot, 0);
}

Result<dev::RemovableDrive*> PcMachine::add_floppy(unsigned unit, dev::BlockBackend* disk) {
  if (unit >= dev::Fdc82077::kDrives)
    return error("the machine has {} floppy drives", dev::Fdc82077::kDrives);
  return &floppy_.plug(unit, disk);
}

Result<void> PcMachine::build() {
  if (config_.ram_bytes < 2 << 20)
    return Error{"the board pc needs memory of 2 MiB at least; use a larger -m"};
  if (auto added = add_memory(); !added) return added;
  // A person's debug console may have its place.
  if (std::ranges::none_of(ports().windows(), [](const auto& window) {
        return window.base <= kFirmwareLogPort && kFirmwareLogPort - window.base < window.size;
      }))
    map_ports(kFirmwareLogPort, 1, *firmware_log_);
  // Interrupt controllers and processors behind those that drive lines into them.
  add_part(*pci_);
  add_part(*uart_);
  if (second_uart_) add_part(*second_uart_);
  if (parallel_) add_part(*parallel_);
  for (dev::Stateful* part : {static_cast<dev::Stateful*>(&floppy_), static_cast<dev::Stateful*>(&keyboard_),
                              static_cast<dev::Stateful*>(&port92_), static_cast<dev::Stateful*>(&isa_dma_),
                              static_cast<dev::Stateful*>(&rtc_), static_cast<dev::Stateful*>(&pit_),
                              static_cast<dev::Stateful*>(hpet_.get()), static_cast<dev::Stateful*>(&fw_cfg_),
                              static_cast<dev::Stateful*>(&pic_), static_cast<dev::Stateful*>(&io_apic_)})
    if (part) add_part(*part);
  for (const auto& flash : flash_)
    if (flash) add_part(*flash);
  add_processor_parts();
  fill_cmos();
  if (auto ok = add_firmware_items(); !ok) return ok;
  if (config_.starts_kernel()) {
    const acpi::Description tables = description();
    return place_kernel(config_.command_line, board_.acpi ? &tables : nullptr);
  }
  if (!firmware_) return Error{"there is nothing to start: the board pc needs firmware or a kernel"};
  return {};
}

void PcMachine::reset_board() {
  for (unsigned piece = 0; piece < dev::I440Fx::kPieces; ++piece) route(piece, host_bridge_->route(piece));
  if (config_.starts_kernel()) start_kernel();
}

}  // namespace mynah
