// SPDX-License-Identifier: Apache-2.0
//
// Offsets of the disk are those of the file.
#include "devices/host/raw_image.h"

#include <algorithm>
#include <array>
#include <utility>

#include "devices/host/foreign_format.h"

namespace mynah::host {

Result<void> check_raw_contents(ImageFile& file) {
  std::array<uint8_t, kForeignHead> head{};
  if (!file.read(0, head)) return error("cannot read the disk image '{}'; check the file", file.path());
  const ForeignFormat* format = foreign_format(head);
  if (!format) return {};
  return error(
      "'{}' {}, and a disk is a plain file; make one with {} and use that, or add format=raw,readonly=on if "
      "the "
      "guest is to read the bytes of this file",
      file.path(), describe(*format), plain_file_command(*format, file.path()));
}

Result<std::unique_ptr<RawImage>> RawImage::open(const std::string& path, const ImageOptions& options) {
  auto file = ImageFile::open(path, options);
  if (!file) return file.error();
  if (!options.any_contents)
    if (auto plain = check_raw_contents(**file); !plain) return plain.error();
  return std::make_unique<RawImage>(std::move(*file));
}

RawImage::RawImage(std::unique_ptr<ImageFile> file, Format format)
    : file_(std::move(file)), size_((file_->size() + kSector - 1) / kSector * kSector), format_(format) {}

bool RawImage::read(uint64_t offset, std::span<uint8_t> to) {
  return in_range(offset, to.size(), size_) && file_->read(offset, to);
}

bool RawImage::disguises(uint64_t offset, std::span<const uint8_t> from) {
  if (format_ == Format::kSaid || offset >= kForeignHead) return false;
  std::array<uint8_t, kForeignHead> head{};
  if (!file_->read(0, head)) return true;
  std::copy_n(from.begin(), std::min<size_t>(from.size(), kForeignHead - offset),
              head.begin() + static_cast<ptrdiff_t>(offset));
  const ForeignFormat* made = foreign_format(head);
  return made && made->kind == ForeignFormat::Kind::kImage;
}

bool RawImage::write(uint64_t offset, std::span<const uint8_t> from) {
  return in_range(offset, from.size(), size_) && !disguises(offset, from) && file_->write(offset, from);
}

bool RawImage::discard(uint64_t offset, uint64_t n) {
  if (read_only() || !in_range(offset, n, size_)) return false;
  file_->punch(offset, n);
  return true;
}

bool RawImage::write_zeroes(uint64_t offset, uint64_t n) {
  return in_range(offset, n, size_) && file_->zero(offset, n);
}

}  // namespace mynah::host
