// SPDX-License-Identifier: Apache-2.0
//
// virtio-console: data (VIRTIO 1.2, 5.3.6.1) and control messages (5.3.6.2).
#include "devices/virtio/virtio_console.h"

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <cstring>

namespace mynah::dev {
namespace {

using virtio::bit;

constexpr unsigned kMultiport = 1, kEmergencyWrite = 2;

struct Config {
  uint16_t cols;
  uint16_t rows;
  uint32_t max_nr_ports;
  uint32_t emerg_wr;
};

struct Control {
  uint32_t id;
  uint16_t event;
  uint16_t value;
};
static_assert(sizeof(Control) == 8);

enum ControlEvent : uint16_t {
  kDeviceReady = 0,
  kDeviceAdd = 1,
  kPortReady = 3,
  kConsolePort = 4,
  kPortOpen = 6,
  kPortName = 7,
};

constexpr unsigned kControlReceive = 2, kControlTransmit = 3;
constexpr size_t kMaxMessages = 256;  // waiting for the driver's buffers
constexpr size_t kMaxNameSize = 256;
constexpr uint64_t kMaxTransmit = 1 << 24;

unsigned receive_queue(unsigned port) { return port == 0 ? 0 : 2 * port + 2; }

// Port of a data queue; receive queues are even.
unsigned port_of(unsigned queue) { return queue < 2 ? 0 : (queue - 2) / 2; }

// Numbers up to the highest.
size_t numbers(const std::vector<VirtioConsole::PortOptions>& ports) {
  unsigned last = 0;
  for (const auto& port : ports) last = std::max(last, port.number);
  return last + 1;
}

std::vector<uint16_t> queue_sizes(size_t ports, bool multiport) {
  std::vector<uint16_t> sizes{128, 128};
  if (!multiport) return sizes;
  sizes.insert(sizes.end(), {64, 64});
  sizes.resize(2 * ports + 2, 128);
  return sizes;
}

}  // namespace

VirtioConsole::VirtioConsole(DmaMemory& memory, Log& log, CharBackend& backend)
    : VirtioConsole(memory, log, {PortOptions{backend, "", true, 0}}, false) {}

VirtioConsole::VirtioConsole(DmaMemory& memory, Log& log, std::vector<PortOptions> ports)
    : VirtioConsole(memory, log, std::move(ports), true) {}

VirtioConsole::VirtioConsole(DmaMemory& memory, Log& log, std::vector<PortOptions> ports, bool multiport)
    : VirtioDevice("virtio-console", memory, log, queue_sizes(numbers(ports), multiport)),
      multiport_(multiport) {
  assert(!ports.empty() && numbers(ports) <= kMaxPorts);
  ports_.resize(numbers(ports));
  for (PortOptions& options : ports) {
    auto& port = ports_[options.number];
    assert(!port);
    port = std::make_unique<Port>(*this, std::move(options));
    port->options.backend.attach(port.get());
  }
}

VirtioConsole::~VirtioConsole() {
  for (auto& port : ports_)
    if (port) port->options.backend.attach(nullptr);
}

uint64_t VirtioConsole::device_features() const {
  return bit(kEmergencyWrite) | (multiport_ ? bit(kMultiport) : 0);
}

void VirtioConsole::config(std::span<uint8_t> to) const {
  Config c{};
  c.max_nr_ports = static_cast<uint32_t>(ports_.size());
  std::memcpy(to.data(), &c, sizeof c);
}

// Works before any set-up: that is its purpose (5.3.6.3).
bool VirtioConsole::write_config(uint64_t offset, std::span<const uint8_t> from) {
  if (offset != offsetof(Config, emerg_wr)) return false;
  if (ports_[0]) ports_[0]->options.backend.write(from.first(1));
  return true;
}

void VirtioConsole::reset_device() {
  messages_.clear();
  for (auto& port : ports_) {
    if (!port) continue;
    port->guest_open = false;
    port->host_waits = true;
    port->fifo.clear();
  }
}

void VirtioConsole::notify(unsigned index) {
  if (has(kMultiport)) {
    if (index == kControlReceive) return pump_control();
    if (index == kControlTransmit) {
      return process(index, [this](const DescriptorChain& chain) { return receive_control(chain); });
    }
  } else if (index > 1) {
    return;
  }
  Port* port = port_at(port_of(index));
  if (!port) return;
  if (index % 2 != 0) {
    return process(index, [this, port](const DescriptorChain& chain) { return transmit(*port, chain); });
  }
  pump(*port);
  welcome(*port);
}

// ---- Host to guest.

bool VirtioConsole::open(const Port& port) const {
  if (!running()) return false;
  return has(kMultiport) ? port.guest_open : port.number == 0;
}

size_t VirtioConsole::Port::can_receive() const { return console.open(*this) ? kFifoSize - fifo.size() : 0; }

void VirtioConsole::Port::receive(std::span<const uint8_t> bytes) {
  bytes = bytes.first(std::min(bytes.size(), can_receive()));
  fifo.insert(fifo.end(), bytes.begin(), bytes.end());
  console.pump(*this);
  if (can_receive() == 0) host_waits = true;
}

void VirtioConsole::welcome(Port& port) {
  if (!port.host_waits || port.can_receive() == 0) return;
  port.host_waits = false;
  port.options.backend.accept_input();
}

void VirtioConsole::pump(Port& port) {
  if (!open(port)) return;
  const unsigned index = receive_queue(port.number);
  Virtqueue& rx = queue(index);
  size_t done = 0;
  // Each round but the last moves a byte or means that the driver added a buffer meanwhile.
  for (unsigned round = 0; done < port.fifo.size() && round < 2 * kFifoSize; ++round) {
    const Virtqueue::Pop pop = rx.pop(rx_chain_);
    if (pop == Virtqueue::Pop::kBroken) return fail(rx.error());
    if (pop == Virtqueue::Pop::kEmpty) {
      if (rx.enable_notification()) break;
      continue;
    }
    if (rx_chain_.writable_size == 0) return fail("receive buffer is not writable");
    const size_t n = std::min<uint64_t>(rx_chain_.writable_size, port.fifo.size() - done);
    if (!ScatterCursor(memory_, rx_chain_.writable).write(port.fifo.data() + done, n)) {
      return fail("receive buffer is not in RAM");
    }
    rx.add_used(rx_chain_.head, static_cast<uint32_t>(n));
    done += n;
  }
  port.fifo.erase(port.fifo.begin(), port.fifo.begin() + static_cast<ptrdiff_t>(done));
  complete(index);
}

// ---- Guest to host.

uint32_t VirtioConsole::transmit(Port& port, const DescriptorChain& chain) {
  if (chain.readable_size == 0) {
    fail("transmit buffer is not readable");
    return 0;
  }
  if (chain.readable_size > kMaxTransmit) guest_error("bytes beyond the first 16 MiB of a buffer are lost");
  const auto take = [&port](std::span<const uint8_t> from) {
    port.options.backend.write(from);
    return true;
  };
  const uint64_t n = std::min(chain.readable_size, kMaxTransmit);
  if (ScatterCursor(memory_, chain.readable).drain(n, take) != Transfer::kDone) {
    fail("transmit buffer is not in RAM");
  }
  return 0;
}

// ---- Control messages.

uint32_t VirtioConsole::receive_control(const DescriptorChain& chain) {
  Control message;
  if (chain.readable_size < sizeof message) {
    fail("control message is too short");
    return 0;
  }
  if (!ScatterCursor(memory_, chain.readable).read(&message, sizeof message)) {
    fail("control message is not in RAM");
    return 0;
  }
  handle_message(message.id, message.event, message.value);
  return 0;
}

void VirtioConsole::handle_message(uint32_t id, uint16_t event, uint16_t value) {
  if (event == kDeviceReady) {
    if (value == 0) return;  // the driver gave up
    for (auto& port : ports_)
      if (port) send_control({port->number, kDeviceAdd, 1, ""});
    return;
  }
  Port* const found = port_at(id);
  if (!found) return guest_error("control message for a port that does not exist");
  Port& port = *found;
  switch (event) {
    case kPortReady:
      if (value == 0) return;
      if (port.options.console) send_control({id, kConsolePort, 1, ""});
      if (!port.options.name.empty())
        send_control({id, kPortName, 1, port.options.name.substr(0, kMaxNameSize)});
      // A host side is always there.
      return send_control({id, kPortOpen, 1, ""});
    case kPortOpen:
      port.guest_open = value != 0;
      if (!port.guest_open) {
        port.host_waits = true;
        return;
      }
      pump(port);
      return welcome(port);
    default:
      guest_error("unknown control message");
  }
}

void VirtioConsole::send_control(Message message) {
  if (messages_.size() >= kMaxMessages) return guest_error("control messages are lost: no buffers for them");
  messages_.push_back(std::move(message));
  pump_control();
}

void VirtioConsole::pump_control() {
  Virtqueue& rx = queue(kControlReceive);
  for (unsigned round = 0; !messages_.empty() && round < 2 * kMaxMessages; ++round) {
    const Virtqueue::Pop pop = rx.pop(rx_chain_);
    if (pop == Virtqueue::Pop::kBroken) return fail(rx.error());
    if (pop == Virtqueue::Pop::kEmpty) {
      if (rx.enable_notification()) break;
      continue;
    }
    const Message& message = messages_.front();
    const Control control{message.port, message.event, message.value};
    const size_t size = sizeof control + message.name.size();
    if (rx_chain_.writable_size < size) return fail("control buffer is too short or not writable");
    ScatterCursor to(memory_, rx_chain_.writable);
    if (!to.write(&control, sizeof control) || !to.write(message.name.data(), message.name.size())) {
      return fail("control buffer is not in RAM");
    }
    rx.add_used(rx_chain_.head, static_cast<uint32_t>(size));
    messages_.pop_front();
  }
  complete(kControlReceive);
}

void VirtioConsole::serialize_device(StateStream& stream) {
  auto count = static_cast<uint32_t>(ports_.size());
  stream.io(count);
  if (count != ports_.size()) return stream.fail();
  for (auto& port : ports_) {
    if (!port) continue;
    uint8_t guest_open = port->guest_open;
    stream.io(guest_open);
    stream.io(port->fifo, kFifoSize);
    if (!stream.loading()) continue;
    port->guest_open = guest_open != 0;
    port->host_waits = true;
  }
  auto waiting = static_cast<uint32_t>(messages_.size());
  stream.io(waiting);
  if (waiting > kMaxMessages) return stream.fail();
  if (stream.loading()) messages_.assign(waiting, Message{});
  for (Message& m : messages_) {
    stream.io(m.port);
    stream.io(m.event);
    stream.io(m.value);
    stream.io(m.name);
    if (m.name.size() > kMaxNameSize) {
      m.name.clear();
      stream.fail();
    }
  }
}

}  // namespace mynah::dev
