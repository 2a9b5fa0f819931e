// SPDX-License-Identifier: Apache-2.0
//
// Random single-block regions over the test slots, for properties that every pass and the text form must
// keep; and a region built again through the folding builder.
#pragma once

#include <gtest/gtest.h>

#include "ir/builder.h"
#include "ir/op_forms.h"
#include "ir/verify.h"
#include "tests/ir/ir_test_support.h"

namespace mynah::ir::test {

class RegionMaker {
 public:
  RegionMaker(Region& r, uint64_t seed) : r_(r), random_(seed) {}

  // Integer expressions over x0-x7, w0-w3, c0, nzcv and v0-v3; with `leaving`, also memory at x8 (in the
  // lower half of the address space, mostly), state writes, calls and exits.
  void run(bool leaving) {
    r_.clear();
    r_.slots = test_slots();
    for (int i = 0; i < 8; ++i) add({.op = Op::get, .type = Type::i64, .imm = static_cast<uint64_t>(i)});
    for (const char* name :
         {"w0", "w1", "w2", "w3", "c0", "nzcv", "v0", "v1", "v2", "v3", "x8", "s0", "d0"}) {
      const Slot slot = slot_of(name);
      add({.op = Op::get, .type = test_slots()[slot].type, .imm = slot});
    }
    base_ = static_cast<Value>(r_.insts.size()) - 3;  // x8
    chained_ = random_.below(2);
    const unsigned steps = 10 + random_.below(60);
    for (unsigned s = 0; s < steps; ++s) {
      switch (leaving ? random_.below(8) : 0) {
        case 5:
          access();
          break;
        case 6:
          effect();
          break;
        default:
          pure();
          break;
      }
    }
    snapshot_all();
    leave({.op = Op::exit, .type = Type::none, .imm = 0x40});
    r_.blocks.push_back({0, static_cast<uint32_t>(r_.insts.size())});
  }

 private:
  Value add(const Inst& i) {
    r_.insts.push_back(i);
    return static_cast<Value>(r_.insts.size() - 1);
  }

  Value any(Type type) {
    // Chains of operations on operations: one of the latest values, most of the time.
    if (chained_ && random_.below(3)) {
      unsigned found = 0;
      const unsigned wanted = random_.below(3);
      for (Value v = static_cast<Value>(r_.insts.size()); v-- > 0;) {
        if (r_.insts[v].type == type && r_.insts[v].op != Op::konst && found++ == wanted) return v;
      }
    }
    for (int tries = 0; tries < 40; ++tries) {
      const Value v = random_.below(static_cast<unsigned>(r_.insts.size()));
      if (r_.insts[v].type == type) return v;
    }
    for (Value v = 0; v < r_.insts.size(); ++v) {
      if (r_.insts[v].type == type) return v;
    }
    return kNoValue;
  }
  Value maybe_const(Type type) {
    if ((type == Type::i32 || type == Type::i64) && random_.below(3) == 0) {
      static constexpr uint64_t kFew[] = {0,         1, 2, 4, 8, 31, 32, 63, 0xff, 0xffffffff, ~uint64_t{0},
                                          0x80000000};
      uint64_t k = random_.below(2) ? kFew[random_.below(std::size(kFew))] : random_.edgy();
      if (type == Type::i32) k &= 0xffffffff;
      return add({.op = Op::konst, .type = type, .imm = k});
    }
    if (type == Type::i1 && random_.below(4) == 0)
      return add({.op = Op::konst, .type = type, .imm = random_.below(2)});
    if (type == Type::flags && random_.below(4) == 0) {
      return add({.op = Op::fl_konst, .type = type, .imm = random_.next() & kAllFlags});
    }
    return any(type);
  }

  static bool flags_or_condition(Op op) {
    return op == Op::icmp || op == Op::icmpz || op == Op::cond || op == Op::testbit;
  }

