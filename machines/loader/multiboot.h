// SPDX-License-Identifier: Apache-2.0
//
// Kernels by the Multiboot Specification 0.6.96: a header in the first 8 KiB of an ELF file, or of any file
// that says in the header itself where it goes (the "a.out kludge"). Asking for a graphics mode is not
// heeded.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ir/result.h"
#include "machines/loader/x86_boot.h"

namespace mynah {

struct MultibootHeader {
  uint64_t offset = 0;  // in the file
  uint32_t flags = 0;
  bool has_addresses() const { return (flags & 1u << 16) != 0; }
};

// Section 3.3: the information structure's fields, and what EAX is where EBX is the structure's address.
enum MultibootInfo : uint16_t {
  kFlags = 0,
  kMemLower = 4,
  kMemUpper = 8,
  kCmdline = 16,
  kModsCount = 20,
  kModsAddr = 24,
  kMmapLength = 44,
  kMmapAddr = 48,
  kBootLoaderName = 64,
  kInfoSize = 120,
};
constexpr uint32_t kMultibootLoader = 0x2badb002;

// Nothing where the file has none.
std::optional<MultibootHeader> find_multiboot(std::span<const uint8_t> file);

struct ModuleName {
  std::string file, text;  // the module's command line begins with the file's name
};

// -initrd "a args,b args" as it is given for such kernels; two commas are one of a name.
std::vector<ModuleName> parse_module_names(std::string_view option);

// The error is a sentence of its own.
Result<X86Boot> place_multiboot(const X86KernelFiles& files, const X86Memory& memory);

}  // namespace mynah
