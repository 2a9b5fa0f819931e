// SPDX-License-Identifier: Apache-2.0
//
// Stacks that C++ pushes to and pops from: the current one, or the one that an interrupt or a call goes to.
// What is pushed is gathered and written at once, so that nothing changes where the limit or a page forbids
// it.
#pragma once

#include <array>
#include <cstdint>

#include "frontend/x86/cpu.h"
#include "frontend/x86/descriptors.h"
#include "frontend/x86/state.h"

namespace mynah::x86 {

struct Stack {
  enum class Width : uint8_t { k16, k32, k64 } width = Width::k32;  // of the stack pointer
  uint32_t access = 0, limit = 0;
  bool usable = true;
  uint64_t base = 0;
  uint64_t sp = 0;
  unsigned cpl = 0;  // whose accesses they are

  uint64_t mask() const {
    return width == Width::k16 ? 0xffff : width == Width::k32 ? 0xffffffff : ~uint64_t{0};
  }
  // The current one.
  static Stack current(const X86State& s);
  // Of a segment of 16- or 32-bit code.
  static Stack of(const Descriptor& d, uint64_t sp, unsigned cpl) {
    return {d.big() ? Width::k32 : Width::k16, d.access(), d.limit(), true, d.base(), sp, cpl};
  }
  // In 64-bit code.
  static Stack flat(uint64_t sp, unsigned cpl) { return {Width::k64, 0, 0, true, 0, sp, cpl}; }
};

class Pushes {
 public:
  Pushes(const Stack& stack, unsigned bytes) : stack_(stack), each_(bytes) {}
  void push(uint64_t value);
  // Writes all; false: raised, #SS with the error code where the stack ends. Then sp() is the new pointer's
  // value: RSP, or ESP with what SP leaves of it.
  bool write(X86Cpu& cpu, uint32_t error);
  uint64_t sp() const { return (stack_.sp & ~stack_.mask()) | ((stack_.sp - size_) & stack_.mask()); }

 private:
  Stack stack_;
  unsigned each_, size_ = 0;
  std::array<uint8_t, 320> bytes_;  // from the end
};

class Pops {
 public:
  Pops(const Stack& stack, unsigned bytes) : stack_(stack), each_(bytes) {}
  // Reads `n` more elements; false: raised, #SS(0) where the stack ends.
  bool read(X86Cpu& cpu, unsigned n);
  uint64_t operator[](unsigned i) const { return values_[i]; }
  void skip(uint64_t bytes) { size_ += bytes; }
  uint64_t sp() const { return (stack_.sp & ~stack_.mask()) | ((stack_.sp + size_) & stack_.mask()); }

 private:
  Stack stack_;
  unsigned each_, count_ = 0;
  uint64_t size_ = 0;
  std::array<uint64_t, 12> values_{};
};

// Class of an explicit access by that CPL.
uint32_t class_of(X86Cpu& cpu, unsigned cpl);
// Sets RSP, ESP or SP of a segment's stack.
inline void set_sp(X86State& s, uint64_t sp) { s.r(kRsp) = sp; }

}  // namespace mynah::x86
