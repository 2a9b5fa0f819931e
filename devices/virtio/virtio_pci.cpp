// SPDX-License-Identifier: Apache-2.0
//
// The function, its capabilities (VIRTIO 1.2, 4.1.4), the modern registers and interrupts. The common
// configuration is accessed field by field (4.1.3.1); its 64-bit fields also by halves.
#include "devices/virtio/virtio_pci.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>

#include "devices/core/registers.h"
#include "devices/pci/bus.h"

namespace mynah::dev {
namespace {

constexpr uint16_t kVendor = 0x1af4;
constexpr uint64_t kBarSize = 0x4000;
// Of BAR 4, a page each.
constexpr uint64_t kCommon = 0x0000, kIsr = 0x1000, kDevice = 0x2000, kNotify = 0x3000, kPage = 0x1000;
constexpr uint32_t kNotifyMultiplier = 4;
constexpr TimeNs kResumeAfter = 10'000;

enum Structure : unsigned { kCommonCfg = 1, kNotifyCfg = 2, kIsrCfg = 3, kDeviceCfg = 4, kPciCfg = 5 };
// From the capability's header, 4.1.4.
constexpr unsigned kCapLength = 2, kCapType = 3, kCapBar = 4, kCapOffset = 8, kCapSize = 12, kCapMore = 16;

enum CommonCfg : uint64_t {
  kDeviceFeatureSelect = 0,
  kDeviceFeature = 4,
  kDriverFeatureSelect = 8,
  kDriverFeature = 12,
  kConfigMsixVector = 16,
  kNumQueues = 18,
  kDeviceStatus = 20,
  kConfigGeneration = 21,
  kQueueSelect = 22,
  kQueueSize = 24,
  kQueueMsixVector = 26,
  kQueueEnable = 28,
  kQueueNotifyOff = 30,
  kQueueDesc = 32,
  kQueueDriver = 40,
  kQueueDevice = 48,
  kQueueNotifyData = 56,
  kQueueReset = 58,
  kCommonEnd = 60,
};

// By virtio device id: the class code, the PCI device id that drivers older than VIRTIO 1.0 know (4.1.2), and
// the size of their BAR: 24 bytes and the device's configuration.
struct Kind {
  uint32_t device_id, class_code;
  uint16_t transitional, legacy_bytes;
};
constexpr Kind kKinds[] = {
    {1, 0x020000, 0x1000, 0x20}, {2, 0x010000, 0x1001, 0x80}, {3, 0x078000, 0x1003, 0x40},
    {4, 0x00ff00, 0x1005, 0x20}, {5, 0x00ff00, 0x1002, 0x40}, {8, 0x010000, 0x1004, 0x40},
};
Kind kind_of(uint32_t device_id) {
  for (const Kind& kind : kKinds)
    if (kind.device_id == device_id) return kind;
  return {device_id, 0x00ff00, 0, 0};
}

constexpr uint8_t kQueueInterrupt = 1, kConfigInterrupt = 2;  // ISR status

void set_half(uint64_t& to, bool high, uint32_t value) {
  const unsigned shift = high ? 32 : 0;
  to = (to & ~(uint64_t{0xffff'ffff} << shift)) | uint64_t{value} << shift;
}

}  // namespace

VirtioPci::VirtioPci(const Factory& make, EventQueue& events, Log& log, const Options& options)
    : Function("virtio-pci", {.vendor = kVendor, .subsystem_vendor = kVendor, .interrupt_pin = 1}, log),
      events_(events),
      asked_form_(options.form),
      device_(make(dma(), log)),
      queue_vectors_(device_->queue_count(), kNoVector) {
  device_->attach(this, false);
  title = std::string(device_->name()) + "-pci";
  // A console has queues by the dozen, and its driver shares two vectors among them.
  constexpr uint32_t kConsole = 3;
  const unsigned vectors =
      options.vectors.value_or(device_->device_id() == kConsole ? 2 : device_->queue_count() + 1);
  if (vectors != 0) add_msix_bar(vectors, kMsixBar);
}

VirtioPci::~VirtioPci() { device_->attach(nullptr, false); }

void VirtioPci::attached(const pci::Bus& bus) {
  const bool below_port = bus.express() && bus.bridge();
  form_ = asked_form_ != Form::kByBus ? asked_form_ : below_port ? Form::kModern : Form::kTransitional;
  const Kind kind = kind_of(device_->device_id());
  if (form_ != Form::kModern && kind.transitional == 0) form_ = Form::kModern;
  set_config(pci::kVendorId, 2, kVendor);
  set_config(pci::kClassCode, 2, kind.class_code & 0xffff);
  set_config(pci::kClassCode + 2, 1, kind.class_code >> 16);
  if (form_ == Form::kModern) {
    set_config(pci::kDeviceId, 2, 0x1040 + kind.device_id);
    set_config(pci::kRevisionId, 1, 1);
    set_config(pci::kSubsystemId, 2, 0x1100);
  } else {
    set_config(pci::kDeviceId, 2, kind.transitional);
    set_config(pci::kSubsystemId, 2, kind.device_id);
    add_bar(kLegacyBar, pci::BarKind::kIo, kind.legacy_bytes);
  }
  if (form_ != Form::kLegacy) {
    add_bar(kModernBar, pci::BarKind::kPrefetchable64, kBarSize);
    add_structures();
  }
  if (below_port) {
    add_power_management();
    add_express(pci::PortType::kEndpoint, true);
  }
  legacy_driver_ = form_ == Form::kLegacy;
  device_->attach(this, legacy_driver_);
  resume_event_ = events_.register_event(fmt::format("virtio-pci {} {:02x}", bus.name, devfn()),
                                         [this](uint64_t, TimeNs) { device_->resume(); });
}

unsigned VirtioPci::add_structure(unsigned type, uint64_t offset, uint32_t length, unsigned more) {
  const unsigned at = add_capability(pci::Capability::kVendorSpecific, kCapMore + more);
  set_config(at + kCapLength, 1, kCapMore + more);
  set_config(at + kCapType, 1, type);
  set_config(at + kCapBar, 1, kModernBar);
  set_config(at + kCapOffset, 4, static_cast<uint32_t>(offset));
  set_config(at + kCapSize, 4, length);
  return at;
}

void VirtioPci::add_structures() {
  add_structure(kCommonCfg, kCommon, kPage, 0);
  add_structure(kIsrCfg, kIsr, kPage, 0);
  add_structure(kDeviceCfg, kDevice, kPage, 0);
  const unsigned notify = add_structure(kNotifyCfg, kNotify, kPage, 4);
  set_config(notify + kCapMore, 4, kNotifyMultiplier);
  structures_ = add_structure(kPciCfg, 0, 0, 4);
  set_config(structures_ + kCapBar, 1, 0);
  let_write(structures_ + kCapBar, 1, 0xff);
  let_write(structures_ + kCapOffset, 4, ~0u);
  let_write(structures_ + kCapSize, 4, ~0u);
  let_write(structures_ + kCapMore, 4, ~0u);
}

// --- The window in configuration space, 4.1.4.9.

bool VirtioPci::config_window(uint64_t& offset, unsigned& width) const {
  offset = config(structures_ + kCapOffset, 4);
  width = config(structures_ + kCapSize, 4);
  return config(structures_ + kCapBar, 1) == kModernBar && (width == 1 || width == 2 || width == 4) &&
         offset % width == 0 && offset + width <= kBarSize;
}

void VirtioPci::before_config_read(unsigned at, unsigned n) {
  const unsigned data = structures_ + kCapMore;
  uint64_t offset;
  unsigned width;
  if (structures_ == 0 || at >= data + 4 || at + n <= data || !config_window(offset, width)) return;
  set_config(data, width, static_cast<uint32_t>(bar_read(kModernBar, offset, static_cast<Width>(width))));
}

void VirtioPci::config_written(unsigned at, unsigned n) {
  const unsigned data = structures_ + kCapMore;
  uint64_t offset;
  unsigned width;
  if (structures_ == 0 || at >= data + 4 || at + n <= data || !config_window(offset, width)) return;
  bar_write(kModernBar, offset, static_cast<Width>(width), config(data, width));
}

// --- BARs.

uint64_t VirtioPci::bar_read(unsigned bar, uint64_t offset, Width width) {
  if (bar == kLegacyBar) return read_legacy(offset, width);
  if (bar != kModernBar) return 0;  // beside the MSI-X table
  switch (offset & ~(kPage - 1)) {
    case kCommon:
      if (width == Width::k8)
        return read_common(offset, Width::k4) | read_common(offset + 4, Width::k4) << 32;
      return read_common(offset, width);
    case kIsr:
      return offset == kIsr ? take_isr() : 0;
    case kDevice:
      return read_device_config(offset - kDevice, width);
    default:
      return 0;
  }
}

void VirtioPci::bar_write(unsigned bar, uint64_t offset, Width width, uint64_t value) {
  if (bar == kLegacyBar) return write_legacy(offset, width, value);
  if (bar != kModernBar) return;
  switch (offset & ~(kPage - 1)) {
    case kCommon:
      driven_as(false);
      if (width != Width::k8) return write_common(offset, width, value);
      write_common(offset, Width::k4, static_cast<uint32_t>(value));
      return write_common(offset + 4, Width::k4, value >> 32);
    case kDevice:
      return write_device_config(offset - kDevice, width, value);
    case kNotify:
      return notify_queue((offset - kNotify) / kNotifyMultiplier);
    default:
      return misuse("write to a read-only register", offset);
  }
}

// Whose rules hold is decided while the device is reset.
void VirtioPci::driven_as(bool legacy) {
  if (legacy == legacy_driver_ || device_->status() != 0) return;
  legacy_driver_ = legacy;
  device_->reset();
  device_->attach(this, legacy);
}

void VirtioPci::misuse(std::string_view what, uint64_t offset) const {
  guest_error(fmt::format("{} at offset {:#x}", what, offset));
}

Virtqueue* VirtioPci::selected_queue() {
  return queue_select_ < device_->queue_count() ? &device_->queue(queue_select_) : nullptr;
}
uint16_t* VirtioPci::selected_vector() {
  return queue_select_ < queue_vectors_.size() ? &queue_vectors_[queue_select_] : nullptr;
}

uint64_t VirtioPci::read_common(uint64_t offset, Width width) {
  Virtqueue* queue = selected_queue();
  const auto address = [&](uint64_t field, uint64_t value) -> uint64_t {
    return static_cast<uint32_t>(value >> 8 * (offset - field));
  };
  switch (width) {
    case Width::k1:
      if (offset == kDeviceStatus) return device_->status();
      if (offset == kConfigGeneration) return config_generation_;
      break;
    case Width::k2:
      switch (offset) {
        case kConfigMsixVector:
          return config_vector_;
        case kNumQueues:
          return device_->queue_count();
        case kQueueSelect:
          return queue_select_;
        case kQueueSize:
          return queue ? queue->size() : 0;
        case kQueueMsixVector:
          return queue ? *selected_vector() : kNoVector;
        case kQueueEnable:
          return queue && queue->ready();
        case kQueueNotifyOff:
        case kQueueNotifyData:
          return queue ? queue_select_ : 0;
        case kQueueReset:
          return 0;
        default:
          break;
      }
      break;
    default:
      switch (offset) {
        case kDeviceFeatureSelect:
          return device_features_select_;
        case kDeviceFeature:
          if (device_features_select_ > 1) return 0;
          return static_cast<uint32_t>(device_->offered_features() >> 32 * device_features_select_);
        case kDriverFeatureSelect:
          return driver_features_select_;
        case kDriverFeature:
          return device_->driver_features(driver_features_select_);
        case kQueueDesc:
        case kQueueDesc + 4:
          return queue ? address(kQueueDesc, queue->addresses().descriptors) : 0;
        case kQueueDriver:
        case kQueueDriver + 4:
          return queue ? address(kQueueDriver, queue->addresses().available) : 0;
        case kQueueDevice:
        case kQueueDevice + 4:
          return queue ? address(kQueueDevice, queue->addresses().used) : 0;
        default:
          break;
      }
  }
  if (offset < kCommonEnd) misuse("read of a register in another width than its own", offset);
  return 0;
}

void VirtioPci::write_common(uint64_t offset, Width width, uint64_t value) {
  Virtqueue* queue = selected_queue();
  switch (offset) {
    case kDeviceFeatureSelect:
      if (width != Width::k4) break;
      device_features_select_ = static_cast<uint32_t>(value);
      return;
    case kDriverFeatureSelect:
      if (width != Width::k4) break;
      driver_features_select_ = static_cast<uint32_t>(value);
      return;
    case kDriverFeature:
      if (width != Width::k4) break;
      return device_->set_driver_features(driver_features_select_, static_cast<uint32_t>(value));
    case kConfigMsixVector:
      if (width != Width::k2) break;
      config_vector_ = checked_vector(value);
      return;
    case kDeviceStatus:
      if (width != Width::k1) break;
      return write_status(static_cast<uint8_t>(value));
    case kQueueSelect:
      if (width != Width::k2) break;
      queue_select_ = static_cast<uint16_t>(value);
      return;
    case kQueueSize:
      if (width != Width::k2) break;
      if (!queue || queue->ready() || !queue->set_size(static_cast<uint32_t>(value)))
        misuse("queue size refused", offset);
      return;
    case kQueueMsixVector:
      if (width != Width::k2) break;
      if (uint16_t* vector = selected_vector()) *vector = checked_vector(value);
      return;
    case kQueueEnable:
      if (width != Width::k2) break;
      if (value != 1 || !queue) return misuse("set-up of a queue refused", offset);
      if (!queue->ready() && !queue->enable()) misuse("queue addresses refused", offset);
      return;
    default:
      if (offset >= kQueueDesc && offset < kQueueNotifyData) return write_queue_address(offset, width, value);
      break;
  }
  misuse("write to a read-only register, or in another width than its own", offset);
}

void VirtioPci::write_queue_address(uint64_t offset, Width width, uint64_t value) {
  Virtqueue* queue = selected_queue();
  if (!queue || queue->ready() || width != Width::k4 || offset % 4 != 0)
    return misuse("queue address refused", offset);
  Virtqueue::Addresses& to = queue->addresses();
  uint64_t& field = offset < kQueueDriver ? to.descriptors : offset < kQueueDevice ? to.available : to.used;
  set_half(field, (offset & 4) != 0, static_cast<uint32_t>(value));
}

uint64_t VirtioPci::read_device_config(uint64_t offset, Width width) const {
  std::array<uint8_t, 8> value{};
  device_->read_config(offset, std::span(value).first(bytes(width)));
  return std::bit_cast<uint64_t>(value);
}

void VirtioPci::write_device_config(uint64_t offset, Width width, uint64_t value) {
  const auto raw = std::bit_cast<std::array<uint8_t, 8>>(value);
  if (!device_->write_config(offset, std::span(raw).first(bytes(width))))
    misuse("write to read-only configuration", offset);
}

void VirtioPci::write_status(uint8_t value) {
  device_->set_status(value);
  if (value == 0) reset_registers();
}

void VirtioPci::notify_queue(uint64_t index) {
  if (index >= device_->queue_count()) return misuse("notification of a queue that does not exist", index);
  device_->kick(static_cast<unsigned>(index));
}

// --- Interrupts.

// What cannot be had reads back as no vector (4.1.5.1.2.1).
uint16_t VirtioPci::checked_vector(uint64_t value) const {
  return value < msix_vectors() ? static_cast<uint16_t>(value) : kNoVector;
}

void VirtioPci::interrupt(uint16_t vector, uint8_t isr_bit) {
  if (messages_enabled()) {
    if (vector != kNoVector) notify(vector);
    return;
  }
  isr_ |= isr_bit;
  set_intx(true);
}

void VirtioPci::used_interrupt(unsigned queue) {
  interrupt(queue_vectors_[queue], kQueueInterrupt);
  if (messages_enabled() && device_->waits_to_resume() && !events_.pending(resume_event_))
    events_.schedule(resume_event_, events_.now() + kResumeAfter);
}

void VirtioPci::config_interrupt() {
  ++config_generation_;
  if (device_->status() & virtio::kDriverOk) interrupt(config_vector_, kConfigInterrupt);
}

uint64_t VirtioPci::take_isr() {
  const uint8_t isr = isr_;
  isr_ = 0;
  set_intx(false);
  if (isr != 0) device_->resume();
  return isr;
}

// --- Life.

void VirtioPci::reset_registers() {
  device_features_select_ = driver_features_select_ = 0;
  queue_select_ = 0;
  config_vector_ = kNoVector;
  std::fill(queue_vectors_.begin(), queue_vectors_.end(), kNoVector);
  isr_ = 0;
  set_intx(false);
}

void VirtioPci::reset_model() {
  events_.cancel(resume_event_);
  device_->reset();
  legacy_driver_ = form_ == Form::kLegacy;
  device_->attach(this, legacy_driver_);
  config_generation_ = 0;
  reset_registers();
}

void VirtioPci::serialize_model(StateStream& stream) {
  uint32_t id = device_->device_id();
  auto form = form_;
  stream.io(id);
  stream.io(form);
  if (id != device_->device_id() || form != form_) return stream.fail();  // saved by another machine
  stream.io(legacy_driver_);
  stream.io(device_features_select_);
  stream.io(driver_features_select_);
  stream.io(queue_select_);
  stream.io(config_vector_);
  for (uint16_t& vector : queue_vectors_) stream.io(vector);
  stream.io(isr_);
  stream.io(config_generation_);
  if (stream.loading()) {
    if (form_ == Form::kModern) legacy_driver_ = false;
    if (form_ == Form::kLegacy) legacy_driver_ = true;
    device_->attach(this, legacy_driver_);
    config_vector_ = checked_vector(config_vector_);
    for (uint16_t& vector : queue_vectors_) vector = checked_vector(vector);
    isr_ &= kQueueInterrupt | kConfigInterrupt;
  }
  device_->serialize(stream);
}

}  // namespace mynah::dev
