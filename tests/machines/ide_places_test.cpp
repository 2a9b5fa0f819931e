// SPDX-License-Identifier: Apache-2.0
//
// Where disks and CDs go on IDE and AHCI of the board `pc`: places by bus, unit and index, the first free
// one, firmware's paths, and a sentence where there is no place.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "devices/storage/ahci.h"
#include "devices/storage/ata_disk.h"
#include "machines/pc.h"
#include "tests/devices/fakes.h"

namespace mynah {
namespace {

using testing::HasSubstr;

struct IdePlaces : testing::Test {
  IdePlaces() {
    PcConfig config;
    config.ram_bytes = 16 << 20;
    config.code_bytes = 8 << 20;
    config.cpu = *x86::parse_cpu("max");
    config.firmware = std::vector<uint8_t>(0x20000);
    machine = std::make_unique<PcMachine>(std::move(config), log);
  }
  Result<void> add(IdePlace place) {
    return machine->add_ide(
        [this](unsigned number, dev::Log& l) {
          numbers.push_back(number);
          return std::make_unique<dev::AtaDisk>(disk, dev::AtaDisk::Options{"S"}, l);
        },
        place);
  }
  std::string refused(IdePlace place) {
    const auto added = add(std::move(place));
    EXPECT_FALSE(added);
    return added ? "" : added.message();
  }
  Result<void> add_ahci(std::string id) {
    return machine->add_pci([](dev::EventQueue&, dev::Log& l) { return std::make_unique<dev::Ahci>(l); },
                            {.slot = 5, .id = std::move(id)});
  }
  dev::NullLog log;
  dev::fake::Disk disk{512 * 100};
  std::vector<unsigned> numbers;
  std::unique_ptr<PcMachine> machine;
};

TEST_F(IdePlaces, ByBusUnitAndIndex) {
  ASSERT_TRUE(add({.bus = "ide.1", .unit = 1}));
  ASSERT_TRUE(add({.index = 2}));
  ASSERT_TRUE(add({}));
  ASSERT_TRUE(add({.bus = "ide.0"}));
  EXPECT_EQ(numbers, (std::vector<unsigned>{4, 3, 1, 2}));
  EXPECT_THAT(refused({}), HasSubstr("no free place"));
  EXPECT_THAT(refused({.bus = "ide.0", .unit = 0}), HasSubstr("no free place for it on the IDE bus 'ide.0'"));
  EXPECT_THAT(refused({.index = 4}), HasSubstr("4 places"));
  EXPECT_THAT(refused({.bus = "ahci.0"}), HasSubstr("there are ide.0, ide.1"));
}

TEST_F(IdePlaces, OfAControllerThatWasAdded) {
  ASSERT_TRUE(add_ahci("ahci"));
  ASSERT_TRUE(add({.bus = "ahci.5", .boot_index = 0}));
  EXPECT_THAT(refused({.bus = "ahci.4", .unit = 1}), HasSubstr("unit 0 alone"));
  for (unsigned n = 0; n < 4 + 5; ++n) ASSERT_TRUE(add({}));
  EXPECT_THAT(refused({}), HasSubstr("ahci.5"));
  EXPECT_EQ(machine->boot_order().at(0), "/pci@i0cf8/pci8086,2922@5/drive@5/disk@0");
}

TEST_F(IdePlaces, WithoutANameNumbersGoOn) {
  ASSERT_TRUE(add_ahci(""));
  ASSERT_TRUE(add({.bus = "ide.7"}));
  ASSERT_TRUE(add({.bus = "ide.0", .boot_index = 1}));
  EXPECT_EQ(machine->boot_order().at(1), "/pci@i0cf8/ide@1,1/drive@0/disk@0");
}

}  // namespace
}  // namespace mynah
