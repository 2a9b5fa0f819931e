// SPDX-License-Identifier: Apache-2.0
//
// The registers of drivers older than VIRTIO 1.0, in I/O BAR 0: VIRTIO 1.2, 4.1.4.8 and 2.7.2. A queue is one
// block of pages of 4096 bytes, and of the size that the device says.
#include "devices/core/registers.h"
#include "devices/virtio/virtio_pci.h"

namespace mynah::dev {
namespace {

enum LegacyRegister : uint64_t {
  kHostFeatures = 0,
  kGuestFeatures = 4,
  kQueueAddress = 8,
  kQueueSize = 12,
  kQueueSelect = 14,
  kQueueNotify = 16,
  kDeviceStatus = 18,
  kIsrStatus = 19,
  kConfigVector = 20,  // the two are there while MSI-X is enabled
  kQueueVector = 22,
};
constexpr uint32_t kPageSize = 4096;

}  // namespace

uint64_t VirtioPci::read_legacy(uint64_t offset, Width width) {
  if (offset >= legacy_config_offset()) return read_device_config(offset - legacy_config_offset(), width);
  Virtqueue* queue = selected_queue();
  uint64_t value = 0;
  switch (offset) {
    case kHostFeatures:
      value = static_cast<uint32_t>(device_->offered_features());
      break;
    case kGuestFeatures:
      value = device_->driver_features(0);
      break;
    case kQueueAddress:
      value = queue && queue->ready() ? queue->addresses().descriptors / kPageSize : 0;
      break;
    case kQueueSize:
      value = queue ? queue->max_size() : 0;
      break;
    case kQueueSelect:
      value = queue_select_;
      break;
    case kDeviceStatus:
      value = device_->status();
      break;
    case kIsrStatus:
      value = take_isr();
      break;
    case kConfigVector:
      value = config_vector_;
      break;
    case kQueueVector:
      value = queue ? *selected_vector() : kNoVector;
      break;
    default:
      misuse("read of a write-only or unknown register", offset);
      break;
  }
  return low_bytes(value, width);
}

void VirtioPci::write_legacy(uint64_t offset, Width width, uint64_t value) {
  driven_as(true);
  if (offset >= legacy_config_offset())
    return write_device_config(offset - legacy_config_offset(), width, value);
  Virtqueue* queue = selected_queue();
  switch (offset) {
    case kGuestFeatures:
      return device_->set_driver_features(0, static_cast<uint32_t>(value));
    case kQueueAddress:
      if (!queue) return misuse("set-up of a queue that does not exist", offset);
      queue->disable();
      if (value == 0) return;
      queue->set_size(queue->max_size());
      if (!queue->enable_legacy((value & 0xffff'ffff) * kPageSize, kPageSize))
        misuse("queue address refused", offset);
      return;
    case kQueueSelect:
      queue_select_ = static_cast<uint16_t>(value);
      return;
    case kQueueNotify:
      return notify_queue(value & 0xffff);
    case kDeviceStatus:
      return write_legacy_status(static_cast<uint8_t>(value));
    case kConfigVector:
      config_vector_ = checked_vector(value & 0xffff);
      return;
    case kQueueVector:
      if (uint16_t* vector = selected_vector()) *vector = checked_vector(value & 0xffff);
      return;
    default:
      return misuse("write to a read-only or unknown register", offset);
  }
}

// Old drivers start a device without making it a bus master, which worked where nobody looked.
void VirtioPci::write_legacy_status(uint8_t value) {
  if ((value & virtio::kDriverOk) && legacy_driver_) {
    const uint32_t command = config(pci::kCommand, 2);
    set_config(pci::kCommand, 2, command | pci::kBusMaster);
  }
  write_status(value);
}

}  // namespace mynah::dev
