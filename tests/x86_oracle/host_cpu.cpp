// SPDX-License-Identifier: Apache-2.0
//
// Cases on the host's processor. A few dozen instructions of assembly, copied below 4 GiB, load all registers
// from a block at a fixed address, jump to the code, and store all registers when the code jumps back or a
// signal comes. While a case runs, FS is the case's, so the way into a signal handler puts it back first, and
// the case's again behind it.
#include "tests/x86_oracle/host_cpu.h"

#include <asm/ldt.h>
#include <cpuid.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <ucontext.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>

namespace mynah::x86_oracle {

namespace {

constexpr uint64_t kBlob = 0x1b3d0000, kControl = 0x1b3d1000;
constexpr uint32_t kSignalStack = 64 << 10;

// What the assembly below knows by number.
struct Control {
  uint64_t in[16], rip, flags, fs, gs, pad[12];
  uint64_t out[16], out_flags, out_fs, out_gs, host_rsp, host_fs, host_gs, handler, selectors, bases,
      signal_fs;
  uint64_t pad2[6];
};
static_assert(offsetof(Control, out) == 0x100 && offsetof(Control, handler) == 0x1b0 &&
              sizeof(Control) == 0x200);
struct Xsave {
  uint16_t fcw, fsw;
  uint8_t ftw, reserved;
  uint16_t fop;
  uint64_t fip, fdp;
  uint32_t mxcsr, mxcsr_mask;
  uint8_t st[8][16], xmm[16][16], rest[96];
  uint64_t bv, comp, header[6];
  uint8_t ymm_high[16][16];
};
static_assert(offsetof(Xsave, bv) == 512 && offsetof(Xsave, ymm_high) == 576);

}  // namespace

extern "C" {
extern const uint8_t mynah_oracle_blob[], mynah_oracle_enter64[], mynah_oracle_exit64[],
    mynah_oracle_enter32[], mynah_oracle_exit32[], mynah_oracle_resume[], mynah_oracle_signal[],
    mynah_oracle_blob_end[];
}
asm(R"(
  .pushsection .rodata
  .balign 16
  .set CTL, 0x1b3d1000
  .set XS, 0x1b3d2000
  .set TOP, 0x1b3d3f00
  .global mynah_oracle_blob
  .hidden mynah_oracle_blob
mynah_oracle_blob:

  .macro save_host
  push %rbx
  push %rbp
  push %r12
  push %r13
  push %r14
  push %r15
  mov %rsp, CTL+0x198
  mov $7, %eax
  xor %edx, %edx
  xrstor64 XS
  .endm

mynah_oracle_enter64:
  save_host
  testb $1, CTL+0x1c0
  jz 1f
  mov CTL+0x90, %rax
  wrfsbase %rax
  mov CTL+0x98, %rax
  wrgsbase %rax
1:mov $TOP, %esp
  pushq CTL+0x88
  popfq
  mov CTL+0x00, %rax
  mov CTL+0x08, %rcx
  mov CTL+0x10, %rdx
  mov CTL+0x18, %rbx
  mov CTL+0x20, %rsp
  mov CTL+0x28, %rbp
  mov CTL+0x30, %rsi
  mov CTL+0x38, %rdi
  mov CTL+0x40, %r8
  mov CTL+0x48, %r9
  mov CTL+0x50, %r10
  mov CTL+0x58, %r11
  mov CTL+0x60, %r12
  mov CTL+0x68, %r13
  mov CTL+0x70, %r14
  mov CTL+0x78, %r15
  jmp *CTL+0x80

mynah_oracle_exit64:
  mov %rax, CTL+0x100
  mov %rcx, CTL+0x108
  mov %rdx, CTL+0x110
  mov %rbx, CTL+0x118
  mov %rsp, CTL+0x120
  mov %rbp, CTL+0x128
  mov %rsi, CTL+0x130
  mov %rdi, CTL+0x138
  mov %r8, CTL+0x140
  mov %r9, CTL+0x148
  mov %r10, CTL+0x150
  mov %r11, CTL+0x158
  mov %r12, CTL+0x160
  mov %r13, CTL+0x168
  mov %r14, CTL+0x170
  mov %r15, CTL+0x178
  mov $TOP, %esp
  pushfq
  popq CTL+0x180
5:pushq $2
  popfq
  testb $1, CTL+0x1c0
  jz 2f
  rdfsbase %rax
  mov %rax, CTL+0x188
  rdgsbase %rax
  mov %rax, CTL+0x190
2:mov $7, %eax
  xor %edx, %edx
  xsave64 XS
mynah_oracle_resume:
  testb $2, CTL+0x1c0
  jz 4f
  xor %eax, %eax
  mov %eax, %fs
  mov %eax, %gs
4:testb $1, CTL+0x1c0
  jz 3f
  mov CTL+0x1a0, %rax
  wrfsbase %rax
  mov CTL+0x1a8, %rax
  wrgsbase %rax
3:cld
  fninit
  vzeroupper
  movl $0x1f80, -8(%rsp)
  ldmxcsr -8(%rsp)
  mov CTL+0x198, %rsp
  pop %r15
  pop %r14
  pop %r13
  pop %r12
  pop %rbp
  pop %rbx
  ret

mynah_oracle_enter32:
  save_host
  mov $0x2b, %eax
  mov %eax, %ds
  mov %eax, %es
  testb $2, CTL+0x1c0
  jz 6f
  mov $0xf, %eax
  mov %eax, %fs
  mov $0x17, %eax
  mov %eax, %gs
6:mov $TOP, %esp
  pushq $0x23
  lea 7f(%rip), %rax
  push %rax
  lretq
  .code32
7:mov $TOP, %esp
  pushl CTL+0x88
  popfl
  mov CTL+0x00, %eax
  mov CTL+0x08, %ecx
  mov CTL+0x10, %edx
  mov CTL+0x18, %ebx
  mov CTL+0x20, %esp
  mov CTL+0x28, %ebp
  mov CTL+0x30, %esi
  mov CTL+0x38, %edi
  jmp *CTL+0x80

mynah_oracle_exit32:
  mov %eax, CTL+0x100
  mov %ecx, CTL+0x108
  mov %edx, CTL+0x110
  mov %ebx, CTL+0x118
  mov %esp, CTL+0x120
  mov %ebp, CTL+0x128
  mov %esi, CTL+0x130
  mov %edi, CTL+0x138
  mov $TOP, %esp
  pushfl
  popl CTL+0x180
  movl $0, CTL+0x184
  ljmp $0x33, $(0x1b3d0000 + 5b - mynah_oracle_blob)
  .code64

mynah_oracle_signal:
  pushq $2
  popfq
  sub $8, %rsp
  testb $1, CTL+0x1c0
  jz 8f
  rdfsbase %rax
  mov %rax, CTL+0x1c8
  mov CTL+0x1a0, %rax
  wrfsbase %rax
8:call *CTL+0x1b0
  testb $1, CTL+0x1c0
  jz 9f
  mov CTL+0x1c8, %rax
  wrfsbase %rax
9:add $8, %rsp
  ret
mynah_oracle_blob_end:
  .popsection
)");

namespace {

uint64_t blob(const uint8_t* label) { return kBlob + static_cast<uint64_t>(label - mynah_oracle_blob); }
Control& control() { return *reinterpret_cast<Control*>(kControl); }
Xsave& xsave() { return *reinterpret_cast<Xsave*>(kControl + 0x1000); }

bool map(uint64_t address, size_t bytes, int protection) {
  void* wanted = reinterpret_cast<void*>(address);
  return mmap(wanted, bytes, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) == wanted;
}

// The code area, which cases cannot write; where it can be written, or null.
uint8_t* map_code() {
  const int file = memfd_create("x86-oracle-code", MFD_CLOEXEC);
  if (file < 0 || ftruncate(file, kCodeBytes) != 0) return nullptr;
  void* wanted = reinterpret_cast<void*>(kCode);
  void* code = mmap(wanted, kCodeBytes, PROT_READ | PROT_EXEC, MAP_SHARED | MAP_FIXED_NOREPLACE, file, 0);
  void* writable = mmap(nullptr, kCodeBytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  close(file);
  return code == wanted && writable != MAP_FAILED ? static_cast<uint8_t*>(writable) : nullptr;
}

class HostCpuImpl final : public HostCpu {
 public:
  bool has_32bit() const override { return has_32bit_; }
  bool has_low_data() const override { return has_low_; }
  bool has_bases() const override { return has_bases_; }
  void run(Case& c) override;
  std::string set_up();

 private:
  static void handle(int signal, siginfo_t*, void* context);
  void run_once(Case& c);
  void take_fpu(const Xsave& x);
  bool has_32bit_ = false, has_low_ = false, has_bases_ = false, has_ldt_ = false;
  uint8_t* code_ = nullptr;     // the code area, to be written
  uint64_t last_code_ = kCode;  // bytes of it that are not INT3
  size_t last_length_ = 0;
  Case* volatile case_ = nullptr;
  volatile uint64_t runs_ = 0, seen_run_ = 0;
};
HostCpuImpl* the_cpu;  // signal handlers have no argument

std::string HostCpuImpl::set_up() {
  unsigned a = 0, b = 0, c = 0, d = 0;
  if (!__get_cpuid_count(1, 0, &a, &b, &c, &d) || !(c & 1u << 27) || !(c & 1u << 28))
    return "the host's processor has no AVX and XSAVE";
  if (!map(kBlob, 0x4000, PROT_READ | PROT_WRITE | PROT_EXEC) || !(code_ = map_code()) ||
      !map(kData, kDataBytes, PROT_READ | PROT_WRITE))
    return "addresses below 4 GiB are taken";
  has_low_ = map(kLowData, kDataBytes, PROT_READ | PROT_WRITE);
  std::memcpy(reinterpret_cast<void*>(kBlob), mynah_oracle_blob,
              static_cast<size_t>(mynah_oracle_blob_end - mynah_oracle_blob));
  std::memset(code_, 0xcc, kCodeBytes);
  has_bases_ = getauxval(AT_HWCAP2) & 2;
  Control& k = control();
  k.handler = reinterpret_cast<uint64_t>(&handle);
  syscall(SYS_arch_prctl, 0x1003, &k.host_fs);
  syscall(SYS_arch_prctl, 0x1004, &k.host_gs);
  const auto segment = [](unsigned number, uint64_t base) {
    user_desc s{};
    s.entry_number = number;
    s.base_addr = static_cast<unsigned>(base);
    s.limit = 0xfffff;
    s.seg_32bit = s.limit_in_pages = s.useable = 1;
    return syscall(SYS_modify_ldt, 0x11, &s, sizeof s) == 0;
  };
  has_ldt_ = has_bases_ && segment(1, kFs32) && segment(2, kGs32);
  static uint8_t stack[kSignalStack];
  const stack_t alternate{.ss_sp = stack, .ss_flags = 0, .ss_size = sizeof stack};
  sigaltstack(&alternate, nullptr);
  struct sigaction action {};
  action.sa_sigaction = reinterpret_cast<void (*)(int, siginfo_t*, void*)>(blob(mynah_oracle_signal));
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  for (const int s : {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGVTALRM}) sigaction(s, &action, nullptr);
  const itimerval tick{{0, 300000}, {0, 300000}};
  setitimer(ITIMER_VIRTUAL, &tick, nullptr);
  the_cpu = this;
  // Is there a code segment of 32 bits? Then 48 is DEC EAX and not a prefix.
  Case test;
  test.mode = Mode::k32;
  test.state.gpr[kRax] = 5;
  test.code[0] = 0x48;
  test.length = 1;
  run(test);
  has_32bit_ = test.outcome.vector == kNone && test.state.gpr[kRax] == 4;
  return "";
}

void HostCpuImpl::take_fpu(const Xsave& x) {
  State& s = case_->state;
  static const Xsave kInit{.fcw = 0x37f};
  const Xsave& x87 = x.bv & 1 ? x : kInit;
  s.fcw = x87.fcw;
  s.fsw = x87.fsw;
  s.ftw = x87.ftw;
  s.mxcsr = x.mxcsr;
  for (unsigned i = 0; i < 8; ++i) std::memcpy(s.st[i], x87.st[i], 10);
  for (unsigned i = 0; i < 16; ++i) {
    std::memcpy(s.ymm[i], (x.bv & 2 ? x : kInit).xmm[i], 16);
    std::memcpy(s.ymm[i] + 2, (x.bv & 4 ? x : kInit).ymm_high[i], 16);
  }
}

// The case has ended by an exception, which its state tells; or an INT3 of ours, which the end of a branch
// is.
void HostCpuImpl::handle(int signal, siginfo_t*, void* context) {
  HostCpuImpl& cpu = *the_cpu;
  mcontext_t& m = static_cast<ucontext_t*>(context)->uc_mcontext;
  if (signal == SIGVTALRM) {
    const bool same = cpu.case_ && cpu.seen_run_ == cpu.runs_;
    cpu.seen_run_ = cpu.runs_;
    const auto rip = static_cast<uint64_t>(m.gregs[REG_RIP]);
    if (!same || rip < kCode || rip >= kCode + kCodeBytes) return;
  } else if (!cpu.case_) {
    std::signal(signal, SIG_DFL);  // ours, not a case's: again, and the process ends
    return;
  }
  Case& c = *cpu.case_;
  State& s = c.state;
  static constexpr int kOrder[16] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
                                     REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};
  Control& k = control();
  for (unsigned i = 0; i < 16; ++i) k.out[i] = static_cast<uint64_t>(m.gregs[kOrder[i]]);
  k.out_flags = static_cast<uint64_t>(m.gregs[REG_EFL]);
  s.rip = static_cast<uint64_t>(m.gregs[REG_RIP]);
  c.outcome = {static_cast<uint8_t>(m.gregs[REG_TRAPNO]), static_cast<uint32_t>(m.gregs[REG_ERR]), 0};
  if (signal == SIGVTALRM) c.outcome = {kHang, 0, 0};
  if (c.outcome.vector == kPage) c.outcome.cr2 = static_cast<uint64_t>(m.gregs[REG_CR2]);
  if (c.outcome.vector != kPage && c.outcome.vector != kProtection && c.outcome.vector != kStack)
    c.outcome.error = 0;
  const uint64_t into_code = s.rip - 1 - cpu.last_code_;
  if (c.branches && c.outcome.vector == kBreakpoint && into_code >= c.length) {
    --s.rip;
    c.outcome = {};
  }
  if (k.bases & 1) {
    asm volatile("rdgsbase %0" : "=r"(k.out_gs));
    k.out_fs = k.fs;  // an instruction that changes it does not fault
  }
  cpu.take_fpu(*reinterpret_cast<const Xsave*>(m.fpregs));
  m.gregs[REG_RIP] = static_cast<greg_t>(blob(mynah_oracle_resume));
  m.gregs[REG_RSP] = kControl + 0x2f00;
  m.gregs[REG_EFL] = 0x202;
  const uint64_t ss = static_cast<uint64_t>(m.gregs[REG_CSGSFS]) >> 48;
  m.gregs[REG_CSGSFS] = static_cast<greg_t>(0x33 | ss << 48);
  k.out[0] = static_cast<uint64_t>(m.gregs[REG_RAX]);
  cpu.runs_ = cpu.runs_ | uint64_t{1} << 63;  // taken from the signal
}

// Where the host is a virtual machine itself, somebody may emulate an instruction whose page he watches, and
// not know it well: an exception is believed when it comes twice.
void HostCpuImpl::run(Case& c) {
  const Case start = c;
  run_once(c);
  for (unsigned n = 0; n < 4 && c.outcome.vector != kNone && c.outcome.vector != kHang; ++n) {
    Case again = start;
    run_once(again);
    const bool same = again.outcome.vector == c.outcome.vector && again.outcome.error == c.outcome.error;
    c = again;
    if (same) return;
  }
}

void HostCpuImpl::run_once(Case& c) {
  Control& k = control();
  Xsave& x = xsave();
  State& s = c.state;
  const bool wide = c.mode == Mode::k64;
  std::memset(code_ + (last_code_ - kCode), 0xcc, last_length_);
  last_code_ = s.rip;
  last_length_ = std::min<uint64_t>(c.length + 5u, kCode + kCodeBytes - s.rip);
  uint8_t* const code = code_ + (s.rip - kCode);
  std::memcpy(code, c.code, std::min<size_t>(c.length, last_length_));
  if (!c.branches && last_length_ == c.length + 5u) {
    const uint64_t exit = blob(wide ? mynah_oracle_exit64 : mynah_oracle_exit32);
    const auto distance = static_cast<uint32_t>(exit - (s.rip + c.length + 5));
    code[c.length] = 0xe9;
    std::memcpy(code + c.length + 1, &distance, 4);
  }
  std::memcpy(reinterpret_cast<void*>(c.data_address()), c.data, kDataBytes);
  for (unsigned i = 0; i < 16; ++i) k.in[i] = s.gpr[i];
  k.rip = s.rip;
  k.flags = s.rflags;
  k.fs = s.fs_base;
  k.gs = s.gs_base;
  k.bases = wide ? has_bases_ : has_ldt_ ? 3 : 0;
  if (!wide && !has_ldt_) k.bases = has_bases_;
  if (!wide && has_bases_ && !has_ldt_) k.fs = k.host_fs;
  x.fcw = s.fcw;
  x.fsw = s.fsw;
  x.ftw = s.ftw;
  x.mxcsr = s.mxcsr;
  for (unsigned i = 0; i < 8; ++i) std::memcpy(x.st[i], s.st[i], 10);
  for (unsigned i = 0; i < 16; ++i) {
    std::memcpy(x.xmm[i], s.ymm[i], 16);
    std::memcpy(x.ymm_high[i], s.ymm[i] + 2, 16);
  }
  x.bv = 7;
  x.comp = 0;
  c.outcome = {};
  runs_ = (runs_ & ~(uint64_t{1} << 63)) + 1;
  case_ = &c;
  asm volatile("" ::: "memory");
  reinterpret_cast<void (*)()>(blob(wide ? mynah_oracle_enter64 : mynah_oracle_enter32))();
  asm volatile("" ::: "memory");
  if (!(runs_ >> 63)) {
    s.rip += c.length;
    take_fpu(x);
  }
  case_ = nullptr;
  for (unsigned i = 0; i < 16; ++i) {
    if (wide)
      s.gpr[i] = k.out[i];
    else if (i < 8)
      s.gpr[i] = static_cast<uint32_t>(k.out[i]);
  }
  s.rflags = static_cast<uint32_t>(k.out_flags);
  if (wide && has_bases_) {
    s.fs_base = k.out_fs;
    s.gs_base = k.out_gs;
  }
  std::memcpy(c.data, reinterpret_cast<void*>(c.data_address()), kDataBytes);
}

}  // namespace

HostCpu* HostCpu::get(std::string& why_not) {
  static HostCpuImpl cpu;
  static const std::string why = cpu.set_up();
  why_not = why;
  return why.empty() ? &cpu : nullptr;
}

}  // namespace mynah::x86_oracle
