// SPDX-License-Identifier: Apache-2.0
//
// What carries messages between local APICs, and the page that shows each processor its own.
#include <fmt/core.h>

#include "devices/core/registers.h"
#include "devices/intc/local_apic.h"

namespace mynah::dev {

bool ApicBus::send(const ApicMessage& m) {
  if (m.delivery == ApicDelivery::kLowestPriority) {
    LocalApic* least = nullptr;
    for (LocalApic* apic : apics_)
      if (apic->takes_interrupts() && apic->matches(m.destination, m.logical) &&
          (!least || apic->processor_priority() < least->processor_priority()))
        least = apic;
    return least && least->deliver(m);
  }
  bool taken = false;
  for (LocalApic* apic : apics_)
    if (apic->matches(m.destination, m.logical) && apic->deliver(m)) taken = true;
  return taken;
}

void ApicBus::send_all(const ApicMessage& m, const LocalApic* but) {
  for (LocalApic* apic : apics_)
    if (apic != but) apic->deliver(m);
}

uint64_t ApicBus::read(Offset offset, Width width) {
  LocalApic& apic = current();
  if (!apic.enabled() || apic.x2apic()) return low_bytes(~uint64_t{0}, width);
  // A register is the first of its sixteen bytes' words.
  const uint32_t value = offset % 16 < 4 ? apic.read_register(static_cast<unsigned>(offset / 16)) : 0;
  return low_bytes(value >> 8 * (offset % 4), width);
}

void ApicBus::write(Offset offset, Width width, uint64_t value) {
  LocalApic& apic = current();
  if (!apic.enabled() || apic.x2apic()) return;
  if (offset % 16 != 0 || width == Width::k1 || width == Width::k2)
    return log_.guest_error(name(), fmt::format("a write of {} bytes at {:#x}", bytes(width), offset));
  apic.write_register(static_cast<unsigned>(offset / 16), static_cast<uint32_t>(value));
}

// SDM volume 3, "Message Signalled Interrupts". Address bits 19:12 are the destination; bits 11:5 are eight
// more of it, where the system says so (15 bits of id).
bool ApicBus::message(uint64_t address, uint32_t data, uint16_t) {
  if (address >> 20 != 0xfee) return false;
  ApicMessage m;
  m.destination = static_cast<uint32_t>(address >> 12 & 0xff) | static_cast<uint32_t>(address >> 5 & 0x7f)
                                                                    << 8;
  if (m.destination == 0xff) m.destination = ApicMessage::kAll;
  m.logical = address & 1 << 2;
  m.vector = static_cast<uint8_t>(data);
  m.delivery = static_cast<ApicDelivery>(data >> 8 & 7);
  m.level = data & 1 << 15;
  // The end of a level is no message; start-up is the processors' own.
  if ((m.level && !(data & 1 << 14)) || m.delivery == ApicDelivery::kStartUp) return true;
  if (address & 1 << 3 && m.delivery == ApicDelivery::kFixed) m.delivery = ApicDelivery::kLowestPriority;
  send(m);
  return true;
}

}  // namespace mynah::dev
