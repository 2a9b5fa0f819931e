// SPDX-License-Identifier: Apache-2.0
//
// The IR: SSA over a region (one entry, many exits). A region is a flat list of instructions; a value is
// named by the index of the instruction that makes it. Guest-neutral: it knows state slots, memory, integers,
// flags groups, floats and vectors. ops.def declares every op; text.h prints and parses; verify.h checks.
//
// Invariants: an argument names an earlier instruction of the same block, or one of a dominating block.
// `param`s come first in their block. The last instruction of a block has effect kEnd, no other has. Every op
// with effect kLeave has a snapshot.
//
// An i32 value may be held with undefined upper bits by a backend; `zext32` defines them.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "ir/flags.h"

namespace mynah::ir {

enum class Type : uint8_t { none, i1, i8, i16, i32, i64, i128, flags, ptr, f16, f32, f64, v128, v256 };

constexpr bool is_fp(Type t) { return t >= Type::f16 && t <= Type::f64; }
constexpr bool is_vector_register(Type t) { return t >= Type::f16; }
constexpr unsigned bits(Type t) {
  constexpr uint16_t kBits[] = {0, 1, 8, 16, 32, 64, 128, 32, 64, 16, 32, 64, 128, 256};
  return kBits[static_cast<unsigned>(t)];
}
constexpr unsigned bytes(Type t) { return t == Type::i1 ? 1 : bits(t) / 8; }

enum Effects : uint8_t {
  kPure = 1 << 0,
  kReadState = 1 << 1,
  kWriteState = 1 << 2,
  kReadMemory = 1 << 3,
  kWriteMemory = 1 << 4,
  kFpStatus = 1 << 5,
  kLeave = 1 << 6,
  kEnd = 1 << 7,
};

enum class Op : uint16_t {
#define OP(name, result, arguments, effects) name,
#include "ir/ops.def"
#undef OP
  kCount
};

struct OpInfo {
  std::string_view name;
  std::string_view result;  // letters of ops.def
  std::string_view arguments;
  uint8_t effects;
};
const OpInfo& info(Op op);

using Value = uint32_t;
constexpr Value kNoValue = ~Value{0};
constexpr uint32_t kNoSnapshot = ~uint32_t{0};

struct Inst {
  Op op;
  Type type;  // of the result; Type::none without one
  uint8_t aux = 0;
  Value args[4] = {kNoValue, kNoValue, kNoValue, kNoValue};
  uint32_t snapshot = kNoSnapshot;
  uint64_t imm = 0;
};
static_assert(sizeof(Inst) == 32);

// guard: aux.
enum GuardAux : uint8_t {
  kGuardRead = 0,
  kGuardWrite = 1 << 0,
  kGuardUser = 1 << 1,       // with the unprivileged context's permissions
  kGuardReadWrite = 1 << 2,  // with kGuardWrite: the old contents are read too
  kGuardSlow = 1 << 3,       // always through C++, which may answer with a bounce buffer (see commit)
  kGuardAlignShift = 4,      // bits 6:4: log2 of the alignment that is demanded (0: none)
  kGuardMerged = 1 << 7,     // covers more than its own instruction's access: a miss is no fault yet
};
struct GuardRange {
  int32_t lo;        // bytes from the base
  uint32_t length;   // bytes, < kMaxGuardLength
  uint8_t element;   // log2 of one access's bytes, for devices; or kNoDevice
  uint8_t note = 0;  // the front end's own, for when the access faults
};
constexpr uint32_t kMaxGuardLength = 1 << 20;
constexpr uint8_t kNoDevice = 15;  // device memory does not serve it, at any address
constexpr uint64_t pack(GuardRange r) {
  return static_cast<uint32_t>(r.lo) | uint64_t{r.length} << 32 | uint64_t{r.note} << 52 |
         uint64_t{r.element} << 60;
}
constexpr GuardRange guard_range(const Inst& i) {
  return {static_cast<int32_t>(static_cast<uint32_t>(i.imm)),
          static_cast<uint32_t>(i.imm >> 32) & (kMaxGuardLength - 1), static_cast<uint8_t>(i.imm >> 60),
          static_cast<uint8_t>(i.imm >> 52)};
}

// load, store, cas, xchg, rmw: aux. imm is the signed byte offset from the pointer.
enum MemAux : uint8_t {
  kMemSizeMask = 7,     // log2 of the bytes, 0 to 4
  kMemSigned = 1 << 3,  // load: sign-extend to T
  kMemAcquire = 1 << 4,
  kMemRelease = 1 << 5,
};

// exit and exit_indirect: aux. kOtherJump: a jump that the guest tells apart from kJump where it arrives.
enum class BranchKind : uint8_t { kJump, kCall, kReturn, kOtherJump };
constexpr unsigned kBranchKinds = 4;

enum class FpRound : uint8_t { kTiesEven, kUp, kDown, kZero, kTiesAway, kCurrent };

// fto_int, int_to_f and their vector forms: imm.
struct FtoI {
  FpRound round;
  bool is_unsigned;
  uint8_t fraction_bits;
};
constexpr uint64_t pack(FtoI f) {
  return static_cast<uint64_t>(f.round) | (f.is_unsigned ? 8 : 0) | uint64_t{f.fraction_bits} << 8;
}
constexpr FtoI ftoi(uint64_t imm) {
  return {static_cast<FpRound>(imm & 7), (imm & 8) != 0, static_cast<uint8_t>(imm >> 8)};
}

// The floating-point mode a region was translated for (part of the block key).
struct FpMode {
  uint8_t round = 0;  // 0 nearest even, 1 up, 2 down, 3 zero
  bool default_nan = false;
  bool flush = false;  // single and double: subnormal inputs and results become zero
  bool flush_half = false;
  bool alternative_half = false;
  bool x86_nans = false;
  bool operator==(const FpMode&) const = default;
};

struct SlotInfo {
  std::string_view name;
  Type type;
  uint32_t offset;  // bytes into the guest state
};
using Slot = uint16_t;

// Guest state at a point where the region may leave: slots that differ from memory, the pc (bytes from the
// start of the page that the pc_page slot names) and how many of the region's instructions are complete.
struct SnapshotEntry {
  Slot slot;
  Value value;
};
struct Snapshot {
  int32_t pc_offset;
  uint32_t completed;
  uint32_t first, count;  // into Region::snapshot_entries
};

struct Block {
  uint32_t first, end;  // instructions
};

struct Region {
  std::vector<Inst> insts;
  std::vector<Block> blocks;
  std::vector<Snapshot> snapshots;
  std::vector<SnapshotEntry> snapshot_entries;
  std::vector<Value> jump_arguments;  // of jump and branch: see Inst::args[1] = first, args[2] = count
  std::span<const SlotInfo> slots;
  FpMode fp;
  uint32_t pc_offset = 0;    // of the first guest instruction
  uint32_t guest_insts = 0;  // on the path that leaves nowhere early
  uint32_t guest_bytes = 0;  // source range [pc_offset, pc_offset + guest_bytes)
  bool smp = false;          // memory orders and atomicity must hold against other host threads
  bool linkable = true;      // exits may go on in translated code; else each comes back to C++

  void clear();
  std::span<const SnapshotEntry> entries(const Snapshot& s) const {
    return {snapshot_entries.data() + s.first, s.count};
  }
  const Snapshot& snapshot(const Inst& i) const { return snapshots[i.snapshot]; }
};

struct V128 {
  uint64_t lo = 0, hi = 0;
  bool operator==(const V128&) const = default;
};

}  // namespace mynah::ir
