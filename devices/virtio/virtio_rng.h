// SPDX-License-Identifier: Apache-2.0
//
// virtio-rng, the entropy device (VIRTIO 1.2, 5.4). Interfaces: EntropySource; one queue of writable buffers.
#pragma once

#include "devices/core/host_backends.h"
#include "devices/virtio/virtio_device.h"

namespace mynah::dev {

class VirtioRng final : public VirtioDevice {
 public:
  VirtioRng(DmaMemory& memory, Log& log, EntropySource& source);

  uint32_t device_id() const override { return 4; }
  uint32_t state_version() const override { return 1; }

 private:
  uint64_t device_features() const override { return 0; }
  void notify(unsigned queue) override;
  void reset_device() override {}
  void serialize_device(StateStream&) override {}

  EntropySource& source_;
};

}  // namespace mynah::dev
