// SPDX-License-Identifier: Apache-2.0
//
// The PC's CMOS memory with its real-time clock: Motorola MC146818A (data sheet, "Register Description"), of
// which PCs have 128 bytes. Ports 0x70 (index; bit 7, which masks NMI, is kept elsewhere) and 0x71 (data).
//
// The calendar goes by an RtcClock and a distance from it in seconds, which setting the time changes.
// Interrupts are looked for by an event while any is enabled, and at each access; a clock that is not guest
// time may so be up to a second late. The day of the week is computed, and what is written to it ignored.
#pragma once

#include <array>
#include <cstdint>

#include "devices/core/device.h"
#include "devices/core/event_queue.h"
#include "devices/rtc/rtc_clock.h"

namespace mynah::dev {

class CmosRtc final : public Device {
 public:
  static constexpr uint64_t kWindowSize = 2;
  enum Register : uint8_t {
    kSeconds = 0,
    kSecondsAlarm = 1,
    kMinutes = 2,
    kMinutesAlarm = 3,
    kHours = 4,
    kHoursAlarm = 5,
    kDayOfWeek = 6,
    kDayOfMonth = 7,
    kMonth = 8,
    kYear = 9,
    kA = 10,
    kB = 11,
    kC = 12,
    kD = 13,
    kCentury = 0x32,
  };

  // Registers the event "cmos-rtc.look".
  CmosRtc(EventQueue& events, IrqLine irq, const RtcClock& clock, Log& log);

  // What boards tell firmware; not changed by reset, as a battery keeps it.
  uint8_t byte(uint8_t index) const { return memory_[index & 0x7f]; }
  void set_byte(uint8_t index, uint8_t value) { memory_[index & 0x7f] = value; }
  void clock_moved() { look(); }

  std::string_view name() const override { return "mc146818rtc"; }
  uint32_t state_version() const override { return 2; }
  void reset() override;
  uint64_t read(Offset, Width) override;
  void write(Offset, Width, uint64_t) override;

 private:
  struct Calendar {
    int second, minute, hour, weekday, day, month, year;  // weekday: 1 is Sunday
  };
  void serialize_state(StateStream&) override;
  int64_t seconds() const { return halted() ? seconds_of(held_) : clock_.seconds() + distance_; }
  bool halted() const { return memory_[kB] & 0x80; }
  static int64_t seconds_of(const Calendar&);
  static Calendar calendar_of(int64_t seconds);
  Calendar calendar() const { return halted() ? held_ : calendar_of(seconds()); }
  TimeNs after(TimeNs time) const;
  TimeNs second_left() const;
  uint8_t shown(int value) const;
  int meant(uint8_t value) const;
  uint8_t shown_hour(int hour) const;
  int meant_hour(uint8_t value) const;
  uint8_t read_register(uint8_t index);
  void write_register(uint8_t index, uint8_t value);
  void set_distance(int64_t distance);
  void set_time(uint8_t index, uint8_t value);
  bool alarm_matches(int64_t at) const;
  TimeNs period() const;
  void look();
  void raise(uint8_t flag);
  void schedule();

  EventQueue& events_;
  const RtcClock& clock_;
  IrqLine irq_;
  Log& log_;
  EventId look_event_;
  uint8_t index_ = 0;
  std::array<uint8_t, 128> memory_{};
  int64_t distance_ = 0;            // from the clock's seconds to the calendar's, of the Unix epoch
  Calendar held_ = calendar_of(0);  // while register B halts updates: as written, not always a date
  int64_t seen_ = 0;                // the calendar's second when the device looked last
  TimeNs periodic_at_ = 0;          // the last period's end
};

}  // namespace mynah::dev
