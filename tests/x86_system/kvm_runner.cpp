// SPDX-License-Identifier: Apache-2.0
//
// linux/kvm.h: a virtual machine of one memory slot and one processor; its registers set and read.
#include "tests/x86_system/kvm_runner.h"

#include <fcntl.h>
#include <linux/kvm.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "frontend/x86/segments.h"

namespace mynah::test {

using namespace x86;

namespace {

enum MsrNumber : uint32_t {
  kSysenterCs = 0x174,
  kSysenterEsp,
  kSysenterEip,
  kStar = 0xc0000081,
  kLstar,
  kCstar,
  kSfmask,
  kKernelGsBase = 0xc0000102,
};
constexpr struct {
  uint32_t number;
  uint64_t X86State::*word;
} kMsrs[] = {{kSysenterCs, &X86State::sysenter_cs},
             {kSysenterEsp, &X86State::sysenter_esp},
             {kSysenterEip, &X86State::sysenter_eip},
             {kStar, &X86State::star},
             {kLstar, &X86State::lstar},
             {kCstar, &X86State::cstar},
             {kSfmask, &X86State::sfmask},
             {kKernelGsBase, &X86State::kernel_gs_base}};

// The kernel's header gives lists without a length another layout in C++ than in C, and so their calls other
// numbers.
struct ListHead {
  uint32_t count, padding;
};
struct Msrs {
  ListHead head{std::size(kMsrs), 0};
  kvm_msr_entry entries[std::size(kMsrs)] = {};
};
struct Cpuid {
  ListHead head{256, 0};
  kvm_cpuid_entry2 entries[256] = {};
};
constexpr auto kGetSupportedCpuid = _IOWR(KVMIO, 0x05, ListHead), kGetMsrs = _IOWR(KVMIO, 0x88, ListHead);
constexpr auto kSetMsrs = _IOW(KVMIO, 0x89, ListHead), kSetCpuid = _IOW(KVMIO, 0x90, ListHead);

kvm_segment segment_of(const Segment& s, uint64_t base) {
  kvm_segment to{};
  to.base = base;
  to.selector = static_cast<uint16_t>(s.selector);
  to.limit = s.limit;
  to.unusable = !s.usable;
  to.type = s.access >> 8 & 15;
  to.s = s.access >> 12 & 1;
  to.dpl = s.access >> 13 & 3;
  to.present = s.access >> 15 & 1;
  to.avl = s.access >> 20 & 1;
  to.l = s.access >> 21 & 1;
  to.db = s.access >> 22 & 1;
  to.g = s.access >> 23 & 1;
  return to;
}

Segment segment_of(const kvm_segment& s) {
  Segment to{};
  to.selector = s.selector;
  to.usable = !s.unusable;
  if (!to.usable) return to;
  to.limit = s.limit;
  to.access = uint32_t{s.type} << 8 | uint32_t{s.s} << 12 | uint32_t{s.dpl} << 13 |
              uint32_t{s.present} << 15 | uint32_t{s.avl} << 20 | uint32_t{s.l} << 21 | uint32_t{s.db} << 22 |
              uint32_t{s.g} << 23;
  return to;
}

// The general registers of kvm_regs in the order of instructions.
constexpr __u64 kvm_regs::*kRegisters[] = {&kvm_regs::rax, &kvm_regs::rcx, &kvm_regs::rdx, &kvm_regs::rbx,
                                           &kvm_regs::rsp, &kvm_regs::rbp, &kvm_regs::rsi, &kvm_regs::rdi,
                                           &kvm_regs::r8,  &kvm_regs::r9,  &kvm_regs::r10, &kvm_regs::r11,
                                           &kvm_regs::r12, &kvm_regs::r13, &kvm_regs::r14, &kvm_regs::r15};
constexpr kvm_segment kvm_sregs::*kSegmentWords[] = {&kvm_sregs::es, &kvm_sregs::cs, &kvm_sregs::ss,
                                                     &kvm_sregs::ds, &kvm_sregs::fs, &kvm_sregs::gs};

void interrupted(int) {}

// While one lives, a blocking call returns after a second.
class Alarm {
 public:
  Alarm() {
    struct sigaction action {};
    action.sa_handler = interrupted;
    sigaction(SIGALRM, &action, &old_);
    const itimerval once{{0, 0}, {1, 0}};
    setitimer(ITIMER_REAL, &once, nullptr);
  }
  ~Alarm() {
    const itimerval off{};
    setitimer(ITIMER_REAL, &off, nullptr);
    sigaction(SIGALRM, &old_, nullptr);
  }
  Alarm(const Alarm&) = delete;

