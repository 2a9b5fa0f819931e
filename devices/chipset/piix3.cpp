// SPDX-License-Identifier: Apache-2.0
//
// An ISA interrupt is on where one of the lines that are routed to it is.
#include "devices/chipset/piix3.h"

#include <utility>

namespace mynah::dev {

namespace {
constexpr uint8_t kNotRouted = 0x80;
// Interrupts that a line cannot be: timer, keyboard, cascade, calendar, coprocessor.
constexpr uint16_t kReserved = 1 << 0 | 1 << 1 | 1 << 2 | 1 << 8 | 1 << 13;
constexpr uint8_t kHardReset = 2;
}  // namespace

Piix3::Piix3(std::array<IrqLine, 16> isa, std::function<void()> reset, Device& config_ports, Log& log)
    : Function("PIIX3", {.vendor = 0x8086, .device = 0x7000, .class_code = 0x060100}, log,
               pci::ConfigSize::kConventional),
      isa_(isa),
      ports_("piix3-reset", config_ports, kHardReset, std::move(reset)) {
  struct Byte {
    uint8_t at, value, writable;
  };
  constexpr Byte kBytes[] = {
      {0x4c, 0x4d, 0xff}, {0x4e, 0x03, 0xff}, {0x4f, 0x00, 0x01}, {0x60, 0x80, 0x8f}, {0x61, 0x80, 0x8f},
      {0x62, 0x80, 0x8f}, {0x63, 0x80, 0x8f}, {0x69, 0x02, 0xfe}, {0x6a, 0x00, 0x05}, {0x70, 0x80, 0xef},
      {0x76, 0x0c, 0x8f}, {0x77, 0x0c, 0x8f}, {0x78, 0x02, 0xff}, {0x79, 0x00, 0xff}, {0xa0, 0x08, 0x1f},
      {0xa2, 0x00, 0xff}, {0xa3, 0x00, 0x01}, {0xa4, 0x00, 0xff}, {0xa8, 0x0f, 0xff},
  };
  for (const Byte& byte : kBytes) {
    set_config(byte.at, 1, byte.value);
    let_write(byte.at, 1, byte.writable);
  }
  set_config(pci::kCommand, 2, pci::kIoSpace | pci::kMemorySpace | pci::kBusMaster);
}

void Piix3::reset_model() {
  ports_.control = 0;
  show();
}

void Piix3::Pirqs::set_irq(unsigned line, bool level) {
  if (line >= kPirqs) return;
  bridge.levels_[line] = level;
  bridge.show();
}

void Piix3::show() {
  std::array<bool, 16> wanted{};
  for (unsigned line = 0; line < kPirqs; ++line) {
    const uint32_t route = config(kPirqA + line, 1);
    if (levels_[line] && !(route & kNotRouted) && !(kReserved >> (route & 15) & 1)) wanted[route & 15] = true;
  }
  for (unsigned irq = 0; irq < wanted.size(); ++irq)
    if (wanted[irq] != std::exchange(shown_[irq], wanted[irq])) isa_[irq].set(wanted[irq]);
}

void Piix3::serialize_model(StateStream& s) {
  s.io(ports_.control);
  for (bool& level : levels_) s.io(level);
  if (s.loading()) show();
}

}  // namespace mynah::dev
