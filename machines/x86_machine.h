// SPDX-License-Identifier: Apache-2.0
//
// X86Machine: what the x86 boards have in common: processors on an APIC bus, the 8259s at the first one, the
// first I/O APIC, the calendar's clock, fw_cfg, what firmware and systems are told of memory, and the start
// of a kernel without firmware. A board derives from it, makes the rest, and maps all of it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "devices/fwcfg/fw_cfg_ports.h"
#include "devices/fwcfg/smbios.h"
#include "devices/intc/ioapic.h"
#include "devices/intc/local_apic.h"
#include "devices/intc/pic_8259.h"
#include "devices/rtc/cmos_rtc.h"
#include "machines/acpi/tables.h"
#include "machines/machine.h"
#include "machines/x86_processor.h"

namespace mynah {

class X86Machine : public Machine {
 public:
  ~X86Machine() override;

  x86::X86Cpu& cpu(size_t n = 0) { return x86_[n]->cpu(); }

 protected:
  X86Machine(MachineConfig config, const x86::CpuModel& model, dev::Log& log);

  // --- Machine
  void hold_interrupts(bool hold) override;
  bool has_isa() const override { return true; }

  // RAM, and what of the addresses is reserved.
  virtual X86Memory memory_map() const = 0;

  // To build(): the processors and their APICs, behind what drives lines into them.
  void add_processor_parts();
  // Sizes of memory in CMOS memory, where PC firmware and old systems look.
  void note_memory(dev::CmosRtc& rtc) const;
  // What SMBIOS says of the machine.
  dev::SmbiosMachine smbios(std::string_view product);
  // fw_cfg's items of x86: memory, the timer's interrupt.
  void add_memory_items();
  // A kernel in `memory`, with ACPI's tables where a system searches for them; null: without.
  Result<void> place_kernel(const std::string& command_line, const acpi::Description* acpi,
                            const X86Memory& memory);

  dev::RtcClock rtc_clock_;
  dev::ApicBus apics_;
  dev::IoApic io_apic_;
  dev::Pic8259 pic_;
  dev::FwCfg fw_cfg_;
  dev::FwCfgPorts fw_cfg_ports_;
  std::vector<std::unique_ptr<X86Processor>> x86_;
  dev::NullCharBackend null_serial_;
  X86Boot boot_;  // of a kernel that firmware does not load

 private:
  std::unique_ptr<dev::IrqSink> pic_output_;
  std::vector<uint8_t> acpi_tables_;
};

}  // namespace mynah
