// SPDX-License-Identifier: Apache-2.0
//
// Redirection entries (82093AA data sheet, 3.2.4). A level-triggered entry is sent once and then waits for
// its end (Remote IRR), and is sent again where the line still is active.
#include "devices/intc/ioapic.h"

#include <fmt/core.h>

#include "devices/core/registers.h"

namespace mynah::dev {

namespace {
constexpr uint64_t kMasked = 1 << 16, kLevel = 1 << 15, kRemoteIrr = 1 << 14, kActiveLow = 1 << 13,
                   kPending = 1 << 12, kLogical = 1 << 11;
constexpr uint64_t kReadOnly = kRemoteIrr | kPending;
constexpr uint64_t kWritable = 0xff0000000001afff;
constexpr uint32_t kVersion = 0x20 | (IoApic::kInputs - 1) << 16;

// NMI, INIT and their like are by edges, whatever the entry says.
bool by_level(uint64_t entry) { return (entry & kLevel) && (entry >> 8 & 7) <= 1; }
}  // namespace

void IoApic::reset() {
  id_ = first_id_;
  select_ = 0;
  edges_ = 0;
  entries_.fill(kMasked);
}

// Lines are given as active or not; the polarity that a guest chooses is that of the wires, which all agree
// here.
void IoApic::set_irq(unsigned line, bool level) {
  if (line >= kInputs) return;
  const uint32_t bit = 1u << line;
  const bool rises = level && !(lines_ & bit);
  lines_ = level ? lines_ | bit : lines_ & ~bit;
  if (rises && !by_level(entries_[line]) && !(entries_[line] & kMasked)) edges_ |= bit;
  service(line);
}

void IoApic::service(unsigned input) {
  uint64_t& entry = entries_[input];
  const uint32_t bit = 1u << input;
  if (entry & kMasked) return;
  const bool level = by_level(entry);
  if (level ? !(lines_ & bit) || (entry & kRemoteIrr) : !(edges_ & bit)) return;
  edges_ &= ~bit;
  ApicMessage m;
  m.destination = static_cast<uint32_t>(entry >> 56);
  if (m.destination == 0xff) m.destination = ApicMessage::kAll;
  m.logical = entry & kLogical;
  m.delivery = static_cast<ApicDelivery>(entry >> 8 & 7);
  m.vector = static_cast<uint8_t>(entry);
  m.level = level;
  // Of one that nobody takes there will be no end.
  if (bus_.send(m) && level) entry |= kRemoteIrr;
}

void IoApic::end_of_interrupt(uint8_t vector) {
  for (unsigned i = 0; i < kInputs; ++i) {
    if (static_cast<uint8_t>(entries_[i]) != vector || !(entries_[i] & kRemoteIrr)) continue;
    entries_[i] &= ~kRemoteIrr;
    service(i);
  }
}

uint32_t IoApic::read_selected() {
  switch (select_) {
    case 0:
    case 2:
      return static_cast<uint32_t>(id_) << 24;
    case 1:
      return kVersion;
    default: {
      const unsigned n = (select_ - 0x10u) / 2;
      if (select_ < 0x10 || n >= kInputs) return 0;
      return static_cast<uint32_t>(entries_[n] >> (select_ & 1 ? 32 : 0));
    }
  }
}

void IoApic::write_selected(uint32_t value) {
  if (select_ == 0) {
    id_ = value >> 24 & 15;
    return;
  }
  const unsigned n = (select_ - 0x10u) / 2;
  if (select_ < 0x10 || n >= kInputs)
    return log_.guest_error(name_, fmt::format("write of {:#x} to register {:#x}", value, select_));
  uint64_t& entry = entries_[n];
  const uint64_t kept = entry & kReadOnly;
  const uint64_t whole =
      select_ & 1 ? (entry & 0xffffffff) | uint64_t{value} << 32 : (entry & 0xffffffff00000000) | value;
  entry = (whole & kWritable & ~kReadOnly) | kept;
  // An edge-triggered entry waits for nothing.
  if (!by_level(entry)) entry &= ~kRemoteIrr;
  service(n);
}

uint64_t IoApic::read(Offset offset, Width width) {
  uint32_t value = 0;
  switch (offset & 0xff) {
    case 0x00:
      value = select_;
      break;
    case 0x10:
      value = read_selected();
      break;
    default:
      log_.guest_error(name_, fmt::format("read of no register at {:#x}", offset));
  }
  return low_bytes(value, width);
}

void IoApic::write(Offset offset, Width width, uint64_t raw) {
  const auto value = static_cast<uint32_t>(low_bytes(raw, width));
  switch (offset & 0xff) {
    case 0x00:
      select_ = static_cast<uint8_t>(value);
      return;
    case 0x10:
      return write_selected(value);
    case 0x40:
      return end_of_interrupt(static_cast<uint8_t>(value));
    default:
      log_.guest_error(name_, fmt::format("write of no register at {:#x}", offset));
  }
}

void IoApic::serialize_state(StateStream& s) {
  s.io(id_);
  s.io(select_);
  s.io(lines_);
  s.io(edges_);
  for (uint64_t& entry : entries_) s.io(entry);
}

}  // namespace mynah::dev
