// SPDX-License-Identifier: Apache-2.0
//
// Exclusives, compare and swap, atomic memory operations.
//
// The exclusive monitor is an address and the value that the load-exclusive saw there. A store-exclusive is
// one compare-and-swap of that value, which fails where another processor was faster, and fails by itself
// where the address is not the monitor's. What a processor's monitor would notice and this does not is ABA:
// a value that changed and changed back in between is taken for one that stayed. Code that is right on
// processors does not mind in the common uses (locks, counters, linked pushes), since it acts on the value
// alone; a pop from a linked list that relies on the monitor instead of a counter or hazard pointers does,
// and is what this gives up for plain stores that tell nobody. The manual's sections are B2.9 and C3.2.13.
//
// The compare-and-swap is locked only where other host threads look on (ir::Region::smp).
#include "frontend/arm/a64/lift.h"

namespace mynah::arm::a64 {

namespace {

uint8_t order(unsigned size, bool acquire, bool release) {
  return static_cast<uint8_t>(size | (acquire ? ir::kMemAcquire : 0) | (release ? ir::kMemRelease : 0));
}

void load_exclusive(Lifter& l, auto w, bool acquire) {
  const unsigned size = w["size"];
  const Value address = l.base(rn(w));
  const Value p = l.guard(address, 0, {.size = size, .align = size});
  const Value v = l.b.load(size == 3 ? Type::i64 : Type::i32, p, 0, order(size, acquire, false));
  l.b.set(kSlotExclusiveAddress, address);
  l.b.set(kSlotExclusiveLo, l.widen(v));
  l.set_x(rt(w), v);
}

void load_exclusive_pair(Lifter& l, auto w, bool acquire) {
  const unsigned size = w["sz"] ? 3 : 2;
  const Value address = l.base(rn(w));
  const Value p = l.guard(address, 0, {.size = size, .bytes = 2u << size, .align = size + 1});
  Value lo, hi;
  if (size == 3) {
    const Value both = l.b.load(Type::v128, p, 0, order(4, acquire, false));
    lo = l.b.emit(Op::vextract, Type::i64, both, ir::kNoValue, ir::kNoValue, 0, 3);
    hi = l.b.emit(Op::vextract, Type::i64, both, ir::kNoValue, ir::kNoValue, 1, 3);
    l.b.set(kSlotExclusiveLo, lo);
    l.b.set(kSlotExclusiveHi, hi);
  } else {
    const Value both = l.b.load(Type::i64, p, 0, order(3, acquire, false));
    lo = l.b.trunc(both);
    hi = l.b.trunc(l.b.binary(Op::lshr, both, l.b.i64(32)));
    l.b.set(kSlotExclusiveLo, both);
  }
  l.b.set(kSlotExclusiveAddress, address);
  l.set_x(rt(w), lo);
  l.set_x(rt2(w), hi);
}

// Where the monitor is at another address, the value that the monitor saw is swapped for itself: no change.
void finish_exclusive(Lifter& l, uint32_t w, Value p, Value same_address, Value unchanged) {
  l.b.commit(p);
  const Value ok = l.b.emit(Op::bool_int, Type::i32, unchanged);
  const Value match = l.b.emit(Op::bool_int, Type::i32, same_address);
  l.b.set(kSlotExclusiveAddress, l.b.i64(~uint64_t{0}));
  l.set_x(rs(w), l.b.binary(Op::xor_, l.b.binary(Op::and_, ok, match), l.b.i32(1)));
}

void store_exclusive(Lifter& l, auto w, bool release) {
  const unsigned size = w["size"];
  const bool wide = size == 3;
  const Value address = l.base(rn(w)), value = l.reg(wide, rt(w));
  const Value p =
      l.guard(address, 0, {.size = size, .read_write = true, .align = size, .note = kNoteStoreExclusive});
  const Value seen = l.b.get(kSlotExclusiveLo);
  const Value expected = wide ? seen : l.b.trunc(seen);
  const Value same = l.b.icmp(Cond::eq, address, l.b.get(kSlotExclusiveAddress));
  const Value desired = l.b.select(same, value, expected);
  const Value old =
      l.b.emit(Op::cas, wide ? Type::i64 : Type::i32, p, expected, desired, 0, order(size, false, release));
  finish_exclusive(l, w, p, same, l.b.icmp(Cond::eq, old, expected));
}

void store_exclusive_pair(Lifter& l, auto w, bool release) {
  const unsigned size = w["sz"] ? 3 : 2;
  const Value address = l.base(rn(w));
  const Value first = l.x(rt(w)), second = l.x(rt2(w));
  const Value p = l.guard(address, 0,
                          {.size = size,
                           .bytes = 2u << size,
                           .read_write = true,
                           .align = size + 1,
                           .note = kNoteStoreExclusive});
  const Value same = l.b.icmp(Cond::eq, address, l.b.get(kSlotExclusiveAddress));
  const Value lo = l.b.get(kSlotExclusiveLo);
  Value unchanged;
  if (size == 3) {
    const Value hi = l.b.get(kSlotExclusiveHi);
    const Value expected = l.b.emit(Op::vpair, Type::v128, lo, hi);
    const Value desired =
        l.b.emit(Op::vpair, Type::v128, l.b.select(same, first, lo), l.b.select(same, second, hi));
    const Value old = l.b.emit(Op::cas128, Type::v128, p, expected, desired, 0, order(4, false, release));
    const Value old_lo = l.b.emit(Op::vextract, Type::i64, old, ir::kNoValue, ir::kNoValue, 0, 3);
    const Value old_hi = l.b.emit(Op::vextract, Type::i64, old, ir::kNoValue, ir::kNoValue, 1, 3);
    const Value difference =
        l.b.binary(Op::or_, l.b.binary(Op::xor_, old_lo, lo), l.b.binary(Op::xor_, old_hi, hi));
    unchanged = l.b.icmpz(Cond::eq, difference);
  } else {
    const Value both =
        l.b.binary(Op::or_, l.b.zext32(l.b.trunc(first)), l.b.binary(Op::shl, second, l.b.i64(32)));
    const Value desired = l.b.select(same, both, lo);
    const Value old = l.b.emit(Op::cas, Type::i64, p, lo, desired, 0, order(3, false, release));
    unchanged = l.b.icmp(Cond::eq, old, lo);
  }
  finish_exclusive(l, w, p, same, unchanged);
}

}  // namespace

void lift_stxr(Lifter& l, Fields<Encoding::stxr> w) { store_exclusive(l, w, false); }
void lift_stlxr(Lifter& l, Fields<Encoding::stlxr> w) { store_exclusive(l, w, true); }
void lift_stxp(Lifter& l, Fields<Encoding::stxp> w) { store_exclusive_pair(l, w, false); }
void lift_stlxp(Lifter& l, Fields<Encoding::stlxp> w) { store_exclusive_pair(l, w, true); }
void lift_ldxr(Lifter& l, Fields<Encoding::ldxr> w) { load_exclusive(l, w, false); }
void lift_ldaxr(Lifter& l, Fields<Encoding::ldaxr> w) { load_exclusive(l, w, true); }
void lift_ldxp(Lifter& l, Fields<Encoding::ldxp> w) { load_exclusive_pair(l, w, false); }
void lift_ldaxp(Lifter& l, Fields<Encoding::ldaxp> w) { load_exclusive_pair(l, w, true); }

void lift_cas(Lifter& l, Fields<Encoding::cas> w) {
  const unsigned size = w["size"];
  const bool wide = size == 3;
  const Value p = l.guard(l.base(rn(w)), 0,
                          {.size = size, .read_write = true, .align = size, .note = kNoteReadModifyWrite});
  const Value old = l.b.emit(Op::cas, wide ? Type::i64 : Type::i32, p, l.reg(wide, rs(w)), l.reg(wide, rt(w)),
                             0, order(size, w["A"], w["R"]));
  l.b.commit(p);
  l.set_x(rs(w), old);
}

void lift_casp(Lifter& l, Fields<Encoding::casp> w) {
  const unsigned size = w["sz"] ? 3 : 2, s = rs(w), t = rt(w);
  const Value p = l.guard(l.base(rn(w)), 0,
                          {.size = size,
                           .bytes = 2u << size,
                           .read_write = true,
                           .align = size + 1,
                           .note = kNoteReadModifyWrite});
  if (size == 3) {
    const Value expected = l.b.emit(Op::vpair, Type::v128, l.x(s), l.x(s + 1));
    const Value desired = l.b.emit(Op::vpair, Type::v128, l.x(t), l.x(t + 1));
    const Value old = l.b.emit(Op::cas128, Type::v128, p, expected, desired, 0, order(4, w["A"], w["R"]));
    l.b.commit(p);
    l.set_x(s, l.b.emit(Op::vextract, Type::i64, old, ir::kNoValue, ir::kNoValue, 0, 3));
    l.set_x(s + 1, l.b.emit(Op::vextract, Type::i64, old, ir::kNoValue, ir::kNoValue, 1, 3));
  } else {
    const auto joined = [&](unsigned n) {
      return l.b.binary(Op::or_, l.b.zext32(l.w(n)), l.b.binary(Op::shl, l.x(n + 1), l.b.i64(32)));
    };
    const Value old = l.b.emit(Op::cas, Type::i64, p, joined(s), joined(t), 0, order(3, w["A"], w["R"]));
    l.b.commit(p);
    l.set_x(s, l.b.trunc(old));
    l.set_x(s + 1, l.b.binary(Op::lshr, old, l.b.i64(32)));
  }
}

namespace {
void atomic(Lifter& l, auto w, Op op) {
  const unsigned size = w["size"];
  const bool wide = size == 3;
  const Value p = l.guard(l.base(rn(w)), 0,
                          {.size = size, .read_write = true, .align = size, .note = kNoteReadModifyWrite});
  const Value old = l.b.emit(op, wide ? Type::i64 : Type::i32, p, l.reg(wide, rs(w)), ir::kNoValue, 0,
                             order(size, w["A"], w["R"]));
  l.b.commit(p);
  l.set_x(rt(w), old);
}
}  // namespace
void lift_ldadd(Lifter& l, Fields<Encoding::ldadd> w) { atomic(l, w, Op::rmw_add); }
void lift_ldclr(Lifter& l, Fields<Encoding::ldclr> w) { atomic(l, w, Op::rmw_andn); }
void lift_ldeor(Lifter& l, Fields<Encoding::ldeor> w) { atomic(l, w, Op::rmw_xor); }
void lift_ldset(Lifter& l, Fields<Encoding::ldset> w) { atomic(l, w, Op::rmw_or); }
void lift_ldsmax(Lifter& l, Fields<Encoding::ldsmax> w) { atomic(l, w, Op::rmw_smax); }
void lift_ldsmin(Lifter& l, Fields<Encoding::ldsmin> w) { atomic(l, w, Op::rmw_smin); }
void lift_ldumax(Lifter& l, Fields<Encoding::ldumax> w) { atomic(l, w, Op::rmw_umax); }
void lift_ldumin(Lifter& l, Fields<Encoding::ldumin> w) { atomic(l, w, Op::rmw_umin); }
void lift_swp(Lifter& l, Fields<Encoding::swp> w) { atomic(l, w, Op::xchg); }

}  // namespace mynah::arm::a64
