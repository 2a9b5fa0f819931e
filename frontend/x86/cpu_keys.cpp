// SPDX-License-Identifier: Apache-2.0
//
// X86Cpu: which facts make the key of a context and of a block (mode.h).
#include <utility>

#include "frontend/x86/cpu.h"
#include "frontend/x86/debug_registers.h"
#include "frontend/x86/mmu.h"
#include "frontend/x86/mode.h"
#include "frontend/x86/mxcsr.h"
#include "frontend/x86/segments.h"

namespace mynah::x86 {

// Which of CS, SS, DS, ES are flat, which are full (mode.h), and what is open of all.
uint64_t X86Cpu::segment_facts() {
  uint64_t facts = 0;
  const bool real = state_.real_or_vm86();
  for (unsigned n = 0; n < kSegments; ++n) {
    state_.open[n] = open_bytes(state_.segments[n], real);
    if (n >= kFs || !is_full(state_, n)) continue;
    facts |= mode_full(n);
    if (state_.base(n) == 0) facts |= mode_flat(n);
  }
  return facts;
}

// What follows from registers that change rarely.
uint64_t X86Cpu::control_facts() {
  const X86State& s = state_;
  const Control now{s.cr0, s.cr4, s.xcr0, s.efer, s.dr[7], s.fcw, s.mxcsr};
  if (now == control_) return control_facts_;
  uint64_t mode = 0;
  if (s.long_mode()) mode |= kModeLong;
  if (!s.protected_mode()) mode |= kModeReal | kModeIoOpen;
  if (s.cr0 & cr0::kEm) mode |= kModeEm;
  if (s.cr0 & cr0::kTs) mode |= kModeTs;
  if (s.cr0 & cr0::kMp) mode |= kModeMp;
  if (s.cr0 & cr0::kNe) mode |= kModeNe;
  if (s.cr4 & cr4::kOsfxsr) mode |= kModeOsfxsr;
  if (s.cr4 & cr4::kOsxsave) mode |= kModeOsxsave;
  if ((s.xcr0 & 6) == 6) mode |= kModeAvx;
  if (s.cr4 & cr4::kUmip) mode |= kModeUmip;
  if (s.cr4 & cr4::kTsd) mode |= kModeTsd;
  if (s.cr4 & cr4::kFsgsbase) mode |= kModeFsgsbase;
  if (s.cr4 & cr4::kDe) mode |= kModeCr4De;
  if (s.cr4 & cr4::kPce) mode |= kModePce;
  if (s.cr4 & cr4::kPke) mode |= kModePke;
  if (s.cr4 & cr4::kLa57) mode |= kModeLa57;
  if ((s.fcw & 0x3f) != 0x3f) mode |= kModeX87Unmasked;
  mode |= mxcsr::mode_of(s.mxcsr, s.cr4 & cr4::kOsxmmexcpt);
  if (s.dr[7] & dr7::kEnabled) mode |= kModeDebug;
  control_ = now;
  return control_facts_ = mode;
}

uint64_t X86Cpu::mode() {
  const X86State& s = state_;
  uint64_t mode = control_facts() | uint64_t{s.cpl} << kModeCplShift;
  const uint32_t cs = s.segments[kCs].access;
  if (s.in_64bit_code()) {
    mode |= kModeCode64;
  } else {
    if (cs & access::kBig) mode |= kModeCode32;
    if (s.segments[kSs].access & access::kBig) mode |= kModeStack32;
    mode |= segment_facts();
  }
  if (s.vm86()) mode |= kModeVm86;
  if (s.cpl <= s.iopl()) mode |= kModeIoOpen;
  if (s.cr4 & (s.vm86() ? cr4::kVme : s.cpl == 3 ? cr4::kPvi : 0)) mode |= kModeCr4Vme;
  if (s.eflags & eflags::kDf) mode |= kModeDf;
  if (s.cpl == 3 && (s.cr0 & cr0::kAm) && (s.eflags & eflags::kAc)) mode |= kModeAlignCheck;
  return mode;
}

ContextKey X86Cpu::context_key() {
  ContextKey context;
  TranslationKey& key = context.translation;
  if (state_.cr0 & cr0::kPg) {
    // A page table of an address space that is loaded again without PCID is flushed then.
    key.own_root =
        state_.cr3 & (state_.cr4 & cr4::kPae && !state_.long_mode() ? ~uint64_t{0x1f} : ~uint64_t{0xfff});
    key.asid = current_pcid(state_);
  }
  key.regime = paging_regime(state_);
  // Blocks know of EFLAGS.AC, and make such accesses by the user's table (user_class()).
  key.permission_class = state_.cpl == 3 ? kClassUser : implicit_class();
  context.code.mode = mode();
  if (context.code.mode & kModeDebug) key.stops = note_stops(debug_stops_of(state_));
  return context;
}

// Class of kGuardUser accesses: a supervisor's while EFLAGS.AC is set.
uint32_t X86Cpu::user_class() const { return state_.cpl == 3 ? kClassUser : kClassSupervisor; }

uint32_t X86Cpu::note_stops(GuestStops stops) {
  if (stops == GuestStops{}) {
    stops_ = stops_numbers_.end();
    return 0;
  }
  constexpr size_t kMost = 1024;
  if (stops_numbers_.size() == kMost && !stops_numbers_.contains(stops)) stops_numbers_.clear();
  const auto [at, is_new] = stops_numbers_.try_emplace(std::move(stops), next_stops_);
  if (is_new) ++next_stops_;
  stops_ = at;
  return at->second;
}

const GuestStops& X86Cpu::guest_stops() const {
  static const GuestStops none;
  return stops_ == stops_numbers_.end() ? none : stops_->first;
}

}  // namespace mynah::x86
