// SPDX-License-Identifier: Apache-2.0
//
// What the Arm front end asks of the rest of the machine. The engine implements ArmSystem for each processor
// element; the front end never sees a device, a cache or a host clock.
#pragma once

#include <cstdint>
#include <optional>

namespace mynah::arm {

// Guest physical memory for table walks, which another processor may be changing. Addresses may be anything;
// false means an external abort. An exchange, for AF and DBM, may also be false because the word is another,
// which is `expected` then.
class PhysicalMemory {
 public:
  virtual ~PhysicalMemory() = default;
  virtual bool read64(uint64_t pa, uint64_t& value) = 0;
  virtual bool compare_exchange64(uint64_t pa, uint64_t& expected, uint64_t desired) = 0;
};

// TLB maintenance, as decoded from TLBI. `last_level_only` is advice.
struct TlbInvalidation {
  enum class Scope : uint8_t { kAll, kAsid, kVa, kVaAllAsid, kRange } scope;
  uint16_t asid = 0;
  uint64_t va = 0;         // page-aligned, sign-extended
  uint64_t pages4k = 1;    // kVa, kVaAllAsid: pages of the current granule, in 4 KiB units; kRange: length
  bool all_asids = false;  // kVaAllAsid, and kRange where it says so
  bool last_level_only = false;
  bool broadcast = false;  // inner or outer shareable
};

// When the generic timer sends an event: `bit` of the virtual counter changes to 1, or falling, to 0.
struct EventStreamControl {
  bool enabled = false;
  unsigned bit = 0;
  bool falling = false;
};

class ArmSystem {
 public:
  virtual ~ArmSystem() = default;
  virtual PhysicalMemory& memory() = 0;
  virtual void tlb_invalidate(const TlbInvalidation&) = 0;
  // SCTLR, TCR, TTBR, MAIR, PSTATE.EL/PAN, ... changed: the next region entry selects its translation
  // context.
  virtual void translation_changed() = 0;
  // IC IVAU / IALLU: the engine's write protection has already seen every store, so this may do nothing.
  virtual void instruction_cache_invalidate(uint64_t va, bool all) = 0;
  // Registers that live outside the processor: generic timer (CNT*), interrupt controller (ICC_*). The key is
  // op0:2 op1:3 CRn:4 CRm:4 op2:3. False: no such register, the instruction is undefined;
  // the counters (CNTFRQ, CNTPCT, CNTVCT) are always there.
  virtual bool read_external(uint16_t key, uint64_t& value) = 0;
  virtual bool write_external(uint16_t key, uint64_t value) = 0;
  // What is due by now happens, interrupts' lines included: before a register shows them.
  virtual void catch_up() = 0;
  virtual std::optional<uint64_t> random() = 0;  // RNDR; nothing: none can be had now

  virtual void send_event() = 0;  // SEV to the other processor elements
  // Another processor element has something to execute.
  virtual bool others_can_run() = 0;
  virtual void set_event_stream(const EventStreamControl&) = 0;
  // Whether the stream had an event since this was asked, or the stream set, or since ArmCpu::send_event().
  virtual bool take_stream_event() = 0;
  // The element sleeps: nothing of it runs until it says that it woke. for_event: the stream's next event is
  // to come to ArmCpu::send_event().
  virtual void sleeps(bool for_event) = 0;
  virtual void wakes() = 0;

  // Performance monitor: cycles for PMCCNTR_EL0, which may stand still while the element sleeps; a call of
  // ArmCpu::cycles_passed() after so many more of them (0: none), instead of any asked for before; the line.
  virtual uint64_t cycle_count() = 0;
  virtual uint64_t instruction_count() { return 0; }
  // In how many cycles so many instructions may have been executed, at the earliest: the call comes then, and
  // may ask for another.
  virtual uint64_t cycles_of(uint64_t instructions) { return instructions; }
  virtual void call_after_cycles(uint64_t cycles) = 0;
  virtual void set_pmu_interrupt(bool level) = 0;
};

}  // namespace mynah::arm
