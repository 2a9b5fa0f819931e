// SPDX-License-Identifier: Apache-2.0
//
// What the IR tests share: a slot table, a random source, a host for the evaluator with 4 KiB of memory, and
// a shorthand for evaluate_op().
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <string>
#include <vector>

#include "ir/eval.h"
#include "ir/ir.h"

namespace mynah::ir::test {

// Registers of an imagined machine: x0-x15 (i64), w0-w3 (i32), v0-v7 (v128), s0 (f32), d0 (f64), c0 (i1),
// nzcv.
inline const std::vector<SlotInfo>& test_slots() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> n;
    for (int i = 0; i < 16; ++i) n.push_back("x" + std::to_string(i));
    for (int i = 0; i < 4; ++i) n.push_back("w" + std::to_string(i));
    for (int i = 0; i < 8; ++i) n.push_back("v" + std::to_string(i));
    for (const char* s : {"s0", "d0", "c0", "nzcv"}) n.push_back(s);
    return n;
  }();
  static const std::vector<SlotInfo> slots = [] {
    std::vector<SlotInfo> s;
    uint32_t offset = 0;
    for (const std::string& name : names) {
      const Type type = name == "nzcv"   ? Type::flags
                        : name == "c0"   ? Type::i1
                        : name == "s0"   ? Type::f32
                        : name == "d0"   ? Type::f64
                        : name[0] == 'w' ? Type::i32
                        : name[0] == 'v' ? Type::v128
                                         : Type::i64;
      s.push_back({name, type, offset});
      offset += 16;
    }
    return s;
  }();
  return slots;
}
inline Slot slot_of(std::string_view name) {
  for (size_t i = 0; i < test_slots().size(); ++i) {
    if (test_slots()[i].name == name) return static_cast<Slot>(i);
  }
  std::abort();
}

// splitmix64.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}
  uint64_t next() {
    uint64_t z = state_ += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }
  unsigned below(unsigned n) { return static_cast<unsigned>((next() >> 32) * n >> 32); }
  // Often a value at an end of a range, or with lanes that are.
  uint64_t edgy() {
    static constexpr uint64_t kEdges[] = {0,
                                          1,
                                          2,
                                          0x7f,
                                          0x80,
                                          0xff,
                                          0x7fff,
                                          0x8000,
                                          0xffff,
                                          0x7fffffff,
                                          0x80000000,
                                          0xffffffff,
                                          0x7fffffffffffffff,
                                          0x8000000000000000,
                                          0xffffffffffffffff,
                                          0xfffffffffffffffe,
                                          0x8080808080808080,
                                          0x7f7f7f7f7f7f7f7f,
                                          0x8000800080008000,
                                          0x7fff80007fff8000,
                                          0x8000000080000000,
                                          0x0102040810204080};
    switch (below(4)) {
      case 0:
        return kEdges[below(std::size(kEdges))];
      case 1:
        return next() >> below(64);
      case 2: {
        // Each byte small, large or random.
        uint64_t x = 0;
        for (int i = 0; i < 8; ++i) {
          static constexpr uint8_t kBytes[] = {0, 1, 0xff, 0x80, 0x7f};
          x = x << 8 | (below(3) ? kBytes[below(5)] : next() & 0xff);
        }
        return x;
      }
      default:
        return next();
    }
  }
  V128 edgy_vector() { return {edgy(), edgy()}; }

 private:
  uint64_t state_;
};

struct Evaluated {
  V128 value;
  uint32_t sticky;
};
struct Operand {
  Type type;
  V128 value;
};
inline Operand i1(bool x) { return {Type::i1, {x, 0}}; }
inline Operand i32(uint64_t x) { return {Type::i32, {x & 0xffffffff, 0}}; }
inline Operand i64(uint64_t x) { return {Type::i64, {x, 0}}; }
inline Operand f32(float x) { return {Type::f32, {std::bit_cast<uint32_t>(x), 0}}; }
inline Operand f64(double x) { return {Type::f64, {std::bit_cast<uint64_t>(x), 0}}; }
inline Operand v128(V128 x) { return {Type::v128, x}; }
inline Operand fl(uint32_t x) { return {Type::flags, {x, 0}}; }

inline Evaluated eval_op(Op op, Type type, std::initializer_list<Operand> operands, uint64_t imm = 0,
                         uint8_t aux = 0, const FpMode& mode = {}) {
  V128 args[4];
  Type types[4] = {};
  size_t n = 0;
  for (const Operand& o : operands) {
    args[n] = o.value;
    types[n++] = o.type;
  }
  uint32_t sticky = 0;
  const V128 value = evaluate_op({op, type, aux, imm, args, types}, mode, sticky);
  return {value, sticky};
}

// Guest addresses are offsets into `memory`; those outside of it fault. Calls return the sum of their
// arguments and the helper's number.
class TestHost : public EvalHost {
 public:
  bool guard(const Region&, const Inst& inst, uint64_t base, uint8_t*& pointer) override {
    ++guards;
    const GuardRange range = guard_range(inst);
    const uint64_t first = base + static_cast<uint64_t>(int64_t{range.lo});
    if (first > memory.size() || range.length > memory.size() - first) return false;
    pointer = memory.data() + base;
    return true;
  }
  bool commit(const Region&, const Inst&, uint8_t*) override { return ++commits != failing_commit; }
  bool call(const Region&, const Inst& inst, const uint64_t args[4], uint64_t& result) override {
    result = inst.imm + args[0] + args[1] + args[2] + args[3];
    return inst.imm != failing_call;
  }

  std::vector<uint8_t> memory = std::vector<uint8_t>(1 << 12);
  unsigned guards = 0, commits = 0, failing_commit = 0;
  uint64_t failing_call = ~uint64_t{0};
};

struct TestState {
  alignas(16) std::array<uint8_t, 1024> bytes{};

  uint64_t get(std::string_view name) const {
    uint64_t x = 0;
    const SlotInfo& s = test_slots()[slot_of(name)];
    std::memcpy(&x, bytes.data() + s.offset, ir::bytes(s.type) > 8 ? 8 : ir::bytes(s.type));
    return x;
  }
  void set(std::string_view name, uint64_t x) {
    const SlotInfo& s = test_slots()[slot_of(name)];
    std::memcpy(bytes.data() + s.offset, &x, ir::bytes(s.type) > 8 ? 8 : ir::bytes(s.type));
  }
  bool operator==(const TestState&) const = default;
};

}  // namespace mynah::ir::test
