// SPDX-License-Identifier: Apache-2.0
//
// Random regions of vector and floating-point ops, more values than registers, with exits between: state and
// sticky flags as the evaluator has them. MYNAH_SEED and MYNAH_REGIONS choose others and more.
#include <gtest/gtest.h>

#include <cstdlib>

#include "ir/text.h"
#include "ir/verify.h"
#include "op_check.h"

namespace mynah::ir::testing {
namespace {

uint64_t environment(const char* name, uint64_t fallback) {
  const char* text = std::getenv(name);
  return text ? std::strtoull(text, nullptr, 0) : fallback;
}

struct Choice {
  Op op;
  unsigned arguments;
};
constexpr Choice kVectorOps[] = {
    {Op::vadd, 2},           {Op::vsub, 2},     {Op::vmul, 2},       {Op::vneg, 1},
    {Op::vabs, 1},           {Op::vumin, 2},    {Op::vsmax, 2},      {Op::vuabd, 2},
    {Op::vshadd, 2},         {Op::vsrhadd, 2},  {Op::vuhsub, 2},     {Op::vcmge, 2},
    {Op::vcmhi, 2},          {Op::vcmhs, 2},    {Op::vcmtst, 2},     {Op::vushl, 2},
    {Op::vsshl, 2},          {Op::vurshl, 2},   {Op::vcnt, 1},       {Op::vclz, 1},
    {Op::vcls, 1},           {Op::vrbit, 1},    {Op::vzip1, 2},      {Op::vuzp2, 2},
    {Op::vtrn1, 2},          {Op::vtbl, 2},     {Op::vtbx, 3},       {Op::vudot, 3},
    {Op::vuqadd, 2},         {Op::vsqadd, 2},   {Op::vsqsub, 2},     {Op::vsqneg, 1},
    {Op::vsuqadd, 2},        {Op::vext, 2},     {Op::vshl_imm, 1},   {Op::vsshr_imm, 1},
    {Op::vsrshr_imm, 1},     {Op::vbsl, 3},     {Op::aese, 2},       {Op::aesmc, 1},
    {Op::sha1c, 3},          {Op::sha1su1, 2},  {Op::sha256h, 3},    {Op::sha256h2, 3},
    {Op::sha256su1, 3},      {Op::vadd_us, 2},  {Op::vpack_ss, 2},   {Op::vsmulh, 2},
    {Op::vsad, 2},           {Op::vshl_all, 2}, {Op::vushr_each, 2}, {Op::vshuffle8, 2},
    {Op::vblend_sign, 3},    {Op::aes_enc, 2},  {Op::sha1_msg2, 2},  {Op::sha1_next_e, 2},
    {Op::sha256_rounds2, 3}, {Op::gf_mul, 2}};
constexpr Choice kFpOps[] = {{Op::fadd, 2},   {Op::fsub, 2},  {Op::fmul, 2}, {Op::fdiv, 2},   {Op::fmin, 2},
                             {Op::fmaxnm, 2}, {Op::fsqrt, 1}, {Op::fma, 3},  {Op::fround, 1}, {Op::fcmeq, 2},
                             {Op::facgt, 2},  {Op::fmulx, 2}, {Op::fabs, 1}, {Op::fneg, 1}};

class Generator {
 public:
  Generator(Machine& m, uint64_t seed) : s(seed), m_(m) {}
  void build(unsigned count) {
    Builder& b = m_.begin();
    m_.region.guest_insts = count;
    m_.region.fp = {.round = static_cast<uint8_t>(s.below(4)), .default_nan = s.below(3) == 0};
    width_ = 1 + s.below(24);
    for (unsigned i = 0; i < count; ++i) {
      b.at(static_cast<int32_t>(4 * i), i);
      step();
      if (s.below(3) == 0) b.set(static_cast<Slot>(kV0 + s.below(kVCount)), any());
      if (s.below(4) == 0) b.set(static_cast<Slot>(kX0 + s.below(kXCount)), integer());
      if (s.below(12) == 0)
        b.exit_if(b.cond(static_cast<Cond>(s.below(14)), flags()), static_cast<int64_t>(s.below(4096)));
    }
    b.at(static_cast<int32_t>(4 * count), count);
    b.exit(static_cast<int64_t>(4 * count));
    b.finish();
    values_.clear();
    integers_.clear();
  }
  Source s;