  void pure() {
    for (int tries = 0; tries < 20; ++tries) {
      Inst i{.op = static_cast<Op>(random_.below(static_cast<unsigned>(Op::kCount))), .type = Type::none};
      // The folder's own ops are the first ones: favour them.
      if (random_.below(4)) i.op = static_cast<Op>(random_.below(static_cast<unsigned>(Op::guard)));
      const OpInfo& facts = info(i.op);
      if ((facts.effects & ~(kPure | kFpStatus)) != 0 || i.op == Op::param || i.op == Op::konst) continue;
      if (i.op == Op::index) continue;
      if (i.op == Op::fcvt || i.op == Op::fto_int || i.op == Op::crc32) continue;
      const Type integer = random_.below(2) ? Type::i64 : Type::i32;
      switch (facts.result[0]) {
        case 'T':
          i.type = family(i.op) == Family::kFloat ? Type::v128 : integer;
          break;
        case 'l':
          i.type = Type::i64;
          break;
        case 'w':
          i.type = Type::i32;
          break;
        case 'b':
          i.type = Type::i1;
          break;
        case 'g':
          i.type = Type::flags;
          break;
        case 'v':
          i.type = Type::v128;
          break;
        default:
          continue;
      }
      if (i.op == Op::umulh || i.op == Op::smulh || i.op == Op::bswap32) i.type = Type::i64;
      if (i.op == Op::vlow) i.type = random_.below(2) ? Type::f64 : Type::f32;
      if (i.op == Op::int_to_f) i.type = Type::f64;
      if (i.op == Op::select && random_.below(3) == 0) i.type = random_.below(2) ? Type::v128 : Type::i1;
      bool complete = true;
      for (size_t k = 0; k < facts.arguments.size(); ++k) {
        switch (facts.arguments[k]) {
          case 'T':
            i.args[k] = maybe_const(i.type);
            break;
          case 'i':
            i.args[k] = maybe_const(integer);
            break;
          case 'l':
            i.args[k] = maybe_const(Type::i64);
            break;
          case 'w':
            i.args[k] = maybe_const(Type::i32);
            break;
          case 'b':
            i.args[k] = maybe_const(Type::i1);
            break;
          case 'g':
            i.args[k] = maybe_const(Type::flags);
            break;
          case 'v':
            i.args[k] = any(Type::v128);
            break;
          case 'f':
            i.args[k] = any(Type::f64);
            break;
          default:
            complete = false;
            break;
        }
        if (i.args[k] == kNoValue) complete = false;
      }
      if (!complete) continue;
      if (random_.below(5) == 0 && i.args[1] != kNoValue &&
          r_.insts[i.args[0]].type == r_.insts[i.args[1]].type) {
        i.args[1] = i.args[0];
      }
      if (i.op == Op::fl_bits && !has_all_flags(i.args[0])) continue;
      if (!attributes(i)) continue;
      add(i);
      return;
    }
  }

  // Of other groups P and A are unspecified.
  bool has_all_flags(Value v) const {
    const Op op = r_.insts[v].op;
    return op == Op::fl_konst || op == Op::fl_of_bits || facts(op).aux == AuxForm::kFlagsWidth;
  }

