// SPDX-License-Identifier: Apache-2.0
//
// A file or block device of the host that holds a disk image: opened, checked, and locked for as long as it
// is open: several readers, or one writer. Any thread may call it.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "devices/host/fd.h"
#include "devices/host/image/byte_store.h"
#include "ir/result.h"

namespace mynah::host {

struct ImageOptions {
  bool read_only = false;
  bool any_contents = false;  // also what another format's signature is at the start of (foreign_format.h)
  bool lock = true;
  bool discard = true;      // pass discards on to the host's file system
  Report report = nullptr;  // run-time failures, each kind once
};

class ImageFile final : public ByteStore {
 public:
  static Result<std::unique_ptr<ImageFile>> open(const std::string& path, const ImageOptions& options);

  const std::string& path() const { return path_; }
  bool read_only() const { return read_only_; }
  // The same for two names of one file.
  std::pair<dev_t, ino_t> identity() const { return identity_; }

  uint64_t size() const override { return size_; }
  bool read(uint64_t offset, std::span<uint8_t> to) override;
  Answer read_now(uint64_t offset, std::span<uint8_t> to) override;
  bool write(uint64_t offset, std::span<const uint8_t> from) override;
  bool sync() override;
  void punch(uint64_t offset, uint64_t n) override;
  bool zero(uint64_t offset, uint64_t n);

 private:
  ImageFile(std::string path, UniqueFd fd, uint64_t size, std::pair<dev_t, ino_t> identity,
            const ImageOptions& options);
  bool failed(const char* doing, int error);

  std::string path_;
  UniqueFd fd_;
  std::atomic<uint64_t> size_;
  std::pair<dev_t, ino_t> identity_;
  bool read_only_, discard_;
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
