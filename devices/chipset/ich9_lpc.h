// SPDX-License-Identifier: Apache-2.0
//
// Ich9Lpc: the LPC bridge of Intel's ICH9 (data sheet 316972, chapter 13) as a PCI function: power management
// at PMBASE, chipset configuration at RCBA, the eight PIRQs, reset control, APM's ports. A PIRQ is always an
// input of the I/O APIC (A is 16) and by its route an interrupt of ISA, too.
//
// What is not modelled: SMM, which is announced as set up already, so that firmware leaves it alone; TCO and
// its watchdog, which says that it cannot reset; GPIO; decoding of I/O and interrupt routes of devices
// (DnnIR), which keep what is written: pins are wired as these registers have it at reset.
#pragma once

#include <array>
#include <functional>
#include <vector>

#include "devices/acpi/apm_ports.h"
#include "devices/acpi/pm1.h"
#include "devices/chipset/reset_ports.h"
#include "devices/pci/function.h"

namespace mynah::dev {

class Ich9Lpc final : public pci::Function {
 public:
  enum Register : unsigned {
    kPmBase = 0x40,
    kAcpiControl = 0x44,
    kPirqA = 0x60,
    kPirqE = 0x68,
    kRcba = 0xf0,
  };
  enum PmRegister : Offset { kGpeStatus = 0x20, kGpeEnable = 0x28, kSmiEnable = 0x30, kSmiStatus = 0x34 };
  static constexpr unsigned kPirqs = 8, kFirstInput = 16, kGpeBytes = 16;
  static constexpr uint64_t kPmSize = 128, kRcbaSize = 0x4000;
  static constexpr uint8_t kAcpiOn = 0x80;  // of ACPI control
  static constexpr uint8_t kAcpiEnable = 2, kAcpiDisable = 3;
  static constexpr unsigned pirq_register(unsigned pirq) { return (pirq < 4 ? kPirqA : kPirqE - 4) + pirq; }
  // Of pin 0 to 3 of a slot of the root bus.
  static constexpr unsigned pirq_of(unsigned slot, unsigned pin) {
    constexpr unsigned kFirstOwn = 25, kBridge = 30;
    if (slot == kBridge) return pin + 4;
    return slot >= kFirstOwn ? pin : (slot + pin) % 4 + 4;
  }

  struct Lines {
    std::array<IrqLine, 24> pirqs;  // inputs of the I/O APIC, those below 16 ISA's; of PIRQs
    std::array<IrqLine, 24> sci;    // of these one at a time has ACPI's interrupt
  };
  // `reset` and `off` are called from inside of the guest's write. `config_ports`: the host's, at 0xcf8.
  Ich9Lpc(EventQueue& events, const Lines& lines, std::function<void()> reset, std::function<void()> off,
          Device& config_ports, Log& log);

  IrqSink& pirqs() { return pirqs_; }
  Device& ports() { return ports_; }  // at 0xcf8, eight bytes: those of the host, and reset control
  Device& apm() { return apm_; }      // at 0xb2
  uint16_t power_base() const { return static_cast<uint16_t>(config(kPmBase, 4) & 0xff80); }
  void press_power_button() { pm1_.press_power_button(); }

 private:
  struct Pirqs final : IrqSink {
    explicit Pirqs(Ich9Lpc& bridge) : bridge(bridge) {}
    void set_irq(unsigned line, bool level) override;
    Ich9Lpc& bridge;
  };
  struct Sci final : IrqSink {
    explicit Sci(Ich9Lpc& bridge) : bridge(bridge) {}
    void set_irq(unsigned, bool level) override {
      bridge.sci_ = level;
      bridge.show();
    }
    Ich9Lpc& bridge;
  };

  void reset_model() override;
  void serialize_model(StateStream&) override;
  void config_written(unsigned, unsigned) override;
  uint64_t bar_read(unsigned bar, uint64_t offset, Width width) override;
  void bar_write(unsigned bar, uint64_t offset, Width width, uint64_t value) override;
  uint8_t read_pm(Offset at) const;
  void write_pm(Offset at, uint8_t value);
  void write_chipset(Offset at, uint8_t value);
  void reset_chipset();
  void place();
  void show();
  unsigned sci_input() const;

  const Lines lines_;
  Pirqs pirqs_{*this};
  Sci sci_sink_{*this};
  Pm1 pm1_;
  ResetPorts ports_;
  ApmPorts apm_;
  std::array<bool, kPirqs> levels_{};  // of the PIRQs, as they are
  bool sci_ = false;
  uint32_t shown_ = 0, shown_sci_ = 0;  // a bit each input
  std::array<uint8_t, kGpeBytes> gpe_{};
  std::array<uint8_t, 4> smi_enable_{};
  std::vector<uint8_t> chipset_;  // configuration, as RCBA shows it
};

}  // namespace mynah::dev