 private:
  struct sigaction old_ {};
};

}  // namespace

std::unique_ptr<KvmRunner> KvmRunner::open(uint8_t* memory, size_t bytes) {
  std::unique_ptr<KvmRunner> runner(new KvmRunner);
  return runner->create(memory, bytes) ? std::move(runner) : nullptr;
}

KvmRunner::~KvmRunner() {
  if (run_) munmap(run_, run_bytes_);
  for (const int fd : {cpu_, vm_, kvm_})
    if (fd >= 0) close(fd);
}

bool KvmRunner::create(uint8_t* memory, size_t bytes) {
  kvm_ = ::open("/dev/kvm", O_RDWR | O_CLOEXEC);
  if (kvm_ < 0 || (vm_ = ioctl(kvm_, KVM_CREATE_VM, 0)) < 0) return false;
  kvm_userspace_memory_region slot{};
  slot.memory_size = bytes;
  slot.userspace_addr = reinterpret_cast<uint64_t>(memory);
  if (ioctl(vm_, KVM_SET_TSS_ADDR, 0xfffbd000) < 0) return false;
  if (ioctl(vm_, KVM_SET_USER_MEMORY_REGION, &slot) < 0) return false;
  if ((cpu_ = ioctl(vm_, KVM_CREATE_VCPU, 0)) < 0 || !set_cpuid()) return false;
  run_bytes_ = static_cast<size_t>(ioctl(kvm_, KVM_GET_VCPU_MMAP_SIZE, 0));
  void* const run = mmap(nullptr, run_bytes_, PROT_READ | PROT_WRITE, MAP_SHARED, cpu_, 0);
  if (run == MAP_FAILED) return false;
  run_ = static_cast<kvm_run*>(run);
  return true;
}

bool KvmRunner::set_cpuid() {
  Cpuid cpuid;
  return ioctl(kvm_, kGetSupportedCpuid, &cpuid) == 0 && ioctl(cpu_, kSetCpuid, &cpuid) == 0;
}

bool KvmRunner::load(const X86State& s) {
  kvm_regs regs{};
  for (unsigned n = 0; n < 16; ++n) regs.*kRegisters[n] = s.r(n);
  regs.rip = s.ip();
  regs.rflags = rflags(s);
  kvm_sregs sregs{};
  if (ioctl(cpu_, KVM_GET_SREGS, &sregs) < 0) return false;
  for (unsigned n = 0; n < kSegments; ++n) sregs.*kSegmentWords[n] = segment_of(s.segments[n], s.base(n));
  sregs.ss.dpl = s.cpl;  // by which the kernel knows the CPL
  sregs.tr = segment_of(s.tr.segment, s.tr.base);
  sregs.ldt = segment_of(s.ldtr.segment, s.ldtr.base);
  sregs.gdt = {.base = s.gdtr.base, .limit = s.gdtr.limit, .padding = {}};
  sregs.idt = {.base = s.idtr.base, .limit = s.idtr.limit, .padding = {}};
  sregs.cr0 = s.cr0 & ~(x86::cr0::kCd | x86::cr0::kNw);
  sregs.cr2 = s.cr2;
  sregs.cr3 = s.cr3;
  sregs.cr4 = s.cr4;
  sregs.efer = s.efer;
  kvm_debugregs debug{};
  for (unsigned n = 0; n < 4; ++n) debug.db[n] = s.dr[n];
  debug.dr6 = s.dr[6];
  debug.dr7 = s.dr[7];
  Msrs msrs;
  for (unsigned n = 0; n < std::size(kMsrs); ++n)
    msrs.entries[n] = {.index = kMsrs[n].number, .reserved = 0, .data = s.*kMsrs[n].word};
  kvm_vcpu_events events{};
  if (ioctl(cpu_, KVM_GET_VCPU_EVENTS, &events) < 0) return false;
  events.flags = KVM_VCPUEVENT_VALID_SHADOW;
  events.interrupt.shadow = 0;
  events.nmi.masked = s.nmi_blocked;
  kvm_xcrs xcrs{};
  xcrs.nr_xcrs = 1;
  xcrs.xcrs[0].value = s.xcr0;
  return ioctl(cpu_, KVM_SET_SREGS, &sregs) == 0 && ioctl(cpu_, KVM_SET_REGS, &regs) == 0 &&
         ioctl(cpu_, KVM_SET_DEBUGREGS, &debug) == 0 &&
         ioctl(cpu_, kSetMsrs, &msrs) == static_cast<int>(std::size(kMsrs)) &&
         ioctl(cpu_, KVM_SET_VCPU_EVENTS, &events) == 0 && ioctl(cpu_, KVM_SET_XCRS, &xcrs) == 0;
}

void KvmRunner::store(X86State& s) {
  kvm_regs regs{};
  kvm_sregs sregs{};
  kvm_debugregs debug{};
  kvm_vcpu_events events{};
  Msrs msrs;
  for (unsigned n = 0; n < std::size(kMsrs); ++n) msrs.entries[n].index = kMsrs[n].number;
  ioctl(cpu_, KVM_GET_REGS, &regs);
  ioctl(cpu_, KVM_GET_SREGS, &sregs);
  ioctl(cpu_, KVM_GET_DEBUGREGS, &debug);
  ioctl(cpu_, kGetMsrs, &msrs);
  ioctl(cpu_, KVM_GET_VCPU_EVENTS, &events);
  for (unsigned n = 0; n < 16; ++n) s.r(n) = regs.*kRegisters[n];
  set_rflags(s, static_cast<uint32_t>(regs.rflags));
  for (unsigned n = 0; n < kSegments; ++n) {
    const kvm_segment& from = sregs.*kSegmentWords[n];
    s.segments[n] = segment_of(from);
    s.base(n) = from.base;
  }
  s.cr0 = sregs.cr0;
  s.cr2 = sregs.cr2;
  s.cr3 = sregs.cr3;
  s.cr4 = sregs.cr4;
  s.efer = sregs.efer;
  s.cpl = sregs.ss.dpl;
  s.tr = {segment_of(sregs.tr), sregs.tr.base};
  s.ldtr = {segment_of(sregs.ldt), sregs.ldt.base};
  s.gdtr = {sregs.gdt.base, sregs.gdt.limit};
  s.idtr = {sregs.idt.base, sregs.idt.limit};
  for (unsigned n = 0; n < 4; ++n) s.dr[n] = debug.db[n];
  s.dr[6] = debug.dr6;
  s.dr[7] = debug.dr7;
  for (unsigned n = 0; n < std::size(kMsrs); ++n) s.*kMsrs[n].word = msrs.entries[n].data;
  s.nmi_blocked = events.nmi.masked;
  s.set_linear_pc(s.in_64bit_code() ? regs.rip : (s.base(kCs) + regs.rip) & 0xffffffff);
}

// False: nothing was to be injected.
bool KvmRunner::inject(int& interrupt) {
  run_->request_interrupt_window = 0;
  if (interrupt < 0) return false;
  if (!run_->ready_for_interrupt_injection || !run_->if_flag) {
    run_->request_interrupt_window = 1;
    return false;
  }
  kvm_interrupt asked{.irq = static_cast<uint32_t>(interrupt)};
  if (ioctl(cpu_, KVM_INTERRUPT, &asked) < 0) return false;
  interrupt = -1;
  return true;
}

void KvmRunner::ports() {
  uint8_t* data = reinterpret_cast<uint8_t*>(run_) + run_->io.data_offset;
  for (unsigned n = 0; n < run_->io.count; ++n, data += run_->io.size) {
    uint32_t value = 0;
    if (run_->io.direction == KVM_EXIT_IO_IN) {
      value = port_read(run_->io.port, run_->io.size);
      std::memcpy(data, &value, run_->io.size);
    } else {
      std::memcpy(&value, data, run_->io.size);
      port_write(run_->io.port, run_->io.size, value);
    }
  }
}

KvmRunner::End KvmRunner::run(X86State& state, int& interrupt) {
  if (!load(state)) return End::kStuck;
  if (std::exchange(state.nmi_pending, 0)) ioctl(cpu_, KVM_NMI, 0);
  run_->immediate_exit = 1;  // tells whether an interrupt would be taken
  ioctl(cpu_, KVM_RUN, 0);
  run_->immediate_exit = 0;
  const Alarm alarm;
  End end = End::kStuck;
  while (true) {
    inject(interrupt);
    if (ioctl(cpu_, KVM_RUN, 0) < 0) break;  // a second is over
    if (run_->exit_reason == KVM_EXIT_IO) {
      ports();
    } else if (run_->exit_reason == KVM_EXIT_MMIO) {
      std::memset(run_->mmio.data, 0xff, sizeof run_->mmio.data);
    } else if (run_->exit_reason == KVM_EXIT_HLT) {
      if (inject(interrupt)) continue;
      end = End::kHalt;
      break;
    } else if (run_->exit_reason == KVM_EXIT_SHUTDOWN) {
      end = End::kShutdown;
      break;
    } else if (run_->exit_reason != KVM_EXIT_IRQ_WINDOW_OPEN) {
      break;
    }
  }
  store(state);
  state.sleep = end == End::kHalt ? Sleep::kHalt : end == End::kShutdown ? Sleep::kShutdown : Sleep::kNone;
  return end;
}

}  // namespace mynah::test
