// SPDX-License-Identifier: Apache-2.0
//
// A port's bit in IS is set while the port has an interrupt and until software clears it; with MSI each bit
// that is set, and each that is left when others are cleared, sends a message (AHCI 1.3.1, 10.7.2).
#include "devices/storage/ahci.h"

#include "devices/core/registers.h"

namespace mynah::dev {

using namespace ahci;

namespace {
constexpr unsigned kRegistersBar = 5, kPairBar = 4;
constexpr uint64_t kRegistersSize = 0x1000, kPairSize = 32, kIndex = 0x10, kData = 0x14;
constexpr unsigned kAddressMap = 0x90;
constexpr uint32_t kCapabilities =
    kCap64 | kCapNcq | kCapCommandListOverride | kCapGen3 | kCapAhciOnly | (kSlots - 1) << 8 | (kPorts - 1);
}  // namespace

Ahci::Ahci(Log& log)
    : Function(
          "ich9-ahci",
          {.vendor = 0x8086, .device = 0x2922, .class_code = 0x010601, .revision = 2, .interrupt_pin = 1},
          log, pci::ConfigSize::kConventional) {
  add_bar(kPairBar, pci::BarKind::kIo, kPairSize);
  add_bar(kRegistersBar, pci::BarKind::kMemory32, kRegistersSize);
  const unsigned sata = add_capability(pci::Capability::kSata, 8);
  set_config(sata + 2, 2, 0x0010);                                                   // revision 1.0
  set_config(sata + 4, 4, static_cast<uint32_t>(kIndex) / 4 << 4 | (kPairBar + 4));  // where the pair is
  add_msi(1, false);
  set_config(kAddressMap, 1, 0x40);  // AHCI mode
  for (unsigned n = 0; n < kPorts; ++n)
    ports_.push_back(std::make_unique<AhciPort>(dma(), [this] { update(); }));
  control_ = kGhcAhci;
}

void Ahci::reset_controller() {
  control_ = kGhcAhci;
  interrupts_ = index_ = 0;
  for (const auto& port : ports_) port->reset();
  update();
}

void Ahci::update(bool again) {
  uint32_t pending = 0;
  for (unsigned n = 0; n < ports_.size(); ++n) pending |= uint32_t{ports_[n]->pending()} << n;
  const bool news = (pending & ~interrupts_) != 0;
  interrupts_ |= pending;
  const bool level = interrupts_ && (control_ & kGhcInterrupts);
  set_intx(level);
  if (level && (news || again)) notify(0);
}

uint32_t Ahci::read_register(uint32_t offset) const {
  if (offset >= kPortBase) {
    const uint32_t n = (offset - kPortBase) / kPortStride;
    return n < ports_.size() ? ports_[n]->read((offset - kPortBase) % kPortStride) : 0;
  }
  switch (offset) {
    case kCap:
      return kCapabilities;
    case kGhc:
      return control_;
    case kIs:
      return interrupts_;
    case kPi:
      return (1u << kPorts) - 1;
    case kVs:
      return kVersion131;
    default:
      return 0;
  }
}

void Ahci::write_register(uint32_t offset, uint32_t value) {
  if (offset >= kPortBase) {
    const uint32_t n = (offset - kPortBase) / kPortStride;
    if (n < ports_.size()) ports_[n]->write((offset - kPortBase) % kPortStride, value);
    return;
  }
  switch (offset) {
    case kGhc:
      if (value & kGhcReset) return reset_controller();
      control_ = kGhcAhci | (value & kGhcInterrupts);
      return update(true);
    case kIs:
      interrupts_ &= ~value;
      return update(true);
    default:
      return;
  }
}

uint64_t Ahci::bar_read(unsigned bar, uint64_t offset, Width width) {
  if (bar == kPairBar) {
    const uint64_t at = offset & ~uint64_t{3};
    if (at != kIndex && at != kData) return 0;
    const uint32_t value = at == kIndex ? index_ : read_register(index_);
    return low_bytes(value >> 8 * (offset & 3), width);
  }
  const auto word = [this](uint64_t at) -> uint64_t {
    return at < kRegistersSize ? read_register(static_cast<uint32_t>(at)) : 0;
  };
  const uint64_t at = offset & ~uint64_t{3};
  return low_bytes((word(at) | word(at + 4) << 32) >> 8 * (offset & 3), width);
}

// Registers are words; of a narrower write the other bytes are 0.
void Ahci::bar_write(unsigned bar, uint64_t offset, Width width, uint64_t value) {
  const uint64_t at = offset & ~uint64_t{3};
  const uint64_t shifted = low_bytes(value, width) << 8 * (offset & 3);
  if (bar == kPairBar) {
    if (at == kIndex) index_ = static_cast<uint32_t>(shifted) & (kRegistersSize - 4);
    if (at == kData) write_register(index_, static_cast<uint32_t>(shifted));
    return;
  }
  write_register(static_cast<uint32_t>(at), static_cast<uint32_t>(shifted));
  if (width == Width::k8 && at + 4 < kRegistersSize)
    write_register(static_cast<uint32_t>(at + 4), static_cast<uint32_t>(shifted >> 32));
}

void Ahci::serialize_model(StateStream& s) {
  s.io(control_);
  s.io(interrupts_);
  s.io(index_);
  for (const auto& port : ports_) port->serialize(s);
  if (!s.loading()) return;
  control_ = kGhcAhci | (control_ & kGhcInterrupts);
  index_ &= kRegistersSize - 4;
}

}  // namespace mynah::dev
