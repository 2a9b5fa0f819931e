// SPDX-License-Identifier: Apache-2.0
//
// Media of CDs and floppies in the monitor: info block, change, eject, and what is said where they cannot.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/app/program.h"

namespace mynah::app {
namespace {

using namespace test;
using testing::HasSubstr;
using testing::Not;

struct Media : testing::Test {
  std::string image(const std::string& name, size_t bytes) {
    return folder.write(name, std::vector<uint8_t>(bytes, 0x5a));
  }
  // The machine stands at its first instruction.
  Args with(Args more) {
    Args args{"-M",
              "pc",
              "-S",
              "-display",
              "none",
              "-nic",
              "none",
              "-serial",
              "null",
              "-bios",
              image("bios", 0x20000),
              "-monitor",
              "stdio"};
    args.insert(args.end(), more.begin(), more.end());
    return args;
  }
  // What the monitor says to these lines.
  std::string says(Args more, const std::string& lines) {
    Program program(with(std::move(more)));
    EXPECT_TRUE(program.wait_for("(mynah) ")) << program.errors;
    program.type(lines + "quit\n");
    EXPECT_EQ(program.finish(), 0) << program.errors;
    return program.output;
  }
  Folder folder;
};

TEST_F(Media, SendKey) {
  const std::string said =
      says({}, "sendkey ctrl-alt-delete\nsendkey a 50\nsendkey 0xd0\nsendkey ctrl-foo\nsendkey\n");
  EXPECT_THAT(said, HasSubstr("there is no key 'foo'"));
  EXPECT_THAT(said, HasSubstr("sendkey KEY[-KEY...] [MS]"));
  EXPECT_THAT(said, Not(HasSubstr("lost")));
}

TEST_F(Media, ChangeAndEject) {
  const std::string first = image("first.iso", 2 << 20), second = image("second.iso", 3 << 20);
  const std::string floppy = image("floppy.img", 1440 << 10), other = image("other.img", 720 << 10);
  const std::string text = says({"-cdrom", first, "-fda", floppy},
                                "info block\nchange ide1-cd0 " + second + "\nchange floppy0 " + other +
                                    "\ninfo block\neject ide1-cd0\neject floppy0\ninfo block\n");
  EXPECT_THAT(text, HasSubstr("ide1-cd0: " + first + " (2 MiB, read-only)"));
  EXPECT_THAT(text, HasSubstr("ide1-cd0: " + second + " (3 MiB, read-only)"));
  EXPECT_THAT(text, HasSubstr("floppy0: " + other + " (1 MiB)"));
  EXPECT_THAT(text, HasSubstr("not locked, tray closed"));
  EXPECT_THAT(text, HasSubstr("ide1-cd0: [not inserted]"));
  EXPECT_THAT(text, HasSubstr("not locked, tray open"));
  EXPECT_THAT(text, HasSubstr("floppy0: [not inserted]"));
}

TEST_F(Media, DrivesWithoutAMedium) {
  const std::string iso = image("a.iso", 2 << 20);
  const std::string text =
      says({"-device", "ide-cd,id=cd0", "-drive", "media=cdrom,id=cd1", "-drive", "if=floppy"},
           "info block\nchange cd0 " + iso + " raw\nchange cd1 " + iso + "\ninfo block\n");
  EXPECT_THAT(text, HasSubstr("cd0: [not inserted]"));
  EXPECT_THAT(text, HasSubstr("cd1: [not inserted]"));
  EXPECT_THAT(text, HasSubstr("floppy0: [not inserted]"));
  EXPECT_THAT(text, HasSubstr("cd0: " + iso));
  EXPECT_THAT(text, HasSubstr("cd1: " + iso));
}

TEST_F(Media, WhatCannotBe) {
  const std::string iso = image("a.iso", 2 << 20), disk = image("disk", 1 << 20);
  const std::string text = says({"-cdrom", iso, "-hda", disk},
                                "change nothing " + iso + "\neject ide0-hd0\nchange ide1-cd0 /no/such.iso\n" +
                                    "change ide1-cd0\nchange ide1-cd0 " + iso + " vmware\ninfo block\n");
  EXPECT_THAT(text, HasSubstr("there is no drive 'nothing' for media; there are ide1-cd0"));
  EXPECT_THAT(text, HasSubstr("there is no drive 'ide0-hd0'"));
  EXPECT_THAT(text, HasSubstr("/no/such.iso"));
  EXPECT_THAT(text, HasSubstr("change [-f] DRIVE FILE"));
  EXPECT_THAT(text, HasSubstr("'vmware' is no format"));
  EXPECT_THAT(text, HasSubstr("ide1-cd0: " + iso + " (2 MiB")) << "the old one stays";
  EXPECT_THAT(says({"-hda", disk}, "eject x\n"), HasSubstr("no drive for media"));
}

}  // namespace
}  // namespace mynah::app
