// SPDX-License-Identifier: Apache-2.0
//
// -device loader, -fw_cfg, -semihosting and -chardev testdev as options.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "app/options.h"

namespace mynah::app {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using Words = std::vector<std::string_view>;

Options good(const Words& words) {
  auto options = parse_options(words);
  EXPECT_TRUE(options) << options.message();
  return options ? std::move(*options) : Options();
}
std::string bad(const Words& words) {
  const auto options = parse_options(words);
  EXPECT_FALSE(options) << words.back();
  return options ? std::string() : options.message();
}

TEST(BootOptions, Loaders) {
  const auto one = [](std::string_view properties) {
    const std::string value = "loader," + std::string(properties);
    const Options o = good({"-device", value});
    EXPECT_EQ(o.loads.size(), 1u);
    return o.loads.empty() ? LoaderOption() : o.loads[0];
  };
  const LoaderOption file = one("file=a,addr=0x40000000,cpu-num=0,force-raw=on");
  EXPECT_EQ(file.file, "a");
  EXPECT_EQ(file.address, 0x40000000u);
  EXPECT_EQ(file.processor, 0u);
  EXPECT_TRUE(file.raw);
  EXPECT_FALSE(one("file=a").raw);
  EXPECT_FALSE(one("file=a").address);
  EXPECT_EQ(one("addr=16,cpu-num=1").processor, 1u);
  // The bytes as they are in memory.
  const std::string_view number = "addr=0x10,data=0x1122334455667788,data-len=";
  EXPECT_THAT(one(std::string(number) + "8").data,
              ElementsAre(0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11));
  EXPECT_THAT(one(std::string(number) + "3").data, ElementsAre(0x88, 0x77, 0x66));
  EXPECT_THAT(one(std::string(number) + "8,data-be=on").data,
              ElementsAre(0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88));
  EXPECT_THAT(one(std::string(number) + "2,data-be=on").data, ElementsAre(0x11, 0x22));
  EXPECT_THAT(one("addr=1,data-len=2").data, ElementsAre(0, 0));
  EXPECT_TRUE(good({"-device", "loader,help"}).print);

  const auto refused = [](std::string_view properties) {
    const std::string value = "loader" + std::string(properties);
    return bad({"-device", value});
  };
  EXPECT_THAT(refused(""), HasSubstr("needs file=FILE"));
  EXPECT_THAT(refused(",addr=5"), HasSubstr("needs file=FILE"));
  EXPECT_THAT(refused(",cpu-num=0"), HasSubstr("needs file=FILE"));
  EXPECT_THAT(refused(",force-raw=on"), HasSubstr("needs file=FILE"));
  EXPECT_THAT(refused(",file=a,data=1,data-len=4"), HasSubstr("without a file"));
  EXPECT_THAT(refused(",file=a,data-be=on"), HasSubstr("without a file"));
  EXPECT_THAT(refused(",addr=1,data=1,data-len=4,force-raw=on"), HasSubstr("without a file"));
  EXPECT_THAT(refused(",addr=1,data=1"), HasSubstr("needs data-len="));
  EXPECT_THAT(refused(",data=1,data-len=4"), HasSubstr("needs addr="));
  EXPECT_THAT(refused(",addr=1,data=1,data-len=9"), HasSubstr("1 to 8"));
  EXPECT_THAT(refused(",addr=x"), HasSubstr("an address"));
  EXPECT_THAT(refused(",fiel=x"), HasSubstr("did you mean 'file'"));
}

TEST(BootOptions, FirmwareFiles) {
  const Options o = good({"-fw_cfg", "name=opt/a,file=f", "-fw_cfg", "opt/b,string=x,,y"});
  ASSERT_EQ(o.firmware_files.size(), 2u);
  EXPECT_EQ(o.firmware_files[0].name, "opt/a");
  EXPECT_EQ(o.firmware_files[0].file, "f");
  EXPECT_FALSE(o.firmware_files[0].text);
  EXPECT_EQ(o.firmware_files[1].name, "opt/b");
  EXPECT_EQ(o.firmware_files[1].text, "x,y");
  EXPECT_TRUE(o.warnings.empty());
  EXPECT_THAT(good({"-fw_cfg", "name=etc/a,string=x"}).warnings, ElementsAre(HasSubstr("begin with opt/")));
  EXPECT_THAT(bad({"-fw_cfg", "file=f"}), HasSubstr("needs name="));
  EXPECT_THAT(bad({"-fw_cfg", "opt/a"}), HasSubstr("either file=FILE or string=TEXT"));
  EXPECT_THAT(bad({"-fw_cfg", "opt/a,file=f,string=x"}), HasSubstr("either file=FILE or string=TEXT"));
  EXPECT_THAT(bad({"-fw_cfg", "opt/a,string=1", "-fw_cfg", "opt/a,string=2"}), HasSubstr("its own"));
  const std::string longest = "opt/" + std::string(51, 'x') + ",string=1",
                    longer = "opt/x" + longest.substr(4);
  EXPECT_EQ(good({"-fw_cfg", longest}).firmware_files.size(), 1u);
  EXPECT_THAT(bad({"-fw_cfg", longer}), HasSubstr("1 to 55 bytes"));
}

TEST(BootOptions, Semihosting) {
  EXPECT_FALSE(good({}).semihosting.enabled);
  EXPECT_TRUE(good({"-semihosting"}).semihosting.enabled);
  EXPECT_FALSE(good({"-semihosting-config", "enable=off"}).semihosting.enabled);
  EXPECT_TRUE(good({"-semihosting-config", "on"}).semihosting.enabled);
  const auto o = good({"-semihosting-config",
                       "enable=on,target=native,userspace=on,chardev=c,folder=d,arg=a b,arg=c,,d"})
                     .semihosting;
  EXPECT_TRUE(o.enabled && o.user_space);
  EXPECT_EQ(o.chardev, "c");
  EXPECT_EQ(o.folder, "d");
  EXPECT_THAT(o.arguments, ElementsAre("a b", "c,d"));
  EXPECT_THAT(bad({"-semihosting-config", "target=gdb"}), HasSubstr("not passed on"));
  EXPECT_THAT(bad({"-semihosting-config", "foldre=x"}), HasSubstr("did you mean 'folder'"));
}

TEST(BootOptions, Testdev) { EXPECT_EQ(good({"-chardev", "testdev,id=t"}).chars[0].spec, "testdev"); }

}  // namespace
}  // namespace mynah::app
