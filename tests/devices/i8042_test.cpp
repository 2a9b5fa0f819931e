// SPDX-License-Identifier: Apache-2.0
//
// The keyboard controller with keyboard and mouse, by ports, as IBM's PS/2 manual has them.
#include "devices/input/i8042.h"

#include <gtest/gtest.h>

#include "tests/devices/fakes.h"

namespace mynah::dev {
namespace {

struct Controller : testing::Test {
  uint8_t status() { return static_cast<uint8_t>(keyboard.command().read(0, Width::k1)); }
  uint8_t data() { return static_cast<uint8_t>(keyboard.data().read(0, Width::k1)); }
  void command(uint8_t value) { keyboard.command().write(0, Width::k1, value); }
  void send(uint8_t value) { keyboard.data().write(0, Width::k1, value); }
  void send_mouse(uint8_t value) {
    command(0xd4);
    send(value);
  }
  // Those that come one behind the other.
  std::vector<unsigned> all() {
    std::vector<unsigned> bytes;
    while (status() & 1) bytes.push_back(data());
    return bytes;
  }
  using Bytes = std::vector<unsigned>;

  fake::Irq irq;
  fake::RecordingLog log;
  bool a20 = true;
  unsigned resets = 0;
  I8042 keyboard{{irq.line(1), irq.line(12), [this](bool on) { a20 = on; }, [this] { ++resets; }}, log};
};

TEST_F(Controller, TestsItself) {
  EXPECT_EQ(status() & 5, 0);
  command(0xaa);
  EXPECT_EQ(status() & 5, 5);
  EXPECT_EQ(all(), Bytes{0x55});
  command(0xab);
  EXPECT_EQ(all(), Bytes{0});
  command(0x20);
  EXPECT_EQ(all(), Bytes{0x47});
  command(0x60);
  EXPECT_EQ(status() & 8, 8);
  send(0x65);
  EXPECT_EQ(status() & 8, 0);
  command(0x20);
  EXPECT_EQ(all(), Bytes{0x65});
}

TEST_F(Controller, KeyboardAnswers) {
  send(0xff);
  EXPECT_TRUE(irq.level(1));
  EXPECT_EQ(all(), (Bytes{0xfa, 0xaa}));
  EXPECT_FALSE(irq.level(1));
  EXPECT_EQ(irq.rises[1], 2u) << "an edge a byte";
  send(0xed);
  send(2);
  EXPECT_EQ(all(), (Bytes{0xfa, 0xfa}));
  EXPECT_EQ(keyboard.keyboard().leds(), 2);
  send(0xf2);
  EXPECT_EQ(all(), (Bytes{0xfa, 0xab, 0x41})) << "translated";
}

TEST_F(Controller, KeysAreTranslated) {
  keyboard.keyboard().key(0x1e, true);
  keyboard.keyboard().key(0x1e, false);
  keyboard.keyboard().key(0xe048, true);
  keyboard.keyboard().key(0xe048, false);
  EXPECT_EQ(all(), (Bytes{0x1e, 0x9e, 0xe0, 0x48, 0xe0, 0xc8}));
  command(0x60);
  send(0x01);  // no translation
  keyboard.keyboard().key(0x1e, true);
  keyboard.keyboard().key(0x1e, false);
  EXPECT_EQ(all(), (Bytes{0x1c, 0xf0, 0x1c}));
  for (unsigned code = 1; code <= 0x58; ++code) {
    SCOPED_TRACE(code);
    keyboard.keyboard().key(static_cast<uint16_t>(code), true);
    EXPECT_EQ(set1_of_set2(static_cast<uint8_t>(all()[0])), code);
  }
}

TEST_F(Controller, OffHoldsKeysBack) {
  command(0xad);
  keyboard.keyboard().key(0x1e, true);
  EXPECT_EQ(status() & 1, 0);
  command(0xae);
  EXPECT_EQ(all(), Bytes{0x1e});
}

TEST_F(Controller, MouseWithAWheel) {
  send_mouse(0xff);
  EXPECT_TRUE(irq.level(12));
  EXPECT_EQ(status() & 0x21, 0x21);
  EXPECT_EQ(all(), (Bytes{0xfa, 0xaa, 0x00}));
  EXPECT_FALSE(keyboard.mouse().move(1, 1, 0, 0)) << "not on yet";
  send_mouse(0xf6);
  for (const uint8_t rate : {200, 100, 80}) {
    send_mouse(0xf3);
    send_mouse(rate);
  }
  all();
  send_mouse(0xf2);
  EXPECT_EQ(all(), (Bytes{0xfa, 3}));
  send_mouse(0xf4);
  all();
  EXPECT_TRUE(keyboard.mouse().move(-3, 5, -1, 1));
  EXPECT_EQ(all(), (Bytes{0x19, 0xfd, 5, 0xff}));
}

TEST_F(Controller, GateAndReset) {
  command(0xd1);
  send(0x01);
  EXPECT_FALSE(a20);
  command(0xdf);
  EXPECT_TRUE(a20);
  EXPECT_EQ(resets, 0u);
  command(0xfe);
  EXPECT_EQ(resets, 1u);
}

TEST_F(Controller, SavedWithBytesWaiting) {
  send(0xf2);
  const auto state = fake::save(keyboard);
  keyboard.reset();
  EXPECT_EQ(all(), Bytes{});
  EXPECT_FALSE(irq.level(1));
  ASSERT_TRUE(fake::load(keyboard, state));
  EXPECT_TRUE(irq.level(1));
  EXPECT_EQ(all(), (Bytes{0xfa, 0xab, 0x41}));
}

}  // namespace
}  // namespace mynah::dev
