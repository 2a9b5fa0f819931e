// SPDX-License-Identifier: Apache-2.0
//
// What every board tells firmware and systems by fw_cfg: numbers of processors, memory, identity, what a
// person said about starting, and files.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "devices/fwcfg/fw_cfg.h"
#include "devices/fwcfg/smbios.h"
#include "ir/result.h"
#include "machines/acpi/table_set.h"
#include "machines/machine_config.h"

namespace mynah {

// What SMBIOS says of any machine.
dev::SmbiosMachine smbios_machine(const MachineConfig& config, std::string_view product,
                                  std::vector<dev::SmbiosMachine::Ram> ram);
// Takes the contents of config.firmware_files. `smbios`: tables, or none; `boot_order`: paths by boot index.
Result<void> add_firmware_items(dev::FwCfg& fw_cfg, MachineConfig& config,
                                std::optional<dev::SmbiosTables> smbios,
                                const std::map<unsigned, std::string>& boot_order);
// Tables of a machine that has them where a person said something of them.
std::optional<dev::SmbiosTables> smbios_by_choice(const MachineConfig& config,
                                                  const dev::SmbiosMachine& machine);
// A kernel that there is firmware for, with initrd and command line; takes them from config. Of a kernel of
// Linux's x86 protocol the first `setup` bytes are an item of their own.
void add_kernel_items(dev::FwCfg& fw_cfg, MachineConfig& config, size_t setup = 0);
// ACPI's tables, for firmware to place. `make` is asked again whenever firmware reads them: it may have
// placed what they tell of. Their sizes stay.
void add_acpi_files(dev::FwCfg& fw_cfg, std::function<acpi::TableSet()> make);

}  // namespace mynah
