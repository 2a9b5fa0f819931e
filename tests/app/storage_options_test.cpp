// SPDX-License-Identifier: Apache-2.0
//
// Disks and CDs on IDE and SCSI as the command line names them: what -drive makes, places, adapters.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "app/device_rows.h"
#include "app/options.h"

namespace mynah::app {
namespace {

using testing::HasSubstr;

Result<Options> parse(std::vector<std::string_view> arguments) {
  arguments.insert(arguments.begin(), {"-M", "pc", "-nic", "none"});
  return parse_options(arguments);
}
Options good(std::vector<std::string_view> arguments) {
  auto parsed = parse(std::move(arguments));
  EXPECT_TRUE(parsed) << parsed.message();
  return parsed ? std::move(*parsed) : Options();
}
std::string refused(std::vector<std::string_view> arguments) {
  const auto parsed = parse(std::move(arguments));
  EXPECT_FALSE(parsed);
  return parsed ? "" : parsed.message();
}

TEST(StorageOptions, DrivesOfIdeAreDevices) {
  const Options o = good({"-cdrom", "c", "-hda", "a", "-drive", "file=b,serial=S", "-fda", "f"});
  ASSERT_EQ(o.devices.size(), 3u);
  EXPECT_EQ(o.devices[0].row->name, "ide-cd");
  EXPECT_EQ(ide_place(o.devices[0]).index, 2u);
  EXPECT_EQ(o.devices[0].drive, "ide1-cd0");
  EXPECT_EQ(o.devices[1].drive, "ide0-hd0");
  EXPECT_EQ(o.devices[2].drive, "ide0-hd1");
  EXPECT_EQ(o.devices[2].serial, "S");
  EXPECT_EQ(o.drives[3].id, "floppy0");
  EXPECT_TRUE(o.warnings.empty());
}

TEST(StorageOptions, PlacesOnIde) {
  const Options o =
      good({"-drive", "file=d,if=none,id=d", "-device", "ich9-ahci,id=ahci", "-device",
            "ide-hd,drive=d,bus=ahci.2,unit=0,serial=S,model=M,bootindex=4", "-device", "ide-cd,id=cd"});
  ASSERT_EQ(o.devices.size(), 3u);
  const IdePlace place = ide_place(o.devices[1]);
  EXPECT_EQ(place.bus, "ahci.2");
  EXPECT_EQ(place.unit, 0u);
  EXPECT_EQ(place.boot_index, 4u);
  EXPECT_EQ(o.devices[1].model, "M");
  EXPECT_THAT(refused({"-device", "ide-hd"}), HasSubstr("needs drive=ID"));
  EXPECT_THAT(refused({"-device", "ide-hd,unit=2"}), HasSubstr("0 or 1"));
  EXPECT_THAT(refused({"-drive", "media=cdrom,if=none,id=d", "-device", "ide-hd,drive=d"}),
              HasSubstr("has no file="));
  EXPECT_THAT(refused({"-drive", "media=cdrom,if=virtio"}), HasSubstr("needs file=FILE"));
  EXPECT_THAT(refused({"-drive", "if=ide"}), HasSubstr("needs file=FILE"));
}

TEST(StorageOptions, PlacesOnScsi) {
  const Options o = good({"-drive", "file=d,if=none,id=d", "-drive", "file=e,if=none,id=e", "-device",
                          "virtio-scsi-pci,id=s0", "-device", "virtio-scsi,id=s1", "-device",
                          "scsi-hd,drive=d,bus=s1.0,scsi-id=5,lun=2", "-device", "scsi-hd,drive=e,bus=s1.0",
                          "-device", "scsi-cd,bus=s1.0", "-device", "scsi-cd"});
  ASSERT_EQ(o.devices.size(), 6u);
  EXPECT_EQ(o.devices[2].owner, 1u);
  EXPECT_EQ(o.devices[2].target, 5u);
  EXPECT_EQ(o.devices[2].lun, 2u);
  EXPECT_EQ(o.devices[3].target, 0u);
  EXPECT_EQ(o.devices[4].target, 1u);
  EXPECT_EQ(o.devices[5].owner, 0u) << "the first adapter";
  EXPECT_THAT(refused({"-device", "scsi-cd"}), HasSubstr("needs a -device virtio-scsi-pci before it"));
  EXPECT_THAT(refused({"-device", "virtio-scsi-pci,id=s", "-device", "scsi-cd,bus=t.0"}), HasSubstr("id=t"));
  EXPECT_THAT(
      refused({"-device", "virtio-scsi-pci", "-device", "scsi-cd,scsi-id=1", "-device", "scsi-cd,scsi-id=1"}),
      HasSubstr("scsi-id=1 and lun=0 already"));
  EXPECT_THAT(refused({"-device", "virtio-scsi-pci", "-device", "scsi-cd,lun=20000"}), HasSubstr("16383"));
}

}  // namespace
}  // namespace mynah::app
