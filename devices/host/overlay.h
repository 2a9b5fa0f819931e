// SPDX-License-Identifier: Apache-2.0
//
// Overlay: a writable disk over one that stays as it is (-snapshot). What the guest writes goes to a
// temporary file without a name, gone with the process however it ends.
//
// The temporary file is sparse and has the base's layout; a bit for each cluster says which of the two holds
// it. The bits are allocated on demand. A flush does nothing: no write is to survive the process.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "devices/core/host_backends.h"
#include "devices/host/fd.h"
#include "ir/result.h"

namespace mynah::host {

class Overlay final : public dev::BlockBackend {
 public:
  static constexpr uint64_t kCluster = 4096;  // bytes; a smaller write copies the rest from the base
  // `folder` empty: $TMPDIR, else /var/tmp, else /tmp (which is often memory).
  static Result<std::unique_ptr<Overlay>> create(std::unique_ptr<dev::BlockBackend> base, Report report,
                                                 std::string folder = {});

  uint64_t size() const override { return size_; }
  bool read_only() const override { return false; }
  bool read(uint64_t offset, std::span<uint8_t> to) override {
    return read_runs(offset, to, false) == Answer::kDone;
  }
  Answer read_now(uint64_t offset, std::span<uint8_t> to) override { return read_runs(offset, to, true); }
  bool write(uint64_t offset, std::span<const uint8_t> from) override;
  bool flush() override { return true; }
  bool discard(uint64_t offset, uint64_t n) override;
  bool write_zeroes(uint64_t offset, uint64_t n) override;

 private:
  static constexpr uint64_t kBitsPerPage = 32768;  // clusters, so 128 MiB of disk
  using BitPage = std::array<uint64_t, kBitsPerPage / 64>;

  Overlay(std::unique_ptr<dev::BlockBackend> base, UniqueFd fd, std::string folder, Report report);
  bool present(uint64_t cluster) const;
  void set_present(uint64_t cluster);
  Answer read_runs(uint64_t offset, std::span<uint8_t> to, bool at_once);
  bool copy_in(uint64_t cluster);
  bool failed(const char* doing, int error);

  std::unique_ptr<dev::BlockBackend> base_;
  UniqueFd fd_;
  std::string folder_;
  uint64_t size_;
  OnceReport report_;
  std::vector<std::unique_ptr<BitPage>> bits_;
};

}  // namespace mynah::host
