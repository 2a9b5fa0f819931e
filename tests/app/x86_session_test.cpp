// SPDX-License-Identifier: Apache-2.0
//
// Whole runs of the program with small guests for x86: a program's own exit code, the debug console, files of
// -fw_cfg; and what is said where they are not possible.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/app/guests.h"
#include "tests/app/program.h"
#include "tests/machines/x86_guests.h"

namespace mynah::app {
namespace {

using namespace test;
using testing::HasSubstr;
using x86_test::Guest;

struct X86Session : testing::Test {
  Folder folder;
  Args with(const Guest& guest, Args more = {}) const {
    Args args{"-M", "microvm", "-nographic", "-kernel", folder.write("kernel", guest.file())};
    args.insert(args.end(), more.begin(), more.end());
    return args;
  }
};

TEST_F(X86Session, AProgramEndsWithItsOwnCode) {
  Program usual(with(Guest().out8(0x501, 0x10).sleep_forever(), {"-device", "isa-debug-exit"}));
  EXPECT_EQ(usual.finish(), 33) << usual.errors;
  Program moved(
      with(Guest().out8(0xf4, 0).sleep_forever(), {"-device", "isa-debug-exit,iobase=0xf4,iosize=0x04"}));
  EXPECT_EQ(moved.finish(), 1) << moved.errors;
}

// A kernel that starts the watchdog of slot 16, which counts microseconds, and waits.
TEST_F(X86Session, AWatchdogDoesWhatItIsFor) {
  Guest guest;
  const auto out32 = [&guest](uint16_t port, uint32_t value) {
    guest.mov(Guest::kEdx, port).mov(Guest::kEax, value).bytes({0xef});
  };
  constexpr uint32_t kConfigSpace = 0x80008000;
  out32(0xcf8, kConfigSpace | 0x60);
  guest.out8(0xcfc, 7);
  out32(0xcf8, kConfigSpace | 0x68);
  guest.out8(0xcfc, 2).sleep_forever();
  const std::string file = folder.write("kernel", guest.file());
  const auto with_action = [&file](Args more) {
    Args args{"-M",      "pc",   "-nic",    "none", "-display", "none",
              "-serial", "null", "-kernel", file,   "-device",  "i6300esb,addr=0x10"};
    args.insert(args.end(), more.begin(), more.end());
    return args;
  };
  Program reset(with_action({"-no-reboot"}));
  EXPECT_EQ(reset.finish(), 0) << reset.errors;
  Program off(with_action({"-watchdog-action", "poweroff"}));
  EXPECT_EQ(off.finish(), 0) << off.errors;
  Program pause(with_action({"-action", "watchdog=pause", "-monitor", "stdio"}));
  ASSERT_TRUE(pause.wait_for("(mynah) ")) << pause.errors;
  for (unsigned tries = 0; tries < 100 && pause.output.find("(watchdog)") == std::string::npos; ++tries) {
    pause.type("info status\n");
    pause.wait_for("(watchdog)", 200ms);
  }
  EXPECT_THAT(pause.output, HasSubstr("paused (watchdog)"));
  pause.type("quit\n");
  EXPECT_EQ(pause.finish(), 0) << pause.errors;
}

// A kernel that writes each module's first byte and text to the debug console.
TEST_F(X86Session, MultibootKernelsHaveModules) {
  constexpr uint32_t kAt = 0x100000;
  const uint32_t header[] = {0x1badb002, 0x10003, 0u - 0x1badb002 - 0x10003, kAt, kAt, 0, 0, kAt + 32};
  std::string kernel(reinterpret_cast<const char*>(header), sizeof header);
  for (const int byte : {0x8b, 0x73, 0x18,                 // mov esi, [ebx + 24]: the list of modules
                         0x8b, 0x4b, 0x14,                 // mov ecx, [ebx + 20]: how many
                         0xba, 0xe9, 0,    0,    0,        // mov edx, 0xe9
                         0x8b, 0x3e, 0x8a, 0x07, 0xee,     // its first byte
                         0x8b, 0x7e, 0x08,                 // mov edi, [esi + 8]: its text
                         0x8a, 0x07, 0x84, 0xc0, 0x74, 4,  // to the zero
                         0xee, 0x47, 0xeb, 0xf6,           //
                         0x83, 0xc6, 0x10, 0xe2, 0xe9,     // the next one
                         0xba, 0x01, 0x05, 0,    0,        // mov edx, 0x501: ends
                         0xb0, 0x10, 0xee, 0xf4, 0xeb, 0xfd})
    kernel += static_cast<char>(byte);
  const std::string file = folder.write("kernel", kernel), one = folder.write("a", "1st"),
                    two = folder.write("b", "2nd");
  for (const char* board : {"microvm", "pc", "q35"}) {
    const Args args{"-M",        board,
                    "-display",  "none",
                    "-nic",      "none",
                    "-kernel",   file,
                    "-device",   "isa-debug-exit,iobase=0x501",
                    "-debugcon", "file:" + (folder / "said"),
                    "-initrd"};
    const auto run = [&](const std::string& initrd) {
      Args all = args;
      all.push_back(initrd);
      Program program(all);
      EXPECT_EQ(program.finish(), 33) << board << program.errors;
      EXPECT_EQ(program.errors, "") << board;
      return folder.read("said");
    };
    EXPECT_EQ(run(one + " x y," + two), "1" + one + " x y2" + two);
    EXPECT_EQ(run(one), "1" + one);
  }
  Program uefi({"-M", "pc", "-display", "none", "-kernel", file, "-bios", "OVMF.fd"});
  EXPECT_EQ(uefi.finish(), 1);
  if (uefi.errors.find("cannot read") == std::string::npos) {
    EXPECT_THAT(uefi.errors, HasSubstr("UEFI does not start multiboot kernels"));
  }
  Program absent({"-M", "pc", "-display", "none", "-kernel", file, "-initrd", one + ",absent"});
  EXPECT_EQ(absent.finish(), 1);
  EXPECT_THAT(absent.errors, HasSubstr("cannot read the module 'absent'"));
}

TEST_F(X86Session, ConsoleAtAPort) {
  const Guest guest = Guest().print(0xe9, "seen").print(0x402, "moved").power_off().sleep_forever();
  Program file(with(guest, {"-debugcon", "file:" + (folder / "debug")}));
  EXPECT_EQ(file.finish(), 0) << file.errors;
  EXPECT_EQ(folder.read("debug"), "seen");
  Program moved(
      with(guest, {"-debugcon", "file:" + (folder / "moved"), "-global", "isa-debugcon.iobase=0x402"}));
  EXPECT_EQ(moved.finish(), 0) << moved.errors;
  EXPECT_EQ(folder.read("moved"), "moved");
  Program device(with(guest, {"-chardev", "file,id=log,path=" + (folder / "device"), "-device",
                              "isa-debugcon,iobase=0x402,chardev=log"}));
  EXPECT_EQ(device.finish(), 0) << device.errors;
  EXPECT_EQ(folder.read("device"), "moved");
  Program serial(with(guest, {"-serial", "null", "-monitor", "none", "-debugcon", "stdio"}));
  EXPECT_EQ(serial.finish(), 0) << serial.errors;
  EXPECT_EQ(serial.output, "seen");
}

TEST_F(X86Session, AFileOfTheHostByFwCfg) {
  // The first file of a person's is behind etc/e820.
  Guest guest;
  guest.out16(0x510, 0x21);
  for (unsigned i = 0; i < 5; ++i) guest.mov(Guest::kEdx, 0x511).in_al().mov(Guest::kEdx, 0x3f8).out_al();
  Program program(
      with(guest.power_off().sleep_forever(), {"-fw_cfg", "name=opt/org.example/a,string=hello"}));
  EXPECT_EQ(program.finish(), 0) << program.errors;
  EXPECT_EQ(program.output, "hello");
}

TEST_F(X86Session, WhatIsNotPossibleIsSaid) {
  const auto says = [&](Args more) {
    Program program(with(Guest().sleep_forever(), std::move(more)));
    EXPECT_EQ(program.finish(), 1);
    return program.errors;
  };
  EXPECT_THAT(says({"-device", "isa-debug-exit,iobase=0x70"}),
              HasSubstr("mc146818rtc has ports 0x70 to 0x71"));
  EXPECT_THAT(says({"-device", "isa-debug-exit,iobase=0x10000"}), HasSubstr("0xffff"));
  EXPECT_THAT(says({"-device", "isa-debug-exit,iobase=0xffff"}), HasSubstr("I/O space"));
  EXPECT_THAT(says({"-device", "isa-debugcon"}), HasSubstr("chardev=ID"));
  EXPECT_THAT(says({"-debugcon", "mon:stdio"}), HasSubstr("monitor"));
  EXPECT_THAT(says({"-debugcon", "nonsense"}), HasSubstr("-debugcon"));
  Program virt({"-M", "virt", "-nographic", "-kernel", folder.write("Image", hello_guest()), "-device",
                "isa-debug-exit"});
  EXPECT_EQ(virt.finish(), 1);
  EXPECT_THAT(virt.errors, HasSubstr("no ISA bus"));
}

}  // namespace
}  // namespace mynah::app
