// SPDX-License-Identifier: Apache-2.0
//
// What translated code, thunks and the engine share at run time: the frame that the pinned state register
// points into, the soft TLB that the pinned TLB register points to, the jump caches, and the C++ entries
// that thunks call. Plain data, fixed offsets, no guest specifics.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "ir/ir.h"

namespace mynah::ir {

// --- Soft TLB. One entry is hit when (address ^ tag) <= 4096 - length; the host pointer is then
// addend + (address ^ tag), that is, addend is the host address of the page. An entry that can never hit has
// a tag with another index (kTlbInvalidTag).
struct TlbEntry {
  uint64_t tag;
  uint64_t addend;
};
struct TlbPair {
  TlbEntry read, write;
};
constexpr unsigned kPageBits = 12;
constexpr uint64_t kPageSize = 1 << kPageBits;
constexpr unsigned kTlbBits = 12;
constexpr unsigned kTlbSize = 1 << kTlbBits;  // index = (address >> 12) & (kTlbSize - 1); pairs of 32 bytes
constexpr unsigned tlb_index(uint64_t address) { return (address >> kPageBits) & (kTlbSize - 1); }
// All zeros but in the first entry: no other one's addresses are that low.
constexpr uint64_t tlb_invalid_tag(unsigned index) { return index ? 0 : kPageSize; }

// --- Two pages of guest RAM that are neighbours to the guest, by their host addresses, and where the host
// has them side by side once more: for guards whose range lies across them. A place of the table has one
// pair; `both` is null until it is mapped.
struct PagePair {
  uint64_t first, second;
  uint64_t both;
  uint64_t asked;  // the engine's
};
constexpr unsigned kPagePairBits = 10;
constexpr unsigned kPagePairs = 1 << kPagePairBits;
constexpr uint32_t kPagePairMix = 0x9e3779b1;
constexpr unsigned page_pair_index(uint64_t first, uint64_t second) {
  return static_cast<uint32_t>((first * 3 + second) >> kPageBits) * kPagePairMix >> (32 - kPagePairBits);
}

// --- Jump cache: guest virtual address and kind of branch -> host code, valid within one code context (a
// translation context and the facts that code is keyed by). The kinds share the table, each with its own
// start: an entry that one of them made never hits for another one. An empty entry holds an address that has
// another index for every kind, so that no target, however odd, hits it. Direct exits count as returns.
struct JumpEntry {
  uint64_t address;
  uint64_t host;
};
constexpr unsigned kJumpBits = 12;
constexpr unsigned kJumpSize = 1 << kJumpBits;
// An odd number: every bit of an address, the lowest too, tells in the product's upper bits.
constexpr uint32_t kJumpMix = 0x9e3779b1;
constexpr unsigned jump_index(uint64_t address) {
  return static_cast<uint32_t>(address) * kJumpMix >> (32 - kJumpBits);
}
constexpr unsigned kJumpStart = 64;  // between the kinds' starts
constexpr unsigned kJumpEntries = kJumpSize + (kBranchKinds - 1) * kJumpStart;
constexpr unsigned jump_index(uint64_t address, BranchKind branch) {
  return jump_index(address) + static_cast<unsigned>(branch) * kJumpStart;
}
constexpr uint64_t jump_invalid_address(unsigned index) {
  for (unsigned kind = 0; kind < kBranchKinds; ++kind)
    if (jump_index(0) + kind * kJumpStart == index) return 1;
  return 0;
}
static_assert([] {
  for (unsigned i = 0; i < kJumpEntries; ++i)
    for (unsigned branch = 0; branch < kBranchKinds; ++branch)
      if (jump_index(jump_invalid_address(i), static_cast<BranchKind>(branch)) == i) return false;
  return true;
}());

// --- Code names: numbers for what a context's mappings of code are. Two contexts have the same one where
// the same pages are mapped alike, and a number ends with the first invalidation that may concern such a
// page. kCommon is for what every address space under the same tables has (a kernel), kOwn for the others.
enum class NameKind : uint8_t { kCommon, kOwn };
constexpr unsigned kNameKinds = 2;
constexpr uint32_t kCodeNamesEnd = (1 << 30) - 1;  // they are below: a tag has 30 bits for them; 0: none

// --- Second jump cache: behind those of all contexts, keyed by the code name of the address's page and the
// kind of branch, so that code that several contexts map alike is found again in each of them.
struct SecondJumpEntry {
  uint64_t address = 0;
  uint64_t host = 0;
  uint32_t tag = ~uint32_t{0};  // second_jump_tag(); no context ever has this one
  uint32_t unused[3] = {};
};
constexpr unsigned kSecondJumpBits = 14;
constexpr unsigned kSecondJumpSize = 1 << kSecondJumpBits;
constexpr uint32_t second_jump_tag(uint32_t name, BranchKind branch) {
  return name << 2 | static_cast<uint32_t>(branch);
}
static_assert(kBranchKinds <= 4);
constexpr unsigned second_jump_index(uint64_t address, uint32_t tag) {
  return (static_cast<uint32_t>(address) * kJumpMix >> (32 - kSecondJumpBits) ^ tag * kJumpMix) &
         (kSecondJumpSize - 1);
}

// --- Return stack, of backends that have one: the host's own, so that the host predicts a guest's returns as
// it does its own. A call pushes the guest's return address and the host address of what leads on there; a
// return that finds its target on top goes there. What it holds is as valid as the jump cache, and forgotten
// with it. There is no check of its depth: Runtime::counter bounds the calls from enter() on.
struct ReturnEntry {
  uint64_t host;
  uint64_t address;
};
constexpr int64_t kMostCalls = 1 << 18;  // from one enter() on
constexpr int64_t kKeptCalls = 1 << 16;  // from one enter() to the next, at most
// Behind the deepest entry: what a region pushes for a thunk, and a host signal's frame. Hardly any of it is
// ever touched.
constexpr size_t kReturnStackBytes = (kMostCalls + kKeptCalls) * sizeof(ReturnEntry) + (256 << 10);
// The end of a stack in `memory`: what an empty one's top is. Before anything runs.
ReturnEntry* make_return_stack(uint8_t* memory, size_t bytes = kReturnStackBytes);

// One translation context's table. The engine derives its own class from it.
struct alignas(64) TlbTable {
  std::array<TlbPair, kTlbSize> tlb;  // offset 0
};

// Why translated code came back to C++.
enum class Leave : uint32_t {
  kLink,      // a direct exit that is not linked; site names it
  kIndirect,  // target missed the jump cache; exit_target holds the address, exit_argument the BranchKind
  kDeadline,  // the down-counter ran out at a region's entry; site names the region; nothing of it was
              // executed
  kEngine,    // exit_engine, exit_engine_if; site names it, exit_argument holds the value
  kGuard,     // a guard could not be satisfied; the state was rebuilt from its snapshot
  kCall,      // a helper asked to leave; the state was rebuilt from its snapshot
  kDead,      // the region was invalidated; site names it; nothing of it was executed
};

struct Runtime;

// The guest's floating-point environment on the host's own instructions, where that is.
struct HostFloat {
  uint32_t (*flags)(const Runtime&);  // sticky flags that the host gathered, in softfloat's bits
  void (*clear_flags)(Runtime&);
  void (*set_mode)(Runtime&, const FpMode&);
};

// Registers as a guard miss or helper saves them, for snapshots; and where code keeps what it has no register
// for.
constexpr unsigned kSpillSlots = 256;
struct HostRegisters {
  std::array<uint64_t, 32> gpr;
  std::array<std::array<uint64_t, 2>, 32> vec;
  std::array<uint64_t, kSpillSlots> spill;
};

constexpr uint32_t kNoF80File = 0;

// The guest state follows directly behind (`state` is the first byte of it).
struct alignas(64) Runtime {
  TlbTable* tlb;       // loaded into the pinned TLB register on entry, and after calls
  TlbTable* user_tlb;  // for kGuardUser
  // The current code context's: kJumpEntries, names for links between pages and the second jump cache, the
  // return stack's end (a return that comes to it asks the jump caches) and where it is to go on.
  JumpEntry* jumps;
  std::array<uint32_t, kNameKinds> code_names;
  ReturnEntry* empty_return;
  ReturnEntry* return_top;
  int64_t counter;  // guest instructions left, at most kMostCalls; in a register while translated code runs
  uint64_t exit_target;
  uint64_t exit_argument;
  uint64_t exit_site;    // host address within the code, see Site::offset
  uint32_t exit_reason;  // Leave
  uint32_t fp_sticky;  // sticky FP and saturation flags that C++ accumulated (softfloat's bits; 1 << 27: QC)
  const HostFloat* host_float;        // set by Backend::prepare(); null: C++ alone computes
  alignas(16) std::byte backend[32];  // the backend's own: control words, what enter saves
  // C++ entries. guard_miss: returns true to resume, having put the pointer into its register and resume_at.
  // It is asked for an exit_engine_if too (by the site's kind), and then leaves with Leave::kEngine.
  bool (*guard_miss)(Runtime*, uint64_t site, HostRegisters*);
  // A `call` op: true to go on. Result in call_result.
  bool (*call_helper)(Runtime*, uint64_t site, HostRegisters*);
  // Reference meaning of an op that has no emitter: op | type<<16 | aux<<24 | argument i's type << (32 + 8i);
  // imm; args in vector_args.
  void (*run_op)(Runtime*, uint64_t op, uint64_t imm);
  SecondJumpEntry* second_jumps;  // kSecondJumpSize of them
  const PagePair* page_pairs;     // kPagePairs of them; new_runtime() gives it a table of none
  uint64_t resume_at;
  uint64_t call_args[4];
  uint64_t call_result;
  void* engine;  // the owning vCPU object, for the C++ entries
  alignas(16) V128 vector_args[4];
  V128 vector_result;
  HostRegisters registers;
  FpMode fp_mode;     // of the current context's mode, for run_op
  uint32_t f80_file;  // of the guest's extended floats in its state (ir/f80.h); kNoF80File: it has none
  alignas(64) uint8_t state[];
};

// A zeroed frame with room for state_size bytes of guest state; the guest is constructed over frame->state.
Runtime* new_runtime(size_t state_size);
void delete_runtime(Runtime* runtime);
inline Runtime* runtime_of(void* state) {
  return reinterpret_cast<Runtime*>(static_cast<uint8_t*>(state) - offsetof(Runtime, state));
}

// Sticky flags of guest floating point: what the host gathered (invalid 1, divide by zero 2, overflow 4,
// underflow 8, inexact 16; where FpMode::x86_nans is set, subnormal operand 128) and what C++ gathered
// (fp_sticky). Reading leaves them; set replaces them.
uint32_t fp_flags(const Runtime& runtime);
void set_fp_flags(Runtime& runtime, uint32_t flags);
// Runtime::fp_mode, and what of it the host's instructions go by; sticky flags untouched.
void set_fp_mode(Runtime& runtime, const FpMode& mode);

}  // namespace mynah::ir
