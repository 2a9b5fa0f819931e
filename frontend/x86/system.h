// SPDX-License-Identifier: Apache-2.0
//
// What the x86 front end asks of the rest of the machine. machines/ implements X86System for each logical
// processor; the front end never sees a device, a cache or a host clock.
#pragma once

#include <cstdint>
#include <optional>

#include "frontend/translation.h"

namespace mynah::x86 {

// Permission classes of translations (frontend/translation.h).
enum PermissionClass : uint32_t {
  kClassUser = 0,        // CPL 3
  kClassSupervisor = 1,  // CPL 0 to 2
  kClassGuarded =
      2,  // the same where SMAP keeps user pages off: EFLAGS.AC is clear, or the access is implicit
};

class X86System {
 public:
  virtual ~X86System() = default;

  // --- physical memory for table walks, which another processor may be changing. Aligned; false: nothing is
  // there (reads as all ones), or the word is another, which is `expected` then.
  virtual bool read64(uint64_t pa, uint64_t& value) = 0;
  virtual bool compare_exchange64(uint64_t pa, uint64_t& expected, uint64_t desired) = 0;

  // --- linear memory as the engine's slow path has it (devices, code, pages crossed). A pointer to n bytes
  // (at most 4096) at `linear`, holding what is there; for writing: what is put there is written by commit().
  // Null: `fault`; one that is `alone`: the instruction is to be executed again (leave with the pc on it).
  struct LinearFault {
    Fault fault;
    bool alone = false;
  };
  virtual uint8_t* linear(uint64_t linear, unsigned n, bool write, uint32_t permission_class,
                          LinearFault& fault) = 0;
  virtual bool commit(const uint8_t* pointer, Fault& fault) = 0;
  // The same within one page, where it is plain memory that nothing watches; null, for whatever reason: make
  // single accesses. Translated code in what is to be written is dropped.
  virtual uint8_t* ram(uint64_t linear, unsigned n, bool write, uint32_t permission_class) = 0;

  // --- translations. Page: of any id, as INVLPG does.
  virtual void tlb_flush_all() = 0;              // global pages, too
  virtual void tlb_flush_id(uint32_t id) = 0;    // not global pages
  virtual void tlb_flush_page(uint64_t va) = 0;  // global ones, too, every id
  virtual void tlb_flush_page_of(uint64_t va, uint32_t id) = 0;
  // Control registers, EFLAGS, CPL, ... changed: the next region entry selects its translation context.
  virtual void translation_changed() = 0;

  // --- ports; 1, 2 or 4 bytes. Nobody's reads as ones.
  virtual uint32_t port_read(uint16_t port, unsigned bytes) = 0;
  virtual void port_write(uint16_t port, unsigned bytes, uint32_t value) = 0;

  // --- local APIC. Vector that is deliverable (above the processor priority), or -1; taking one. An ExtINT's
  // vector comes from the PIC.
  virtual int pending_vector() = 0;
  virtual int accept_interrupt() = 0;
  virtual uint64_t cr8() = 0;
  virtual void set_cr8(uint64_t value) = 0;
  // IA32_APIC_BASE, IA32_TSC_DEADLINE and x2APIC registers. False: #GP.
  virtual bool read_apic_msr(uint32_t msr, uint64_t& value) = 0;
  virtual bool write_apic_msr(uint32_t msr, uint64_t value) = 0;
  // CPUID leaf 1: APIC enabled; initial APIC id.
  virtual bool apic_enabled() = 0;
  virtual uint32_t apic_id() = 0;
  virtual unsigned processors() = 0;  // for CPUID's topology; in one package

  // --- time: ticks of the TSC, when all that is due has happened; its frequency in Hz.
  virtual uint64_t tsc() = 0;
  virtual uint64_t tsc_hz() = 0;
  // The guest's own TSC is so much ahead of it now: what waits for a deadline is to know.
  virtual void tsc_offset_changed(uint64_t offset) = 0;
  virtual std::optional<uint64_t> random() = 0;  // RDRAND, RDSEED
  virtual void sleeps() = 0;                     // nothing runs until wakes()
  virtual void wakes() = 0;
  // The slice ends soon: interrupt_pending became true with interrupts enabled, or the like.
  virtual void look_soon() = 0;
  virtual bool others_can_run() = 0;
  virtual void reset_apic() = 0;  // the processor's own, by INIT
  // A triple fault: the machine is reset, or stops.
  virtual void shut_down() = 0;
};

}  // namespace mynah::x86
