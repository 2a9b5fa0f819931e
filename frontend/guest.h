// SPDX-License-Identifier: Apache-2.0
//
// GuestCpu: what the engine knows of a guest processor. A front end implements it; the engine is the same for
// every guest. All addresses are guest virtual unless they are called pa.
//
// The engine calls at(pc) style state through pc()/set_pc(); while translated code runs the pc lives in the
// pc_page slot plus the region's offsets, and the engine puts it back with set_pc_offset() when code leaves.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ir/ir.h"

namespace mynah {

enum class Access : uint8_t { kRead, kWrite, kExecute };

// Permission classes: who asks. A context belongs to one. Arm: EL0, EL1, EL1 with PAN.
constexpr unsigned kMaxClasses = 3;
enum Permission : uint8_t { kCanRead = 1, kCanWrite = 2, kCanExecute = 4 };

// One translated page, as a TLB keeps it.
struct Translation {
  uint64_t pa = 0;         // of the byte asked for
  uint8_t page_bits = 12;  // log2 of the mapping's size, at least 12
  uint8_t permissions[kMaxClasses] = {};
  bool global = false;          // for every address-space id
  bool device = false;          // device memory: no guard may be satisfied unaligned
  bool always_aligned = false;  // every guard that may be satisfied there demands it of itself
  bool guarded = false;         // Arm: GP bit
};

// A fault, to be raised by raise_fault(). Opaque to the engine.
struct Fault {
  uint64_t words[4] = {};
};

struct TranslateResult {
  bool ok = false;
  Translation page;
  Fault fault;
};

// The words themselves, never a hash: a guest can make hashes collide.
using Regime = std::array<uint64_t, 3>;

constexpr unsigned kModeBits = 46;  // of ContextKey::mode; the engine has the others of a block's key

// Everything that selects translations and translated code. Contexts are found by it.
struct ContextKey {
  uint64_t spaces[2] = {};  // table roots
  Regime regime{};          // control words that change how tables are read
  uint64_t mode = 0;        // block key: facts fixed while lifting; below kModeBits
  uint32_t stops = 0;       // GuestCpu::guest_stops(), by a number; 0: none
  uint32_t asid = 0;
  uint32_t permission_class = 0;
  bool operator==(const ContextKey&) const = default;
};

struct LiftOptions {
  unsigned max_insts = 64;
  // Offsets in the page, ascending: a block ends in front of one, and one that begins there leaves at once
  // for the engine (kStop).
  std::span<const uint16_t> stops;
  bool slow = false;  // every access through the slow path (see ir/ops.def: guard, commit), nothing left out
  bool side_exits = true;  // a block may go on behind a conditional branch
  bool reuse = true;       // equal computations are made once
};

// What the guest wants after exit_engine, a fault or an interrupt. kSlow: the instruction at pc() is to be
// run in the slow flavour; kStop: pc() is one of LiftOptions::stops. Vcpu::run() never returns these two.
enum class AfterExit : uint8_t { kContinue, kHalt, kShutdown, kReset, kDebug, kSlow, kStop };

// What a guest's own debug registers stop at, as far as they could at the moment.
struct GuestStops {
  std::vector<uint64_t> breakpoints;  // addresses, ascending
  struct Range {
    uint64_t first = 0, last = 0;  // addresses without tags
    bool operator==(const Range&) const = default;
    auto operator<=>(const Range&) const = default;
  };
  std::vector<Range> watched;
  bool operator==(const GuestStops&) const = default;
  auto operator<=>(const GuestStops&) const = default;
};

class GuestCpu {
 public:
  virtual ~GuestCpu() = default;
  virtual std::string_view name() const = 0;
  virtual void reset() = 0;

  // --- state
  virtual void* state() = 0;
  virtual size_t state_size() const = 0;
  virtual std::span<const ir::SlotInfo> slots() const = 0;
  virtual uint64_t pc() const = 0;
  virtual void set_pc(uint64_t pc) = 0;

  // --- translation of addresses
  virtual uint64_t canonical(uint64_t va) const = 0;  // without tag bits that translation ignores
  virtual ContextKey context_key() = 0;
  virtual uint32_t user_class() const = 0;  // class of kGuardUser accesses
  // Walks the tables for the given class's access; on success the page's permissions for all classes.
  virtual TranslateResult translate(uint64_t va, Access access, uint32_t permission_class) = 0;
  // A fault found without a walk: permission (from a TLB entry), alignment, external abort.
  enum class FaultKind : uint8_t { kPermission, kAlignment, kExternal };
  virtual Fault make_fault(uint64_t va, Access access, uint32_t permission_class, FaultKind kind) = 0;
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

  // --- translation of code
  // Lifts the block at page offset pc_offset; `page` holds the bytes of the page up to its end. mode is the
  // key's.
  virtual void lift(ir::Region& region, std::span<const uint8_t> page, uint32_t pc_offset, uint64_t mode,
                    const LiftOptions& options) = 0;
  virtual ir::FpMode fp_mode(uint64_t mode) const = 0;
  // What the block at pc() is keyed by beyond its context's key: attributes of its page, and how it was
  // reached. True: pc is no valid address of code, and that was raised.
  virtual bool enter(const Translation& page, uint64_t& facts) = 0;
  virtual bool enters_plainly() const = 0;           // a direct branch to pc() would be entered alike
  virtual void branched(ir::BranchKind branch) = 0;  // pc() was reached by an exit_indirect
  virtual void not_entered(uint64_t mode) = 0;       // a block of this mode was reached, not executed

  // --- control
  virtual AfterExit engine_exit(uint8_t reason, uint64_t imm, uint64_t argument) = 0;
  // A `call` op. Returns false to leave the region (pc() then is where to go on).
  virtual bool call_helper(unsigned helper, const uint64_t args[4], uint64_t& result) = 0;
  virtual bool interrupt_deliverable() const = 0;  // pending and not masked
  virtual void deliver_interrupt() = 0;            // a sleeping processor wakes
  // From the kHalt of engine_exit() to wake(): executes nothing.
  virtual bool asleep() const = 0;
  virtual bool wake_pending() const = 0;  // what it waits for is there; a masked interrupt may be, too
  virtual void wake() = 0;
};

}  // namespace mynah
