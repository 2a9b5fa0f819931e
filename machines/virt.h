// SPDX-License-Identifier: Apache-2.0
//
// The Arm board `virt`, with the memory map, interrupt numbers and device tree that firmware and systems know
// from the QEMU machine of that name. Wiring only: behaviour is the devices', the engine's and Machine's.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "devices/flash/pflash_cfi01.h"
#include "devices/fwcfg/fw_cfg.h"
#include "devices/gpio/pl061.h"
#include "devices/intc/gicv2.h"
#include "devices/intc/gicv2m.h"
#include "devices/intc/gicv3.h"
#include "devices/intc/gicv3_its.h"
#include "devices/rtc/pl031.h"
#include "devices/rtc/rtc_clock.h"
#include "devices/serial/pl011.h"
#include "devices/virtio/virtio_mmio.h"
#include "machines/acpi/table_set.h"
#include "machines/arm_boot.h"
#include "machines/arm_processor.h"
#include "machines/machine.h"
#include "machines/virt_map.h"
#include "machines/virt_tree.h"

namespace mynah {

struct VirtConfig : MachineConfig {
  unsigned gic_version = 2;
  bool its = true;                                      // with GICv3
  bool acpi = true;                                     // tables for firmware
  bool high_pci_config = true, high_pci_memory = true;  // above 4 GiB
  // The registers of version 1, which every driver knows, and a driver of the current version uses as well.
  bool legacy_virtio = true;
  arm::CpuModel cpu;
};

class VirtMachine final : public Machine {
 public:
  VirtMachine(VirtConfig config, dev::Log& log);
  ~VirtMachine() override;

  // --- Machine
  std::string_view name() const override { return "virt"; }
  dev::pci::Host* pci() override { return pci_.get(); }
  void press_power_key() override;
  std::span<const uint8_t> device_tree() const override { return dtb_; }

  arm::ArmCpu& cpu(size_t n = 0) { return arm_[n]->cpu(); }

 private:
  Result<void> build() override;
  Result<void> add_virtio_mmio(const VirtioFactory& make, const VirtioMmioPlace& place) override;
  void reset_board() override;
  void hold_interrupts(bool hold) override;
  void time_resumed() override;

  void add_interrupt_controller();
  void add_devices();
  void add_pci_host(const VirtConfig& config);
  Result<void> add_flash(unsigned n);
  Result<void> add_firmware_items();
  Result<void> place_start();
  Result<void> place_tree(uint64_t initrd, uint64_t initrd_end);
  void add_semihosting();
  dev::IrqLine spi(unsigned n);

  acpi::TableSet describe();

  unsigned gic_version_;
  bool with_its_, with_acpi_;
  dev::VirtioMmio::Version virtio_version_;
  dev::RtcClock rtc_clock_;
  ArmProcessors arm_;
  std::unique_ptr<dev::Gicv2> gicv2_;
  std::unique_ptr<dev::Gicv3> gicv3_;
  std::unique_ptr<dev::Gicv3Its> its_;
  std::unique_ptr<dev::Gicv2m> gicv2m_;
  dev::NullCharBackend null_serial_;
  std::unique_ptr<dev::Pl011> uart_, second_uart_;
  std::unique_ptr<dev::Pl031> rtc_;
  std::unique_ptr<dev::Pl061> gpio_;
  std::unique_ptr<dev::FwCfg> fw_cfg_;
  std::unique_ptr<dev::PflashCfi01> flash_[2];
  std::unique_ptr<dev::VirtioDevice> slots_[virt_map::kVirtioSlots];
  std::vector<std::unique_ptr<dev::VirtioMmio>> transports_;  // these let go of the devices
  VirtPciWindows pci_windows_;
  std::unique_ptr<dev::pci::Host> pci_;
  std::vector<uint8_t> dtb_;
  ArmBootLayout layout_;
  LoadList contents_;  // of memory at every reset
  LoadRequests loads_;
  std::unique_ptr<Semihosting> semihosting_;
};

}  // namespace mynah
