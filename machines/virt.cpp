// SPDX-License-Identifier: Apache-2.0
//
// Which device is where on the board `virt`, which line goes where, and what is in memory at the start.
#include "machines/virt.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "machines/firmware_items.h"
#include "machines/loader/uimage.h"
#include "machines/pci_root.h"
#include "machines/user_tree.h"
#include "machines/virt_acpi.h"

namespace mynah {

using namespace virt_map;

namespace {
static_assert(kLowRedistributors == kGicRedistributorSpace / dev::Gicv3::kRedistributorSize);
static_assert(dev::kGicv3MaxCpus <=
              kLowRedistributors + kGicHighRedistributorSpace / dev::Gicv3::kRedistributorSize);

// As firmware and systems know it: clusters as large as one SGI's target list.
uint64_t affinity_of(unsigned number, unsigned gic_version) {
  const unsigned cluster = gic_version == 3 ? 16 : 8;
  return uint64_t{number / cluster} << 8 | number % cluster;
}
}  // namespace

VirtMachine::VirtMachine(VirtConfig config, dev::Log& log)
    : Machine(std::move(config), log),
      gic_version_(config.gic_version),
      with_its_(config.its && config.gic_version == 3),
      with_acpi_(config.acpi),
      virtio_version_(config.legacy_virtio ? dev::VirtioMmio::Version::kLegacy
                                           : dev::VirtioMmio::Version::kModern),
      rtc_clock_(config_.rtc_clock ? *config_.rtc_clock : clock(), config_.rtc_base_seconds,
                 !config_.rtc_clock) {
  if (gic_version_ == 3) config.cpu.set_feature(arm::Feature::kGicCpuInterface, true);
  for (unsigned i = 0; i < config_.processors.now; ++i) {
    arm_.push_back(
        std::make_unique<ArmProcessor>(*this, arm_, i, affinity_of(i, gic_version_), config_.entropy));
    add_processor(arm_.back()->make(config.cpu));
    // Out of reset it is in the flash; a kernel that starts without firmware is called from nowhere.
    cpu(i).reset_config.reset_address = kFlash;
  }
  add_interrupt_controller();
  add_devices();
  add_pci_host(config);
}

VirtMachine::~VirtMachine() = default;

dev::IrqLine VirtMachine::spi(unsigned n) {
  return gicv3_ ? dev::IrqLine(*gicv3_, n) : dev::IrqLine(*gicv2_, n);
}

void VirtMachine::add_interrupt_controller() {
  const auto connect = [this](auto& gic) {
    for (unsigned i = 0; i < arm_.size(); ++i) {
      gic.connect_cpu(i, arm_[i]->irq(), arm_[i]->fiq());
      arm_[i]->connect({.physical_timer = gic.ppi_line(i, dev::GenericTimer::kPhysicalPpi),
                        .virtual_timer = gic.ppi_line(i, dev::GenericTimer::kVirtualPpi),
                        .pmu = gic.ppi_line(i, kPmuPpi),
                        .gicv3 = gicv3_.get()});
    }
  };
  if (gic_version_ == 3) {
    dev::Gicv3Config gic;
    gic.affinities.clear();
    for (const auto& processor : arm_) gic.affinities.push_back(processor->affinity());
    if (with_its_) gic.lpi_tables = &dma();
    // Those for whom the first region has no room are in the second.
    const auto processors = static_cast<unsigned>(arm_.size());
    gic.regions = {std::min(processors, kLowRedistributors)};
    if (processors > kLowRedistributors) gic.regions.push_back(processors - kLowRedistributors);
    gicv3_ = std::make_unique<dev::Gicv3>(log_, std::move(gic));
    connect(*gicv3_);
    map(kGicDistributor, dev::Gicv3::kDistributorSize, *gicv3_);
    map(kGicRedistributor, gicv3_->redistributors_size(), gicv3_->redistributors());
    if (gicv3_->regions() > 1)
      map(kGicHighRedistributor, gicv3_->redistributors_size(1), gicv3_->redistributors(1));
    if (with_its_) {
      its_ = std::make_unique<dev::Gicv3Its>(*gicv3_, dma(), log_, kGicIts);
      map(kGicIts, dev::Gicv3Its::kWindowSize, *its_);
    }
  } else {
    dev::Gicv2Config gic;
    gic.cpus = static_cast<unsigned>(arm_.size());
    gic.current_cpu = [this] { return static_cast<unsigned>(current()); };
    gicv2_ = std::make_unique<dev::Gicv2>(log_, std::move(gic));
    connect(*gicv2_);
    map(kGicDistributor, dev::Gicv2::kWindowSize, *gicv2_);
    map(kGicCpu, dev::Gicv2::kWindowSize, gicv2_->cpu_interface());
    gicv2m_ = std::make_unique<dev::Gicv2m>(
        *gicv2_, log_, dev::Gicv2m::Config{.base = kGicV2m, .first_spi = kGicV2mIrq, .count = kGicV2mIrqs});
    map(kGicV2m, dev::Gicv2m::kWindowSize, *gicv2m_);
  }
}

void VirtMachine::add_devices() {
  uart_ = std::make_unique<dev::Pl011>(config_.serial ? *config_.serial : null_serial_, spi(kUartIrq), log_);
  map(kUart, dev::Pl011::kWindowSize, *uart_);
  if (config_.second_serial) {
    second_uart_ = std::make_unique<dev::Pl011>(*config_.second_serial, spi(kSecondUartIrq), log_);
    map(kSecondUart, dev::Pl011::kWindowSize, *second_uart_);
  }
  rtc_ = std::make_unique<dev::Pl031>(events(), spi(kRtcIrq), rtc_clock_, log_);
  map(kRtc, dev::Pl031::kWindowSize, *rtc_);
  fw_cfg_ = std::make_unique<dev::FwCfg>(dma(), log_);
  map(kFwCfg, dev::FwCfg::kWindowSize, *fw_cfg_);
  gpio_ = std::make_unique<dev::Pl061>(events(), spi(kGpioIrq), log_);
  map(kGpio, dev::Pl061::kWindowSize, *gpio_);
}

void VirtMachine::add_pci_host(const VirtConfig& config) {
  pci_ = std::make_unique<dev::pci::Host>(
      dev::pci::Host::Config{.memory = dma(),
                             .log = log_,
                             .lines = {spi(kPciIrq), spi(kPciIrq + 1), spi(kPciIrq + 2), spi(kPciIrq + 3)}});
  pci_->root().plug(make_generic_root(log_), 0);
  if (gicv2m_) pci_->set_message_target(gicv2m_.get());
  if (its_) pci_->set_message_target(its_.get());
  pci_windows_ = {.config = config.high_pci_config ? kPciHighConfig : kPciConfig,
                  .config_size = config.high_pci_config ? kPciHighConfigSize : kPciConfigSize,
                  .high_memory = config.high_pci_memory,
                  .messages = gicv2m_ || its_};
  map(pci_windows_.config, pci_windows_.config_size, pci_->ecam());
  map(kPciIo, kPciIoSize, pci_->add_window(dev::pci::Space::kIo, 0));
  map(kPciMemory, kPciMemorySize, pci_->add_window(dev::pci::Space::kMemory, kPciMemory));
  if (config.high_pci_memory)
    map(kPciHighMemory, kPciHighMemorySize, pci_->add_window(dev::pci::Space::kMemory, kPciHighMemory));
}

// In the last free slot unless it is said, as QEMU does.
Result<void> VirtMachine::add_virtio_mmio(const VirtioFactory& make, const VirtioMmioPlace& place) {
  unsigned slot = kVirtioSlots;
  if (place.slot) {
    slot = *place.slot;
    if (slot >= kVirtioSlots)
      return error("there is no bus virtio-mmio-bus.{}; there are {}, from 0", slot, kVirtioSlots);
    if (slots_[slot]) return error("the bus virtio-mmio-bus.{} has a device already; use another one", slot);
  } else {
    while (slot > 0 && slots_[slot - 1]) --slot;
    if (slot-- == 0)
      return error("the machine has no free virtio-mmio slot; {} fit, and -pci forms of devices go elsewhere",
                   kVirtioSlots);
  }
  const std::string path = fmt::format("/virtio-mmio@{:016x}", kVirtio + slot * kVirtioSize);
  if (auto ok = add_boot_path(place.boot, path); !ok) return ok;
  for (const BootPlace& behind : place.behind)
    if (auto ok = add_boot_path(behind, path); !ok) return ok;
  slots_[slot] = make(dma(), log_);
  return {};
}

Result<void> VirtMachine::add_flash(unsigned n) {
  const uint64_t base = kFlash + n * kFlashSize;
  if (auto added = memory().add_rom(base, kFlashSize, dev::PflashCfi01::kErased); !added) return added;
  dev::PflashCfi01::Config flash;
  flash.storage = {memory().host(base, kFlashSize), kFlashSize};
  flash_[n] = std::make_unique<dev::PflashCfi01>(flash, config_.flash[n], log_, n ? "pflash1" : "pflash0");
  if (n == 0 && !config_.firmware.empty())
    std::memcpy(flash.storage.data(), config_.firmware.data(),
                std::min<size_t>(config_.firmware.size(), kFlashSize));
  flash_[n]->on_mode_change([this, base](bool array) { show_memory(base, array); });
  flash_[n]->on_contents_change(
      [this, base](uint64_t at, uint64_t size) { memory().will_change(base + at, size); });
  map(base, kFlashSize, *flash_[n]);
  return {};
}

Result<void> VirtMachine::build() {
  if (auto added = memory().add_ram(kRam, config_.ram_bytes); !added) return added;
  for (unsigned i = 0; i < 2; ++i)
    if (auto added = add_flash(i); !added) return added;
  for (unsigned i = 0; i < kVirtioSlots; ++i) {
    transports_.push_back(
        std::make_unique<dev::VirtioMmio>(slots_[i].get(), spi(kVirtioIrq + i), log_, virtio_version_));
    map(kVirtio + i * kVirtioSize, kVirtioSize, *transports_.back());
  }
  // Interrupt controller and processor behind those that drive lines into them.
  for (const auto& transport : transports_) add_part(*transport);
  add_part(*pci_);
  for (dev::Stateful* part :
       {static_cast<dev::Stateful*>(uart_.get()), static_cast<dev::Stateful*>(rtc_.get()),
        static_cast<dev::Stateful*>(gpio_.get()), static_cast<dev::Stateful*>(fw_cfg_.get())})
    add_part(*part);
  if (second_uart_) add_part(*second_uart_);
  for (const auto& flash : flash_) add_part(*flash);
  if (gicv2_) add_part(*gicv2_);
  if (its_) add_part(*its_);
  if (gicv3_) add_part(*gicv3_);
  for (const auto& processor : arm_)
    for (dev::Stateful* part : processor->parts()) add_part(*part);
  if (auto ok = add_firmware_items(); !ok) return ok;
  if (auto ok = place_start(); !ok) return ok;
  add_semihosting();
  return {};
}

acpi::TableSet VirtMachine::describe() {
  std::vector<uint64_t> affinities;
  for (const auto& processor : arm_) affinities.push_back(processor->affinity());
  std::vector<unsigned> used;
  for (unsigned i = 0; i < kVirtioSlots; ++i)
    if (slots_[i]) used.push_back(i);
  return describe_virt({.processors = config_.processors,
                        .affinities = affinities,
                        .pmu = cpu().model().has(arm::Feature::kPmu),
                        .gic_version = gic_version_,
                        .its = with_its_,
                        .pci = pci_windows_,
                        .second_serial = second_uart_ != nullptr,
                        .virtio_slots = std::move(used)});
}

Result<void> VirtMachine::add_firmware_items() {
  auto smbios = smbios_by_choice(config_, smbios_machine(config_, name(), {{kRam, config_.ram_bytes}}));
  if (auto ok = mynah::add_firmware_items(*fw_cfg_, config_, std::move(smbios), boot_order()); !ok) return ok;
  if (with_acpi_) add_acpi_files(*fw_cfg_, [this] { return describe(); });
  add_kernel_items(*fw_cfg_, config_);
  return {};
}

// What is in memory at the start, and where execution begins.
Result<void> VirtMachine::place_start() {
  const AddressSpan ram{kRam, kRam + config_.ram_bytes};
  uint64_t initrd = 0, initrd_end = 0;  // firmware gets it from fw_cfg, and says itself where it put it
  if (config_.starts_kernel()) {
    const auto ramdisk = ramdisk_contents(config_.initrd);
    auto layout = place_arm_kernel(config_.kernel, ram, ramdisk.size());
    if (!layout) return layout.error();
    layout_ = std::move(*layout);
    contents_ = layout_.kernel;
    if (layout_.linux_protocol && !ramdisk.empty()) {
      initrd = layout_.initrd;
      initrd_end = initrd + ramdisk.size();
      contents_.add("the initrd", initrd, ramdisk);
    }
  } else {
    layout_.dtb = kRam;  // firmware finds it at the start of RAM
    layout_.tree_room = config_.ram_bytes;
    layout_.entry = kFlash;
  }
  if (auto ok = place_tree(initrd, initrd_end); !ok) return ok;
  if (auto ok =
          loads_.place(config_.loads, kArm64Elf, static_cast<unsigned>(processors().size()), ram, contents_);
      !ok)
    return ok;
  return contents_.check(ram);
}

Result<void> VirtMachine::place_tree(uint64_t initrd, uint64_t initrd_end) {
  if (config_.dtb.empty()) {
    std::vector<uint64_t> affinities;
    for (const auto& processor : arm_) affinities.push_back(processor->affinity());
    dtb_ = make_virt_tree(
        {config_, cpu().model(), affinities, gic_version_, with_its_, pci_windows_, initrd, initrd_end});
  } else {
    auto completed = complete_tree(config_.dtb, {.ram_base = kRam,
                                                 .ram_bytes = config_.ram_bytes,
                                                 .command_line = config_.command_line,
                                                 .initrd_start = initrd,
                                                 .initrd_end = initrd_end});
    if (!completed) return completed.error();
    dtb_ = std::move(*completed);
  }
  if (!layout_.linux_protocol) {
    // An ELF program that needs the room goes without: the machine's own tree takes 1 MiB in the QEMU
    // machine.
    const uint64_t need = std::max<uint64_t>(dtb_.size(), config_.dtb.empty() ? 1 << 20 : 0);
    if (need > layout_.tree_room) return {};
  } else if (layout_.dtb + dtb_.size() > kRam + config_.ram_bytes) {
    return Error{"memory is too small for kernel, initrd and device tree; use a larger -m"};
  }
  contents_.add("the device tree", layout_.dtb, dtb_);
  return {};
}

void VirtMachine::add_semihosting() {
  if (!config_.semihosting) return;
  const AddressSpan heap = contents_.largest_gap({kRam, kRam + config_.ram_bytes});
  semihosting_ = std::make_unique<Semihosting>(
      *config_.semihosting,
      Semihosting::Facts{.clock = clock(),
                         .calendar = [this] { return rtc_clock_.base_seconds() + rtc_clock_.seconds(); },
                         .heap_begin = heap.begin,
                         .heap_end = heap.end},
      log_);
  for (const auto& processor : arm_) processor->serve_semihosting(semihosting_.get());
  add_part(*semihosting_);
}

void VirtMachine::reset_board() {
  loads_.write(memory());
  contents_.write(memory());
  cpu().arm().x(0) = layout_.linux_protocol ? layout_.dtb : 0;
  cpu().set_pc(layout_.entry);
  for (const LoadRequests::Start& start : loads_.starts()) {
    if (start.processor == 0) cpu().arm().x(0) = 0;
    processors()[start.processor].guest->set_pc(start.pc);
  }
  for (size_t i = 1; i < arm_.size(); ++i) arm_[i]->turn_off();
}

void VirtMachine::hold_interrupts(bool hold) {
  for (const auto& processor : arm_) processor->hold_interrupts(hold);
}

void VirtMachine::time_resumed() { rtc_->clock_moved(); }

void VirtMachine::press_power_key() { gpio_->pulse_input(kPowerKeyLine); }

}  // namespace mynah
