// SPDX-License-Identifier: Apache-2.0
//
// The chipset of the board `pc`.
#include <array>

#include "devices/chipset/i440fx.h"
#include "devices/chipset/piix3.h"
#include "devices/chipset/piix4_pm.h"
#include "devices/storage/piix_ide.h"
#include "machines/pc_chipset.h"
#include "machines/pc_map.h"

namespace mynah {

using namespace pc_map;

namespace {

constexpr unsigned kIsaSlot = 1, kIdeFunction = 1, kPmFunction = 3;
// The bridge itself, in slot 1, has pin A at the first line.
constexpr unsigned pirq_of(unsigned slot, unsigned pin) { return (slot + pin + 3) % 4; }

class I440FxChipset final : public PcChipset {
 public:
  explicit I440FxChipset(const Parts& parts) {
    const auto plug = [&](auto function, unsigned slot, unsigned number, bool several = false) {
      auto* const made = function.get();
      parts.pci.root().plug(std::move(function), dev::pci::devfn_of(slot, number), several);
      return made;
    };
    std::array<dev::IrqLine, 16> irqs;
    for (unsigned irq = 0; irq < irqs.size(); ++irq) irqs[irq] = parts.pirq_line(irq);
    host_bridge_ = plug(std::make_unique<dev::I440Fx>(parts.route, parts.log), 0, 0);
    isa_bridge_ = plug(std::make_unique<dev::Piix3>(irqs, parts.reset, parts.pci.config_ports(), parts.log),
                       kIsaSlot, 0, true);
    ide_ = plug(std::make_unique<dev::PiixIde>(parts.device_line(kIdeIrq), parts.device_line(kSecondIdeIrq),
                                               parts.log),
                kIsaSlot, kIdeFunction);
    pm_ = plug(std::make_unique<dev::Piix4Pm>(parts.events, parts.sci_line(kSciIrq), parts.off, parts.log),
               kIsaSlot, kPmFunction);
  }
  dev::PamBridge& host_bridge() override { return *host_bridge_; }
  dev::IdeController& ide() override { return *ide_; }
  dev::IrqSink& pirqs() override { return isa_bridge_->pirqs(); }
  dev::Device& config_ports() override { return isa_bridge_->ports(); }
  dev::Device& apm() override { return pm_->apm(); }
  void press_power_button() override { pm_->press_power_button(); }
  uint16_t power_base() const override { return pm_->power_base(); }

  void map_ports(const Map& map) override {
    map(kIdePort, dev::IdeChannel::kCommandSize, ide_->channel(0).command_block());
    map(kIdeControlPort, dev::IdeChannel::kControlSize, ide_->channel(0).control());
    map(kSecondIdePort, dev::IdeChannel::kCommandSize, ide_->channel(1).command_block());
    map(kSecondIdeControlPort, dev::IdeChannel::kControlSize, ide_->channel(1).control());
  }
  void preset() override {
    for (unsigned line = 0; line < dev::Piix3::kPirqs; ++line)
      isa_bridge_->config_write(dev::Piix3::kPirqA + line, 1, kPirqIrqs[line]);
    pm_->config_write(dev::Piix4Pm::kPmBase, 4, kPmBase);
    pm_->config_write(dev::Piix4Pm::kPmRegMisc, 1, 1);
    pm_->config_write(dev::Piix4Pm::kSmbBase, 4, kSmbBase);
    pm_->config_write(dev::Piix4Pm::kSmbConfig, 1, 9);
  }
  void preset_behind_bars() override { pm_->config_write(dev::pci::kInterruptLine, 1, kSciIrq); }

 private:
  dev::I440Fx* host_bridge_;
  dev::Piix3* isa_bridge_;
  dev::PiixIde* ide_;
  dev::Piix4Pm* pm_;
};

}  // namespace

const PcChipsetFacts kI440FxFacts{.name = "pc",
                                  .product = "Standard PC (i440FX + PIIX, 1996)",
                                  .most_low_ram = 0xe0000000,
                                  .low_ram_where_more = 0xc0000000,
                                  .pci_config = 0,
                                  .pci_memory_begin = 0,
                                  .isa_slot = kIsaSlot,
                                  .video_slot = 2,
                                  .pirqs = 4,
                                  .pirq_of = pirq_of,
                                  .first_gsi = 0,
                                  .hpet_routes = 1 << kTimerInput,
                                  .acpi_enable = dev::Piix4Pm::kAcpiEnable,
                                  .acpi_disable = dev::Piix4Pm::kAcpiDisable,
                                  .reset_value = 6,
                                  .events = 0,
                                  .events_bytes = 0,
                                  .ide_path = "ide@1,1",
                                  .floppies = true};

std::unique_ptr<PcChipset> make_i440fx(const PcChipset::Parts& parts) {
  return std::make_unique<I440FxChipset>(parts);
}

}  // namespace mynah
