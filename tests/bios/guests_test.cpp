// SPDX-License-Identifier: Apache-2.0
//
// Programs as they were written for the BIOS: a game, a loader, one that goes to protected mode and back.
#include "tests/bios/bios_machine.h"

namespace mynah::test {
namespace {

using testing::HasSubstr;
using testing::Not;

struct BiosGuests : BiosTest {};

TEST_F(BiosGuests, AGameHasKeysTicksAndTextMemory) {
  BiosMachine pc("game", Medium::kFloppy);
  constexpr unsigned kLastRow = 24, kFirstColumn = 40, kFalls = 44;
  const auto player = [&](unsigned column) {
    return [&pc, column] { return pc.cell(kLastRow, column) == 0x0f40; };
  };
  ASSERT_TRUE(pc.run_until(player(kFirstColumn))) << pc.screen();
  constexpr uint16_t kLeft = 0xe04b, kRight = 0xe04d, kEscape = 0x01;
  pc.press(kLeft);
  EXPECT_TRUE(pc.run_until(player(kFirstColumn - 1))) << pc.screen();
  for (unsigned column = kFirstColumn; column <= kFalls; ++column) {
    pc.press(kRight);
    EXPECT_TRUE(pc.run_until(player(column))) << pc.screen();
    EXPECT_NE(pc.cell(kLastRow, column - 1) & 0xff, '@');
  }
  // A line each other tick, 18.2 of which make a second.
  for (unsigned row : {5u, 20u}) {
    EXPECT_TRUE(pc.run_until([&] { return pc.cell(row, kFalls) == 0x0e2a; })) << row << "\n" << pc.screen();
  }
  const dev::TimeNs begin = pc.machine->clock().now();
  EXPECT_TRUE(pc.run_until([&] { return pc.word(0x7006) == 2; })) << "the score";
  const double seconds = static_cast<double>(pc.machine->clock().now() - begin) / 1e9;
  EXPECT_NEAR(seconds, (4 + 24) * 2 / 18.2065, 0.25);
  pc.press(kEscape);
  EXPECT_TRUE(pc.wait_for("Score: 2")) << pc.screen();
}

TEST_F(BiosGuests, ALoaderReadsAFloppy) {
  BiosMachine pc("loader", Medium::kFloppy);
  pc.write(512, std::string_view("second sector\0", 14));
  pc.write(18 * 512, std::string_view("second head\0", 12));
  ASSERT_TRUE(pc.wait_for("done")) << pc.screen();
  EXPECT_THAT(pc.screen(), HasSubstr("heads 02, sectors 18\nsecond sector\nsecond head\nwritten\ndone"));
  EXPECT_EQ(std::string(pc.disk.data.begin() + 1024, pc.disk.data.begin() + 1031), "written");
}

TEST_F(BiosGuests, ALoaderReadsADiskByBothWays) {
  BiosMachine pc("loader", Medium::kDisk);
  pc.write(512, std::string_view("second sector\0", 14));
  pc.write(63 * 512, std::string_view("second head\0", 12));
  pc.write(5000 * 512, std::string_view("by number\0", 10));
  ASSERT_TRUE(pc.wait_for("done")) << pc.screen();
  EXPECT_THAT(pc.screen(),
              HasSubstr("heads 16, sectors 63\nsecond sector\nsecond head\nby number\nwritten\ndone"));
  EXPECT_EQ(std::string(pc.disk.data.begin() + 1024, pc.disk.data.begin() + 1031), "written");
}

TEST_F(BiosGuests, ProtectedModeAndBackByResets) {
  BiosMachine pc("switcher", Medium::kFloppy);
  ASSERT_TRUE(pc.run_until([&] { return pc.word(0x7020) == 0x600d; })) << pc.word(0x7000);
  EXPECT_EQ(pc.word(0x9000), 'm' | 'o' << 8) << "INT 15h, AH=87h";
  EXPECT_EQ(pc.word(0x7000), 2) << "resets";
  EXPECT_EQ(pc.word(0x7010), 0x1f31) << "PE was set, by LMSW";
  EXPECT_EQ(pc.word(0x7012), 0x1f31);
  EXPECT_THAT(pc.screen(), HasSubstr("real moved")) << "devices are as they were";
  pc.machine->memory().put(0x7020, "\0", 2);
  pc.machine->reset();
  ASSERT_TRUE(pc.run_until([&] { return pc.word(0x7020) == 0x600d; })) << "a start again";
}

}  // namespace
}  // namespace mynah::test
