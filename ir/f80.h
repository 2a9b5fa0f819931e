// SPDX-License-Identifier: Apache-2.0
//
// Extended floats of 80 bits as the x87 has them (SDM vol. 1, chapter 8): a file of eight registers in the
// guest's state, with status and control words, that ops of Family::kExtended work on.
//
// While the guest runs, the host's x87 has the guest's rounding and precision control, with every exception
// masked, and gathers its sticky exceptions. C++ does not use the x87 otherwise. A vCPU loads them when its
// turn begins and stores them when it ends (load_f80, store_f80).
#pragma once

#include <cstdint>

#include "ir/ir.h"
#include "ir/runtime.h"

namespace mynah::ir {

enum class F80Op : uint8_t { kAdd, kMul, kSub, kSubReverse, kDiv, kDivReverse };
enum class F80Format : uint8_t { kF32, kF64, kI16, kI32, kI64 };
constexpr unsigned bytes(F80Format format) {
  return format == F80Format::kI16 ? 2 : format == F80Format::kF32 || format == F80Format::kI32 ? 4 : 8;
}
constexpr uint8_t kF80Truncate = 16;  // f80_store
enum class F80Constant : uint8_t { kZero, kOne, kLog2Of10, kLog2OfE, kPi, kLog10Of2, kLnOf2 };

struct alignas(16) F80Register {
  uint64_t significand;
  uint16_t sign_exponent;
};
struct F80File {
  F80Register registers[8];
  // Exceptions 5:0 (as of the last store_f80()), C0 8, C1 9, C2 10, C3 14, as the last op that says so left
  // them. Other bits have no meaning.
  uint32_t status;
  uint32_t control;
};
constexpr uint32_t kF80Exceptions = 0x3f, kF80Precision = 0x20;
constexpr uint32_t kF80Conditions = 0x4700, kF80C1 = 0x200;

// The host's x87 has file.control and the exceptions of file.status from now on; and the other way.
void load_f80(const F80File& file);
void store_f80(F80File& file);
// The same of the file that a frame's guest has; nothing where it has none.
inline void load_f80(Runtime& runtime) {
  if (runtime.f80_file != kNoF80File)
    load_f80(*reinterpret_cast<const F80File*>(runtime.state + runtime.f80_file));
}
inline void store_f80(Runtime& runtime) {
  if (runtime.f80_file != kNoF80File)
    store_f80(*reinterpret_cast<F80File*>(runtime.state + runtime.f80_file));
}

}  // namespace mynah::ir
