// SPDX-License-Identifier: Apache-2.0
//
// Small guests for x86 boards, as multiboot kernels: 32-bit protected mode with flat segments, code from
// 0x200070 on, an interrupt table at 0x200800 and a stack below 0x203000.
#pragma once

#include <initializer_list>
#include <string_view>

#include "tests/machines/x86_kernels.h"

namespace mynah::x86_test {

class Guest {
 public:
  static constexpr uint32_t kBase = 0x200000, kEntry = 0x200070, kIdtPointer = 0x2007f8, kIdt = 0x200800,
                            kStack = 0x203000;
  static constexpr uint32_t kLocalApic = 0xfee00000, kIoApic = 0xfec00000, kGed = 0xfea00000,
                            kSleep = 0xfea00200;
  static constexpr uint8_t kPowerOff = 0x34;  // sleep type 5, enable
  enum Reg : uint8_t { kEax, kEcx, kEdx, kEbx, kEsp, kEbp, kEsi, kEdi };

  Guest() : file_(multiboot_flat()) { mov(kEsp, kStack); }

  // --- one instruction each
  Guest& bytes(std::initializer_list<uint8_t> code) {
    for (const uint8_t b : code) emit(b, 1);
    return *this;
  }
  Guest& mov(Reg to, uint32_t value) { return emit(0xb8u + to, 1).emit(value, 4); }
  Guest& store8(uint32_t address, uint8_t value) { return emit(0x05c6, 2).emit(address, 4).emit(value, 1); }
  Guest& store32(uint32_t address, uint32_t value) { return emit(0x05c7, 2).emit(address, 4).emit(value, 4); }
  Guest& load_eax(uint32_t address) { return emit(0xa1, 1).emit(address, 4); }
  Guest& out_al() { return emit(0xee, 1); }  // to DX
  Guest& in_al() { return emit(0xec, 1); }
  Guest& sti() { return emit(0xfb, 1); }
  Guest& hlt() { return emit(0xf4, 1); }
  Guest& iret() { return emit(0xcf, 1); }
  Guest& wrmsr() { return emit(0x300f, 2); }
  Guest& rdtsc() { return emit(0x310f, 2); }
  Guest& jump(uint32_t to) { return emit(0xe9, 1).emit(to - here() - 4, 4); }
  Guest& jump_if_not_zero(uint32_t to) { return emit(0x850f, 2).emit(to - here() - 4, 4); }
  // --- some
  Guest& out8(uint16_t port, uint8_t value) { return mov(kEdx, port).emit(0xb0, 1).emit(value, 1).out_al(); }
  Guest& out16(uint16_t port, uint16_t value) { return mov(kEdx, port).mov(kEax, value).emit(0xef66, 2); }
  Guest& print(uint16_t port, std::string_view text) {
    for (const char c : text) out8(port, static_cast<uint8_t>(c));
    return *this;
  }
  Guest& power_off() { return store8(kSleep, kPowerOff); }
  Guest& sleep_forever() {
    const uint32_t loop = here();
    return hlt().jump(loop);
  }
  Guest& load_interrupt_table() { return emit(0x1d010f, 3).emit(kIdtPointer, 4); }

  uint32_t here() const { return kBase + at_; }
  // What an interrupt enters: an interrupt gate into the code that follows.
  Guest& handler(uint8_t vector) {
    put(file_, kIdtPointer - kBase, 0x7ff, 2);
    put(file_, kIdtPointer - kBase + 2, kIdt, 4);
    const uint32_t gate = kIdt - kBase + 8u * vector;
    put(file_, gate, (here() & 0xffff) | 0x10 << 16, 4);
    put(file_, gate + 4, 0x8e00 | (here() & 0xffff0000), 4);
    return *this;
  }
  const Bytes& file() const { return file_; }

 private:
  Guest& emit(uint64_t value, unsigned n) {
    put(file_, at_, value, n);
    at_ += n;
    return *this;
  }
  Bytes file_;
  uint32_t at_ = kEntry - kBase;
};

// Sleeps to the next tick of the local APIC's timer, notes the time-stamp counter in the next page from 4 MiB
// on and writes a letter to the serial line; `ticks` times, then it powers off.
inline Bytes ticking_guest(uint32_t ticks = 40) {
  Guest g;
  g.load_interrupt_table().mov(Guest::kEbx, ticks).mov(Guest::kEdi, 0x400000);
  g.store32(Guest::kLocalApic + 0xf0, 0x1ff);
  g.store32(Guest::kLocalApic + 0x3e0, 0xb);
  g.store32(Guest::kLocalApic + 0x320, 0x20040);  // periodic
  g.store32(Guest::kLocalApic + 0x380, 100'000);
  g.sti().sleep_forever();
  g.handler(0x40).out8(0x3f8, 'a').rdtsc();
  g.bytes({0x89, 0x07, 0x81, 0xc7, 0x00, 0x10, 0x00, 0x00});  // mov [edi], eax; add edi, 0x1000
  g.store32(Guest::kLocalApic + 0xb0, 0).bytes({0x4b});       // dec ebx
  g.bytes({0x75, 0x07}).power_off().iret();                   // jnz to the iret
  return g.file();
}

}  // namespace mynah::x86_test
