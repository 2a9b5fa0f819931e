// SPDX-License-Identifier: Apache-2.0
//
// Modules follow the kernel, each at a page of its own: kernels of that kind look for free memory behind the
// last module. The information structure and what it points to are one block below 640 KiB.
#include "machines/loader/multiboot.h"

#include <algorithm>
#include <cstring>

#include "machines/loader/bytes.h"
#include "machines/loader/pvh.h"

namespace mynah {
namespace {

constexpr uint64_t kPage = 4096, kMiB = 1 << 20, kSearched = 8192;
constexpr uint32_t kHeaderMagic = 0x1badb002;

// Flags of the header. Of bits 0 to 15 a loader must know each that is set.
constexpr uint32_t kKnown = 1u << 0 | 1u << 1 | 1u << 2,
                   kMustKnow = 0xffff;  // page-aligned modules, memory, video

using enum MultibootInfo;
constexpr uint32_t kHasMemory = 1u << 0, kHasCmdline = 1u << 2, kHasModules = 1u << 3, kHasMmap = 1u << 6,
                   kHasLoaderName = 1u << 9;
constexpr uint64_t kModuleSize = 16, kMmapEntrySize = 24;
constexpr std::string_view kLoaderName = "mynah";

void put32(std::vector<uint8_t>& block, uint64_t at, uint64_t value) {
  const auto v = static_cast<uint32_t>(value);
  std::memcpy(&block[at], &v, 4);
}

// Section 3.1.3: the header's own addresses.
Result<uint64_t> place_by_addresses(std::span<const uint8_t> file, const MultibootHeader& header,
                                    LoadList& list) {
  const auto field = [&](uint64_t n) -> uint64_t {
    return load_field<uint32_t>(file, header.offset + 12 + 4 * n);
  };
  if (file.size() - header.offset < 32)
    return Error{"the kernel file is cut short in its multiboot header; get it again"};
  const uint64_t header_at = field(0), load = field(1), load_end = field(2), bss_end = field(3),
                 entry = field(4);
  const uint64_t before = header_at - load;  // bytes of the header's segment in front of it
  if (load > header_at || before > header.offset)
    return error(
        "the kernel file's multiboot header says that it is at {:#x} and the file begins at {:#x}, which "
        "cannot be; build it again",
        header_at, load);
  const uint64_t from = header.offset - before;
  if (load_end != 0 && load_end < load)
    return error(
        "the kernel file's multiboot header says that it ends at {:#x}, before it begins; build it again",
        load_end);
  const uint64_t size = load_end == 0 ? file.size() - from : load_end - load;
  if (size > file.size() - from)
    return error("the kernel file is cut short: it has {} bytes of {}; get it again", file.size(),
                 from + size);
  if (bss_end != 0 && bss_end < load + size)
    return error(
        "the kernel file's multiboot header says that its zeroes end at {:#x}, before its data does; build "
        "it again",
        bss_end);
  const uint64_t end = std::max(bss_end, load + size);
  if (entry < load || entry >= end)
    return error("the kernel file is entered at {:#x}, where it has nothing; build it again", entry);
  list.add({"the kernel", load, file.subspan(from, size), end - load});
  return entry;
}

Result<uint64_t> place_by_segments(std::span<const uint8_t> file, const std::vector<AddressSpan>& ram,
                                   LoadList& list) {
  const auto program = read_x86_elf(file);
  if (!program) return error("the kernel file {}", program.message());
  list.add(*program, "the kernel", ram.empty() ? AddressSpan{} : ram.front());
  const auto holds = [&](const LoadPiece& p) {
    return program->entry >= p.at && program->entry - p.at < p.size;
  };
  if (std::none_of(list.pieces().begin(), list.pieces().end(), holds) || program->entry >= kFourGiB)
    return error("the kernel file is entered at {:#x}, where it has nothing; build it again", program->entry);
  return program->entry;
}

uint64_t kib_of_ram(std::span<const AddressSpan> ram, uint64_t from) {
  for (const AddressSpan& part : ram)
    if (part.begin == from) return std::min<uint64_t>(part.size() / 1024, 0xffffffff);
  return 0;
}

}  // namespace

std::optional<MultibootHeader> find_multiboot(std::span<const uint8_t> file) {
  const uint64_t end = std::min<uint64_t>(file.size(), kSearched);
  for (uint64_t at = 0; at + 12 <= end; at += 4) {
    if (load_field<uint32_t>(file, at) != kHeaderMagic) continue;
    const auto flags = load_field<uint32_t>(file, at + 4), checksum = load_field<uint32_t>(file, at + 8);
    if (static_cast<uint32_t>(kHeaderMagic + flags + checksum) == 0) return MultibootHeader{at, flags};
  }
  return std::nullopt;
}

std::vector<ModuleName> parse_module_names(std::string_view option) {
  std::vector<ModuleName> names;
  const auto finish = [&](std::string& text) {
    const size_t begin = text.find_first_not_of(' ');
    if (begin != std::string::npos) {
      text.erase(0, begin);
      names.push_back({text.substr(0, text.find(' ')), text});
    }
    text.clear();
  };
  std::string text;
  for (size_t i = 0; i < option.size(); ++i) {
    const bool doubled = option[i] == ',' && i + 1 < option.size() && option[i + 1] == ',';
    if (option[i] == ',' && !doubled) {
      finish(text);
      continue;
    }
    text += option[i];
    i += doubled;
  }
  finish(text);
  return names;
}

Result<X86Boot> place_multiboot(const X86KernelFiles& files, const X86Memory& memory) {
  const auto header = find_multiboot(files.kernel);
  if (!header) return Error{"the kernel file has no multiboot header in its first 8192 bytes"};
  if (const uint32_t unknown = header->flags & kMustKnow & ~kKnown; unknown != 0)
    return error("the kernel file's multiboot header asks for features that are not known here (flags {:#x})",
                 unknown);
  const std::vector<E820Range> table = e820_table(memory);
  const std::vector<AddressSpan> ram = usable_ram(table);

  X86Boot boot;
  const auto entry = header->has_addresses() ? place_by_addresses(files.kernel, *header, boot.memory)
                                             : place_by_segments(files.kernel, ram, boot.memory);
  if (!entry) return entry.error();
  if (auto ok = boot.memory.check(ram); !ok) return ok.error();

  struct Place {
    uint64_t at, text;
  };
  std::vector<Place> modules;
  uint64_t next = boot.memory.extent().end;
  for (const X86Module& module : files.modules) {
    next = (next + kPage - 1) & ~(kPage - 1);
    // Behind everything so far; where RAM has a hole there, behind that.
    const auto fits = [&](const AddressSpan& part) {
      const uint64_t from = std::max(next, (part.begin + kPage - 1) & ~(kPage - 1));
      const uint64_t end = std::min(part.end, kFourGiB);
      return from <= end && module.bytes.size() <= end - from;
    };
    const auto part = std::find_if(ram.begin(), ram.end(), fits);
    if (part == ram.end())
      return error("the module '{}' of {} MiB has no room below 4 GiB behind the kernel; use a larger -m",
                   module.command_line, module.bytes.size() / kMiB + 1);
    next = std::max(next, (part->begin + kPage - 1) & ~(kPage - 1));
    modules.push_back({next, 0});
    boot.memory.add("the module '" + module.command_line + "'", next, module.bytes);
    next += module.bytes.size();
  }

  const uint64_t list = kInfoSize, map = list + kModuleSize * modules.size();
  std::vector<uint8_t> block(map + kMmapEntrySize * table.size());
  const auto add_text = [&](std::string_view text) {
    const uint64_t at = block.size();
    block.insert(block.end(), text.begin(), text.end());
    block.push_back(0);
    return at;
  };
  const std::string& name = files.kernel_name;
  const uint64_t command_line = add_text(name.empty()                 ? files.command_line
                                         : files.command_line.empty() ? name
                                                                      : name + " " + files.command_line);
  const uint64_t loader = add_text(kLoaderName);
  for (size_t i = 0; i < modules.size(); ++i) modules[i].text = add_text(files.modules[i].command_line);
  // The segment table has a page of its own in front.
  const auto gdt = boot.memory.highest_place(ram, kPage + block.size(), kPage, kX86LowMemoryEnd);
  if (!gdt) return Error{"the kernel and its command lines do not fit below 640 KiB; shorten them"};
  const uint64_t info = *gdt + kPage;

  put32(block, kFlags,
        kHasMemory | kHasCmdline | kHasMmap | kHasLoaderName | (modules.empty() ? 0 : kHasModules));
  put32(block, kMemLower, kib_of_ram(ram, 0));
  put32(block, kMemUpper, kib_of_ram(ram, kMiB));
  put32(block, kCmdline, info + command_line);
  put32(block, kModsCount, modules.size());
  put32(block, kModsAddr, info + list);
  put32(block, kMmapLength, kMmapEntrySize * table.size());
  put32(block, kMmapAddr, info + map);
  put32(block, kBootLoaderName, info + loader);
  for (size_t i = 0; i < modules.size(); ++i) {
    put32(block, list + kModuleSize * i, modules[i].at);
    put32(block, list + kModuleSize * i + 4, modules[i].at + files.modules[i].bytes.size());
    put32(block, list + kModuleSize * i + 8, info + modules[i].text);
  }
  for (size_t i = 0; i < table.size(); ++i) {
    const uint64_t at = map + kMmapEntrySize * i, begin = table[i].span.begin, size = table[i].span.size();
    put32(block, at, kMmapEntrySize - 4);
    std::memcpy(&block[at + 4], &begin, 8);
    std::memcpy(&block[at + 12], &size, 8);
    put32(block, at + 20, static_cast<uint32_t>(table[i].type));
  }
  add_boot_segments(boot, X86BootState::Mode::kProtected, *gdt);
  boot.add("the multiboot information", info, std::move(block));
  if (auto ok = boot.memory.check(ram); !ok) return ok.error();
  boot.state.entry = *entry;
  boot.state.rax = kMultibootLoader;
  boot.state.rbx = info;
  return boot;
}

}  // namespace mynah
