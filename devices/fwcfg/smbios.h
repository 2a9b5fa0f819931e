// SPDX-License-Identifier: Apache-2.0
//
// SMBIOS tables for firmware, which takes them from files of fw_cfg and gives them to the system: who made
// the machine, its name and serial number, and strings of a person's own. Manual: DSP0134, "System Management
// BIOS Reference Specification", 3.0; structures 0, 1, 2, 3, 11 and 127.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace mynah::dev {

struct SmbiosChoice {
  // Of each structure's type, its strings by name: "manufacturer", "serial", "uuid", ...
  std::map<unsigned, std::map<std::string, std::string>> fields;
  std::vector<std::string> oem_strings;  // type 11
  bool empty() const { return fields.empty() && oem_strings.empty(); }
};

struct SmbiosTables {
  std::vector<uint8_t> anchor;  // "etc/smbios/smbios-anchor": the entry point, without the tables' address
  std::vector<uint8_t> tables;  // "etc/smbios/smbios-tables"
};

// `uuid` has 16 bytes as they are written, or none.
SmbiosTables make_smbios(const SmbiosChoice& choice, std::string_view product, std::span<const uint8_t> uuid);

}  // namespace mynah::dev
