// SPDX-License-Identifier: Apache-2.0
//
// The type 1 header (PCI-to-PCI Bridge 1.2, 3.2), and the two bridges that are nothing more.
#include "devices/pci/bridge.h"

namespace mynah::dev::pci {
namespace {

constexpr uint32_t kBridgeClass = 0x060400;
constexpr uint16_t kControlBits = 0x0043;  // parity response, SERR#, reset of the secondary bus
constexpr uint16_t kErrorBits = 0xf900;    // of the secondary status

class PlainBridge final : public Bridge {
 public:
  PlainBridge(std::string_view name, uint16_t device, Log& log, bool express, uint8_t chassis)
      : Bridge(name, {.vendor = 0x1b36, .device = device, .class_code = kBridgeClass, .interrupt_pin = 1},
               log, express ? ConfigSize::kExpress : ConfigSize::kConventional, false, kSlots) {
    if (express) {
      add_express(PortType::kBridgeToPci);
      add_power_management();
    } else {
      const unsigned at = add_capability(Capability::kSlotNumbering, 4);
      set_config(at + 3, 1, chassis);
    }
    add_msi(1);
  }
};

}  // namespace

Bridge::Bridge(std::string_view name, const Identity& identity, Log& log, ConfigSize config_size,
               bool express_secondary, unsigned slots)
    : Function(name, identity, log, config_size), secondary_(*this, express_secondary, slots) {
  set_config(kHeaderType, 1, kTypeBridge);
  set_config(kSubsystemVendorId, 4, 0);  // the prefetchable limit's upper half, in this header
  for (unsigned at : {kPrimaryBus, kSecondaryBus, kSubordinateBus, kSecondaryLatency}) let_write(at, 1, 0xff);
  // Windows are closed until the guest opens them: the base lies above the limit.
  set_config(kIoBase, 1, 0xf0);
  let_write(kIoBase, 2, 0xf0f0);
  set_config(kMemoryBase, 2, 0xfff0);
  let_write(kMemoryBase, 4, 0xfff0'fff0);
  set_config(kPrefetchableBase, 4, 0x0001'fff1);  // 64-bit addresses
  let_write(kPrefetchableBase, 4, 0xfff0'fff0);
  let_write(kPrefetchableBaseUpper, 4, ~0u);
  let_write(kPrefetchableLimitUpper, 4, ~0u);
  let_clear(kSecondaryStatus, 2, kErrorBits);
  let_write(kBridgeControl, 2, kControlBits);
}

Range Bridge::io_window() const {
  const uint64_t base = config(kIoBase, 1) & 0xf0, limit = config(kIoLimit, 1) & 0xf0;
  return {base << 8, limit << 8 | 0xfff};
}

Range Bridge::memory_window() const {
  const uint64_t base = config(kMemoryBase, 2) & 0xfff0, limit = config(kMemoryLimit, 2) & 0xfff0;
  return {base << 16, limit << 16 | 0xf'ffff};
}

Range Bridge::prefetchable_window() const {
  const uint64_t base = config(kPrefetchableBase, 2) & 0xfff0, limit = config(kPrefetchableLimit, 2) & 0xfff0;
  return {uint64_t{config(kPrefetchableBaseUpper, 4)} << 32 | base << 16,
          uint64_t{config(kPrefetchableLimitUpper, 4)} << 32 | limit << 16 | 0xf'ffff};
}

std::vector<Range> Bridge::forwarded(Space space) const {
  std::vector<Range> open;
  const uint32_t command = config(kCommand, 2);
  const auto add = [&](const Range& window) {
    if (window.first <= window.last) open.push_back(window);
  };
  if (space == Space::kIo) {
    if (command & kIoSpace) add(io_window());
  } else if (command & kMemorySpace) {
    add(memory_window());
    add(prefetchable_window());
  }
  return open;
}

void Bridge::config_written(unsigned offset, unsigned width) {
  if (offset < kBridgeControl + 2 && offset + width > kPrimaryBus) claims_changed();
  const bool in_reset = (config(kBridgeControl, 2) & kSecondaryBusReset) != 0;
  if (in_reset && !in_reset_) secondary_.reset();
  in_reset_ = in_reset;
}

void Bridge::reset_model() {
  in_reset_ = false;
  secondary_.reset();
}

void Bridge::serialize_model(StateStream& stream) {
  in_reset_ = (config(kBridgeControl, 2) & kSecondaryBusReset) != 0;
  secondary_.serialize(stream);
}

std::unique_ptr<Bridge> make_pci_bridge(Log& log, uint8_t chassis) {
  return std::make_unique<PlainBridge>("pci-bridge", 0x0001, log, false, chassis);
}
std::unique_ptr<Bridge> make_pcie_pci_bridge(Log& log) {
  return std::make_unique<PlainBridge>("pcie-pci-bridge", 0x000e, log, true, 0);
}

}  // namespace mynah::dev::pci
