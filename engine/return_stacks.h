// SPDX-License-Identifier: Apache-2.0
//
// ReturnStacks: memory for the return stacks of a vCPU's code contexts (ir/runtime.h). Below each lies a page
// that nobody may touch: whoever breaks a stack's bound does not go on in another context's.
#pragma once

#include <cstdint>

#include "ir/runtime.h"

namespace mynah {

class ReturnStacks {
 public:
  explicit ReturnStacks(unsigned count);  // throws std::bad_alloc where the host has no address space
  ~ReturnStacks();
  ReturnStacks(const ReturnStacks&) = delete;
  ir::ReturnEntry* end(unsigned i) const { return ir::make_return_stack(stack(i)); }

 private:
  static constexpr uint64_t kStride = ir::kReturnStackBytes + ir::kPageSize;
  uint8_t* stack(unsigned i) const { return memory_ + i * kStride + ir::kPageSize; }
  uint8_t* memory_;
  uint64_t bytes_;
};

}  // namespace mynah
