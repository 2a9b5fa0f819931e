// SPDX-License-Identifier: Apache-2.0
//
// IRET in all modes (SDM vol. 2, IRET), and INT n.
#include "frontend/x86/exceptions.h"
#include "frontend/x86/segments.h"
#include "frontend/x86/stack.h"
#include "frontend/x86/tasks.h"
#include "frontend/x86/transfers.h"
#include "frontend/x86/vectors.h"

namespace mynah::x86 {

namespace {

constexpr uint8_t kGp = vector::kGeneralProtection;

// Flags of EFLAGS that are taken from an image of so many bits where the program may set all.
constexpr uint32_t kImage32 = eflags::kStatus | eflags::kTf | eflags::kIf | eflags::kDf | eflags::kIopl |
                              eflags::kNt | eflags::kRf | eflags::kAc | eflags::kVif | eflags::kVip |
                              eflags::kId;

void take_flags(X86State& s, uint32_t image, unsigned bits, uint32_t not_allowed) {
  uint32_t taken = kImage32 & ~not_allowed;
  if (bits == 16) taken &= 0xffff;
  set_rflags(s, (rflags(s) & ~taken) | (image & taken));
}

// What an IRET of the current CPL must not change.
uint32_t protected_flags(const X86State& s) {
  uint32_t keep = 0;
  if (s.cpl != 0) keep |= eflags::kIopl | eflags::kVif | eflags::kVip;
  if (s.cpl > s.iopl()) keep |= eflags::kIf;
  return keep;
}

bool return_real(X86Cpu& cpu, Instruction i) {
  X86State& s = cpu.x86();
  uint32_t keep = eflags::kVif | eflags::kVip;
  bool virtual_if = false;
  if (s.vm86()) {
    if (s.iopl() != 3) {
      // With VME a 16-bit image's IF is VIF.
      if (!(s.cr4 & cr4::kVme) || i.bits != 16) return cpu.raise(kGp, 0);
      virtual_if = true;
      keep |= eflags::kIf;
    }
    keep |= eflags::kIopl;
  }
  Pops frame(Stack::current(s), i.bits / 8);
  if (!frame.read(cpu, 3)) return false;
  const auto image = static_cast<uint32_t>(frame[2]);
  if (frame[0] > s.segments[kCs].limit) return cpu.raise(kGp, 0);
  if (virtual_if && ((image & eflags::kTf) || ((image & eflags::kIf) && (s.eflags & eflags::kVip))))
    return cpu.raise(kGp, 0);
  set_sp(s, frame.sp());
  set_real_code(s, static_cast<uint16_t>(frame[1]), frame[0]);
  take_flags(s, image, i.bits, keep);
  if (virtual_if) s.eflags = (s.eflags & ~eflags::kVif) | (image & eflags::kIf ? eflags::kVif : 0);
  cpu.changed();
  return true;
}

// Behind EIP, CS and EFLAGS with VM: ESP, SS, ES, DS, FS, GS.
bool return_to_vm86(X86Cpu& cpu, Pops& frame) {
  X86State& s = cpu.x86();
  if (frame[0] > 0xffff) return cpu.raise(kGp, 0);
  if (!frame.read(cpu, 6)) return false;
  set_rflags(s, (static_cast<uint32_t>(frame[2]) & kImage32) | eflags::kVm);
  s.cpl = 3;
  constexpr SegmentNumber kOrder[] = {kEs, kDs, kFs, kGs};
  for (unsigned n = 0; n < 4; ++n) set_vm86_segment(s, kOrder[n], static_cast<uint16_t>(frame[5 + n]));
  set_vm86_segment(s, kSs, static_cast<uint16_t>(frame[4]));
  set_vm86_segment(s, kCs, static_cast<uint16_t>(frame[1]));
  set_sp(s, frame[3]);
  set_ip(s, frame[0]);
  cpu.changed();
  return true;
}

bool return_to_task(X86Cpu& cpu, Instruction i) {
  const X86State& s = cpu.x86();
  if (s.long_mode()) return cpu.raise(kGp, 0);
  uint16_t link;
  if (!cpu.read(s.tr.base, &link, 2, cpu.implicit_class())) return false;
  Descriptor tss;
  constexpr uint8_t kTs = vector::kInvalidTss;
  if (link & 4) return raise_selector(cpu, kTs, link);
  if (!read_descriptor(cpu, link, tss, kTs)) return false;
  if (!tss.system(system_type::kTss16Busy) && !tss.system(system_type::kTss32Busy))
    return raise_selector(cpu, kTs, link);
  if (!tss.present()) return raise_selector(cpu, vector::kNotPresent, link);
  return switch_task(cpu, link, TaskSwitch::kReturn, (s.ip() + i.length) & 0xffffffff);
}

// INT n in virtual-8086 mode whose bit in the TSS's redirection map is clear: by the program's own table.
bool interrupt_vm86(X86Cpu& cpu, uint8_t vector, Instruction i) {
  X86State& s = cpu.x86();
  uint16_t entry[2];
  if (!cpu.read(vector * 4u, entry, 4, cpu.permission_class())) return false;
  uint32_t image = rflags(s);
  const bool open = s.iopl() == 3;
  if (!open) image = (image & ~eflags::kIf) | eflags::kIopl | (s.eflags & eflags::kVif ? eflags::kIf : 0);
  Pushes frame(Stack::current(s), 2);
  frame.push(image);
  frame.push(s.segments[kCs].selector);
  frame.push(s.ip() + i.length);
  if (!frame.write(cpu, 0)) return false;
  set_sp(s, frame.sp());
  s.eflags &= ~(eflags::kTf | eflags::kNt | eflags::kRf | (open ? eflags::kIf : eflags::kVif));
  set_real_code(s, entry[1], entry[0]);
  s.stepping = 0;
  cpu.changed();
  return true;
}

// The bit of an interrupt in the map below the I/O map; `redirected`: it is clear.
bool read_redirection(X86Cpu& cpu, uint8_t vector, bool& redirected) {
  const X86State& s = cpu.x86();
  redirected = false;
  constexpr uint32_t kIoMapAt = 102;
  uint16_t io_map;
  if (s.tr.segment.limit < kIoMapAt + 1) return true;
  if (!cpu.read(s.tr.base + kIoMapAt, &io_map, 2, cpu.implicit_class())) return false;
  const uint32_t at = io_map - 32u + vector / 8;
  if (io_map < 32 || at > s.tr.segment.limit) return true;
  uint8_t byte;
  if (!cpu.read(s.tr.base + at, &byte, 1, cpu.implicit_class())) return false;
  redirected = !(byte >> (vector & 7) & 1);
  return true;
}

}  // namespace

bool interrupt_return(X86Cpu& cpu, Instruction i) {
  X86State& s = cpu.x86();
  s.nmi_blocked = 0;  // even if it faults
  if (s.real_or_vm86()) return return_real(cpu, i);
  if (s.eflags & eflags::kNt) return return_to_task(cpu, i);
  Pops frame(Stack::current(s), i.bits / 8);
  const bool from_64bit = s.in_64bit_code();
  // 64-bit code pops SS:RSP always.
  if (!frame.read(cpu, from_64bit ? 5 : 3)) return false;
  const auto image = static_cast<uint32_t>(frame[2]);
  if (!s.long_mode() && i.bits == 32 && (image & eflags::kVm) && s.cpl == 0)
    return return_to_vm86(cpu, frame);
  uint64_t ip = frame[0];
  const auto selector = static_cast<uint16_t>(frame[1]);
  if (is_null(selector)) return cpu.raise(kGp, 0);
  Descriptor code;
  if (!read_descriptor(cpu, selector, code, kGp)) return false;
  const unsigned cpl = rpl_of(selector);
  if (!code.code() || cpl < s.cpl || (code.conforming() ? code.dpl() > cpl : code.dpl() != cpl) ||
      (s.long_mode() && code.is_long() && code.big()))
    return raise_selector(cpu, kGp, selector);
  if (!code.present()) return raise_selector(cpu, vector::kNotPresent, selector);
  const bool to_64bit = s.long_mode() && code.is_long();
  if (!to_64bit) ip &= 0xffffffff;
  const bool outer = cpl != s.cpl, pops_stack = outer || from_64bit;
  if (pops_stack && !from_64bit && !frame.read(cpu, 2)) return false;
  const auto ss = static_cast<uint16_t>(frame[4]);
  Descriptor stack;
  const bool no_stack = pops_stack && is_null(ss) && to_64bit && cpl != 3 && rpl_of(ss) == cpl;
  if (pops_stack && !no_stack && !check_stack_segment(cpu, ss, cpl, stack, kGp)) return false;
  if (to_64bit ? !is_canonical(s, ip) : ip > code.limit()) return cpu.raise(kGp, 0);
  if (!mark_accessed(cpu, selector, code)) return false;
  const uint32_t keep = protected_flags(s);
  if (!pops_stack) set_sp(s, frame.sp());
  set_code(s, selector, code, cpl, ip);
  take_flags(s, image, i.bits, keep);
  if (pops_stack) set_outer_stack(s, ss, no_stack ? nullptr : &stack, frame[3], 0);
  if (outer) drop_data_segments(s);
  cpu.changed();
  return true;
}

bool interrupt(X86Cpu& cpu, uint8_t vector, Instruction i) {
  const X86State& s = cpu.x86();
  if (s.vm86()) {
    bool redirected = false;
    if ((s.cr4 & cr4::kVme) && !read_redirection(cpu, vector, redirected)) return false;
    if (redirected) return interrupt_vm86(cpu, vector, i);
    if (s.iopl() != 3) return cpu.raise(kGp, 0);
  }
  return cpu.raise({.vector = vector, .software = true, .length = static_cast<uint8_t>(i.length)});
}

}  // namespace mynah::x86
