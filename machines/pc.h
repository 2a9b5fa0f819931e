// SPDX-License-Identifier: Apache-2.0
//
// The x86 boards `pc` and `q35`: PCs, which differ in their chipsets, from the reset vector of firmware, or
// started with a kernel. Wiring only; the map is pc_map.h, what a system is told is pc_firmware.cpp.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "devices/chipset/port92.h"
#include "devices/display/vga.h"
#include "devices/dma/dma_8237.h"
#include "devices/flash/pflash_cfi01.h"
#include "devices/input/i8042.h"
#include "devices/rtc/cmos_rtc.h"
#include "devices/serial/parallel_port.h"
#include "devices/serial/uart_16550.h"
#include "devices/storage/fdc_82077.h"
#include "devices/timer/hpet.h"
#include "devices/timer/pit_8254.h"
#include "machines/pc_chipset.h"
#include "machines/x86_machine.h"

namespace mynah {

struct PcConfig : MachineConfig {
  bool q35 = false;  // the chipset
  bool acpi = true, hpet = true;
  bool smbios_64 = false;  // its entry point is that of version 3.0
  x86::CpuModel cpu;
};

class PcMachine final : public X86Machine {
 public:
  PcMachine(PcConfig config, dev::Log& log);
  ~PcMachine() override;

  // --- Machine
  std::string_view name() const override { return facts_.name; }
  void press_power_key() override { chipset_->press_power_button(); }
  dev::pci::Host* pci() override { return pci_.get(); }

  Result<dev::RemovableDrive*> add_floppy(unsigned unit, dev::BlockBackend* disk) override;

  const dev::Screen* screen() const override { return vga_; }
  dev::Ps2Keyboard* keyboard() override { return &keyboard_.keyboard(); }

 private:
  struct Lines;  // dev::IrqSink: what drives ISA's interrupts, joined, at the 8259s and the I/O APIC
  class ShadowWindow;
  class FirmwareLog;  // the port that firmware writes its messages to
  enum class Source : unsigned { kDevice, kPirq, kSci, kHpet };

  Result<void> build() override;
  void reset_board() override;
  bool reset_to_resume() override;
  void time_resumed() override { rtc_.clock_moved(); }
  std::string_view pci_path() const override { return "/pci@i0cf8"; }

  dev::IrqLine isa(unsigned irq, Source source = Source::kDevice);
  void map_devices();
  void add_pci_host();
  // pc_memory.cpp
  std::unique_ptr<dev::Device> make_shadow();
  Result<void> add_memory();
  Result<void> add_firmware();
  Result<void> add_flash(unsigned n, uint64_t end);
  void route(unsigned piece, dev::PamBridge::Route route);
  void set_a20(bool on);
  void show_video();
  // pc_start.cpp
  void preset_pci();
  void preset_memory();
  void start_kernel();
  // pc_firmware.cpp
  X86Memory memory_map() const override;
  acpi::Description description() const;
  void fill_cmos();
  Result<void> add_firmware_items();
  dev::SmbiosTables make_smbios(const dev::SmbiosChoice& choice);
  void place_smbios();
  Result<void> add_kernel_rom();
  Result<void> add_kernel_of_firmware();

  const PcConfig board_;
  const PcChipsetFacts& facts_;
  std::unique_ptr<Lines> lines_;
  std::unique_ptr<dev::Hpet> hpet_;  // null: there is none
  dev::Pit8254 pit_;
  dev::CmosRtc rtc_;
  dev::Dma8237 isa_dma_;
  dev::Fdc82077 floppy_;
  dev::I8042 keyboard_;
  dev::Port92 port92_;
  std::unique_ptr<dev::IrqSink> pirqs_;
  std::unique_ptr<dev::Uart16550> uart_, second_uart_;
  std::unique_ptr<dev::ParallelPort> parallel_;
  std::unique_ptr<dev::Device> shadow_;  // the bus behind the pieces of memory that the host bridge routes
  std::unique_ptr<dev::PflashCfi01> flash_[2];
  std::unique_ptr<FirmwareLog> firmware_log_;
  std::unique_ptr<dev::pci::Host> pci_;
  // Their functions are the host's.
  std::unique_ptr<PcChipset> chipset_;
  dev::Vga* vga_ = nullptr;
  // Video memory that the guest has as it has RAM: of the window's pieces, and BAR 0.
  std::array<uint8_t*, 3> shown_window_{};
  std::optional<uint64_t> shown_bar_;
  std::vector<uint8_t> smbios_tables_;  // of a kernel that is started without firmware
  uint8_t* firmware_ = nullptr;         // the last 128 KiB of it, which the shadow shows
};

}  // namespace mynah
