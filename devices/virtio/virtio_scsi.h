// SPDX-License-Identifier: Apache-2.0
//
// VirtioScsi: a SCSI host adapter (VIRTIO 1.2, 5.6): a control queue, an event queue that stays silent, and
// one queue of requests to the logical units behind it.
//
// A request is carried out when it is taken from its queue, so that there is never one to be aborted.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "devices/storage/scsi_unit.h"
#include "devices/virtio/virtio_device.h"

namespace mynah::dev {

class VirtioScsi final : public VirtioDevice {
 public:
  static constexpr unsigned kTargets = 256, kLuns = 16384;
  struct Place {
    unsigned target = 0, lun = 0;  // below the numbers above
    std::unique_ptr<ScsiUnit> unit;
  };

  VirtioScsi(DmaMemory& memory, Log& log, std::vector<Place> units);

  uint32_t device_id() const override { return 8; }
  uint32_t state_version() const override { return 1; }
  bool write_config(uint64_t offset, std::span<const uint8_t> from) override;

 private:
  struct Request;
  struct Response;

  uint64_t device_features() const override;
  void config(std::span<uint8_t> to) const override;
  void notify(unsigned queue) override;
  void reset_device() override;
  void serialize_device(StateStream& stream) override;

  uint32_t request(const DescriptorChain& chain);
  uint32_t control(const DescriptorChain& chain);
  ScsiUnit* find(unsigned target, unsigned lun) const;
  bool has_target(unsigned target) const;
  bool carry_out(const Request& r, Response& response, const DescriptorChain& chain);
  void report_luns(const Request& r, std::vector<uint8_t>& answer) const;
  // What of a request's data there is room for, moved to or from the unit. False: a buffer is not in RAM.
  bool move(ScsiUnit& unit, const ScsiUnit::Outcome& outcome, Response& response,
            const DescriptorChain& chain);
  bool answer(std::span<const uint8_t> bytes, Response& response, const DescriptorChain& chain);
  uint8_t task_management(uint32_t subtype, const uint8_t* lun);

  const std::vector<Place> units_;
  uint32_t sense_bytes_, command_bytes_;  // as the driver has set them
};

}  // namespace mynah::dev
