// SPDX-License-Identifier: Apache-2.0
//
// The event stream: changes of a counter's bit wake who waits, however long ago they were.
#include "devices/timer/event_stream.h"

#include <gtest/gtest.h>

#include "tests/devices/fakes.h"

namespace mynah::dev {
namespace {

constexpr bool kRising = false, kFalling = true;

struct Machine {
  explicit Machine(uint32_t hz = 1'000'000'000) : timer(events, 0, {}, {}, hz) {}
  void run_to(TimeNs t) {
    clock.time = t;
    events.run_due();
  }
  ManualClock clock;
  EventQueue events{clock};
  GenericTimer timer;
  unsigned came = 0;
  EventStream stream{events, timer, 0, [this] { ++came; }};
};

TEST(EventStream, NextChangeOfTheBit) {
  struct {
    unsigned bit;
    bool direction;
    TimeNs from, to;
  } const cases[] = {
      {0, kRising, 0, 1},
      {0, kRising, 1, 3},
      {0, kRising, 2, 3},
      {0, kFalling, 0, 2},
      {0, kFalling, 1, 2},
      {0, kFalling, 2, 4},
      {4, kRising, 0, 16},
      {4, kRising, 15, 16},
      {4, kRising, 16, 48},
      {4, kRising, 31, 48},
      {4, kFalling, 0, 32},
      {4, kFalling, 31, 32},
      {4, kFalling, 32, 64},
      {15, kRising, 100, 32768},
      {15, kFalling, 100, 65536},
      {15, kRising, 70'000, 98304},
      {15, kFalling, 70'000, 131072},
  };
  for (const auto& c : cases) {
    Machine m;
    m.run_to(c.from);
    m.stream.set(true, c.bit, c.direction);
    m.stream.wait();
    EXPECT_EQ(m.events.next_deadline(), c.to) << c.bit << (c.direction ? " falling " : " rising ") << c.from;
    m.run_to(c.to - 1);
    EXPECT_EQ(m.came, 0u);
    EXPECT_FALSE(m.stream.take());
    m.run_to(c.to);
    EXPECT_EQ(m.came, 1u);
    EXPECT_EQ(m.events.next_deadline(), kNever) << "none but the one waited for";
    EXPECT_FALSE(m.stream.take()) << "that was the event";
  }
}

// The stream itself agrees with the bit at each tick.
TEST(EventStream, PassedEvents) {
  for (const bool direction : {kRising, kFalling})
    for (unsigned bit = 0; bit < 6; ++bit) {
      Machine m;
      m.stream.set(true, bit, direction);
      for (TimeNs t = 1; t < 300; ++t) {
        const bool before = (t - 1) >> bit & 1, after = t >> bit & 1;
        m.clock.time = t;
        ASSERT_EQ(m.stream.take(), before != after && after == (direction == kRising)) << bit << " at " << t;
        ASSERT_FALSE(m.stream.take());
      }
    }
}

TEST(EventStream, PassedInALongTime) {
  Machine m;
  m.stream.set(true, 4, kRising);
  m.clock.time = 1000;
  EXPECT_TRUE(m.stream.take());
  EXPECT_FALSE(m.stream.take());
  m.stream.set(false, 4, kRising);
  m.clock.time = 2000;
  EXPECT_FALSE(m.stream.take());
  m.stream.set(true, 4, kRising);
  EXPECT_FALSE(m.stream.take()) << "what passed while it was off is nothing";
}

TEST(EventStream, NothingToWaitFor) {
  Machine m;
  m.stream.wait();
  EXPECT_EQ(m.events.next_deadline(), kNever);
  m.stream.set(true, 3, kRising);
  EXPECT_EQ(m.events.next_deadline(), kNever) << "nobody waits";
  m.stream.wait();
  EXPECT_EQ(m.events.next_deadline(), 8);
  m.stream.stop_waiting();
  EXPECT_EQ(m.events.next_deadline(), kNever);
  m.run_to(100);
  EXPECT_EQ(m.came, 0u);
  EXPECT_TRUE(m.stream.take());
  m.stream.wait();
  m.stream.reset();
  EXPECT_EQ(m.events.next_deadline(), kNever);
  EXPECT_FALSE(m.stream.enabled());
}

// The rate that Linux asks for: some 10 kHz of 62.5 MHz.
TEST(EventStream, OfTheCounterNotOfTime) {
  Machine m(GenericTimer::kDefaultFrequency);
  m.stream.set(true, 12, kRising);
  m.run_to(1000);
  for (TimeNs k = 0; k < 10; ++k) {
    m.stream.wait();
    const TimeNs due = (4096 + 8192 * k) * 16;
    ASSERT_EQ(m.events.next_deadline(), due);
    m.run_to(due + 5);
    EXPECT_EQ(m.came, static_cast<unsigned>(k + 1));
  }
}

TEST(EventStream, SaveAndRestore) {
  Machine a;
  a.run_to(100);
  a.stream.set(true, 6, kFalling);
  a.stream.wait();
  const auto events = fake::save(a.events), stream = fake::save(a.stream);
  Machine b;
  b.clock.time = 100;
  ASSERT_TRUE(fake::load(b.events, events));
  ASSERT_TRUE(fake::load(b.stream, stream));
  EXPECT_EQ(fake::save(b.stream), stream);
  EXPECT_EQ(b.events.next_deadline(), 128);
  b.stream.wait();
  b.run_to(128);
  EXPECT_EQ(b.came, 1u);
  b.clock.time = 256;
  EXPECT_TRUE(b.stream.take());
}

}  // namespace
}  // namespace mynah::dev
