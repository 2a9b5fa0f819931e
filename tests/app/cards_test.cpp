// SPDX-License-Identifier: Apache-2.0
//
// Cards on the command line: what stands behind each, and the monitor's view of the memory balloon.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "app/device_rows.h"
#include "app/options.h"
#include "tests/app/guests.h"
#include "tests/app/program.h"

namespace mynah::app {
namespace {

using namespace test;
using testing::HasSubstr;

std::string refused(std::vector<std::string_view> arguments) {
  const auto parsed = parse_options(arguments);
  EXPECT_FALSE(parsed);
  return parsed ? "" : parsed.message();
}

TEST(Cards, NeedWhatIsBehindThem) {
  EXPECT_THAT(refused({"-device", "nvme,serial=a"}), HasSubstr("-device nvme needs drive=ID"));
  EXPECT_THAT(refused({"-device", "e1000"}), HasSubstr("-device e1000 needs netdev=ID"));
  EXPECT_THAT(refused({"-device", "e1000e,netdev=x"}), HasSubstr("there is no -netdev with id=x"));
  EXPECT_THAT(refused({"-device", "pci-serial"}), HasSubstr("-device pci-serial needs chardev=ID"));
  EXPECT_THAT(refused({"-device", "nvme,max_ioqpairs=65"}), HasSubstr("a number from 1 to 64"));
  EXPECT_THAT(refused({"-device", "e1000,vectors=3"}), HasSubstr("vectors"));
}

TEST(Cards, AreMadeFromOptions) {
  const auto parsed = parse_options(std::vector<std::string_view>{
      "-drive", "if=none,id=d,file=x,format=raw", "-device", "nvme,drive=d,serial=abc,max_ioqpairs=4,addr=5",
      "-netdev", "user,id=n", "-device", "e1000,netdev=n,mac=52:54:00:00:00:09", "-device", "virtio-balloon",
      "-device", "pci-testdev"});
  ASSERT_TRUE(parsed) << parsed.message();
  const auto& devices = parsed->devices;
  ASSERT_EQ(devices.size(), 4u);
  EXPECT_EQ(devices[0].queue_pairs, 4u);
  EXPECT_EQ(devices[0].serial, "abc");
  EXPECT_EQ(pci_place(devices[0]).slot, 5u);
  EXPECT_EQ(devices[1].mac->back(), 9);
  EXPECT_EQ(devices[2].row->name, "virtio-balloon-pci");
}

Args with(const Folder& folder, const std::vector<uint8_t>& guest, Args more) {
  Args args{"-kernel", folder.write("kernel", guest), "-nic", "none", "-m", "256"};
  args.insert(args.end(), more.begin(), more.end());
  return args;
}

TEST(Cards, NvmeHasASerialNumber) {
  const Folder folder;
  const std::string disk = folder.write("disk", std::string(4096, 0));
  const Args drive{"-nographic", "-drive", "if=none,id=d,format=raw,file=" + disk, "-device"};
  Args without = drive, large = drive, good = drive;
  without.push_back("nvme,drive=d");
  large.push_back("nvme,drive=d,serial=a,logical_block_size=8192,physical_block_size=8192");
  good.push_back("nvme,drive=d,serial=a");
  Program first(with(folder, hello_guest(), without));
  EXPECT_EQ(first.finish(), 1);
  EXPECT_THAT(first.errors, HasSubstr("needs serial=TEXT"));
  Program second(with(folder, hello_guest(), large));
  EXPECT_EQ(second.finish(), 1);
  EXPECT_THAT(second.errors, HasSubstr("512 to 4096"));
  Program third(with(folder, hello_guest(), good));
  EXPECT_EQ(third.finish(), 0);
  EXPECT_EQ(third.output, "hello\n");
}

TEST(Cards, TheMonitorKnowsTheBalloon) {
  const Folder folder;
  for (const std::string device : {"virtio-balloon-pci", "virtio-balloon-device"}) {
    Program program(with(folder, echo_guest(),
                         {"-display", "none", "-serial", "null", "-monitor", "stdio", "-device", device}));
    ASSERT_TRUE(program.wait_for("(mynah) ")) << program.output << program.errors;
    program.type("info balloon\n");
    EXPECT_TRUE(program.wait_for("balloon: actual=256")) << program.output;
    program.type("balloon 100\nballoon\n");
    EXPECT_TRUE(program.wait_for("balloon MEGABYTES")) << program.output;
    program.type("quit\n");
    EXPECT_EQ(program.finish(), 0);
  }
  Program none(with(folder, echo_guest(), {"-display", "none", "-serial", "null", "-monitor", "stdio"}));
  ASSERT_TRUE(none.wait_for("(mynah) ")) << none.output << none.errors;
  none.type("info balloon\nquit\n");
  EXPECT_EQ(none.finish(), 0);
  EXPECT_THAT(none.output, HasSubstr("has no memory balloon"));
}

}  // namespace
}  // namespace mynah::app
