// SPDX-License-Identifier: Apache-2.0
//
// The register windows of pci::Host that a board maps. For host.cpp alone.
#pragma once

#include "devices/core/stateless_device.h"
#include "devices/pci/host.h"

namespace mynah::dev::pci {

// Without state: that is the host's.
class Host::Ecam final : public StatelessDevice {
 public:
  explicit Ecam(Host& host) : StatelessDevice("pci-ecam"), host_(host) {}
  uint64_t read(Offset offset, Width width) override;
  void write(Offset offset, Width width, uint64_t value) override;

 private:
  Host& host_;
};

// A latch for the address at offset 0, the register that it names at offset 4.
class Host::ConfigPorts final : public Device {
 public:
  explicit ConfigPorts(Host& host) : host_(host) {}
  std::string_view name() const override { return "pci-config-ports"; }
  uint32_t state_version() const override { return 1; }
  void reset() override { address_ = 0; }
  uint64_t read(Offset offset, Width width) override;
  void write(Offset offset, Width width, uint64_t value) override;

 private:
  void serialize_state(StateStream& stream) override { stream.io(address_); }
  Function* selected() const;
  unsigned register_of(Offset offset) const { return (address_ & 0xfc) + static_cast<unsigned>(offset - 4); }
  Host& host_;
  uint32_t address_ = 0;
};

class Host::Window final : public StatelessDevice {
 public:
  Window(Host& host, Space space, uint64_t base)
      : StatelessDevice(space == Space::kIo ? "pci-io" : "pci-memory"),
        host_(host),
        space_(space),
        base_(base) {}
  uint64_t read(Offset offset, Width width) override { return host_.read(space_, base_ + offset, width); }
  void write(Offset offset, Width width, uint64_t value) override {
    host_.write(space_, base_ + offset, width, value);
  }

 private:
  Host& host_;
  const Space space_;
  const uint64_t base_;
};

}  // namespace mynah::dev::pci
