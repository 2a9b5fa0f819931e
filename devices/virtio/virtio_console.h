// SPDX-License-Identifier: Apache-2.0
//
// virtio-console (VIRTIO 1.2, 5.3). Interfaces: one CharBackend a port; two queues a port, and two for
// control messages when the device has several ports (VIRTIO_CONSOLE_F_MULTIPORT).
//
// Bytes from the host wait in a small FIFO a port until the driver has a buffer for them; a full FIFO, and a
// port that the guest has not opened, push back on the host.
#pragma once

#include <array>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "devices/core/char_backend.h"
#include "devices/virtio/virtio_device.h"

namespace mynah::dev {

class VirtioConsole final : public VirtioDevice {
 public:
  static constexpr unsigned kMaxPorts = 31;

  struct PortOptions {
    CharBackend& backend;
    std::string name;     // what the guest finds it by; may be empty
    bool console = true;  // a terminal (hvcN), else a plain byte channel
    unsigned number = 0;  // below kMaxPorts, each once
  };

  // Backends must outlive the device.
  // One console, the plainest device.
  VirtioConsole(DmaMemory& memory, Log& log, CharBackend& backend);
  // 1 to kMaxPorts ports with control messages. A driver without MULTIPORT sees port 0 alone, if it is there.
  VirtioConsole(DmaMemory& memory, Log& log, std::vector<PortOptions> ports);
  ~VirtioConsole() override;

  uint32_t device_id() const override { return 3; }
  uint32_t state_version() const override { return 1; }
  bool write_config(uint64_t offset, std::span<const uint8_t> from) override;

 private:
  static constexpr size_t kFifoSize = 4096;

  struct Port final : CharReceiver {
    Port(VirtioConsole& console, PortOptions options)
        : console(console), number(options.number), options(std::move(options)) {}
    size_t can_receive() const override;
    void receive(std::span<const uint8_t> bytes) override;

    VirtioConsole& console;
    const unsigned number;
    const PortOptions options;
    bool guest_open = false;    // MULTIPORT only
    bool host_waits = true;     // can_receive() was 0 when the host last asked
    std::vector<uint8_t> fifo;  // to the guest; at most kFifoSize
  };

  struct Message {
    uint32_t port;
    uint16_t event;
    uint16_t value;
    std::string name;  // follows the structure of a PORT_NAME
  };

  VirtioConsole(DmaMemory& memory, Log& log, std::vector<PortOptions> ports, bool multiport);

  uint64_t device_features() const override;
  void config(std::span<uint8_t> to) const override;
  void notify(unsigned queue) override;
  void reset_device() override;
  void serialize_device(StateStream& stream) override;

  Port* port_at(uint32_t number) { return number < ports_.size() ? ports_[number].get() : nullptr; }
  bool open(const Port& port) const;  // the guest takes bytes
  void pump(Port& port);              // FIFO to buffers
  void welcome(Port& port);           // tells the host that the port takes bytes again, if it waits
  uint32_t transmit(Port& port, const DescriptorChain& chain);
  void handle_message(uint32_t port, uint16_t event, uint16_t value);
  uint32_t receive_control(const DescriptorChain& chain);
  void send_control(Message message);
  void pump_control();

  const bool multiport_;
  std::vector<std::unique_ptr<Port>> ports_;  // by number; null where there is none
  std::deque<Message> messages_;              // to the guest
  DescriptorChain rx_chain_;
};

}  // namespace mynah::dev
