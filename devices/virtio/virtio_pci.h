// SPDX-License-Identifier: Apache-2.0
//
// virtio-pci transport (VIRTIO 1.2, 4.1): a PCI function in front of one virtio device.
//
// A modern function has its registers in BAR 4 and capabilities that say where; a legacy one (4.1.4.8) has
// them in I/O BAR 0; a transitional one both, and the driver's choice counts from its first write after a
// reset. MSI-X vectors are in BAR 1. Where it says nothing else, a function is transitional on a root bus and
// modern below a PCI Express port, where there is no I/O to spare.
//
// With messages enabled no driver acknowledges an interrupt. What a device puts off until then
// (VirtioDevice::resume) goes on by an event.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "devices/core/event_queue.h"
#include "devices/pci/function.h"
#include "devices/virtio/virtio_device.h"

namespace mynah::dev {

class VirtioPci final : public pci::Function, private VirtioTransport {
 public:
  enum class Form : uint8_t { kByBus, kTransitional, kModern, kLegacy };
  struct Options {
    Form form = Form::kByBus;
    std::optional<unsigned> vectors;  // of MSI-X, at most 2048; 0: none. Absent: one a queue and one more
  };
  using Factory = std::function<std::unique_ptr<VirtioDevice>(DmaMemory&, Log&)>;

  VirtioPci(const Factory& make, EventQueue& events, Log& log, const Options& options);
  ~VirtioPci() override;
  uint32_t state_version() const override { return 1; }

 private:
  static constexpr unsigned kLegacyBar = 0, kMsixBar = 1, kModernBar = 4;
  static constexpr uint16_t kNoVector = 0xffff;

  // pci::Function
  uint64_t bar_read(unsigned bar, uint64_t offset, Width width) override;
  void bar_write(unsigned bar, uint64_t offset, Width width, uint64_t value) override;
  void reset_model() override;
  void serialize_model(StateStream& stream) override;
  void attached(const pci::Bus& bus) override;
  void config_written(unsigned offset, unsigned width) override;
  void before_config_read(unsigned offset, unsigned width) override;

  // VirtioTransport
  void used_interrupt(unsigned queue) override;
  void config_interrupt() override;

  void add_structures();
  unsigned add_structure(unsigned type, uint64_t offset, uint32_t length, unsigned more);
  bool config_window(uint64_t& offset, unsigned& width) const;

  uint64_t read_common(uint64_t offset, Width width);
  void write_common(uint64_t offset, Width width, uint64_t value);
  void write_queue_address(uint64_t offset, Width width, uint64_t value);
  // virtio_pci_legacy.cpp
  uint64_t read_legacy(uint64_t offset, Width width);
  void write_legacy(uint64_t offset, Width width, uint64_t value);
  void write_legacy_status(uint8_t value);
  uint64_t legacy_config_offset() const { return msix_enabled() ? 24 : 20; }

  uint64_t read_device_config(uint64_t offset, Width width) const;
  void write_device_config(uint64_t offset, Width width, uint64_t value);
  uint64_t take_isr();
  void interrupt(uint16_t vector, uint8_t isr_bit);
  void write_status(uint8_t value);
  void notify_queue(uint64_t index);
  uint16_t checked_vector(uint64_t value) const;
  uint16_t* selected_vector();
  Virtqueue* selected_queue();
  void driven_as(bool legacy);
  void reset_registers();
  void misuse(std::string_view what, uint64_t offset) const;

  EventQueue& events_;
  EventId resume_event_ = 0;
  const Form asked_form_;
  Form form_ = Form::kTransitional;
  std::unique_ptr<VirtioDevice> device_;
  unsigned structures_ = 0;  // offset of the capability with a window into BAR 4, or 0

  bool legacy_driver_ = false;
  uint32_t device_features_select_ = 0, driver_features_select_ = 0;
  uint16_t queue_select_ = 0;
  uint16_t config_vector_ = kNoVector;
  std::vector<uint16_t> queue_vectors_;
  uint8_t isr_ = 0;
  uint8_t config_generation_ = 0;
};

}  // namespace mynah::dev
