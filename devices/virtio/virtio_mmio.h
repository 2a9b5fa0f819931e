// SPDX-License-Identifier: Apache-2.0
//
// virtio-mmio transport (VIRTIO 1.2, 4.2): one window of 0x200 bytes, one level-high interrupt.
//
// Interfaces: register window (Device), IrqLine, at most one VirtioDevice behind it. An empty transport shows
// device id 0, which drivers skip. Register set version 2 (modern); version 1 (legacy, 4.2.4) as an option.
// Registers are 32 bits wide; the configuration space at 0x100 takes any width.
#pragma once

#include <cstdint>
#include <string_view>

#include "devices/core/device.h"
#include "devices/virtio/virtio_device.h"

namespace mynah::dev {

class VirtioMmio final : public Device, private VirtioTransport {
 public:
  static constexpr uint64_t kWindowSize = 0x200;
  enum class Version : uint32_t { kLegacy = 1, kModern = 2 };

  // `device` is nullptr for an empty transport; otherwise it must outlive the transport, which also resets
  // and serializes it.
  VirtioMmio(VirtioDevice* device, IrqLine irq, Log& log, Version version = Version::kModern);
  ~VirtioMmio() override;

  std::string_view name() const override { return "virtio-mmio"; }
  void reset() override;
  uint64_t read(Offset offset, Width width) override;
  void write(Offset offset, Width width, uint64_t value) override;
  uint32_t state_version() const override { return 1; }

 private:
  void serialize_state(StateStream&) override;
  void used_interrupt(unsigned queue) override;
  void config_interrupt() override;

  uint32_t read_register(Offset offset);
  void write_register(Offset offset, uint32_t value);
  bool write_legacy_register(Offset offset, uint32_t value);
  uint32_t read_word_of_features() const;
  void write_status(uint32_t value);
  void write_queue_ready(uint32_t value);
  void write_queue_pfn(uint32_t value);
  void write_queue_address(Offset offset, uint32_t value);
  Virtqueue* selected_queue();  // nullptr when there is none of that number
  bool legacy() const { return version_ == Version::kLegacy; }
  void update_irq() { irq_.set(interrupt_status_ != 0); }
  void reset_registers();
  void misuse(std::string_view what, Offset offset) const;

  VirtioDevice* const device_;
  const IrqLine irq_;
  Log& log_;
  const Version version_;

  uint32_t device_features_select_ = 0;
  uint32_t driver_features_select_ = 0;
  uint32_t queue_select_ = 0;
  uint32_t interrupt_status_ = 0;
  uint32_t config_generation_ = 0;
  uint32_t guest_page_size_ = 0;  // legacy: bytes, a power of two or 0 when not set
  uint32_t queue_align_ = 4096;   // legacy: of the queue being set up
};

}  // namespace mynah::dev
