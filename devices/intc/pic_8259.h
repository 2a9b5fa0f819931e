// SPDX-License-Identifier: Apache-2.0
//
// The PC's two 8259A interrupt controllers, the second behind input 2 of the first (Intel data sheet 231468).
// Ports 0x20, 0x21, 0xa0, 0xa1, and edge/level control at 0x4d0, 0x4d1.
//
// What is not modelled: 8080 mode, buffered mode (accepted, without effect).
#pragma once

#include <array>
#include <cstdint>

#include "devices/core/device.h"
#include "devices/core/stateless_device.h"

namespace mynah::dev {

class Pic8259 final : public Device, public IrqSink {
 public:
  static constexpr uint64_t kWindowSize = 2;

  // `output`: to the processor (LINT0 of its local APIC).
  Pic8259(IrqLine output, Log& log)
      : output_(output), log_(log), first_port_{*this, 0}, second_port_{*this, 1}, level_port_{*this} {
    reset();
  }

  void connect(IrqLine output) { output_ = output; }
  void set_irq(unsigned line, bool level) override;  // 0 to 15, but 2
  // The acknowledge cycle: the vector. Without a request that is the spurious one's.
  uint8_t acknowledge();
  Device& first() { return first_port_; }    // at 0x20
  Device& second() { return second_port_; }  // at 0xa0
  Device& levels() { return level_port_; }   // at 0x4d0

  std::string_view name() const override { return "i8259"; }
  uint32_t state_version() const override { return 1; }
  void reset() override;
  uint64_t read(Offset, Width) override { return 0; }
  void write(Offset, Width, uint64_t) override {}

 private:
  struct Chip {
    uint8_t lines = 0, irr = 0, isr = 0, imr = 0, elcr = 0;
    uint8_t vector = 0, lowest = 7;  // lowest: input of the lowest priority
    uint8_t step = 0;                // of initialization: the ICW that is next; 0: none
    bool needs_icw4 = false, single = false, auto_eoi = false, rotate_on_auto_eoi = false,
         special_mask = false, special_nested = false, read_isr = false, poll = false;
  };
  // What the ports are to the bus; all state is here.
  class Port final : public StatelessDevice {
   public:
    Port(Pic8259& pic, unsigned chip)
        : StatelessDevice(chip ? "i8259-second" : "i8259-first"), pic_(pic), chip_(chip) {}
    uint64_t read(Offset, Width) override;
    void write(Offset, Width, uint64_t) override;

   private:
    Pic8259& pic_;
    const unsigned chip_;
  };
  class LevelPort final : public StatelessDevice {
   public:
    explicit LevelPort(Pic8259& pic) : StatelessDevice("i8259-elcr"), pic_(pic) {}
    uint64_t read(Offset, Width) override;
    void write(Offset, Width, uint64_t) override;

   private:
    Pic8259& pic_;
  };

  void serialize_state(StateStream&) override;
  uint8_t read_port(unsigned chip, Offset offset);
  void write_port(unsigned chip, Offset offset, uint8_t value);
  uint8_t levels_of(const Chip& chip) const;  // inputs that go by their level
  void set_input(Chip& chip, unsigned input, bool level);
  int requested(const Chip& chip, bool first) const;
  uint8_t take(Chip& chip, bool first);
  void end_of_interrupt(Chip& chip, uint8_t command);
  void update();

  IrqLine output_;
  Log& log_;
  std::array<Chip, 2> chips_;
  Port first_port_, second_port_;
  LevelPort level_port_;
};

}  // namespace mynah::dev
