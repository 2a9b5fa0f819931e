// SPDX-License-Identifier: Apache-2.0
//
// E820 tables, ELF kernels by PVH, multiboot kernels, and which kind a file is.
#include "machines/loader/x86_kernel.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "machines/loader/multiboot.h"
#include "machines/loader/multiboot_rom.h"
#include "machines/loader/pvh.h"
#include "tests/machines/packing.h"
#include "tests/machines/sentence.h"
#include "tests/machines/x86_kernels.h"

namespace mynah {
namespace {

using testing::HasSubstr;
using x86_test::Bytes;
using x86_test::get;
using x86_test::put;

constexpr uint64_t kMiB = 1 << 20;
const X86Memory k128{.below_4g = 128 * kMiB, .above_4g = 0, .reserved = {}};

// Reads what a result would put into memory.
class Placed {
 public:
  explicit Placed(const X86Boot& boot) : boot_(boot) {}
  uint64_t read(uint64_t at, unsigned n) const {
    for (const LoadPiece& p : boot_.memory.pieces())
      if (at >= p.at && at + n <= p.at + p.bytes.size()) return get(p.bytes, at - p.at, n);
    ADD_FAILURE() << "nothing at " << at;
    return 0;
  }
  std::string text(uint64_t at) const {
    std::string s;
    while (const char c = static_cast<char>(read(at++, 1))) s += c;
    return s;
  }

