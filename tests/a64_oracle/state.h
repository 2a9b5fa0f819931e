// SPDX-License-Identifier: Apache-2.0
//
// A case of the instruction tests: one A64 word and the state before it, which becomes the state after it.
// Plain data, also read by the program that runs cases on AArch64 (guest.cpp); fixed offsets.
//
// An instruction may touch one window of memory, [kMemory, kMemory + kMemorySize), which crosses a page
// boundary. It stands at one of the slots of the code page.
#pragma once

#include <cstddef>
#include <cstdint>

namespace mynah::a64_oracle {

constexpr uint64_t kCode = 0x4000000;  // a page; slot i is at kCode + 16 * i, its instruction at + 4
constexpr unsigned kSlots = 256;
constexpr uint64_t kMemory = 0x4010f00;
constexpr unsigned kMemorySize = 512;
constexpr unsigned kPageSize = 4096;

constexpr uint64_t slot_pc(unsigned slot) { return kCode + 16 * slot + 4; }

struct alignas(16) State {
  uint64_t x[31];
  uint64_t sp;
  uint64_t pc;
  uint32_t nzcv;  // N, Z, C, V in bits 31:28
  uint32_t fpcr, fpsr;
  uint64_t v[32][2];  // low half first
  uint8_t memory[kMemorySize];
};
static_assert(offsetof(State, sp) == 248 && offsetof(State, pc) == 256 && offsetof(State, nzcv) == 264 &&
              offsetof(State, fpcr) == 268 && offsetof(State, fpsr) == 272 && offsetof(State, v) == 280);

enum class Outcome : uint32_t {
  kDone,
  kException,    // of any kind; the state after it means nothing
  kUnsupported,  // the runner does not do such instructions
};

struct Case {
  State state;
  uint32_t word;
  Outcome outcome;
};

// FPSR: cumulative exception bits and QC, the only ones that are compared.
constexpr uint32_t kFpsrMask = 0x0800009f;

// What the test program and guest.cpp share: a file, mapped.
constexpr unsigned kBatch = 4096;
struct SharedCases {
  uint32_t count;
  alignas(64) Case cases[kBatch];
};

}  // namespace mynah::a64_oracle
