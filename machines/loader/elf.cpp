// SPDX-License-Identifier: Apache-2.0
//
// Both classes have the same fields in other places, so the places are a table. An entry point is a virtual
// address: where the segment that holds it is loaded elsewhere, it moves along.
#include "machines/loader/elf.h"

#include <algorithm>
#include <string>

#include "machines/loader/bytes.h"

namespace mynah {
namespace {

constexpr unsigned kMostSegments = 1024;
constexpr uint8_t kClass32 = 1, kClass64 = 2, kLittleEndian = 1, kBigEndian = 2;
enum Type : uint16_t { kRelocatable = 1, kExecutable = 2, kShared = 3, kCore = 4 };
constexpr uint32_t kLoad = 1, kNotes = 4, kCanExecute = 1;  // p_type, p_flags
// e_ident and what follows it in both classes.
constexpr uint64_t kIdentClass = 4, kIdentData = 5, kType = 16, kMachine = 18, kEntry = 24;

struct Layout {
  uint64_t header_size, table, entry_size_field, count;  // of the file's header
  uint64_t entry_size, flags, offset, virtual_address, at, file_size, memory_size, alignment;  // of an entry
};
constexpr Layout k32 = {52, 28, 42, 44, 32, 24, 4, 8, 12, 16, 20, 28};
constexpr Layout k64 = {64, 32, 54, 56, 56, 4, 8, 16, 24, 32, 40, 48};

struct MachineName {
  uint16_t id;
  std::string_view name;
};
constexpr MachineName kMachines[] = {
    {2, "SPARC"},     {3, "i386"},         {4, "68000"},    {8, "MIPS"},
    {20, "PowerPC"},  {21, "PowerPC"},     {22, "s390"},    {40, "32-bit Arm"},
    {42, "SuperH"},   {43, "SPARC"},       {62, "x86-64"},  {94, "Xtensa"},
    {183, "AArch64"}, {189, "MicroBlaze"}, {243, "RISC-V"}, {258, "LoongArch"}};

std::string machine_name(uint16_t id) {
  for (const MachineName& m : kMachines)
    if (m.id == id) return std::string(m.name);
  return fmt::format("another processor (number {})", id);
}

struct Reader {
  std::span<const uint8_t> file;
  bool is_64;
  // An address, offset or size: as wide as the class.
  uint64_t word(uint64_t at) const {
    return is_64 ? load_field<uint64_t>(file, at) : load_field<uint32_t>(file, at);
  }
};

struct Header {
  uint64_t offset, virtual_address, at, file_size, memory_size;
  bool executable;
};

// Bytes of the segment that are there when it starts.
uint64_t size_at_start(const std::vector<Header>& all, const Header& one) {
  const uint64_t from = one.at + one.file_size, to = one.at + one.memory_size;
  for (const Header& other : all)
    if (&other != &one && other.at < to && from < other.at + other.memory_size && from < to)
      return one.file_size;
  return one.memory_size;
}

Result<void> check_kind(std::span<const uint8_t> file, const ElfTarget& target) {
  const uint8_t data = load_field<uint8_t>(file, kIdentData);
  auto machine = load_field<uint16_t>(file, kMachine), type = load_field<uint16_t>(file, kType);
  const auto swapped = [](uint16_t v) { return static_cast<uint16_t>(v << 8 | v >> 8); };
  if (data == kBigEndian) machine = swapped(machine), type = swapped(type);
  if (machine != target.machine)
    return error("is an ELF file for {}, and this machine has an {} processor; build it for {}",
                 machine_name(machine), target.processor, target.processor);
  const uint8_t file_class = load_field<uint8_t>(file, kIdentClass);
  if (file_class != (target.is_64 ? kClass64 : kClass32))
    return error("is {} ELF file, and this machine starts {}-bit ones; build it as such",
                 file_class == kClass32   ? "a 32-bit"
                 : file_class == kClass64 ? "a 64-bit"
                                          : "no proper",
                 target.is_64 ? 64 : 32);
  if (data != kLittleEndian)
    return Error{"is a big-endian ELF file, and this machine starts little-endian; build it as such"};
  if (type == kRelocatable) return Error{"is an object file that nobody has linked; give the linked program"};
  if (type == kCore) return Error{"is a core dump, not a program"};
  return {};
}

}  // namespace

bool is_elf(std::span<const uint8_t> file) {
  return has_text(file, 0,
                  "\x7f"
                  "ELF");
}

// A note: sizes of name and description, type, then both, each up to a multiple of the alignment.
std::optional<std::span<const uint8_t>> ElfProgram::note(std::string_view owner, uint32_t type) const {
  constexpr uint64_t kHeader = 12;
  for (const Notes& all : notes) {
    const auto aligned = [&](uint64_t n) { return (n + all.alignment - 1) / all.alignment * all.alignment; };
    std::span<const uint8_t> rest = all.bytes;
    while (rest.size() >= kHeader) {
      const uint64_t name = load_field<uint32_t>(rest, 0), size = load_field<uint32_t>(rest, 4);
      const uint64_t description = aligned(kHeader + name), next = aligned(description + size);
      if (description > rest.size() || size > rest.size() - description) break;
      // The name's size counts the zero behind it.
      if (load_field<uint32_t>(rest, 8) == type && name == owner.size() + 1 && has_text(rest, kHeader, owner))
        return rest.subspan(description, size);
      rest = rest.subspan(std::min<uint64_t>(next, rest.size()));
    }
  }
  return std::nullopt;
}

Result<ElfProgram> read_elf(std::span<const uint8_t> file, const ElfTarget& target) {
  if (auto ok = check_kind(file, target); !ok) return ok.error();
  const Reader in{file, target.is_64};
  const Layout& layout = target.is_64 ? k64 : k32;
  const Error cut_short{"is an ELF file that is cut short; get or build it again"};
  if (file.size() < layout.header_size) return cut_short;
  const uint64_t table = in.word(layout.table);
  const unsigned count = load_field<uint16_t>(file, layout.count);
  if (count == 0) return Error{"is an ELF file without anything to load; give the linked program"};
  if (load_field<uint16_t>(file, layout.entry_size_field) != layout.entry_size || count > kMostSegments)
    return error("is an ELF file with a table of {} segments that makes no sense; build it again", count);
  if (table > file.size() || count * layout.entry_size > file.size() - table) return cut_short;

  ElfProgram program;
  std::vector<Header> headers;
  std::vector<unsigned> numbers;
  for (unsigned i = 0; i < count; ++i) {
    const uint64_t entry = table + i * layout.entry_size;
    if (load_field<uint32_t>(file, entry) == kNotes) {
      const uint64_t from = in.word(entry + layout.offset), size = in.word(entry + layout.file_size);
      if (from <= file.size() && size <= file.size() - from)
        program.notes.push_back(
            {file.subspan(from, size), in.word(entry + layout.alignment) == 8 ? uint64_t{8} : uint64_t{4}});
    }
    if (load_field<uint32_t>(file, entry) != kLoad) continue;
    const Header h{.offset = in.word(entry + layout.offset),
                   .virtual_address = in.word(entry + layout.virtual_address),
                   .at = in.word(entry + layout.at),
                   .file_size = in.word(entry + layout.file_size),
                   .memory_size = in.word(entry + layout.memory_size),
                   .executable = (load_field<uint32_t>(file, entry + layout.flags) & kCanExecute) != 0};
    if (h.memory_size == 0 && h.file_size == 0) continue;
    if (h.offset > file.size() || h.file_size > file.size() - h.offset) return cut_short;
    if (h.file_size > h.memory_size || h.memory_size > ~h.at)
      return error("is an ELF file whose segment {} makes no sense; build it again", i);
    headers.push_back(h);
    numbers.push_back(i);
  }
  if (headers.empty()) return Error{"is an ELF file without anything to load; give the linked program"};

  const uint64_t entry = in.word(kEntry);
  program.entry = entry;
  const uint64_t own = std::max(layout.header_size, table + count * layout.entry_size);
  for (size_t i = 0; i < headers.size(); ++i) {
    const Header& h = headers[i];
    if (h.executable && entry >= h.virtual_address && entry - h.virtual_address < h.file_size)
      program.entry = entry - h.virtual_address + h.at;
    const uint64_t size = size_at_start(headers, h);
    if (size != 0)
      program.segments.push_back({.number = numbers[i],
                                  .at = h.at,
                                  .bytes = file.subspan(h.offset, h.file_size),
                                  .size = size,
                                  .headers = std::min(own - std::min(own, h.offset), h.file_size)});
  }
  return program;
}

}  // namespace mynah
