// SPDX-License-Identifier: Apache-2.0
//
// The evaluator's integer vector ops against a second formulation: every lane is read bit by bit into a
// 128-bit integer, the exact result is worked out there, and it is cut or clamped at the end.
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

#include "tests/ir/ir_test_support.h"

namespace mynah::ir::test {
namespace {

using Int = __int128;

Int lane(const V128& v, unsigned width, unsigned index, bool is_signed) {
  Int x = 0;
  for (unsigned i = 0; i < width; ++i) {
    const unsigned at = index * width + i;
    const uint64_t bit = (at < 64 ? v.lo >> at : v.hi >> (at - 64)) & 1;
    if (bit) x += (is_signed && i + 1 == width ? -1 : 1) * (static_cast<Int>(1) << i);
  }
  return x;
}
void put(V128& v, unsigned width, unsigned index, Int x) {
  for (unsigned i = 0; i < width; ++i) {
    const unsigned at = index * width + i;
    const uint64_t bit = static_cast<uint64_t>(x >> i & 1);
    if (at < 64)
      v.lo |= bit << at;
    else if (at < 128)
      v.hi |= bit << (at - 64);
  }
}
Int power(unsigned n) { return static_cast<Int>(1) << n; }
// Floor division by a power of two, rounding half up if asked. n at most 126 once x is a lane.
Int divide(Int x, unsigned n, bool rounding) {
  if (n > 100) n = 100;
  Int d = power(n);
  if (rounding && n > 0) x += d / 2;
  Int q = x / d;
  if (x % d != 0 && x < 0) --q;
  return q;
}
Int shifted(Int x, Int by, bool rounding) {
  // Beyond 63 to the left every lane but zero is out of range: only the sign matters.
  if (by > 63) return x == 0 ? 0 : x < 0 ? -power(100) : power(100);
  if (by >= 0) return x * power(static_cast<unsigned>(by));
  return divide(x, static_cast<unsigned>(-by), rounding);
}

class VectorTest : public testing::Test {
 protected:
  Random random{7};
  static constexpr int kRounds = 200;

  struct Lane {
    unsigned width;
    Int au, as, bu, bs, cu, cs;
    unsigned index;
  };

