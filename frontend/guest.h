// SPDX-License-Identifier: Apache-2.0
//
// GuestCpu: what the engine knows of a guest processor that runs. A front end implements it; the engine is
// the same for every guest. All addresses are guest virtual unless they are called pa.
//
// While translated code runs the pc lives in the pc_page slot plus the region's offsets; the engine puts it
// back with set_pc() where an instruction did not complete, and with arrive() where execution goes on.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "frontend/frontend.h"
#include "frontend/translation.h"
#include "ir/ir.h"

namespace mynah {

// What the guest wants after exit_engine, a fault or an interrupt. kYield: it waits for what another
// processor does, and would go on. kHalt while the processor is awake: the instruction at pc() cannot
// complete before the host has something for it. kSlow: the instruction at pc() is to be run in the slow
// flavour; kStop: pc() is one of LiftOptions::stops. Vcpu::run() never returns these two.
enum class AfterExit : uint8_t { kContinue, kHalt, kYield, kShutdown, kReset, kDebug, kSlow, kStop };

// How execution came to pc(). The processor may remember it to the instruction there, which may check it, or
// be interrupted.
class Arrival {
 public:
  // By a branch that has executed. A direct exit, and one to the next instruction, is a kReturn.
  static Arrival by(ir::BranchKind branch) { return Arrival{branch, 0}; }
  // By whatever led to a block of this mode, of which nothing was executed.
  static Arrival at_block(uint64_t mode) { return Arrival{std::nullopt, mode}; }

  const std::optional<ir::BranchKind>& branch() const { return branch_; }
  uint64_t mode() const { return mode_; }

 private:
  Arrival(std::optional<ir::BranchKind> branch, uint64_t mode) : branch_(branch), mode_(mode) {}
  std::optional<ir::BranchKind> branch_;
  uint64_t mode_;
};

// What GuestCpu::enter() answers.
struct Entry {
  // What the block is keyed by beyond its context's key and its page's facts, since it was come to like
  // this: bits of CodeKey::mode that those leave zero.
  uint64_t facts = 0;
  // A branch of this kind would be entered alike, so the jump caches and links that such branches use are
  // right. None: no jump cache or link may lead to the block, nor on from it (ir::Region::linkable is false).
  std::optional<ir::BranchKind> alike;
  // Where there is none: yet a direct exit within the page that leads here always does in the same way.
  bool by_link = false;
  std::optional<Fault> fault;  // instead: nothing may be executed here
};

class GuestCpu {
 public:
  virtual ~GuestCpu() = default;
  virtual std::string_view name() const = 0;
  virtual const Frontend& frontend() const = 0;
  virtual void reset() = 0;

  // --- state
  virtual void* state() = 0;
  virtual size_t state_size() const = 0;
  virtual uint64_t pc() const = 0;
  virtual void set_pc(uint64_t pc) = 0;

  // --- translation of addresses
  virtual uint64_t canonical(uint64_t va) const = 0;  // without tag bits that translation ignores
  virtual uint64_t tag_bits() const = 0;              // all that it may ever ignore, as a mask
  virtual uint32_t address_space_ids() const = 0;     // there are so many
  virtual ContextKey context_key() = 0;
  virtual uint32_t user_class() const = 0;  // class of kGuardUser accesses
  // Walks the tables for the given class's access; on success the page's permissions for all classes.
  virtual TranslateResult translate(uint64_t va, Access access, uint32_t permission_class) = 0;
  // An access that its own guard demands to be aligned, and is not.
  virtual Fault alignment_fault(uint64_t va, Access access, uint32_t permission_class) = 0;
  // An access to a device that is not aligned to its elements, or crosses pages. No fault: it is made in
  // pieces.
  virtual std::optional<Fault> unaligned_device(uint64_t va, Access access, uint32_t permission_class) = 0;
  // An access to a physical address where nothing is. No fault: a read gives ones, a write is lost.
  virtual std::optional<Fault> nothing_there(uint64_t va, Access access, uint32_t permission_class) = 0;
  // What is behind the last context_key()'s `stops`: accesses to pages with watched bytes take the slow path,
  // blocks stop at breakpoints.
  virtual const GuestStops& guest_stops() const = 0;
  // A watchpoint of the guest's own is on these bytes. Asked of every access that takes the slow path, after
  // all that could fault. `note`: the guard's.
  virtual bool watched(uint64_t va, uint64_t length, bool read, bool write, uint8_t note,
                       uint32_t permission_class, Fault& fault) const = 0;
  // Takes the exception; pc() is the faulting instruction's, and the state as before it. `note`: the guard's
  // that faulted.
  virtual void raise_fault(const Fault&, Access access, uint8_t note) = 0;

  // --- entering code
  // Execution goes on at pc, come to like this.
  virtual void arrive(uint64_t pc, const Arrival& how) = 0;
  // The block at pc() is about to be entered. Its page is translated already: that may fault first.
  virtual Entry enter() = 0;

  // --- control
  virtual AfterExit engine_exit(uint8_t reason, uint64_t imm, uint64_t argument) = 0;
  // A `call` op. Returns false to leave the region (pc() then is where to go on).
  virtual bool call_helper(unsigned helper, const uint64_t args[4], uint64_t& result) = 0;
  virtual bool interrupt_deliverable() const = 0;  // pending and not masked
  virtual void deliver_interrupt() = 0;            // a sleeping processor wakes
  // From the kHalt of engine_exit() to wake(): executes nothing.
  virtual bool asleep() const = 0;
  virtual bool wake_pending() const = 0;  // what it waits for is there; a masked interrupt may be, too
  virtual void wake() = 0;                // one that is turned off stays asleep
  // Other processors have run since this one did, or since this was called.
  virtual void others_ran() = 0;
};

}  // namespace mynah
