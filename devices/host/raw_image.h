// SPDX-License-Identifier: Apache-2.0
//
// A disk in a raw image file or on a block device of the host.
//
// The disk is the file rounded up to whole sectors; what the file lacks of its last sector reads as zeroes
// and comes into being when written. The file is locked for as long as it is open: several readers, or one
// writer.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "devices/core/host_backends.h"
#include "devices/host/fd.h"
#include "ir/result.h"

namespace mynah::host {

constexpr uint64_t kSector = 512;

struct ImageOptions {
  bool read_only = false;
  bool any_contents = false;  // also what another format's signature is at the start of (foreign_format.h)
  bool lock = true;
  bool discard = true;      // pass discards on to the host's file system
  Report report = nullptr;  // run-time failures, each kind once
};

class RawImage final : public dev::BlockBackend {
 public:
  static Result<std::unique_ptr<RawImage>> open(const std::string& path, ImageOptions options);

  uint64_t size() const override { return size_; }
  bool read_only() const override { return options_.read_only; }
  bool read(uint64_t offset, std::span<uint8_t> to) override;
  bool write(uint64_t offset, std::span<const uint8_t> from) override;
  bool flush() override;
  bool discard(uint64_t offset, uint64_t n) override;
  bool write_zeroes(uint64_t offset, uint64_t n) override;

 private:
  RawImage(std::string path, UniqueFd fd, uint64_t size, ImageOptions options);
  bool failed(const char* doing, int error);
  std::string path_;
  UniqueFd fd_;
  uint64_t size_;
  ImageOptions options_;
  OnceReport report_;
};

// Used by every backend on a file. All return 0 or an errno; reads past the end of the file give zeroes.
int read_fully(int fd, uint64_t offset, std::span<uint8_t> to);
int write_fully(int fd, uint64_t offset, std::span<const uint8_t> from);
int zero_range(int fd, uint64_t offset, uint64_t n, bool keep_space);

inline bool in_range(uint64_t offset, uint64_t n, uint64_t size) {
  return offset <= size && n <= size - offset;
}

}  // namespace mynah::host
