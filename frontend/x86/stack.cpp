// SPDX-License-Identifier: Apache-2.0
//
// Stack accesses (SDM vol. 1, 6.2), one read or write for all elements unless SP wraps among them.
#include "frontend/x86/stack.h"

#include <cstring>

#include "frontend/x86/segments.h"
#include "frontend/x86/vectors.h"

namespace mynah::x86 {

namespace {
// Linear address of [offset, offset + n) of the stack; false: raised.
bool linear(X86Cpu& cpu, const Stack& stack, uint64_t offset, unsigned n, uint32_t error, uint64_t& address) {
  if (stack.width == Stack::Width::k64) {
    address = offset;
    const X86State& s = cpu.x86();
    if (is_canonical(s, offset) && is_canonical(s, offset + n - 1)) return true;
    return cpu.raise(vector::kStack, error);
  }
  if (!stack.usable || !within_limit(stack.access, stack.limit, offset, n))
    return cpu.raise(vector::kStack, error);
  address = (stack.base + offset) & 0xffffffff;
  return true;
}
}  // namespace

Stack Stack::current(const X86State& s) {
  if (s.in_64bit_code()) return flat(s.r(kRsp), s.cpl);
  const Segment& g = s.segments[kSs];
  return {g.access & access::kBig ? Width::k32 : Width::k16,
          g.access,
          g.limit,
          g.usable,
          s.base(kSs),
          s.r(kRsp),
          s.cpl};
}

uint32_t class_of(X86Cpu& cpu, unsigned cpl) {
  X86State& s = cpu.x86();
  const uint8_t own = s.cpl;
  s.cpl = static_cast<uint8_t>(cpl);
  const uint32_t c = cpu.permission_class();
  s.cpl = own;
  return c;
}

void Pushes::push(uint64_t value) {
  size_ += each_;
  std::memcpy(bytes_.data() + bytes_.size() - size_, &value, each_);
}

bool Pushes::write(X86Cpu& cpu, uint32_t error) {
  const uint8_t* const from = bytes_.data() + bytes_.size() - size_;
  const uint32_t permission_class = class_of(cpu, stack_.cpl);
  const uint64_t top = stack_.sp & stack_.mask();
  uint64_t address;
  // At SP 0 the whole frame is below the segment's end.
  if (stack_.width == Stack::Width::k64 || top >= size_ || top == 0) {
    if (!linear(cpu, stack_, (top - size_) & stack_.mask(), size_, error, address)) return false;
    return cpu.write(address, from, size_, permission_class);
  }
  // Checked as a whole first; a page may still fault in between, when nothing but what is below SP changed.
  for (const bool checking : {true, false}) {
    for (unsigned at = 0; at < size_; at += each_) {
      if (!linear(cpu, stack_, (top - size_ + at) & stack_.mask(), each_, error, address)) return false;
      if (!checking && !cpu.write(address, from + at, each_, permission_class)) return false;
    }
  }
  return true;
}

bool Pops::read(X86Cpu& cpu, unsigned n) {
  const uint32_t permission_class = class_of(cpu, stack_.cpl);
  const uint64_t first = (stack_.sp + size_) & stack_.mask();
  const unsigned total = n * each_;
  uint8_t bytes[sizeof values_];
  uint64_t address;
  if (stack_.width == Stack::Width::k64 || first + total - 1 <= stack_.mask()) {
    if (!linear(cpu, stack_, first, total, 0, address)) return false;
    if (!cpu.read(address, bytes, total, permission_class)) return false;
  } else {
    for (unsigned at = 0; at < total; at += each_) {
      if (!linear(cpu, stack_, (first + at) & stack_.mask(), each_, 0, address)) return false;
      if (!cpu.read(address, bytes + at, each_, permission_class)) return false;
    }
  }
  for (unsigned i = 0; i < n; ++i) {
    std::memcpy(&values_[count_], bytes + size_t{i} * each_, each_);
    ++count_;
  }
  size_ += total;
  return true;
}

}  // namespace mynah::x86
