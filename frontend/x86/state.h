// SPDX-License-Identifier: Apache-2.0
//
// X86State: everything that one x86 logical processor holds, as translated code and C++ see it. Translated
// code reaches it through a pinned register that points kStateBias bytes into it, so that the `hot` words are
// one byte of displacement away.
//
// Invariants: the guest pc is *linear* (EIP or RIP plus the base of CS): pc_page + the block's page offset
// while translated code runs, and pc() outside of it. `flags` holds the status flags in the IR's layout
// (ir/flags.h, C as x86's CF), `eflags` all others. Outside of 64-bit code the upper halves of general
// registers are zero. Bits of `cs`..`gs` are as a descriptor cache's: a null selector is one that is not
// `usable`.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "ir/flags.h"

namespace mynah::x86 {

struct alignas(16) Vec {
  uint64_t lo, hi;
  bool operator==(const Vec&) const = default;
};

// A register of the x87, by its physical number (not by its place in the stack); MMX sees the significand.
struct alignas(16) F80 {
  uint64_t significand;
  uint16_t sign_exponent;
};

enum Register : unsigned { kRax, kRcx, kRdx, kRbx, kRsp, kRbp, kRsi, kRdi, kR8 };
enum SegmentNumber : unsigned { kEs, kCs, kSs, kDs, kFs, kGs };  // as instructions encode them
constexpr unsigned kSegments = 6;

// SDM vol. 3, 3.4.5: bits of a descriptor's second word, and what is kept of it beside the selector.
namespace access {
constexpr uint32_t kAccessed = 1 << 8;
constexpr uint32_t kWritable = 1 << 9;     // data
constexpr uint32_t kReadable = 1 << 9;     // code
constexpr uint32_t kExpandDown = 1 << 10;  // data
constexpr uint32_t kConforming = 1 << 10;  // code
constexpr uint32_t kCode = 1 << 11;
constexpr uint32_t kCodeOrData = 1 << 12;
constexpr uint32_t kDplShift = 13;
constexpr uint32_t kPresent = 1 << 15;
constexpr uint32_t kLong = 1 << 21;
constexpr uint32_t kBig = 1 << 22;  // D or B
constexpr uint32_t kGranularity = 1 << 23;
constexpr uint32_t kTypeShift = 8;
constexpr uint32_t kMask = 0x00f0ff00;
}  // namespace access

struct Segment {
  uint32_t selector;  // of 16 bits
  bool usable;
  uint32_t access;  // namespace access
  uint32_t limit;   // of the last byte, whatever the granularity
  // The base is in X86State::bases for the six that instructions name.
};
struct SystemSegment {  // LDTR, TR
  Segment segment;
  uint64_t base;
};
struct TableRegister {  // GDTR, IDTR
  uint64_t base;
  uint16_t limit;
};

// EFLAGS beside the status flags.
namespace eflags {
constexpr uint32_t kCf = 1 << 0, kFixed = 1 << 1, kPf = 1 << 2, kAf = 1 << 4, kZf = 1 << 6, kSf = 1 << 7;
constexpr uint32_t kTf = 1 << 8, kIf = 1 << 9, kDf = 1 << 10, kOf = 1 << 11;
constexpr uint32_t kIoplShift = 12, kIopl = 3 << 12;
constexpr uint32_t kNt = 1 << 14, kRf = 1 << 16, kVm = 1 << 17, kAc = 1 << 18, kVif = 1 << 19, kVip = 1 << 20,
                   kId = 1 << 21;
constexpr uint32_t kStatus = kCf | kPf | kAf | kZf | kSf | kOf;
}  // namespace eflags

namespace cr0 {
constexpr uint64_t kPe = 1 << 0, kMp = 1 << 1, kEm = 1 << 2, kTs = 1 << 3, kEt = 1 << 4, kNe = 1 << 5,
                   kWp = 1 << 16, kAm = 1 << 18, kNw = 1 << 29, kCd = 1 << 30, kPg = uint64_t{1} << 31;
}
namespace cr4 {
constexpr uint64_t kVme = 1 << 0, kPvi = 1 << 1, kTsd = 1 << 2, kDe = 1 << 3, kPse = 1 << 4, kPae = 1 << 5,
                   kMce = 1 << 6, kPge = 1 << 7, kPce = 1 << 8, kOsfxsr = 1 << 9, kOsxmmexcpt = 1 << 10,
                   kUmip = 1 << 11, kLa57 = 1 << 12, kFsgsbase = 1 << 16, kPcide = 1 << 17,
                   kOsxsave = 1 << 18, kSmep = 1 << 20, kSmap = 1 << 21, kPke = 1 << 22;
}
namespace efer {
constexpr uint64_t kSce = 1 << 0, kLme = 1 << 8, kLma = 1 << 10, kNxe = 1 << 11;
}

// What a processor that executes nothing waits for. kForStartup: a startup IPI (INIT came).
enum class Sleep : uint8_t { kNone, kHalt, kForStartup, kShutdown };

struct alignas(64) X86State {
  // hot[0] pc_page, hot[1] flags, hot[2..17] general registers, hot[18..23] segment bases by number.
  std::array<uint64_t, 24> hot;
  uint64_t pc_offset;  // bytes into the page, valid outside translated code

