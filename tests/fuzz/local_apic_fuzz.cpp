// SPDX-License-Identifier: Apache-2.0
//
// Fuzzes two local APICs and an I/O APIC: pages, MSRs, lines, messages, acceptance, time. A pending interrupt
// is accepted with the vector of highest priority.
#include "devices/intc/ioapic.h"
#include "tests/devices/apic_fakes.h"
#include "tests/fuzz/fuzz_input.h"

using namespace mynah;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  fuzz::Input in(data, size);
  dev::ManualClock clock;
  dev::EventQueue events(clock);
  dev::NullLog log;
  dev::ApicBus bus(log);
  dev::fake::ApicCpu cpus[2];
  dev::LocalApic first(events, bus, cpus[0], 0, true, log), second(events, bus, cpus[1], 1, false, log);
  dev::LocalApic* const apics[2] = {&first, &second};
  dev::IoApic io(bus, 0, log);
  unsigned self = 0;
  bus.current = [&]() -> dev::LocalApic& { return *apics[self]; };
  bus.on_end_of_interrupt = [&](uint8_t vector) { io.end_of_interrupt(vector); };
  for (dev::LocalApic* apic : apics) apic->external_vector = [] { return uint8_t{0x30}; };
  if (in.u8() & 1) first.set_virtual_wire();
  fuzz::run(in, {.device = bus,
                 .pick_offset = [](fuzz::Input& i) -> dev::Offset {
                   const uint8_t b = i.u8();
                   return b < 0xf0 ? (b & 0x3f) * 16u : i.u16() & 0xfff;
                 },
                 .clock = &clock,
                 .events = &events,
                 .extra =
                     [&](fuzz::Input& i) {
                       const uint8_t op = i.u8();
                       self = op >> 7;
                       dev::LocalApic& apic = *apics[self];
                       switch (op % 16) {
                         case 0:
                           io.write(i.u8() & 0x70, dev::Width::k4, i.u32());
                           break;
                         case 1:
                         case 2:  // an entry
                           io.write(0, dev::Width::k4, 0x10 + i.u8() % 48);
                           io.write(0x10, dev::Width::k4, i.u32());
                           break;
                         case 3:
                           io.read(i.u8() & 0x70, i.width());
                           break;
                         case 4:
                         case 5:
                           io.set_irq(i.u8() % 25, op & 0x40);
                           break;
                         case 6:
                           bus.message(0xfee00000 | (i.u32() & 0xfffff), i.u32(), 0);
                           break;
                         case 7:
                           apic.set_external(op & 0x40);
                           break;
                         case 8:
                           apic.set_nmi_line(op & 0x40);
                           break;
                         case 9: {
                           uint64_t value = 0;
                           apic.read_msr(0x800 + i.u8(), value);
                           break;
                         }
                         case 10:
                           apic.write_msr(0x800 + i.u8() % 0x48, op & 0x40 ? i.u16() : i.u64());
                           break;
                         case 11:
                           apic.write_msr(0x1b, 0xfee00000 | (i.u8() & 12) << 8);
                           break;
                         case 12:
                           apic.write_msr(0x6e0, i.u64() >> (i.u8() & 63));
                           break;
                         case 13:
                           fuzz::restore_part(op & 0x40 ? static_cast<dev::Stateful&>(io) : apic, i);
                           break;
                         case 14:
                           op & 0x40 ? apic.reset_by_init() : apic.set_cr8(i.u8() & 15);
                           break;
                         default: {
                           const bool pending = apic.interrupt_pending();
                           const uint8_t priority = apic.processor_priority();
                           const uint8_t vector = apic.accept();
                           if (pending && vector != 0x30) {
                             fuzz::require((vector & 0xf0) > (priority & 0xf0));
                             fuzz::require(apic.processor_priority() >= (vector & 0xf0));
                           }
                         }
                       }
                     }});
  for (dev::Stateful* part : {static_cast<dev::Stateful*>(&first), static_cast<dev::Stateful*>(&second),
                              static_cast<dev::Stateful*>(&io)})
    fuzz::save_and_load(*part);
  return 0;
}