 private:
  const X86Boot& boot_;
};

std::string show(const X86Memory& memory) {
  std::string text;
  for (const E820Range& r : e820_table(memory))
    text += fmt::format("{:x}-{:x} {}, ", r.span.begin, r.span.end, static_cast<unsigned>(r.type));
  return text;
}

TEST(E820, RamWithItsHoles) {
  EXPECT_EQ(show({.below_4g = 64 * kMiB}), "0-9fc00 1, 9fc00-a0000 2, f0000-100000 2, 100000-4000000 1, ");
  EXPECT_EQ(show({.below_4g = 3072 * kMiB, .above_4g = 1024 * kMiB}),
            "0-9fc00 1, 9fc00-a0000 2, f0000-100000 2, 100000-c0000000 1, 100000000-140000000 1, ");
  EXPECT_EQ(show({.below_4g = 0x8000}), "0-8000 1, 9fc00-a0000 2, f0000-100000 2, ");
}

TEST(E820, WhatIsReservedIsCutOut) {
  EXPECT_EQ(
      show({.below_4g = 64 * kMiB,
            .reserved = {{{0x3ff0000, 0x4000000}, E820Type::kAcpi},
                         {{0x3000000, 0x3001000}, E820Type::kReserved},
                         {{0x3000800, 0x3002000}, E820Type::kNvs},
                         {{0xb0000000, 0xc0000000}, E820Type::kReserved}}}),
      "0-9fc00 1, 9fc00-a0000 2, f0000-100000 2, 100000-3000000 1, 3000000-3001000 2, 3001000-3002000 4, "
      "3002000-3ff0000 1, 3ff0000-4000000 3, b0000000-c0000000 2, ");
}

TEST(HighestPlace, IsFoundAroundPieces) {
  const AddressSpan ram[] = {{0, 0x10000}, {0x100000, 0x200000}};
  const Bytes bytes(0x8000);
  LoadList list;
  EXPECT_EQ(list.highest_place(ram, 0x1000, 0x1000, ~uint64_t{0}), 0x1ff000u);
  EXPECT_EQ(list.highest_place(ram, 0x1001, 0x1000, 0x1ff800), 0x1fe000u);
  list.add("a", 0x1f8000, bytes);
  EXPECT_EQ(list.highest_place(ram, 0x1000, 0x1000, ~uint64_t{0}), 0x1f7000u);
  EXPECT_EQ(list.highest_place(ram, 0x1000, 0x1000, 0x1fc000), 0x1f7000u);
  list.add("b", 0x100000, bytes);
  EXPECT_EQ(list.highest_place(ram, 0xf0000, 0x1000, ~uint64_t{0}), 0x108000u);
  EXPECT_EQ(list.highest_place(ram, 0xf1000, 0x1000, ~uint64_t{0}), std::nullopt);
  EXPECT_EQ(list.highest_place(ram, 0x1000, 0x1000, 0x108000), 0xf000u);
  EXPECT_EQ(list.highest_place(ram, 0x1000, 0x1000, 0xfff), std::nullopt);
  EXPECT_EQ(list.highest_place({}, 0x1000, 0x1000, ~uint64_t{0}), std::nullopt);
}

// --- PVH

TEST(Pvh, IsEnteredAtItsNote) {
  for (const bool is_64 : {true, false}) {
    const Bytes file = make(x86_test::pvh(is_64)), one(5000, 1), two(100, 2);
    X86KernelFiles files;
    files.kernel = file;
    files.command_line = "console=ttyS0";
    files.modules = {{one, "first"}, {two, "second"}};
    files.rsdp = 0xe0000;
    const auto boot = place_x86_kernel(files, k128, X86Entry::kBest64);
    ASSERT_TRUE(boot) << boot.message();
    const X86BootState& s = boot->state;
    EXPECT_EQ(s.mode, X86BootState::Mode::kProtected);
    EXPECT_EQ(s.entry, 0x1000010u);
    EXPECT_EQ(s.tr.limit, 0x67u);
    const Placed memory(*boot);
    EXPECT_EQ(memory.read(s.rbx, 4), 0x336ec578u);
    EXPECT_EQ(memory.read(s.rbx + 4, 4), 1u);
    EXPECT_EQ(memory.text(memory.read(s.rbx + 24, 8)), "console=ttyS0");
    EXPECT_EQ(memory.read(s.rbx + 32, 8), 0xe0000u);
    ASSERT_EQ(memory.read(s.rbx + 12, 4), 2u);
    const uint64_t list = memory.read(s.rbx + 16, 8);
    EXPECT_EQ(memory.read(list, 8), 128 * kMiB - 8192);
    EXPECT_EQ(memory.read(list + 8, 8), 5000u);
    EXPECT_EQ(memory.text(memory.read(list + 16, 8)), "first");
    EXPECT_EQ(memory.read(memory.read(list + 32, 8), 1), 2u);
    EXPECT_EQ(memory.text(memory.read(list + 48, 8)), "second");
    const uint64_t map = memory.read(s.rbx + 40, 8);
    ASSERT_EQ(memory.read(s.rbx + 48, 4), 4u);
    EXPECT_EQ(memory.read(map + 72, 8), kMiB);
    EXPECT_EQ(memory.read(map + 80, 8), 127 * kMiB);
    EXPECT_EQ(memory.read(map + 88, 4), 1u);
  }
}

TEST(Pvh, OthersAreNamed) {
  const auto refused = [](const elf_test::File& f, const X86Memory& memory = k128) {
    const Bytes file = make(f);
    X86KernelFiles files;
    files.kernel = file;
    return sentence(place_pvh(files, memory));
  };
  const elf_test::File good = x86_test::pvh();
  ASSERT_EQ(refused(good), "");
  elf_test::File f = good;
  f.machine = 183;
  EXPECT_THAT(refused(f), HasSubstr("for AArch64, and this machine has an x86-64"));
  f = x86_test::pvh(false);
  f.machine = 40;
  EXPECT_THAT(refused(f), HasSubstr("for 32-bit Arm"));
  f = good;
  f.segments.pop_back();
  EXPECT_THAT(refused(f), HasSubstr("without a PVH entry"));
  f = good;
  f.segments[1].bytes = x86_test::xen_note(18, 0x3000000, 8);
  EXPECT_THAT(refused(f), HasSubstr("entered at 0x3000000, where it has nothing"));
  f.segments[1].bytes = x86_test::xen_note(18, 0, 2);
  EXPECT_THAT(refused(f), HasSubstr("without a PVH entry"));
  EXPECT_THAT(
      refused(good, {.below_4g = 16 * kMiB}),
      HasSubstr(
          "segment 0 of the kernel belongs at 0x1000000 to 0x1008000, and the machine has memory at 0x0 "
          "to 0x9fc00, 0x100000 to 0x1000000"));
  f = good;
  f.segments.push_back({.at = 0x1001000, .bytes = Bytes(0x1000)});
  EXPECT_THAT(refused(f), HasSubstr("overlap"));
  f = good;
  f.segments[0].at = 0xa0000;
  EXPECT_THAT(refused(f), HasSubstr("belongs at 0xa0000"));
  const Bytes file = make(good), initrd(128 * kMiB);
  X86KernelFiles files;
  files.kernel = file;
  files.modules.push_back({initrd, {}});
  EXPECT_THAT(sentence(place_pvh(files, k128)), HasSubstr("no room"));
}

// --- multiboot

TEST(Multiboot, AnElfKernelGetsItsInformation) {
  const Bytes file = make(x86_test::multiboot_elf()), one(5000, 1), two(100, 2);
  X86KernelFiles files;
  files.kernel = file;
  files.kernel_name = "kernel.elf";
  files.command_line = "a b";
  files.modules = {{one, "one x=1"}, {two, "two"}};
  const auto boot = place_x86_kernel(files, k128, X86Entry::kBest64);
  ASSERT_TRUE(boot) << boot.message();
  const X86BootState& s = boot->state;
  EXPECT_EQ(s.mode, X86BootState::Mode::kProtected);
  EXPECT_EQ(s.entry, 0x100030u);
  EXPECT_EQ(s.rax, 0x2badb002u);
  const Placed memory(*boot);
  EXPECT_EQ(memory.read(s.rbx, 4), 0x24du);
  EXPECT_EQ(memory.read(s.rbx + 4, 4), 639u);
  EXPECT_EQ(memory.read(s.rbx + 8, 4), 127 * 1024u);
  EXPECT_EQ(memory.text(memory.read(s.rbx + 16, 4)), "kernel.elf a b");
  EXPECT_EQ(memory.text(memory.read(s.rbx + 64, 4)), "mynah");
  ASSERT_EQ(memory.read(s.rbx + 20, 4), 2u);
  const uint64_t list = memory.read(s.rbx + 24, 4);
  EXPECT_EQ(memory.read(list, 4), 0x103000u);
  EXPECT_EQ(memory.read(list + 4, 4), 0x103000u + 5000);
  EXPECT_EQ(memory.text(memory.read(list + 8, 4)), "one x=1");
  EXPECT_EQ(memory.read(list + 16, 4), 0x105000u);
  EXPECT_EQ(memory.read(0x105000, 1), 2u);
  EXPECT_EQ(memory.text(memory.read(list + 24, 4)), "two");
  const uint64_t map = memory.read(s.rbx + 48, 4);
  EXPECT_EQ(memory.read(s.rbx + 44, 4), 4 * 24u);
  EXPECT_EQ(memory.read(map, 4), 20u);
  EXPECT_EQ(memory.read(map + 24 * 3 + 4, 8), kMiB);
  EXPECT_EQ(memory.read(map + 24 * 3 + 20, 4), 1u);
}

TEST(Multiboot, ARomBringsWhatABiosWouldWriteOver) {
  const Bytes file = make(x86_test::multiboot_elf()), one(5000, 1);
  X86KernelFiles files;
  files.kernel = file;
  files.command_line = "a b";
  files.modules = {{one, "one"}};
  auto boot = place_multiboot(files, memory_beside_bios(k128));
  ASSERT_TRUE(boot) << boot.message();
  const std::vector<LoadPiece> pieces(boot->memory.pieces().begin(), boot->memory.pieces().end());
  const auto rom = make_multiboot_rom(*boot);
  ASSERT_TRUE(rom) << rom.message();
  const auto word = [&](size_t at) { return static_cast<size_t>((*rom)[at] | (*rom)[at + 1] << 8); };
  const auto sum = [&](size_t from, size_t size) {
    uint8_t all = 0;
    for (size_t i = 0; i < size; ++i) all = static_cast<uint8_t>(all + (*rom)[from + i]);
    return all;
  };
  EXPECT_EQ(word(0), 0xaa55u);
  EXPECT_EQ((*rom)[2] * 512u, rom->size());
  EXPECT_EQ(sum(0, rom->size()), 0);
  const size_t pnp = word(0x1a);
  EXPECT_EQ(
      std::string(rom->begin() + static_cast<ptrdiff_t>(pnp), rom->begin() + static_cast<ptrdiff_t>(pnp) + 4),
      "$PnP");
  EXPECT_EQ(sum(pnp, 32), 0);
  const size_t start = word(pnp + 0x1a);
  ASSERT_EQ((*rom)[start + 4], 0xbe);  // mov si, table
  size_t table = word(start + 5), low = 0;
  for (const LoadPiece& piece : pieces) {
    if (piece.at >= kMiB) {
      EXPECT_LE(piece.at + piece.size, 126 * kMiB);
      continue;
    }
    ++low;
    EXPECT_LE(piece.at + piece.size, 0x80000u);
    EXPECT_EQ(word(table), piece.size);
    EXPECT_EQ(word(table + 2) + word(table + 4) * 16, piece.at);
    EXPECT_TRUE(std::equal(piece.bytes.begin(), piece.bytes.end(),
                           rom->begin() + static_cast<ptrdiff_t>(word(table + 6))));
    table += 8;
  }
  EXPECT_EQ(low, 2u);  // segments, information
  EXPECT_EQ(word(table), 0u);
  EXPECT_EQ(boot->memory.pieces().size(), pieces.size() - low);

  files.command_line = std::string(50000, 'x');
  auto large = place_multiboot(files, memory_beside_bios(k128));
  ASSERT_TRUE(large) << large.message();
  EXPECT_THAT(sentence(make_multiboot_rom(*large)), HasSubstr("command lines"));
}

TEST(Multiboot, AddressesOfTheHeaderCount) {
  const auto placed = [](const Bytes& file) {
    X86KernelFiles files;
    files.kernel = file;
    return place_multiboot(files, k128);
  };
  const Bytes file = x86_test::multiboot_flat();
  const auto boot = placed(file);
  ASSERT_TRUE(boot) << boot.message();
  EXPECT_EQ(boot->state.entry, 0x200070u);
  const LoadPiece& kernel = boot->memory.pieces()[0];
  EXPECT_EQ(kernel.at, 0x200000u);
  EXPECT_EQ(kernel.bytes.size(), 0x1000u);
  EXPECT_EQ(kernel.size, 0x4000u);
  // To the file's end, without zeroes.
  const Bytes whole = x86_test::multiboot_flat(0, 0);
  const auto all = placed(whole);
  ASSERT_TRUE(all) << all.message();
  EXPECT_EQ(all->memory.pieces()[0].size, 0x1000u);

  const auto refused = [&](const Bytes& f) { return sentence(placed(f)); };
  EXPECT_THAT(refused(x86_test::multiboot_flat(0x201001)), HasSubstr("cut short"));
  EXPECT_THAT(refused(x86_test::multiboot_flat(0x1fffff)), HasSubstr("before it begins"));
  EXPECT_THAT(refused(x86_test::multiboot_flat(0x201000, 0x200fff)), HasSubstr("zeroes end"));
  EXPECT_THAT(refused(x86_test::multiboot_flat(0, 0, 0x201000)), HasSubstr("where it has nothing"));
  EXPECT_THAT(refused(x86_test::multiboot_flat(0x201000, 0x10000000)), HasSubstr("use a larger -m"));
  Bytes wrong = x86_test::multiboot_flat();
  put(wrong, 0x40 + 12, 0x200041, 4);  // the header is before the file's start, then
  EXPECT_THAT(refused(wrong), HasSubstr("cannot be"));
  Bytes cut = x86_test::multiboot_flat();
  cut.resize(0x50);
  EXPECT_THAT(refused(cut), HasSubstr("cut short"));
}

TEST(Multiboot, OthersAreNamed) {
  const auto refused = [](const Bytes& file, const X86Memory& memory = k128) {
    X86KernelFiles files;
    files.kernel = file;
    return sentence(place_multiboot(files, memory));
  };
  EXPECT_EQ(refused(make(x86_test::multiboot_elf(7))), "");  // video
  EXPECT_THAT(refused(make(x86_test::multiboot_elf(9))), HasSubstr("flags 0x8"));
  EXPECT_THAT(refused(Bytes(4096)), HasSubstr("no multiboot header"));
  EXPECT_THAT(refused(make(x86_test::multiboot_elf()), {.below_4g = kMiB}), HasSubstr("use a larger -m"));
  const Bytes file = make(x86_test::multiboot_elf()), large(127 * kMiB);
  X86KernelFiles files;
  files.kernel = file;
  files.modules.push_back({large, "large"});
  EXPECT_THAT(sentence(place_multiboot(files, k128)), HasSubstr("the module 'large' of 128 MiB has no room"));
}

TEST(Multiboot, ModuleNames) {
  const auto show_names = [](std::string_view option) {
    std::string text;
    for (const ModuleName& n : parse_module_names(option)) text += n.file + "|" + n.text + ";";
    return text;
  };
  EXPECT_EQ(show_names("a x=1 y,b, c  z"), "a|a x=1 y;b|b;c|c  z;");
  EXPECT_EQ(show_names("a,,b c,,d"), "a,b|a,b c,d;");
  EXPECT_EQ(show_names(""), "");
  EXPECT_EQ(show_names(", ,"), "");
}

// --- kinds

TEST(X86Kernel, KindsAreKnown) {
  const auto kind = [](const Bytes& file) {
    const auto k = x86_kernel_kind(file);
    if (!k) return k.message();
    return std::string(*k == X86KernelKind::kLinux ? "linux"
                       : *k == X86KernelKind::kPvh ? "pvh"
                                                   : "multiboot");
  };
  EXPECT_EQ(kind(make(x86_test::Linux{})), "linux");
  EXPECT_EQ(kind(make(x86_test::pvh())), "pvh");
  EXPECT_EQ(kind(make(x86_test::pvh(false))), "pvh");
  EXPECT_EQ(kind(make(x86_test::multiboot_elf())), "multiboot");
  EXPECT_EQ(kind(x86_test::multiboot_flat()), "multiboot");
  // With both, it is the class that counts.
  for (const bool is_64 : {true, false}) {
    elf_test::File both = x86_test::pvh(is_64);
    const Bytes header = x86_test::multiboot_header(3);
    std::copy(header.begin(), header.end(), both.segments[0].bytes.begin());
    both.segments[0].bytes.resize(0x2000 - header_bytes(both) % 4);
    EXPECT_EQ(kind(make(both)), is_64 ? "pvh" : "multiboot");
  }
  elf_test::File f = x86_test::pvh();
  f.segments.pop_back();
  EXPECT_THAT(kind(make(f)), HasSubstr("without a PVH entry"));
  f.machine = 183;
  EXPECT_THAT(kind(make(f)), HasSubstr("for AArch64"));
  EXPECT_THAT(kind({}), HasSubstr("is empty"));
  EXPECT_THAT(kind(Bytes(4096)), HasSubstr("no kernel that is known here"));
  Bytes sector(512);
  put(sector, 0x1fe, 0xaa55, 2);
  EXPECT_THAT(kind(sector), HasSubstr("boot sector"));
  Bytes arm(4096);
  std::memcpy(&arm[56], "ARM\x64", 4);
  EXPECT_THAT(kind(arm), HasSubstr("for AArch64"));
  EXPECT_THAT(kind(packing::gzip(Bytes(100))), HasSubstr("compressed with gzip"));
  Bytes two(4096);
  put(two, 8, 0xe85250d6, 4);
  EXPECT_THAT(kind(two), HasSubstr("multiboot 2"));
}

TEST(X86Kernel, LinuxTakesOneInitrd) {
  const Bytes file = make(x86_test::Linux{}), initrd(100);
  X86KernelFiles files;
  files.kernel = file;
  files.modules = {{initrd, {}}, {initrd, {}}};
  EXPECT_THAT(sentence(place_x86_kernel(files, k128, X86Entry::k32)), HasSubstr("one initrd"));
}

}  // namespace
}  // namespace mynah
