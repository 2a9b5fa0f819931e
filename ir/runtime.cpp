// SPDX-License-Identifier: Apache-2.0
//
// The frame's storage, and the floating-point environment as the engine and guests see it: what C++ gathered
// and what the host did, through the functions that the backend gave the frame.
#include "ir/runtime.h"

#include <cstring>
#include <new>

namespace mynah::ir {

ReturnEntry* make_return_stack(uint8_t* memory, size_t bytes) {
  auto* const end = reinterpret_cast<ReturnEntry*>(memory + bytes) - 1;
  *end = {};
  return end;
}

namespace {
constexpr std::array<PagePair, kPagePairs> kNoPagePairs{};
}  // namespace

Runtime* new_runtime(size_t state_size) {
  const size_t size = sizeof(Runtime) + state_size;
  void* memory = ::operator new (size, std::align_val_t{64});
  std::memset(memory, 0, size);
  auto* runtime = static_cast<Runtime*>(memory);
  runtime->page_pairs = kNoPagePairs.data();
  return runtime;
}

void delete_runtime(Runtime* runtime) { ::operator delete (runtime, std::align_val_t{64}); }

uint32_t fp_flags(const Runtime& runtime) {
  return runtime.fp_sticky | (runtime.host_float ? runtime.host_float->flags(runtime) : 0);
}

void set_fp_flags(Runtime& runtime, uint32_t flags) {
  if (runtime.host_float) runtime.host_float->clear_flags(runtime);
  runtime.fp_sticky = flags;
}

void set_fp_mode(Runtime& runtime, const FpMode& mode) {
  runtime.fp_mode = mode;
  if (runtime.host_float) runtime.host_float->set_mode(runtime, mode);
}

}  // namespace mynah::ir
