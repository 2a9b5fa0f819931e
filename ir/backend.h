// SPDX-License-Identifier: Apache-2.0
//
// Backend: turns a region into host code. The engine owns code memory and the cache; a backend writes code,
// tells where things are (sites), and knows how to patch them. It keeps no pointer to the region.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ir/ir.h"
#include "ir/runtime.h"

namespace mynah::ir {

// Where a value is at a site.
struct Location {
  enum class Kind : uint8_t { kGpr, kVec, kSpill, kConst, kFlags } kind;  // kFlags: packed flags in a gpr
  uint8_t index = 0;                                                      // register
  uint16_t spill = 0;  // kSpill: index of the 8-byte slot (16-byte values use two)
  uint64_t imm = 0, imm_hi = 0;
};
struct SavedSlot {
  Slot slot;
  Location at;
};

// A place in the code that C++ may be entered from. offset is the return address, in bytes from the code's
// start.
struct Site {
  enum class Kind : uint8_t { kGuard, kCommit, kCall, kExit, kIndirect, kEngine, kDeadline } kind;
  uint8_t aux = 0;     // guard: GuardAux; exit, engine: aux; an exit_engine_if has the state in `saved`
  uint8_t result = 0;  // guard, call: register that receives the result (Location::Kind by the op's type)
  uint32_t offset = 0;
  // Bytes from the code's start. Guard, commit, call: where to go on. Exit: the end of the conditional jump
  // that leads here and could lead to the target itself, or 0.
  uint32_t resume = 0;
  int32_t pc_offset = 0;  // of the snapshot
  uint32_t completed = 0;
  uint64_t imm = 0;  // guard: range; exit: target page offset; engine: imm; call: helper
  Location base{};   // guard, commit: the address or pointer
  uint32_t first_saved = 0, saved_count = 0;  // into CompiledCode::saved
};

struct CompiledCode {
  std::vector<Site> sites;  // by ascending offset
  std::vector<SavedSlot> saved;
  uint32_t size = 0;  // host bytes
  bool fits = true;   // false: the buffer was too small; nothing usable was written
  bool too_complex =
      false;  // with fits false: the region needs more than the backend has; retry with fewer instructions
};

struct Thunks {
  // Runs until something leaves; Runtime::exit_* then say why. Inlined: the host predicts returns by counting
  // calls, and a call here would stand between the guest's.
  [[gnu::always_inline]] void enter(Runtime* runtime, const void* code) const {
#if defined(__x86_64__)
    // Below the red zone, as if called.
    asm volatile(
        "sub $128, %%rsp\n\t"
        "lea 1f(%%rip), %%rax\n\t"
        "push %%rax\n\t"
        "jmp *%[address]\n"
        "1:\tadd $128, %%rsp"
        : "+D"(runtime), "+S"(code)
        : [address] "r"(enter_address)
        : "rax", "rcx", "rdx", "r8", "r9", "r10", "r11", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5",
          "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15", "memory",
          "cc");
#else
    reinterpret_cast<void (*)(Runtime*, const void*)>(enter_address)(runtime, code);
#endif
  }
  uint64_t enter_address = 0;
  uint32_t size = 0;
};

// Code is written through `write` and runs at `execute`: two mappings of one memory, or the same address.
struct CodeSpan {
  uint8_t* write;
  uint8_t* execute;
  size_t size;
};

// Room for the bytes at a region's entry that Backend::kill() overwrites, and nothing else patches.
using EntryBytes = std::array<uint8_t, 8>;

struct BackendOptions {
  bool validate = false;     // let the assembler check every instruction; verify the allocation
  bool return_stack = true;  // see ir/runtime.h; without it returns ask the jump cache
};

class Backend {
 public:
  virtual ~Backend() = default;
  virtual std::string_view name() const = 0;
  // Writes the thunks at the start of code memory; compile() then refers to them by relative address.
  virtual Thunks emit_thunks(CodeSpan at) = 0;
  virtual void compile(const Region& region, CodeSpan at, CompiledCode& out) = 0;
  // Direct exit at a site (by its offset) jumps to target from now on, or comes back to C++ (target null).
  virtual void link(CodeSpan code, uint32_t site_offset, const uint8_t* target) = 0;
  // The conditional jump in front of an exit (Site::resume) leads to target itself from now on.
  virtual void link_jump(CodeSpan code, uint32_t jump_end, const uint8_t* target) = 0;
  // The same for an exit to another page (Site::imm beyond the page): it jumps to target while
  // Runtime::code_names[kind] is `name` and pc_page has become `page` (the same code may be mapped twice),
  // and asks the jump cache otherwise.
  virtual void link_page(CodeSpan code, uint32_t site_offset, NameKind kind, uint32_t name, uint64_t page,
                         const uint8_t* target) = 0;
  virtual void unlink_page(CodeSpan code, uint32_t site_offset) = 0;
  // Entering `code` leaves with Leave::kDead from now on; `saved` gets what that overwrote.
  virtual void kill(CodeSpan code, EntryBytes& saved) = 0;
  // Undoes kill() and forward().
  virtual void revive(CodeSpan code, const EntryBytes& saved) = 0;
  // Entering killed code goes to target from now on.
  virtual void forward(CodeSpan killed, const uint8_t* target) = 0;
  virtual std::string disassemble(std::span<const uint8_t> code, uint64_t address) const = 0;
};

}  // namespace mynah::ir
