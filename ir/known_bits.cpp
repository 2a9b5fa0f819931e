// SPDX-License-Identifier: Apache-2.0
//
// What is known of an integer without running anything: the bits above which it has none, an upper bound.
// Looks a few definitions back.
#include <algorithm>
#include <bit>

#include "ir/ir.h"

namespace mynah::ir {

namespace {

constexpr unsigned kDepth = 4;

unsigned known(const Region& r, Value v, unsigned depth) {
  const Inst& d = r.insts[v];
  const unsigned width = bits(d.type);
  if (depth == 0) return width;
  const auto argument = [&](unsigned k) { return known(r, d.args[k], depth - 1); };
  const auto constant = [&](unsigned k) { return r.insts[d.args[k]].op == Op::konst; };
  const auto amount = [&] { return static_cast<unsigned>(r.insts[d.args[1]].imm & (width - 1)); };
  switch (d.op) {
    case Op::konst:
      return static_cast<unsigned>(std::bit_width(d.imm));
    case Op::load:
      return d.aux & kMemSigned || d.access_size() > 3 ? width : 8u << d.access_size();
    case Op::zext8:
      return std::min(8u, argument(0));
    case Op::zext16:
      return std::min(16u, argument(0));
    case Op::zext32:
    case Op::trunc:
      return std::min(32u, argument(0));
    case Op::bool_int:
      return 1;
    case Op::ubfx:
      return std::min(d.field().width, width);
    case Op::vextract:
      return d.imm & 16 ? width : 8u << d.lane();
    case Op::and_:
      return std::min(argument(0), argument(1));
    case Op::or_:
    case Op::xor_:
      return std::max(argument(0), argument(1));
    case Op::lshr: {
      if (!constant(1)) return width;
      const unsigned all = argument(0);
      return all > amount() ? all - amount() : 0;
    }
    case Op::shl:
      return constant(1) ? std::min(width, argument(0) + amount()) : width;
    default:
      return width;
  }
}

}  // namespace

unsigned known_bits(const Region& region, Value v) { return known(region, v, kDepth); }

uint64_t upper_bound(const Region& region, Value v) {
  unsigned shift = 0;
  for (const Inst* d = &region.insts[v]; d->op == Op::zext32 || d->op == Op::shl; d = &region.insts[v]) {
    if (d->op == Op::shl) {
      if (region.insts[d->args[1]].op != Op::konst) break;
      const auto amount = static_cast<unsigned>(region.insts[d->args[1]].imm & (bits(d->type) - 1));
      if (known_bits(region, d->args[0]) + amount > bits(d->type)) break;
      shift += amount;
    }
    v = d->args[0];
  }
  const unsigned n = known_bits(region, v) + shift;
  if (n >= 64) return ~uint64_t{0};
  return ((uint64_t{1} << n) - 1) >> shift << shift;
}

}  // namespace mynah::ir
