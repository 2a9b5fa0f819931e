// SPDX-License-Identifier: Apache-2.0
//
// Makes compressed files, and EFI zboot images around them, for tests of what takes them apart.
#pragma once

#include <lzma.h>
#include <zlib.h>
#include <zstd.h>

#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

namespace mynah::packing {

using Bytes = std::vector<uint8_t>;

inline Bytes gzip(const Bytes& plain) {
  z_stream z{};
  deflateInit2(&z, 1, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
  Bytes out(deflateBound(&z, plain.size()) + 64);
  z.next_in = const_cast<uint8_t*>(plain.data());
  z.avail_in = static_cast<uInt>(plain.size());
  z.next_out = out.data();
  z.avail_out = static_cast<uInt>(out.size());
  deflate(&z, Z_FINISH);
  out.resize(z.total_out);
  deflateEnd(&z);
  return out;
}

inline Bytes run_lzma(lzma_stream z, const Bytes& plain) {
  Bytes out(plain.size() + plain.size() / 2 + 4096);
  z.next_in = plain.data();
  z.avail_in = plain.size();
  z.next_out = out.data();
  z.avail_out = out.size();
  (void)lzma_code(&z, LZMA_FINISH);
  out.resize(z.total_out);
  lzma_end(&z);
  return out;
}
inline Bytes xz(const Bytes& plain) {
  lzma_stream z = LZMA_STREAM_INIT;
  (void)lzma_easy_encoder(&z, 1, LZMA_CHECK_CRC32);
  return run_lzma(z, plain);
}
inline Bytes lzma(const Bytes& plain) {
  lzma_stream z = LZMA_STREAM_INIT;
  lzma_options_lzma options;
  lzma_lzma_preset(&options, 1);
  (void)lzma_alone_encoder(&z, &options);
  return run_lzma(z, plain);
}

inline Bytes zstd(const Bytes& plain) {
  ZSTD_CCtx* context = ZSTD_createCCtx();
  ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);
  Bytes out(ZSTD_compressBound(plain.size()));
  out.resize(ZSTD_compress2(context, out.data(), out.size(), plain.data(), plain.size()));
  ZSTD_freeCCtx(context);
  return out;
}

struct Packer {
  const char* name;
  const char* in_zboot;  // the kernel's name for it
  Bytes (*pack)(const Bytes&);
};
constexpr Packer kPackers[] = {
    {"gzip", "gzip", gzip}, {"xz", "xzkern", xz}, {"lzma", "lzma", lzma}, {"zstd", "zstd22", zstd}};

// A zboot image with this payload, and a hundred bytes behind it.
inline Bytes zboot(const Bytes& payload, std::string_view compression) {
  Bytes image(0x1000);
  std::memcpy(image.data(), "MZ\0\0zimg", 8);
  const uint32_t at = static_cast<uint32_t>(image.size()), n = static_cast<uint32_t>(payload.size());
  std::memcpy(&image[8], &at, 4);
  std::memcpy(&image[12], &n, 4);
  std::memcpy(&image[24], compression.data(), compression.size());
  image.insert(image.end(), payload.begin(), payload.end());
  image.insert(image.end(), 100, 0);
  return image;
}

}  // namespace mynah::packing
