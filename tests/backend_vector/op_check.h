// SPDX-License-Identifier: Apache-2.0
//
// One op at a time: compiled with its operands in state slots, run over many operands, and compared with
// evaluate_op(): the result's bits and the sticky flags. Values that are live across the op are checked too.
#pragma once

#include <random>
#include <string>
#include <vector>

#include "harness.h"

namespace mynah::ir::testing {

struct OpCase {
  Op op;
  Type type;  // of the result
  std::vector<Type> args;
  uint8_t aux = 0;
  uint64_t imm = 0;
};
std::string name(const OpCase& c);

// Operands of one run.
using Operands = std::array<V128, 3>;

class OpChecker {
 public:
  explicit OpChecker(bool plain = false) : m_(plain) {}
  // Whether the operands' registers are reused (not needed behind the op), and whether they are one value.
  struct Shape {
    bool live = false;
    bool same = false;
  };
  // The first difference as text, empty when there is none. `count`: runs.
  std::string check(const OpCase& c, const FpMode& mode, const std::vector<Operands>& operands, Shape shape);

 private:
  void build(const OpCase& c, const FpMode& mode, Shape shape, bool extra);
  Machine m_;
};

// Operands: edges and random lanes.
class Source {
 public:
  explicit Source(uint64_t seed) : random_(seed) {}
  uint64_t next() { return random_(); }
  uint64_t below(uint64_t n) { return random_() % n; }
  uint64_t integer(unsigned bits);
  uint64_t fp(unsigned format);  // 1 half, 2 single, 3 double
  V128 integers(unsigned lane);  // log2 of the lane's bytes; each lane an integer()
  V128 fps(unsigned format);

 private:
  std::mt19937_64 random_;
};

}  // namespace mynah::ir::testing
