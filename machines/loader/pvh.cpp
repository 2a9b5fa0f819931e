// SPDX-License-Identifier: Apache-2.0
//
// The start info, the list of modules, the memory map and the texts are one block below 640 KiB; modules go
// as high as RAM below 4 GiB allows, since the kernel is entered with 32-bit addresses.
#include "machines/loader/pvh.h"

#include <algorithm>
#include <cstring>
#include <string>

#include "machines/loader/bytes.h"

namespace mynah {
namespace {

constexpr uint16_t kElf386 = 3, kElfX86_64 = 62;
constexpr uint64_t kElfClass = 4, kClass64 = 2, kElfMachine = 18;
constexpr uint32_t kPhys32Entry = 18;  // XEN_ELFNOTE_PHYS32_ENTRY
constexpr uint64_t kPage = 4096, kMiB = 1 << 20;

// struct hvm_start_info, version 1; hvm_modlist_entry; hvm_memmap_table_entry.
constexpr uint32_t kMagic = 0x336ec578;
enum StartInfo : uint64_t {
  kStartMagic = 0,
  kStartVersion = 4,
  kModuleCount = 12,
  kModuleList = 16,
  kStartCommandLine = 24,
  kStartRsdp = 32,
  kMemoryMap = 40,
  kMemoryMapEntries = 48,
  kStartInfoSize = 56,
};
constexpr uint64_t kModuleSize = 32, kMapEntrySize = 24;

template <typename T>
void put(std::vector<uint8_t>& block, uint64_t at, T value) {
  std::memcpy(&block[at], &value, sizeof value);
}

}  // namespace

Result<ElfProgram> read_x86_elf(std::span<const uint8_t> file) {
  const bool is_64 = load_field<uint8_t>(file, kElfClass) == kClass64;
  // One for another processor is refused by what it is for.
  const bool is_386 = load_field<uint16_t>(file, kElfMachine) == kElf386;
  return read_elf(file, {.machine = is_386 ? kElf386 : kElfX86_64,
                         .is_64 = !is_386 && is_64,
                         .processor = is_386 ? "i386" : "x86-64"});
}

std::optional<uint64_t> pvh_entry(const ElfProgram& program) {
  const auto note = program.note("Xen", kPhys32Entry);
  if (!note) return std::nullopt;
  if (note->size() >= 8) return load_field<uint64_t>(*note, 0);
  if (note->size() >= 4) return load_field<uint32_t>(*note, 0);
  return std::nullopt;
}

Result<X86Boot> place_pvh(const X86KernelFiles& files, const X86Memory& memory) {
  const auto program = read_x86_elf(files.kernel);
  if (!program) return error("the kernel file {}", program.message());
  const auto entry = pvh_entry(*program);
  if (!entry)
    return Error{
        "the kernel file is an ELF file without a PVH entry (a note of Xen's of type 18), by which this "
        "machine "
        "starts it; build Linux with CONFIG_PVH, or give its bzImage"};
  const std::vector<E820Range> table = e820_table(memory);
  const std::vector<AddressSpan> ram = usable_ram(table);

  X86Boot boot;
  boot.memory.add(*program, "the kernel", ram.empty() ? AddressSpan{} : ram.front());
  if (auto ok = boot.memory.check(ram); !ok) return ok.error();
  const auto holds = [&](const LoadPiece& p) { return *entry >= p.at && *entry - p.at < p.size; };
  if (std::none_of(boot.memory.pieces().begin(), boot.memory.pieces().end(), holds) || *entry >= kFourGiB)
    return error("the kernel file is entered at {:#x}, where it has nothing; build it again", *entry);

  std::vector<uint64_t> module_places;
  for (const X86Module& module : files.modules) {
    const auto at = boot.memory.highest_place(ram, module.bytes.size(), kPage, kFourGiB);
    if (!at)
      return error("an initrd of {} MiB has no room below 4 GiB beside the kernel; use a larger -m",
                   module.bytes.size() / kMiB + 1);
    boot.memory.add("the initrd", *at, module.bytes);
    module_places.push_back(*at);
  }

  const uint64_t map = kStartInfoSize + kModuleSize * files.modules.size();
  std::vector<uint8_t> block(map + kMapEntrySize * table.size());
  std::vector<uint64_t> texts;  // offsets in the block
  const auto add_text = [&](const std::string& text) {
    texts.push_back(block.size());
    block.insert(block.end(), text.begin(), text.end());
    block.push_back(0);
  };
  add_text(files.command_line);
  for (const X86Module& module : files.modules) add_text(module.command_line);
  // The segment table has a page of its own in front.
  const auto gdt = boot.memory.highest_place(ram, kPage + block.size(), kPage, kX86LowMemoryEnd);
  if (!gdt)
    return error("the kernel and its command line of {} bytes do not fit below 640 KiB; shorten it",
                 files.command_line.size());
  const uint64_t info = *gdt + kPage;

  put<uint32_t>(block, kStartMagic, kMagic);
  put<uint32_t>(block, kStartVersion, 1);
  put<uint32_t>(block, kModuleCount, static_cast<uint32_t>(files.modules.size()));
  put<uint64_t>(block, kModuleList, info + kStartInfoSize);
  put<uint64_t>(block, kStartCommandLine, info + texts[0]);
  put<uint64_t>(block, kStartRsdp, files.rsdp);
  put<uint64_t>(block, kMemoryMap, info + map);
  put<uint32_t>(block, kMemoryMapEntries, static_cast<uint32_t>(table.size()));
  for (size_t i = 0; i < files.modules.size(); ++i) {
    const uint64_t entry_at = kStartInfoSize + kModuleSize * i;
    put<uint64_t>(block, entry_at, module_places[i]);
    put<uint64_t>(block, entry_at + 8, files.modules[i].bytes.size());
    put<uint64_t>(block, entry_at + 16, info + texts[i + 1]);
  }
  for (size_t i = 0; i < table.size(); ++i) {
    const uint64_t entry_at = map + kMapEntrySize * i;
    put<uint64_t>(block, entry_at, table[i].span.begin);
    put<uint64_t>(block, entry_at + 8, table[i].span.size());
    put<uint32_t>(block, entry_at + 16, static_cast<uint32_t>(table[i].type));
  }
  add_boot_segments(boot, X86BootState::Mode::kProtected, *gdt);
  boot.add("the start info", info, std::move(block));
  if (auto ok = boot.memory.check(ram); !ok) return ok.error();
  boot.state.entry = *entry;
  boot.state.rbx = info;
  return boot;
}

}  // namespace mynah
