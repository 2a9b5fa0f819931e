// SPDX-License-Identifier: Apache-2.0
//
// See e1000_core.h. Here: transmit rings, 317453 sections 3.3 to 3.5. A packet is gathered whole, since
// segmentation needs its header for each frame and a checksum is in front of what it sums.
#include <algorithm>
#include <cstring>

#include "devices/net/e1000_core.h"
#include "devices/net/ethernet.h"

namespace mynah::dev::e1000 {

using namespace ethernet;

namespace {
constexpr unsigned kMostDescriptors = 2048;  // of one go
constexpr size_t kMostBytes = size_t{4} << 20;
constexpr TimeNs kNextGo = 10'000;  // nanoseconds

constexpr uint32_t ring_of(unsigned queue) { return queue == 0 ? TX_RING : TX_RING1; }
}  // namespace

void Core::transmit_all() {
  if (transmitting_) return;  // a frame that came back has an owner who looks at the ring again
  transmitting_ = true;
  bool more = false;
  for (unsigned n = 0; n < model_.tx_queues; ++n) more = transmit_some(n) || more;
  transmitting_ = false;
  if (more) schedule(transmit_event_, kNextGo);
}

// True: there is more.
bool Core::transmit_some(unsigned n) {
  const uint32_t ring = ring_of(n), size = reg(ring + kLength) / kDescriptorSize;
  uint32_t& head = reg(ring + kHead);
  if (!(reg(TCTL) & kTctlEnable) || size == 0 || head == reg(ring + kTail)) return false;
  if (head >= size || reg(ring + kTail) >= size) {
    guest_error("head or tail of a transmit ring is beyond its end");
    return false;
  }
  const uint64_t base = (reg(ring + kBaseLow) & ~0xfu) | uint64_t{reg(ring + kBaseHigh)} << 32;
  uint32_t causes = 0;
  bool delayed = false;
  size_t copied = 0;
  unsigned left = kMostDescriptors;
  TxQueue& q = tx_[n];
  for (; left != 0 && copied < kMostBytes && head != reg(ring + kTail); --left) {
    const uint64_t pa = base + uint64_t{head} * kDescriptorSize;
    std::array<uint32_t, 4> d{};
    if (!dma().read(pa, d.data(), kDescriptorSize)) {
      guest_error("a transmit ring is not in RAM");
      return false;
    }
    const bool extended = d[2] & kTxExtended;
    if (extended && (d[2] & kTxType) == 0) {
      read_context(q, d);
    } else {
      if (!q.started) {
        q.started = true;
        q.segments = extended && (d[2] & kTxTse);
        q.options = extended ? static_cast<uint8_t>(d[3] >> 8) : 0;
      }
      const uint32_t bytes = extended ? d[2] & 0xfffff : d[2] & 0xffff;
      add_data(q, d[0] | uint64_t{d[1]} << 32, bytes);
      copied += q.oversized ? 0 : bytes;
      if (d[2] & kTxEop) finish_packet(q, d);
    }
    if (d[2] & (kTxReport | kTxReportSent)) {
      const auto status = static_cast<uint8_t>((d[3] & 0xf) | kTxDone);
      dma().write(pa + 12, &status, 1);
      if (d[2] & kTxDelay && reg(TIDV) != 0) {
        delayed = true;
      } else {
        causes |= kTxdw;
      }
    }
    head = head + 1 == size ? 0 : head + 1;
  }
  const bool more = head != reg(ring + kTail);
  if (delayed && !(causes & kTxdw)) tx_delay_.start(reg(TIDV), reg(TADV));
  set_causes(causes | (more ? 0 : kTxqe));
  return more;
}

void Core::read_context(TxQueue& q, const std::array<uint32_t, 4>& d) {
  Context& c = d[2] & kTxTse ? q.segmented : q.plain;
  c = {.ip_start = static_cast<uint8_t>(d[0]),
       .ip_offset = static_cast<uint8_t>(d[0] >> 8),
       .tcp_start = static_cast<uint8_t>(d[1]),
       .tcp_offset = static_cast<uint8_t>(d[1] >> 8),
       .ip_end = static_cast<uint16_t>(d[0] >> 16),
       .tcp_end = static_cast<uint16_t>(d[1] >> 16),
       .segment = static_cast<uint16_t>(d[3] >> 16),
       .header = static_cast<uint8_t>(d[3] >> 8),
       .tcp = (d[2] & kContextTcp) != 0,
       .ipv4 = (d[2] & kContextIpv4) != 0};
}

void Core::add_data(TxQueue& q, uint64_t pa, uint32_t size) {
  if (size == 0 || q.oversized) return;
  const size_t at = q.packet.size();
  if (size > kMostPacket - at) {
    guest_error("a packet is longer than any frame or segmented packet");
    q.oversized = true;
    return;
  }
  q.packet.resize(at + size);
  if (!dma().read(pa, &q.packet[at], size)) {
    guest_error("a transmit buffer is not in RAM");
    q.oversized = true;
  }
}

void Core::finish_packet(TxQueue& q, const std::array<uint32_t, 4>& d) {
  const bool extended = d[2] & kTxExtended;
  // The tag with a bit that says that there is one.
  const uint32_t tag = (d[2] & kTxVlan) && (reg(CTRL) & kCtrlVlanMode) ? 0x10000 | d[3] >> 16 : 0;
  if (!q.oversized && !q.packet.empty()) {
    if (q.segments) {
      send_segments(q, tag);
    } else {
      Context c = q.plain;
      uint8_t options = q.options;
      if (!extended && (d[2] & kTxInsertSum)) {  // one sum, from CSS to the end, at CSO
        c.tcp_start = static_cast<uint8_t>(d[3] >> 8);
        c.tcp_offset = static_cast<uint8_t>(d[2] >> 16);
        c.tcp_end = 0;
        options = kOptionTcpSum;
      }
      frame_ = q.packet;
      send_frame(frame_, c, options, tag);
    }
  }
  q.packet.clear();
  q.started = q.segments = q.oversized = false;
}

// One frame for each segment: the header is repeated, with lengths, numbers and flags for this one (3.5).
void Core::send_segments(TxQueue& q, uint32_t tag) {
  const Context& c = q.segmented;
  const size_t header = c.header, end = q.packet.size();
  const size_t smallest =
      std::max<size_t>(c.ip_start + (c.ipv4 ? 20u : 40u), c.tcp_start + (c.tcp ? 20u : 8u));
  if (c.segment == 0 || header < smallest || header > end)
    return guest_error("segmentation of a wrong header");
  count(TSCTC);
  unsigned n = 0;
  for (size_t at = header; at < end || n == 0; at += c.segment, ++n) {
    const size_t payload = std::min<size_t>(c.segment, end - at);
    const bool last = at + payload == end;
    frame_.assign(q.packet.begin(), q.packet.begin() + static_cast<ptrdiff_t>(header));
    frame_.insert(frame_.end(), q.packet.begin() + static_cast<ptrdiff_t>(at),
                  q.packet.begin() + static_cast<ptrdiff_t>(at + payload));
    const std::span<uint8_t> f = frame_;
    if (c.ipv4) {
      put16(f, c.ip_start + 2, static_cast<uint16_t>(f.size() - c.ip_start));
      put16(f, c.ip_start + 4, static_cast<uint16_t>(get16(f, c.ip_start + 4) + n));
    } else {
      put16(f, c.ip_start + 4, static_cast<uint16_t>(f.size() - c.ip_start - 40));
    }
    const size_t length = f.size() - c.tcp_start;
    if (c.tcp) {
      put32(f, c.tcp_start + 4, get32(f, c.tcp_start + 4) + n * c.segment);
      if (!last) f[c.tcp_start + 13] &= static_cast<uint8_t>(~0x09);  // FIN, PSH
    } else {
      put16(f, c.tcp_start + 4, static_cast<uint16_t>(length));
    }
    // The header has the pseudo header's sum without the length.
    if ((q.options & kOptionTcpSum) && c.tcp_offset + 2u <= f.size()) {
      const uint8_t word[] = {static_cast<uint8_t>(length >> 8), static_cast<uint8_t>(length)};
      put16(f, c.tcp_offset, checksum(word, get16(f, c.tcp_offset)));
    }
    send_frame(f, c, q.options, tag);
  }
}

namespace {
// Sums from `start` to `end`, which is the last byte's offset or 0 for the frame's end, into `offset`.
void insert_sum(std::span<uint8_t> frame, size_t start, size_t offset, size_t end) {
  const size_t stop = end == 0 ? frame.size() : std::min(end + 1, frame.size());
  if (start >= stop || offset + 2 > frame.size()) return;
  put16(frame, offset, static_cast<uint16_t>(~checksum(frame.subspan(start, stop - start))));
}
}  // namespace

void Core::send_frame(std::span<uint8_t> frame, const Context& c, uint8_t options, uint32_t tag) {
  if (options & kOptionIpSum) {
    if (c.ip_offset + 2u <= frame.size() && (options & kOptionIpSum)) put16(frame, c.ip_offset, 0);
    insert_sum(frame, c.ip_start, c.ip_offset, c.ip_end);
  }
  if (options & kOptionTcpSum) insert_sum(frame, c.tcp_start, c.tcp_offset, c.tcp_end);

  std::vector<uint8_t> sent(frame.begin(), frame.end());
  if (tag && sent.size() >= 12) {
    const uint8_t bytes[] = {static_cast<uint8_t>(reg(VET) >> 8), static_cast<uint8_t>(reg(VET)),
                             static_cast<uint8_t>(tag >> 8), static_cast<uint8_t>(tag)};
    sent.insert(sent.begin() + 12, std::begin(bytes), std::end(bytes));
  }
  if ((reg(TCTL) & kTctlPad) && sent.size() < kSmallestFrame) sent.resize(kSmallestFrame);
  if (sent.size() < kHeaderSize) return;

  const size_t on_wire = sent.size() + kFcsSize;
  count(GPTC);
  count(TPT);
  count_bytes(GOTCL, on_wire);
  count_bytes(TOTL, on_wire);
  count_size(PTC64, on_wire);
  if (sent[0] & 1)
    count(std::all_of(sent.begin(), sent.begin() + 6, [](uint8_t b) { return b == 0xff; }) ? BPTC : MPTC);

  if (phy_.loopback() || (reg(RCTL) & kRctlLoopback) == kRctlLoopback) {
    receive(sent);
  } else {
    network_.send(sent);
  }
}

}  // namespace mynah::dev::e1000
