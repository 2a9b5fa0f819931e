// SPDX-License-Identifier: Apache-2.0
//
// Thunks: the way into translated code, and the few ways out of it. They stand at the start of code memory,
// once; regions call or jump to them relatively. While translated code runs, rsp points into the return stack
// (ir/runtime.h); C++ runs on the host's stack, where enter left the callee-saved registers of the System V
// ABI. The host predicts a ret by counting calls and rets: C++ comes here and goes back by jumps, so that the
// count stays in step with the guest's calls.
//
// MXCSR is the guest's in translated code (Runtime::guest_fp_control, sticky flags included) and the host's
// in C++, but for run_op, which computes with integers alone.
#include "backend-x86_64/thunks.h"

#include <cstdlib>

namespace mynah::x86_64 {

using namespace ir::alloc;

namespace {

constexpr Reg kPushed[] = {kRbp, kRbx, kR12, kR13, kR14, kR15};

class ThunkWriter {
 public:
  ThunkWriter(Emitter& e, ir::CodeSpan at) : e(e), a(e.a), at_(at) {}
  void write(ThunkTable& table) {
    align();
    leave_ = here();
    leave();
    restore_ = here();
    restore();
    table.link = with_site(ir::Leave::kLink);
    table.deadline = with_site(ir::Leave::kDeadline);
    table.dead = with_site(ir::Leave::kDead);
    table.engine = with_site(ir::Leave::kEngine);
    align();
    table.crosspage = here();
    // rax: offset in the page that pc_page already names (the state's first slot).
    a.add(x86::rax, pc_page());
    const auto known = e.jump_short();
    table.empty_return = here();  // rax: the address
    a.mov(x86::rsp, field(MYNAH_RUNTIME(empty_return), 8));
    e.land_short(known);
    constexpr auto kReturn = static_cast<unsigned>(ir::BranchKind::kReturn);
    first_jump(kReturn);  // falls into the next
    indirect_miss(table, kReturn);
    for (unsigned branch = 0; branch < ir::kBranchKinds; ++branch)
      if (branch != kReturn) indirect_miss(table, branch);
    align();
    table.guard = here();
    into_cpp(MYNAH_RUNTIME(guard_miss), ir::Leave::kGuard, true);
    align();
    table.call = here();
    into_cpp(MYNAH_RUNTIME(call_helper), ir::Leave::kCall, false);
    align();
    table.run_op = here();
    run_op();
    align();
    table.cold_op = here();
    cold_op();
    align();
    enter_ = here();
    enter(table);
    align();
    table.constants = here();
    a.embed(kConstants, sizeof kConstants);
  }
  uint64_t enter_address() const { return enter_; }

 private:
  uint64_t here() const { return reinterpret_cast<uint64_t>(at_.execute) + e.position(); }
  void align() { a.align(asmjit::AlignMode::kCode, 16); }
  x86::Mem field(int32_t disp, uint32_t size = 0) { return e.runtime(disp, size); }

  void enter(const ThunkTable& table) {
    for (const Reg r : kPushed) a.push(Emitter::r64(r));
    a.mov(x86::rax, x86::rsp);
    a.and_(x86::rsp, -16);
    a.sub(x86::rsp, 16);
    a.mov(x86::ptr(x86::rsp), x86::rax);
    a.lea(x86::rbp, x86::ptr(x86::rdi, static_cast<int32_t>(offsetof(Runtime, state)) + kStateBias));
    a.mov(field(MYNAH_RUNTIME(host_stack)), x86::rsp);
    a.stmxcsr(field(MYNAH_RUNTIME(host_fp_control), 4));
    a.ldmxcsr(field(MYNAH_RUNTIME(guest_fp_control), 4));
    load_pinned();
    a.mov(x86::rcx, field(MYNAH_RUNTIME(empty_return)));
    e.load_address(x86::rax, table.empty_return);  // whatever the address next to it is
    a.mov(x86::ptr(x86::rcx, offsetof(ir::ReturnEntry, host)), x86::rax);
    from_host_stack();
    a.jmp(x86::rsi);
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
    a.stmxcsr(field(MYNAH_RUNTIME(guest_fp_control), 4));
    a.ldmxcsr(field(MYNAH_RUNTIME(host_fp_control), 4));
  }

  // Back to enter's caller; exit_reason and exit_site are set. From `restore_` on, the counter and the
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

  uint64_t with_site(ir::Leave reason) {
    align();
    const uint64_t address = here();
    a.pop(x86::rax);
    a.mov(field(MYNAH_RUNTIME(exit_site)), x86::rax);
    a.mov(field(MYNAH_RUNTIME(exit_reason), 4), static_cast<uint32_t>(reason));
    e.jump(leave_);
    return address;
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
  void indirect_miss(ThunkTable& table, unsigned branch) {
    table.indirect_miss[branch] = here();
    static_assert(sizeof(ir::SecondJumpEntry) == 32 && sizeof(ir::JumpEntry) == 16);
    a.imul(x86::esi, x86::eax, static_cast<int32_t>(ir::kJumpMix));
    a.shr(x86::esi, 32 - ir::kSecondJumpBits);
    const auto by_common = second_jump(ir::NameKind::kCommon, branch);
    const auto by_own = second_jump(ir::NameKind::kOwn, branch);
    table.indirect_leave[branch] = here();
    a.mov(field(MYNAH_RUNTIME(exit_argument), 8), branch);
    a.mov(field(MYNAH_RUNTIME(exit_target)), x86::rax);
    a.and_(x86::rax, -static_cast<int32_t>(ir::kPageSize));
    a.mov(pc_page(), x86::rax);
    a.mov(field(MYNAH_RUNTIME(exit_reason), 4), static_cast<uint32_t>(ir::Leave::kIndirect));
    e.jump(leave_);
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
  // was, a helper call behind the call with the callee-saved ones. False: leaves.
  void into_cpp(int32_t function, ir::Leave reason, bool all) {
    for (Reg r = 0; r < 16; ++r)
      if (r != kRsp) a.mov(saved_gpr(r), Emitter::r64(r));
    for (unsigned i = 0; i < 16; ++i) a.movups(saved_xmm(i), x86::xmm(i));
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
    e.jump(restore_);
    e.land_short(go_on);
    a.ldmxcsr(field(MYNAH_RUNTIME(guest_fp_control), 4));
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
    a.mov(field(MYNAH_RUNTIME(return_top)), x86::rsp);
    a.mov(x86::rsp, field(MYNAH_RUNTIME(host_stack)));
  }
  void from_host_stack() { a.mov(x86::rsp, field(MYNAH_RUNTIME(return_top))); }
  void call_run_op() {
    to_host_stack();
    a.lea(x86::rdi, x86::ptr(x86::rbp, -kStateBias - static_cast<int32_t>(offsetof(Runtime, state))));
    a.call(field(MYNAH_RUNTIME(run_op), 8));
    from_host_stack();
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
  const ir::CodeSpan at_;
  uint64_t leave_ = 0, restore_ = 0, enter_ = 0;
};

}  // namespace

ir::Thunks emit_thunks(Emitter& e, ir::CodeSpan at, ThunkTable& table) {
  if (at.size < 4096) e.broken("there is no room for the thunks");
  e.start(at);
  ThunkWriter writer(e, at);
  writer.write(table);
  ir::Thunks thunks;
  thunks.enter_address = writer.enter_address();
  thunks.size = e.finish();
  return thunks;
}

}  // namespace mynah::x86_64
