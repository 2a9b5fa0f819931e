// SPDX-License-Identifier: Apache-2.0
//
// Piix4Pm: power management of Intel's 82371AB (PIIX4, data sheet 290562, chapters 7 and 11) as a PCI
// function: ACPI's fixed registers at PMBASE,
// and the APM ports 0xb2 and 0xb3, of which the first turns ACPI on and off as firmware would do it in SMM.
//
// What is not modelled: SMM, which is announced as set up already, so that firmware leaves it alone;
// throttling, device monitors. SMBus answers that nothing is there.
#pragma once

#include <functional>

#include "devices/acpi/apm_ports.h"
#include "devices/acpi/pm1.h"
#include "devices/pci/function.h"

namespace mynah::dev {

class Piix4Pm final : public pci::Function {
 public:
  static constexpr uint64_t kRegistersSize = 64;
  static constexpr uint8_t kAcpiEnable = 0xf1, kAcpiDisable = 0xf0;
  enum Config : unsigned {
    kPmBase = 0x40,
    kDevActB = 0x58,
    kPmRegMisc = 0x80,
    kSmbBase = 0x90,
    kSmbConfig = 0xd2
  };

  // `off` is called from inside of the guest's write.
  Piix4Pm(EventQueue& events, IrqLine sci, std::function<void()> off, Log& log);

  Device& apm() { return apm_; }  // at 0xb2
  uint16_t power_base() const { return static_cast<uint16_t>(config(kPmBase, 4) & 0xffc0); }
  void press_power_button() { pm1_.press_power_button(); }

 private:
  void reset_model() override;
  void serialize_model(StateStream&) override;
  void config_written(unsigned, unsigned) override { place(); }
  uint64_t bar_read(unsigned bar, uint64_t offset, Width width) override;
  void bar_write(unsigned bar, uint64_t offset, Width width, uint64_t value) override;
  void place();

  Pm1 pm1_;
  ApmPorts apm_;
};

}  // namespace mynah::dev
