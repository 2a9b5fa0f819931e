// SPDX-License-Identifier: Apache-2.0
//
// SMBIOS tables for firmware, which takes them from files of fw_cfg and gives them to the system: who made
// the machine, its name and serial number, its processors and memory, and strings of a person's own. Manual:
// DSP0134, "System Management BIOS Reference Specification", 3.0; structures 0 to 4, 11, 16, 17, 19, 32 and
// 127.
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

struct SmbiosMachine {
  std::string_view product;
  bool entry_32 = false;  // the entry point that systems know from PCs, of version 2.8
  unsigned sockets = 1, cores = 1, threads = 1;
  uint64_t processor_id = 0;  // x86: CPUID leaf 1, EAX below EDX
  struct Ram {
    uint64_t begin = 0, bytes = 0;
  };
  std::vector<Ram> ram;
};

struct SmbiosTables {
  std::vector<uint8_t> anchor;  // "etc/smbios/smbios-anchor": the entry point, without the tables' address
  std::vector<uint8_t> tables;  // "etc/smbios/smbios-tables"
};

// `uuid` has 16 bytes as they are written, or none.
SmbiosTables make_smbios(const SmbiosChoice& choice, const SmbiosMachine& machine,
                         std::span<const uint8_t> uuid);
// An anchor that says where they are, for systems that search memory for it.
std::vector<uint8_t> smbios_anchor_at(const SmbiosTables& tables, uint64_t address);

}  // namespace mynah::dev