  // Lane-wise ops; f gives the exact result, which wraps.
  void wraps(Op op, std::function<Int(const Lane&)> f, unsigned min_aux = 0, unsigned max_aux = 3,
             uint64_t imm = 0) {
    clamps(op, f, 0, min_aux, max_aux, imm);
  }
  // clamp: 0 no, 1 to unsigned, 2 to signed.
  void clamps(Op op, std::function<Int(const Lane&)> f, int clamp, unsigned min_aux = 0, unsigned max_aux = 3,
              uint64_t imm = 0, uint8_t aux_bits = 0) {
    for (unsigned aux = min_aux; aux <= max_aux; ++aux) {
      for (int round = 0; round < kRounds; ++round) {
        const V128 a = random.edgy_vector(), b = random.edgy_vector(), c = random.edgy_vector();
        const unsigned width = 8u << aux;
        V128 expected;
        bool saturates = false;
        for (unsigned i = 0; i < 128 / width; ++i) {
          const Lane l{width,
                       lane(a, width, i, false),
                       lane(a, width, i, true),
                       lane(b, width, i, false),
                       lane(b, width, i, true),
                       lane(c, width, i, false),
                       lane(c, width, i, true),
                       i};
          put(expected, width, i, clamped(f(l), width, clamp, saturates));
        }
        check(op, a, b, c, imm, static_cast<uint8_t>(aux | aux_bits), expected, saturates);
        if (HasFailure()) return;
      }
    }
  }
  static Int clamped(Int x, unsigned width, int clamp, bool& saturates) {
    if (clamp == 0) return x;
    const Int low = clamp == 1 ? 0 : -power(width - 1);
    const Int high = clamp == 1 ? power(width) - 1 : power(width - 1) - 1;
    if (x < low || x > high) saturates = true;
    return std::clamp(x, low, high);
  }
  void check(Op op, const V128& a, const V128& b, const V128& c, uint64_t imm, uint8_t aux,
             const V128& expected, bool saturates = false) {
    const Evaluated e = eval_op(op, Type::v128, {v128(a), v128(b), v128(c)}, imm, aux);
    EXPECT_EQ(e.value, expected) << info(op).name << " aux " << int{aux} << " imm " << imm << std::hex
                                 << " a " << a.hi << ":" << a.lo << " b " << b.hi << ":" << b.lo << " got "
                                 << e.value.hi << ":" << e.value.lo << " expected " << expected.hi << ":"
                                 << expected.lo;
    EXPECT_EQ(e.sticky, saturates ? 1u << 27 : 0u) << info(op).name;
  }
};

Int absolute(Int x) { return x < 0 ? -x : x; }

TEST_F(VectorTest, Arithmetic) {
  wraps(Op::vadd, [](const Lane& l) { return l.au + l.bu; });
  wraps(Op::vsub, [](const Lane& l) { return l.au - l.bu; });
  wraps(Op::vmul, [](const Lane& l) { return l.as * l.bs; });
  wraps(Op::vneg, [](const Lane& l) { return -l.as; });
  wraps(Op::vabs, [](const Lane& l) { return absolute(l.as); });
  wraps(Op::vumin, [](const Lane& l) { return std::min(l.au, l.bu); });
  wraps(Op::vumax, [](const Lane& l) { return std::max(l.au, l.bu); });
  wraps(Op::vsmin, [](const Lane& l) { return std::min(l.as, l.bs); });
  wraps(Op::vsmax, [](const Lane& l) { return std::max(l.as, l.bs); });
  wraps(Op::vuabd, [](const Lane& l) { return absolute(l.au - l.bu); });
  wraps(Op::vsabd, [](const Lane& l) { return absolute(l.as - l.bs); });
  wraps(Op::vuhadd, [](const Lane& l) { return divide(l.au + l.bu, 1, false); });
  wraps(Op::vshadd, [](const Lane& l) { return divide(l.as + l.bs, 1, false); });
  wraps(Op::vurhadd, [](const Lane& l) { return divide(l.au + l.bu, 1, true); });
  wraps(Op::vsrhadd, [](const Lane& l) { return divide(l.as + l.bs, 1, true); });
  wraps(Op::vuhsub, [](const Lane& l) { return divide(l.au - l.bu, 1, false); });
  wraps(Op::vshsub, [](const Lane& l) { return divide(l.as - l.bs, 1, false); });
}

TEST_F(VectorTest, Comparisons) {
  wraps(Op::vcmeq, [](const Lane& l) { return Int{l.au == l.bu ? -1 : 0}; });
  wraps(Op::vcmgt, [](const Lane& l) { return Int{l.as > l.bs ? -1 : 0}; });
  wraps(Op::vcmge, [](const Lane& l) { return Int{l.as >= l.bs ? -1 : 0}; });
  wraps(Op::vcmhi, [](const Lane& l) { return Int{l.au > l.bu ? -1 : 0}; });
  wraps(Op::vcmhs, [](const Lane& l) { return Int{l.au >= l.bu ? -1 : 0}; });
  wraps(Op::vcmtst, [](const Lane& l) { return Int{(l.au & l.bu) != 0 ? -1 : 0}; });
}

TEST_F(VectorTest, Shifts) {
  const auto by = [](const Lane& l) {
    const Int low = l.bu & 255;
    return low > 127 ? low - 256 : low;
  };
  wraps(Op::vushl, [&](const Lane& l) { return by(l) >= Int{l.width} ? 0 : shifted(l.au, by(l), false); });
  wraps(Op::vsshl, [&](const Lane& l) { return by(l) >= Int{l.width} ? 0 : shifted(l.as, by(l), false); });
  wraps(Op::vurshl, [&](const Lane& l) { return by(l) >= Int{l.width} ? 0 : shifted(l.au, by(l), true); });
  wraps(Op::vsrshl, [&](const Lane& l) { return by(l) >= Int{l.width} ? 0 : shifted(l.as, by(l), true); });
  clamps(
      Op::vuqshl, [&](const Lane& l) { return shifted(l.au, by(l), false); }, 1);
  clamps(
      Op::vsqshl, [&](const Lane& l) { return shifted(l.as, by(l), false); }, 2);
  clamps(
      Op::vuqrshl, [&](const Lane& l) { return shifted(l.au, by(l), true); }, 1);
  clamps(
      Op::vsqrshl, [&](const Lane& l) { return shifted(l.as, by(l), true); }, 2);
  for (unsigned aux = 0; aux < 4; ++aux) {
    const unsigned width = 8u << aux;
    for (unsigned n = 0; n <= width; n += n < 3 || n + 3 > width ? 1 : 3) {
      if (n < width)
        wraps(
            Op::vshl_imm, [&](const Lane& l) { return l.au * power(n); }, aux, aux, n);
      if (n < width)
        clamps(
            Op::vsqshlu, [&](const Lane& l) { return l.as * power(n); }, 1, aux, aux, n);
      wraps(
          Op::vushr_imm, [&](const Lane& l) { return divide(l.au, n, false); }, aux, aux, n);
      wraps(
          Op::vsshr_imm, [&](const Lane& l) { return divide(l.as, n, false); }, aux, aux, n);
      wraps(
          Op::vurshr_imm, [&](const Lane& l) { return divide(l.au, n, true); }, aux, aux, n);
      wraps(
          Op::vsrshr_imm, [&](const Lane& l) { return divide(l.as, n, true); }, aux, aux, n);
    }
  }
}

TEST_F(VectorTest, BitCounts) {
  const auto leading = [](Int x, unsigned width, Int bit) {
    Int n = 0;
    for (unsigned i = width; i-- > 0 && (x >> i & 1) == bit;) ++n;
    return n;
  };
  wraps(Op::vclz, [&](const Lane& l) { return leading(l.au, l.width, 0); });
  wraps(Op::vcls, [&](const Lane& l) { return leading(l.au, l.width, l.au >> (l.width - 1)) - 1; });
  wraps(
      Op::vcnt,
      [&](const Lane& l) {
        Int n = 0;
        for (int i = 0; i < 8; ++i) n += l.au >> i & 1;
        return n;
      },
      0, 0);
  wraps(
      Op::vrbit,
      [&](const Lane& l) {
        Int x = 0;
        for (int i = 0; i < 8; ++i) x |= (l.au >> i & 1) << (7 - i);
        return x;
      },
      0, 0);
  wraps(
      Op::vpmul,
      [&](const Lane& l) {
        Int x = 0;
        for (int i = 0; i < 8; ++i) x ^= (l.au << i) * (l.bu >> i & 1);
        return x;
      },
      0, 0);
}

TEST_F(VectorTest, Saturating) {
  clamps(
      Op::vuqadd, [](const Lane& l) { return l.au + l.bu; }, 1);
  clamps(
      Op::vsqadd, [](const Lane& l) { return l.as + l.bs; }, 2);
  clamps(
      Op::vuqsub, [](const Lane& l) { return l.au - l.bu; }, 1);
  clamps(
      Op::vsqsub, [](const Lane& l) { return l.as - l.bs; }, 2);
  clamps(
      Op::vsuqadd, [](const Lane& l) { return l.as + l.bu; }, 2);
  clamps(
      Op::vusqadd, [](const Lane& l) { return l.au + l.bs; }, 1);
  clamps(
      Op::vsqabs, [](const Lane& l) { return absolute(l.as); }, 2);
  clamps(
      Op::vsqneg, [](const Lane& l) { return -l.as; }, 2);
  clamps(
      Op::vsqdmulh, [](const Lane& l) { return divide(2 * l.as * l.bs, l.width, false); }, 2, 1, 2);
  clamps(
      Op::vsqdmulh, [](const Lane& l) { return divide(2 * l.as * l.bs, l.width, true); }, 2, 1, 2, 0, 16);
  clamps(
      Op::vsqrdmlah,
      [](const Lane& l) { return divide(l.as * power(l.width) + 2 * l.bs * l.cs, l.width, true); }, 2, 1, 2);
  clamps(
      Op::vsqrdmlsh,
      [](const Lane& l) { return divide(l.as * power(l.width) - 2 * l.bs * l.cs, l.width, true); }, 2, 1, 2);
}

TEST_F(VectorTest, Narrowing) {
  struct Case {
    Op op;
    bool is_signed;
    int clamp;
    bool by_imm;
  };
  for (const Case& t :
       {Case{Op::vxtn, false, 0, false}, Case{Op::vuqxtn, false, 1, false}, Case{Op::vsqxtn, true, 2, false},
        Case{Op::vsqxtun, true, 1, false}, Case{Op::vuqshrn, false, 1, true},
        Case{Op::vsqshrn, true, 2, true}, Case{Op::vsqshrun, true, 1, true}}) {
    for (unsigned aux = 1; aux < 4; ++aux) {
      const unsigned width = 8u << aux;
      for (int round = 0; round < kRounds * 4; ++round) {
        const V128 a = random.edgy_vector();
        const unsigned n = t.by_imm ? 1 + random.below(width / 2) : 0;
        const bool rounding = t.by_imm && random.below(2);
        V128 expected;
        bool saturates = false;
        for (unsigned i = 0; i < 128 / width; ++i) {
          const Int x = divide(lane(a, width, i, t.is_signed), n, rounding);
          put(expected, width / 2, i, clamped(x, width / 2, t.clamp, saturates));
        }
        check(t.op, a, {}, {}, n, static_cast<uint8_t>(aux | (rounding ? 16 : 0)), expected, saturates);
      }
    }
  }
}

TEST_F(VectorTest, Widening) {
  for (unsigned aux = 0; aux < 3; ++aux) {
    const unsigned width = 8u << aux, count = 64 / width;
    for (int round = 0; round < kRounds; ++round) {
      const V128 a = random.edgy_vector(), b = random.edgy_vector();
      for (const bool is_signed : {false, true}) {
        V128 extended, low, high, pairs, doubled;
        bool saturates = false;
        for (unsigned i = 0; i < count; ++i) {
          const auto x = [&](unsigned k) { return lane(a, width, k, is_signed); };
          const auto y = [&](unsigned k) { return lane(b, width, k, is_signed); };
          put(extended, 2 * width, i, x(i));
          put(low, 2 * width, i, x(i) * y(i));
          put(high, 2 * width, i, x(count + i) * y(count + i));
          put(pairs, 2 * width, i, x(2 * i) + x(2 * i + 1));
          put(doubled, 2 * width, i, clamped(2 * x(i) * y(i), 2 * width, 2, saturates));
        }
        const auto size = static_cast<uint8_t>(aux);
        check(is_signed ? Op::vsxtl : Op::vuxtl, a, b, {}, 0, size, extended);
        check(is_signed ? Op::vsmull : Op::vumull, a, b, {}, 0, size, low);
        check(is_signed ? Op::vsmull : Op::vumull, a, b, {}, 0, size | 16, high);
        check(is_signed ? Op::vsaddlp : Op::vuaddlp, a, b, {}, 0, size, pairs);
        if (is_signed && aux > 0) check(Op::vsqdmull, a, b, {}, 0, size, doubled, saturates);
      }
    }
  }
}

TEST_F(VectorTest, CarrylessLong) {
  for (int round = 0; round < kRounds; ++round) {
    const V128 a = random.edgy_vector(), b = random.edgy_vector();
    for (const uint8_t high : {0, 16}) {
      V128 bytes, doubles;
      for (unsigned i = 0; i < 8; ++i) {
        Int x = 0;
        const unsigned k = i + (high ? 8 : 0);
        for (int bit = 0; bit < 8; ++bit)
          x ^= (lane(a, 8, k, false) << bit) * (lane(b, 8, k, false) >> bit & 1);
        put(bytes, 16, i, x);
      }
      unsigned __int128 x = 0;
      for (int bit = 0; bit < 64; ++bit) {
        x ^= static_cast<unsigned __int128>(high ? a.hi : a.lo) * ((high ? b.hi : b.lo) >> bit & 1) << bit;
      }
      doubles = {static_cast<uint64_t>(x), static_cast<uint64_t>(x >> 64)};
      check(Op::vpmull, a, b, {}, 0, high, bytes);
      check(Op::vpmull, a, b, {}, 0, high | 3, doubles);
    }
  }
}

TEST_F(VectorTest, AcrossLanes) {
  for (unsigned aux = 0; aux < 4; ++aux) {
    const unsigned width = 8u << aux;
    for (int round = 0; round < kRounds; ++round) {
      const V128 a = random.edgy_vector();
      for (unsigned count = 1; count <= 128 / width; count *= 2) {
        Int us = 0, ss = 0, umax = -1, umin = power(100), smax = -power(100), smin = power(100);
        for (unsigned i = 0; i < count; ++i) {
          const Int u = lane(a, width, i, false), s = lane(a, width, i, true);
          us += u;
          ss += s;
          umax = std::max(umax, u);
          umin = std::min(umin, u);
          smax = std::max(smax, s);
          smin = std::min(smin, s);
        }
        const auto size = static_cast<uint8_t>(aux);
        const auto in_lane = [](Int x, unsigned w) {
          V128 v;
          put(v, w, 0, x);
          return v;
        };
        check(Op::vaddv, a, {}, {}, count, size, in_lane(us, width));
        check(Op::vumaxv, a, {}, {}, count, size, in_lane(umax, width));
        check(Op::vuminv, a, {}, {}, count, size, in_lane(umin, width));
        check(Op::vsmaxv, a, {}, {}, count, size, in_lane(smax, width));
        check(Op::vsminv, a, {}, {}, count, size, in_lane(smin, width));
        if (aux == 3) continue;
        check(Op::vuaddlv, a, {}, {}, count, size, in_lane(us, 2 * width));
        check(Op::vsaddlv, a, {}, {}, count, size, in_lane(ss, 2 * width));
      }
    }
  }
}

TEST_F(VectorTest, Permutations) {
  for (unsigned aux = 0; aux < 4; ++aux) {
    const unsigned width = 8u << aux, n = 128 / width;
    for (int round = 0; round < kRounds; ++round) {
      const V128 a{random.next(), random.next()}, b{random.next(), random.next()};
      V128 zip[2], uzp[2], trn[2];
      for (unsigned p = 0; p < 2; ++p) {
        for (unsigned i = 0; i < n / 2; ++i) {
          // As the instructions' pseudocode has it.
          put(zip[p], width, 2 * i, lane(a, width, p * n / 2 + i, false));
          put(zip[p], width, 2 * i + 1, lane(b, width, p * n / 2 + i, false));
          put(uzp[p], width, i, lane(a, width, 2 * i + p, false));
          put(uzp[p], width, n / 2 + i, lane(b, width, 2 * i + p, false));
          put(trn[p], width, 2 * i, lane(a, width, 2 * i + p, false));
          put(trn[p], width, 2 * i + 1, lane(b, width, 2 * i + p, false));
        }
      }
      const auto size = static_cast<uint8_t>(aux);
      check(Op::vzip1, a, b, {}, 0, size, zip[0]);
      check(Op::vzip2, a, b, {}, 0, size, zip[1]);
      check(Op::vuzp1, a, b, {}, 0, size, uzp[0]);
      check(Op::vuzp2, a, b, {}, 0, size, uzp[1]);
      check(Op::vtrn1, a, b, {}, 0, size, trn[0]);
      check(Op::vtrn2, a, b, {}, 0, size, trn[1]);
      for (unsigned container = aux + 1; container <= 4; ++container) {
        const unsigned lanes = 1u << (container - aux);
        V128 reversed;
        for (unsigned i = 0; i < n; ++i) {
          put(reversed, width, i / lanes * lanes + (lanes - 1 - i % lanes), lane(a, width, i, false));
        }
        check(Op::vrev, a, {}, {}, container, size, reversed);
      }
      for (unsigned i = 0; i < n; ++i) {
        V128 all, inserted, moved;
        const unsigned from = random.below(n);
        for (unsigned k = 0; k < n; ++k) {
          put(all, width, k, lane(a, width, i, false));
          put(inserted, width, k, k == i ? static_cast<Int>(b.lo) : lane(a, width, k, false));
          put(moved, width, k, k == i ? lane(b, width, from, false) : lane(a, width, k, false));
        }
        check(Op::vdup_lane, a, b, {}, i, size, all);
        check(Op::vins_lane, a, b, {}, i | from << 4, size, moved);
        EXPECT_EQ(eval_op(Op::vinsert, Type::v128, {v128(a), i64(b.lo)}, i, size).value, inserted);
        EXPECT_EQ(eval_op(Op::vextract, Type::i64, {v128(a)}, i, size).value.lo,
                  static_cast<uint64_t>(lane(a, width, i, false)));
        EXPECT_EQ(eval_op(Op::vextract, Type::i64, {v128(a)}, i | 16, size).value.lo,
                  static_cast<uint64_t>(lane(a, width, i, true)));
        if (aux < 3) {
          EXPECT_EQ(eval_op(Op::vextract, Type::i32, {v128(a)}, i | 16, size).value.lo,
                    static_cast<uint32_t>(lane(a, width, i, true)));
        }
      }
      V128 dup;
      for (unsigned k = 0; k < n; ++k) put(dup, width, k, static_cast<Int>(a.lo));
      EXPECT_EQ(eval_op(Op::vdup, Type::v128, {i64(a.lo)}, 0, size).value, dup);
    }
  }
}

TEST_F(VectorTest, BytesAndTables) {
  for (int round = 0; round < kRounds; ++round) {
    const V128 a{random.next(), random.next()}, b{random.next(), random.next()},
        c{random.next() & 0x1f1f1f1f1f1f1f1f, random.next() & 0x1f1f1f1f1f1f1f1f};
    for (unsigned n = 0; n < 16; ++n) {
      V128 ext;
      for (unsigned i = 0; i < 16; ++i)
        put(ext, 8, i, i + n < 16 ? lane(a, 8, i + n, false) : lane(b, 8, i + n - 16, false));
      check(Op::vext, a, b, {}, n, 0, ext);
    }
    V128 tbl, tbx;
    for (unsigned i = 0; i < 16; ++i) {
      const auto index = static_cast<unsigned>(lane(c, 8, i, false));
      put(tbl, 8, i, index < 16 ? lane(a, 8, index, false) : 0);
      put(tbx, 8, i, index < 16 ? lane(b, 8, index, false) : lane(a, 8, i, false));
    }
    check(Op::vtbl, a, c, {}, 0, 0, tbl);
    check(Op::vtbx, a, b, c, 0, 0, tbx);
    for (const bool is_signed : {false, true}) {
      V128 dot;
      for (unsigned i = 0; i < 4; ++i) {
        Int sum = lane(a, 32, i, false);
        for (unsigned j = 0; j < 4; ++j)
          sum += lane(b, 8, 4 * i + j, is_signed) * lane(c, 8, 4 * i + j, is_signed);
        put(dot, 32, i, sum);
      }
      check(is_signed ? Op::vsdot : Op::vudot, a, b, c, 0, 0, dot);
    }
  }
}

TEST_F(VectorTest, LogicAndMoves) {
  const V128 a{0xff00ff00ff00ff00, 0x123456789abcdef0}, b{0x0ff00ff00ff00ff0, 0xf0f0f0f0f0f0f0f0},
      c{~0ull, 5};
  check(Op::vand, a, b, c, 0, 0, {a.lo & b.lo, a.hi & b.hi});
  check(Op::vor, a, b, c, 0, 0, {a.lo | b.lo, a.hi | b.hi});
  check(Op::vxor, a, b, c, 0, 0, {a.lo ^ b.lo, a.hi ^ b.hi});
  check(Op::vandn, a, b, c, 0, 0, {a.lo & ~b.lo, a.hi & ~b.hi});
  check(Op::vnot, a, b, c, 0, 0, {~a.lo, ~a.hi});
  check(Op::vbsl, a, b, c, 0, 0, {(a.lo & b.lo) | (~a.lo & c.lo), (a.hi & b.hi) | (~a.hi & c.hi)});
  check(Op::vlow64, a, b, c, 0, 0, {a.lo, 0});
  EXPECT_EQ(eval_op(Op::vlow, Type::f16, {v128(a)}).value, (V128{0xff00, 0}));
  EXPECT_EQ(eval_op(Op::vlow, Type::f32, {v128(a)}).value, (V128{0xff00ff00, 0}));
  EXPECT_EQ(eval_op(Op::vzext, Type::v128, {f32(1.0f)}).value, (V128{0x3f800000, 0}));
  EXPECT_EQ(eval_op(Op::vfrom_gpr, Type::v128, {i32(~0u)}).value, (V128{0xffffffff, 0}));
  EXPECT_EQ(eval_op(Op::vpair, Type::v128, {i64(7), i64(9)}).value, (V128{7, 9}));
}

}  // namespace
}  // namespace mynah::ir::test
