// SPDX-License-Identifier: Apache-2.0
//
// The 6300ESB's watchdog as its driver uses it, at the clock.
#include "devices/watchdog/i6300esb.h"

#include <gtest/gtest.h>

#include "tests/devices/card_machine.h"

namespace mynah::dev {
namespace {

constexpr TimeNs kTick = (TimeNs{1} << 15) * 1000 / 33, kMillisecond = 1'000'000, kSlack = 1000;

struct Surroundings {
  ManualClock clock;
  EventQueue events{clock};
  fake::RecordingLog card_log;
  unsigned expired = 0;
};

struct Watchdog : Surroundings, fake::CardMachine<I6300Esb> {
  Watchdog() : fake::CardMachine<I6300Esb>(0x1000, events, card_log, "watchdog", [this] { ++expired; }) {}
  void unlocked(uint64_t offset, uint64_t value) {
    w(I6300Esb::kReload, I6300Esb::kUnlock1, Width::k2);
    w(I6300Esb::kReload, I6300Esb::kUnlock2, Width::k2);
    w(offset, value, offset == I6300Esb::kReload ? Width::k2 : Width::k4);
  }
  // Each stage of so many ticks, no interrupt.
  void start(uint32_t first, uint32_t second, uint8_t lock = I6300Esb::kEnable, uint16_t more = 0) {
    card->config_write(I6300Esb::kConfig, 2, I6300Esb::kInterruptType | more);
    unlocked(I6300Esb::kPreload1, first);
    unlocked(I6300Esb::kPreload2, second);
    card->config_write(I6300Esb::kLock, 1, lock);
  }
  void pass(TimeNs by) {
    clock.time += by;
    events.run_due();
  }
};

TEST(I6300Esb, ExpiresBehindBothStages) {
  Watchdog m;
  EXPECT_EQ(m.card->config_read(0, 4), 0x25ab'8086u);
  m.start(100, 50);
  EXPECT_EQ(m.r(I6300Esb::kPreload1), 100u);
  m.pass(100 * kTick - kMillisecond);
  EXPECT_EQ(m.r(I6300Esb::kInterrupt), 0u);
  m.pass(kMillisecond + kSlack);
  EXPECT_EQ(m.r(I6300Esb::kInterrupt), 1u);
  m.w(I6300Esb::kInterrupt, 1);
  EXPECT_EQ(m.r(I6300Esb::kInterrupt), 0u);
  m.pass(50 * kTick - kMillisecond - kSlack);
  EXPECT_EQ(m.expired, 0u);
  m.pass(kMillisecond + kSlack);
  EXPECT_EQ(m.expired, 1u);
  m.pass(1000 * kTick);
  EXPECT_EQ(m.expired, 1u) << "once";
  // The machine's reset leaves the flag.
  m.host.reset();
  m.command(7);
  EXPECT_EQ(m.r(I6300Esb::kReload, Width::k2), I6300Esb::kTimeout);
  EXPECT_EQ(m.r(I6300Esb::kPreload1), 0xfffffu);
  m.unlocked(I6300Esb::kReload, I6300Esb::kTimeout);
  EXPECT_EQ(m.r(I6300Esb::kReload, Width::k2), 0u);
}

TEST(I6300Esb, IsKeptFromExpiring) {
  Watchdog m;
  m.start(100, 100);
  for (unsigned i = 0; i < 5; ++i) {
    m.pass(150 * kTick);
    m.unlocked(I6300Esb::kReload, I6300Esb::kDoReload);
  }
  EXPECT_EQ(m.expired, 0u);
  m.w(I6300Esb::kReload, I6300Esb::kDoReload, Width::k2);  // without the sequence
  m.pass(200 * kTick + kMillisecond);
  EXPECT_EQ(m.expired, 1u);
}

TEST(I6300Esb, TurnsOffUnlessItIsLocked) {
  Watchdog m;
  m.start(100, 100);
  m.card->config_write(I6300Esb::kLock, 1, 0);
  m.pass(300 * kTick);
  EXPECT_EQ(m.expired, 0u);
  m.start(100, 100, I6300Esb::kEnable | I6300Esb::kLocked);
  m.card->config_write(I6300Esb::kLock, 1, 0);
  EXPECT_EQ(m.card->config_read(I6300Esb::kLock, 1), I6300Esb::kEnable | unsigned{I6300Esb::kLocked});
  m.pass(300 * kTick);
  EXPECT_EQ(m.expired, 1u);
}

TEST(I6300Esb, FreeRunningAndWithoutOutput) {
  Watchdog m;
  m.start(10, 10, I6300Esb::kEnable | I6300Esb::kFreeRunning, I6300Esb::kMicroseconds);
  for (unsigned i = 0; i < 4; ++i) m.pass(10 * kTick / 1024 + 1);
  EXPECT_EQ(m.expired, 2u);
  m.start(10, 10, 0);
  m.start(10, 10, I6300Esb::kEnable, I6300Esb::kOutputOff);
  m.pass(100 * kTick);
  EXPECT_EQ(m.expired, 2u);
}

TEST(I6300Esb, SavesAndRestores) {
  Watchdog m, other;
  m.start(100, 100);
  m.pass(120 * kTick);
  ASSERT_TRUE(fake::load(*other.card, fake::save(*m.card)));
  EXPECT_EQ(other.r(I6300Esb::kPreload1), 100u);
  EXPECT_EQ(other.r(I6300Esb::kInterrupt), 1u);
  EXPECT_EQ(other.card->config_read(I6300Esb::kLock, 1), uint32_t{I6300Esb::kEnable});
}

}  // namespace
}  // namespace mynah::dev
