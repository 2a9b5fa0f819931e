// SPDX-License-Identifier: Apache-2.0
//
// What a register allocator works on: a backend's instruction selection turns a region into steps (one host
// idiom each, with the operands that must be in registers), the allocator fills in registers and inserts
// moves in front of steps. Target-neutral: the target says which registers exist and in which order it likes
// them.
//
// Values are named by the IR value that makes them. Values that share a register by nature (a truncation)
// appear here under one name only, their root.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "ir/ir.h"

namespace mynah::ir::alloc {

// Registers: 0 to 31 general, 32 to 63 vector. The values from kAny up are no registers.
using Reg = uint8_t;
constexpr Reg kVectorBase = 32;
constexpr Reg kNone = 0xff;       // no operand
constexpr Reg kAny = 0xfe;        // before allocation: any register
constexpr Reg kImmediate = 0xfd;  // a constant that the instruction encodes
constexpr Reg kMemory = 0xfc;     // a state slot that the instruction reads
constexpr Reg kHostFlags = 0xfb;  // the host's flags register holds it
constexpr bool is_register(Reg r) { return r < 64; }

using RegSet = uint64_t;
constexpr RegSet bit(Reg r) { return RegSet{1} << r; }
constexpr RegSet kGeneral = 0xffffffff, kVector = kGeneral << 32;
constexpr RegSet class_of(Type t) { return is_vector_register(t) ? kVector : kGeneral; }

constexpr uint32_t kNever = ~uint32_t{0};

enum StepTraits : uint8_t {
  kCommutative = 1 << 0,     // operands 0 and 1 may be exchanged when operand 0 is tied
  kEarlyResult = 1 << 1,     // the result is written before every operand has been read
  kArgsSurvive = 1 << 2,     // operands are read after the clobbered registers have been written
  kOptionalResult = 1 << 3,  // nobody may ask for the result in a register: then there is none
  kWantsFlags = 1 << 4,      // the host flags that the instruction leaves are used
  kClobbersAll = 1 << 5,     // leaves the translated code: `clobbers` are what a call may change
};

constexpr uint8_t kNotTied = 0xff;

struct Step {
  uint32_t inst;
  uint8_t arguments = 0;  // operands are below this number
  Value value[4] = {kNoValue, kNoValue, kNoValue,
                    kNoValue};  // the root for registers and memory, else the constant
  Reg where[4] = {kNone, kNone, kNone,
                  kNone};  // in: kAny, a fixed register, or no register; out: the register
  Value result = kNoValue;
  Reg result_where = kNone;  // in: kAny or a fixed register (also in clobbers); out: the register
  uint8_t tied = kNotTied;   // the operand whose register the result takes
  uint8_t traits = 0;
  uint8_t general_temps = 0, vector_temps = 0;  // at most 3 together
  uint8_t target = 0;                           // for the backend's own use
  Reg temp[3] = {kNone, kNone, kNone};          // out
  uint16_t move_count = 0;                      // out: moves in front of the step
  uint32_t first_move = 0;
  uint32_t first_spot = 0;    // out: where the snapshot's values are, one an entry
  Value in_flags = kNoValue;  // the snapshot's flags value that the host's flags hold: needs no spot
  RegSet clobbers = 0;
  uint32_t next[4] = {kNever, kNever, kNever, kNever};  // liveness: the next use after this step
  uint32_t result_next = kNever;
};

// Where a value is.
struct Spot {
  // kFlags: in the host's flags. kSlot: the state slot that it was loaded from, which has not changed.
  // kRecipe: nowhere; `recipe`'s operands are at Program::leaf_spots from `leaves` on.
  enum class Kind : uint8_t { kRegister, kSpill, kConst, kFlags, kSlot, kRecipe } kind;
  Reg reg = kNone;
  uint16_t spill = 0;
  uint32_t recipe = 0, leaves = 0;
};

// How a flags group that no register keeps is made again where a snapshot is written: the op over `leaves`,
// or, with `undo`, over what an addition's or subtraction's result and second operand say the first one was.
struct Recipe {
  Op op;
  Type type;  // of the operands
  uint8_t aux = 0;
  uint8_t leaves = 0;
  bool undo = false;
  Value leaf[2] = {kNoValue, kNoValue};
};

struct Move {
  enum class Kind : uint8_t {
    kCopy,
    kSpill,
    kReload,
    kConst,
    kHome
  } kind;  // kHome: loaded again from its slot
  Reg to = kNone, from = kNone;
  uint16_t spill = 0;
  Value value = kNoValue;
};

// Facts about a value that the allocator asks for.
struct ValueFacts {
  Value root;             // names itself unless it shares another value's register
  bool constant = false;  // materialized anywhere, never stored to a spill slot
  bool home = false;      // a state slot that nothing writes: can be loaded again (never in a snapshot)
  uint16_t recipe = 0;    // 1 + the number of the recipe that snapshots have it made by
};

struct Target {
  RegSet allocatable = 0;
  RegSet call_clobbers = 0;
  RegSet cheap = 0;          // registers with shorter encodings, preferred for values of at most 32 bits
  unsigned spill_slots = 0;  // of 8 bytes; a 16-byte value takes two
};

struct Program {
  const Region* region = nullptr;
  std::vector<Step> steps;
  std::vector<ValueFacts> facts;  // by IR value
  std::vector<Recipe> recipes;
  SlotSet written;  // slots that something in the region writes to
  // filled in by the allocator
  std::vector<Move> moves;
  std::vector<Spot> spots;
  std::vector<Spot> leaf_spots;
  std::vector<uint32_t> snapshot_end;  // by IR value: 1 + the last step whose snapshot holds it, 0: none
  bool too_complex = false;            // ran out of spill slots

  void clear(const Region& r) {
    region = &r;
    steps.clear();
    moves.clear();
    spots.clear();
    leaf_spots.clear();
    recipes.clear();
    too_complex = false;
  }
  Type type(Value v) const { return region->insts[v].type; }
  const Recipe* recipe(Value v) const { return facts[v].recipe ? &recipes[facts[v].recipe - 1u] : nullptr; }
  // Whether a recipe's operand can be read from its state slot.
  bool in_slot(Value root, const Recipe& recipe) const {
    const Inst& i = region->insts[root];
    return i.op == Op::get && (i.type == Type::flags || bits(i.type) >= bits(recipe.type)) &&
           !written.contains(i.slot());
  }
};

}  // namespace mynah::ir::alloc
