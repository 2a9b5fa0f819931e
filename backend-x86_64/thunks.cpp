// SPDX-License-Identifier: Apache-2.0
//
// Thunks: the way into translated code, and the few ways out of it. They stand at the start of code memory,
// once; regions call or jump to them relatively, and so they do to each other. While translated code runs,
// rsp points into the return stack (ir/runtime.h); C++ runs on the host's stack, where enter left the
// callee-saved registers of the System V ABI. The host predicts a ret by counting calls and rets: C++ comes
// here and goes back by jumps, so that the count stays in step with the guest's calls.
//
// MXCSR is the guest's in translated code (HostFrame::guest_mxcsr, sticky flags included) and the host's in
// C++, but for run_op, which computes with integers alone.
#include "backend-x86_64/thunks.h"

#include <cstdlib>

namespace mynah::x86_64 {

using namespace ir::alloc;

namespace {

constexpr Reg kPushed[] = {kRbp, kRbx, kR12, kR13, kR14, kR15};

class ThunkWriter {
 public:
  ThunkWriter(Emitter& e, ThunkTable& offsets) : e(e), a(e.a), offsets_(offsets) {}
  void write() {
    align();
    here(Thunk::leave);
    leave();
    here(Thunk::restore);
    restore();
    with_site(Thunk::link, ir::Leave::kLink);
    with_site(Thunk::deadline, ir::Leave::kDeadline);
    with_site(Thunk::dead, ir::Leave::kDead);
    with_site(Thunk::engine, ir::Leave::kEngine);
    align();
    here(Thunk::crosspage);
    // rax: offset in the page that pc_page already names (the state's first slot).
    a.add(x86::rax, pc_page());
    const auto known = e.jump_short();
    here(Thunk::empty_return);  // rax: the address
    a.mov(x86::rsp, field(MYNAH_RUNTIME(empty_return), 8));
    e.land_short(known);
    constexpr auto kReturn = static_cast<unsigned>(ir::BranchKind::kReturn);
    first_jump(kReturn);  // falls into the next
    indirect_miss(kReturn);
    for (unsigned branch = 0; branch < ir::kBranchKinds; ++branch)
      if (branch != kReturn) indirect_miss(branch);
    align();
    here(Thunk::guard);
    into_cpp(MYNAH_RUNTIME(guard_miss), ir::Leave::kGuard, true);
    align();
    here(Thunk::call);
    into_cpp(MYNAH_RUNTIME(call_helper), ir::Leave::kCall, false);
    align();
    here(Thunk::run_op);
    run_op();
    align();
    here(Thunk::cold_op);
    cold_op();
    for (Reg r = 0; r < 16; ++r)
      if (kAllocatable >> r & 1)
        for (const bool write : {false, true}) page_pair(r, write);
    align();
    here(Thunk::enter);
    enter();
    align();
    here(Thunk::constants);
    a.embed(kConstants, sizeof kConstants);
  }

 private:
  void here(Thunk thunk) { offsets_[static_cast<size_t>(thunk)] = e.position(); }
  void align() { a.align(asmjit::AlignMode::kCode, 16); }
  x86::Mem field(int32_t disp, uint32_t size = 0) { return e.runtime(disp, size); }

  void enter() {
    for (const Reg r : kPushed) a.push(Emitter::r64(r));
    a.mov(x86::rax, x86::rsp);
    a.and_(x86::rsp, -16);
    a.sub(x86::rsp, 16);
    a.mov(x86::ptr(x86::rsp), x86::rax);
    a.lea(x86::rbp, x86::ptr(x86::rdi, static_cast<int32_t>(offsetof(Runtime, state)) + kStateBias));
    a.mov(field(MYNAH_HOST_FRAME(stack)), x86::rsp);
    a.stmxcsr(field(MYNAH_HOST_FRAME(host_mxcsr), 4));
    a.ldmxcsr(field(MYNAH_HOST_FRAME(guest_mxcsr), 4));
    load_pinned();
    end_return_stack();
    from_host_stack();
    a.jmp(x86::rsi);
  }
  // The current context's ends here, whatever the address next to it is.
  void end_return_stack() {
    a.mov(x86::rcx, field(MYNAH_RUNTIME(empty_return), 8));
    e.load_address(x86::rax, Thunk::empty_return);
    a.mov(x86::ptr(x86::rcx, offsetof(ir::ReturnEntry, host)), x86::rax);
  }
  void load_pinned() {
    a.mov(x86::r14, field(MYNAH_RUNTIME(tlb)));
    a.mov(x86::r13d, field(MYNAH_RUNTIME(counter)));
  }
  void store_counter() {
    a.movsxd(x86::rax, x86::r13d);
    a.mov(field(MYNAH_RUNTIME(counter)), x86::rax);
  }
  void host_fp() {
    a.stmxcsr(field(MYNAH_HOST_FRAME(guest_mxcsr), 4));
    a.ldmxcsr(field(MYNAH_HOST_FRAME(host_mxcsr), 4));
  }

