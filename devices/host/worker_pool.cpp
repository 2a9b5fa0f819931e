// SPDX-License-Identifier: Apache-2.0
//
// Two lists, of what is to be begun and of what has ended.
#include "devices/host/worker_pool.h"

#include <signal.h>

#include <iterator>
#include <utility>

namespace mynah::host {

WorkerPool::~WorkerPool() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
    waiting_.clear();
  }
  begins_.notify_all();
  for (std::thread& each : threads_) each.join();
}

void WorkerPool::start(uint64_t bytes, Work work, Done done) {
  ++requests_;
  bytes_ += bytes;
  bool more = false;
  {
    const std::lock_guard lock(mutex_);
    waiting_.push_back({.bytes = bytes, .work = std::move(work), .done = std::move(done), .task = nullptr});
    more = waiting_.size() > idle_ && threads_.size() < kThreads;
  }
  if (!more) return begins_.notify_one();
  // Signals are for the machine's thread.
  sigset_t all, before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  threads_.emplace_back([this] { run(); });
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

void WorkerPool::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    ++idle_;
    begins_.wait(lock, [this] { return ending_ || !waiting_.empty(); });
    --idle_;
    if (ending_) return;
    Request request = std::move(waiting_.front());
    waiting_.pop_front();
    lock.unlock();
    request.good = request.work();
    request.work = nullptr;
    ended(std::move(request));
    lock.lock();
  }
}

void WorkerPool::ended(Request request) {
  {
    const std::lock_guard lock(mutex_);
    ended_.push_back(std::move(request));
    finished_.store(true, std::memory_order_release);
  }
  ends_.notify_one();
  announce_();
}

void WorkerPool::post(std::function<void()> task) {
  ended({.work = nullptr, .done = nullptr, .task = std::move(task)});
}

void WorkerPool::finish() {
  {
    const std::lock_guard lock(mutex_);
    std::move(ended_.begin(), ended_.end(), std::back_inserter(telling_));
    ended_.clear();
    finished_.store(false, std::memory_order_release);
  }
  while (!telling_.empty()) {
    const Request request = std::move(telling_.front());
    telling_.pop_front();
    if (request.task) {
      request.task();
      continue;
    }
    --requests_;
    bytes_ -= request.bytes;
    request.done(request.good);
  }
}

void WorkerPool::settle() {
  for (;;) {
    finish();
    if (requests_ == 0) return;
    std::unique_lock lock(mutex_);
    ends_.wait(lock, [this] { return !ended_.empty(); });
  }
}

}  // namespace mynah::host