  uint64_t& pc_page() { return hot[0]; }
  uint64_t& flags_packed() { return hot[1]; }  // ir/flags.h layout; use rflags() for the architectural value
  uint64_t& r(unsigned i) { return hot[2 + i]; }
  uint64_t r(unsigned i) const { return hot[2 + i]; }
  uint64_t& base(unsigned segment) { return hot[18 + segment]; }
  uint64_t base(unsigned segment) const { return hot[18 + segment]; }
  uint64_t pc() const { return hot[0] + pc_offset; }
  void set_linear_pc(uint64_t pc) {
    hot[0] = pc & ~uint64_t{0xfff};
    pc_offset = pc & 0xfff;
  }
  uint64_t ip() const {  // RIP, EIP or IP
    const uint64_t ip = pc() - base(kCs);
    return in_64bit_code() ? ip : ip & 0xffffffff;
  }

  std::array<Vec, 16> xmm;
  std::array<Vec, 16> ymm_high;
  std::array<F80, 8> fpr;
  // With the registers, an ir::F80File: fsw has C0 to C3 at their places and exceptions as the last
  // store_f80() left them, but not TOP (fpu_top: times 16) nor SF (fpu_stack_fault). ftw: tags from the
  // stack's top on, bit i: ST(i) is not empty. x87.h has the registers as the manual has them.
  uint32_t fsw, fcw, ftw, fop;
  uint64_t fpu_top;
  uint32_t fpu_stack_fault;  // SF's bit, or 0
  // The next instruction is the x87's that met a stack fault: it goes on with its response.
  uint8_t fpu_unchecked;
  uint64_t fip, fdp;
  uint16_t fcs, fds;
  uint32_t mxcsr;   // without the sticky flags, which are the runtime's: X86Cpu::mxcsr()
  uint32_t eflags;  // all but status flags; bit 1 set
  // INTR is asserted, or something else is to be looked at between instructions (NMI, INIT, ...).
  uint32_t interrupt_pending;
  uint8_t cpl;
  // The instruction before this one keeps interrupts (STI), or debug exceptions too (MOV SS), off this one.
  uint8_t shadow;
  Sleep sleep;
  uint8_t nmi_pending, nmi_blocked, init_pending, startup_pending, startup_vector;
  uint8_t a20_masked;

  std::array<Segment, kSegments> segments;
  SystemSegment ldtr, tr;
  TableRegister gdtr, idtr;
  uint64_t cr0, cr2, cr3, cr4, xcr0, xss;
  uint32_t pkru;
  std::array<uint64_t, 8> dr;     // 4 and 5 are not used
  std::array<uint64_t, 4> pdpte;  // PAE: loaded with CR3
  uint64_t efer, star, lstar, cstar, sfmask, kernel_gs_base, tsc_aux, tsc_offset;
  uint64_t sysenter_cs, sysenter_esp, sysenter_eip, pat, misc_enable, spec_ctrl, feature_control, debugctl;
  uint64_t misc_features;  // bit 0: CPUID faults beyond CPL 0
  std::array<uint64_t, 8> mtrr_base, mtrr_mask;
  std::array<uint64_t, 11> mtrr_fixed;
  uint64_t mtrr_default, mcg_status, mcg_ctl;
  std::array<std::array<uint64_t, 4>, 10> mc_banks;  // CTL, STATUS, ADDR, MISC
  // Software step and debug exceptions that wait for the instruction's end.
  uint64_t debug_pending;  // bits of DR6
  uint8_t stepping;        // TF was set where the current instruction began
  // By segment: bytes from offset 0 on that may be read and written; of no meaning in 64-bit code. Made of
  // the others (segments.h) before code runs, and where one is loaded.
  std::array<uint64_t, kSegments> open;

  bool protected_mode() const { return cr0 & cr0::kPe; }
  bool vm86() const { return eflags & eflags::kVm; }
  bool real_or_vm86() const { return !protected_mode() || vm86(); }
  bool long_mode() const { return efer & efer::kLma; }
  bool in_64bit_code() const { return long_mode() && (segments[kCs].access & access::kLong); }
  unsigned iopl() const { return eflags >> eflags::kIoplShift & 3; }
};

constexpr size_t kStateBias = 128;
static_assert(offsetof(X86State, fsw) == offsetof(X86State, fpr) + 8 * sizeof(F80));

// EFLAGS as the guest sees it, and back.
constexpr uint32_t status_of(uint64_t packed) {
  return (packed & ir::kFlagC ? eflags::kCf : 0) | (packed & ir::kFlagP ? eflags::kPf : 0) |
         (packed & ir::kFlagA ? eflags::kAf : 0) | (packed & ir::kFlagZ ? eflags::kZf : 0) |
         (packed & ir::kFlagN ? eflags::kSf : 0) | (packed & ir::kFlagV ? eflags::kOf : 0);
}
constexpr uint32_t packed_of(uint32_t f) {
  return ir::pack_flags(f & eflags::kSf, f & eflags::kZf, f & eflags::kCf, f & eflags::kOf, f & eflags::kPf,
                        f & eflags::kAf);
}
inline uint32_t rflags(const X86State& s) { return s.eflags | status_of(s.hot[1]); }
inline void set_rflags(X86State& s, uint32_t value) {
  s.hot[1] = packed_of(value);
  s.eflags = (value & ~eflags::kStatus) | eflags::kFixed;
}

}  // namespace mynah::x86
