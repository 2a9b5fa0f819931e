// SPDX-License-Identifier: Apache-2.0
//
// Piix4Pm: power management of Intel's 82371AB (PIIX4, data sheet 290562, chapters 7 and 11) as a PCI
// function: ACPI's fixed registers at PMBASE (status, enable, control, a timer of 24 bits at 3.579545 MHz),
// and the APM ports 0xb2 and 0xb3, of which the first turns ACPI on and off as firmware would do it in SMM.
//
// What is not modelled: SMM, which is announced as set up already, so that firmware leaves it alone;
// throttling, device monitors; sleeping with memory on. SMBus answers that nothing is there.
#pragma once

#include <functional>

#include "devices/core/event_queue.h"
#include "devices/core/stateless_device.h"
#include "devices/pci/function.h"

namespace mynah::dev {

class Piix4Pm final : public pci::Function {
 public:
  static constexpr int64_t kTimerHz = 3579545;
  static constexpr uint64_t kRegistersSize = 64;
  static constexpr unsigned kApmSize = 2;
  static constexpr uint8_t kAcpiEnable = 0xf1, kAcpiDisable = 0xf0;
  static constexpr unsigned kOffType = 0;  // of \_S5
  enum Register : Offset { kPm1Status = 0, kPm1Enable = 2, kPm1Control = 4, kTimer = 8 };
  enum Config : unsigned {
    kPmBase = 0x40,
    kDevActB = 0x58,
    kPmRegMisc = 0x80,
    kSmbBase = 0x90,
    kSmbConfig = 0xd2
  };
  enum Pm1 : uint16_t { kTimerBit = 1 << 0, kGlobalBit = 1 << 5, kPowerButton = 1 << 8, kRtc = 1 << 10 };

  // Registers the event "acpi.timer". `off` is called from inside of the guest's write.
  Piix4Pm(EventQueue& events, IrqLine sci, std::function<void()> off, Log& log);

  Device& apm() { return apm_; }  // at 0xb2
  void press_power_button();

 private:
  class Apm final : public StatelessDevice {
   public:
    explicit Apm(Piix4Pm& pm) : StatelessDevice("piix4-apm"), pm_(pm) {}
    uint64_t read(Offset, Width) override;
    void write(Offset, Width, uint64_t) override;

   private:
    Piix4Pm& pm_;
  };

  void reset_model() override;
  void serialize_model(StateStream&) override;
  void config_written(unsigned, unsigned) override { place(); }
  uint64_t bar_read(unsigned bar, uint64_t offset, Width width) override;
  void bar_write(unsigned bar, uint64_t offset, Width width, uint64_t value) override;
  uint8_t read_byte(Offset offset);
  void write_pm1(Offset offset, uint8_t value);
  void write_control_high(uint8_t value);
  void place();
  int64_t ticks() const;
  void look();
  void update();

  EventQueue& events_;
  const IrqLine sci_;
  const std::function<void()> off_;
  EventId timer_event_;
  Apm apm_{*this};
  uint16_t status_ = 0, enable_ = 0, control_ = 0;
  int64_t seen_ = 0;  // ticks when the timer was looked at last
  uint8_t apm_control_ = 0, apm_status_ = 0;
};

}  // namespace mynah::dev