 private:
  Value any() {
    if (!values_.empty() && s.below(5))
      return values_[values_.size() - 1 - s.below(std::min<size_t>(values_.size(), width_))];
    return add(m_.b.get(static_cast<Slot>(kV0 + s.below(kVCount))));
  }
  Value add(Value v) {
    values_.push_back(v);
    return v;
  }
  Value integer() {
    if (!integers_.empty() && s.below(4))
      return integers_[integers_.size() - 1 - s.below(std::min<size_t>(integers_.size(), width_))];
    integers_.push_back(m_.b.get(static_cast<Slot>(kX0 + s.below(kXCount))));
    return integers_.back();
  }
  Value scalar(Type t) { return m_.b.emit(Op::vlow, t, any()); }
  Value flags() {
    const Type t = s.below(2) ? Type::f32 : Type::f64;
    const Value f = m_.b.emit(Op::fl_fcmp, Type::flags, scalar(t), scalar(t), kNoValue, 0,
                              static_cast<uint8_t>(s.below(2)));
    if (s.below(2)) m_.b.set(kFlagsSlot, f);
    return f;
  }
  void step() {
    Builder& b = m_.b;
    const auto arguments = [&](unsigned n, auto&& make) {
      std::array<Value, 3> a = {kNoValue, kNoValue, kNoValue};
      for (unsigned i = 0; i < n; ++i) a[i] = make();
      return a;
    };
    switch (s.below(8)) {
      case 0: {
        const auto& c = kFpOps[s.below(std::size(kFpOps))];
        const auto a = arguments(c.arguments, [&] { return any(); });
        add(b.emit(c.op, Type::v128, a[0], a[1], a[2], c.op == Op::fround ? s.below(6) : 0,
                   static_cast<uint8_t>(1 + s.below(3))));
        break;
      }
      case 1:
      case 2: {
        const auto& c = kFpOps[s.below(std::size(kFpOps))];
        const unsigned format = static_cast<unsigned>(2 + s.below(2));
        const Type t = format == 2 ? Type::f32 : Type::f64;
        const auto a = arguments(c.arguments, [&] { return scalar(t); });
        add(b.emit(Op::vzext, Type::v128,
                   b.emit(c.op, t, a[0], a[1], a[2], c.op == Op::fround ? s.below(6) : 0,
                          static_cast<uint8_t>(format))));
        break;
      }
      case 3: {
        const Type t = s.below(2) ? Type::f32 : Type::f64, i = s.below(2) ? Type::i32 : Type::i64;
        const uint64_t how = pack(FtoI{static_cast<FpRound>(s.below(6)), s.below(2) != 0, 0});
        const uint64_t back = pack(FtoI{FpRound::kCurrent, s.below(2) != 0, 0});
        const auto aux = static_cast<uint8_t>(t == Type::f32 ? 2 : 3);
        Value v = b.emit(Op::fto_int, i, scalar(t), kNoValue, kNoValue, how, aux);
        add(b.emit(Op::vzext, Type::v128, b.emit(Op::int_to_f, t, v, kNoValue, kNoValue, back, aux)));
        if (i == Type::i32) v = b.zext32(v);
        integers_.push_back(b.add(v, integer()));
        break;
      }
      default: {
        const auto& c = kVectorOps[s.below(std::size(kVectorOps))];
        const auto a = arguments(c.arguments, [&] { return any(); });
        const auto lane = static_cast<unsigned>(c.op == Op::vpack_ss ? 1 + s.below(3) : s.below(4));
        const bool shift = c.op == Op::vshl_imm || c.op == Op::vsshr_imm || c.op == Op::vsrshr_imm;
        add(b.vec(c.op, family(c.op) == Family::kCrypto || c.op == Op::vbsl ? 0 : lane, a[0], a[1], a[2],
                  shift              ? 1 + s.below((8u << lane) - 1)
                  : c.op == Op::vext ? s.below(16)
                                     : 0));
      }
    }
  }

  Machine& m_;
  uint64_t width_ = 8;
  std::vector<Value> values_, integers_;
};

void compare_regions(bool plain) {
  Machine m(plain);
  const uint64_t seed = environment("MYNAH_SEED", 1);
  const uint64_t regions = environment("MYNAH_REGIONS", 600);
  for (uint64_t n = 0; n < regions; ++n) {
    Generator g(m, seed + n);
    g.build(static_cast<unsigned>(1 + g.s.below(g.s.below(8) ? 30 : 120)));
    ASSERT_EQ(verify(m.region), "") << print(m.region);
    const uint8_t* code = m.compile();
    if (!code) continue;
    set_fp_mode(*m.rt, m.region.fp);
    for (unsigned run = 0; run < 4; ++run) {
      State start{};
      for (auto& x : start.x) x = g.s.integer(64);
      for (auto& v : start.v)
        v = g.s.below(2) ? g.s.fps(2 + run % 2) : g.s.integers(static_cast<unsigned>(g.s.below(4)));
      m.state() = start;
      uint32_t sticky = 0;
      const EvalResult result = evaluate(m.region, m.rt->state, sticky, m);
      const State expected = m.state();
      m.state() = start;
      set_fp_flags(*m.rt, 0);
      const Leave leave = m.run(code);
      const std::string context = "seed " + std::to_string(seed + n);
      ASSERT_EQ(leave, result.leave) << context;
      ASSERT_EQ(m.site().imm, m.region.insts[result.inst].imm) << context;
      ASSERT_EQ(difference(m.state(), expected), "") << context << "\n" << print(m.region) << m.disassembly();
      ASSERT_EQ(fp_flags(*m.rt), sticky) << context << "\n" << print(m.region) << m.disassembly();
    }
  }
}

TEST(Random, Full) { compare_regions(false); }
TEST(Random, Plain) { compare_regions(true); }

}  // namespace
}  // namespace mynah::ir::testing
