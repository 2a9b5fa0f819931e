// SPDX-License-Identifier: Apache-2.0
//
// Fields are as named in boot.rst. In memory, below the 640 KiB: page tables for the 64-bit entry, then the
// zero page with the command line in the same 64 KiB (protocols before 2.02 have only an offset for it), then
// the segment table. What lies right below the BIOS's own data is left to the kernel, which switches paging
// modes from there.
#include "machines/loader/bzimage.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "machines/loader/bytes.h"
#include "machines/loader/compression.h"
#include "machines/loader/pvh.h"

namespace mynah {
namespace {

constexpr uint64_t kSector = 512, kMiB = 1 << 20, kPage = 4096;

// The setup header, by offset in the file and in the zero page alike.
enum Field : uint64_t {
  kSetupSects = 0x1f1,
  kSyssize = 0x1f4,
  kBootFlag = 0x1fe,
  kJumpOffset = 0x201,
  kHeaderMagic = 0x202,
  kVersion = 0x206,
  kTypeOfLoader = 0x210,
  kLoadflags = 0x211,
  kCode32Start = 0x214,
  kRamdiskImage = 0x218,
  kRamdiskSize = 0x21c,
  kCmdLinePtr = 0x228,
  kInitrdAddrMax = 0x22c,
  kKernelAlignment = 0x230,
  kRelocatableKernel = 0x234,
  kXloadflags = 0x236,
  kCmdlineSize = 0x238,
  kPayloadOffset = 0x248,
  kPayloadLength = 0x24c,
  kSetupData = 0x250,
  kPrefAddress = 0x258,
  kInitSize = 0x260,
};
// Beside it in the zero page.
enum ZeroPage : uint64_t {
  kExtMemK = 0x02,
  kOldCmdMagic = 0x20,
  kOldCmdOffset = 0x22,
  kAcpiRsdpAddr = 0x70,
  kExtRamdiskImage = 0xc0,
  kExtRamdiskSize = 0xc4,
  kAltMemK = 0x1e0,
  kE820Entries = 0x1e8,
  kHeader = 0x1f1,
  kHeaderEnd = 0x290,
  kE820Table = 0x2d0,
};
constexpr unsigned kMostE820Entries = 128;
constexpr uint16_t kBootFlagValue = 0xaa55, kOldCmdMagicValue = 0xa33f;
constexpr uint8_t kLoadedHigh = 1, kUnknownLoader = 0xff;                      // loadflags, type_of_loader
constexpr uint16_t kXlfKernel64 = 1, kXlfCanBeLoadedAbove4G = 2;               // xloadflags
constexpr uint64_t kHighKernel = kMiB, kLowKernel = 0x1000, kEntry64 = 0x200;  // the latter from load_at
constexpr uint64_t kOldInitrdMax = 0x37ffffff, kOldCommandLine = 255;          // of kernels that do not say

// Where the loader's own things lie.
constexpr uint64_t kPageTables = 0x80000, kZeroPage = 0x90000, kCommandLine = 0x91000, kGdt = 0x98000;
static_assert(kPageTables + 6 * kPage <= kZeroPage && kCommandLine < kGdt);

uint64_t align_up(uint64_t v, uint64_t to) { return (v + to - 1) & ~(to - 1); }

// Where the kernel runs: boot.rst at init_size.
Result<void> read_place(std::span<const uint8_t> file, BzImage& image) {
  const bool high = (load_field<uint8_t>(file, kLoadflags) & kLoadedHigh) != 0;
  image.load_at = high ? kHighKernel : kLowKernel;
  image.run_at = image.load_at;
  image.run_size = image.kernel.size();
  const auto alignment = load_field<uint32_t>(file, kKernelAlignment);
  const bool relocatable = image.version >= 0x205 && load_field<uint8_t>(file, kRelocatableKernel) != 0;
  if (relocatable && !std::has_single_bit(alignment))
    return error("is corrupt: it wants to lie at a multiple of {:#x}; get it again", alignment);
  if (image.version >= 0x20a) {
    const auto preferred = load_field<uint64_t>(file, kPrefAddress);
    image.run_at = relocatable ? align_up(std::max(image.load_at, preferred), alignment) : preferred;
    image.run_size = load_field<uint32_t>(file, kInitSize);
    if (preferred >= kFourGiB || image.run_size == 0 || image.run_at < preferred)
      return error("is corrupt: it wants {:#x} bytes at {:#x}; get it again", image.run_size, preferred);
  } else if (relocatable) {
    image.run_at = align_up(image.load_at, alignment);
  }
  return {};
}

class ZeroPageWriter {
 public:
  explicit ZeroPageWriter(const BzImage& image) : page_(kPage) {
    std::memcpy(&page_[kHeader], image.header.data(), image.header.size());
  }
  template <typename T>
  void put(uint64_t at, T value) {
    std::memcpy(&page_[at], &value, sizeof value);
  }
  void put_memory(std::span<const E820Range> table) {
    const size_t count = std::min<size_t>(table.size(), kMostE820Entries);
    put<uint8_t>(kE820Entries, static_cast<uint8_t>(count));
    uint64_t above_1m = 0;
    for (size_t i = 0; i < count; ++i) {
      const uint64_t at = kE820Table + 20 * i;
      put<uint64_t>(at, table[i].span.begin);
      put<uint64_t>(at + 8, table[i].span.size());
      put<uint32_t>(at + 16, static_cast<uint32_t>(table[i].type));
      if (table[i].span.begin == kMiB && table[i].type == E820Type::kRam)
        above_1m = table[i].span.size() / 1024;
    }
    // For kernels without E820.
    put<uint32_t>(kAltMemK, static_cast<uint32_t>(above_1m));
    put<uint16_t>(kExtMemK, static_cast<uint16_t>(std::min<uint64_t>(above_1m, 0xfc00)));
  }
  std::vector<uint8_t> take() { return std::move(page_); }

