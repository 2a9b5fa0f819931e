// SPDX-License-Identifier: Apache-2.0
//
// Which device is where on the boards `pc` and `q35`, which line goes where.
#include "machines/pc.h"

#include <fmt/format.h>

#include <algorithm>

#include "devices/acpi/apm_ports.h"
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
// PCI's lines end in a function that is made behind the host.
struct ToPirqs final : dev::IrqSink {
  void set_irq(unsigned line, bool level) override {
    if (chipset) chipset->pirqs().set_irq(line, level);
  }
  PcChipset* chipset = nullptr;
};
}  // namespace

PcMachine::PcMachine(PcConfig config, dev::Log& log)
    : X86Machine(std::move(config), config.cpu, log),
      board_(std::move(config)),
      facts_(board_.q35 ? kIch9Facts : kI440FxFacts),
      lines_(std::make_unique<Lines>(*this)),
      hpet_(board_.hpet ? std::make_unique<dev::Hpet>(events(), lines_->hpet, facts_.hpet_routes, log)
                        : nullptr),
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
  map_ports(kApmPort, dev::ApmPorts::kSize, chipset_->apm());
  map_ports(kSecondDmaPort, dev::Dma8237::kSecondSize, isa_dma_.second());
  map_ports(kSerialPort, dev::Uart16550::kWindowSize, *uart_);
  if (second_uart_) map_ports(kSecondSerialPort, dev::Uart16550::kWindowSize, *second_uart_);
  if (parallel_) map_ports(kParallelPort, dev::ParallelPort::kWindowSize, *parallel_);
  map_ports(kDispiPort, 3, vga_->dispi_ports());
  map_ports(kMonoPort, 2, vga_->mono_ports());
  map_ports(kMonoStatusPort, 1, vga_->mono_status());
  map_ports(kVgaPort, 32, vga_->ports());
  map_ports(kLevelPort, dev::Pic8259::kWindowSize, pic_.levels());
  map_ports(kFwCfgPort, dev::FwCfgPorts::kWindowSize, fw_cfg_ports_);
  map_ports(kPciConfigPort, dev::pci::Host::kConfigPortsSize, chipset_->config_ports());
  chipset_->map_ports(
      [this](uint64_t port, uint64_t size, dev::Device& device) { map_ports(port, size, device); });
  map_port_rest(pci_->add_window(dev::pci::Space::kIo, 0));
}

void PcMachine::add_pci_host() {
  auto to_pirqs = std::make_unique<ToPirqs>();
  ToPirqs& pirqs = *to_pirqs;
  pirqs_ = std::move(to_pirqs);
  const bool express = facts_.pci_config != 0;
  dev::pci::Host::Config host{.memory = dma(),
                              .log = log_,
                              .root_name = express ? "pcie.0" : "pci.0",
                              .express = express,
                              .lines = {},
                              .line_of_pin = facts_.pirq_of,
                              .claims_changed = [this] { show_video(); }};
  for (unsigned n = 0; n < facts_.pirqs; ++n) host.lines[n] = {pirqs, n};
  pci_ = std::make_unique<dev::pci::Host>(std::move(host));
  pci_->set_message_target(&apics_);
  chipset_ = (board_.q35 ? make_ich9 : make_i440fx)(
      {.events = events(),
       .log = log_,
       .pci = *pci_,
       .device_line = [this](unsigned input) { return isa(input); },
       .pirq_line = [this](unsigned input) { return isa(input, Source::kPirq); },
       .sci_line = [this](unsigned input) { return isa(input, Source::kSci); },
       .route = [this](unsigned piece, dev::PamBridge::Route to) { route(piece, to); },
       .reset = [this] { ask_for(AfterExit::kReset); },
       .off = [this] { ask_for(AfterExit::kShutdown); }});
  pirqs.chipset = chipset_.get();
  add_ide_controller(chipset_->ide(), {}, fmt::format("{}/{}", pci_path(), facts_.ide_path));
  auto video = std::make_unique<dev::Vga>(events(), config_.video_bios, log_);
  vga_ = video.get();
  vga_->on_plain_change([this] { show_video(); },
                        [this] {
                          for (size_t i = 0; i < shown_window_.size(); ++i)
                            if (shown_window_[i])
                              memory().will_change(kVideoPieces[i], kVideoPieces[i + 1] - kVideoPieces[i]);
                          if (shown_bar_) memory().will_change(*shown_bar_, dev::Vga::kMemoryBytes);
                        });
  pci_->root().plug(std::move(video), dev::pci::devfn_of(facts_.video_slot, 0));
}

Result<dev::RemovableDrive*> PcMachine::add_floppy(unsigned unit, dev::BlockBackend* disk) {
  if (unit >= dev::Fdc82077::kDrives)
    return error("the machine has {} floppy drives", dev::Fdc82077::kDrives);
  return &floppy_.plug(unit, disk);
}

Result<void> PcMachine::build() {
  if (config_.ram_bytes < 2 << 20)
    return error("the board {} needs memory of 2 MiB at least; use a larger -m", name());
  if (auto added = add_memory(); !added) return added;
  if (facts_.floppies || floppy_.kind(0) != dev::Fdc82077::Kind::kNone ||
      floppy_.kind(1) != dev::Fdc82077::Kind::kNone) {
    map_ports(kFloppyPort, dev::Fdc82077::kWindowSize, floppy_);
    map_ports(kFloppyLastPort, dev::Fdc82077::kLastSize, floppy_.last());
  }
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
    if (auto ok = place_kernel(config_.command_line, board_.acpi ? &tables : nullptr, memory_map()); !ok)
      return ok;
    place_smbios();
    return {};
  }
  if (!firmware_) return error("there is nothing to start: the board {} needs firmware or a kernel", name());
  return {};
}

// A reset leaves memory and devices as they are where CMOS says that a program goes on behind it, as those
// for the 286 did to leave protected mode.
bool PcMachine::reset_to_resume() {
  constexpr uint8_t kShutdown = 0x0f, kJumpWithEoi = 5, kMoved = 9, kJump = 10;
  const uint8_t code = rtc_.byte(kShutdown);
  if (config_.starts_kernel() || (code != kJumpWithEoi && code != kMoved && code != kJump)) return false;
  for (const auto& processor : x86_) processor->reset();
  return true;
}

void PcMachine::reset_board() {
  for (unsigned piece = 0; piece < dev::PamBridge::kPieces; ++piece)
    route(piece, chipset_->host_bridge().route(piece));
  if (config_.starts_kernel())
    start_kernel();
  else
    boot_.memory.write(memory());
}

}  // namespace mynah
