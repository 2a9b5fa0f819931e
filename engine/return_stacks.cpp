// SPDX-License-Identifier: Apache-2.0
//
// ReturnStacks: address space is taken at once, memory as stacks grow.
#include "engine/return_stacks.h"

#include <sys/mman.h>

#include <new>

namespace mynah {

ReturnStacks::ReturnStacks(unsigned count, size_t bytes) : count_(count), bytes_(bytes) {
  if (!bytes_) return;
  const size_t all = count_ * stride();
  void* memory = mmap(nullptr, all, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  memory_ = static_cast<uint8_t*>(memory);
  madvise(memory, all, MADV_NOHUGEPAGE);  // a page or two of each are used
  for (unsigned i = 0; i < count_; ++i)
    if (mprotect(stack(i), bytes_, PROT_READ | PROT_WRITE)) throw std::bad_alloc();
}

ReturnStacks::~ReturnStacks() {
  if (memory_) munmap(memory_, count_ * stride());
}

}  // namespace mynah
