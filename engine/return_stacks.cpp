// SPDX-License-Identifier: Apache-2.0
//
// ReturnStacks: address space is taken at once, memory as stacks grow.
#include "engine/return_stacks.h"

#include <sys/mman.h>

#include <new>

namespace mynah {

ReturnStacks::ReturnStacks(unsigned count) : bytes_(count * kStride) {
  void* memory = mmap(nullptr, bytes_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  memory_ = static_cast<uint8_t*>(memory);
  madvise(memory, bytes_, MADV_NOHUGEPAGE);  // a page or two of each are used
  for (unsigned i = 0; i < count; ++i)
    if (mprotect(stack(i), ir::kReturnStackBytes, PROT_READ | PROT_WRITE)) throw std::bad_alloc();
}

ReturnStacks::~ReturnStacks() { munmap(memory_, bytes_); }

}  // namespace mynah
