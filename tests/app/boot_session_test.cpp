// SPDX-License-Identifier: Apache-2.0
//
// Kernels of every form, run as a person runs them. Programs tell over the serial line what they find at
// their start; where QEMU is installed it has to be the same there.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <thread>

#include "tests/app/guests.h"
#include "tests/app/program.h"
#include "tests/engine/assembler.h"
#include "tests/machines/elf_builder.h"
#include "tests/machines/packing.h"

namespace mynah::app {
namespace {

using namespace test;
using namespace a64asm;
using testing::HasSubstr;

constexpr uint64_t kUart = 0x9000000;
constexpr Word kCurrentEl = system(3, 0, 4, 2, 2), kDaif = system(3, 3, 4, 2, 1);
constexpr Word and_15(unsigned d, unsigned n) { return 0x92400c00 | n << 5 | d; }
constexpr Word hlt(unsigned imm) { return 0xd4400000 | imm << 5; }

std::vector<uint8_t> bytes_of(const std::vector<uint32_t>& words) {
  std::vector<uint8_t> bytes(words.size() * 4);
  std::memcpy(bytes.data(), words.data(), bytes.size());
  return bytes;
}

// Prints X0 to X3, the exception level, the interrupt masks, and the words at these addresses, X0's where it
// is none, each with a newline, and powers off.
std::vector<uint32_t> probe(uint64_t at, const std::vector<uint64_t>& addresses) {
  enum { kPrint, kDigit };
  Code c(at);
  c(mov(20, 0)).load(9, kUart);
  for (unsigned r : {20u, 1u, 2u, 3u}) c(mov(10, r)).bl(kPrint);
  c(mrs(10, kCurrentEl)).bl(kPrint);
  c(mrs(10, kDaif)).bl(kPrint);
  for (const uint64_t address : addresses) {
    if (address)
      c.load(10, address);
    else
      c(mov(10, 20));
    c(ldr_w(10, 10)).bl(kPrint);
  }
  c.load(0, 0x84000008)(hvc(0));
  c.bind(kPrint)(movz(11, 16));
  c.bind(kDigit)(ror_imm(10, 10, 60), and_15(12, 10), add_imm(13, 12, '0'), add_imm(14, 12, 'a' - 10),
                 cmp_imm(12, 10), csel(12, 13, 14, kLt), str_w(12, 9), subs_imm(11, 11, 1))
      .b_cc(kNe, kDigit)(movz(12, '\n'), str_w(12, 9), ret());
  return c.words();
}

std::string line(uint64_t value) {
  char text[32];
  std::snprintf(text, sizeof text, "%016llx\n", static_cast<unsigned long long>(value));
  return text;
}
// What the probe prints where everything is as it should be.
std::string found(uint64_t x0, const std::vector<uint32_t>& words) {
  std::string text = line(x0) + line(0) + line(0) + line(0) + line(1 << 2) + line(0xf << 6);
  for (uint32_t word : words) text += line(word);
  return text;
}
constexpr uint32_t kTree = 0xedfe0dd0;  // a device tree's first word

struct BootForms : testing::Test {
  Folder folder;
  static Args common(const Args& more) {
    Args args{"-M",   "virt", "-cpu", "cortex-a57", "-m",    "128",      "-display",
              "none", "-nic", "none", "-serial",    "stdio", "-monitor", "none"};
    args.insert(args.end(), more.begin(), more.end());
    return args;
  }
  void expect(const Args& args, const std::string& output) {
    std::string text;
    for (const std::string& a : args) text += a + " ";
    Program program(common(args));
    EXPECT_EQ(program.finish(), 0) << text;
    EXPECT_EQ(program.output, output) << text << program.errors;
    if (::access("/usr/bin/qemu-system-aarch64", X_OK) != 0) return;
    std::string command = "timeout 20 /usr/bin/qemu-system-aarch64";
    for (const std::string& a : common(args)) command += " '" + a + "'";
    const std::string out = folder / "qemu.out";
    ASSERT_EQ(std::system((command + " > " + out + " 2> /dev/null < /dev/null").c_str()), 0) << command;
    EXPECT_EQ(folder.read("qemu.out"), output) << command;
  }
  std::string elf(uint64_t at, const std::vector<uint64_t>& addresses) {
    return folder.write("program.elf", elf_test::make(at, probe(at, addresses)));
  }
  std::string raw(uint64_t at, const std::vector<uint64_t>& addresses) {
    return folder.write("program.bin", bytes_of(probe(at, addresses)));
  }
};

TEST_F(BootForms, ElfHasTheDeviceTreeBelowItWhereThereIsRoom) {
  expect({"-kernel", elf(0x40200000, {0x40000000})}, found(0, {kTree}));
  expect({"-kernel", elf(0x40100000, {0x40000000})}, found(0, {kTree}));
  expect({"-kernel", elf(0x400ff000, {0x40000000})}, found(0, {0}));
  expect({"-kernel", elf(0x40080000, {0x40000000})}, found(0, {0}));
  expect({"-kernel", elf(0x47000000, {0x40000000}), "-append", "x"}, found(0, {kTree}));
}

TEST_F(BootForms, ElfIsGivenNoInitrd) {
  const std::string initrd = folder.write("initrd", std::string(5000, 'i'));
  const std::string file = elf(0x40200000, {0x44000000});
  expect({"-kernel", file, "-initrd", initrd}, found(0, {0}));
  Program program(common({"-kernel", file, "-initrd", initrd}));
  program.finish();
  EXPECT_THAT(program.errors, HasSubstr("warning: the kernel is an ELF program, which gets no initrd"));
}

TEST_F(BootForms, ElfOfSeveralSegmentsAndZeroes) {
  constexpr uint64_t kAt = 0x40200000;
  const auto code = bytes_of(probe(kAt, {0x40300000, 0x40300004, 0x40400000}));
  const elf_test::File f{.entry = kAt + 0xffff000000000000,
                         .segments = {{.at = 0x40300000, .bytes = {1, 2, 3, 4}, .memory = 64},
                                      {.at = kAt, .bytes = code, .virtual_address = kAt + 0xffff000000000000},
                                      {.at = 0x40400000, .bytes = {5, 6, 7, 8}, .flags = 6}},
                         .type = 3};
  expect({"-kernel", folder.write("several.elf", elf_test::make(f))}, found(0, {0x04030201, 0, 0x08070605}));
}

TEST_F(BootForms, RawIsStartedAsLinuxIs) {
  constexpr uint64_t kAt = 0x40080000;
  expect({"-kernel", raw(kAt, {0})}, found(0x44000000, {kTree}));
  const std::string initrd = folder.write("initrd", std::string(5'000'000, 'i'));
  expect({"-kernel", raw(kAt, {0, 0x44000000}), "-initrd", initrd}, found(0x44600000, {kTree, 0x69696969}));
  // U-Boot's header is taken off.
  std::string u_boot("\x27\x05\x19\x56", 4);
  u_boot.resize(64);
  u_boot[14] = 0x10;  // 4 KiB
  u_boot[29] = 22;
  u_boot[30] = 3;
  const std::string disk = folder.write("uinitrd", u_boot + std::string(0x1000, 'r'));
  expect({"-kernel", raw(kAt, {0, 0x44000000}), "-initrd", disk}, found(0x44200000, {kTree, 0x72727272}));
  expect({"-kernel", raw(kAt, {0}), "-initrd", "/dev/null"}, found(0x44000000, {kTree}));
}

TEST_F(BootForms, LoadersPutFilesDataAndStarts) {
  constexpr uint64_t kAt = 0x40400000;
  const std::string blob = folder.write("blob", std::string("ABCDEFGHIJKLMNOP"));
  const std::string other =
      folder.write("other.elf", elf_test::make(kAt, probe(kAt, {0x41000000, 0x41000004})));
  const Args kernel{"-kernel", raw(0x40080000, {0})};
  const auto with = [&](Args more) {
    more.insert(more.begin(), kernel.begin(), kernel.end());
    return more;
  };
  // With a kernel, which does not begin.
  expect(with({"-device", "loader,file=" + other + ",cpu-num=0", "-device",
               "loader,file=" + blob + ",addr=0x41000000"}),
         found(0, {0x44434241, 0x48474645}));
  // Data below a file is lost.
  expect({"-device", "loader,file=" + other + ",cpu-num=0", "-device",
          "loader,addr=0x41000004,data=0x11223344,data-len=4", "-device",
          "loader,file=" + blob + ",addr=0x41000000"},
         found(0, {0x44434241, 0x48474645}));
  expect({"-device", "loader,file=" + other + ",cpu-num=0", "-device",
          "loader,addr=0x41000000,data=0x1122334455667788,data-len=6"},
         found(0, {0x55667788, 0x3344}));
  expect({"-device", "loader,file=" + other + ",cpu-num=0", "-device",
          "loader,addr=0x41000000,data=0x1122334455667788,data-len=6,data-be=on"},
         found(0, {0x44332211, 0x6655}));
  expect(with({"-device", "loader,file=" + blob + ",addr=0x41000000", "-device",
               "loader,file=" + folder.write("raw", bytes_of(probe(kAt, {0x41000000}))) + ",addr=0x40400000",
               "-device", "loader,addr=0x40400000,cpu-num=0"}),
         found(0, {0x44434241}));
}

TEST_F(BootForms, KernelsAreUncompressed) {
  for (const packing::Packer& packer : packing::kPackers) {
    const auto packed = packer.pack(hello_guest());
    for (const auto& file : {packed, packing::zboot(packed, packer.in_zboot),
                             packer.pack(elf_test::make(0x40200000, probe(0x40200000, {})))}) {
      Program program({"-nographic", "-nic", "none", "-kernel", folder.write("kernel", file)});
      EXPECT_EQ(program.finish(), 0) << packer.name << program.errors;
      EXPECT_EQ(program.output, &file == &packed ? "hello\n" : program.output);
      EXPECT_FALSE(program.output.empty()) << packer.name;
    }
  }
}

TEST_F(BootForms, AnyFileIsAnInitrd) {
  for (const auto& initrd :
       {std::string(5000, 'x'), std::string(1, '\0'), std::string("\x1f\x8b\x08\0\0", 5)}) {
    Program program({"-nographic", "-nic", "none", "-kernel", folder.write("kernel", hello_guest()),
                     "-initrd", folder.write("initrd", initrd)});
    EXPECT_EQ(program.finish(), 0) << program.errors;
    EXPECT_EQ(program.output, "hello\n");
  }
  Program warned({"-nographic", "-nic", "none", "-kernel", folder.write("kernel", idle_guest()), "-initrd",
                  folder.write("initrd", std::string(5000, 'x'))});
  EXPECT_TRUE(warned.wait_for_error("warning: the initrd '" + (folder / "initrd") + "' is neither a cpio"));
  warned.signal(SIGTERM);
  EXPECT_EQ(warned.finish(), 0);
}

TEST_F(BootForms, WhatCannotStartIsSaidInOneSentence) {
  const auto refused = [&](const Args& args, const std::string& says) {
    Program program(common(args));
    EXPECT_EQ(program.finish(), 1) << says;
    EXPECT_THAT(program.errors, HasSubstr(says));
    EXPECT_EQ(std::count(program.errors.begin(), program.errors.end(), '\n'), 1) << program.errors;
  };
  const auto file = [&](const elf_test::File& f) { return folder.write("bad.elf", elf_test::make(f)); };
  const std::vector<uint8_t> some(16, 1);
  refused({"-kernel", file({.segments = {{.at = 0x40000000, .bytes = some}}, .machine = 62})},
          "ELF file for x86-64");
  refused({"-kernel", file({.segments = {{.at = 0x40000000, .bytes = some}}, .is_64 = false})},
          "a 32-bit ELF file");
  refused({"-kernel", file({.segments = {{.at = 0x0, .bytes = some}}})},
          "segment 0 of the kernel belongs at 0x0");
  refused({"-kernel", file({.segments = {{.at = 0x50000000, .bytes = some}}})}, "use a larger -m");
  refused(
      {"-kernel", file({.segments = {{.at = 0x40000000, .bytes = some}, {.at = 0x40000008, .bytes = some}}})},
      "overlap in memory");
  auto shorter = elf_test::make(0x40000000, {1, 2, 3});
  shorter.resize(shorter.size() - 1);
  refused({"-kernel", folder.write("short.elf", shorter)}, "ELF file that is cut short");
  const std::string blob = folder.write("blob", some);
  refused({"-device", "loader,file=" + blob + ",addr=0x40000000,cpu-num=0"}, "the device tree");
  refused({"-device", "loader,file=" + blob + ",addr=0x41000000,cpu-num=3"}, "no processor 3");
  refused({"-device", "loader,file=" + blob + ",addr=0x41000000"}, "nothing to start");
  refused({"-kernel", folder.write("z", packing::zboot(some, "lz4"))}, "compressed with lz4");
  const std::string kernel = folder.write("kernel", hello_guest());
  refused({"-kernel", kernel, "-fw_cfg", "opt/a,file=" + (folder / "none")}, "cannot read the file");
}

// The device's items are there for whoever reads them; without ACPI tables the first file has the first key.
TEST_F(BootForms, FilesOfFwCfgAreFoundByTheGuest) {
  constexpr uint64_t kAt = 0x40200000;
  enum { kItem, kByte };
  Code c(kAt);
  c.load(9, kUart).load(8, 0x9020000);
  const auto print_item = [&](unsigned key, unsigned bytes) {
    c.load(1, (key & 0xff) << 8 | key >> 8)(0x79001101).load(11, bytes).bl(kItem);  // strh w1, [x8, #8]
  };
  print_item(0x19, 4 + 64);
  print_item(0x20, 7);
  c.load(0, 0x84000008)(hvc(0));
  c.bind(kItem).bind(kByte)(ldrb(12, 8), str_w(12, 9), subs_imm(11, 11, 1)).b_cc(kNe, kByte)(ret());
  const std::string kernel = folder.write("program.elf", elf_test::make(kAt, c.words()));
  for (const std::string& how :
       {std::string("string=content"), "file=" + folder.write("f", std::string("content"))}) {
    Program program(common({"-no-acpi", "-kernel", kernel, "-fw_cfg", "name=opt/org.test/x," + how}));
    EXPECT_EQ(program.finish(), 0) << program.errors;
    std::string directory(4 + 64, '\0');
    directory[3] = 1;
    directory[7] = 7;
    directory[9] = 0x20;
    directory.replace(12, 14, "opt/org.test/x");
    EXPECT_EQ(program.output, directory + "content");
  }
  Program warned(common({"-kernel", kernel, "-fw_cfg", "etc/x,string=content"}));
  EXPECT_EQ(warned.finish(), 0);
  EXPECT_THAT(warned.errors, HasSubstr("begin with opt/"));
}

// What test programs write to end the emulator.
TEST_F(BootForms, TheTestdevLineEndsTheRun) {
  constexpr uint64_t kAt = 0x40200000;
  Code c(kAt);
  c.load(9, kUart)(movz(1, '5'), str_w(1, 9), movz(1, 'q'), str_w(1, 9), kWfi, b(-4));
  Program program({"-display", "none", "-nic", "none", "-monitor", "none", "-chardev", "testdev,id=t",
                   "-serial", "chardev:t", "-kernel",
                   folder.write("program.elf", elf_test::make(kAt, c.words()))});
  EXPECT_EQ(program.finish(), 11) << program.errors;
}

// --- semihosting

// W0 and X1, and the call.
Code& call(Code& c, unsigned operation) { return c(movz_w(0, operation), hlt(0xf000)); }

enum Label { kText, kBlock, kBuffer, kAgain, kHandler };
// Says hello and ends with 5; where the call is undefined, it powers off.
std::vector<uint8_t> semihosting_hello(uint64_t at = 0x40200000) {
  Code c(at);
  c.adr(1, kHandler)(msr(kVbar, 1));
  c.adr(1, kText);
  call(c, 0x04);
  c.adr(1, kBlock);
  call(c, 0x18);
  c.bind(kBlock)(0x20026, 0, 5, 0).bind(kText)(0x6c6c6568, 0x000a6f);
  c.pad_to(at + 0x800).bind(kHandler).pad_to(at + 0xa00).load(0, 0x84000008)(hvc(0));
  return elf_test::make(at, c.words());
}
// Reads characters and writes them, up to q.
std::vector<uint8_t> semihosting_echo(uint64_t at = 0x40200000) {
  Code c(at);
  c.bind(kAgain);
  call(c, 0x07);
  c.adr(1, kBuffer)(strb(0, 1), mov(19, 0));
  call(c, 0x03);
  c(cmp_imm(19, 'q')).b_cc(kNe, kAgain);
  c.adr(1, kBlock);
  call(c, 0x18);
  c.bind(kBuffer)(0, 0).bind(kBlock)(0x20026, 0, 0, 0);
  return elf_test::make(at, c.words());
}

struct Semihosting : testing::TestWithParam<const char*> {
  Folder folder;
  Args args(const std::vector<uint8_t>& elf, Args more) {
    Args all{"-display", "none", "-serial", "none",     "-monitor", "none",
             "-nic",     "none", "-accel",  GetParam(), "-kernel",  folder.write("program.elf", elf)};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
};
INSTANTIATE_TEST_SUITE_P(Accelerators, Semihosting, testing::Values("jit", "interp"),
                         [](const auto& parameter) { return std::string(parameter.param); });

TEST_P(Semihosting, AProgramPrintsAndEndsWithItsCode) {
  for (const Args& how : {Args{"-semihosting"}, Args{"-semihosting-config", "enable=on,target=native"},
                          Args{"-semihosting", "-icount", "shift=3"}, Args{"-semihosting", "-no-shutdown"}}) {
    Program program(args(semihosting_hello(), how));
    EXPECT_EQ(program.finish(), 5) << program.errors;
    EXPECT_EQ(program.output, "hello\n");
  }
  Program shared({"-nographic", "-nic", "none", "-semihosting", "-accel", GetParam(), "-kernel",
                  folder.write("program.elf", semihosting_hello())});
  EXPECT_EQ(shared.finish(), 5);
  EXPECT_EQ(shared.output, "hello\n");
}

TEST_P(Semihosting, WithoutItTheCallIsUndefined) {
  for (const Args& how : {Args{}, Args{"-semihosting-config", "enable=off"}}) {
    Program program(args(semihosting_hello(), how));
    EXPECT_EQ(program.finish(), 0);
    EXPECT_EQ(program.output, "");
  }
}

TEST_P(Semihosting, TheConsoleMayBeAnyLine) {
  Program program(args(semihosting_hello(), {"-chardev", "file,id=c,path=" + (folder / "out"),
                                             "-semihosting-config", "enable=on,chardev=c"}));
  EXPECT_EQ(program.finish(), 5);
  EXPECT_EQ(folder.read("out"), "hello\n");
  EXPECT_EQ(program.output, "");
  Program absent(args(semihosting_hello(), {"-semihosting-config", "enable=on,chardev=none"}));
  EXPECT_EQ(absent.finish(), 1);
  EXPECT_THAT(absent.errors, HasSubstr("no -chardev with id=none"));
}

TEST_P(Semihosting, InputIsWaitedForWithoutWork) {
  for (const Args& how :
       {Args{"-semihosting"}, Args{"-semihosting", "-icount", "shift=3"}, Args{"-semihosting", "-smp", "4"},
        Args{"-semihosting", "-smp", "4", "-icount", "shift=3"}}) {
    Program program(args(semihosting_echo(), how));
    program.type("ab");
    EXPECT_TRUE(program.wait_for("ab"));
    const double before = program.processor_seconds();
    std::this_thread::sleep_for(500ms);
    EXPECT_LT(program.processor_seconds() - before, 0.1);
    program.type("cq");
    EXPECT_EQ(program.finish(), 0);
    EXPECT_EQ(program.output, "abcq");
  }
}

// Opens "f" in its folder for writing, writes two letters, and ends with the handle's error or 0.
TEST_P(Semihosting, FilesAreThoseOfTheFolder) {
  constexpr uint64_t kAt = 0x40200000;
  enum { kOpen = 100, kWrite, kName, kBad };
  Code c(kAt);
  c.adr(1, kOpen).adr(2, kName)(str(2, 1));
  call(c, 0x01);
  c(adds_imm(kZr, 0, 1)).b_cc(kEq, kBad);
  c.adr(1, kWrite)(str(0, 1)).adr(2, kName)(str(2, 1, 8));
  call(c, 0x05);
  c.adr(1, kBlock)(str(0, 1, 8));
  call(c, 0x18);
  c.bind(kBad);
  call(c, 0x13);
  c.adr(1, kBlock)(str(0, 1, 8));
  call(c, 0x18);
  while (c.here() % 8) c(kNop);
  c.bind(kOpen)(0, 0, 4, 0, 4, 0).bind(kWrite)(0, 0, 0, 0, 2, 0).bind(kBlock)(0x20026, 0, 0, 0);
  c.bind(kName)(0x64636261, 0);
  const auto elf = elf_test::make(kAt, c.words());
  {
    Program program(args(elf, {"-semihosting"}));
    EXPECT_EQ(program.finish(), 13);  // EACCES
    EXPECT_THAT(program.errors, HasSubstr("add folder=DIR to -semihosting-config"));
  }
  Program program(args(elf, {"-semihosting-config", "folder=" + (folder / "")}));
  EXPECT_EQ(program.finish(), 0) << program.errors;
  EXPECT_EQ(folder.read("abcd"), "ab");
  Program none(args(elf, {"-semihosting-config", "folder=" + (folder / "none")}));
  EXPECT_EQ(none.finish(), 1);
  EXPECT_THAT(none.errors, HasSubstr("check folder="));
}

}  // namespace
}  // namespace mynah::app
