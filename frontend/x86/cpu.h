// SPDX-License-Identifier: Apache-2.0
//
// X86Cpu: the x86 logical processor as the engine drives it. Ties together the state, the walk of the tables
// (mmu.h), exceptions and interrupts (exceptions.h), segments and transfers between them (segments.h,
// transfers.h), control and model-specific registers (control.h, msr.h, cpuid.h), the x87 (x87.h), and the
// lifter. What lies outside of the processor comes in through X86System.
//
// Inside helpers guest faults are values: a function that may raise one returns false and leaves it in
// pending exception (raise()), which call_helper() takes when the helper returns false.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "frontend/guest.h"
#include "frontend/x86/cpu_model.h"
#include "frontend/x86/frontend.h"
#include "frontend/x86/state.h"
#include "frontend/x86/system.h"
#include "ir/runtime.h"

namespace mynah::x86 {

struct Exception {
  uint8_t vector = 0;
  std::optional<uint32_t> error;
  uint64_t address = 0;   // CR2 of a page fault
  uint64_t debug = 0;     // bits for DR6 of a debug exception
  bool software = false;  // INT n, INT3, INTO: gates' DPL counts
  bool external = false;  // an interrupt, NMI: EXT of error codes
  // Of an instruction that traps (INT n, INT3, INTO, INT1), while pc() is still its own.
  uint8_t length = 0;
};

class X86Cpu final : public GuestCpu {
 public:
  // The state lives in runtime.state.
  X86Cpu(CpuModel model, X86System& system, ir::Runtime& runtime);

  X86State& x86() { return state_; }
  const X86State& x86() const { return state_; }
  const CpuModel& model() const { return model_; }
  X86System& system() { return system_; }
  ir::Runtime& runtime() { return runtime_; }
  // The gate of address line 20: off, it is low in every physical address.
  void set_a20(bool on);
  bool bootstrap = true;  // reset leaves it running; others wait for a startup IPI

  // For logs: an instruction that is undefined or that the model lacks, and the CPUID bit it belongs to ("":
  // none); every exception and interrupt taken; a triple fault.
  std::function<void(uint64_t pc, std::string_view feature)> on_undefined;
  std::function<void(const Exception&)> on_exception;
  std::function<void()> on_triple_fault;
  std::function<void(uint32_t msr, bool write)> on_unknown_msr;

  // MXCSR with the sticky flags that translated code gathered; what is set need not be valid.
  uint32_t mxcsr() const;
  void set_mxcsr(uint32_t value);

  // --- for helpers. raise(): the current instruction faults; returns false, for `return cpu.raise(...)`.
  bool raise(const Exception& exception);
  bool raise(uint8_t vector) { return raise(Exception{.vector = vector}); }
  bool raise(uint8_t vector, uint32_t error) { return raise(Exception{.vector = vector, .error = error}); }
  bool raise(const X86System::LinearFault& fault, bool write);
  // Linear memory; false: raised. `implicit`: system tables, whatever the CPL.
  bool read(uint64_t linear, void* to, unsigned n, uint32_t permission_class);
  bool write(uint64_t linear, const void* from, unsigned n, uint32_t permission_class);
  uint32_t permission_class() const;  // of the current CPL's explicit accesses
  uint32_t implicit_class() const;    // of accesses to descriptor tables and the TSS
  // What raise() left, and forget it: for who takes it into account himself (double faults).
  std::optional<Exception> take_raised() { return std::exchange(raised_, std::nullopt); }
  // Modes may have changed: context, interrupts.
  void changed();
  // For the end of a helper whose instruction, of so many bytes, is complete and may have changed them: the
  // next one is gone on at in whichever context is current then. Length 0: the block goes on.
  bool go_on_behind(uint64_t length) {
    if (length) set_pc(state_.pc() + length);
    return length == 0;
  }
  // An exception of the instruction at pc() is delivered now (exceptions.h). False: the instruction is to be
  // executed again, by itself.
  bool take(const Exception& exception);
  // A trap of DR0 to DR3: bits of DR6, behind the instruction.
  void note_debug_trap(uint64_t bits) const;
  // No exception can be delivered: the processor shuts down, which resets the machine.
  void triple_fault();
  // A line or message: something is to be looked at between instructions.
  void interrupt_changed();
  void nmi();
  void init();                   // INIT: waits for startup() unless it is the bootstrap processor of a reset
  void startup(uint8_t vector);  // SIPI
  // While one of these lives, addresses are taken whole, whatever the code: system structures of a processor
  // in long mode lie anywhere.
  class WholeAddresses {
   public:
    explicit WholeAddresses(X86Cpu& cpu) : cpu_(cpu) { ++cpu_.whole_; }
    ~WholeAddresses() { --cpu_.whole_; }
    WholeAddresses(const WholeAddresses&) = delete;

