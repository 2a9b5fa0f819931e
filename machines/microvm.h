// SPDX-License-Identifier: Apache-2.0
//
// The x86 board `microvm`: no firmware, no legacy but what systems cannot do without, virtio-mmio transports,
// PCI Express where that is asked for; addresses, interrupts and ACPI devices as systems know them from the
// QEMU machine of that name. Wiring only.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "devices/acpi/ged.h"
#include "devices/rtc/cmos_rtc.h"
#include "devices/serial/uart_16550.h"
#include "devices/timer/pit_8254.h"
#include "devices/virtio/virtio_mmio.h"
#include "machines/microvm_map.h"
#include "machines/x86_machine.h"

namespace mynah {

struct MicrovmConfig : MachineConfig {
  bool acpi = true;
  bool pcie = false;
  bool rtc = true;
  bool legacy_virtio = true;        // registers of version 1
  bool extend_command_line = true;  // virtio-mmio devices are named in it, where ACPI does not
  x86::CpuModel cpu;
};

class MicrovmMachine final : public X86Machine {
 public:
  MicrovmMachine(MicrovmConfig config, dev::Log& log);
  ~MicrovmMachine() override;

  // --- Machine
  std::string_view name() const override { return "microvm"; }
  void press_power_key() override { ged_.press_power_button(); }
  dev::pci::Host* pci() override { return pci_.get(); }

 private:
  struct Gsi;  // dev::IrqSink: what a global interrupt is at the 8259s and at the I/O APICs
  Result<void> build() override;
  Result<void> add_virtio_mmio(const VirtioFactory& make, const VirtioMmioPlace& place) override;
  void reset_board() override;
  void time_resumed() override { rtc_.clock_moved(); }

  void add_pci_host();
  dev::IrqLine gsi(unsigned n);
  unsigned virtio_slots() const;
  unsigned virtio_gsi(unsigned slot) const;
  acpi::Description describe() const;
  Result<void> place_start();
  X86Memory memory_map() const override;
  Result<void> add_firmware_items();
  std::string command_line() const;

  const MicrovmConfig board_;
  dev::IoApic second_io_apic_;
  std::unique_ptr<Gsi> gsi_;
  dev::Pit8254 pit_;
  dev::CmosRtc rtc_;
  dev::GenericEventDevice ged_;
  std::unique_ptr<dev::Uart16550> uart_, second_uart_;
  std::unique_ptr<dev::VirtioDevice> slots_[microvm_map::kVirtioSlots];
  std::vector<std::unique_ptr<dev::VirtioMmio>> transports_;  // these let go of the devices
  std::unique_ptr<dev::pci::Host> pci_;
};

}  // namespace mynah
