// SPDX-License-Identifier: Apache-2.0
//
// The chipset of the board `q35`.
#include "devices/chipset/ich9_lpc.h"
#include "devices/chipset/ich9_smbus.h"
#include "devices/chipset/q35_mch.h"
#include "devices/storage/ahci.h"
#include "machines/pc_chipset.h"
#include "machines/pc_map.h"

namespace mynah {

using namespace pc_map;

namespace {

constexpr unsigned kSlot = 31, kDiskFunction = 2, kSmbusFunction = 3;
constexpr uint32_t kRcba = 0xfed1c000;

class Ich9Chipset final : public PcChipset {
 public:
  explicit Ich9Chipset(const Parts& parts) {
    const auto plug = [&](auto function, unsigned slot, unsigned number, bool several = false) {
      auto* const made = function.get();
      parts.pci.root().plug(std::move(function), dev::pci::devfn_of(slot, number), several);
      return made;
    };
    dev::Ich9Lpc::Lines lines;
    for (unsigned input = 0; input < lines.pirqs.size(); ++input) {
      lines.pirqs[input] = parts.pirq_line(input);
      lines.sci[input] = parts.sci_line(input);
    }
    host_bridge_ = plug(std::make_unique<dev::Q35Mch>(parts.route, parts.pci.ecam(), parts.log), 0, 0);
    lpc_ = plug(std::make_unique<dev::Ich9Lpc>(parts.events, lines, parts.reset, parts.off,
                                               parts.pci.config_ports(), parts.log),
                kSlot, 0, true);
    ahci_ = plug(std::make_unique<dev::Ahci>(parts.log), kSlot, kDiskFunction);
    smbus_ = plug(std::make_unique<dev::Ich9Smbus>(parts.log), kSlot, kSmbusFunction);
  }
  dev::PamBridge& host_bridge() override { return *host_bridge_; }
  dev::IdeController& ide() override { return *ahci_; }
  dev::IrqSink& pirqs() override { return lpc_->pirqs(); }
  dev::Device& config_ports() override { return lpc_->ports(); }
  dev::Device& apm() override { return lpc_->apm(); }
  void press_power_button() override { lpc_->press_power_button(); }
  uint16_t power_base() const override { return lpc_->power_base(); }

  void preset() override {
    host_bridge_->config_write(dev::Q35Mch::kPciexbar, 4,
                               static_cast<uint32_t>(kIch9Facts.pci_config) | dev::Q35Mch::kPciexbarEnable);
    for (unsigned pirq = 0; pirq < dev::Ich9Lpc::kPirqs; ++pirq)
      lpc_->config_write(dev::Ich9Lpc::pirq_register(pirq), 1, kPirqIrqs[pirq % 4]);
    lpc_->config_write(dev::Ich9Lpc::kPmBase, 4, kPmBase);
    lpc_->config_write(dev::Ich9Lpc::kAcpiControl, 1, dev::Ich9Lpc::kAcpiOn);
    lpc_->config_write(dev::Ich9Lpc::kRcba, 4, kRcba | 1);
  }
  void preset_behind_bars() override {
    smbus_->config_write(dev::pci::kBar0 + 4 * dev::Ich9Smbus::kBar, 4, kSmbBase);
    smbus_->config_write(dev::Ich9Smbus::kHostConfig, 1, 1);
  }

 private:
  dev::Q35Mch* host_bridge_;
  dev::Ich9Lpc* lpc_;
  dev::Ahci* ahci_;
  dev::Ich9Smbus* smbus_;
};

}  // namespace

const PcChipsetFacts kIch9Facts{
    .name = "q35",
    .product = "Standard PC (Q35 + ICH9, 2009)",
    .most_low_ram = dev::Q35Mch::kPciexbarAtReset,
    .low_ram_where_more = 0x80000000,
    .pci_config = dev::Q35Mch::kPciexbarAtReset,
    .pci_memory_begin = dev::Q35Mch::kPciexbarAtReset + dev::Q35Mch::kPciexbarSize,
    .isa_slot = kSlot,
    .video_slot = 1,
    .pirqs = dev::Ich9Lpc::kPirqs,
    .pirq_of = dev::Ich9Lpc::pirq_of,
    .first_gsi = dev::Ich9Lpc::kFirstInput,
    .hpet_routes = 0xff0000 | 1 << kRtcIrq | 1 << kTimerInput,
    .acpi_enable = dev::Ich9Lpc::kAcpiEnable,
    .acpi_disable = dev::Ich9Lpc::kAcpiDisable,
    .reset_value = 0xf,
    .events = dev::Ich9Lpc::kGpeStatus,
    .events_bytes = dev::Ich9Lpc::kGpeBytes,
    .ide_path = "pci8086,2922@1f,2",
    .floppies = false};

std::unique_ptr<PcChipset> make_ich9(const PcChipset::Parts& parts) {
  return std::make_unique<Ich9Chipset>(parts);
}

}  // namespace mynah