  // Back to enter's caller; exit_reason and exit_site are set. From `restore` on, the counter and the
  // control words are in order already.
  void leave() {
    to_host_stack();
    store_counter();
    host_fp();
  }
  void restore() {
    a.mov(x86::rsp, x86::ptr(x86::rsp));
    for (size_t i = std::size(kPushed); i-- > 0;) a.pop(Emitter::r64(kPushed[i]));
    a.pop(x86::rcx);
    a.jmp(x86::rcx);
  }

  void with_site(Thunk thunk, ir::Leave reason) {
    align();
    here(thunk);
    a.pop(x86::rax);
    a.mov(field(MYNAH_RUNTIME(exit_site)), x86::rax);
    a.mov(field(MYNAH_RUNTIME(exit_reason), 4), static_cast<uint32_t>(reason));
    e.jump(Thunk::leave);
  }

  x86::Mem pc_page() { return x86::ptr(x86::rbp, state_disp(0), 8); }

  // rax: the address. Goes there when the first jump cache knows it.
  void first_jump(unsigned branch) {
    e.jump_entry(kRcx, kRax);
    const int32_t jump = jump_disp(branch);
    a.cmp(x86::ptr(x86::rcx, jump), x86::rax);
    const auto miss = e.jump_short(Cc::ne);
    a.and_(x86::rax, -static_cast<int32_t>(ir::kPageSize));
    a.mov(pc_page(), x86::rax);
    a.jmp(x86::ptr(x86::rcx, jump + 8));
    e.land_short(miss);
  }
  // rax: the address. What the second jump cache knows, by either name, goes into the first and on; every
  // register is free.
  void indirect_miss(unsigned branch) {
    here(x86_64::indirect_miss(branch));
    static_assert(sizeof(ir::SecondJumpEntry) == 32 && sizeof(ir::JumpEntry) == 16);
    a.imul(x86::esi, x86::eax, static_cast<int32_t>(ir::kJumpMix));
    a.shr(x86::esi, 32 - ir::kSecondJumpBits);
    const auto by_common = second_jump(ir::NameKind::kCommon, branch);
    const auto by_own = second_jump(ir::NameKind::kOwn, branch);
    here(indirect_leave(branch));
    a.mov(field(MYNAH_RUNTIME(exit_argument), 8), branch);
    a.mov(field(MYNAH_RUNTIME(exit_target)), x86::rax);
    a.and_(x86::rax, -static_cast<int32_t>(ir::kPageSize));
    a.mov(pc_page(), x86::rax);
    a.mov(field(MYNAH_RUNTIME(exit_reason), 4), static_cast<uint32_t>(ir::Leave::kIndirect));
    e.jump(Thunk::leave);
    e.land_short(by_common);
    e.land_short(by_own);
    a.mov(x86::rdx, x86::ptr(x86::rdx, offsetof(ir::SecondJumpEntry, host), 8));
    e.jump_entry(kRcx, kRax);
    const int32_t jump = jump_disp(branch);
    a.mov(x86::ptr(x86::rcx, jump), x86::rax);
    a.mov(x86::ptr(x86::rcx, jump + 8), x86::rdx);
    a.and_(x86::rax, -static_cast<int32_t>(ir::kPageSize));
    a.mov(pc_page(), x86::rax);
    a.jmp(x86::rdx);
  }
  // esi: the address's part of the index. Jumps with rdx the entry where the second jump cache has rax by
  // this name.
  Emitter::Mark second_jump(ir::NameKind kind, unsigned branch) {
    a.mov(x86::ecx, field(MYNAH_RUNTIME(code_names) + 4 * static_cast<int32_t>(kind), 4));
    a.lea(x86::ecx, x86::ptr(branch, x86::rcx, 2));
    a.imul(x86::edx, x86::ecx, static_cast<int32_t>(ir::kJumpMix));
    a.xor_(x86::edx, x86::esi);
    a.and_(x86::edx, ir::kSecondJumpSize - 1);
    a.shl(x86::edx, 5);
    a.add(x86::rdx, field(MYNAH_RUNTIME(second_jumps), 8));
    a.cmp(x86::ptr(x86::rdx, offsetof(ir::SecondJumpEntry, address), 8), x86::rax);
    const auto other_address = e.jump_short(Cc::ne);
    a.cmp(x86::ptr(x86::rdx, offsetof(ir::SecondJumpEntry, tag), 4), x86::ecx);
    const auto hit = e.jump_short(Cc::e);
    e.land_short(other_address);
    return hit;
  }

