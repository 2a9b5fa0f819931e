// SPDX-License-Identifier: Apache-2.0
//
// 8254: the PC's programmable interval timer (Intel data sheet 231164), ports 0x40 to 0x43, and port 0x61,
// which gates its channel 2 and shows its output. Channel 0's output is IRQ 0. The input clock is 1193182 Hz.
//
// A counter is computed from the clock at which it was loaded: nothing ticks. An event stands for each change
// of channel 0's output; where it comes late, edges that have passed are shown as one. A count is there at
// once when it was written, where the chip takes the next clock for it.
#pragma once

#include <array>
#include <cstdint>

#include "devices/core/device.h"
#include "devices/core/event_queue.h"
#include "devices/core/stateless_device.h"

namespace mynah::dev {

class Pit8254 final : public Device {
 public:
  static constexpr uint64_t kWindowSize = 4;
  static constexpr int64_t kHz = 1193182;

  // Registers the event "pit.output".
  Pit8254(EventQueue& events, IrqLine irq, Log& log);

  Device& speaker_port() { return speaker_; }  // at 0x61, one byte

  std::string_view name() const override { return "i8254"; }
  uint32_t state_version() const override { return 3; }
  void reset() override;
  uint64_t read(Offset, Width) override;
  void write(Offset, Width, uint64_t) override;

 private:
  struct Channel {
    bool periodic() const { return mode == 2 || mode == 3; }
    bool triggered() const {
      return mode == 1 || mode == 5;
    }  // by the gate's edge; the others need its level

    uint8_t mode = 0, access = 3;  // access: 1 low, 2 high, 3 both
    bool bcd = false, gate = true;
    bool running = false;                        // a count was loaded
    bool loaded_low = false, read_high = false;  // of two bytes, which is next
    uint8_t low = 0;
    uint32_t initial = 0;  // 1 to 65536 (10000 in BCD)
    uint32_t next = 0;     // what was written while it counts, for its next round; 0: nothing
    int64_t next_at = 0;   // clock at which that round of a periodic mode begins
    int64_t start = 0;     // clock at which it was loaded, or triggered
    int64_t held = 0;      // clocks that were counted when the gate stopped it
    bool null_count = true;
    uint8_t latched = 0;  // bytes of `latch` that are to be read
    uint16_t latch = 0;
    bool status_latched = false;
    uint8_t status = 0;
  };
  class SpeakerPort final : public StatelessDevice {
   public:
    explicit SpeakerPort(Pit8254& pit) : StatelessDevice("port61"), pit_(pit) {}
    uint64_t read(Offset, Width) override { return pit_.read_port61(); }
    void write(Offset, Width, uint64_t v) override { pit_.write_port61(static_cast<uint8_t>(v)); }

   private:
    Pit8254& pit_;
  };

  void serialize_state(StateStream&) override;
  int64_t clock() const;  // of the input: how many have been
  int64_t counted(const Channel& c) const;
  uint16_t count(const Channel& c) const;
  bool output(const Channel& c) const;
  bool rises(const Channel& c, int64_t from, int64_t to) const;
  int64_t next_change(const Channel& c) const;
  void settle();
  static void begin_next(Channel& c);
  void load(unsigned n, uint32_t value);
  void make_valid(Channel& c) const;
  uint8_t read_byte(Offset offset);
  void write_byte(Offset offset, uint8_t value);
  void set_gate(unsigned n, bool level);
  void latch(Channel& c);
  void command(uint8_t value);
  void update();
  uint8_t read_port61();
  void write_port61(uint8_t value);

  EventQueue& events_;
  IrqLine irq_;
  Log& log_;
  EventId output_event_;
  std::array<Channel, 3> channels_;
  int64_t seen_ = 0;  // clock at which channel 0's output was shown last
  uint8_t speaker_data_ = 0;
  SpeakerPort speaker_{*this};
};

}  // namespace mynah::dev
