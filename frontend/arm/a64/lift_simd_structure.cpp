// SPDX-License-Identifier: Apache-2.0
//
// Advanced SIMD loads and stores of structures: multiple, single and replicated (Arm ARM, C4.1.66).
//
// An instruction is one guard over all its bytes, in elements. Whole vectors are moved 16 or 8 bytes at a
// time and taken apart in registers: by unzipping for two and four registers, by byte tables for three.
#include <array>

#include "frontend/arm/a64/lift.h"
#include "frontend/arm/a64/lift_simd_shared.h"

namespace mynah::arm::a64 {

namespace {

using Registers = std::array<Value, 4>;

// The access's base, and the write-back of post-indexed forms: rm, or the bytes of the access where rm is 31.
Value base_of(Lifter& l, uint32_t w) { return l.base(rn(w)); }
void write_back(Lifter& l, uint32_t w, Value base, unsigned bytes, bool post) {
  if (post) l.set_x_sp(rn(w), rm(w) == 31 ? l.b.add_imm(base, bytes) : l.b.add(base, l.x(rm(w))));
}

// Memory as whole chunks of 16 bytes, the last one maybe of 8.
Value load_chunk(Lifter& l, Value p, unsigned offset, unsigned bytes) {
  if (bytes >= 16) return l.b.load(Type::v128, p, offset, 4);
  return l.b.emit(Op::vzext, Type::v128, l.b.load(Type::f64, p, offset, 3));
}
void store_chunk(Lifter& l, Value p, unsigned offset, unsigned bytes, Value v) {
  if (bytes >= 16)
    l.b.store(p, offset, v, 4);
  else
    l.b.store(p, offset, l.b.emit(Op::vlow, Type::f64, v), 3);
}

Value zip(Lifter& l, unsigned lane, bool high, Value a, Value c) {
  return l.b.vec(high ? Op::vzip2 : Op::vzip1, lane, a, c);
}
Value unzip(Lifter& l, unsigned lane, bool odd, Value a, Value c) {
  return l.b.vec(odd ? Op::vuzp2 : Op::vuzp1, lane, a, c);
}

// Where byte i of register `reg` of three stands in memory; and the inverse.
unsigned position_in_memory(unsigned lane, unsigned reg, unsigned i) {
  const unsigned size = 1u << lane;
  return (i / size * 3 + reg) * size + i % size;
}
// The 16 bytes that pick(i) of the concatenation of `count` vectors.
template <typename Pick>
Value gather(Lifter& l, const Registers& from, unsigned count, unsigned bytes, Pick pick) {
  Value result = ir::kNoValue;
  for (unsigned k = 0; k < count; ++k) {
    uint64_t index[2] = {~uint64_t{0}, ~uint64_t{0}};
    for (unsigned i = 0; i < bytes; ++i) {
      const unsigned at = pick(i);
      if (at / 16 != k) continue;
      index[i / 8] &= ~(uint64_t{0xff} << i % 8 * 8);
      index[i / 8] |= uint64_t{at % 16} << i % 8 * 8;
    }
    const Value found = l.b.vec(Op::vtbl, 0, from[k], l.b.konst_v128(index[0], index[1]));
    result = k == 0 ? found : l.b.vec(Op::vor, 0, result, found);
  }
  return result;
}

// Chunks of memory to registers. Without q a chunk holds 16 bytes of the structures but a register 8 of them.
Registers deinterleave(Lifter& l, unsigned count, unsigned lane, bool q, const Registers& m) {
  Registers r{};
  const unsigned bytes = q ? 16 : 8;
  switch (count) {
    case 2:
      for (unsigned i = 0; i < 2; ++i) r[i] = unzip(l, lane, i, m[0], m[q ? 1 : 0]);
      break;
    case 3:
      for (unsigned i = 0; i < 3; ++i) {
        r[i] = gather(l, m, q ? 3 : 2, bytes, [&](unsigned k) { return position_in_memory(lane, i, k); });
      }
      break;
    default:
      for (unsigned i = 0; i < 2; ++i) {
        // Registers i and i + 2, alternating.
        const Value low = unzip(l, lane, i, m[0], m[1]);
        const Value high = q ? unzip(l, lane, i, m[2], m[3]) : low;
        r[i] = unzip(l, lane, false, low, high);
        r[i + 2] = unzip(l, lane, true, low, high);
      }
      break;
  }
  return r;
}
Registers interleave(Lifter& l, unsigned count, unsigned lane, bool q, const Registers& r) {
  Registers m{};
  switch (count) {
    case 2:
      for (unsigned i = 0; i < (q ? 2 : 1); ++i) m[i] = zip(l, lane, i, r[0], r[1]);
      break;
    case 3: {
      const unsigned bytes = q ? 16 : 8, size = 1u << lane;
      for (unsigned i = 0; i < (q ? 3 : 2); ++i) {
        m[i] = gather(l, r, 3, i == 1 && !q ? 8 : 16, [&](unsigned k) {
          const unsigned at = 16 * i + k, element = at / size;
          return at < 3 * bytes ? element % 3 * 16 + element / 3 * size + at % size : 0;
        });
      }
      break;
    }
    default:
      for (unsigned half = 0; half < (q ? 2 : 1); ++half) {
        const Value even = zip(l, lane, half, r[0], r[2]), odd = zip(l, lane, half, r[1], r[3]);
        m[2 * half] = zip(l, lane, false, even, odd);
        m[2 * half + 1] = zip(l, lane, true, even, odd);
      }
      break;
  }
  return m;
}

// structure: registers that share a structure; LD1 and ST1 have 1 whatever their count.
void load_multiple(Lifter& l, auto w, unsigned count, unsigned structure, bool post) {
  if (!l.fp_access()) return;
  const bool q = Q(w);
  const unsigned lane = w["size"], total = count * (q ? 16 : 8), step = structure == 1 && !q ? 8 : 16;
  const Value base = base_of(l, w);
  const Value p = l.guard(base, 0, {.size = lane, .bytes = total});
  Registers r{};
  for (unsigned i = 0; i * step < total; ++i)
    r[i] = load_chunk(l, p, i * step, std::min(step, total - i * step));
  if (structure != 1) r = deinterleave(l, count, lane, q, r);
  write_back(l, w, base, total, post);
  for (unsigned i = 0; i < count; ++i) l.set_v(q, (rt(w) + i) % 32, r[i]);
}
void store_multiple(Lifter& l, auto w, unsigned count, unsigned structure, bool post) {
  if (!l.fp_access()) return;
  const bool q = Q(w);
  const unsigned lane = w["size"], total = count * (q ? 16 : 8), step = structure == 1 && !q ? 8 : 16;
  const Value base = base_of(l, w);
  const Value p = l.guard(base, 0, {.size = lane, .bytes = total, .write = true});
  Registers m{};
  for (unsigned i = 0; i < count; ++i) m[i] = l.v((rt(w) + i) % 32);
  if (structure != 1) m = interleave(l, count, lane, q, m);
  for (unsigned i = 0; i * step < total; ++i)
    store_chunk(l, p, i * step, std::min(step, total - i * step), m[i]);
  l.b.commit(p);
  write_back(l, w, base, total, post);
}

// Q:S:size is a byte's index; larger lanes take fewer bits of it, and the lowest of them tells words from
// doublewords.
struct Single {
  unsigned lane, index;
};
Single single(auto w) {
  const unsigned bits = Q(w) << 3 | S(w) << 2 | w["size"], lane = w["scale"];
  if (lane == 2 && (bits & 1)) return {3, bits >> 3};
  return {lane, bits >> lane};
}
Type integer_of(unsigned lane) { return lane == 3 ? Type::i64 : Type::i32; }

void load_single(Lifter& l, auto w, unsigned count, bool post) {
  if (!l.fp_access()) return;
  const Single s = single(w);
  const unsigned total = count << s.lane;
  const Value base = base_of(l, w);
  const Value p = l.guard(base, 0, {.size = s.lane, .bytes = total});
  Registers element{};
  for (unsigned i = 0; i < count; ++i) {
    element[i] = l.b.load(integer_of(s.lane), p, i << s.lane, static_cast<uint8_t>(s.lane));
  }
  write_back(l, w, base, total, post);
  for (unsigned i = 0; i < count; ++i) {
    const unsigned t = (rt(w) + i) % 32;
    l.set_v(t, l.b.vec(Op::vinsert, s.lane, l.v(t), element[i], ir::kNoValue, s.index));
  }
}
void store_single(Lifter& l, auto w, unsigned count, bool post) {
  if (!l.fp_access()) return;
  const Single s = single(w);
  const unsigned total = count << s.lane;
  const Value base = base_of(l, w);
  const Value p = l.guard(base, 0, {.size = s.lane, .bytes = total, .write = true});
  for (unsigned i = 0; i < count; ++i) {
    const Value element = l.b.emit(Op::vextract, integer_of(s.lane), l.v((rt(w) + i) % 32), ir::kNoValue,
                                   ir::kNoValue, s.index, static_cast<uint8_t>(s.lane));
    l.b.store(p, i << s.lane, element, static_cast<uint8_t>(s.lane));
  }
  l.b.commit(p);
  write_back(l, w, base, total, post);
}
void load_replicate(Lifter& l, auto w, unsigned count, bool post) {
  if (!l.fp_access()) return;
  const unsigned lane = w["size"], total = count << lane;
  const Value base = base_of(l, w);
  const Value p = l.guard(base, 0, {.size = lane, .bytes = total});
  Registers element{};
  for (unsigned i = 0; i < count; ++i) {
    element[i] = l.b.load(integer_of(lane), p, i << lane, static_cast<uint8_t>(lane));
  }
  write_back(l, w, base, total, post);
  for (unsigned i = 0; i < count; ++i) l.set_v(Q(w), (rt(w) + i) % 32, l.b.vec(Op::vdup, lane, element[i]));
}

}  // namespace

#define BOTH(id, f, ...)                                                             \
  void lift_##id(Lifter& l, Fields<Encoding::id> w) { f(l, w, __VA_ARGS__, false); } \
  void lift_##id##_post(Lifter& l, Fields<Encoding::id##_post> w) { f(l, w, __VA_ARGS__, true); }
BOTH(ld1_multiple_1, load_multiple, 1, 1)
BOTH(ld1_multiple_2, load_multiple, 2, 1)
BOTH(ld1_multiple_3, load_multiple, 3, 1)
BOTH(ld1_multiple_4, load_multiple, 4, 1)
BOTH(ld2_multiple, load_multiple, 2, 2)
BOTH(ld3_multiple, load_multiple, 3, 3)
BOTH(ld4_multiple, load_multiple, 4, 4)
BOTH(st1_multiple_1, store_multiple, 1, 1)
BOTH(st1_multiple_2, store_multiple, 2, 1)
BOTH(st1_multiple_3, store_multiple, 3, 1)
BOTH(st1_multiple_4, store_multiple, 4, 1)
BOTH(st2_multiple, store_multiple, 2, 2)
BOTH(st3_multiple, store_multiple, 3, 3)
BOTH(st4_multiple, store_multiple, 4, 4)
BOTH(ld1_single, load_single, 1)
BOTH(ld2_single, load_single, 2)
BOTH(ld3_single, load_single, 3)
BOTH(ld4_single, load_single, 4)
BOTH(st1_single, store_single, 1)
BOTH(st2_single, store_single, 2)
BOTH(st3_single, store_single, 3)
BOTH(st4_single, store_single, 4)
BOTH(ld1r, load_replicate, 1)
BOTH(ld2r, load_replicate, 2)
BOTH(ld3r, load_replicate, 3)
BOTH(ld4r, load_replicate, 4)
#undef BOTH

}  // namespace mynah::arm::a64
