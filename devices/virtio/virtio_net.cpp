// SPDX-License-Identifier: Apache-2.0
//
// virtio-net: frames (VIRTIO 1.2, 5.1.6) and the control queue (5.1.6.5).
#include "devices/virtio/virtio_net.h"

#include <algorithm>
#include <cstring>

namespace mynah::dev {
namespace {

using virtio::bit;

constexpr unsigned kMacFeature = 5, kMrgRxbuf = 15, kStatusFeature = 16, kCtrlVq = 17, kCtrlRx = 18,
                   kCtrlRxExtra = 20, kCtrlMacAddr = 23;

struct Config {
  uint8_t mac[6];
  uint16_t status;
};
constexpr uint16_t kLinkUp = 1;

struct Header {
  uint8_t flags;
  uint8_t gso_type;
  uint16_t hdr_len;
  uint16_t gso_size;
  uint16_t csum_start;
  uint16_t csum_offset;
  uint16_t num_buffers;  // absent in legacy without VIRTIO_NET_F_MRG_RXBUF
};
static_assert(sizeof(Header) == 12);

enum ControlClass : uint8_t { kClassRx = 0, kClassMac = 1 };
enum ControlCommand : uint8_t { kRxNoBroadcast = 5, kMacTableSet = 0, kMacAddrSet = 1 };
enum ControlAck : uint8_t { kAckOk = 0, kAckError = 1 };

constexpr size_t kMinFrame = 14;              // an Ethernet header
constexpr size_t kMaxFrame = 65536;           // far above what a card without offloads is given
constexpr uint64_t kMinReceiveBuffer = 1526;  // that a driver owes when it does not merge buffers (5.1.6.3.1)

}  // namespace

VirtioNet::VirtioNet(DmaMemory& memory, Log& log, NetBackend& backend, const Mac& mac)
    : VirtioDevice("virtio-net", memory, log, {256, 256, 64}),
      backend_(backend),
      permanent_mac_(mac),
      mac_(mac) {
  backend_.attach([this](std::span<const uint8_t> frame) { return receive(frame); });
}

VirtioNet::~VirtioNet() {
  backend_.attach([](std::span<const uint8_t>) { return true; });
}

uint64_t VirtioNet::device_features() const {
  return bit(kMacFeature) | bit(kMrgRxbuf) | bit(kStatusFeature) | bit(kCtrlVq) | bit(kCtrlRx) |
         bit(kCtrlRxExtra) | bit(kCtrlMacAddr);
}

void VirtioNet::config(std::span<uint8_t> to) const {
  Config c{};
  std::copy(mac_.begin(), mac_.end(), c.mac);
  c.status = link_up_ ? kLinkUp : 0;
  std::memcpy(to.data(), &c, sizeof c);
}

size_t VirtioNet::header_size() const {
  return !old_driver() || has(kMrgRxbuf) ? sizeof(Header) : offsetof(Header, num_buffers);
}

void VirtioNet::set_link(bool up) {
  if (up == link_up_) return;
  link_up_ = up;
  config_changed();
}

void VirtioNet::reset_device() {
  mac_ = permanent_mac_;
  starved_ = true;
}

void VirtioNet::notify(unsigned index) {
  switch (index) {
    case kReceive:
      if (!starved_) return;
      starved_ = false;
      queue(kReceive).disable_notification();
      if (queue(kReceive).error()) return fail(queue(kReceive).error());
      return backend_.buffers_available();
    case kTransmit:
      return process(index, [this](const DescriptorChain& chain) { return transmit(chain); });
    default:
      if (!has(kCtrlVq)) return;
      return process(index, [this](const DescriptorChain& chain) { return control(chain); });
  }
}

// ---- Host to guest.

bool VirtioNet::receive(std::span<const uint8_t> frame) {
  if (!running() || !queue(kReceive).ready()) {
    starved_ = true;
    return false;
  }
  if (!link_up_ || frame.empty() || frame.size() > kMaxFrame) return true;
  // Each round but the last means that the driver added a buffer meanwhile.
  for (unsigned round = 0; round <= queue(kReceive).size(); ++round) {
    switch (find_room(header_size() + frame.size())) {
      case Room::kFound:
        deliver(frame);
        return true;
      case Room::kNever:
        return true;
      case Room::kNotYet:
        break;
    }
    if (broken() || queue(kReceive).enable_notification()) break;
  }
  if (queue(kReceive).error()) fail(queue(kReceive).error());
  starved_ = true;
  return false;
}

VirtioNet::Room VirtioNet::find_room(uint64_t n) {
  Virtqueue& rx = queue(kReceive);
  uint64_t room = 0;
  for (rx_count_ = 0; room < n;) {
    if (rx_count_ == rx.size()) break;  // the whole queue is too small
    if (rx_count_ == rx_chains_.size()) rx_chains_.emplace_back();
    DescriptorChain& chain = rx_chains_[rx_count_];
    switch (rx.pop(chain)) {
      case Virtqueue::Pop::kBroken:
        fail(rx.error());
        return Room::kNotYet;
      case Virtqueue::Pop::kEmpty:
        rx.unpop(rx_count_);
        return Room::kNotYet;
      case Virtqueue::Pop::kChain:
        break;
    }
    ++rx_count_;
    if (chain.writable_size < (rx_count_ == 1 ? header_size() : 1)) {
      fail("receive buffer is not writable or too short for the header");
      return Room::kNotYet;
    }
    room += chain.writable_size;
    if (!has(kMrgRxbuf)) break;
  }
  if (room >= n) return Room::kFound;
  if (room < kMinReceiveBuffer) guest_error("frame lost: receive buffers are too small");
  rx.unpop(rx_count_);
  return Room::kNever;
}

void VirtioNet::deliver(std::span<const uint8_t> frame) {
  Virtqueue& rx = queue(kReceive);
  Header header{};
  header.num_buffers = has(kMrgRxbuf) || !old_driver() ? rx_count_ : 0;
  for (uint16_t i = 0; i < rx_count_; ++i) {
    const DescriptorChain& chain = rx_chains_[i];
    ScatterCursor to(memory_, chain.writable);
    const size_t head = i == 0 ? header_size() : 0;
    const size_t n = std::min<uint64_t>(frame.size(), chain.writable_size - head);
    if (!to.write(&header, head) || !to.write(frame.data(), n)) return fail("receive buffer is not in RAM");
    frame = frame.subspan(n);
    rx.add_used(chain.head, static_cast<uint32_t>(head + n));
  }
  complete(kReceive);  // all buffers of a frame appear at once
}

// ---- Guest to host.

uint32_t VirtioNet::transmit(const DescriptorChain& chain) {
  const size_t head = header_size();
  if (chain.readable_size < head) {
    fail("transmit buffer is too short for the header");
    return 0;
  }
  // No field of the header means anything without offloads.
  const uint64_t n = chain.readable_size - head;
  if (n < kMinFrame || n > kMaxFrame) {
    guest_error("frame lost: shorter than an Ethernet header, or longer than 64 KiB");
    return 0;
  }
  tx_frame_.resize(n);
  ScatterCursor from(memory_, chain.readable);
  if (!from.skip(head) || !from.read(tx_frame_.data(), n)) {
    fail("transmit buffer is not in RAM");
    return 0;
  }
  if (link_up_) backend_.send(tx_frame_);
  return 0;
}

// ---- Control.

uint32_t VirtioNet::control(const DescriptorChain& chain) {
  if (chain.readable_size < 2 || chain.writable_size < 1) {
    fail("control request too short for its command and acknowledgement");
    return 0;
  }
  bool reachable = true;
  const uint8_t ack = control_command(chain, reachable) ? kAckOk : kAckError;
  if (!reachable || !ScatterCursor(memory_, chain.writable).write(&ack, 1)) {
    fail("control request is not in RAM");
    return 0;
  }
  return 1;
}

bool VirtioNet::control_command(const DescriptorChain& chain, bool& reachable) {
  struct {
    uint8_t type, command;
  } header;
  ScatterCursor from(memory_, chain.readable);
  reachable = from.read(&header, sizeof header);
  if (!reachable) return false;
  const uint64_t n = chain.readable_size - sizeof header;
  switch (header.type) {
    case kClassRx:
      return header.command <= kRxNoBroadcast && n == 1;
    case kClassMac:
      if (header.command == kMacTableSet) return n >= 8;  // two counted tables
      if (header.command != kMacAddrSet || n != mac_.size()) return false;
      {
        Mac mac;
        reachable = from.read(mac.data(), mac.size());
        if (reachable) mac_ = mac;
        return reachable;
      }
    default:
      return false;
  }
}

void VirtioNet::serialize_device(StateStream& stream) {
  uint8_t link_up = link_up_;
  stream.io(mac_);
  stream.io(link_up);
  if (!stream.loading()) return;
  link_up_ = link_up != 0;
  starved_ = true;  // the new backend's frames are not the old one's
}

}  // namespace mynah::dev