  // Draws aux and imm until the verifier likes them.
  bool attributes(Inst& i) {
    Region probe;
    probe.slots = r_.slots;
    for (int tries = 0; tries < 60; ++tries) {
      i.aux = 0;
      i.imm = 0;
      switch (facts(i.op).aux) {
        case AuxForm::kNone:
          break;
        case AuxForm::kCond:
          i.aux = static_cast<uint8_t>(i.op == Op::cond && has_all_flags(i.args[0])
                                           ? random_.below(kConds)
                                           : random_.below(static_cast<unsigned>(Cond::pe)));
          break;
        case AuxForm::kFlagsWidth:
          i.aux = static_cast<uint8_t>(random_.below(3) | (random_.below(2) ? kFlagsBorrow : 0));
          break;
        case AuxForm::kLaneHigh:
        case AuxForm::kLaneRound:
          i.aux = static_cast<uint8_t>(random_.below(4) | random_.below(2) << 4);
          break;
        case AuxForm::kNumber:
          i.aux = static_cast<uint8_t>(random_.below(64));
          break;
        case AuxForm::kSignal:
          i.aux = static_cast<uint8_t>(random_.below(2));
          break;
        default:
          i.aux = static_cast<uint8_t>(random_.below(4));
          break;
      }
      switch (facts(i.op).imm) {
        case ImmForm::kNumber:
          i.imm = random_.below(3) ? random_.below(16) : random_.below(65);
          break;
        case ImmForm::kRound:
        case ImmForm::kConversion:
          i.imm = random_.below(6);
          break;
        default:
          break;
      }
      if (i.op == Op::fl_konst || i.op == Op::fl_merge) i.imm = random_.next() & kAllFlags;
      if (acceptable(i, probe)) return true;
    }
    return false;
  }
  // A region of its own for the instruction: the arguments' types as constants, then it, then an exit.
  bool acceptable(Inst i, Region& probe) {
    probe.insts.clear();
    probe.blocks.clear();
    probe.snapshots.assign(1, {});
    probe.wide_constants.assign(1, {});
    const size_t n = info(i.op).arguments.size();
    for (size_t k = 0; k < n; ++k) {
      probe.insts.push_back({.op = Op::konst, .type = r_.insts[i.args[k]].type});
      i.args[k] = static_cast<Value>(k);
    }
    probe.insts.push_back(i);
    probe.insts.push_back({.op = Op::exit, .type = Type::none, .snapshot = 0});
    probe.blocks.push_back({0, static_cast<uint32_t>(probe.insts.size())});
    return verify(probe).empty();
  }

  // --- memory and effects
  void snapshot_all() {
    Snapshot s{static_cast<int32_t>(4 * completed_), completed_,
               static_cast<uint32_t>(r_.snapshot_entries.size()), 0};
    ++completed_;
    for (const char* name : {"x9", "x10", "x12", "x13", "w0", "w1", "v4", "c0", "nzcv"}) {
      if (random_.below(4) == 0) continue;
      const Slot slot = slot_of(name);
      r_.snapshot_entries.push_back({slot, any(test_slots()[slot].type)});
      ++s.count;
    }
    r_.snapshots.push_back(s);
  }
  Value leave(Inst i) {
    i.snapshot = static_cast<uint32_t>(r_.snapshots.size() - 1);
    return add(i);
  }

  // A guard near x8, x8 + constants or a random address, and accesses within it.
  void access() {
    snapshot_all();
    Value base = base_;
    for (unsigned n = random_.below(3); n > 0; --n) {
      const auto step = static_cast<uint64_t>(int64_t{random_.below(96)} - 48);
      base =
          add({.op = Op::add,
               .type = Type::i64,
               .args = {base, add({.op = Op::konst, .type = Type::i64, .imm = step}), kNoValue, kNoValue}});
    }
    const bool writes = random_.below(2);
    const auto lo = static_cast<int32_t>(random_.below(40)) - 20;
    const unsigned length = 1u << random_.below(6);
    uint8_t aux =
        static_cast<uint8_t>(writes ? kGuardWrite | (random_.below(2) ? kGuardReadWrite : 0) : kGuardRead);
    if (random_.below(6) == 0) aux |= kGuardUser;
    if (random_.below(8) == 0) aux |= kGuardSlow;
    if (random_.below(8) == 0) aux |= 2 << kGuardAlignShift;
    const Value p = leave({.op = Op::guard,
                           .type = Type::ptr,
                           .aux = aux,
                           .args = {base, kNoValue, kNoValue, kNoValue},
                           .imm = pack(GuardRange{lo, length, 0, static_cast<uint8_t>(length * 5)})});
    for (unsigned n = 1 + random_.below(2); n > 0; --n) {
      const unsigned size = random_.below(4);
      if (1u << size > length) continue;
      const auto offset = static_cast<uint64_t>(int64_t{lo} + random_.below(length - (1u << size) + 1));
      const auto shape = static_cast<uint8_t>(size);
      if (!writes) {
        const bool narrow = size < 3 && random_.below(2);
        add({.op = Op::load,
             .type = narrow ? Type::i32 : Type::i64,
             .aux = static_cast<uint8_t>(shape | (random_.below(2) ? kMemSigned : 0)),
             .args = {p, kNoValue, kNoValue, kNoValue},
             .imm = offset});
      } else if (aux & kGuardReadWrite) {
        static constexpr Op kOps[] = {Op::xchg,     Op::rmw_add,  Op::rmw_andn, Op::rmw_or,  Op::rmw_xor,
                                      Op::rmw_smax, Op::rmw_smin, Op::rmw_umax, Op::rmw_umin};
        add({.op = kOps[random_.below(9)],
             .type = Type::i64,
             .aux = shape,
             .args = {p, any(Type::i64), kNoValue, kNoValue},
             .imm = offset});
      } else {
        add({.op = Op::store,
             .type = Type::none,
             .aux = shape,
             .args = {p, any(Type::i64), kNoValue, kNoValue},
             .imm = offset});
      }
    }
    if (aux & kGuardSlow && writes)
      leave({.op = Op::commit, .type = Type::none, .args = {p, kNoValue, kNoValue, kNoValue}});
  }

