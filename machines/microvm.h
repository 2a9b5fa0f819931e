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
#include "devices/fwcfg/fw_cfg_ports.h"
#include "devices/intc/ioapic.h"
#include "devices/intc/local_apic.h"
#include "devices/intc/pic_8259.h"
#include "devices/rtc/cmos_rtc.h"
#include "devices/serial/uart_16550.h"
#include "devices/timer/pit_8254.h"
#include "devices/virtio/virtio_mmio.h"
#include "machines/acpi/aml.h"
#include "machines/machine.h"
#include "machines/microvm_map.h"
#include "machines/x86_processor.h"

namespace mynah {

struct MicrovmConfig : MachineConfig {
  bool acpi = true;
  bool pcie = false;
  bool rtc = true;
  bool legacy_virtio = true;        // registers of version 1
  bool extend_command_line = true;  // virtio-mmio devices are named in it, where ACPI does not
  x86::CpuModel cpu;
};

class MicrovmMachine final : public Machine {
 public:
  MicrovmMachine(MicrovmConfig config, dev::Log& log);
  ~MicrovmMachine() override;

  // --- Machine
  std::string_view name() const override { return "microvm"; }
  void press_power_key() override { ged_.press_power_button(); }
  dev::pci::Host* pci() override { return pci_.get(); }

  x86::X86Cpu& cpu(size_t n = 0) { return x86_[n]->cpu(); }

 private:
  struct Gsi;  // dev::IrqSink: what a global interrupt is at the 8259s and at the I/O APICs
  Result<void> build() override;
  Result<void> add_virtio_mmio(const VirtioFactory& make, const VirtioMmioPlace& place) override;
  void reset_board() override;
  void hold_interrupts(bool hold) override;
  void time_resumed() override { rtc_.clock_moved(); }
  bool has_isa() const override { return true; }

  void add_pci_host();
  dev::IrqLine gsi(unsigned n);
  unsigned virtio_slots() const;
  unsigned virtio_gsi(unsigned slot) const;
  acpi::Bytes describe() const;
  Result<void> place_start();
  X86Memory memory_map() const;
  Result<void> add_firmware_items();
  void note_memory();
  std::string command_line() const;

  const MicrovmConfig board_;
  dev::RtcClock rtc_clock_;
  dev::ApicBus apics_;
  dev::IoApic io_apic_, second_io_apic_;
  dev::Pic8259 pic_;
  std::unique_ptr<Gsi> gsi_;
  dev::Pit8254 pit_;
  dev::CmosRtc rtc_;
  dev::GenericEventDevice ged_;
  dev::FwCfg fw_cfg_;
  dev::FwCfgPorts fw_cfg_ports_;
  std::vector<std::unique_ptr<X86Processor>> x86_;
  std::unique_ptr<dev::IrqSink> pic_output_;
  dev::NullCharBackend null_serial_;
  std::unique_ptr<dev::Uart16550> uart_, second_uart_;
  std::unique_ptr<dev::VirtioDevice> slots_[microvm_map::kVirtioSlots];
  std::vector<std::unique_ptr<dev::VirtioMmio>> transports_;  // these let go of the devices
  std::unique_ptr<dev::pci::Host> pci_;
  std::vector<uint8_t> acpi_tables_;
  X86Boot boot_;
};

}  // namespace mynah
