// SPDX-License-Identifier: Apache-2.0
//
// A disk in a qcow2 image, versions 2 and 3, over a backing disk if it has one. Internal snapshots stay as
// they are.
//
// What is written survives a crash of the host from the guest's next flush on, and one of the program from a
// second later on; the image is in order at every moment, but for clusters that nobody uses (qemu-img check:
// "leaked").
#pragma once

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "devices/core/host_backends.h"
#include "devices/host/fd.h"
#include "devices/host/image/byte_store.h"
#include "devices/host/image/qcow2_header.h"
#include "devices/host/image/qcow2_map.h"
#include "devices/host/image/qcow2_refcounts.h"
#include "ir/result.h"

namespace mynah::host {

class Qcow2Image final : public dev::BlockBackend {
 public:
  struct Options {
    bool read_only = false;
    bool discard = true;  // clusters that the guest discards become free
    Report report = nullptr;
  };
  // `backing` null: what the image does not have reads as zeroes. `name` is for sentences.
  static Result<std::unique_ptr<Qcow2Image>> open(std::unique_ptr<ByteStore> store, const Qcow2Header& header,
                                                  std::unique_ptr<dev::BlockBackend> backing,
                                                  std::string name, Options options);
  ~Qcow2Image() override;

  uint64_t size() const override { return header_.size; }
  bool read_only() const override { return options_.read_only; }
  bool read(uint64_t offset, std::span<uint8_t> to) override;
  bool write(uint64_t offset, std::span<const uint8_t> from) override;
  // While another thread has the tables, both wait.
  Answer read_now(uint64_t offset, std::span<uint8_t> to) override;
  Answer write_now(uint64_t offset, std::span<const uint8_t> from) override;
  bool any_thread() const override { return true; }
  bool flush() override;
  bool discard(uint64_t offset, uint64_t n) override;
  bool write_zeroes(uint64_t offset, uint64_t n) override;

 private:
  Qcow2Image(std::unique_ptr<ByteStore> store, const Qcow2Header& header,
             std::unique_ptr<dev::BlockBackend> backing, std::string name, Options options);
  bool damaged();
  enum class Wait : uint8_t { kMay, kMustNot };
  Answer read_backing(uint64_t offset, std::span<uint8_t> to, Wait wait);
  bool read_compressed(Qcow2Entry entry, uint64_t within, std::span<uint8_t> to);
  bool read_locked(uint64_t offset, std::span<uint8_t> to) {
    return read_locked(offset, to, Wait::kMay) == Answer::kDone;
  }
  Answer read_locked(uint64_t offset, std::span<uint8_t> to, Wait wait);
  bool write_locked(uint64_t offset, std::span<const uint8_t> from);
  bool write_new(uint64_t cluster, uint64_t clusters, uint64_t offset, std::span<const uint8_t> from);
  bool zero_cluster(uint64_t cluster, bool give_back);
  bool zero_range(uint64_t offset, uint64_t n, bool give_back, bool whole_only);
  void let_go(Qcow2Entry entry);
  bool apart_from_tables(uint64_t place) const;
  bool usable(uint64_t place) const;
  bool in_place(Qcow2Entry e) const { return e.place() && e.own() && !e.zero(); }
  uint64_t cluster_size(uint64_t cluster) const;
  void changed();
  void write_back();

  const std::unique_ptr<ByteStore> store_;
  const Qcow2Header header_;
  const std::unique_ptr<dev::BlockBackend> backing_;
  const std::string name_;
  const Options options_;
  OnceReport report_;
  const uint64_t cluster_bytes_;
  Qcow2Refcounts counts_;
  Qcow2Map map_;
  // The cluster that was decompressed last.
  uint64_t unpacked_entry_ = 0;
  std::vector<uint8_t> unpacked_;
  // One thread at a time; the writer of tables starts with the first change.
  std::mutex mutex_;
  std::condition_variable wake_;
  std::thread writer_;
  bool waiting_ = false, ending_ = false;
};

}  // namespace mynah::host
