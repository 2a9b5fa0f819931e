// SPDX-License-Identifier: Apache-2.0
//
// ELF files of a few segments, in both classes.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <vector>

namespace mynah::elf_test {

struct Segment {
  uint64_t at = 0;
  std::vector<uint8_t> bytes = {};
  uint64_t memory = 0;           // bytes; at least those above
  uint64_t virtual_address = 0;  // 0: the same
  uint32_t type = 1, flags = 7;
  bool with_headers = false;  // the file's headers are its first bytes
};

struct File {
  uint64_t entry = 0;
  std::vector<Segment> segments;
  bool is_64 = true;
  uint16_t machine = 183, type = 2;
  uint8_t data = 1;
};

// Where the first segment's bytes are in the file: behind the headers.
inline uint64_t header_bytes(const File& f) {
  return f.is_64 ? 64 + 56 * f.segments.size() : 52 + 32 * f.segments.size();
}

inline std::vector<uint8_t> make(const File& f) {
  std::vector<uint8_t> out(header_bytes(f));
  const unsigned word = f.is_64 ? 8 : 4;
  const auto put = [&](uint64_t at, uint64_t value, unsigned n) { std::memcpy(&out[at], &value, n); };
  std::memcpy(out.data(),
              "\x7f"
              "ELF",
              4);
  out[4] = f.is_64 ? 2 : 1;
  out[5] = f.data;
  out[6] = 1;
  put(16, f.type, 2);
  put(18, f.machine, 2);
  put(20, 1, 4);
  put(24, f.entry, word);
  put(24 + word, f.is_64 ? 64 : 52, word);
  const uint64_t sizes = f.is_64 ? 52 : 40;
  put(sizes, f.is_64 ? 64 : 52, 2);
  put(sizes + 2, f.is_64 ? 56 : 32, 2);
  put(sizes + 4, f.segments.size(), 2);
  uint64_t entry = f.is_64 ? 64 : 52;
  for (const Segment& s : f.segments) {
    const uint64_t offset = s.with_headers ? 0 : out.size();
    out.insert(out.end(), s.bytes.begin(), s.bytes.end());
    const uint64_t file = out.size() - offset, memory = std::max<uint64_t>(s.memory, file);
    const uint64_t va = s.virtual_address ? s.virtual_address : s.at;
    put(entry, s.type, 4);
    if (f.is_64) {
      put(entry + 4, s.flags, 4);
      const uint64_t words[] = {offset, va, s.at, file, memory};
      for (unsigned i = 0; i < 5; ++i) put(entry + 8 + 8 * i, words[i], 8);
      entry += 56;
    } else {
      const uint64_t words[] = {offset, va, s.at, file, memory, s.flags};
      for (unsigned i = 0; i < 6; ++i) put(entry + 4 + 4 * i, words[i], 4);
      entry += 32;
    }
  }
  return out;
}

// A program of these words at one address.
inline std::vector<uint8_t> make(uint64_t at, const std::vector<uint32_t>& words) {
  std::vector<uint8_t> bytes(words.size() * 4);
  std::memcpy(bytes.data(), words.data(), bytes.size());
  return make(File{.entry = at, .segments = {{.at = at, .bytes = bytes}}});
}

}  // namespace mynah::elf_test
