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
  // bytes: of each, what the backend wants (ir::Backend::stack_bytes); 0: it has none. Throws std::bad_alloc
  // where the host has no address space.
  ReturnStacks(unsigned count, size_t bytes);
  ~ReturnStacks();
  ReturnStacks(const ReturnStacks&) = delete;
  ir::ReturnEntry* end(unsigned i) const {
    return bytes_ ? ir::make_return_stack(stack(i), bytes_) : nullptr;
  }

 private:
  size_t stride() const { return bytes_ + ir::kPageSize; }
  uint8_t* stack(unsigned i) const { return memory_ + i * stride() + ir::kPageSize; }
  const unsigned count_;
  const size_t bytes_;
  uint8_t* memory_ = nullptr;
};

}  // namespace mynah
