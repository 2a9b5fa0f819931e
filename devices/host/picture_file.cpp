// SPDX-License-Identifier: Apache-2.0
//
// A PNG is a signature and chunks: what the picture is, its lines behind a filter's number in one zlib
// stream, the end.
#include "devices/host/picture_file.h"

#include <fmt/format.h>
#include <zlib.h>

#include <string_view>

namespace mynah::host {
namespace {

void put_pixels(std::vector<uint8_t>& to, const uint32_t* pixels, size_t count) {
  for (size_t i = 0; i < count; ++i)
    for (int shift : {16, 8, 0}) to.push_back(static_cast<uint8_t>(pixels[i] >> shift));
}

void put32(std::vector<uint8_t>& to, uint64_t value) {
  for (int shift : {24, 16, 8, 0}) to.push_back(static_cast<uint8_t>(value >> shift));
}

void put_chunk(std::vector<uint8_t>& to, std::string_view kind, const std::vector<uint8_t>& contents) {
  put32(to, contents.size());
  const size_t begin = to.size();
  to.insert(to.end(), kind.begin(), kind.end());
  to.insert(to.end(), contents.begin(), contents.end());
  put32(to, ::crc32(0, to.data() + begin, static_cast<uInt>(to.size() - begin)));
}

}  // namespace

std::vector<uint8_t> ppm_file(const dev::Screen::Picture& picture) {
  const std::string head = fmt::format("P6\n{} {}\n255\n", picture.width, picture.height);
  std::vector<uint8_t> file(head.begin(), head.end());
  put_pixels(file, picture.pixels.data(), picture.pixels.size());
  return file;
}

std::vector<uint8_t> png_file(const dev::Screen::Picture& picture) {
  static constexpr uint8_t kSignature[] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
  // 8 bits a sample, samples are colors, and the one method of compression, of filters; not interlaced.
  static constexpr uint8_t kForm[] = {8, 2, 0, 0, 0};
  std::vector<uint8_t> file(std::begin(kSignature), std::end(kSignature)), header;
  put32(header, picture.width);
  put32(header, picture.height);
  header.insert(header.end(), std::begin(kForm), std::end(kForm));
  put_chunk(file, "IHDR", header);

  std::vector<uint8_t> lines;
  for (size_t y = 0; y < picture.height; ++y) {
    lines.push_back(0);  // no filter
    put_pixels(lines, &picture.pixels[y * picture.width], picture.width);
  }
  uLongf size = ::compressBound(lines.size());
  std::vector<uint8_t> packed(size);
  ::compress2(packed.data(), &size, lines.data(), lines.size(), Z_DEFAULT_COMPRESSION);
  packed.resize(size);
  put_chunk(file, "IDAT", packed);
  put_chunk(file, "IEND", {});
  return file;
}

}  // namespace mynah::host
