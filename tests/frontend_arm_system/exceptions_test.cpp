// SPDX-License-Identifier: Apache-2.0
//
// Exception entry and return: vectors, PSTATE, banked stack pointers, syndromes, what is pending.
#include "frontend/arm/exceptions.h"

#include <gtest/gtest.h>

#include "frontend/arm/pstate.h"
#include "tests/frontend_arm_system/fakes.h"

namespace mynah::arm::test {
namespace {

ArmState make_state() {
  ArmState state{};
  reset(state, model_of("max"), {});
  state.vbar = 0xffff800008010800;
  return state;
}

TEST(Exceptions, Vectors) {
  struct Case {
    uint8_t el, spsel;
    ExceptionKind kind;
    uint64_t offset;
  };
  const Case cases[] = {
      {1, 0, ExceptionKind::kSynchronous, 0x000}, {1, 0, ExceptionKind::kIrq, 0x080},
      {1, 0, ExceptionKind::kFiq, 0x100},         {1, 0, ExceptionKind::kSError, 0x180},
      {1, 1, ExceptionKind::kSynchronous, 0x200}, {1, 1, ExceptionKind::kIrq, 0x280},
      {1, 1, ExceptionKind::kFiq, 0x300},         {1, 1, ExceptionKind::kSError, 0x380},
      {0, 0, ExceptionKind::kSynchronous, 0x400}, {0, 0, ExceptionKind::kIrq, 0x480},
      {0, 0, ExceptionKind::kFiq, 0x500},         {0, 0, ExceptionKind::kSError, 0x580},
  };
  for (const Case& c : cases) {
    ArmState state = make_state();
    select_level(state, c.el, c.spsel);
    take_exception(state, {c.kind, 0x5a000000, true, 0x1234}, 0x400580);
    EXPECT_EQ(state.pc(), 0xffff800008010800 + c.offset);
    EXPECT_EQ(state.elr, 0x400580u);
    EXPECT_EQ(state.el, 1);
    EXPECT_EQ(state.spsel, 1);
    EXPECT_EQ(state.daif, kDaifAll);
    EXPECT_EQ(state.spsr & 0xf, c.el == 0 ? 0u : c.spsel ? 5u : 4u);
    const bool has_syndrome = c.kind == ExceptionKind::kSynchronous || c.kind == ExceptionKind::kSError;
    EXPECT_EQ(state.esr, has_syndrome ? 0x5a000000u : 0u);
    EXPECT_EQ(state.far, 0x1234u);
  }
}

TEST(Exceptions, PstateOnEntry) {
  ArmState state = make_state();
  select_level(state, 0, 0);
  set_nzcv(state, 0xa0000000);
  state.daif = kDaifA;
  state.uao = state.dit = state.ssbs = state.ss = state.il = 1;
  state.pan = 0;
  state.btype = 2;
  state.sctlr &= ~(uint64_t{1} << 23);  // SPAN
  state.far = 0x77;
  take_exception(state, synchronous(syndrome::svc(7)), 0x1004);
  EXPECT_EQ(state.spsr, 0xa0000000 | 1u << 24 | 1u << 23 | 1u << 21 | 1u << 20 | 1u << 12 | 4u << 6);
  EXPECT_EQ(state.pan, 1);
  EXPECT_EQ(state.uao, 0);
  EXPECT_EQ(state.dit, 1);
  EXPECT_EQ(state.ssbs, 0);
  EXPECT_EQ(state.ss, 0);
  EXPECT_EQ(state.il, 0);
  EXPECT_EQ(state.btype, 0);
  EXPECT_EQ(get_nzcv(state), 0xa0000000u) << "flags are kept";
  EXPECT_EQ(state.far, 0x77u) << "not an abort";
  EXPECT_EQ(state.esr, 0x56000007u);

  state.sctlr |= uint64_t{1} << 23 | uint64_t{1} << 44;  // SPAN, DSSBS
  state.pan = 0;
  take_exception(state, synchronous(syndrome::unknown()), 0x2000);
  EXPECT_EQ(state.pan, 0);
  EXPECT_EQ(state.ssbs, 1);
}

TEST(Exceptions, BtypeIsSavedWhereItIsStillDue) {
  for (const auto& [exception, kept] :
       {std::pair{synchronous(syndrome::branch_target(2)), true},
        {Exception{ExceptionKind::kIrq}, true},
        {synchronous(syndrome::instruction_abort(1, Fault::kTranslation, 3)), true},
        {synchronous(syndrome::brk(1)), true},
        {synchronous(syndrome::svc(0)), false},
        {synchronous(syndrome::data_abort(1, Fault::kTranslation, 3, false)), false}}) {
    ArmState state = make_state();
    state.btype = 2;
    take_exception(state, exception, 0);
    EXPECT_EQ(state.spsr >> 10 & 3, kept ? 2u : 0u);
  }
}

TEST(Exceptions, StackPointersAreBanked) {
  ArmState state = make_state();
  state.sp() = 0x1111;  // SP_EL1
  state.sp_bank[0] = 0x2222;
  select_level(state, 0, 0);
  EXPECT_EQ(state.sp(), 0x2222u);
  state.sp() = 0x3333;
  take_exception(state, synchronous(syndrome::svc(0)), 0);
  EXPECT_EQ(state.sp(), 0x1111u);
  EXPECT_EQ(state.sp_bank[0], 0x3333u);
  state.sp() = 0x4444;
  exception_return(state, state.elr);
  EXPECT_EQ(state.el, 0);
  EXPECT_EQ(state.sp(), 0x3333u);
  take_exception(state, {ExceptionKind::kIrq}, 0);
  EXPECT_EQ(state.sp(), 0x4444u);
}

TEST(Exceptions, ReturnUndoesEntry) {
  for (uint32_t bits = 0; bits < 1u << 12; ++bits) {
    ArmState state = make_state();
    const unsigned mode = bits & 3;
    if (mode == 3) continue;
    select_level(state, mode == 0 ? 0 : 1, mode == 2);
    state.sctlr |= uint64_t{1} << 23;
    state.pan = bits >> 2 & 1;
    state.uao = bits >> 3 & 1;
    state.dit = bits >> 4 & 1;
    state.ssbs = bits >> 5 & 1;
    state.daif = bits >> 6 & 15;
    set_nzcv(state, bits << 20 & 0xf0000000);
    state.set_pc(0x123456789abc);
    const uint32_t before = pack_pstate(state);
    take_exception(state, {ExceptionKind::kIrq}, state.pc());
    state.exclusive_address = 0x1000;
    state.event_register = 0;
    exception_return(state, state.elr);
    ASSERT_EQ(pack_pstate(state), before);
    EXPECT_EQ(state.pc(), 0x123456789abcu);
    EXPECT_EQ(state.exclusive_address, ~uint64_t{0});
    EXPECT_EQ(state.event_register, 1);
  }
}

TEST(Exceptions, IllegalReturns) {
  // EL0 with SP_EL1, EL1 reserved, EL2, EL3, and every AArch32 mode.
  for (uint32_t mode = 0; mode < 32; ++mode) {
    const bool legal = mode == 0 || mode == 4 || mode == 5;
    ArmState state = make_state();
    state.sp() = 0x1000;
    state.ssbs = 1;
    state.spsr = 0x60000000 | 1u << 22 | 3u << 6 | mode;
    exception_return(state, 0x5008);
    EXPECT_EQ(state.il, !legal) << mode;
    EXPECT_EQ(state.pc(), 0x5008u);
    EXPECT_EQ(get_nzcv(state), 0x60000000u);
    EXPECT_EQ(state.daif, 3);
    EXPECT_EQ(state.pan, 1);
    if (!legal) {
      EXPECT_EQ(state.el, 1);
      EXPECT_EQ(state.spsel, 1);
      EXPECT_EQ(state.sp(), 0x1000u);
    } else {
      EXPECT_EQ(state.el, mode == 0 ? 0 : 1);
    }
  }
}

TEST(Exceptions, Syndromes) {
  using namespace syndrome;
  EXPECT_EQ(unknown(), 0x02000000u);
  EXPECT_EQ(svc(0), 0x56000000u);
  EXPECT_EQ(hvc(1), 0x5a000001u);
  EXPECT_EQ(smc(0xffff), 0x5e00ffffu);
  EXPECT_EQ(brk(0x800), 0xf2000800u);  // Linux's BUG()
  EXPECT_EQ(fp_access(), 0x1fe00000u);
  EXPECT_EQ(wfx(Wfx::kWfi), 0x07e00000u);
  EXPECT_EQ(wfx(Wfx::kWfe), 0x07e00001u);
  EXPECT_EQ(branch_target(2), 0x36000002u);
  EXPECT_EQ(illegal_state(), 0x3a000000u);
  EXPECT_EQ(pc_alignment(), 0x8a000000u);
  EXPECT_EQ(sp_alignment(), 0x9a000000u);
  EXPECT_EQ(data_abort(0, Fault::kTranslation, 3, true), 0x92000047u);
  EXPECT_EQ(data_abort(1, Fault::kTranslation, 0, false), 0x96000004u);
  EXPECT_EQ(data_abort(1, Fault::kPermission, 3, false, true), 0x9600014fu);
  EXPECT_EQ(data_abort(1, Fault::kAlignment, 0, true), 0x96000061u);
  EXPECT_EQ(data_abort(0, Fault::kExternal, 0, false), 0x92000010u);
  EXPECT_EQ(instruction_abort(0, Fault::kPermission, 3), 0x8200000fu);
  EXPECT_EQ(instruction_abort(1, Fault::kAddressSize, 0), 0x86000000u);
  EXPECT_EQ(breakpoint(0), 0xc2000022u);
  EXPECT_EQ(breakpoint(1), 0xc6000022u);
  EXPECT_EQ(software_step(0, true, false), 0xcb000022u);
  EXPECT_EQ(software_step(1, true, true), 0xcf000062u);
  EXPECT_EQ(watchpoint(0, true), 0xd2000062u);
  EXPECT_EQ(watchpoint(1, false, true), 0xd6000162u);
  // MRS X5, CTR_EL0 from EL0.
  EXPECT_EQ(system_register(0xd801, 5, true),
            0x18u << 26 | 1u << 25 | 3u << 20 | 1u << 17 | 3u << 14 | 5u << 5 | 1u);
}

TEST(Exceptions, PendingInterrupts) {
  ArmState state = make_state();
  state.irq_pending = state.fiq_pending = 1;
  EXPECT_FALSE(pending_interrupt(state));
  EXPECT_TRUE(interrupt_wakes(state));
  state.daif = kDaifF;
  EXPECT_EQ(pending_interrupt(state), ExceptionKind::kIrq);
  state.daif = 0;
  EXPECT_EQ(pending_interrupt(state), ExceptionKind::kFiq);
}

TEST(Exceptions, SoftwareStep) {
  ArmState state = make_state();
  state.mdscr = 1;
  state.daif = 0;
  EXPECT_FALSE(software_step_active(state)) << "OS lock";
  state.oslsr = 8;
  EXPECT_FALSE(software_step_active(state)) << "EL1 without KDE";
  state.spsr = 1u << 21;  // to EL0 with SS
  exception_return(state, 0x1000);
  EXPECT_TRUE(software_step_active(state));
  EXPECT_EQ(state.ss, 1);
  take_exception(state, synchronous(syndrome::svc(0)), 0x1004);
  EXPECT_EQ(state.spsr >> 21 & 1, 1u);
  state.mdscr |= 1 << 13;  // KDE: EL1 can be stepped, with D clear
  EXPECT_FALSE(software_step_active(state));
  state.daif = 0;
  EXPECT_TRUE(software_step_active(state));
  state.spsr = 1u << 21 | 5;
  exception_return(state, 0x1000);
  EXPECT_EQ(state.ss, 0) << "debug exceptions were enabled already where the return came from";
}

}  // namespace
}  // namespace mynah::arm::test
