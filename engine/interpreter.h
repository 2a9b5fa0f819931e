// SPDX-License-Identifier: Apache-2.0
//
// Interpreter: runs blocks on the IR's evaluator, access by access. What -accel interp uses throughout, and
// translated execution where it must stop at an exact instruction.
#pragma once

#include <cstdint>

#include "engine/core.h"
#include "engine/translator.h"
#include "ir/eval.h"

namespace mynah {

class Interpreter final : private ir::EvalHost {
 public:
  Interpreter(Core& core, Translator& translator) : core_(core), translator_(translator) {}

  // Runs one block of at most max_insts instructions; it ends at stop points.
  AfterExit run(uint64_t max_insts) { return run(max_insts, true); }
  // One instruction, whatever stops there; the debugger's watchpoints that it hits are noted
  // (Stops::take_hit).
  AfterExit run_alone();

 private:
  AfterExit run(uint64_t max_insts, bool stop);
  bool guard(const ir::Region&, const ir::Inst&, uint64_t base, uint8_t*& pointer) override;
  bool commit(const ir::Region&, const ir::Inst&, uint8_t* pointer) override;
  bool call(const ir::Region&, const ir::Inst&, const uint64_t args[4], uint64_t& result) override;
  bool checks_helpers() const override { return translator_.verify; }
  void count_to(const ir::Snapshot& snapshot) {
    core_.budget.set_ahead(-static_cast<int64_t>(snapshot.completed));
  }

  Core& core_;
  Translator& translator_;
};

}  // namespace mynah
