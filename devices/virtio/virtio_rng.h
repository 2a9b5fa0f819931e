// SPDX-License-Identifier: Apache-2.0
//
// virtio-rng, the entropy device (VIRTIO 1.2, 5.4). Interfaces: EntropySource; one queue of writable buffers;
// where the guest gets so much a period only, the event queue: what it asks for beyond waits in the queue.
#pragma once

#include <string>

#include "devices/core/event_queue.h"
#include "devices/core/host_backends.h"
#include "devices/virtio/virtio_device.h"

namespace mynah::dev {

class VirtioRng final : public VirtioDevice {
 public:
  struct Limit {
    EventQueue* events = nullptr;  // null: no limit
    std::string event_name;        // no other's
    uint64_t bytes = 0;            // a period
    TimeNs period = 0;
  };
  VirtioRng(DmaMemory& memory, Log& log, EntropySource& source) : VirtioRng(memory, log, source, Limit{}) {}
  VirtioRng(DmaMemory& memory, Log& log, EntropySource& source, Limit limit);

  uint32_t device_id() const override { return 4; }
  uint32_t state_version() const override { return 1; }

 private:
  uint64_t device_features() const override { return 0; }
  void notify(unsigned queue) override;
  void reset_device() override {}
  void serialize_device(StateStream&) override;
  void notify_limited(unsigned queue);
  // Fills the chain with up to `most` bytes; how many, or 0 when the device stops.
  uint32_t fill(const DescriptorChain& chain, uint64_t most);

  EntropySource& source_;
  const Limit limit_;
  EventId period_ends_ = 0;
  uint64_t left_ = 0;  // of the period's bytes
  DescriptorChain chain_;
};

}  // namespace mynah::dev
