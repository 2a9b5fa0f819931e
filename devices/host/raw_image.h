// SPDX-License-Identifier: Apache-2.0
//
// A disk in a raw image file or on a block device of the host.
//
// The disk is the file rounded up to whole sectors; what the file lacks of its last sector reads as zeroes
// and comes into being when written.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "devices/core/host_backends.h"
#include "devices/host/image/image_file.h"
#include "ir/result.h"

namespace mynah::host {

constexpr uint64_t kSector = 512;

class RawImage final : public dev::BlockBackend {
 public:
  // Nobody said that it is raw: the guest cannot make it look like an image of another format, which would be
  // opened as such the next time.
  enum class Format : uint8_t { kSaid, kFoundOut };

  static Result<std::unique_ptr<RawImage>> open(const std::string& path, const ImageOptions& options);
  explicit RawImage(std::unique_ptr<ImageFile> file, Format format = Format::kSaid);

  uint64_t size() const override { return size_; }
  bool read_only() const override { return file_->read_only(); }
  bool read(uint64_t offset, std::span<uint8_t> to) override;
  Answer read_now(uint64_t offset, std::span<uint8_t> to) override {
    return in_range(offset, to.size(), size_) ? file_->read_now(offset, to) : Answer::kFailed;
  }
  bool any_thread() const override { return true; }
  bool write(uint64_t offset, std::span<const uint8_t> from) override;
  bool flush() override { return file_->sync(); }
  bool discard(uint64_t offset, uint64_t n) override;
  bool write_zeroes(uint64_t offset, uint64_t n) override;

 private:
  bool disguises(uint64_t offset, std::span<const uint8_t> from);

  std::unique_ptr<ImageFile> file_;
  uint64_t size_;
  Format format_;
};

// Why a file that is known as another format's is no raw image, and what makes one of it; or nothing.
Result<void> check_raw_contents(ImageFile& file);

}  // namespace mynah::host
