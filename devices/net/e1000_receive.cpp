// SPDX-License-Identifier: Apache-2.0
//
// See e1000_core.h. Here: address filters and the receive ring, 317453 sections 3.2 and 13.5; extended
// descriptors, 82574 section 7.1.5.
#include <algorithm>
#include <cstring>

#include "devices/net/e1000_core.h"
#include "devices/net/ethernet.h"

namespace mynah::dev::e1000 {

using namespace ethernet;

namespace {
constexpr size_t kLongestFrame = 1518, kLongestJumbo = 16380;  // without FCS; the first with a tag
constexpr unsigned kMostBuffers = 256;                         // of one frame: of 256 bytes at least
constexpr unsigned kAddresses = 16;
}  // namespace

bool Core::accepts(std::span<const uint8_t> f) const {
  const uint32_t rctl = reg(RCTL);
  if ((rctl & kRctlVlanFilter) && get16(f, 12) == reg(VET)) {
    const unsigned id = get16(f, 14) & 0xfff;
    if (!(reg(VFTA + 4 * (id >> 5)) >> (id & 31) & 1)) return false;
  }
  const bool multicast = f[0] & 1;
  if (multicast ? rctl & kRctlMulticastAll : rctl & kRctlUnicastAll) return true;
  if ((rctl & kRctlBroadcast) && std::all_of(f.begin(), f.begin() + 6, [](uint8_t b) { return b == 0xff; }))
    return true;
  const uint32_t low = static_cast<uint32_t>(f[0] | f[1] << 8 | f[2] << 16) | uint32_t{f[3]} << 24;
  const uint32_t high = static_cast<uint32_t>(f[4] | f[5] << 8);
  for (unsigned n = 0; n < kAddresses; ++n) {
    const uint32_t address_high = reg(RAH0 + 8 * n);
    if ((address_high & kRahValid) && (address_high & 0xffff) == high && reg(RAL0 + 8 * n) == low)
      return true;
  }
  if (!multicast) return false;
  // Twelve bits of the last two bytes say which bit of the table; RCTL.MO says which twelve.
  static constexpr unsigned kShift[] = {4, 3, 2, 0};
  const unsigned hash = high >> kShift[rctl >> 12 & 3] & 0xfff;
  return reg(MTA + 4 * (hash >> 5)) >> (hash & 31) & 1;
}

uint32_t Core::buffer_size() const {
  const uint32_t size = 2048u >> (reg(RCTL) >> 16 & 3);
  return reg(RCTL) & kRctlSizeExtension && size != 2048 ? size * 16 : size;
}

uint32_t Core::free_descriptors() const {
  const uint32_t size = reg(RX_RING + kLength) / kDescriptorSize;
  const uint32_t head = reg(RX_RING + kHead), tail = reg(RX_RING + kTail);
  if (head >= size || tail >= size) return 0;
  return tail >= head ? tail - head : size - head + tail;
}

// False: there is no room; the backend asks again.
bool Core::receive(std::span<const uint8_t> frame) {
  if (!(reg(RCTL) & kRctlEnable)) return true;  // nobody listens
  if (frame.size() < kHeaderSize) return true;
  std::vector<uint8_t> f(frame.begin(), frame.end());
  if (f.size() < kSmallestFrame) f.resize(kSmallestFrame);
  const bool accepted = accepts(f),
             too_long = f.size() > (reg(RCTL) & kRctlLong ? kLongestJumbo : kLongestFrame);
  const size_t on_wire = f.size() + kFcsSize;
  const auto count_all = [this, on_wire] {
    count(TPR);
    count_bytes(TORL, on_wire);
  };
  if (!accepted || too_long) {
    count_all();
    if (accepted) count(ROC);
    return true;
  }
  uint16_t tag = 0;
  const bool tagged = (reg(CTRL) & kCtrlVlanMode) && get16(f, 12) == reg(VET);
  if (tagged) {
    tag = get16(f, 14);
    f.erase(f.begin() + 12, f.begin() + 16);
  }
  const size_t length = f.size() + (reg(RCTL) & kRctlStripCrc ? 0 : kFcsSize);
  const size_t buffers = (length + buffer_size() - 1) / buffer_size();
  if (free_descriptors() < buffers || buffers > kMostBuffers) return false;
  if (length > f.size()) {
    const uint32_t fcs = frame_check_sequence(f);
    const auto* bytes = reinterpret_cast<const uint8_t*>(&fcs);
    f.insert(f.end(), bytes, bytes + kFcsSize);
  }
  count_all();
  if (!store(f, tag, tagged)) return true;

  count(GPRC);
  count_bytes(GORCL, on_wire);
  count_size(PRC64, on_wire);
  if (frame[0] & 1)
    count(std::all_of(frame.begin(), frame.begin() + 6, [](uint8_t b) { return b == 0xff; }) ? BPRC : MPRC);

  // RDMTS: a half, a quarter, an eighth of the ring is left.
  const uint32_t size = reg(RX_RING + kLength) / kDescriptorSize;
  const bool few = free_descriptors() <= size >> (1 + std::min(reg(RCTL) >> 8 & 3, 2u));
  if (reg(RDTR) == 0) {
    set_causes(kRxt0 | (few ? kRxdmt0 : 0));
    return true;
  }
  rx_delay_.start(reg(RDTR), reg(RADV));
  if (few) set_causes(kRxdmt0);
  return true;
}

// Into as many buffers as it takes; there are enough. False: something is not in RAM, and the frame is lost.
bool Core::store(std::span<const uint8_t> f, uint16_t tag, bool tagged) {
  const uint32_t size = reg(RX_RING + kLength) / kDescriptorSize, step = buffer_size();
  const uint64_t base = (reg(RX_RING + kBaseLow) & ~0xfu) | uint64_t{reg(RX_RING + kBaseHigh)} << 32;
  const bool extended = model_.extended && (reg(RFCTL) & kRfctlExtended);
  uint32_t& head = reg(RX_RING + kHead);

  uint8_t status = kRxDone | (tagged ? kRxVlan : 0), errors = 0;
  const Checked sums = check(f);
  if (sums.ip && (reg(RXCSUM) & kRxcsumIp)) {
    status |= kRxIpSum;
    if (!sums.ip_right) errors |= kRxIpError;
  }
  if ((sums.tcp || sums.udp) && (reg(RXCSUM) & kRxcsumTcp)) {
    status |= sums.udp && model_.extended ? kRxUdpSum | kRxTcpSum : kRxTcpSum;
    if (!sums.right) errors |= kRxTcpError;
  }
  for (size_t at = 0; at < f.size(); at += step) {
    const uint64_t pa = base + uint64_t{head} * kDescriptorSize;
    const size_t n = std::min<size_t>(step, f.size() - at);
    const bool last = at + n == f.size();
    uint64_t buffer = 0;
    if (!dma().read(pa, &buffer, sizeof buffer)) {
      guest_error("the receive ring is not in RAM");
      return false;
    }
    if (buffer != 0 && !dma().write(buffer, f.data() + at, n)) guest_error("a receive buffer is not in RAM");
    const uint8_t now = static_cast<uint8_t>(last ? status | kRxEop : kRxDone);
    std::array<uint8_t, kDescriptorSize> d{};
    if (extended) {
      // Queue, hash; status and errors; length; tag.
      const uint32_t word = now | uint32_t{last ? errors : uint8_t{0}} << 24;
      std::memcpy(&d[8], &word, 4);
      d[12] = static_cast<uint8_t>(n);
      d[13] = static_cast<uint8_t>(n >> 8);
      std::memcpy(&d[14], &tag, 2);
    } else {
      std::memcpy(&d[0], &buffer, 8);
      d[8] = static_cast<uint8_t>(n);
      d[9] = static_cast<uint8_t>(n >> 8);
      d[12] = now;
      d[13] = last ? errors : 0;
      std::memcpy(&d[14], &tag, 2);
    }
    dma().write(pa, d.data(), d.size());
    head = head + 1 == size ? 0 : head + 1;
  }
  return true;
}

}  // namespace mynah::dev::e1000