  x86::Mem saved_gpr(Reg r) { return field(MYNAH_RUNTIME(registers) + 8 * r); }
  x86::Mem saved_xmm(unsigned i) {
    return field(MYNAH_RUNTIME(registers) + static_cast<int32_t>(offsetof(ir::HostRegisters, vec)) +
                 16 * static_cast<int32_t>(i));
  }

  // Calls f(runtime, site, registers). True: goes on, a guard (all) at resume_at with every register as it
  // was, a helper call at exit_site with the callee-saved ones, whose state is in memory and which saves
  // none; contexts may be others by then. False: leaves.
  void into_cpp(int32_t function, ir::Leave reason, bool all) {
    if (all) {
      for (Reg r = 0; r < 16; ++r)
        if (r != kRsp) a.mov(saved_gpr(r), Emitter::r64(r));
      for (unsigned i = 0; i < 16; ++i) a.movups(saved_xmm(i), x86::xmm(i));
    }
    a.pop(x86::rsi);
    to_host_stack();
    store_counter();
    host_fp();
    a.lea(x86::rdi, x86::ptr(x86::rbp, -kStateBias - static_cast<int32_t>(offsetof(Runtime, state))));
    a.lea(x86::rdx, field(MYNAH_RUNTIME(registers)));
    // The site must survive the call for exit_site and for the way back.
    a.mov(field(MYNAH_RUNTIME(exit_site)), x86::rsi);
    a.mov(field(MYNAH_RUNTIME(exit_reason), 4), static_cast<uint32_t>(reason));
    a.call(field(function, 8));
    a.test(x86::al, x86::al);
    const auto go_on = e.jump_short(Cc::ne);
    e.jump(Thunk::restore);
    e.land_short(go_on);
    a.ldmxcsr(field(MYNAH_HOST_FRAME(guest_mxcsr), 4));
    end_return_stack();
    if (!all) {
      load_pinned();
      from_host_stack();
      a.push(field(MYNAH_RUNTIME(exit_site), 8));
      a.ret();
      return;
    }
    for (unsigned i = 0; i < 16; ++i) a.movups(x86::xmm(i), saved_xmm(i));
    for (Reg r = 0; r < 16; ++r)
      if (r != kRsp && r != kRbp && r != kR13 && r != kR14) a.mov(Emitter::r64(r), saved_gpr(r));
    load_pinned();
    from_host_stack();
    a.push(field(MYNAH_RUNTIME(resume_at), 8));
    a.ret();
  }

  void to_host_stack() {
    a.mov(field(MYNAH_RUNTIME(return_top), 8), x86::rsp);
    a.mov(x86::rsp, field(MYNAH_HOST_FRAME(stack)));
  }
  void from_host_stack() { a.mov(x86::rsp, field(MYNAH_RUNTIME(return_top), 8)); }
  void call_run_op() {
    to_host_stack();
    a.lea(x86::rdi, x86::ptr(x86::rbp, -kStateBias - static_cast<int32_t>(offsetof(Runtime, state))));
    a.call(field(MYNAH_RUNTIME(run_op), 8));
    from_host_stack();
  }

