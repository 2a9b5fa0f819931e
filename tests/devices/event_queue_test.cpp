// SPDX-License-Identifier: Apache-2.0
//
// The event queue: order, deadlines, callbacks that change the queue, and restored states.
#include "devices/core/event_queue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/devices/fakes.h"

namespace mynah::dev {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

struct Ran {
  char event;
  uint64_t data;
  TimeNs late;
  bool operator==(const Ran&) const = default;
};

// A queue with events a, b and c that record themselves.
struct Bench {
  explicit Bench(const char* names = "abc") {
    for (const char* n = names; *n; ++n) {
      const char event = *n;
      ids[static_cast<unsigned char>(event)] =
          queue.register_event(std::string(1, event), [this, event](uint64_t data, TimeNs late) {
            ran.push_back({event, data, late});
            if (on_run) on_run(event, data);
          });
    }
  }
  EventId operator[](char c) const { return ids[static_cast<unsigned char>(c)]; }
  std::vector<Ran> run_at(TimeNs t) {
    ran.clear();
    clock.time = t;
    queue.run_due();
    return ran;
  }

  ManualClock clock;
  EventQueue queue{clock};
  EventId ids[128] = {};
  std::vector<Ran> ran;
  std::function<void(char, uint64_t)> on_run;
};

TEST(EventQueue, EmptyHasNoDeadline) {
  Bench b;
  EXPECT_EQ(b.queue.next_deadline(), kNever);
  EXPECT_THAT(b.run_at(1000), IsEmpty());
  EXPECT_FALSE(b.queue.pending(b['a']));
}

TEST(EventQueue, RunsInOrderOfTime) {
  Bench b;
  b.queue.schedule(b['a'], 30);
  b.queue.schedule(b['b'], 10, 7);
  b.queue.schedule(b['c'], 20);
  EXPECT_EQ(b.queue.next_deadline(), 10);
  EXPECT_THAT(b.run_at(9), IsEmpty());
  EXPECT_THAT(b.run_at(30), ElementsAre(Ran{'b', 7, 20}, Ran{'c', 0, 10}, Ran{'a', 0, 0}));
  EXPECT_EQ(b.queue.next_deadline(), kNever);
}

TEST(EventQueue, SameTimeRunsInOrderOfScheduling) {
  Bench b;
  for (uint64_t i = 0; i < 50; ++i) b.queue.schedule(b["cab"[i % 3]], 5, i);
  const auto ran = b.run_at(5);
  ASSERT_EQ(ran.size(), 50u);
  for (uint64_t i = 0; i < 50; ++i) EXPECT_EQ(ran[i].data, i);
}

TEST(EventQueue, TellsLateness) {
  Bench b;
  b.queue.schedule(b['a'], 100);
  EXPECT_THAT(b.run_at(137), ElementsAre(Ran{'a', 0, 37}));
  b.queue.schedule(b['a'], std::numeric_limits<TimeNs>::min());
  EXPECT_THAT(b.run_at(200), ElementsAre(Ran{'a', 0, kNever}));  // saturates
}

TEST(EventQueue, EventInThePastRunsAtTheNextRun) {
  Bench b;
  b.clock.time = 500;
  b.queue.schedule(b['a'], 20);
  EXPECT_THAT(b.ran, IsEmpty());
  EXPECT_EQ(b.queue.next_deadline(), 20);
  EXPECT_THAT(b.run_at(500), ElementsAre(Ran{'a', 0, 480}));
}

TEST(EventQueue, RescheduleReplacesEveryOccurrence) {
  Bench b;
  b.queue.schedule(b['a'], 10, 1);
  b.queue.schedule(b['a'], 20, 2);
  b.queue.reschedule(b['a'], 15, 3);
  EXPECT_THAT(b.run_at(100), ElementsAre(Ran{'a', 3, 85}));
}

TEST(EventQueue, CallbackReschedulesItself) {
  Bench b;
  b.on_run = [&](char event, uint64_t data) {
    if (data < 3) b.queue.schedule(b[event], static_cast<TimeNs>(10 * (data + 1)), data + 1);
  };
  b.queue.schedule(b['a'], 0);
  EXPECT_THAT(b.run_at(20), ElementsAre(Ran{'a', 0, 20}, Ran{'a', 1, 10}, Ran{'a', 2, 0}));
  EXPECT_THAT(b.run_at(30), ElementsAre(Ran{'a', 3, 0}));
}

TEST(EventQueue, CallbackSchedulesForNowAndForThePast) {
  Bench b;
  b.on_run = [&](char event, uint64_t) {
    if (event != 'a') return;
    b.queue.schedule(b['b'], 50);
    b.queue.schedule(b['c'], 40);
  };
  b.queue.schedule(b['a'], 50);
  EXPECT_THAT(b.run_at(50), ElementsAre(Ran{'a', 0, 0}, Ran{'c', 0, 10}, Ran{'b', 0, 0}));
}

TEST(EventQueue, CallbackCancelsOthersAndItself) {
  Bench b;
  b.on_run = [&](char event, uint64_t) {
    if (event != 'a') return;
    b.queue.cancel(b['a']);
    b.queue.cancel(b['b']);
  };
  b.queue.schedule(b['a'], 10, 1);
  b.queue.schedule(b['a'], 10, 2);
  b.queue.schedule(b['b'], 10);
  b.queue.schedule(b['c'], 10);
  EXPECT_THAT(b.run_at(10), ElementsAre(Ran{'a', 1, 0}, Ran{'c', 0, 0}));
}

TEST(EventQueue, CancelKeepsTheOrderOfTheRest) {
  Bench b;
  for (TimeNs t = 40; t > 0; --t) b.queue.schedule(b["abc"[t % 3]], t, static_cast<uint64_t>(t));
  b.queue.cancel(b['b']);
  EXPECT_FALSE(b.queue.pending(b['b']));
  EXPECT_TRUE(b.queue.pending(b['a']));
  TimeNs last = 0;
  for (const Ran& r : b.run_at(100)) {
    EXPECT_NE(r.event, 'b');
    EXPECT_GT(static_cast<TimeNs>(r.data), last);
    last = static_cast<TimeNs>(r.data);
  }
}

TEST(EventQueue, NotifiesOfEarlierDeadlinesOnly) {
  Bench b;
  int notified = 0;
  b.queue.on_earlier_deadline([&] { ++notified; });
  b.queue.schedule(b['a'], 100);
  EXPECT_EQ(notified, 1);
  b.queue.schedule(b['b'], 200);
  b.queue.schedule(b['b'], 100);
  EXPECT_EQ(notified, 1);
  b.queue.schedule(b['c'], 99);
  EXPECT_EQ(notified, 2);
}

TEST(EventQueue, SavesAndRestores) {
  Bench b;
  b.queue.schedule(b['a'], 10, 1);
  b.queue.schedule(b['c'], 10, 2);
  b.queue.schedule(b['b'], 10, 3);
  b.queue.schedule(b['a'], 5, 4);
  const auto state = fake::save(b.queue);

  Bench other("cba");  // other ids
  other.queue.schedule(other['b'], 1);
  int notified = 0;
  other.queue.on_earlier_deadline([&] { ++notified; });
  ASSERT_TRUE(fake::load(other.queue, state));
  EXPECT_EQ(notified, 1);
  EXPECT_EQ(fake::save(other.queue), state);
  other.queue.schedule(other['b'], 10, 5);  // after the restored ones
  const auto ran = other.run_at(10);
  EXPECT_THAT(ran,
              ElementsAre(Ran{'a', 4, 5}, Ran{'a', 1, 0}, Ran{'c', 2, 0}, Ran{'b', 3, 0}, Ran{'b', 5, 0}));
}

TEST(EventQueue, RefusesAStateItCannotHave) {
  Bench b;
  b.queue.schedule(b['a'], 10, 1);
  const auto state = fake::save(b.queue);
  Bench other("xyz");
  other.queue.schedule(other['x'], 1);
  EXPECT_FALSE(fake::load(other.queue, state));
  for (size_t n = 0; n < state.size(); ++n) {
    EXPECT_FALSE(fake::load(b.queue, {state.begin(), state.begin() + static_cast<ptrdiff_t>(n)}));
  }
  EXPECT_TRUE(other.queue.pending(other['x']));
  EXPECT_THAT(b.run_at(10), ElementsAre(Ran{'a', 1, 0}));
}

TEST(EventQueueDeathTest, RefusesANameTwice) {
  Bench b;
  EXPECT_DEATH(b.queue.register_event("a", [](uint64_t, TimeNs) {}), "registered twice");
}

}  // namespace
}  // namespace mynah::dev
