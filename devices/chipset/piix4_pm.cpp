// SPDX-License-Identifier: Apache-2.0
//
// Where its registers are; what they do is Pm1's.
#include "devices/chipset/piix4_pm.h"

#include <utility>

namespace mynah::dev {

namespace {
constexpr unsigned kRegisters = pci::Function::kOwnRange;
constexpr uint64_t kSmbusSize = 16;
constexpr uint32_t kApmSmiEnable = 1 << 25;
}  // namespace

Piix4Pm::Piix4Pm(EventQueue& events, IrqLine sci, std::function<void()> off, Log& log)
    : Function(
          "PIIX4_PM",
          {.vendor = 0x8086, .device = 0x7113, .class_code = 0x068000, .revision = 3, .interrupt_pin = 1},
          log, pci::ConfigSize::kConventional),
      pm1_(events, sci, std::move(off), [this] { unimplemented("sleeping with memory on (S3)"); }),
      apm_("piix4-apm", kAcpiEnable, kAcpiDisable, [this](bool on) { pm1_.turn_on(on); }) {
  add_range(0, pci::Space::kIo, kRegistersSize);
  add_range(1, pci::Space::kIo, kSmbusSize);
  set_config(kPmBase, 4, 1);
  let_write(kPmBase, 4, 0xffc0);
  // Firmware that finds APM's SMI on does not set up SMM.
  set_config(kDevActB, 4, kApmSmiEnable);
  let_write(kDevActB, 4, 0x0fffffff);
  let_write(kPmRegMisc, 1, 1);
  set_config(kSmbBase, 4, 1);
  let_write(kSmbBase, 4, 0xfff0);
  let_write(kSmbConfig, 1, 0x0f);
  for (unsigned at = 0x44; at < 0x58; at += 4) let_write(at, 4, 0xffffffff);
  for (unsigned at = 0x5c; at < 0x7c; at += 4) let_write(at, 4, 0xffffffff);
}

void Piix4Pm::reset_model() {
  apm_.control = apm_.status = 0;
  pm1_.reset();
  place();
}

void Piix4Pm::place() {
  const auto at = [this](unsigned base, unsigned enable) -> std::optional<uint64_t> {
    const uint32_t address = config(base, 4) & 0xfff0;
    if (!(config(enable, 1) & 1) || address == 0) return std::nullopt;
    return address;
  };
  place_range(0, at(kPmBase, kPmRegMisc));
  place_range(1, at(kSmbBase, kSmbConfig));
}

uint64_t Piix4Pm::bar_read(unsigned bar, uint64_t offset, Width width) {
  return bar == kRegisters && offset < Pm1::kSize ? pm1_.read(offset, width) : 0;
}

void Piix4Pm::bar_write(unsigned bar, uint64_t offset, Width width, uint64_t value) {
  if (bar == kRegisters && offset < Pm1::kSize) pm1_.write(offset, width, value);
}

void Piix4Pm::serialize_model(StateStream& s) {
  pm1_.serialize(s);
  s.io(apm_.control);
  s.io(apm_.status);
  if (s.loading()) place();
}

}  // namespace mynah::dev
