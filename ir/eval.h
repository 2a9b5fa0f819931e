// SPDX-License-Identifier: Apache-2.0
//
// The evaluator: runs a region instruction by instruction and is the reference meaning of every op. Constant
// folding, tests, the portable execution mode and the backends' generic expansion use the same functions.
#pragma once

#include <cstdint>
#include <vector>

#include "ir/ir.h"
#include "ir/runtime.h"
#include "ir/verify.h"

namespace mynah::ir {

// Pure ops and those with effect kFpStatus alone: the result's bits (zero-extended; flags packed; i1 0 or 1).
// args as the same. `type` is the result's type; `arg_types` the arguments'. Sticky flags are or-ed into
// sticky: softfloat's bits, 1 << 27 for saturation.
struct OpInput {
  Op op;
  Type type;
  uint8_t aux;
  uint64_t imm;
  const V128* args;
  const Type* arg_types;
};
V128 evaluate_op(const OpInput& in, const FpMode& fp, uint32_t& sticky);
// What Runtime::run_op is set to: the op that `packed` and the frame describe; the result into the frame.
void run_op(Runtime* runtime, uint64_t packed, uint64_t imm);

// What a running region needs from the engine.
class EvalHost {
 public:
  virtual ~EvalHost() = default;
  // Guards and commits as inst says: true to go on, `pointer` being that of the base (not of base + lo).
  // False: leave with Leave::kGuard, the state in memory being that of the snapshot (the evaluator has
  // written it before it asks).
  virtual bool guard(const Region&, const Inst&, uint64_t base, uint8_t*& pointer) = 0;
  virtual bool commit(const Region&, const Inst&, uint8_t* pointer) = 0;
  virtual bool call(const Region&, const Inst&, const uint64_t args[4], uint64_t& result) = 0;
  // Whether helpers are held to what they declare: what they do beyond it aborts.
  virtual bool checks_helpers() const { return kVerifyByDefault; }
};

struct EvalResult {
  Leave leave;      // kLink: exit and exit_if; kIndirect; kEngine; kGuard; kCall
  Value inst;       // the instruction that left
  uint64_t target;  // kIndirect: address; kEngine: argument
};
// state: the guest state's first byte. For kLink and kIndirect the slots are written, pc_page is not touched.
EvalResult evaluate(const Region& region, uint8_t* state, uint32_t& sticky, EvalHost& host);

}  // namespace mynah::ir