 private:
  std::vector<uint8_t> page_;
};

// As high as kernel and RAM allow; beyond 4 GiB only where it does not fit below.
Result<void> place_initrd(const BzImage& image, std::span<const uint8_t> initrd,
                          std::span<const AddressSpan> free, X86Boot& boot, ZeroPageWriter& page) {
  auto at = boot.memory.highest_place(free, initrd.size(), kPage, std::min(image.initrd_max + 1, kFourGiB));
  if (!at && image.above_4g) at = boot.memory.highest_place(free, initrd.size(), kPage, ~uint64_t{0});
  if (!at)
    return error(
        "the initrd has {} MiB, and there is no room for it below {:#x} beside the kernel; use a larger -m "
        "or a smaller initrd",
        initrd.size() / kMiB + 1, image.initrd_max + 1);
  boot.memory.add("the initrd", *at, initrd);
  page.put<uint32_t>(kRamdiskImage, static_cast<uint32_t>(*at));
  page.put<uint32_t>(kExtRamdiskImage, static_cast<uint32_t>(*at >> 32));
  page.put<uint32_t>(kRamdiskSize, static_cast<uint32_t>(initrd.size()));
  page.put<uint32_t>(kExtRamdiskSize, static_cast<uint32_t>(uint64_t{initrd.size()} >> 32));
  return {};
}

// struct setup_data: the next one's address, type, length, and the data.
Result<void> place_setup_data(const X86KernelFiles& files, std::span<const AddressSpan> free, uint64_t limit,
                              X86Boot& boot, ZeroPageWriter& page) {
  uint64_t next = 0;
  for (auto data = files.setup_data.rbegin(); data != files.setup_data.rend(); ++data) {
    const auto length = static_cast<uint32_t>(data->bytes.size());
    std::vector<uint8_t> blob(16 + length);
    std::memcpy(&blob[0], &next, 8);
    std::memcpy(&blob[8], &data->type, 4);
    std::memcpy(&blob[12], &length, 4);
    std::copy(data->bytes.begin(), data->bytes.end(), blob.begin() + 16);
    const auto at = boot.memory.highest_place(free, blob.size(), kPage, limit);
    if (!at) return Error{"there is no room for the kernel's setup data; use a larger -m"};
    boot.add("the kernel's setup data", *at, std::move(blob));
    next = *at;
  }
  page.put<uint64_t>(kSetupData, next);
  return {};
}

Result<void> place_command_line(const BzImage& image, const std::string& text, X86Boot& boot,
                                ZeroPageWriter& page) {
  const uint64_t most = std::min(image.command_line_max, kGdt - kCommandLine - 1);
  if (text.size() > most)
    return error("the kernel takes a command line of {} bytes, and -append has {}; shorten it", most,
                 text.size());
  std::vector<uint8_t> bytes(text.begin(), text.end());
  bytes.push_back(0);
  boot.add("the command line", kCommandLine, std::move(bytes));
  if (image.version >= 0x202) {
    page.put<uint32_t>(kCmdLinePtr, kCommandLine);
  } else {
    page.put<uint16_t>(kOldCmdMagic, kOldCmdMagicValue);
    page.put<uint16_t>(kOldCmdOffset, kCommandLine - kZeroPage);
  }
  return {};
}

}  // namespace

bool is_bzimage(std::span<const uint8_t> file) {
  return has_text(file, kHeaderMagic, "HdrS") && load_field<uint16_t>(file, kBootFlag) == kBootFlagValue;
}

Result<BzImage> read_bzimage(std::span<const uint8_t> file) {
  if (load_field<uint16_t>(file, kBootFlag) != kBootFlagValue)
    return Error{"is no Linux kernel for x86: it lacks the mark of a boot sector"};
  if (!has_text(file, kHeaderMagic, "HdrS"))
    return Error{
        "is a boot sector or a Linux kernel older than 1.3.73, which cannot be started; get a newer one"};
  BzImage image;
  image.version = load_field<uint16_t>(file, kVersion);
  if (image.version < 0x200 || image.version > 0x2ff)
    return error("is corrupt, or its boot protocol {}.{:02} is not known here (2.00 to 2.15 are)",
                 image.version >> 8, image.version & 0xff);
  const unsigned sectors = load_field<uint8_t>(file, kSetupSects);
  const uint64_t setup = (1 + (sectors == 0 ? 4 : sectors)) * kSector;
  // Before 2.04 the upper half of the field was something else.
  uint64_t paragraphs = load_field<uint32_t>(file, kSyssize);
  if (image.version < 0x204) paragraphs &= 0xffff;
  // The last paragraph may be one in part.
  const uint64_t whole = setup + paragraphs * 16, least = paragraphs == 0 ? setup + 1 : whole - 15;
  if (file.size() < least)
    return error("is cut short: it has {} bytes of {}; get it again", file.size(), whole);
  const uint64_t header_end = kHeaderMagic + load_field<uint8_t>(file, kJumpOffset);
  if (header_end < kCode32Start + 4)
    return Error{"is corrupt: its setup header ends before it says where the kernel begins; get it again"};
  // A header that is longer than the zero page has room for is one of a later protocol.
  image.header = file.subspan(kHeader, std::min({header_end, uint64_t{kHeaderEnd}, setup}) - kHeader);
  // What the header does not reach is not there, whatever the version says.
  const std::span<const uint8_t> known = file.first(kHeader + image.header.size());
  image.kernel = file.subspan(setup);
  if (auto ok = read_place(known, image); !ok) return ok.error();

  image.initrd_max = image.version >= 0x203 ? load_field<uint32_t>(known, kInitrdAddrMax) : kOldInitrdMax;
  if (image.initrd_max == 0) image.initrd_max = kOldInitrdMax;
  image.command_line_max =
      image.version >= 0x206 ? load_field<uint32_t>(known, kCmdlineSize) : kOldCommandLine;
  if (image.command_line_max == 0) image.command_line_max = kOldCommandLine;
  if (image.version >= 0x20c) {
    const auto flags = load_field<uint16_t>(known, kXloadflags);
    image.entry_64 = (flags & kXlfKernel64) != 0;
    image.above_4g = (flags & kXlfCanBeLoadedAbove4G) != 0;
    if (image.entry_64 && image.kernel.size() <= kEntry64)
      return Error{"is corrupt: it has no code at its 64-bit entry; get it again"};
  }
  if (image.version >= 0x208) {
    const uint64_t at = load_field<uint32_t>(known, kPayloadOffset),
                   n = load_field<uint32_t>(known, kPayloadLength);
    if (at > image.kernel.size() || n > image.kernel.size() - at)
      return Error{"is corrupt: what it unpacks lies beyond its end; get it again"};
    image.packed = image.kernel.subspan(at, n);
  }
  return image;
}

Result<std::vector<uint8_t>> unpack_bzimage(std::span<const uint8_t> file, uint64_t limit) {
  const auto image = read_bzimage(file);
  if (!image) return image.error();
  const Compression compression = compression_of(image->packed);
  if (image->packed.empty() || !can_uncompress(compression))
    return error("has a kernel in it that is compressed with {}, which is not known here",
                 name_of(compression));
  return uncompress(image->packed, compression, limit);
}

Result<X86Boot> place_bzimage(const X86KernelFiles& files, const X86Memory& memory, X86Entry entry) {
  const auto read = read_bzimage(files.kernel);
  if (!read) return error("the kernel file {}", read.message());
  const BzImage& image = *read;
  if (entry == X86Entry::k64 && !image.entry_64)
    return Error{
        "the kernel file has no 64-bit entry, which this machine was told to use; give a 64-bit kernel"};
  const std::vector<E820Range> table = e820_table(memory);
  const std::vector<AddressSpan> ram = usable_ram(table);

  X86Boot boot;
  ZeroPageWriter page(image);
  page.put<uint8_t>(kTypeOfLoader, kUnknownLoader);
  page.put<uint32_t>(kCode32Start, static_cast<uint32_t>(image.load_at));
  page.put<uint64_t>(kAcpiRsdpAddr, files.rsdp);
  page.put_memory(table);

  const bool in_64 = entry != X86Entry::k32 && image.entry_64;
  add_boot_segments(boot, in_64 ? X86BootState::Mode::kLong : X86BootState::Mode::kProtected, kGdt);
  if (in_64) add_identity_map(boot, kPageTables);
  if (auto ok = place_command_line(image, files.command_line, boot, page); !ok) return ok.error();

  // The file, and the place that the kernel moves to, as one: nothing may lie in between, for on its way it
  // needs some of that.
  const AddressSpan own{std::min(image.load_at, image.run_at),
                        std::max(image.load_at + image.kernel.size(), image.run_at + image.run_size)};
  const auto holds = [&](const AddressSpan& part) { return part.begin <= own.begin && own.end <= part.end; };
  if (std::none_of(ram.begin(), ram.end(), holds))
    return error("the kernel needs memory up to {} MiB, and the machine has {} MiB; use a larger -m",
                 own.end / kMiB + 1, (memory.below_4g + memory.above_4g) / kMiB);
  uint64_t at = image.load_at + (in_64 ? kEntry64 : 0);
  if (files.unpacked.empty()) {
    boot.memory.add("the kernel", image.load_at, image.kernel);
  } else {
    const auto program = read_x86_elf(files.unpacked);
    if (!program) return error("what the kernel file unpacks {}", program.message());
    boot.memory.add(*program, "the kernel", own);
    // A 64-bit kernel has no other entry.
    if (in_64 != image.entry_64 || program->entry < own.begin || program->entry >= own.end)
      return Error{"what the kernel file unpacks cannot be entered like this; start the kernel file itself"};
    at = program->entry;
  }
  const std::vector<AddressSpan> free = without(ram, own);
  if (!files.modules.empty() && !files.modules[0].bytes.empty())
    if (auto ok = place_initrd(image, files.modules[0].bytes, free, boot, page); !ok) return ok.error();
  if (!files.setup_data.empty() && image.version >= 0x209)
    if (auto ok = place_setup_data(files, free, image.initrd_max, boot, page); !ok) return ok.error();
  boot.add("the zero page", kZeroPage, page.take());
  if (auto ok = boot.memory.check(ram); !ok) return ok.error();

  boot.state.rsi = kZeroPage;
  boot.state.entry = at;
  return boot;
}

}  // namespace mynah
