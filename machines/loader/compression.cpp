// SPDX-License-Identifier: Apache-2.0
//
// One loop for all of them: a codec takes input and fills room until its stream ends, and the loop gives it
// room up to the limit.
#include "machines/loader/compression.h"

#include <lzma.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>

#include "machines/loader/bytes.h"

namespace mynah {
namespace {

using namespace std::literals;

struct Signature {
  std::string_view text;
  Compression compression;
};
constexpr Signature kSignatures[] = {{"\x1f\x8b\x08"sv, Compression::kGzip},
                                     {"\xfd"
                                      "7zXZ\0"sv,
                                      Compression::kXz},
                                     {"\x28\xb5\x2f\xfd"sv, Compression::kZstd},
                                     {"BZh"sv, Compression::kBzip2},
                                     {"\x02\x21\x4c\x18"sv, Compression::kLz4},
                                     {"\x04\x22\x4d\x18"sv, Compression::kLz4},
                                     {"\x89LZO"sv, Compression::kLzop}};

enum class Step : uint8_t { kGoesOn, kEnd, kCorrupt, kNoMemory };

// A codec's step takes from `in` and fills `out`; both shrink by what was used.
struct Buffers {
  std::span<const uint8_t> in;
  std::span<uint8_t> out;
};

class Gzip {
 public:
  Gzip() { good_ = inflateInit2(&z_, 16 + MAX_WBITS) == Z_OK; }
  ~Gzip() { inflateEnd(&z_); }
  Gzip(const Gzip&) = delete;
  Step step(Buffers& b) {
    if (!good_) return Step::kNoMemory;
    constexpr size_t kMost = size_t{1} << 30;
    const size_t in = std::min(b.in.size(), kMost), out = std::min(b.out.size(), kMost);
    z_.next_in = const_cast<uint8_t*>(b.in.data());
    z_.avail_in = static_cast<uInt>(in);
    z_.next_out = b.out.data();
    z_.avail_out = static_cast<uInt>(out);
    const int result = inflate(&z_, Z_NO_FLUSH);
    b.in = b.in.subspan(in - z_.avail_in);
    b.out = b.out.subspan(out - z_.avail_out);
    if (result == Z_STREAM_END) return Step::kEnd;
    if (result == Z_MEM_ERROR) return Step::kNoMemory;
    return result == Z_OK || result == Z_BUF_ERROR ? Step::kGoesOn : Step::kCorrupt;
  }

 private:
  z_stream z_{};
  bool good_;
};

class Lzma {
 public:
  explicit Lzma(bool alone) {
    // More than the largest preset's dictionary asks for (xz -9: 65 MiB).
    constexpr uint64_t kMostMemory = uint64_t{256} << 20;
    good_ =
        (alone ? lzma_alone_decoder(&z_, kMostMemory) : lzma_stream_decoder(&z_, kMostMemory, 0)) == LZMA_OK;
  }
  ~Lzma() { lzma_end(&z_); }
  Lzma(const Lzma&) = delete;
  Step step(Buffers& b) {
    if (!good_) return Step::kNoMemory;
    z_.next_in = b.in.data();
    z_.avail_in = b.in.size();
    z_.next_out = b.out.data();
    z_.avail_out = b.out.size();
    const lzma_ret result = lzma_code(&z_, LZMA_RUN);
    b.in = b.in.last(z_.avail_in);
    b.out = b.out.last(z_.avail_out);
    if (result == LZMA_STREAM_END) return Step::kEnd;
    if (result == LZMA_MEM_ERROR || result == LZMA_MEMLIMIT_ERROR) return Step::kNoMemory;
    return result == LZMA_OK || result == LZMA_BUF_ERROR ? Step::kGoesOn : Step::kCorrupt;
  }

