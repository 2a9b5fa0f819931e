// SPDX-License-Identifier: Apache-2.0
//
// The state of an x86 processor as a user-mode program sees it, and a case: bytes of code, a mode, a state
// before or after. Neutral between the host's processor, the evaluator and translated code. Everything a case
// addresses lies at fixed addresses below 4 GiB (and 64 KiB for 16-bit addresses), the same for all of them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>

namespace mynah::x86_oracle {

// A code area of two pages, and behind it nothing.
constexpr uint64_t kCode = 0x135b0000, kCodeBytes = 0x2000;
// Two pages that can be read and written, with nothing in front of and behind them. All that is compared.
constexpr uint64_t kData = 0x2a5c0000, kLowData = 0x8000;
constexpr size_t kDataBytes = 0x2000;
// Bases of FS and GS in 32-bit mode; in 64-bit mode they are the state's.
constexpr uint64_t kFs32 = kData - 0x1000, kGs32 = kData + 0x123;

enum class Mode : uint8_t { k64, k32 };
enum Gpr : uint8_t { kRax, kRcx, kRdx, kRbx, kRsp, kRbp, kRsi, kRdi };

constexpr uint32_t kCf = 1, kPf = 4, kAf = 0x10, kZf = 0x40, kSf = 0x80, kDf = 0x400, kOf = 0x800;
constexpr uint32_t kArithmetic = kCf | kPf | kAf | kZf | kSf | kOf;
constexpr uint32_t kComparedFlags = kArithmetic | kDf;

struct State {
  uint64_t gpr[16] = {};
  uint64_t rip = kCode;
  uint32_t rflags = 0x202;
  uint32_t mxcsr = 0x1f80;
  uint64_t fs_base = 0, gs_base = 0;
  uint16_t fcw = 0x37f, fsw = 0;
  uint8_t ftw = 0;         // as FXSAVE has it: bit i is set where physical register i is not empty
  uint8_t st[8][10] = {};  // ST(0) to ST(7)
  uint64_t ymm[16][4] = {};
};

// Vectors of exceptions; kNone: the code ran to its end, or left it by a branch.
enum Vector : uint8_t {
  kDivide = 0,
  kDebug = 1,
  kBreakpoint = 3,
  kOverflow = 4,
  kBound = 5,
  kUndefined = 6,
  kNoDevice = 7,
  kStack = 12,
  kProtection = 13,
  kPage = 14,
  kX87 = 16,
  kAlignment = 17,
  kSimd = 19,
  kNone = 255,
  kHang = 254,
  kOther = 253,  // kOther: an outcome that is none of a processor's
};
struct Outcome {
  uint8_t vector = kNone;
  uint32_t error = 0;
  uint64_t cr2 = 0;  // of kPage
  bool operator==(const Outcome&) const = default;
};

struct Case {
  Mode mode = Mode::k64;
  bool branches = false;  // the code may leave itself: the bytes around it are INT3, which end the run
  bool low = false;       // the data is at kLowData
  uint8_t length = 0;     // of the code, at state.rip
  uint8_t code[200] = {};
  State state;
  uint8_t data[kDataBytes] = {};
  Outcome outcome;
  uint64_t data_address() const { return low ? kLowData : kData; }
};

}  // namespace mynah::x86_oracle
