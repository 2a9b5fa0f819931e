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

TEST(StorageOptions, FloppyDrivesAreTheBoards) {
  Options o = good({"-blockdev", "driver=file,node-name=f,filename=a", "-device", "floppy,drive=f,unit=1",
                    "-device", "floppy,id=e"});
  ASSERT_EQ(o.drives.size(), 2u);
  EXPECT_TRUE(o.devices.empty());
  EXPECT_EQ(o.drives[0].interface, DriveOption::Interface::kFloppy);
  EXPECT_EQ(o.drives[0].unit, 1u);
  EXPECT_EQ(o.drives[1].unit, 0u);
  EXPECT_EQ(o.drives[1].id, "e");
  o = good({"-drive", "if=none,id=f,file=a", "-global", "isa-fdc.driveB=f"});
  EXPECT_EQ(o.drives[0].unit, 1u);
  EXPECT_TRUE(o.warnings.empty());
  EXPECT_THAT(refused({"-device", "floppy,drive=f"}), HasSubstr("the id f"));
  EXPECT_THAT(refused({"-fda", "a", "-device", "floppy,unit=0"}), HasSubstr("both the floppy number 0"));
  EXPECT_THAT(refused({"-M", "microvm", "-device", "floppy"}), HasSubstr("no floppy controller"));
  EXPECT_THAT(refused({"-device", "floppy,drive-type=120"}), HasSubstr("first disk's kind"));
}

TEST(StorageOptions, PlacesOnBuses) {
  const Options o = good({"-drive", "file=a,if=ide,bus=1,unit=0", "-drive", "file=b,bus=1", "-drive",
                          "file=c,if=virtio,bus=0,unit=0"});
  EXPECT_EQ(o.drives[0].unit, 2u);
  EXPECT_EQ(o.drives[1].unit, 3u);
  EXPECT_THAT(refused({"-drive", "file=a,if=ide,bus=2"}), HasSubstr("2 buses of 2"));
  EXPECT_THAT(refused({"-drive", "file=a,bus=1,index=0"}), HasSubstr("says the bus, too"));
  EXPECT_THAT(refused({"-drive", "file=a,if=virtio,bus=1"}), HasSubstr("bus=1 is for if=ide"));
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
