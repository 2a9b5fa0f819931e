// SPDX-License-Identifier: Apache-2.0
//
// What Intel's gigabit controllers 82540EM (e1000.h) and 82574L (e1000e.h) share: register file, EEPROM and
// PHY, transmit rings with legacy and extended descriptors, checksum and segmentation offload, receive
// filters and rings, interrupt causes with their delays, statistics. Manuals: e1000_fields.h. Interface: a
// NetBackend.
//
// Frames go out within the write of TDT, a bounded number of them at a time: the rest follows by an event. A
// frame that finds no receive descriptor waits in the backend until RDT is written. Descriptors are a
// guest's: a ring that is not in RAM, or whose head is beyond its end, is left alone.
//
// Not modelled: frames of a kind that never come (errors on the wire), flow control, wake-up, jumbo frames in
// several buffers by packet split, RSS, time stamps.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "devices/core/event_queue.h"
#include "devices/core/host_backends.h"
#include "devices/net/e1000_fields.h"
#include "devices/net/e1000_nvm.h"
#include "devices/pci/function.h"

namespace mynah::dev::e1000 {

// A cause that waits: for a while after the last reason (RDTR, TIDV), but not longer after the first than a
// bound (RADV, TADV; 0: none). In units of 1.024 microseconds.
class InterruptDelay {
 public:
  InterruptDelay(EventQueue& events, const std::string& name, std::function<void()> fire);
  void start(uint32_t delay, uint32_t bound);
  void cancel();
  void flush();  // now, if it waits
  void serialize(StateStream& s) { s.io(waits_); }

 private:
  EventQueue& events_;
  const std::function<void()> fire_;
  const EventId delay_, bound_;
  bool waits_ = false;
};

class Core : public pci::Function {
 public:
  struct Options {
    Mac mac{};
    std::string name;  // of its events: no other card of the machine has it
  };

 protected:
  struct Model {
    uint16_t phy_id;      // the lower half
    unsigned tx_queues;   // 1 or 2
    bool extended;        // an 82574: extended receive descriptors, causes by queue, EERD in its form
    uint32_t interrupts;  // the bits of ICR that there are
  };
  Core(std::string_view name, const pci::Identity& identity, EventQueue& events, Log& log,
       NetBackend& network, const Options& options, const Model& model);

  // --- For the two controllers.
  uint32_t& reg(uint32_t offset) { return registers_[offset / 4]; }
  uint32_t reg(uint32_t offset) const { return registers_[offset / 4]; }
  void schedule(EventId id, TimeNs in) { events_.reschedule(id, events_.now() + in); }
  EventQueue& events() { return events_; }
  const std::string& event_name() const { return event_name_; }

  // After ICR or IMS changed.
  virtual void update_interrupts() = 0;
  virtual uint32_t read_icr() = 0;
  virtual void reset_interrupts() {}
  virtual void serialize_controller(StateStream&) {}
  // Registers that the other does not have. False: neither does this.
  virtual bool write_more(uint32_t, uint32_t) { return false; }
  void set_causes(uint32_t causes);
  bool masked() const { return (reg(ICR) & reg(IMS)) == 0; }

  uint64_t bar_read(unsigned bar, uint64_t offset, Width width) override;
  void bar_write(unsigned bar, uint64_t offset, Width width, uint64_t value) override;
  void reset_model() override;
  void serialize_model(StateStream& stream) final;

 private:
  static constexpr size_t kMostPacket = size_t{128} << 10;  // of a segmented one

  struct Context {
    uint8_t ip_start = 0, ip_offset = 0, tcp_start = 0, tcp_offset = 0;
    uint16_t ip_end = 0, tcp_end = 0, segment = 0;
    uint8_t header = 0;
    bool tcp = false, ipv4 = false;
  };
  struct TxQueue {
    Context plain, segmented;     // as the last context descriptors without and with TSE said
    std::vector<uint8_t> packet;  // what descriptors before the last have given
    bool segments = false, started = false, oversized = false;
    uint8_t options = 0;
  };

  // --- Registers, e1000_core.cpp
  uint32_t read_register(uint32_t offset);
  void write_register(uint32_t offset, uint32_t value);
  uint32_t read_statistic(uint32_t offset);
  void write_mdic(uint32_t value);
  void write_eerd(uint32_t value);
  void soft_reset();
  void count(uint32_t statistic, uint32_t by = 1);
  void count_bytes(uint32_t statistic, uint64_t by);
  void count_size(uint32_t first, size_t frame);

  // --- e1000_transmit.cpp
  bool transmit_some(unsigned n);
  void transmit_all();
  void read_context(TxQueue& q, const std::array<uint32_t, 4>& d);
  void add_data(TxQueue& q, uint64_t pa, uint32_t size);
  void finish_packet(TxQueue& q, const std::array<uint32_t, 4>& d);
  void send_segments(TxQueue& q, uint32_t tag);
  void send_frame(std::span<uint8_t> frame, const Context& c, uint8_t options, uint32_t tag);

  // --- e1000_receive.cpp
  bool receive(std::span<const uint8_t> frame);
  bool accepts(std::span<const uint8_t> frame) const;
  uint32_t free_descriptors() const;
  uint32_t buffer_size() const;
  bool store(std::span<const uint8_t> frame, uint16_t tag, bool tagged);

  EventQueue& events_;
  NetBackend& network_;
  const Model model_;
  const std::string event_name_;
  const EventId transmit_event_;
  InterruptDelay tx_delay_, rx_delay_;

  std::array<uint32_t, REGISTERS_END / 4> registers_{};
  Eeprom eeprom_;
  Phy phy_;
  std::array<TxQueue, 2> tx_;
  uint32_t io_address_ = 0;
  std::vector<uint8_t> frame_;  // that is being received or sent
  bool transmitting_ = false;
  const Mac mac_;
};

}  // namespace mynah::dev::e1000
