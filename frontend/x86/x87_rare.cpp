// SPDX-License-Identifier: Apache-2.0
//
// Instructions of the x87 in what is rare: registers that are empty or full where they must not be, and
// exceptions that are not masked (SDM vol. 1, 8.5). The host's x87 executes the instruction itself, on all
// the guest's state: what is written, popped and noted is then a processor's. An exception that is not masked
// waits there for the next instruction that looks for it; FNSAVE does not.
#include <cstddef>
#include <cstring>

#include "frontend/x86/cpu.h"
#include "frontend/x86/helpers_functions.h"
#include "frontend/x86/x87.h"
#include "ir/f80.h"

#if !defined(__x86_64__)
#error "the x87's functions are not written for this host"
#endif

namespace mynah::x86 {

namespace {

struct SavedX87 {  // FNSAVE's 108 bytes
  uint32_t control, status, tags, pointers[4];
  uint8_t stack[8][10];
};
static_assert(sizeof(SavedX87) == 108);

constexpr unsigned kStubBytes = 4, kMemoryStubs = 8 * 8;

}  // namespace

// mynah_x87_stubs: every instruction of opcodes D8 to DF, and RET: eight of each opcode with a memory
// operand, at RDX, then sixty-four of registers of each. mynah_x87_execute(saved, stub, operand, status
// flags): flags as LAHF has them.
extern "C" {
extern const uint8_t mynah_x87_stubs[];
uint32_t mynah_x87_execute(SavedX87* saved, const uint8_t* stub, void* operand, uint32_t flags);
}
asm(R"(
  .pushsection .text
  .balign 16
  .global mynah_x87_stubs
  .hidden mynah_x87_stubs
mynah_x87_stubs:
  .set mynah_x87_opcode, 0xd8
  .rept 8
  .set mynah_x87_modrm, 2
  .rept 8
  .byte mynah_x87_opcode, mynah_x87_modrm, 0xc3, 0x90
  .set mynah_x87_modrm, mynah_x87_modrm + 8
  .endr
  .set mynah_x87_opcode, mynah_x87_opcode + 1
  .endr
  .set mynah_x87_opcode, 0xd8
  .rept 8
  .set mynah_x87_modrm, 0xc0
  .rept 64
  .byte mynah_x87_opcode, mynah_x87_modrm, 0xc3, 0x90
  .set mynah_x87_modrm, mynah_x87_modrm + 1
  .endr
  .set mynah_x87_opcode, mynah_x87_opcode + 1
  .endr

  .global mynah_x87_execute
  .hidden mynah_x87_execute
  .type mynah_x87_execute, @function
mynah_x87_execute:
  mov %ecx, %eax
  shl $8, %eax
  frstor (%rdi)
  sahf
  call *%rsi
  lahf
  fnsave (%rdi)
  movzbl %ah, %eax
  ret
  .size mynah_x87_execute, . - mynah_x87_execute
  .popsection
)");

namespace {

const uint8_t* stub_of(unsigned opcode, unsigned modrm) {
  const unsigned row = opcode & 7;
  const unsigned n = modrm < 0xc0 ? row * 8 + (modrm >> 3 & 7) : kMemoryStubs + row * 64 + (modrm & 63);
  return mynah_x87_stubs + kStubBytes * n;
}

SavedX87 saved_of(const X87Image& image) {
  SavedX87 saved{.control = image.control, .status = image.status, .tags = x87_tag_word(image)};
  for (unsigned i = 0; i < 8; ++i) {
    std::memcpy(saved.stack[i], &image.stack[i].significand, 8);
    std::memcpy(saved.stack[i] + 8, &image.stack[i].sign_exponent, 2);
  }
  return saved;
}

void take_saved(X87Image& image, const SavedX87& saved) {
  image.status = static_cast<uint16_t>(saved.status);
  image.tags = x87_abridged(static_cast<uint16_t>(saved.tags));
  for (unsigned i = 0; i < 8; ++i) {
    std::memcpy(&image.stack[i].significand, saved.stack[i], 8);
    std::memcpy(&image.stack[i].sign_exponent, saved.stack[i] + 8, 2);
  }
}

// FOP, FIP, FDP of an exception that is not masked.
void record(X86Cpu& cpu, const X87Rare& what, uint64_t address, X87Image& image) {
  const X86State& s = cpu.x86();
  image.opcode = static_cast<uint16_t>((what.opcode & 7) << 8 | what.modrm);
  const uint64_t pc = cpu.x86().pc_page() + static_cast<uint64_t>(int64_t{what.pc_offset});
  image.ip = s.in_64bit_code() ? pc : (pc - s.base(kCs)) & 0xffffffff;
  image.cs = s.segments[kCs].selector;
  if (what.segment == X87Rare::kNoMemory) return;
  image.dp = address;
  image.ds = s.segments[what.segment].selector;
}

}  // namespace

bool helper_x87_rare(X86Cpu& cpu, const uint64_t args[4], uint64_t& result) {
  const X87Rare what = X87Rare::of(args[0]);
  struct alignas(16) {
    uint64_t low;
    uint16_t high;
  } operand{args[1], static_cast<uint16_t>(args[2])};
  X87Image image = x87_image(cpu);
  SavedX87 saved = saved_of(image);
  const uint32_t flags = mynah_x87_execute(&saved, stub_of(what.opcode, what.modrm), &operand,
                                           static_cast<uint32_t>(args[2]) & 0xff);
  switch (what.part) {
    case X87Rare::Part::kLow:
      result = operand.low;
      break;
    case X87Rare::Part::kHigh:
      result = operand.high;
      break;
    case X87Rare::Part::kAll: {
      take_saved(image, saved);
      const uint32_t raised = image.status & ~image.control & ir::kF80Exceptions;
      if (raised) record(cpu, what, args[3], image);
      put_x87_image(cpu, image);
      // All but precision come before a store.
      result = flags | (raised & ~ir::kF80Precision ? 0 : kX87Stores);
      break;
    }
  }
  ir::load_f80(cpu.runtime());  // FNSAVE has reset the host's
  return true;
}

}  // namespace mynah::x86
