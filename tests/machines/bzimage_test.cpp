// SPDX-License-Identifier: Apache-2.0
//
// Linux for x86 by its boot protocol: what is read of the header, where things go, what the kernel is told,
// and what is refused. Headers are made by hand; Debian's kernels are used where they are installed.
#include "machines/loader/bzimage.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "machines/loader/pvh.h"
#include "tests/machines/packing.h"
#include "tests/machines/sentence.h"
#include "tests/machines/x86_kernels.h"

namespace mynah {
namespace {

using testing::HasSubstr;
using x86_test::Bytes;
using x86_test::get;
using x86_test::Linux;

constexpr uint64_t kMiB = 1 << 20;
const X86Memory k512{.below_4g = 512 * kMiB, .above_4g = 0, .reserved = {}};

std::string refused(const Linux& k) { return sentence(read_bzimage(make(k))); }

// The bytes of the piece with this name.
std::span<const uint8_t> piece(const X86Boot& boot, std::string_view name) {
  for (const LoadPiece& p : boot.memory.pieces())
    if (p.name == name) return p.bytes;
  return {};
}
uint64_t place(const X86Boot& boot, std::string_view name) {
  for (const LoadPiece& p : boot.memory.pieces())
    if (p.name == name) return p.at;
  return ~uint64_t{0};
}
std::string text_at(const X86Boot& boot, uint64_t at) {
  for (const LoadPiece& p : boot.memory.pieces())
    if (at >= p.at && at < p.at + p.bytes.size())
      return reinterpret_cast<const char*>(p.bytes.data() + (at - p.at));
  return "nothing";
}

TEST(BzImage, HeaderIsRead) {
  const Bytes file = make(Linux{});
  ASSERT_TRUE(is_bzimage(file));
  const auto read = read_bzimage(file);
  ASSERT_TRUE(read) << read.message();
  EXPECT_EQ(read->version, 0x20f);
  EXPECT_EQ(read->kernel.size(), 0x4000u);
  EXPECT_EQ(read->header.data(), file.data() + 0x1f1);
  EXPECT_EQ(read->header.size(), 0x202u + 0x6a - 0x1f1);
  EXPECT_EQ(read->load_at, kMiB);
  EXPECT_EQ(read->run_at, 16 * kMiB);
  EXPECT_EQ(read->run_size, kMiB);
  EXPECT_EQ(read->initrd_max, 0x7fffffffu);
  EXPECT_EQ(read->command_line_max, 2047u);
  EXPECT_TRUE(read->entry_64);
  EXPECT_TRUE(read->above_4g);
  EXPECT_EQ(read->packed.data(), read->kernel.data() + 0x300);
}

TEST(BzImage, OlderProtocolsSayLess) {
  const auto at = [](uint16_t version) {
    const auto read = read_bzimage(make(Linux{.version = version}));
    EXPECT_TRUE(read) << read.message();
    return *read;
  };
  EXPECT_FALSE(at(0x20b).entry_64);
  EXPECT_EQ(at(0x209).run_at, 2 * kMiB);  // moves to its alignment, prefers nothing
  EXPECT_TRUE(at(0x207).packed.empty());
  EXPECT_EQ(at(0x205).command_line_max, 255u);
  EXPECT_EQ(at(0x204).run_at, kMiB);
  EXPECT_EQ(at(0x202).initrd_max, 0x37ffffffu);
  // A field that the header's length does not reach counts as absent.
  const auto read = read_bzimage(make(Linux{.version = 0x209, .header_length = 0x30}));
  ASSERT_TRUE(read) << read.message();
  EXPECT_EQ(read->command_line_max, 255u);
}

TEST(BzImage, OthersAreNamed) {
  EXPECT_EQ(refused({}), "");
  EXPECT_THAT(sentence(read_bzimage(Bytes(4096))), HasSubstr("no Linux kernel for x86"));
  Bytes old = make(Linux{});
  old[0x202] = 0;
  EXPECT_THAT(sentence(read_bzimage(old)), HasSubstr("older than"));
  EXPECT_THAT(refused({.version = 0x1ff}), HasSubstr("boot protocol"));
  EXPECT_THAT(refused({.version = 0x300}), HasSubstr("boot protocol"));
  EXPECT_THAT(refused({.header_length = 4}), HasSubstr("corrupt"));
  EXPECT_THAT(refused({.alignment = 0x300000}), HasSubstr("multiple of 0x300000"));
  EXPECT_THAT(refused({.alignment = 0}), HasSubstr("corrupt"));
  EXPECT_THAT(refused({.init_size = 0}), HasSubstr("corrupt"));
  EXPECT_THAT(refused({.pref_address = ~uint64_t{0}}), HasSubstr("corrupt"));
  EXPECT_THAT(refused({.payload_length = 0x4000}), HasSubstr("corrupt"));
  EXPECT_THAT(refused({.kernel_bytes = 0x100, .syssize = 0x10}), HasSubstr("64-bit entry"));
}

TEST(BzImage, EveryShorterFileIsRefused) {
  const Bytes file = make(Linux{});
  for (size_t n = 0; n < file.size() - 15; n += n < 0x300 ? 1 : 61)
    EXPECT_FALSE(read_bzimage(std::span(file).first(n))) << n;
  EXPECT_THAT(sentence(read_bzimage(std::span(file).first(0x3000))),
              HasSubstr("cut short: it has 12288 bytes of 18432"));
  EXPECT_TRUE(read_bzimage(std::span(file).first(file.size() - 15)));  // the last paragraph in part
}

TEST(BzImage, IsPlacedForThe32BitEntry) {
  const Bytes file = make(Linux{}), initrd(5000, 0x11);
  X86KernelFiles files;
  files.kernel = file;
  files.modules.push_back({initrd, {}});
  files.command_line = "console=ttyS0";
  files.rsdp = 0xf1234;
  files.setup_data = {{X86SetupData::kRngSeed, Bytes(32, 5)}, {X86SetupData::kDtb, Bytes(3, 6)}};
  const auto boot = place_bzimage(files, k512, X86Entry::k32);
  ASSERT_TRUE(boot) << boot.message();
  const X86BootState& s = boot->state;
  EXPECT_EQ(s.mode, X86BootState::Mode::kProtected);
  EXPECT_EQ(s.entry, kMiB);
  EXPECT_EQ(s.cs.selector, 0x10);
  EXPECT_EQ(s.cs.limit, 0xffffffffu);
  EXPECT_EQ(s.data.selector, 0x18);
  EXPECT_EQ(s.rbx, 0u);
  // The table has the same as the hidden parts: Intel SDM volume 3, figure 3-8.
  const auto gdt = piece(*boot, "the segment table");
  EXPECT_EQ(s.gdt_base, place(*boot, "the segment table"));
  EXPECT_EQ(s.gdt_limit, gdt.size() - 1);
  EXPECT_EQ(get(gdt, 0x10, 8), 0x00cf9b000000ffffu);
  EXPECT_EQ(get(gdt, 0x18, 8), 0x00cf93000000ffffu);
  EXPECT_EQ(get(gdt, 0x20, 8), 0x00008b0000000067u);

  EXPECT_EQ(place(*boot, "the kernel"), kMiB);
  EXPECT_EQ(piece(*boot, "the kernel").data(), file.data() + 0x800);
  EXPECT_EQ(s.rsi, place(*boot, "the zero page"));
  const auto zero_page = piece(*boot, "the zero page");
  ASSERT_EQ(zero_page.size(), 4096u);
  EXPECT_EQ(get(zero_page, 0x1ef, 1), 0u);  // sentinel
  EXPECT_EQ(get(zero_page, 0x202, 4), 0x53726448u);
  EXPECT_EQ(get(zero_page, 0x210, 1), 0xffu);
  EXPECT_EQ(get(zero_page, 0x214, 4), kMiB);
  EXPECT_EQ(get(zero_page, 0x70, 8), 0xf1234u);
  EXPECT_EQ(text_at(*boot, get(zero_page, 0x228, 4)), "console=ttyS0");
  EXPECT_EQ(get(zero_page, 0x218, 4), place(*boot, "the initrd"));
  EXPECT_EQ(place(*boot, "the initrd"), 512 * kMiB - 8192);
  EXPECT_EQ(get(zero_page, 0x21c, 4), 5000u);
  EXPECT_EQ(get(zero_page, 0x1e8, 1), 4u);
  EXPECT_EQ(get(zero_page, 0x2d0 + 3 * 20, 8), kMiB);
  EXPECT_EQ(get(zero_page, 0x2d0 + 3 * 20 + 8, 8), 511 * kMiB);
  EXPECT_EQ(get(zero_page, 0x2d0 + 3 * 20 + 16, 4), 1u);
  EXPECT_EQ(get(zero_page, 0x1e0, 4), 511 * 1024u);
  // The list of setup data, in the order given.
  const uint64_t first = get(zero_page, 0x250, 8);
  std::span<const uint8_t> blob;
  for (const LoadPiece& p : boot->memory.pieces())
    if (p.at == first) blob = p.bytes;
  ASSERT_EQ(blob.size(), 16u + 32);
  EXPECT_EQ(get(blob, 8, 4), 9u);
  EXPECT_EQ(get(blob, 12, 4), 32u);
  for (const LoadPiece& p : boot->memory.pieces())
    if (p.at == get(blob, 0, 8)) {
      EXPECT_EQ(get(p.bytes, 8, 4), 2u);
    }
  EXPECT_NE(get(blob, 0, 8), 0u);
}

TEST(BzImage, IsPlacedForThe64BitEntry) {
  const Bytes file = make(Linux{});
  X86KernelFiles files;
  files.kernel = file;
  const auto boot = place_bzimage(files, k512, X86Entry::kBest64);
  ASSERT_TRUE(boot) << boot.message();
  EXPECT_EQ(boot->state.mode, X86BootState::Mode::kLong);
  EXPECT_EQ(boot->state.entry, kMiB + 0x200);
  EXPECT_EQ(get(piece(*boot, "the segment table"), 0x10, 8), 0x00af9b000000ffffu);
  // Walk the tables for some addresses.
  const auto tables = piece(*boot, "the page tables");
  const uint64_t base = boot->state.cr3;
  for (const uint64_t address : {uint64_t{0}, kMiB, 16 * kMiB + 123, kFourGiB - 1}) {
    uint64_t table = base, entry = 0;
    for (const unsigned shift : {39u, 30u, 21u}) {
      entry = get(tables, table - base + 8 * (address >> shift & 511), 8);
      ASSERT_EQ(entry & 3, 3u);
      table = entry & ~uint64_t{0xfff};
    }
    EXPECT_EQ(entry & 0x80, 0x80u);
    EXPECT_EQ((entry & ~uint64_t{0x1fffff}) + (address & 0x1fffff), address);
  }
  // A 32-bit kernel is entered as such, unless that is not wanted.
  const Bytes file_32 = make(Linux{.xloadflags = 0});
  files.kernel = file_32;
  const auto boot_32 = place_bzimage(files, k512, X86Entry::kBest64);
  ASSERT_TRUE(boot_32);
  EXPECT_EQ(boot_32->state.mode, X86BootState::Mode::kProtected);
  EXPECT_THAT(sentence(place_bzimage(files, k512, X86Entry::k64)), HasSubstr("no 64-bit entry"));
}

TEST(BzImage, TheInitrdKeepsOffTheKernelAndItsLimits) {
  const Bytes initrd(3 * kMiB, 0x11);
  X86KernelFiles files;
  files.modules.push_back({initrd, {}});
  const auto at = [&](Linux k, const X86Memory& memory) {
    const Bytes file = make(k);
    files.kernel = file;
    const auto boot = place_bzimage(files, memory, X86Entry::k32);
    if (!boot) return boot.message();
    return fmt::format("{:x}", place(*boot, "the initrd"));
  };
  EXPECT_EQ(at({}, k512), "1fd00000");
  EXPECT_EQ(at({}, {.below_4g = 3072 * kMiB}), "7fd00000");  // 0x7fffffff is the last byte
  EXPECT_EQ(at({.initrd_max = 0x17ffffff}, k512), "17d00000");
  // The kernel needs 1 MiB at 16 MiB, and what is between its file and that.
  EXPECT_EQ(at({}, {.below_4g = 20 * kMiB}), "1100000");
  EXPECT_THAT(at({}, {.below_4g = 19 * kMiB}), HasSubstr("no room"));
  EXPECT_THAT(at({}, {.below_4g = 16 * kMiB}), HasSubstr("the kernel needs memory up to 18 MiB"));
  // What is reserved is not used.
  const X86Memory tables{.below_4g = 512 * kMiB, .reserved = {{{510 * kMiB, 512 * kMiB}, E820Type::kAcpi}}};
  EXPECT_EQ(at({}, tables), "1fb00000");
  // Above 4 GiB where the kernel can, and only where there is no room below.
  const X86Memory high{.below_4g = 19 * kMiB, .above_4g = 1024 * kMiB};
  EXPECT_EQ(at({}, high), "13fd00000");
  EXPECT_THAT(at({.xloadflags = 1}, high), HasSubstr("no room"));
}

TEST(BzImage, CommandLines) {
  X86KernelFiles files;
  const auto with = [&](const Linux& k, size_t n) {
    const Bytes file = make(k);
    files.kernel = file;
    files.command_line = std::string(n, 'x');
    return sentence(place_bzimage(files, k512, X86Entry::k32));
  };
  EXPECT_EQ(with({}, 2047), "");
  EXPECT_THAT(with({}, 2048),
              HasSubstr("takes a command line of 2047 bytes, and -append has 2048; shorten it"));
  EXPECT_EQ(with({.version = 0x205}, 255), "");
  EXPECT_NE(with({.version = 0x205}, 256), "");
  EXPECT_NE(with({.cmdline_size = 0xffffffff}, 100'000), "");
  // Before 2.02 the kernel looks for it by an offset from the zero page.
  const Bytes old = make(Linux{.version = 0x201});
  files.kernel = old;
  files.command_line = "ro";
  const auto boot = place_bzimage(files, k512, X86Entry::k32);
  ASSERT_TRUE(boot) << boot.message();
  const auto zero_page = piece(*boot, "the zero page");
  EXPECT_EQ(get(zero_page, 0x20, 2), 0xa33fu);
  EXPECT_EQ(text_at(*boot, boot->state.rsi + get(zero_page, 0x22, 2)), "ro");
}

TEST(BzImage, AZImageGoesLow) {
  const Bytes file = make(Linux{.version = 0x201, .loadflags = 0});
  X86KernelFiles files;
  files.kernel = file;
  const auto boot = place_bzimage(files, k512, X86Entry::k32);
  ASSERT_TRUE(boot) << boot.message();
  EXPECT_EQ(boot->state.entry, 0x1000u);
  const Bytes large = make(Linux{.version = 0x201, .loadflags = 0, .kernel_bytes = 0x90000});
  files.kernel = large;
  EXPECT_THAT(sentence(place_bzimage(files, k512, X86Entry::k32)), HasSubstr("overlap"));
}

TEST(BzImage, IsUnpacked) {
  const Bytes plain(10'000, 0x42);
  for (const packing::Packer& packer : packing::kPackers) {
    const Bytes packed = packer.pack(plain);
    Bytes file = make(Linux{.kernel_bytes = 0x4000 + packed.size(),
                            .payload_length = static_cast<uint32_t>(packed.size())});
    std::copy(packed.begin(), packed.end(), file.begin() + 0x800 + 0x300);
    const auto unpacked = unpack_bzimage(file, kMiB);
    ASSERT_TRUE(unpacked) << packer.name << unpacked.message();
    EXPECT_EQ(*unpacked, plain) << packer.name;
  }
  EXPECT_THAT(sentence(unpack_bzimage(make(Linux{}), kMiB)), HasSubstr("not known here"));
}

// --- Debian's own

class DebianKernel : public testing::TestWithParam<const char*> {};

TEST_P(DebianKernel, Boots) {
  const std::string arch = GetParam();
  const std::string path =
      "/usr/lib/debian-installer/images/12/" + arch + "/text/debian-installer/" + arch + "/linux";
  std::ifstream stream(path, std::ios::binary);
  const Bytes file{std::istreambuf_iterator<char>(stream), {}};
  if (file.empty()) GTEST_SKIP() << "no " << path << "; install debian-installer-12-netboot-" << arch;
  X86KernelFiles files;
  files.kernel = file;
  files.command_line = "console=ttyS0";
  for (const X86Entry entry : {X86Entry::k32, X86Entry::kBest64}) {
    const auto boot = place_bzimage(files, k512, entry);
    ASSERT_TRUE(boot) << boot.message();
    EXPECT_EQ(boot->state.mode == X86BootState::Mode::kLong, entry == X86Entry::kBest64 && arch == "amd64");
  }
  const auto vmlinux = unpack_bzimage(file, 256 * kMiB);
  ASSERT_TRUE(vmlinux) << vmlinux.message();
  const auto program = read_x86_elf(*vmlinux);
  ASSERT_TRUE(program) << program.message();
  EXPECT_EQ(program->segments[0].at, 16 * kMiB);
  // Entered at once, with the same zero page.
  files.unpacked = *vmlinux;
  const auto boot = place_bzimage(files, k512, X86Entry::kBest64);
  ASSERT_TRUE(boot) << boot.message();
  EXPECT_EQ(boot->state.entry, 16 * kMiB);
  EXPECT_EQ(boot->state.mode == X86BootState::Mode::kLong, arch == "amd64");
  if (arch == "amd64") {
    EXPECT_THAT(sentence(place_bzimage(files, k512, X86Entry::k32)), HasSubstr("cannot be entered"));
  }
  // Debian builds with CONFIG_PVH for amd64 alone.
  EXPECT_EQ(pvh_entry(*program).has_value(), arch == "amd64");
}
INSTANTIATE_TEST_SUITE_P(Installers, DebianKernel, testing::Values("amd64", "i386"));

}  // namespace
}  // namespace mynah
