// SPDX-License-Identifier: Apache-2.0
//
// What network cards compute of frames: the Internet checksum (RFC 1071), the frame check sequence (IEEE
// 802.3, 3.2.9), and where the headers of a received frame are.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace mynah::dev::ethernet {

constexpr size_t kHeaderSize = 14, kFcsSize = 4, kTagSize = 4, kSmallestFrame = 60;  // the latter without FCS

inline uint16_t get16(std::span<const uint8_t> from, size_t at) {
  return static_cast<uint16_t>(from[at] << 8 | from[at + 1]);
}
inline void put16(std::span<uint8_t> to, size_t at, uint16_t value) {
  to[at] = static_cast<uint8_t>(value >> 8);
  to[at + 1] = static_cast<uint8_t>(value);
}
inline uint32_t get32(std::span<const uint8_t> from, size_t at) {
  return uint32_t{get16(from, at)} << 16 | get16(from, at + 2);
}
inline void put32(std::span<uint8_t> to, size_t at, uint32_t value) {
  put16(to, at, static_cast<uint16_t>(value >> 16));
  put16(to, at + 2, static_cast<uint16_t>(value));
}

// The sum of big-endian words, an odd byte at the end being the upper half of one; not complemented.
uint16_t checksum(std::span<const uint8_t> bytes, uint32_t initial = 0);
uint32_t frame_check_sequence(std::span<const uint8_t> frame);

// Which checksums a frame has, and whether they are right.
struct Checked {
  bool ip = false, ip_right = false;             // IPv4
  bool tcp = false, udp = false, right = false;  // of a whole packet, not of a fragment
};
Checked check(std::span<const uint8_t> frame);

}  // namespace mynah::dev::ethernet
