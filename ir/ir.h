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

#include <array>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string_view>
#include <vector>

#include "ir/flags.h"

namespace mynah::ir {

enum class Type : uint8_t { none, i1, i32, i64, flags, ptr, f16, f32, f64, v128 };

constexpr bool is_fp(Type t) { return t >= Type::f16 && t <= Type::f64; }
constexpr bool is_vector_register(Type t) { return t >= Type::f16; }
constexpr unsigned bits(Type t) {
  constexpr uint8_t kBits[] = {0, 1, 32, 64, 32, 64, 16, 32, 64, 128};
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
#define OP(name, ...) name,
#include "ir/ops.def"
#undef OP
  kCount
};

// Kinds of ops, for what treats all of a kind alike.
enum class Family : uint8_t {
  kState,       // constants and state slots
  kInteger,     // of general registers
  kFlags,       // conditions and flags groups
  kMemory,      // what stands around accesses
  kAccess,      // of memory: pointer first, size and offset as attributes
  kControl,     // calls, leaving, jumps
  kMove,        // between register kinds, and of lanes
  kLogic,       // of whole vectors
  kVector,      // of integers in lanes
  kSaturating,  // the same, with a sticky flag
  kFloat,
  kCrypto,
  kExtended,  // extended floats in the guest's state: Region::f80_slots
};

// What an op's `aux` is, and what its `imm` is.
enum class AuxForm : uint8_t {
  kNone,
  kCond,        // Cond
  kFlagsWidth,  // FlagsAux
  kLane,        // log2 of a lane's bytes
  kLaneHigh,    // and bit 4: the high lanes
  kLaneRound,   // and bit 4: rounding
  kFormat,      // 1 half, 2 single, 3 double
  kFormatLow,   // and bit 4: the low lane alone
  kMemory,      // MemAux
  kGuard,       // GuardAux
  kBranch,      // BranchKind
  kSignal,      // bit 0: signalling
  kNumber,      // operand
};
enum class ImmForm : uint8_t {
  kNone,
  kNumber,    // operand
  kOptional,  // operand where it is not 0
  kConst,
  kSlot,
  kOffset,      // of an access
  kRange,       // of a guard
  kTarget,      // of exit and exit_if
  kRound,       // of fround
  kConversion,  // FtoI
  kEdges,       // of jump and branch
};

// What passes and backends ask of every instruction, close together.
struct OpFacts {
  Family family;
  AuxForm aux;
  ImmForm imm;
  uint8_t arguments;  // of Inst::args, how many are values (or, where an op allows it, kNoValue)
  uint8_t effects;
};
inline constexpr OpFacts kOpFacts[] = {
#define OP(name, family, result, arguments, aux, imm, effects) \
  {Family::family, AuxForm::aux, ImmForm::imm, sizeof(arguments) - 1, effects},
#include "ir/ops.def"
#undef OP
};
constexpr const OpFacts& facts(Op op) { return kOpFacts[static_cast<unsigned>(op)]; }
constexpr Family family(Op op) { return facts(op).family; }

// What the text form and the verifier ask beside that.
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

using Slot = uint16_t;

// exit and exit_indirect. kOtherJump: a jump that the guest tells apart from kJump where it arrives.
enum class BranchKind : uint8_t { kJump, kCall, kReturn, kOtherJump };
constexpr unsigned kBranchKinds = 4;

struct BitField {
  unsigned lsb, width;
};

// `aux` and `imm` keep an op's constant attributes in the form that ops.def names; whoever wants one asks for
// it by its own name. `args` are values and nothing else.
struct Inst {
  Op op;
  Type type;  // of the result; Type::none without one
  uint8_t aux = 0;
  Value args[4] = {kNoValue, kNoValue, kNoValue, kNoValue};
  uint32_t snapshot = kNoSnapshot;
  uint64_t imm = 0;

