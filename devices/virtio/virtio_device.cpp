// SPDX-License-Identifier: Apache-2.0
//
// Status and feature negotiation (VIRTIO 1.2, 2.1, 2.2, 3.1), and the life of the queues.
#include "devices/virtio/virtio_device.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cstring>
#include <string>

namespace mynah::dev {

using namespace virtio;

VirtioDevice::VirtioDevice(std::string_view name, DmaMemory& memory, Log& log,
                           std::vector<uint16_t> queue_sizes)
    : memory_(memory), name_(name), log_(log), chains_(queue_sizes.size()) {
  assert(queue_sizes.size() <= 64);
  for (uint16_t size : queue_sizes) {
    assert(size < kMaxChainsPerNotify);
    queues_.push_back(std::make_unique<Virtqueue>(memory, size));
  }
}

void VirtioDevice::attach(VirtioTransport* transport, bool legacy) {
  transport_ = transport;
  legacy_ = legacy;
}

uint64_t VirtioDevice::offered_features() const {
  const uint64_t common = bit(kIndirectDescriptors) | bit(kEventIndex);
  return device_features() | common | (legacy_ ? bit(kAnyLayout) : bit(kVersion1));
}

void VirtioDevice::set_driver_features(unsigned word, uint32_t value) {
  if (status_ & (kFeaturesOk | kDriverOk)) return guest_error("features written after their acceptance");
  if (word > 1) {
    if (value != 0) guest_error("features beyond bit 63");
    return;
  }
  const unsigned shift = 32 * word;
  driver_features_ &= ~(uint64_t{0xffff'ffff} << shift);
  driver_features_ |= uint64_t{value} << shift;
  if (!legacy_) return;
  driver_features_ &= offered_features();  // a legacy driver is not told, and its choice counts at once
  accept_features();
}

void VirtioDevice::accept_features() {
  negotiated_ = driver_features_;
  for (auto& q : queues_) q->set_features(has(kEventIndex), has(kIndirectDescriptors));
  features_accepted();
}

void VirtioDevice::set_status(uint8_t value) {
  if (value == 0) return reset();
  const uint8_t sticky = status_ & kDeviceNeedsReset;
  if ((status_ & ~value & ~kDeviceNeedsReset) != 0) guest_error("status bits cleared without a reset");
  value = static_cast<uint8_t>((value & ~kDeviceNeedsReset) | sticky);

  if (!legacy_ && (value & ~status_ & kFeaturesOk)) {
    if ((driver_features_ & ~offered_features()) != 0) {
      guest_error("driver accepts features that were not offered");
      value &= static_cast<uint8_t>(~kFeaturesOk);
    } else {
      accept_features();
    }
  }
  if (!legacy_ && (value & kDriverOk) && !(value & kFeaturesOk)) {
    if (driver_features_ & (bit(kVersion1) | ~offered_features())) {
      guest_error("DRIVER_OK without FEATURES_OK");
      value &= static_cast<uint8_t>(~kDriverOk);
    } else if (value & ~status_ & kDriverOk) {
      accept_features();  // an older driver knows no such step
    }
  }
  const bool starts = (value & ~status_ & kDriverOk) != 0;
  status_ = value;
  if (!starts) return;
  // Buffers may have been made available before, and their notifications ignored.
  for (unsigned i = 0; i < queue_count(); ++i) kick(i);
}

void VirtioDevice::kick(unsigned index) {
  if (broken_ || !queue(index).ready()) return;
  // Legacy drivers may use their queues before DRIVER_OK (VIRTIO 1.2, 3.1.2), modern ones may not.
  if (!legacy_ && !(status_ & kDriverOk)) return;
  notify(index);
}

void VirtioDevice::put_off(unsigned index) {
  put_off_ |= bit(index);
  queue(index).wants_interrupt();
  if (queue(index).error()) return fail(queue(index).error());
  if (transport_) transport_->used_interrupt(index);
}

void VirtioDevice::resume() {
  const uint64_t waiting = put_off_;
  put_off_ = 0;
  for (unsigned i = 0; i < queue_count(); ++i) {
    if (waiting & bit(i)) kick(i);
  }
}

void VirtioDevice::complete(unsigned index) {
  Virtqueue& q = queue(index);
  q.publish();
  const bool wanted = q.wants_interrupt();
  if (q.error()) return fail(q.error());
  if (wanted && transport_) transport_->used_interrupt(index);
}

void VirtioDevice::end_chain(unsigned index, uint16_t head, uint32_t written) {
  if (broken_ || !queue(index).ready()) return;
  queue(index).add_used(head, written);
  complete(index);
}

void VirtioDevice::fail(const char* reason) {
  if (broken_) return;
  broken_ = true;
  put_off_ = 0;
  guest_error(std::string(reason) + "; the device stops until it is reset");
  if (legacy_) return;  // has no way to say so
  status_ |= kDeviceNeedsReset;
  config_changed();
}

void VirtioDevice::config_changed() {
  if (transport_) transport_->config_interrupt();
}

void VirtioDevice::read_config(uint64_t offset, std::span<uint8_t> to) const {
  std::array<uint8_t, kMaxConfigSize> all{};
  config(all);
  std::fill(to.begin(), to.end(), uint8_t{0});
  if (offset >= all.size()) return;
  std::copy_n(all.begin() + static_cast<ptrdiff_t>(offset), std::min<size_t>(to.size(), all.size() - offset),
              to.begin());
}

void VirtioDevice::reset() {
  settle();
  status_ = 0;
  driver_features_ = negotiated_ = 0;
  broken_ = false;
  put_off_ = 0;
  for (auto& q : queues_) q->reset();
  reset_device();
}

void VirtioDevice::serialize_state(StateStream& stream) {
  uint8_t broken = broken_;
  stream.io(status_);
  stream.io(driver_features_);
  stream.io(negotiated_);
  stream.io(broken);
  stream.io(put_off_);
  for (auto& q : queues_) q->serialize(stream);
  serialize_device(stream);
  if (!stream.loading()) return;
  broken_ = broken != 0;
  // Feature bits that this device does not have would make it act on fields that it does not keep.
  if ((negotiated_ & ~offered_features()) != 0) {
    negotiated_ &= offered_features();
    stream.fail();
  }
}

}  // namespace mynah::dev
