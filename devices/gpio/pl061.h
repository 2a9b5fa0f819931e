// SPDX-License-Identifier: Apache-2.0
//
// PL061: Arm PrimeCell general purpose I/O, eight lines. Manual: DDI 0190, chapters 2 and 3.
//
// Guest interface: one window of 4 KiB, 8-bit registers a word apart, GPIODATA spread over the first KiB with
// its access mask in address bits 9:2; one interrupt line (GPIOINTR). Board interface: the device is an
// IrqSink whose eight lines drive the pins from outside, connect_output() carries a pin outwards, and
// pulse_input() plays a pressed key.
//
// A pin that nothing drives reads 0. Interrupts come from pins that are inputs. Hardware control (GPIOAFSEL)
// has a register but no effect.
#pragma once

#include <array>
#include <string>

#include "devices/core/device.h"
#include "devices/core/event_queue.h"

namespace mynah::dev {

class Pl061 final : public Device, public IrqSink {
 public:
  static constexpr uint64_t kWindowSize = 0x1000;
  static constexpr unsigned kLines = 8;
  static constexpr TimeNs kKeyPress = 100'000'000;  // 100 ms, as long as a person presses a power key

  enum Register : Offset {
    kDataFirst = 0x000,
    kDataLast = 0x3fc,
    kDir = 0x400,
    kIs = 0x404,
    kIbe = 0x408,
    kIev = 0x40c,
    kIe = 0x410,
    kRis = 0x414,
    kMis = 0x418,
    kIc = 0x41c,
    kAfsel = 0x420,
  };

  // Registers the events "<name>.release0" to "<name>.release7".
  Pl061(EventQueue& events, IrqLine irq, Log& log, std::string name = "pl061");

  std::string_view name() const override { return name_; }
  void reset() override;  // pins driven from outside, and pulses under way, stay
  uint64_t read(Offset, Width) override;
  void write(Offset, Width, uint64_t) override;
  // The ends of pulses under way are part of the event queue's state.
  uint32_t state_version() const override { return 1; }

  // Drives pin `line` from outside. Lines above 7 are ignored.
  void set_irq(unsigned line, bool level) override;
  // High now, low after `duration` ns. A pulse on a line that has one under way prolongs it.
  void pulse_input(unsigned line, TimeNs duration = kKeyPress);
  // The wire gets the level of the pin whenever it is an output, else low.
  void connect_output(unsigned line, IrqLine wire);

 private:
  void serialize_state(StateStream&) override;
  uint8_t pins() const { return static_cast<uint8_t>((out_ & dir_) | (in_ & ~dir_)); }
  uint8_t raw_interrupts() const;
  void write_register(Offset, uint8_t);
  // After any change of pins or registers: edges against pins_seen_, outputs, the interrupt line.
  void update();

  EventQueue& events_;
  IrqLine irq_;
  Log& log_;
  std::string name_;
  std::array<EventId, kLines> release_events_{};
  std::array<IrqLine, kLines> outputs_{};

  uint8_t in_ = 0;         // levels driven from outside
  uint8_t out_ = 0;        // GPIODATA as written
  uint8_t pins_seen_ = 0;  // pins() at the last update
  uint8_t driven_ = 0;     // levels last given to outputs_
  uint8_t edges_ = 0;      // edge interrupts latched
  uint8_t dir_ = 0;
  uint8_t is_ = 0;
  uint8_t ibe_ = 0;
  uint8_t iev_ = 0;
  uint8_t ie_ = 0;
  uint8_t afsel_ = 0;
};

}  // namespace mynah::dev
