// SPDX-License-Identifier: Apache-2.0
//
// See ethernet.h. Frames come from a network and may be anything.
#include "devices/net/ethernet.h"

namespace mynah::dev::ethernet {

uint16_t checksum(std::span<const uint8_t> bytes, uint32_t initial) {
  uint64_t sum = initial;
  size_t at = 0;
  for (; at + 1 < bytes.size(); at += 2) sum += get16(bytes, at);
  if (at < bytes.size()) sum += uint64_t{bytes[at]} << 8;
  while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<uint16_t>(sum);
}

namespace {
constexpr std::array<uint32_t, 256> make_crc_table() {
  std::array<uint32_t, 256> table{};
  for (uint32_t n = 0; n < 256; ++n) {
    uint32_t c = n;
    for (int bit = 0; bit < 8; ++bit) c = c & 1 ? c >> 1 ^ 0xedb88320 : c >> 1;
    table[n] = c;
  }
  return table;
}
constexpr std::array<uint32_t, 256> kCrcTable = make_crc_table();

constexpr uint16_t kIpv4 = 0x0800, kIpv6 = 0x86dd, kVlan = 0x8100;
constexpr uint8_t kTcp = 6, kUdp = 17;

void check_transport(std::span<const uint8_t> packet, uint32_t pseudo, uint8_t protocol, Checked& result) {
  if ((protocol == kTcp && packet.size() < 20) || (protocol == kUdp && packet.size() < 8)) return;
  if (protocol != kTcp && protocol != kUdp) return;
  if (protocol == kUdp && get16(packet, 6) == 0) return;  // has none
  result.tcp = protocol == kTcp;
  result.udp = protocol == kUdp;
  result.right = checksum(packet, pseudo + protocol + static_cast<uint32_t>(packet.size())) == 0xffff;
}
}  // namespace

uint32_t frame_check_sequence(std::span<const uint8_t> frame) {
  uint32_t crc = ~0u;
  for (const uint8_t byte : frame) crc = kCrcTable[(crc ^ byte) & 0xff] ^ crc >> 8;
  return ~crc;
}

Checked check(std::span<const uint8_t> frame) {
  Checked result;
  if (frame.size() < kHeaderSize + kTagSize) return result;
  size_t at = 12;
  uint16_t type = get16(frame, at);
  if (type == kVlan) type = get16(frame, at += kTagSize);
  const auto ip = frame.subspan(at + 2);
  if (type == kIpv4) {
    const size_t header = ip.empty() ? 0 : (ip[0] & 0xf) * 4u;
    if (ip.size() < 20 || ip[0] >> 4 != 4 || header < 20 || header > ip.size()) return result;
    result.ip = true;
    result.ip_right = checksum(ip.first(header)) == 0xffff;
    const size_t total = get16(ip, 2);
    if (total < header || total > ip.size() || (get16(ip, 6) & 0x3fff)) return result;
    check_transport(ip.subspan(header, total - header), checksum(ip.subspan(12, 8)), ip[9], result);
  } else if (type == kIpv6 && ip.size() >= 40 && ip[0] >> 4 == 6) {
    const size_t payload = get16(ip, 4);
    if (payload > ip.size() - 40) return result;
    check_transport(ip.subspan(40, payload), checksum(ip.subspan(8, 32)), ip[6], result);
  }
  return result;
}

}  // namespace mynah::dev::ethernet
