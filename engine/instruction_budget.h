// SPDX-License-Identifier: Apache-2.0
//
// InstructionBudget: how many instructions a vCPU has executed, and how many more it may. Translated code
// runs on a down-counter (ir::Runtime::counter) that the entry of each block lowers by the whole block; what
// a block has counted ahead of where it is, C++ says while it looks on.
#pragma once

#include <algorithm>
#include <cstdint>

#include "ir/runtime.h"

namespace mynah {

class InstructionBudget {
 public:
  explicit InstructionBudget(ir::Runtime& runtime) : runtime_(runtime) {}

  // Executed so far, exact inside device accesses and helpers too.
  uint64_t executed() const {
    return executed_ + static_cast<uint64_t>(slice_ - (slice_ ? runtime_.counter : 0) - ahead_);
  }
  // As of the last settle() or count().
  uint64_t settled() const { return executed_; }
  void count(uint64_t n) { executed_ += n; }
  void take_back(uint64_t n) { executed_ -= n; }  // counted and settled, and not executed

  // --- a slice of translated code
  void start(uint64_t n) {
    slice_ = static_cast<int64_t>(std::min<uint64_t>(n, ir::kMostCalls));
    restart();  // what is raised before any code is entered may ask for the count
  }
  int64_t left() const { return slice_; }
  void stretch(int64_t n) { slice_ = std::max(slice_, n); }
  void restart() { runtime_.counter = slice_; }  // before code is entered
  void settle() {                                // after it was left
    executed_ += static_cast<uint64_t>(slice_ - runtime_.counter);
    slice_ = runtime_.counter;
  }
  void give_back(int64_t n) { runtime_.counter += n; }  // counted, and not executed
  void end() { slice_ = 0; }
  // While code runs: C++ has counted n by itself, and the slice is so much shorter.
  void shorten(int64_t n) {
    slice_ -= n;
    runtime_.counter -= n;
  }
  // The slice ends at the next block's entry.
  void cut() {
    if (slice_ == 0) return;
    slice_ -= runtime_.counter + 1;
    runtime_.counter = -1;
  }

  // While C++ runs for an instruction in the middle of a block: what the counter is ahead by (the rest of the
  // block, translated) or behind by (negative: the block's instructions so far, evaluated).
  void set_ahead(int64_t n) { ahead_ = n; }

 private:
  ir::Runtime& runtime_;
  uint64_t executed_ = 0;
  int64_t slice_ = 0;
  int64_t ahead_ = 0;
};

}  // namespace mynah
