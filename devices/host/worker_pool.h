// SPDX-License-Identifier: Apache-2.0
//
// WorkerPool: threads for what the host may take long over, while the guest's processors run.
//
// The machine's thread starts requests, and ends them in finish() or settle(): nothing of a device runs on
// another thread. Invariants: each request's `done` runs once, in the order in which the work ended; one that
// runs may start others and call settle() itself.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "devices/core/host_backends.h"

namespace mynah::host {

class WorkerPool {
 public:
  using Work = dev::BlockBackend::Work;
  using Done = dev::BlockBackend::Done;

  // `announce` is called, on any thread, when there is something for finish().
  explicit WorkerPool(std::function<void()> announce) : announce_(std::move(announce)) {}
  // Waits for work that was begun; what has not ended by then is not told.
  ~WorkerPool();
  WorkerPool(const WorkerPool&) = delete;

  // --- The machine's thread.
  // Guests decide how much they ask for: requests and their bytes have a limit.
  bool has_room(uint64_t bytes) const { return requests_ < kMostRequests && bytes <= kMostBytes - bytes_; }
  void start(uint64_t bytes, Work work, Done done);
  void finish();
  void settle();  // until no request is left

  // --- Any thread.
  void post(std::function<void()> task);  // runs in the next finish()
  bool has_finished() const { return finished_.load(std::memory_order_acquire); }

 private:
  static constexpr size_t kThreads = 4, kMostRequests = 1024;
  static constexpr uint64_t kMostBytes = uint64_t{64} << 20;
  struct Request {
    uint64_t bytes = 0;
    Work work;
    Done done;
    bool good = false;
    std::function<void()> task;  // in the place of all these
  };
  void run();
  void ended(Request request);

  const std::function<void()> announce_;
  // The machine's thread's.
  size_t requests_ = 0;
  uint64_t bytes_ = 0;
  std::deque<Request> telling_;
  std::vector<std::thread> threads_;

  std::mutex mutex_;  // of all that follows
  std::condition_variable begins_, ends_;
  std::deque<Request> waiting_, ended_;
  size_t idle_ = 0;
  bool ending_ = false;
  std::atomic<bool> finished_{false};  // ended_ has something
};

}  // namespace mynah::host