 private:
  lzma_stream z_ = LZMA_STREAM_INIT;
  bool good_;
};

class Zstd {
 public:
  Zstd() : z_(ZSTD_createDStream()) {
    // The largest window that the kernel's compressor uses (zstd -22 --ultra: 128 MiB).
    if (z_) ZSTD_DCtx_setParameter(z_, ZSTD_d_windowLogMax, 27);
  }
  ~Zstd() { ZSTD_freeDStream(z_); }
  Zstd(const Zstd&) = delete;
  Step step(Buffers& b) {
    if (!z_) return Step::kNoMemory;
    ZSTD_inBuffer in{b.in.data(), b.in.size(), 0};
    ZSTD_outBuffer out{b.out.data(), b.out.size(), 0};
    const size_t result = ZSTD_decompressStream(z_, &out, &in);
    b.in = b.in.subspan(in.pos);
    b.out = b.out.subspan(out.pos);
    if (ZSTD_isError(result)) return Step::kCorrupt;
    if (result != 0) return Step::kGoesOn;
    // Parallel compressors write one frame after another.
    const auto next = load_field<uint32_t>(b.in, 0);
    const bool another =
        b.in.size() >= 4 &&
        (next == ZSTD_MAGICNUMBER || (next & ZSTD_MAGIC_SKIPPABLE_MASK) == ZSTD_MAGIC_SKIPPABLE_START);
    return another ? Step::kGoesOn : Step::kEnd;
  }

 private:
  ZSTD_DStream* z_;
};

template <typename Codec>
Result<std::vector<uint8_t>> run(Codec&& codec, std::span<const uint8_t> file, uint64_t limit) {
  constexpr size_t kFirst = size_t{1} << 20;
  std::vector<uint8_t> out(std::min<uint64_t>(limit, file.size() * 4 + kFirst));
  Buffers b{file, out};
  for (;;) {
    const size_t had = b.in.size() + b.out.size();
    const Step step = codec.step(b);
    if (step == Step::kEnd) break;
    if (step == Step::kNoMemory)
      return Error{"needs more memory to be uncompressed than there is; uncompress it first"};
    if (step == Step::kCorrupt) return Error{"is compressed, and corrupt or cut short; get it again"};
    if (b.out.empty()) {
      const size_t size = out.size();
      if (size >= limit)
        return error("is larger than the {} MiB that there is room for; use a larger -m", limit >> 20);
      out.resize(std::min<uint64_t>(limit, uint64_t{size} * 2));
      b.out = std::span(out).subspan(size);
    } else if (b.in.size() + b.out.size() == had) {
      return Error{"is compressed, and corrupt or cut short; get it again"};
    }
  }
  out.resize(out.size() - b.out.size());
  return out;
}

}  // namespace

Compression compression_of(std::span<const uint8_t> file) {
  for (const Signature& s : kSignatures)
    if (has_text(file, 0, s.text)) return s.compression;
  // lzma has properties, a dictionary's size and the contents' in place of a signature.
  if (has_text(file, 0, "\x5d\0\0"sv) && (has_text(file, 5, "\xff\xff\xff\xff\xff\xff\xff\xff"sv) ||
                                          (load_field<uint64_t>(file, 5) >> 40 == 0 && file.size() > 13)))
    return Compression::kLzma;
  return Compression::kNone;
}

std::string_view name_of(Compression compression) {
  static constexpr std::string_view kNames[] = {"nothing", "gzip",  "xz",  "lzma",
                                                "zstd",    "bzip2", "lz4", "lzop"};
  return kNames[static_cast<unsigned>(compression)];
}

bool can_uncompress(Compression compression) {
  return compression == Compression::kGzip || compression == Compression::kXz ||
         compression == Compression::kLzma || compression == Compression::kZstd;
}

Result<std::vector<uint8_t>> uncompress(std::span<const uint8_t> file, Compression compression,
                                        uint64_t limit) {
  switch (compression) {
    case Compression::kGzip:
      return run(Gzip(), file, limit);
    case Compression::kXz:
      return run(Lzma(false), file, limit);
    case Compression::kLzma:
      return run(Lzma(true), file, limit);
    case Compression::kZstd:
      return run(Zstd(), file, limit);
    default:
      return error(
          "is compressed with {}, which is not uncompressed here (gzip, xz, lzma and zstd are); "
          "uncompress it first",
          name_of(compression));
  }
}

}  // namespace mynah
