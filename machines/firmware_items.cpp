// SPDX-License-Identifier: Apache-2.0
//
// Keys and files as QEMU's docs/specs/fw_cfg and firmware know them.
#include "machines/firmware_items.h"

#include <utility>
#include <vector>

namespace mynah {

namespace {

void add_boot_choice(dev::FwCfg& fw_cfg, const BootChoice& boot,
                     const std::map<unsigned, std::string>& boot_order) {
  const auto add_number = [&](std::string_view name, auto value) {
    std::vector<uint8_t> bytes;
    for (size_t i = 0; i < sizeof value; ++i) bytes.push_back(static_cast<uint8_t>(value >> 8 * i));
    fw_cfg.add_file(name, std::move(bytes));
  };
  if (boot.menu) fw_cfg.add_item_u16(dev::FwCfg::kBootMenu, 1);
  if (boot.menu_wait) add_number("etc/boot-menu-wait", *boot.menu_wait);
  if (boot.fail_wait) add_number("etc/boot-fail-wait", *boot.fail_wait);
  std::string order;  // a line a device, the last ends with NUL
  for (const auto& [index, path] : boot_order) order += (order.empty() ? "" : "\n") + path;
  if (boot.strict && !order.empty()) order += "\nHALT";
  if (order.empty()) return;
  std::vector<uint8_t> bytes(order.begin(), order.end());
  bytes.push_back(0);
  fw_cfg.add_file("bootorder", std::move(bytes));
}

}  // namespace

dev::SmbiosMachine smbios_machine(const MachineConfig& config, std::string_view product,
                                  std::vector<dev::SmbiosMachine::Ram> ram) {
  const ProcessorConfig& all = config.processors;
  return {.product = product,
          .sockets = all.sockets,
          .cores = all.clusters * all.cores,
          .threads = all.threads,
          .ram = std::move(ram)};
}

std::optional<dev::SmbiosTables> smbios_by_choice(const MachineConfig& config,
                                                  const dev::SmbiosMachine& machine) {
  if (config.smbios.empty()) return std::nullopt;
  return dev::make_smbios(config.smbios, machine, config.uuid);
}

Result<void> add_firmware_items(dev::FwCfg& fw_cfg, MachineConfig& config,
                                std::optional<dev::SmbiosTables> smbios,
                                const std::map<unsigned, std::string>& boot_order) {
  fw_cfg.add_item_u16(dev::FwCfg::kCpuCount, static_cast<uint16_t>(config.processors.now));
  fw_cfg.add_item_u16(dev::FwCfg::kMaxCpus, static_cast<uint16_t>(config.processors.max));
  fw_cfg.add_item_u64(dev::FwCfg::kRamSize, config.ram_bytes);
  fw_cfg.add_item_u16(dev::FwCfg::kNoGraphic, 1);
  if (!config.uuid.empty()) fw_cfg.add_item(dev::FwCfg::kUuid, config.uuid);
  add_boot_choice(fw_cfg, config.boot, boot_order);
  if (smbios) {
    fw_cfg.add_file("etc/smbios/smbios-tables", std::move(smbios->tables));
    fw_cfg.add_file("etc/smbios/smbios-anchor", std::move(smbios->anchor));
  }
  for (FirmwareFile& file : config.firmware_files)
    if (!fw_cfg.add_file(file.name, std::move(file.contents)))
      return error("-fw_cfg: there is a file '{}' already, or there are more than {}; leave it out",
                   file.name, dev::FwCfg::kMaxFiles);
  return {};
}

// Moving the kernel away does not make it start by itself: there is firmware.
void add_kernel_items(dev::FwCfg& fw_cfg, MachineConfig& config, size_t setup) {
  if (config.kernel.empty() || config.starts_kernel()) return;
  const auto add = [&](dev::FwCfg::Key size, dev::FwCfg::Key data, std::vector<uint8_t> bytes) {
    fw_cfg.add_item_u32(size, static_cast<uint32_t>(bytes.size()));
    fw_cfg.add_item(data, std::move(bytes));
  };
  if (setup) {
    const auto end = config.kernel.begin() + static_cast<ptrdiff_t>(setup);
    add(dev::FwCfg::kSetupSize, dev::FwCfg::kSetupData, {config.kernel.begin(), end});
    config.kernel.erase(config.kernel.begin(), end);
  }
  add(dev::FwCfg::kKernelSize, dev::FwCfg::kKernelData, std::move(config.kernel));
  add(dev::FwCfg::kInitrdSize, dev::FwCfg::kInitrdData, std::move(config.initrd));
  fw_cfg.add_item_u32(dev::FwCfg::kCommandLineSize, static_cast<uint32_t>(config.command_line.size() + 1));
  fw_cfg.add_item(dev::FwCfg::kCommandLineData, config.command_line);
}

void add_acpi_files(dev::FwCfg& fw_cfg, std::function<acpi::TableSet()> make) {
  using Bytes = std::vector<uint8_t>;
  static constexpr std::pair<std::string_view, Bytes acpi::TableSet::Files::*> kFiles[] = {
      {acpi::TableSet::kTablesFile, &acpi::TableSet::Files::tables},
      {acpi::TableSet::kRootFile, &acpi::TableSet::Files::root},
      {acpi::TableSet::kScriptFile, &acpi::TableSet::Files::script}};
  acpi::TableSet::Files files = make().files();
  for (const auto& [name, contents] : kFiles) {
    fw_cfg.add_file(name, std::move(files.*contents));
    fw_cfg.set_on_select(name, [&fw_cfg, name = name, contents = contents, make] {
      acpi::TableSet::Files now = make().files();
      fw_cfg.replace_file(name, std::move(now.*contents));
    });
  }
}

}  // namespace mynah
