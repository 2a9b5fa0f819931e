// SPDX-License-Identifier: Apache-2.0
//
// Runs on AArch64, or under qemu-aarch64: executes the cases of a shared file (argv[1]) each time a byte
// arrives on standard input, and answers with a byte.
//
// An instruction is copied to its slot of the code page, between the load of the last two registers and a
// branch back. All of the general registers are the case's then, so the way back finds its memory
// pc-relative, with TPIDR_EL0 for the one register that this takes; an instruction that reads or writes
// TPIDR_EL0 or branches cannot be run here.
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include <cstring>
#include <initializer_list>

#include "tests/a64_oracle/state.h"

using namespace mynah::a64_oracle;

extern "C" {
void run_state(State* state);
extern char leave_slot[], leave_fault[];
Case* current_case;
}

asm(R"(
.text
.balign 16
.global run_state, leave_slot, leave_fault
run_state:
  stp x29, x30, [sp, #-176]!
  stp x19, x20, [sp, #16]
  stp x21, x22, [sp, #32]
  stp x23, x24, [sp, #48]
  stp x25, x26, [sp, #64]
  stp x27, x28, [sp, #80]
  stp d8, d9, [sp, #96]
  stp d10, d11, [sp, #112]
  stp d12, d13, [sp, #128]
  stp d14, d15, [sp, #144]
  mrs x1, tpidr_el0
  str x1, [sp, #160]
  adrp x1, own_sp
  add x1, x1, :lo12:own_sp
  mov x2, sp
  stp x2, x0, [x1]
  mov x30, x0
  add x1, x30, #280
  ldp q0, q1, [x1], #32
  ldp q2, q3, [x1], #32
  ldp q4, q5, [x1], #32
  ldp q6, q7, [x1], #32
  ldp q8, q9, [x1], #32
  ldp q10, q11, [x1], #32
  ldp q12, q13, [x1], #32
  ldp q14, q15, [x1], #32
  ldp q16, q17, [x1], #32
  ldp q18, q19, [x1], #32
  ldp q20, q21, [x1], #32
  ldp q22, q23, [x1], #32
  ldp q24, q25, [x1], #32
  ldp q26, q27, [x1], #32
  ldp q28, q29, [x1], #32
  ldp q30, q31, [x1], #32
  ldr w1, [x30, #264]
  msr nzcv, x1
  ldr w1, [x30, #268]
  msr fpcr, x1
  ldr w1, [x30, #272]
  msr fpsr, x1
  ldr x1, [x30, #248]
  mov sp, x1
  ldr x29, [x30, #256]
  sub x29, x29, #4
  ldp x0, x1, [x30]
  ldp x2, x3, [x30, #16]
  ldp x4, x5, [x30, #32]
  ldp x6, x7, [x30, #48]
  ldp x8, x9, [x30, #64]
  ldp x10, x11, [x30, #80]
  ldp x12, x13, [x30, #96]
  ldp x14, x15, [x30, #112]
  ldp x16, x17, [x30, #128]
  ldp x18, x19, [x30, #144]
  ldp x20, x21, [x30, #160]
  ldp x22, x23, [x30, #176]
  ldp x24, x25, [x30, #192]
  ldp x26, x27, [x30, #208]
  ldr x28, [x30, #224]
  br x29
leave_slot:
  msr tpidr_el0, x30
  adrp x30, own_state
  ldr x30, [x30, :lo12:own_state]
  stp x0, x1, [x30]
  stp x2, x3, [x30, #16]
  stp x4, x5, [x30, #32]
  stp x6, x7, [x30, #48]
  stp x8, x9, [x30, #64]
  stp x10, x11, [x30, #80]
  stp x12, x13, [x30, #96]
  stp x14, x15, [x30, #112]
  stp x16, x17, [x30, #128]
  stp x18, x19, [x30, #144]
  stp x20, x21, [x30, #160]
  stp x22, x23, [x30, #176]
  stp x24, x25, [x30, #192]
  stp x26, x27, [x30, #208]
  stp x28, x29, [x30, #224]
  mrs x1, tpidr_el0
  str x1, [x30, #240]
  mov x1, sp
  str x1, [x30, #248]
  mrs x1, nzcv
  str w1, [x30, #264]
  mrs x1, fpsr
  str w1, [x30, #272]
  add x1, x30, #280
  stp q0, q1, [x1], #32
  stp q2, q3, [x1], #32
  stp q4, q5, [x1], #32
  stp q6, q7, [x1], #32
  stp q8, q9, [x1], #32
  stp q10, q11, [x1], #32
  stp q12, q13, [x1], #32
  stp q14, q15, [x1], #32
  stp q16, q17, [x1], #32
  stp q18, q19, [x1], #32
  stp q20, q21, [x1], #32
  stp q22, q23, [x1], #32
  stp q24, q25, [x1], #32
  stp q26, q27, [x1], #32
  stp q28, q29, [x1], #32
  stp q30, q31, [x1], #32
leave_fault:
  adrp x1, own_sp
  ldr x1, [x1, :lo12:own_sp]
  mov sp, x1
  ldr x1, [sp, #160]
  msr tpidr_el0, x1
  msr fpcr, xzr
  msr fpsr, xzr
  ldp x19, x20, [sp, #16]
  ldp x21, x22, [sp, #32]
  ldp x23, x24, [sp, #48]
  ldp x25, x26, [sp, #64]
  ldp x27, x28, [sp, #80]
  ldp d8, d9, [sp, #96]
  ldp d10, d11, [sp, #112]
  ldp d12, d13, [sp, #128]
  ldp d14, d15, [sp, #144]
  ldp x29, x30, [sp], #176
  ret
.pushsection .data
.balign 16
own_sp: .quad 0
own_state: .quad 0
.popsection
)");

namespace {

void on_fault(int, siginfo_t*, void* context) {
  current_case->outcome = Outcome::kException;
  static_cast<ucontext_t*>(context)->uc_mcontext.pc = reinterpret_cast<uintptr_t>(leave_fault);
}

void install(uint32_t* slot, uint32_t word) {
  constexpr uint32_t kEnter = 0xa94efbdd;  // ldp x29, x30, [x30, #232]
  const auto distance = (reinterpret_cast<intptr_t>(leave_slot) - reinterpret_cast<intptr_t>(slot + 2)) / 4;
  slot[0] = kEnter;
  slot[1] = word;
  slot[2] = 0x14000000 | (static_cast<uint32_t>(distance) & 0x3ffffff);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return 1;
  const int file = open(argv[1], O_RDWR);
  void* const mapped = mmap(nullptr, sizeof(SharedCases), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (file < 0 || mapped == MAP_FAILED) return 1;
  auto* shared = static_cast<SharedCases*>(mapped);

  auto* const code = reinterpret_cast<uint32_t*>(kCode);
  auto* const memory = reinterpret_cast<uint8_t*>(kMemory);
  constexpr uint64_t kFirstPage = kMemory & ~uint64_t{kPageSize - 1};
  constexpr int kFixed = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
  if (mmap(code, kPageSize, PROT_READ | PROT_WRITE | PROT_EXEC, kFixed, -1, 0) == MAP_FAILED) return 1;
  if (mmap(reinterpret_cast<void*>(kFirstPage), 2 * kPageSize, PROT_READ | PROT_WRITE, kFixed, -1, 0) ==
      MAP_FAILED)
    return 1;

  static char stack[65536];
  stack_t alternative{};
  alternative.ss_sp = stack;
  alternative.ss_size = sizeof stack;
  sigaltstack(&alternative, nullptr);
  struct sigaction action {};
  action.sa_sigaction = on_fault;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
  for (int signal : {SIGILL, SIGSEGV, SIGBUS, SIGTRAP, SIGFPE}) sigaction(signal, &action, nullptr);

  char byte;
  while (read(0, &byte, 1) == 1) {
    for (uint32_t i = 0; i < shared->count; ++i) {
      const Case& c = shared->cases[i];
      uint32_t* slot = code + (c.state.pc - kCode) / 4 - 1;
      if (slot[1] != c.word || slot[2] == 0) install(slot, c.word);
    }
    __builtin___clear_cache(reinterpret_cast<char*>(code), reinterpret_cast<char*>(code) + kPageSize);
    for (uint32_t i = 0; i < shared->count; ++i) {
      Case& c = shared->cases[i];
      current_case = &c;
      c.outcome = Outcome::kDone;
      std::memcpy(memory, c.state.memory, kMemorySize);
      run_state(&c.state);
      std::memcpy(c.state.memory, memory, kMemorySize);
      c.state.pc += 4;
    }
    if (write(1, &byte, 1) != 1) return 1;
  }
  return 0;
}