  Cond cond() const { return static_cast<Cond>(aux); }
  unsigned lane() const { return aux & 3; }        // log2 of bytes; of a float: its format
  bool high_or_round() const { return aux & 16; }  // AuxForm::kLaneHigh, kLaneRound
  bool low_lane() const { return aux & 16; }       // AuxForm::kFormatLow
  BitField field() const { return {aux, static_cast<unsigned>(imm)}; }
  unsigned data_bytes() const { return aux; }  // of a crc32
  bool signaling() const { return aux & 1; }
  uint8_t reason() const { return aux; }  // of an exit to the engine
  Slot slot() const { return static_cast<Slot>(imm); }
  unsigned helper() const { return static_cast<unsigned>(imm); }
  BranchKind branch() const { return static_cast<BranchKind>(aux); }
  unsigned access_size() const { return aux & 7; }              // log2 of bytes: MemAux
  int64_t offset() const { return static_cast<int64_t>(imm); }  // of an access, from its pointer
  int64_t target() const { return static_cast<int64_t>(imm); }  // of an exit, from the page's start
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

// fma_signs: imm. Bits 2:0 say what is computed; bits 5:4 the operand whose place the result takes: with
// kLowLane its other lanes stay.
enum FusedAux : uint8_t {
  kFusedAdd,     // a * b + c
  kFusedSub,     // a * b - c
  kFusedNegAdd,  // -(a * b) + c
  kFusedNegSub,  // -(a * b) - c
  kFusedAddSub,  // even lanes as kFusedSub, odd ones as kFusedAdd
  kFusedSubAdd,
  kFusedKinds,
  kFusedPlaceShift = 4,
};
constexpr uint8_t kLowLane = 16;  // AuxForm::kFormatLow

// The floating-point mode a region was translated for (part of the block key).
struct FpMode {
  uint8_t round = 0;  // 0 nearest even, 1 up, 2 down, 3 zero
  bool default_nan = false;
  bool flush = false;  // single and double: subnormal inputs and results become zero; with x86_nans, results
  bool flush_half = false;
  bool alternative_half = false;
  // NaNs, subnormal operands' flag, indefinite integers and what else of a result is x86's to say. Single and
  // double alone have it.
  bool x86_nans = false;
  bool denormals_zero = false;  // with x86_nans: subnormal inputs are zeros
  // Flags as where that exception is not masked: a tiny result underflows though it is exact, and neither is
  // inexact for being out of range.
  bool overflow_traps = false;
  bool underflow_traps = false;
  bool operator==(const FpMode&) const = default;
};

struct SlotInfo {
  std::string_view name;
  Type type;
  uint32_t offset;  // bytes into the guest state
};

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
// A way from one block to another, with the values that the target's parameters take.
struct Edge {
  uint32_t block;
  uint32_t first, count;  // into Region::jump_arguments
};

struct V128 {
  uint64_t lo = 0, hi = 0;
  bool operator==(const V128&) const = default;
};

// A set of state slots.
class SlotSet {
 public:
  static constexpr unsigned kMaxSlots = 192;  // that a guest may have
  constexpr SlotSet() = default;
  constexpr SlotSet(std::initializer_list<Slot> slots) {
    for (const Slot s : slots) add(s);
  }
  static constexpr SlotSet all() { return range(0, kMaxSlots); }
  static constexpr SlotSet range(Slot first, unsigned count) {
    SlotSet s;
    for (unsigned i = 0; i < count; ++i) s.add(static_cast<Slot>(first + i));
    return s;
  }
  constexpr void add(Slot s) { words_[s / 64] |= uint64_t{1} << s % 64; }
  constexpr bool contains(Slot s) const { return words_[s / 64] >> s % 64 & 1; }
  constexpr SlotSet operator|(const SlotSet& other) const {
    SlotSet s = *this;
    for (size_t i = 0; i < words_.size(); ++i) s.words_[i] |= other.words_[i];
    return s;
  }
  constexpr SlotSet operator-(const SlotSet& other) const {
    SlotSet s = *this;
    for (size_t i = 0; i < words_.size(); ++i) s.words_[i] &= ~other.words_[i];
    return s;
  }
  bool operator==(const SlotSet&) const = default;

 private:
  std::array<uint64_t, kMaxSlots / 64> words_{};
};

// What a `call` of a helper may do. State slots alone are meant: what a guest keeps beside them is its own.
struct HelperInfo {
  std::string_view name;
  SlotSet reads, writes;
  // It may fault or leave for another reason: then it wants the whole state in memory, as if it read every
  // slot.
  bool may_leave = true;
  // It may change translations of addresses or of code: host pointers do not outlive the call.
  bool safepoint = true;

  SlotSet needs() const { return may_leave ? SlotSet::all() : reads; }
};
// Of a helper that nobody declared.
inline constexpr HelperInfo kAnyHelper{"any", SlotSet::all(), SlotSet::all()};

// An address that is a sum of which one term has an upper bound: a table looked up by a byte. Guards of one
// `root` may be one guard of the whole table; see passes/merge_guards.cpp. Behind the guard's instruction
// comes an `index` of it by 0, which accesses have as their pointer.
struct BoundedAddress {
  Value guard;
  Value root;
  Value index;
  uint64_t offset;  // base of the guard = root + index + offset
};
constexpr uint64_t kMostIndex = 2048;  // bytes; greater ones are no bound

struct Region {
  std::vector<Inst> insts;
  std::vector<Block> blocks;
  std::vector<Snapshot> snapshots;
  std::vector<SnapshotEntry> snapshot_entries;
  std::vector<Edge> edges;            // of jump: one, of branch: where the condition holds, and the other
  std::vector<Value> jump_arguments;  // of edges
  std::vector<V128> wide_constants;
  std::vector<BoundedAddress> bounded;  // in the order of their guards
  std::span<const SlotInfo> slots;
  std::span<const HelperInfo> helpers;
  SlotSet f80_slots;  // what names memory that ops of Family::kExtended read and write
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
  // Of a `konst` of any type.
  V128 constant(const Inst& i) const { return i.type == Type::v128 ? wide_constants[i.imm] : V128{i.imm, 0}; }
  // Of a jump or branch.
  std::span<const Edge> edges_of(const Inst& i) const {
    return {edges.data() + i.imm, i.op == Op::branch ? 2u : 1u};
  }
  const HelperInfo& helper(const Inst& call) const {
    return helpers.empty() ? kAnyHelper : helpers[call.helper()];
  }
};

// Of an integer: its bits from this one up are zero.
unsigned known_bits(const Region& region, Value v);
// Of an integer: it is never greater.
uint64_t upper_bound(const Region& region, Value v);

}  // namespace mynah::ir
