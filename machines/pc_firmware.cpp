// SPDX-License-Identifier: Apache-2.0
//
// What the boards `pc` and `q35` tell firmware: CMOS memory, where PC firmware has always looked, and items
// of fw_cfg.
#include <fmt/format.h>

#include <map>

#include "devices/storage/ata_disk.h"
#include "machines/firmware_items.h"
#include "machines/loader/bytes.h"
#include "machines/loader/bzimage.h"
#include "machines/loader/linux_rom.h"
#include "machines/loader/multiboot_rom.h"
#include "machines/pc.h"
#include "machines/pc_acpi.h"
#include "machines/pc_map.h"
#include "machines/x86_board.h"

namespace mynah {

using namespace pc_map;

namespace {

constexpr std::string_view kKernelRom = "genroms/multiboot.bin";  // a name that a BIOS knows ROMs by

// Event timer blocks as firmware that makes tables of its own is told of them: how many, and for each of
// eight its id, address, least number of ticks and protection.
constexpr uint16_t kHpetItem = dev::FwCfg::kArchLocal + 4;
std::vector<uint8_t> hpet_item() {
  constexpr unsigned kLeastTicks = 100, kBlocks = 8, kBlockBytes = 15;
  std::vector<uint8_t> item{1};
  acpi::put(item, dev::Hpet::kId, 4);
  acpi::put(item, kHpet, 8);
  acpi::put(item, kLeastTicks, 2);
  item.resize(1 + kBlocks * kBlockBytes);
  return item;
}

}  // namespace

X86Memory PcMachine::memory_map() const {
  const uint64_t ram = config_.ram_bytes;
  const uint64_t low = ram < facts_.most_low_ram ? ram : facts_.low_ram_where_more;
  X86Memory map{.below_4g = low, .above_4g = ram - low, .reserved = {}};
  if (facts_.pci_config)
    map.reserved.push_back({{facts_.pci_config, facts_.pci_memory_begin}, E820Type::kReserved});
  return map;
}

acpi::Description PcMachine::description() const {
  return describe_pc({.chipset = &facts_,
                      .processors = static_cast<unsigned>(x86_.size()),
                      .second_serial = second_uart_ != nullptr,
                      .parallel = parallel_ != nullptr,
                      .hpet = hpet_ != nullptr,
                      .pci_memory = memory_map().below_4g,
                      .power_base = chipset_->power_base()});
}

void PcMachine::fill_cmos() {
  enum Byte : uint8_t {
    kFloppyTypes = 0x10,
    kDiskTypes = 0x12,
    kEquipment = 0x14,
    kBootThird = 0x38,
    kTranslation = 0x39,  // two bits a disk
    kBootFirst = 0x3d,
    kOtherProcessors = 0x5f,
  };
  const auto note = [this](uint8_t index, uint64_t value, unsigned n = 1) {
    for (unsigned i = 0; i < n; ++i)
      rtc_.set_byte(static_cast<uint8_t>(index + i), static_cast<uint8_t>(value >> 8 * i));
  };
  note_memory(rtc_);
  note(kOtherProcessors, config_.processors.now - 1);
  constexpr uint8_t kMouse = 4, kCoprocessor = 2, kFloppy = 1, kTwoFloppies = 0x41;
  const auto first = static_cast<uint8_t>(floppy_.kind(0)), second = static_cast<uint8_t>(floppy_.kind(1));
  note(kFloppyTypes, first << 4 | second);
  note(kEquipment, kMouse | kCoprocessor | (first && second ? kTwoFloppies : first || second ? kFloppy : 0));

  // A disk of more cylinders than INT 13h has room for is translated by LBA.
  constexpr unsigned kMostCylinders = 1024, kDisks = 4;
  uint8_t translation = 0, types = 0;
  dev::IdeController& ide = chipset_->ide();
  for (unsigned n = 0; n < ide.buses() * ide.units(); ++n) {
    const auto* disk = dynamic_cast<const dev::AtaDisk*>(ide.drive(n / ide.units(), n % ide.units()));
    if (!disk) continue;
    if (n < kDisks && disk->cylinders() > kMostCylinders) translation |= static_cast<uint8_t>(1 << 2 * n);
    if (n < 2) types |= static_cast<uint8_t>(0xf << (n ? 0 : 4));
  }
  note(kTranslation, translation);
  note(kDiskTypes, types);

  // Letters as -boot has them; by default disk, floppy, CD.
  const std::string order = config_.boot.order.empty() ? "cad" : config_.boot.order;
  const auto device = [&order](size_t n) -> unsigned {
    if (n >= order.size()) return 0;
    switch (order[n]) {
      case 'a':
      case 'b':
        return 1;
      case 'c':
        return 2;
      case 'd':
        return 3;
      case 'n':
        return 4;
      default:
        return 0;
    }
  };
  note(kBootFirst, device(0) | device(1) << 4);
  note(kBootThird, device(2) << 4);
}

dev::SmbiosTables PcMachine::make_smbios(const dev::SmbiosChoice& choice) {
  dev::SmbiosMachine machine = smbios(facts_.product);
  machine.entry_32 = !board_.smbios_64;
  return dev::make_smbios(choice, machine, config_.uuid);
}

// For a system that is started without firmware, at the end of what it searches.
void PcMachine::place_smbios() {
  constexpr uint64_t kStep = 16;  // at which it searches
  dev::SmbiosChoice choice = config_.smbios;
  choice.fields[0].emplace("vendor", "Mynah");  // what firmware says of itself
  dev::SmbiosTables made = make_smbios(choice);
  const uint64_t at = (kOneMiB - made.tables.size()) & ~(kStep - 1);
  const uint64_t anchor = (at - made.anchor.size()) & ~(kStep - 1);
  smbios_tables_ = dev::smbios_anchor_at(made, at);
  smbios_tables_.resize(at - anchor);
  smbios_tables_.insert(smbios_tables_.end(), made.tables.begin(), made.tables.end());
  boot_.memory.add("the SMBIOS tables", anchor, smbios_tables_);
}

Result<void> PcMachine::add_firmware_items() {
  add_memory_items();
  if (board_.acpi) add_acpi_files(fw_cfg_, [this] { return acpi::table_set(description()); });
  if (hpet_) fw_cfg_.add_item(kHpetItem, hpet_item());
  // One node, and no memory that belongs to it apart.
  fw_cfg_.add_item_u64(dev::FwCfg::kNuma, 0);
  std::map<unsigned, std::string> order = boot_order();
  const bool loads_kernel = !config_.kernel.empty() && !config_.starts_kernel();
  if (loads_kernel && starts_behind_bios(config_.kernel)) {
    if (auto ok = add_kernel_rom(); !ok) return ok;
  }
  if (loads_kernel) {  // what a BIOS tries first
    order.clear();
    order[0] = fmt::format("/rom@{}", kKernelRom);
    for (const auto& [index, path] : boot_order()) order[index + 1] = path;
  }
  if (auto ok = mynah::add_firmware_items(fw_cfg_, config_, make_smbios(config_.smbios), order); !ok)
    return ok;
  return loads_kernel && boot_.memory.pieces().empty() ? add_kernel_of_firmware() : Result<void>{};
}

// The kernel in memory, and a ROM for the BIOS to start.
Result<void> PcMachine::add_kernel_rom() {
  constexpr uint64_t kVolumeMark = 40;
  if (flash_[0] || has_text(config_.firmware, kVolumeMark, "_FVH"))
    return Error{"UEFI does not start multiboot kernels; leave -bios and the flash out"};
  if (auto ok = place_kernel(config_.command_line, nullptr, memory_beside_bios(memory_map())); !ok) return ok;
  auto rom = make_multiboot_rom(boot_);
  if (!rom) return rom.error();
  fw_cfg_.add_file(kKernelRom, std::move(*rom));
  return {};
}

Result<void> PcMachine::add_kernel_of_firmware() {
  if (!is_bzimage(config_.kernel))
    return Error{
        "firmware starts kernels of Linux's boot protocol (bzImage) and multiboot alone; leave -bios and the "
        "flash out"};
  const auto image = read_bzimage(config_.kernel);
  if (!image) return error("the kernel {}", image.message());
  const auto setup = static_cast<size_t>(image->kernel.data() - config_.kernel.data());
  if (auto ok = add_linux_items(fw_cfg_, *image, {config_.kernel.data(), setup}, config_.initrd.size(),
                                config_.command_line.size() + 1, memory_map().below_4g);
      !ok)
    return ok;
  fw_cfg_.add_file(kKernelRom, linux_rom());
  add_kernel_items(fw_cfg_, config_, setup);
  return {};
}

}  // namespace mynah