   private:
    X86Cpu& cpu_;
  };

  // --- GuestCpu
  std::string_view name() const override { return model_.name; }
  const Frontend& frontend() const override { return frontend_; }
  void reset() override;
  void* state() override { return &state_; }
  size_t state_size() const override { return sizeof(X86State); }
  uint64_t pc() const override { return state_.pc(); }
  void set_pc(uint64_t pc) override;  // linear
  uint64_t canonical(uint64_t va) const override;
  uint64_t tag_bits() const override { return uint64_t{0xffffffff} << 32; }
  uint32_t address_space_ids() const override { return 1 << 12; }
  ContextKey context_key() override;
  uint32_t user_class() const override;
  TranslateResult translate(uint64_t va, Access access, uint32_t permission_class) override;
  Fault alignment_fault(uint64_t va, Access access, uint32_t permission_class) override;
  std::optional<Fault> unaligned_device(uint64_t, Access, uint32_t) override { return std::nullopt; }
  std::optional<Fault> nothing_there(uint64_t, Access, uint32_t) override { return std::nullopt; }
  const GuestStops& guest_stops() const override;
  bool watched(uint64_t va, uint64_t length, bool read, bool write, uint8_t note, uint32_t permission_class,
               Fault& fault) const override;
  void raise_fault(const Fault&, Access access, uint8_t note) override;
  void arrive(uint64_t pc, const Arrival& how) override;
  Entry enter() override;
  AfterExit engine_exit(uint8_t reason, uint64_t imm, uint64_t argument) override;
  bool call_helper(unsigned helper, const uint64_t args[4], uint64_t& result) override;
  bool interrupt_deliverable() const override;
  void deliver_interrupt() override;
  bool asleep() const override { return state_.sleep != Sleep::kNone; }
  bool wake_pending() const override;
  void wake() override;
  void others_ran() override {}

 private:
  uint64_t mode();
  uint64_t control_facts();
  uint64_t segment_facts();
  uint32_t note_stops(GuestStops stops);
  void complete_instruction();
  void reset_words(bool init);
  void take_event(const Exception& event);  // a trap or interrupt, which nothing raises again
  void look_for_interrupts();
  AfterExit halt();

  const CpuModel model_;
  const X86Frontend frontend_{model_};
  X86System& system_;
  ir::Runtime& runtime_;
  X86State& state_;
  std::optional<Exception> raised_;
  uint64_t x87_other_ = ~uint64_t{0};  // pc of the last block that was left for ExitReason::kX87Other
  bool again_ = false;  // the helper that runs is to be called again, its instruction by itself
  // Accepted, and to be delivered by itself (X86System::LinearFault::alone).
  std::optional<Exception> put_off_;
  unsigned whole_ = 0;  // WholeAddresses that live
  std::map<GuestStops, uint32_t> stops_numbers_;
  std::map<GuestStops, uint32_t>::const_iterator stops_ = stops_numbers_.end();
  uint32_t next_stops_ = 1;
  static constexpr uint64_t kAllLines = ~uint64_t{0};
  uint64_t address_lines_ = kAllLines;  // of physical addresses
  // What control_facts() last made its answer of.
  struct Control {
    uint64_t cr0, cr4, xcr0, efer, dr7;
    uint32_t fcw, mxcsr;
    bool operator==(const Control&) const = default;
  };
  Control control_{.cr0 = ~uint64_t{0}};
  uint64_t control_facts_ = 0;
};

}  // namespace mynah::x86
