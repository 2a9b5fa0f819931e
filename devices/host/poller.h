// SPDX-License-Identifier: Apache-2.0
//
// Poller: the wait of the main loop. File descriptors are watched with an interest and a callback; a PollHook
// (user networking) brings descriptors and deadlines that change every round.
//
// Invariants: callbacks run only inside poll(), never nested. Every call belongs to the thread that polls,
// except wake(), which any thread or signal handler may call, and, for a caller that passes its lock to
// poll(), anything done while holding that lock. A callback may add, change and end watches, its own
// included. A Watch must not outlive its Poller. A watch without interest is not polled at all, so a hung-up
// descriptor that nobody wants to read costs nothing; one with interest is told of hang-up and errors as
// kError until its owner reacts.
#pragma once

#include <poll.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "devices/host/fd.h"
#include "ir/result.h"

namespace mynah::host {

class PollHook {
 public:
  virtual ~PollHook() = default;
  // Before the wait: append descriptors; lower `timeout` (negative is infinite) to the own next deadline.
  virtual void prepare(std::vector<pollfd>& fds, std::chrono::nanoseconds& timeout) = 0;
  // After each wait: `fds` are exactly those appended, with revents filled in (all zero when failed).
  virtual void dispatch(std::span<const pollfd> fds, bool failed) = 0;
};

class Poller {
  struct Source;

 public:
  static constexpr unsigned kNone = 0, kRead = 1, kWrite = 2, kError = 4;
  using Callback = std::function<void(unsigned ready)>;  // kRead, kWrite as asked for, and kError

  static Result<std::unique_ptr<Poller>> create();
  ~Poller();
  Poller(const Poller&) = delete;
  Poller& operator=(const Poller&) = delete;

  // Ends the watching when destroyed; does not close the descriptor.
  class Watch {
   public:
    Watch() = default;
    Watch(Watch&& other) noexcept;
    Watch& operator=(Watch&& other) noexcept;
    ~Watch() { reset(); }
    void set_interest(unsigned interest);
    unsigned interest() const;
    void reset();
    explicit operator bool() const { return source_ != nullptr; }

   private:
    friend class Poller;
    Watch(Poller* poller, Source* source) : poller_(poller), source_(source) {}
    Poller* poller_ = nullptr;
    Source* source_ = nullptr;
  };
  [[nodiscard]] Watch watch(int fd, unsigned interest, Callback callback);

  void add_hook(PollHook* hook);
  void remove_hook(PollHook* hook);

  // Waits until something is ready, `timeout` (negative: no limit) has passed, wake() or a signal; runs the
  // callbacks of what is ready and returns how many ran. `lock`, when given, is held by the caller and
  // released during the wait only.
  int poll(std::chrono::nanoseconds timeout, std::unique_lock<std::mutex>* lock = nullptr);

  // Makes the current or the next poll() return without waiting. Async-signal-safe.
  void wake() noexcept;
  // The same, but nothing when no thread is in a poll() that released its lock.
  void wake_if_waiting() noexcept {
    if (waiting_.load()) wake();
  }

 private:
  struct Source {
    int fd;
    unsigned interest;
    bool dead;
    Callback callback;
  };
  explicit Poller(UniqueFd wake_fd) : wake_fd_(std::move(wake_fd)) {}
  void changed();
  void rebuild();

  UniqueFd wake_fd_;
  std::atomic<bool> wake_pending_{false};
  std::atomic<bool> waiting_{false};
  bool polling_ = false;
  bool dirty_ = true;
  std::vector<std::unique_ptr<Source>> sources_;
  std::vector<PollHook*> hooks_;
  std::vector<pollfd> fds_;  // [0] is the wake descriptor, then one for each of active_, then those of hooks
  std::vector<Source*> active_;   // sources with an interest, in the order of fds_[1...]
  std::vector<size_t> hook_end_;  // index in fds_ past the last descriptor of each hook
};

}  // namespace mynah::host
