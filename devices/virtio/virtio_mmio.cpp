// SPDX-License-Identifier: Apache-2.0
//
// virtio-mmio registers: VIRTIO 1.2, 4.2.2 (modern) and 4.2.4 (legacy).
#include "devices/virtio/virtio_mmio.h"

#include <array>
#include <bit>
#include <cstring>
#include <span>
#include <string>

namespace mynah::dev {
namespace {

enum Register : Offset {
  kMagicValue = 0x000,
  kVersion = 0x004,
  kDeviceId = 0x008,
  kVendorId = 0x00c,
  kDeviceFeatures = 0x010,
  kDeviceFeaturesSel = 0x014,
  kDriverFeatures = 0x020,
  kDriverFeaturesSel = 0x024,
  kGuestPageSize = 0x028,  // legacy
  kQueueSel = 0x030,
  kQueueNumMax = 0x034,
  kQueueNum = 0x038,
  kQueueAlign = 0x03c,  // legacy
  kQueuePfn = 0x040,    // legacy
  kQueueReady = 0x044,
  kQueueNotify = 0x050,
  kInterruptStatus = 0x060,
  kInterruptAck = 0x064,
  kStatus = 0x070,
  kQueueDescLow = 0x080,
  kQueueDescHigh = 0x084,
  kQueueDriverLow = 0x090,
  kQueueDriverHigh = 0x094,
  kQueueDeviceLow = 0x0a0,
  kQueueDeviceHigh = 0x0a4,
  kShmSel = 0x0ac,
  kShmLenLow = 0x0b0,
  kShmLenHigh = 0x0b4,
  kShmBaseLow = 0x0b8,
  kShmBaseHigh = 0x0bc,
  kConfigGeneration = 0x0fc,
  kConfig = 0x100,
};

constexpr uint32_t kMagic = 0x7472'6976;                // "virt"
constexpr uint32_t kVendor = 0x554d'4551;               // what firmware written for the virt machine expects
constexpr uint32_t kUsedBuffer = 1, kConfigChange = 2;  // InterruptStatus

void set_low(uint64_t& value, uint32_t low) { value = (value & 0xffff'ffff'0000'0000) | low; }
void set_high(uint64_t& value, uint32_t high) { value = (value & 0xffff'ffff) | uint64_t{high} << 32; }

}  // namespace

VirtioMmio::VirtioMmio(VirtioDevice* device, IrqLine irq, Log& log, Version version)
    : device_(device), irq_(irq), log_(log), version_(version) {
  if (device_) device_->attach(this, legacy());
}

VirtioMmio::~VirtioMmio() {
  if (device_) device_->attach(nullptr, legacy());
}

void VirtioMmio::reset_registers() {
  device_features_select_ = driver_features_select_ = queue_select_ = 0;
  queue_align_ = 4096;
  interrupt_status_ = 0;
  update_irq();
}

void VirtioMmio::reset() {
  if (device_) device_->reset();
  config_generation_ = 0;
  guest_page_size_ = 0;  // a reset by the driver leaves it, and drivers write it but once, before that
  reset_registers();
}

void VirtioMmio::used_interrupt(unsigned) {
  interrupt_status_ |= kUsedBuffer;
  update_irq();
}

void VirtioMmio::config_interrupt() {
  ++config_generation_;
  if (!(device_->status() & virtio::kDriverOk)) return;  // nobody listens yet (2.1.2, 4.2.2.1)
  interrupt_status_ |= kConfigChange;
  update_irq();
}

void VirtioMmio::misuse(std::string_view what, Offset offset) const {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string message(what);
  message += " at offset 0x";
  for (int shift = 8; shift >= 0; shift -= 4) message += kHex[offset >> shift & 15];
  log_.guest_error(name(), message);
}

Virtqueue* VirtioMmio::selected_queue() {
  return queue_select_ < device_->queue_count() ? &device_->queue(queue_select_) : nullptr;
}

uint64_t VirtioMmio::read(Offset offset, Width width) {
  if (offset >= kConfig) {
    if (!device_) return 0;
    std::array<uint8_t, 8> value{};
    device_->read_config(offset - kConfig, std::span(value).first(bytes(width)));
    return std::bit_cast<uint64_t>(value);
  }
  if (width != Width::k4 || offset % 4 != 0) {
    misuse("read that is not of an aligned 32-bit word", offset);
    return 0;
  }
  switch (offset) {
    case kMagicValue:
      return kMagic;
    case kVersion:
      return static_cast<uint32_t>(version_);
    case kDeviceId:
      return device_ ? device_->device_id() : 0;
    case kVendorId:
      return kVendor;
    default:
      return device_ ? read_register(offset) : 0;
  }
}

uint32_t VirtioMmio::read_word_of_features() const {
  if (device_features_select_ > 1) return 0;
  return static_cast<uint32_t>(device_->offered_features() >> (32 * device_features_select_));
}

uint32_t VirtioMmio::read_register(Offset offset) {
  Virtqueue* queue = selected_queue();
  switch (offset) {
    case kDeviceFeatures:
      return read_word_of_features();
    case kQueueNumMax:
      return queue ? queue->max_size() : 0;
    case kInterruptStatus:
      return interrupt_status_;
    case kStatus:
      return device_->status();
    default:
      break;
  }
  if (legacy()) {
    if (offset == kQueuePfn) {
      if (!queue || !queue->ready() || guest_page_size_ == 0) return 0;
      return static_cast<uint32_t>(queue->addresses().descriptors / guest_page_size_);
    }
  } else {
    switch (offset) {
      case kQueueReady:
        return queue && queue->ready();
      case kConfigGeneration:
        return config_generation_;
      // There is no shared memory region of any number: length and base read all ones (4.2.2).
      case kShmLenLow:
      case kShmLenHigh:
      case kShmBaseLow:
      case kShmBaseHigh:
        return 0xffff'ffff;
      default:
        break;
    }
  }
  misuse("read of a write-only or unknown register", offset);
  return 0;
}

void VirtioMmio::write(Offset offset, Width width, uint64_t value) {
  if (!device_) return;
  if (offset >= kConfig) {
    const auto raw = std::bit_cast<std::array<uint8_t, 8>>(value);
    if (!device_->write_config(offset - kConfig, std::span(raw).first(bytes(width)))) {
      misuse("write to read-only configuration", offset);
    }
    return;
  }
  if (width != Width::k4 || offset % 4 != 0)
    return misuse("write that is not of an aligned 32-bit word", offset);
  write_register(offset, static_cast<uint32_t>(value));
}

void VirtioMmio::write_register(Offset offset, uint32_t value) {
  switch (offset) {
    case kDeviceFeaturesSel:
      device_features_select_ = value;
      return;
    case kDriverFeatures:
      return device_->set_driver_features(driver_features_select_, value);
    case kDriverFeaturesSel:
      driver_features_select_ = value;
      return;
    case kQueueSel:
      queue_select_ = value;
      return;
    case kQueueNum: {
      Virtqueue* queue = selected_queue();
      if (!queue || queue->ready() || !queue->set_size(value)) misuse("queue size refused", offset);
      return;
    }
    case kQueueNotify:
      if (value >= device_->queue_count())
        return misuse("notification of a queue that does not exist", offset);
      return device_->kick(value);
    case kInterruptAck:
      interrupt_status_ &= ~value;
      update_irq();
      return device_->resume();
    case kStatus:
      return write_status(value);
    default:
      break;
  }
  if (legacy()) {
    if (write_legacy_register(offset, value)) return;
  } else {
    switch (offset) {
      case kQueueReady:
        return write_queue_ready(value);
      case kQueueDescLow:
      case kQueueDescHigh:
      case kQueueDriverLow:
      case kQueueDriverHigh:
      case kQueueDeviceLow:
      case kQueueDeviceHigh:
        return write_queue_address(offset, value);
      case kShmSel:
        return;
      default:
        break;
    }
  }
  misuse("write to a read-only or unknown register", offset);
}

void VirtioMmio::write_status(uint32_t value) {
  device_->set_status(static_cast<uint8_t>(value));
  if (static_cast<uint8_t>(value) == 0) reset_registers();
}

void VirtioMmio::write_queue_ready(uint32_t value) {
  Virtqueue* queue = selected_queue();
  if (!queue) return misuse("set-up of a queue that does not exist", kQueueReady);
  if (!(value & 1)) return queue->disable();
  if (queue->ready()) return;
  if (!queue->enable()) misuse("queue addresses refused", kQueueReady);
}

void VirtioMmio::write_queue_address(Offset offset, uint32_t value) {
  Virtqueue* queue = selected_queue();
  if (!queue || queue->ready()) return misuse("queue address refused", offset);
  Virtqueue::Addresses& to = queue->addresses();
  switch (offset) {
    case kQueueDescLow:
      return set_low(to.descriptors, value);
    case kQueueDescHigh:
      return set_high(to.descriptors, value);
    case kQueueDriverLow:
      return set_low(to.available, value);
    case kQueueDriverHigh:
      return set_high(to.available, value);
    case kQueueDeviceLow:
      return set_low(to.used, value);
    default:
      return set_high(to.used, value);
  }
}

bool VirtioMmio::write_legacy_register(Offset offset, uint32_t value) {
  switch (offset) {
    case kGuestPageSize:
      if (std::has_single_bit(value)) {
        guest_page_size_ = value;
      } else {
        misuse("page size that is not a power of two", offset);
      }
      return true;
    case kQueueAlign:
      if (std::has_single_bit(value) && value >= 4) {
        queue_align_ = value;
      } else {
        misuse("queue alignment that is not a power of two", offset);
      }
      return true;
    case kQueuePfn:
      write_queue_pfn(value);
      return true;
    default:
      return false;
  }
}

void VirtioMmio::write_queue_pfn(uint32_t value) {
  Virtqueue* queue = selected_queue();
  if (!queue) return misuse("set-up of a queue that does not exist", kQueuePfn);
  queue->disable();
  if (value == 0) return;
  if (guest_page_size_ == 0) return misuse("QueuePFN before GuestPageSize", kQueuePfn);
  if (!queue->enable_legacy(uint64_t{value} * guest_page_size_, queue_align_))
    misuse("queue addresses refused", kQueuePfn);
}

void VirtioMmio::serialize_state(StateStream& stream) {
  uint32_t version = static_cast<uint32_t>(version_);
  uint32_t id = device_ ? device_->device_id() : 0;
  stream.io(version);
  stream.io(id);
  if (version != static_cast<uint32_t>(version_) || id != (device_ ? device_->device_id() : 0)) {
    return stream.fail();  // saved by another machine
  }
  stream.io(device_features_select_);
  stream.io(driver_features_select_);
  stream.io(queue_select_);
  stream.io(interrupt_status_);
  stream.io(config_generation_);
  stream.io(guest_page_size_);
  stream.io(queue_align_);
  if (device_) device_->serialize(stream);
  if (!stream.loading()) return;
  const uint32_t known = device_ ? kUsedBuffer | kConfigChange : 0;
  if ((interrupt_status_ & ~known) != 0) {
    interrupt_status_ &= known;
    stream.fail();
  }
  if ((guest_page_size_ != 0 && !std::has_single_bit(guest_page_size_)) ||
      !std::has_single_bit(queue_align_)) {
    guest_page_size_ = 0;
    queue_align_ = 4096;
    stream.fail();
  }
  update_irq();
}

}  // namespace mynah::dev
