// SPDX-License-Identifier: Apache-2.0
//
// Hpet: high precision event timers (IA-PC HPET Specification 1.0a): a counter of 64 bits at 100 MHz and
// three timers, all of which can be periodic and 64 bits wide.
//
// What comes to the interrupt controllers through it: while "legacy replacement" is on, timer 0 has the place
// of the interval timer and timer 1 that of the calendar, so their lines lead here first.
//
// Nothing ticks: the counter is computed from when it was started, an event stands for each timer's next
// match. A timer matches where the counter is its comparator, so one that is set to what has passed waits for
// a whole round. Periods shorter than kShortest are kept, and seen so often only.
//
// What is not modelled: delivery by messages (FSB), which the timers say they cannot.
#pragma once

#include <array>
#include <cstdint>

#include "devices/core/device.h"
#include "devices/core/event_queue.h"

namespace mynah::dev {

class Hpet final : public Device {
 public:
  static constexpr uint64_t kWindowSize = 0x400;
  static constexpr unsigned kTimers = 3;
  static constexpr TimeNs kTick = 10, kShortest = 10'000;
  // Numbers of ISA's interrupts that legacy replacement takes.
  static constexpr unsigned kIntervalTimer = 0, kCalendar = 8;
  static constexpr uint32_t kId = 0x8086a001 | (kTimers - 1) << 8;  // low half of the capabilities

  enum Register : Offset {
    kCapabilities = 0x000,
    kConfiguration = 0x010,
    kStatus = 0x020,
    kCounter = 0x0f0,
    kTimer0 = 0x100,  // each 0x20 bytes: configuration, comparator
    kComparator = 0x008,
    kTimerBytes = 0x20,
  };
  enum Configuration : uint8_t { kEnable = 1, kLegacy = 2 };
  enum TimerBits : uint32_t {
    kLevel = 1 << 1,
    kInterruptEnable = 1 << 2,
    kPeriodic = 1 << 3,
    kCanBePeriodic = 1 << 4,
    kCanBe64 = 1 << 5,
    kSetValue = 1 << 6,
    kForce32 = 1 << 8,
    kRoute = 31 << 9,
  };

  // Registers the events "hpet.0" to "hpet.2". Lines of `interrupts` are inputs of the I/O APIC, those below
  // 16 ISA's interrupts, too. `routes`: a bit for each that a timer can have.
  Hpet(EventQueue& events, IrqSink& interrupts, uint32_t routes, Log& log);

  // What the interval timer and the calendar drive.
  IrqLine interval_timer() { return {inputs_, kIntervalTimer}; }
  IrqLine calendar() { return {inputs_, kCalendar}; }

  std::string_view name() const override { return "hpet"; }
  uint32_t state_version() const override { return 1; }
  void reset() override;
  uint64_t read(Offset, Width) override;
  void write(Offset, Width, uint64_t) override;

 private:
  struct Inputs final : IrqSink {
    explicit Inputs(Hpet& hpet) : hpet(hpet) {}
    void set_irq(unsigned line, bool level) override {
      (line == kCalendar ? hpet.calendar_level_ : hpet.interval_level_) = level;
      hpet.show();
    }
    Hpet& hpet;
  };
  struct Timer {
    bool is(uint32_t bits) const { return (config & bits) == bits; }
    uint64_t mask() const { return config & kForce32 ? 0xffffffff : ~uint64_t{0}; }
    uint32_t config = 0;  // what can be written
    uint64_t comparator = 0, period = 0;
    EventId event = 0;
  };

  void serialize_state(StateStream&) override;
  uint64_t read_register(Offset at) const;
  void write_register(Offset at, uint64_t value, uint64_t changes);
  void write_configuration(uint64_t value);
  void write_timer_configuration(unsigned n, uint64_t value);
  void write_comparator(Timer& timer, uint64_t value, uint64_t changes);
  uint64_t counter() const;
  void start(uint64_t value);
  void arm(unsigned n, bool after_match);
  void match(unsigned n);
  unsigned route(unsigned n) const;
  uint32_t levels() const;
  void show();

  EventQueue& events_;
  IrqSink& interrupts_;
  const uint32_t routes_;
  Log& log_;
  Inputs inputs_{*this};
  std::array<Timer, kTimers> timers_;
  uint8_t config_ = 0, status_ = 0;
  uint64_t held_ = 0;   // the counter, when it was started or stopped
  TimeNs started_ = 0;  // when, while it counts
  bool interval_level_ = false, calendar_level_ = false;
  uint32_t shown_ = 0;
};

}  // namespace mynah::dev
