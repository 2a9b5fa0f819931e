// SPDX-License-Identifier: Apache-2.0
//
// Task switches through TSS descriptors (SDM vol. 3, 7.2 and 7.3). The new task's state is read whole before
// anything changes; what is wrong with its segments is found out in the new task, as the manual has it.
#include "frontend/x86/tasks.h"

#include <array>
#include <cstring>

#include "frontend/x86/debug_registers.h"
#include "frontend/x86/mmu.h"
#include "frontend/x86/segments.h"
#include "frontend/x86/stack.h"
#include "frontend/x86/vectors.h"

namespace mynah::x86 {

namespace {

constexpr uint8_t kTs = vector::kInvalidTss;

bool is_tss32(uint32_t access) { return access >> access::kTypeShift & 8; }

bool raise_tr(X86Cpu& cpu, uint32_t ext) {
  return raise_selector(cpu, kTs, cpu.x86().tr.segment.selector, ext);
}

// Bytes of the current TSS.
bool read_tss(X86Cpu& cpu, uint32_t offset, void* to, unsigned n, uint32_t ext) {
  const X86State& s = cpu.x86();
  if (!s.tr.segment.usable || offset + n - 1 > s.tr.segment.limit) return raise_tr(cpu, ext);
  const uint64_t at = s.tr.base + offset;
  return cpu.read(s.long_mode() ? at : at & 0xffffffff, to, n, cpu.implicit_class());
}

bool read_rsp(X86Cpu& cpu, uint32_t offset, uint32_t ext, uint64_t& rsp) {
  if (!read_tss(cpu, offset, &rsp, 8, ext)) return false;
  return is_canonical(cpu.x86(), rsp) || cpu.raise(vector::kStack, ext);
}

// A task's registers, as a TSS of 16 or 32 bits holds them.
struct Task {
  uint32_t cr3 = 0, ip = 0, flags = 0;
  std::array<uint32_t, 8> r{};
  std::array<uint16_t, kSegments> selectors{};  // 16 bits: of ES, CS, SS and DS
  uint16_t ldt = 0;
  bool trap = false;
};

constexpr uint32_t kLink = 0;
struct Layout {
  unsigned word;  // bytes of a register
  uint32_t ip, flags, r, selectors, segments, ldt, bytes;
};
constexpr Layout kTss16{2, 14, 16, 18, 34, 4, 42, 44};
constexpr Layout kTss32{4, 32, 36, 40, 72, 6, 96, 104};
constexpr uint32_t kCr3At = 28, kTrapAt = 100;

template <typename T>
T at(const uint8_t* bytes, uint32_t offset, unsigned n = sizeof(T)) {
  T value = 0;
  std::memcpy(&value, bytes + offset, n);
  return value;
}

Task parse(const uint8_t* bytes, const Layout& l) {
  Task t;
  const bool wide = l.word == 4;
  if (wide) {
    t.cr3 = at<uint32_t>(bytes, kCr3At);
    t.trap = at<uint16_t>(bytes, kTrapAt) & 1;
  }
  t.ip = at<uint32_t>(bytes, l.ip, l.word);
  t.flags = at<uint32_t>(bytes, l.flags, l.word);
  for (unsigned n = 0; n < 8; ++n) t.r[n] = at<uint32_t>(bytes, l.r + n * l.word, l.word);
  for (unsigned n = 0; n < l.segments; ++n) t.selectors[n] = at<uint16_t>(bytes, l.selectors + n * l.word);
  t.ldt = at<uint16_t>(bytes, l.ldt);
  return t;
}

// Saves the current task: from its IP to its last selector, in one write.
bool save(X86Cpu& cpu, const Layout& l, uint64_t ip, uint32_t flags, uint64_t base) {
  const X86State& s = cpu.x86();
  uint8_t bytes[104] = {};
  const uint32_t from = l.ip, to = l.selectors + l.segments * l.word;
  // Upper halves of selectors' words stay as they are.
  if (!cpu.read(base + from, bytes + from, to - from, cpu.implicit_class())) return false;
  const auto put = [&](uint32_t offset, uint64_t value, unsigned n) {
    std::memcpy(bytes + offset, &value, n);
  };
  put(l.ip, ip, l.word);
  put(l.flags, flags, l.word);
  for (unsigned n = 0; n < 8; ++n) put(l.r + n * l.word, s.r(n), l.word);
  for (unsigned n = 0; n < l.segments; ++n) put(l.selectors + n * l.word, s.segments[n].selector, 2);
  return cpu.write(base + from, bytes + from, to - from, cpu.implicit_class());
}

bool set_busy(X86Cpu& cpu, uint16_t selector, bool busy) {
  Descriptor d;
  if (!read_descriptor(cpu, selector, d, kTs)) return false;
  return write_type(cpu, selector, d, busy ? d.type() | system_type::kBusy : d.type() & ~system_type::kBusy);
}

bool load_cr3_of_task(X86Cpu& cpu, uint32_t cr3, uint32_t ext) {
  X86State& s = cpu.x86();
  if ((s.cr4 & cr4::kPae) && !load_pdptes(s, cpu.model(), cpu.system(), cr3)) return cpu.raise(kTs, ext);
  s.cr3 = cr3;
  cpu.system().tlb_flush_id(current_pcid(s));
  cpu.changed();
  return true;
}

// Segments of the new task: any fault is the new task's.
bool load_data_segment(X86Cpu& cpu, unsigned segment, uint16_t selector, uint32_t ext) {
  X86State& s = cpu.x86();
  if (is_null(selector)) return true;
  Descriptor d;
  if (!read_descriptor(cpu, selector, d, kTs, ext)) return false;
  if (!d.readable() || (!d.conforming() && (rpl_of(selector) > d.dpl() || s.cpl > d.dpl())))
    return raise_selector(cpu, kTs, selector, ext);
  if (!d.present()) return raise_selector(cpu, vector::kNotPresent, selector, ext);
  if (!mark_accessed(cpu, selector, d)) return false;
  set_segment(s, segment, selector, d);
  return true;
}

bool load_segments(X86Cpu& cpu, const Task& t, uint32_t ext) {
  X86State& s = cpu.x86();
  if (!load_ldtr(cpu, t.ldt, kTs)) return false;
  if (s.vm86()) {
    for (unsigned n = 0; n < kSegments; ++n) set_vm86_segment(s, n, t.selectors[n]);
    s.cpl = 3;
    set_ip(s, t.ip);
    return true;
  }
  const uint16_t cs = t.selectors[kCs], ss = t.selectors[kSs];
  const unsigned cpl = rpl_of(cs);
  Descriptor code, stack;
  if (is_null(cs)) return raise_selector(cpu, kTs, cs, ext);
  if (!read_descriptor(cpu, cs, code, kTs, ext)) return false;
  if (!code.code() || (code.conforming() ? code.dpl() > cpl : code.dpl() != cpl))
    return raise_selector(cpu, kTs, cs, ext);
  if (!code.present()) return raise_selector(cpu, vector::kNotPresent, cs, ext);
  if (!check_stack_segment(cpu, ss, cpl, stack, kTs, ext)) return false;
  if (!mark_accessed(cpu, cs, code)) return false;
  set_segment(s, kSs, ss, stack);
  set_code(s, cs, code, cpl, t.ip);
  for (const unsigned n : {kEs, kDs, kFs, kGs})
    if (!load_data_segment(cpu, n, t.selectors[n], ext)) return false;
  if (t.ip > code.limit()) return cpu.raise(vector::kGeneralProtection, ext);
  return true;
}

}  // namespace

bool read_inner_stack(X86Cpu& cpu, unsigned cpl, uint32_t ext, uint16_t& ss, uint32_t& esp) {
  const bool wide = is_tss32(cpu.x86().tr.segment.access);
  uint8_t bytes[6];
  if (!read_tss(cpu, wide ? 4 + cpl * 8 : 2 + cpl * 4, bytes, wide ? 6 : 4, ext)) return false;
  esp = at<uint32_t>(bytes, 0, wide ? 4 : 2);
  ss = at<uint16_t>(bytes, wide ? 4 : 2);
  return true;
}

bool read_inner_rsp(X86Cpu& cpu, unsigned cpl, uint32_t ext, uint64_t& rsp) {
  return read_rsp(cpu, 4 + cpl * 8, ext, rsp);
}

bool read_ist(X86Cpu& cpu, unsigned ist, uint32_t ext, uint64_t& rsp) {
  return read_rsp(cpu, 0x1c + ist * 8, ext, rsp);
}

bool switch_task(X86Cpu& cpu, uint16_t selector, TaskSwitch how, uint64_t ip, uint32_t ext,
                 std::optional<uint32_t> error) {
  X86State& s = cpu.x86();
  Descriptor tss;
  if (!read_descriptor(cpu, selector, tss, kTs, ext)) return false;
  const bool wide = is_tss32(tss.access());
  const Layout& layout = wide ? kTss32 : kTss16;
  if (tss.limit() < layout.bytes - 1) return raise_selector(cpu, kTs, selector, ext);
  uint8_t bytes[104];
  if (!cpu.read(tss.base(), bytes, layout.bytes, cpu.implicit_class())) return false;
  const Task task = parse(bytes, layout);
  const Layout& own = is_tss32(s.tr.segment.access) ? kTss32 : kTss16;
  if (s.tr.segment.limit < own.bytes - 1) return raise_tr(cpu, ext);
  uint32_t flags = rflags(s);
  if (how == TaskSwitch::kReturn) flags &= ~eflags::kNt;
  // Everything that is written is there: what faults now is as if nothing had happened.
  const uint16_t own_selector = s.tr.segment.selector;
  if (!save(cpu, own, ip, flags, s.tr.base)) return false;
  if (how == TaskSwitch::kCall && !cpu.write(tss.base() + kLink, &own_selector, 2, cpu.implicit_class()))
    return false;
  if (how != TaskSwitch::kReturn && !set_busy(cpu, selector, true)) return false;
  if (how != TaskSwitch::kCall && !set_busy(cpu, own_selector, false)) return false;

  s.tr.segment = {selector, true, tss.access() | system_type::kBusy << access::kTypeShift, tss.limit()};
  s.tr.base = tss.base();
  s.cr0 |= cr0::kTs;
  uint32_t new_flags = task.flags | eflags::kFixed;
  if (how == TaskSwitch::kCall) new_flags |= eflags::kNt;
  if (how == TaskSwitch::kJump) new_flags &= ~eflags::kNt;
  if (!wide) new_flags &= 0xffff;
  set_rflags(s, new_flags & 0x3f7fd7);
  for (unsigned n = 0; n < 8; ++n) s.r(n) = wide ? task.r[n] : (task.r[n] | 0xffff0000u);
  // Descriptors of the old task are gone even where the new ones cannot be loaded.
  for (const unsigned n : {kEs, kSs, kDs, kFs, kGs}) set_null(s, n, task.selectors[n]);
  s.segments[kCs].selector = task.selectors[kCs];
  set_ip(s, task.ip);
  s.dr[7] &= ~uint64_t{0x155};  // local breakpoints
  cpu.changed();
  if (wide && (s.cr0 & cr0::kPg) && !load_cr3_of_task(cpu, task.cr3, ext)) return false;
  if (!load_segments(cpu, task, ext)) return false;
  if (error) {
    Pushes frame(Stack::current(s), wide ? 4 : 2);
    frame.push(*error);
    if (!frame.write(cpu, ext)) return false;
    set_sp(s, frame.sp());
  }
  if (task.trap) cpu.note_debug_trap(dr6::kTask);
  cpu.changed();
  return true;
}

}  // namespace mynah::x86