  // pointer: address ^ tag of a guard that missed, rax: bytes to its entry of the first-level TLB. ZF: both
  // pages of its range are in that table and the host has them side by side, `pointer` is what it is to be.
  // Else nothing has changed but flags.
  void page_pair(Reg pointer, bool write) {
    align();
    here(x86_64::page_pair(pointer, write));
    const int32_t entry = write ? offsetof(ir::TlbPair, write) : offsetof(ir::TlbPair, read);
    constexpr auto kPage = static_cast<int32_t>(ir::kPageSize);
    Reg free[3];
    unsigned n = 0;
    for (const Reg r : {kRcx, kRdx, kRsi, kRdi})
      if (r != pointer && n < 3) free[n++] = r;
    const x86::Gp at = Emitter::r64(free[0]), first = Emitter::r64(free[1]), second = Emitter::r64(free[2]);
    a.cmp(Emitter::r64(pointer), kPage);
    const auto other_page = e.jump_short(Cc::ae);
    for (const Reg r : free) a.push(Emitter::r64(r));
    a.lea(at.r32(), x86::ptr(x86::rax, sizeof(ir::TlbPair)));
    a.and_(at.r32(), static_cast<int32_t>((ir::kTlbSize - 1) * sizeof(ir::TlbPair)));
    a.mov(first, x86::ptr(x86::r14, x86::rax, 0, entry));
    a.add(first, kPage);
    a.cmp(first, x86::ptr(x86::r14, at, 0, entry));
    const auto no_second = e.jump_short(Cc::ne);
    a.mov(first, x86::ptr(x86::r14, x86::rax, 0, entry + 8));
    a.mov(second, x86::ptr(x86::r14, at, 0, entry + 8));
    a.lea(at, x86::ptr(first, kPage));
    a.cmp(at, second);
    const auto neighbours = e.jump_short(Cc::e);
    a.lea(at, x86::ptr(first, first, 1));
    a.add(at, second);
    a.shr(at, ir::kPageBits);
    a.imul(at.r32(), at.r32(), static_cast<int32_t>(ir::kPagePairMix));
    a.shr(at.r32(), 32 - ir::kPagePairBits);
    static_assert(sizeof(ir::PagePair) == 32);
    a.shl(at.r32(), 5);
    a.add(at, field(MYNAH_RUNTIME(page_pairs), 8));
    a.cmp(x86::ptr(at, offsetof(ir::PagePair, first)), first);
    const auto other_first = e.jump_short(Cc::ne);
    a.cmp(x86::ptr(at, offsetof(ir::PagePair, second)), second);
    const auto other_second = e.jump_short(Cc::ne);
    a.mov(first, x86::ptr(at, offsetof(ir::PagePair, both)));
    a.test(first, first);
    const auto not_mapped = e.jump_short(Cc::e);
    e.land_short(neighbours);
    a.add(Emitter::r64(pointer), first);
    a.xor_(x86::eax, x86::eax);
    pop(free);
    a.ret();
    for (const auto miss : {no_second, other_first, other_second, not_mapped}) e.land_short(miss);
    pop(free);
    e.land_short(other_page);
    a.test(x86::rsp, x86::rsp);
    a.ret();
  }
  void pop(const Reg (&pushed)[3]) {
    for (size_t i = std::size(pushed); i-- > 0;) a.pop(Emitter::r64(pushed[i]));
  }

  // rsi, rdx: op and imm.
  void run_op() {
    call_run_op();
    a.ret();
  }

  // call_args[0], rax: op and imm. Keeps what a callee may change and emitters may not.
  void cold_op() {
    constexpr Reg kKept[] = {kRcx, kRdx, kRsi, kRdi, kR8, kR9, kR10, kR11};
    for (const Reg r : kKept) a.mov(saved_gpr(r), Emitter::r64(r));
    for (unsigned i = 0; i < 14; ++i) a.movups(saved_xmm(i), x86::xmm(i));
    a.mov(x86::rsi, field(MYNAH_RUNTIME(call_args), 8));
    a.mov(x86::rdx, x86::rax);
    call_run_op();
    for (unsigned i = 0; i < 14; ++i) a.movups(x86::xmm(i), saved_xmm(i));
    for (const Reg r : kKept) a.mov(Emitter::r64(r), saved_gpr(r));
    a.ret();
  }

  Emitter& e;
  x86::Assembler& a;
  ThunkTable& offsets_;
};

}  // namespace

ThunkTable write_thunks(Emitter& e, ir::CompiledCode& out) {
  ThunkTable offsets{};
  e.start(out);
  e.make_room(kMostThunkBytes);
  ThunkWriter(e, offsets).write();
  e.finish();
  return offsets;
}

}  // namespace mynah::x86_64
