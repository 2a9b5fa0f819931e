// SPDX-License-Identifier: Apache-2.0
//
// VirtioDevice: what every virtio device has whatever bus it sits on (VIRTIO 1.2, chapter 2): status, feature
// negotiation, queues. A transport (virtio_mmio.h) turns register accesses into calls of the first part; a
// model (virtio_blk.h, ...) implements the second part and uses the third.
//
// Chains are handled inside notify(). A queue found malformed stops the device: it logs the reason, sets
// DEVICE_NEEDS_RESET (modern transports), and does nothing more until reset.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "devices/core/device.h"
#include "devices/virtio/virtqueue.h"

namespace mynah::dev {

// Interrupts and configuration changes, from device to transport.
class VirtioTransport {
 public:
  virtual ~VirtioTransport() = default;
  virtual void used_interrupt(unsigned queue) = 0;
  virtual void config_interrupt() = 0;
};

namespace virtio {

// Device status field, 2.1.
enum Status : uint8_t {
  kAcknowledge = 0x01,
  kDriver = 0x02,
  kDriverOk = 0x04,
  kFeaturesOk = 0x08,
  kDeviceNeedsReset = 0x40,
  kFailed = 0x80,
};

// Feature bits that are not a device's own, chapter 6.
constexpr unsigned kAnyLayout = 27;  // legacy only
constexpr unsigned kIndirectDescriptors = 28;
constexpr unsigned kEventIndex = 29;
constexpr unsigned kVersion1 = 32;

constexpr uint64_t bit(unsigned n) { return uint64_t{1} << n; }

}  // namespace virtio

class VirtioDevice : public Stateful {
 public:
  // At most 64 queues; sizes are powers of two. `name` must outlive the device (a literal).
  VirtioDevice(std::string_view name, DmaMemory& memory, Log& log, std::vector<uint16_t> queue_sizes);
  VirtioDevice(const VirtioDevice&) = delete;
  VirtioDevice& operator=(const VirtioDevice&) = delete;

  // ---- For the transport.
  void attach(VirtioTransport* transport, bool legacy);
  std::string_view name() const override { return name_; }
  virtual uint32_t device_id() const = 0;  // chapter 5

  uint8_t status() const { return status_; }
  void set_status(uint8_t value);  // 0 resets
  uint64_t offered_features() const;
  void set_driver_features(unsigned word, uint32_t value);  // word 0 is bits 0 to 31
  uint32_t driver_features(unsigned word) const {
    return word > 1 ? 0 : static_cast<uint32_t>(driver_features_ >> 32 * word);
  }

  unsigned queue_count() const { return static_cast<unsigned>(queues_.size()); }
  Virtqueue& queue(unsigned index) { return *queues_[index]; }
  void kick(unsigned index);  // the driver's notification; index is below queue_count()
  // Continues work that was put off. A transport calls it when the driver acknowledges an interrupt.
  void resume();
  bool waits_to_resume() const { return put_off_ != 0; }

  // Bytes beyond the device's configuration read 0.
  void read_config(uint64_t offset, std::span<uint8_t> to) const;
  // False when nothing there can be written.
  virtual bool write_config(uint64_t offset, std::span<const uint8_t> from) { return false; }

  void reset() override;

 protected:
  static constexpr size_t kMaxConfigSize = 64;

  // ---- For the model to implement.
  virtual uint64_t device_features() const = 0;
  // Copies the configuration structure to the front of `to`, which is zeroed and kMaxConfigSize bytes long.
  virtual void config(std::span<uint8_t> to) const {}
  virtual void notify(unsigned queue) = 0;
  virtual void features_accepted() {}
  virtual void reset_device() = 0;
  virtual void serialize_device(StateStream& stream) = 0;

  // ---- For the model to use.
  bool has(unsigned feature) const { return (negotiated_ >> feature & 1) != 0; }
  // A driver of the time before VIRTIO 1.0, whatever the transport: its structures are the older ones (little
  // endian here, where the guest is).
  bool old_driver() const { return !has(virtio::kVersion1); }
  // DRIVER_OK and not broken.
  bool running() const { return (status_ & virtio::kDriverOk) && !broken_; }
  bool broken() const { return broken_; }
  // The guest broke the rules of a queue: stop until reset.
  void fail(const char* reason);
  void guest_error(std::string_view message) const { log_.guest_error(name_, message); }
  void config_changed();
  // Publishes used elements and raises the queue's interrupt if the driver wants it.
  void complete(unsigned index);

  // Calls handle(DescriptorChain&) for every available chain; it returns the number of bytes written into the
  // chain, or nothing: then the chain ends later, by end_chain(). Stops when the device breaks. Does not call
  // itself for the same queue.
  template <typename Handle>
  void process(unsigned index, Handle&& handle) {
    Virtqueue& q = queue(index);
    DescriptorChain& chain = chains_[index];
    for (unsigned budget = kMaxChainsPerNotify; budget != 0; --budget) {
      switch (q.pop(chain)) {
        case Virtqueue::Pop::kBroken:
          return fail(q.error());
        case Virtqueue::Pop::kEmpty:
          if (!q.enable_notification()) continue;
          complete(index);
          return;
        case Virtqueue::Pop::kChain:
          break;
      }
      const std::optional<uint32_t> written = handle(chain);
      if (broken_) return;
      if (!written) continue;
      q.add_used(chain.head, *written);
      q.publish();
    }
    put_off(index);
  }

  // One that handle() kept. Nothing where the driver has taken the queue away meanwhile.
  void end_chain(unsigned index, uint16_t head, uint32_t written);
  // Waits for chains that are kept; before everything is forgotten.
  virtual void settle() {}

  DmaMemory& memory_;

 private:
  // A guest can make a queue that refills itself (a request may write anywhere, the rings included), and on
  // several vCPUs a queue may never be seen empty. After this many chains the rest waits for the driver to
  // acknowledge an interrupt, which is then raised whether wanted or not. More than the largest queue, so
  // that a driver that only polls never meets it.
  static constexpr unsigned kMaxChainsPerNotify = 2048;

  void serialize_state(StateStream& stream) override;
  void put_off(unsigned index);
  void accept_features();

  const std::string_view name_;
  Log& log_;
  std::vector<std::unique_ptr<Virtqueue>> queues_;
  std::vector<DescriptorChain> chains_;  // process()'s, one a queue
  VirtioTransport* transport_ = nullptr;
  bool legacy_ = false;

  uint8_t status_ = 0;
  uint64_t driver_features_ = 0;
  uint64_t negotiated_ = 0;
  bool broken_ = false;
  uint64_t put_off_ = 0;  // a bit a queue
};

}  // namespace mynah::dev
