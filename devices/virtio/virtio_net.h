// SPDX-License-Identifier: Apache-2.0
//
// virtio-net, the network card (VIRTIO 1.2, 5.1). Interfaces: NetBackend; queues 0 receive, 1 transmit, 2
// control.
//
// One queue pair, no offloads. Receive filters are acknowledged and not applied: the guest gets every frame
// that the backend has, as from a promiscuous card. A frame from the guest is copied once, so that a backend
// that parses it cannot see it change.
#pragma once

#include <array>
#include <vector>

#include "devices/core/host_backends.h"
#include "devices/virtio/virtio_device.h"

namespace mynah::dev {

class VirtioNet final : public VirtioDevice {
 public:
  using Mac = std::array<uint8_t, 6>;

  // Attaches to the backend, which must outlive the device.
  VirtioNet(DmaMemory& memory, Log& log, NetBackend& backend, const Mac& mac);
  ~VirtioNet() override;

  uint32_t device_id() const override { return 1; }
  uint32_t state_version() const override { return 1; }
  const Mac& mac() const { return mac_; }
  // Plugs or pulls the cable, and tells the driver. While it is out, frames are lost both ways.
  void set_link(bool up);

 private:
  enum Queue : unsigned { kReceive = 0, kTransmit = 1, kControl = 2 };

  uint64_t device_features() const override;
  void config(std::span<uint8_t> to) const override;
  void notify(unsigned queue) override;
  void reset_device() override;
  void serialize_device(StateStream& stream) override;

  bool receive(std::span<const uint8_t> frame);  // NetBackend::Receiver
  // Takes chains with room for n bytes into rx_chains_. Unless kFound, all are given back: kNotYet when more
  // buffers would help, kNever when the driver's kind of buffers cannot hold n bytes.
  enum class Room : uint8_t { kFound, kNotYet, kNever };
  Room find_room(uint64_t n);
  void deliver(std::span<const uint8_t> frame);
  uint32_t transmit(const DescriptorChain& chain);
  uint32_t control(const DescriptorChain& chain);
  bool control_command(const DescriptorChain& chain, bool& reachable);
  size_t header_size() const;

  NetBackend& backend_;
  const Mac permanent_mac_;
  Mac mac_;
  bool link_up_ = true;
  // The backend may hold a frame back: tell it of the next buffers.
  bool starved_ = true;
  std::vector<DescriptorChain> rx_chains_;  // the first rx_count_ are taken
  uint16_t rx_count_ = 0;
  std::vector<uint8_t> tx_frame_;
};

}  // namespace mynah::dev
