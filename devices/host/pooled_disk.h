// SPDX-License-Identifier: Apache-2.0
//
// PooledDisk: a disk whose slow requests run on a WorkerPool's threads.
//
// Reads that the host's page cache answers, and writes that it takes, are faster done at once than given to
// another thread, and are. A write that took long is a sign that the host has fallen behind; those that
// follow it are given away.
#pragma once

#include <chrono>
#include <memory>
#include <mutex>

#include "devices/core/host_backends.h"
#include "devices/host/worker_pool.h"

namespace mynah::host {

class PooledDisk final : public dev::BlockBackend {
 public:
  PooledDisk(std::unique_ptr<dev::BlockBackend> disk, WorkerPool& pool)
      : disk_(std::move(disk)), pool_(pool), one_by_one_(!disk_->any_thread()) {}
  ~PooledDisk() override { pool_.settle(); }

  uint64_t size() const override { return disk_->size(); }
  bool read_only() const override { return disk_->read_only(); }
  bool read(uint64_t offset, std::span<uint8_t> to) override {
    const auto turn = take_turn();
    return disk_->read(offset, to);
  }
  bool write(uint64_t offset, std::span<const uint8_t> from) override {
    const auto turn = take_turn();
    return disk_->write(offset, from);
  }
  bool flush() override {
    const auto turn = take_turn();
    return disk_->flush();
  }
  bool discard(uint64_t offset, uint64_t n) override {
    const auto turn = take_turn();
    return disk_->discard(offset, n);
  }
  bool write_zeroes(uint64_t offset, uint64_t n) override {
    const auto turn = take_turn();
    return disk_->write_zeroes(offset, n);
  }
  Answer read_now(uint64_t offset, std::span<uint8_t> to) override;
  Answer write_now(uint64_t offset, std::span<const uint8_t> from) override;
  bool any_thread() const override { return true; }
  bool has_room(uint64_t n) const override { return pool_.has_room(n); }
  void later(uint64_t n, Work work, Done done) override { pool_.start(n, std::move(work), std::move(done)); }
  void settle() override { pool_.settle(); }

 private:
  static constexpr auto kSlow = std::chrono::milliseconds(4);  // more than a turn of another process, mostly
  static constexpr unsigned kGivenAway = 16;                   // writes behind a slow one

  std::unique_lock<std::mutex> take_turn() {
    return one_by_one_ ? std::unique_lock(mutex_) : std::unique_lock<std::mutex>();
  }
  // False: another thread is at it.
  bool try_turn(std::unique_lock<std::mutex>& turn) {
    if (one_by_one_) turn = std::unique_lock(mutex_, std::try_to_lock);
    return !one_by_one_ || turn;
  }

  const std::unique_ptr<dev::BlockBackend> disk_;
  WorkerPool& pool_;
  const bool one_by_one_;
  std::mutex mutex_;         // of disk_, where that knows one thread only
  unsigned given_away_ = 0;  // writes that are still to be
};

}  // namespace mynah::host
