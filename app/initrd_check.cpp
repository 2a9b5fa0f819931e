// SPDX-License-Identifier: Apache-2.0
//
// cpio: the kernel's Documentation/driver-api/early-userspace/buffer-format.rst. gzip is run through zlib,
// whose check sums find damage; nothing is kept of what comes out.
#include "app/initrd_check.h"

#include <signal.h>
#include <zlib.h>

#include <algorithm>
#include <cstring>
#include <string_view>

#include "app/text.h"

namespace mynah::app {
namespace {

using Bytes = std::span<const uint8_t>;
using namespace std::literals;

bool starts_with(Bytes bytes, std::string_view text, size_t at = 0) {
  return bytes.size() >= at + text.size() && std::memcmp(bytes.data() + at, text.data(), text.size()) == 0;
}

// Formats that are not looked into.
bool known_format(Bytes bytes) {
  static constexpr std::string_view kStarts[] = {"BZh"sv,
                                                 "\xfd"
                                                 "7zXZ\0"sv,
                                                 "\x5d\0\0"sv,
                                                 "\x89LZO"sv,
                                                 "\x02\x21\x4c\x18"sv,
                                                 "\x04\x22\x4d\x18"sv,
                                                 "\x28\xb5\x2f\xfd"sv,
                                                 "\xc7\x71"sv,
                                                 "\x71\xc7"sv,
                                                 "hsqs"sv,
                                                 "-rom1fs-"sv,
                                                 "\x45\x3d\xcd\x28"sv,
                                                 "\x27\x05\x19\x56"sv,
                                                 "070707"sv,
                                                 "\xe2\xe1\xf5\xe0"sv};
  for (std::string_view start : kStarts)
    if (starts_with(bytes, start)) return true;
  return starts_with(bytes, "\x53\xef"sv, 0x438) ||
         starts_with(bytes, "ustar"sv, 257);  // ext2 and later; tar
}

enum class Walk : uint8_t { kGood, kShort, kCorrupt, kCancelled };

// One gzip member; `used` bytes long.
Walk walk_gzip(Bytes bytes, size_t& used, const std::atomic<bool>& cancel) {
  z_stream z{};
  if (inflateInit2(&z, 16 + MAX_WBITS) != Z_OK) return Walk::kCancelled;
  std::vector<uint8_t> scratch(1 << 18);
  size_t fed = 0;
  int result = Z_OK;
  while (result == Z_OK && !cancel) {
    if (z.avail_in == 0) {
      const size_t n = std::min<size_t>(bytes.size() - fed, 1 << 18);
      if (n == 0) break;
      z.next_in = const_cast<uint8_t*>(bytes.data() + fed);
      z.avail_in = static_cast<uInt>(n);
      fed += n;
    }
    z.next_out = scratch.data();
    z.avail_out = static_cast<uInt>(scratch.size());
    result = inflate(&z, Z_NO_FLUSH);
    if (result == Z_BUF_ERROR) result = Z_OK;
  }
  used = fed - z.avail_in;
  inflateEnd(&z);
  if (cancel) return Walk::kCancelled;
  return result == Z_STREAM_END ? Walk::kGood : result == Z_OK ? Walk::kShort : Walk::kCorrupt;
}

// One archive in the "newc" format.
Walk walk_cpio(Bytes bytes, size_t& used) {
  constexpr size_t kHeader = 110;
  size_t at = 0;
  for (;;) {
    if (at >= bytes.size() || bytes.size() - at < kHeader) return Walk::kShort;
    const char* header = reinterpret_cast<const char*>(bytes.data() + at);
    if (std::memcmp(header, "07070", 5) != 0 || (header[5] != '1' && header[5] != '2')) return Walk::kCorrupt;
    const auto field = [&](unsigned i) { return parse_u64("0x" + std::string(header + 6 + 8 * i, 8)); };
    const auto size = field(6), name = field(11);
    if (!size || !name || *name == 0 || *name > 4096) return Walk::kCorrupt;
    const size_t data = (at + kHeader + *name + 3) & ~size_t{3};
    if (data > bytes.size() || *size > bytes.size() - data) return Walk::kShort;
    const bool last = starts_with(bytes, "TRAILER!!!", at + kHeader);
    at = (data + *size + 3) & ~size_t{3};
    if (last) {
      used = std::min(at, bytes.size());
      return Walk::kGood;
    }
  }
}

}  // namespace

Result<void> check_initrd(Bytes image, const std::string& path, const std::atomic<bool>& cancel) {
  const auto refused = [&](std::string_view why) { return error("the initrd '{}' {}", path, why); };
  // Archives follow one another, each compressed or not, with zeroes between them.
  Bytes rest = image;
  for (bool first = true; !rest.empty(); first = false) {
    if (rest[0] == 0 && !first) {
      rest = rest.subspan(1);
      continue;
    }
    size_t used = 0;
    Walk walk;
    if (starts_with(rest, "\x1f\x8b"sv)) {
      walk = walk_gzip(rest, used, cancel);
    } else if (starts_with(rest, "070701"sv) || starts_with(rest, "070702"sv)) {
      walk = walk_cpio(rest, used);
    } else if (known_format(rest)) {
      return {};
    } else if (first) {
      return refused(
          "is neither a cpio archive nor a file system nor compressed in a known way; check -initrd");
    } else {
      return {};  // what follows a whole archive is the kernel's to judge: it ignores much
    }
    switch (walk) {
      case Walk::kGood:
        break;
      case Walk::kCancelled:
        return {};
      case Walk::kShort:
        return refused("is cut short; get it again");
      case Walk::kCorrupt:
        return refused("is corrupt; get it again");
    }
    rest = rest.subspan(used);
  }
  return {};
}

InitrdCheck::~InitrdCheck() {
  cancel_ = true;
  if (thread_.joinable()) thread_.join();
}

void InitrdCheck::start(std::vector<uint8_t> image, std::string path, std::function<void()> done) {
  thread_ = std::thread([this, image = std::move(image), path = std::move(path), done = std::move(done)] {
    // Signals are for the thread that runs the machine.
    sigset_t all;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_BLOCK, &all, nullptr);
    result_ = check_initrd(image, path, cancel_);
    finished_ = true;
    done();
  });
}

std::optional<Result<void>> InitrdCheck::poll() {
  if (!finished_ || !thread_.joinable()) return std::nullopt;
  thread_.join();
  return std::move(result_);
}

}  // namespace mynah::app