  void effect() {
    switch (random_.below(3)) {
      case 0:
        snapshot_all();
        leave({.op = Op::exit_if,
               .type = Type::none,
               .args = {any(Type::i1), kNoValue, kNoValue, kNoValue},
               .imm = 0x80});
        break;
      case 1:
        if (random_.below(3)) break;
        snapshot_all();
        leave({.op = Op::call,
               .type = Type::i64,
               .args = {any(Type::i64), any(Type::i32), kNoValue, kNoValue},
               .imm = random_.below(9)});
        break;
      default: {
        const Slot slot = slot_of(random_.below(2) ? "x11" : "v5");
        add({.op = Op::set,
             .type = Type::none,
             .args = {any(test_slots()[slot].type), kNoValue, kNoValue, kNoValue},
             .imm = slot});
        break;
      }
    }
  }

  Region& r_;
  Random random_;
  Value base_ = 0;
  uint32_t completed_ = 0;
  bool chained_ = false;
};

inline void random_region(Region& r, uint64_t seed, bool leaving) {
  RegionMaker(r, seed).run(leaving);
  ASSERT_EQ(verify(r), "");
}

// One block, built again with every pure instruction passed through the builder's emit().
inline void rebuild_folded(const Region& in, Region& out) {
  Builder b(out);
  b.begin(in.slots);
  out.pc_offset = in.pc_offset;
  out.snapshots = in.snapshots;
  out.snapshot_entries = in.snapshot_entries;
  std::vector<Value> moved(in.insts.size(), kNoValue);
  const auto to = [&](Value v) { return v == kNoValue ? kNoValue : moved[v]; };
  for (size_t n = 0; n < in.insts.size(); ++n) {
    Inst i = in.insts[n];
    if (i.op == Op::konst) {
      const V128 k = in.constant(i);
      moved[n] = i.type == Type::v128 ? b.konst_v128(k.lo, k.hi) : b.konst(i.type, k.lo);
      continue;
    }
    for (size_t k = 0; k < info(i.op).arguments.size(); ++k) i.args[k] = to(i.args[k]);
    if (info(i.op).effects == kPure) {
      moved[n] = b.emit(i.op, i.type, i.args[0], i.args[1], i.args[2], i.imm, i.aux);
    } else {
      out.insts.push_back(i);
      moved[n] = static_cast<Value>(out.insts.size() - 1);
    }
  }
  for (SnapshotEntry& e : out.snapshot_entries) e.value = moved[e.value];
  out.blocks.push_back({0, static_cast<uint32_t>(out.insts.size())});
}

}  // namespace mynah::ir::test
