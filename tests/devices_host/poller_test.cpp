// SPDX-License-Identifier: Apache-2.0
//
// Results, and the poller: what is ready is called back, what wakes it, and what callbacks may change.
#include "devices/host/poller.h"

#include <signal.h>

#include <thread>

#include "tests/devices_host/support.h"

namespace mynah::host::test {
namespace {

using namespace std::chrono_literals;
using PollerTest = WithPoller;

TEST(Result, HoldsValueOrSentence) {
  Result<int> good = 5;
  EXPECT_TRUE(good.ok());
  EXPECT_EQ(*good, 5);
  Result<std::string> bad = Error{"no such thing; do that"};
  EXPECT_FALSE(bad);
  EXPECT_EQ(bad.message(), "no such thing; do that");
  Result<void> fine;
  EXPECT_TRUE(fine);
  Result<std::unique_ptr<int>> owner = std::make_unique<int>(3);
  std::unique_ptr<int> taken = std::move(*owner);
  EXPECT_EQ(*taken, 3);
}

TEST(ResultDeathTest, ValueOfFailureAborts) {
  Result<int> bad = Error{"the sentence"};
  EXPECT_DEATH((void)bad.value(), "the sentence");
}

TEST_F(PollerTest, TimeoutPassesWithNanosecondsPrecision) {
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(poller->poll(300us), 0);
  const auto took = std::chrono::steady_clock::now() - begin;
  EXPECT_GE(took, 300us);
  EXPECT_LT(took, 200ms);
}

TEST_F(PollerTest, CallsBackWhatIsReady) {
  Pipe pipe;
  int reads = 0, writes = 0;
  auto reader = poller->watch(pipe.read.get(), Poller::kRead, [&](unsigned ready) {
    EXPECT_EQ(ready, Poller::kRead);
    ++reads;
    read_some(pipe.read.get(), 1);
  });
  auto writer = poller->watch(pipe.write.get(), Poller::kNone, [&](unsigned) { ++writes; });
  EXPECT_EQ(poller->poll(0ns), 0);
  ASSERT_EQ(::write(pipe.write.get(), "x", 1), 1);
  EXPECT_EQ(poller->poll(0ns), 1);
  EXPECT_EQ(reads, 1);
  writer.set_interest(Poller::kWrite);
  EXPECT_EQ(poller->poll(1s), 1);
  EXPECT_EQ(writes, 1);
  reader.reset();
  writer.reset();
  EXPECT_EQ(poller->poll(0ns), 0);
}

TEST_F(PollerTest, HangUpIsToldOnlyToTheInterested) {
  Pipe pipe;
  unsigned seen = 0;
  auto reader = poller->watch(pipe.read.get(), Poller::kNone, [&](unsigned ready) { seen = ready; });
  pipe.write.reset();
  EXPECT_EQ(poller->poll(0ns), 0);
  reader.set_interest(Poller::kRead);
  EXPECT_EQ(poller->poll(0ns), 1);
  EXPECT_TRUE(seen & Poller::kError);
}

TEST_F(PollerTest, CallbackMayEndAndAddWatches) {
  Pipe a, b;
  ASSERT_EQ(::write(a.write.get(), "x", 1), 1);
  ASSERT_EQ(::write(b.write.get(), "x", 1), 1);
  int calls = 0;
  Poller::Watch first, second, third;
  auto end_both = [&](unsigned) {
    ++calls;
    first.reset();
    second.reset();
    third = poller->watch(a.read.get(), Poller::kRead, [&](unsigned) { calls += 100; });
  };
  first = poller->watch(a.read.get(), Poller::kRead, end_both);
  second = poller->watch(b.read.get(), Poller::kRead, end_both);
  poller->poll(0ns);
  EXPECT_EQ(calls, 1);
  poller->poll(0ns);
  EXPECT_EQ(calls, 101);
}

TEST_F(PollerTest, NestedPollDoesNothing) {
  Pipe pipe;
  ASSERT_EQ(::write(pipe.write.get(), "x", 1), 1);
  int calls = 0;
  auto watch = poller->watch(pipe.read.get(), Poller::kRead, [&](unsigned) {
    ++calls;
    EXPECT_EQ(poller->poll(1s), 0);
  });
  poller->poll(0ns);
  EXPECT_EQ(calls, 1);
}

TEST_F(PollerTest, ClosedDescriptorIsToldOnce) {
  Pipe pipe;
  int calls = 0;
  auto watch = poller->watch(pipe.read.get(), Poller::kRead, [&](unsigned ready) {
    ++calls;
    EXPECT_EQ(ready, Poller::kError);
  });
  pipe.read.reset();
  poller->poll(0ns);
  poller->poll(0ns);
  EXPECT_EQ(calls, 1);
}

TEST_F(PollerTest, WakeBeforeAndDuringTheWait) {
  poller->wake();
  poller->wake();
  EXPECT_EQ(poller->poll(-1ns), 0);
  for (int i = 0; i < 20; ++i) {
    std::thread other([&] { poller->wake(); });
    EXPECT_EQ(poller->poll(-1ns), 0);
    other.join();
  }
  EXPECT_EQ(poller->poll(1ms), 0);
}

Poller* signalled = nullptr;
TEST_F(PollerTest, WakeFromSignalHandler) {
  signalled = poller.get();
  struct sigaction action {};
  struct sigaction before {};
  action.sa_handler = [](int) { signalled->wake(); };
  ::sigaction(SIGUSR1, &action, &before);
  ::raise(SIGUSR1);
  EXPECT_EQ(poller->poll(-1ns), 0);
  ::sigaction(SIGUSR1, &before, nullptr);
}

TEST_F(PollerTest, LockIsFreeDuringTheWaitAndChangesEndIt) {
  std::mutex mutex;
  Pipe pipe;
  ASSERT_EQ(::write(pipe.write.get(), "x", 1), 1);
  int calls = 0;
  Poller::Watch watch;
  std::unique_lock lock(mutex);
  std::thread other([&] {
    std::lock_guard guard(mutex);  // only once poll() waits
    watch = poller->watch(pipe.read.get(), Poller::kRead, [&](unsigned) { ++calls; });
  });
  const auto end = std::chrono::steady_clock::now() + 10s;
  while (calls == 0 && std::chrono::steady_clock::now() < end) poller->poll(20s, &lock);
  EXPECT_TRUE(lock.owns_lock());
  EXPECT_GE(calls, 1);
  lock.unlock();
  other.join();
}

struct Hook : PollHook {
  int fd, dispatched = 0;
  short revents = 0;
  explicit Hook(int fd) : fd(fd) {}
  void prepare(std::vector<pollfd>& fds, std::chrono::nanoseconds& timeout) override {
    fds.push_back({fd, POLLIN, 0});
    timeout = 1ms;
  }
  void dispatch(std::span<const pollfd> fds, bool failed) override {
    ASSERT_EQ(fds.size(), 1u);
    ASSERT_EQ(fds[0].fd, fd);
    revents = fds[0].revents;
    ++dispatched;
  }
};

TEST_F(PollerTest, HooksBringDescriptorsAndDeadlines) {
  Pipe pipe, other;
  Hook hook(pipe.read.get()), second(other.read.get());
  poller->add_hook(&hook);
  poller->add_hook(&second);
  poller->poll(-1ns);
  EXPECT_EQ(hook.dispatched, 1);
  EXPECT_EQ(hook.revents, 0);
  ASSERT_EQ(::write(pipe.write.get(), "x", 1), 1);
  poller->poll(-1ns);
  EXPECT_EQ(hook.revents, POLLIN);
  EXPECT_EQ(second.revents, 0);
  poller->remove_hook(&hook);
  poller->poll(0ns);
  EXPECT_EQ(hook.dispatched, 2);
  EXPECT_EQ(second.dispatched, 3);
  poller->remove_hook(&second);
}

}  // namespace
}  // namespace mynah::host::test
