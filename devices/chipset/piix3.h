// SPDX-License-Identifier: Apache-2.0
//
// Piix3: the bridge to ISA of Intel's 82371SB (data sheet 290550, 2.1) as a PCI function: PIRQ route control,
// which says what ISA interrupt each of PCI's four lines is, and reset control, a port between those of PCI's
// configuration mechanism.
//
// What is not modelled: the registers about timing and chip selects, which keep what is written.
#pragma once

#include <array>
#include <functional>

#include "devices/chipset/reset_ports.h"
#include "devices/pci/function.h"

namespace mynah::dev {

class Piix3 final : public pci::Function {
 public:
  enum Register : unsigned { kPirqA = 0x60 };
  static constexpr unsigned kPirqs = 4;

  // `isa`: ISA interrupts, of what PCI's lines do to them. `reset` is called from inside of the guest's
  // write. `config_ports`: the host's, at 0xcf8.
  Piix3(std::array<IrqLine, 16> isa, std::function<void()> reset, Device& config_ports, Log& log);

  IrqSink& pirqs() { return pirqs_; }  // PCI's lines 0 to 3
  Device& ports() { return ports_; }   // at 0xcf8, eight bytes: those of the host, and reset control

 private:
  struct Pirqs final : IrqSink {
    explicit Pirqs(Piix3& bridge) : bridge(bridge) {}
    void set_irq(unsigned line, bool level) override;
    Piix3& bridge;
  };
  void reset_model() override;
  void serialize_model(StateStream&) override;
  void config_written(unsigned, unsigned) override { show(); }
  void show();

  const std::array<IrqLine, 16> isa_;
  Pirqs pirqs_{*this};
  ResetPorts ports_;
  std::array<bool, kPirqs> levels_{};  // of the lines, as they are
  std::array<bool, 16> shown_{};
};

}  // namespace mynah::dev
