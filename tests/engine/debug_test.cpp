// SPDX-License-Identifier: Apache-2.0
//
// The guest's own breakpoints and watchpoints: what a debugger inside the guest sets for a program at EL0,
// and a kernel for itself.
#include "frontend/arm/debug.h"
#include "frontend/arm/pstate.h"
#include "tests/engine/engine_test.h"

namespace mynah::test {
namespace {

using namespace a64asm;

constexpr uint64_t kUser = 0x10000000, kUserData = 0x10010000, kUserDataPa = kData + 4 * kPage;
constexpr uint64_t kMde = 1 << 15, kKde = 1 << 13;
constexpr uint64_t kBreakAtEl0 = 1 | 2 << 1 | 15 << 5, kBreakAtEl1 = 1 | 1 << 1 | 15 << 5;
constexpr uint64_t watch(unsigned bytes, bool load, bool store, unsigned level = 2) {
  return 1 | level << 1 | load << 3 | store << 4 | bytes << 5;
}
constexpr uint64_t kBreakpoint = 0xc2000022, kBreakpointEl1 = 0xc6000022;
constexpr uint64_t kWatchLoad = 0xd2000022, kWatchStore = 0xd2000062, kWatchStoreEl1 = 0xd6000062;

enum Label { kLoop, kHere, kEnd };

class Debug : public EngineTest {
 protected:
  void SetUp() override {
    m_ = std::make_unique<BareMachine>(options());
    m_->map(m_->kernel_table(), kUser, kData, kMapUser | kMapReadOnly);
    m_->map(m_->kernel_table(), kUserData, kUserDataPa, kMapUser);
    m_->load(kVectors + 0x400, {hvc(0x400), kEret});
    m_->load(kVectors + 0x200, {hvc(0x200), kEret});
    m_->state().oslsr = 0;
    m_->state().mdscr = kMde;
  }
  BareMachine& m() { return *m_; }
  void load(const Code& user) {
    m().load(kData, user.words());
    Code c(kCode);
    c.load(1, kUser)(msr(kElr, 1)).load(1, 0)(msr(kSpsr, 1)).load(1, kUserData)(kEret);
    m().load(c);
    m().start(kCode);
  }
  // The exception that stopped the program.
  bool stops_with(uint64_t esr) {
    return m().run_to_hvc() && m().vector() == 0x400u && m().state().esr == esr;
  }
  // Registers were changed from outside.
  void changed() { m().vcpu->translation_changed(); }

 private:
  std::unique_ptr<BareMachine> m_;
};
MYNAH_BOTH_ACCELERATORS(Debug);

TEST_P(Debug, Breakpoint) {
  Code c(kUser);
  c(movz(2, 0))
      .bind(kLoop)(add_imm(2, 2, 1))
      .bind(kHere)(add_imm(3, 3, 2), cmp_imm(2, 10))
      .b_cc(kNe, kLoop)(svc(1));
  load(c);
  ASSERT_TRUE(stops_with(0x56000001));  // translated and linked once without
  m().state().dbgbvr[1] = c.at(kHere);
  m().state().dbgbcr[1] = kBreakAtEl0;
  m().x(3) = 0;
  m().start(kCode);
  changed();
  ASSERT_TRUE(stops_with(kBreakpoint));
  EXPECT_EQ(m().state().elr, c.at(kHere));
  EXPECT_EQ(m().x(2), 1u);
  EXPECT_EQ(m().x(3), 0u);
  ASSERT_TRUE(stops_with(kBreakpoint)) << "it is met again, nothing was executed";
  m().state().dbgbvr[1] = kUser + 0x100;
  changed();
  ASSERT_TRUE(stops_with(0x56000001));
  EXPECT_EQ(m().x(3), 20u);
}

TEST_P(Debug, BreakpointLinkedToAContext) {
  Code c(kUser);
  c(kNop).bind(kHere)(movz(3, 5), svc(1));
  load(c);
  m().state().dbgbvr[0] = c.at(kHere);
  m().state().dbgbcr[0] = kBreakAtEl0 | 1 << 20 | 5 << 16;
  m().state().dbgbvr[5] = 77;
  m().state().dbgbcr[5] = kBreakAtEl0 | 3 << 20;
  m().state().contextidr = 76;
  changed();
  ASSERT_TRUE(stops_with(0x56000001));
  m().state().contextidr = 77;
  m().start(kCode);
  changed();
  ASSERT_TRUE(stops_with(kBreakpoint));
  EXPECT_EQ(m().state().elr, c.at(kHere));
}

TEST_P(Debug, Watchpoint) {
  Code c(kUser);
  c(movz(2, 0x55), ldr(4, 1, 8), str(2, 1, 16)).bind(kHere)(str(2, 1, 8), ldr(5, 1, 8), svc(1));
  load(c);
  m().write(kUserDataPa + 8, 0x1234);
  m().state().dbgwvr[3] = kUserData + 8;
  m().state().dbgwcr[3] = watch(0xff, false, true);
  changed();
  ASSERT_TRUE(stops_with(kWatchStore));
  EXPECT_EQ(m().state().elr, c.at(kHere));
  EXPECT_EQ(m().state().far, kUserData + 8);
  EXPECT_EQ(m().read(kUserDataPa + 8), 0x1234u) << "not stored yet";
  EXPECT_EQ(m().read(kUserDataPa + 16), 0x55u);
  m().state().dbgwcr[3] = watch(0xff, true, false);
  changed();
  ASSERT_TRUE(stops_with(kWatchLoad));
  EXPECT_EQ(m().state().elr, c.at(kHere) + 4);
  EXPECT_EQ(m().read(kUserDataPa + 8), 0x55u);
  m().state().mdscr = 0;
  changed();
  ASSERT_TRUE(stops_with(0x56000001));
  EXPECT_EQ(m().x(5), 0x55u);
}

// Single bytes, pairs that reach them, ranges by mask.
TEST_P(Debug, WatchedBytes) {
  struct Row {
    uint64_t value, control;
    Word access;
    std::optional<uint64_t> far;  // none: it is not met
  };
  constexpr uint64_t kMask6 = uint64_t{6} << 24;
  for (const Row& row : {
           Row{kUserData + 8, watch(0x10, true, true), ldr(4, 1, 8), kUserData + 12},
           Row{kUserData + 8, watch(0x10, true, true), ldr_w(4, 1, 8), std::nullopt},
           Row{kUserData + 8, watch(0x10, true, true), ldr_w(4, 1, 12), kUserData + 12},
           Row{kUserData + 12, watch(0x01, true, true), ldr(4, 1, 8), kUserData + 12},
           Row{kUserData + 24, watch(0xff, true, true), ldp(4, 5, 1, 16), kUserData + 24},
           Row{kUserData + 24, watch(0xff, true, true), ldp(4, 5, 1, 0), std::nullopt},
           Row{kUserData + 64, watch(0xff, true, true) | kMask6, ldr(4, 1, 120), kUserData + 120},
           Row{kUserData + 64, watch(0xff, true, true) | kMask6, ldr(4, 1, 128), std::nullopt},
           Row{kUserData + 64, watch(0xff, true, true) | kMask6, ldr(4, 1, 56), std::nullopt},
           Row{kUserData + 8, watch(0xff, true, true, 1), ldr(4, 1, 8), std::nullopt},  // EL1's accesses only
       }) {
    SCOPED_TRACE(testing::Message() << std::hex << row.value << " " << row.control << " " << row.access);
    Code c(kUser);
    c(kNop, row.access, svc(1));
    load(c);
    m().state().dbgwvr[0] = row.value;
    m().state().dbgwcr[0] = row.control;
    changed();
    ASSERT_TRUE(stops_with(row.far ? kWatchLoad : 0x56000001));
    if (row.far) {
      EXPECT_EQ(m().state().far, *row.far);
    }
  }
}

// EL1 needs MDSCR_EL1.KDE and PSTATE.D clear; the unmasking instruction is where it begins.
TEST_P(Debug, Kernel) {
  for (const bool kde : {false, true}) {
    Code c(kCode);
    c.load(1, kData)(movz(2, 1), str(2, 1, 8), daifclr(8))
        .bind(kHere)(movz(2, 2))
        .bind(kEnd)(str(2, 1, 8), hvc(1));
    m().load(c);
    m().state().dbgwvr[0] = kData + 8;
    m().state().dbgwcr[0] = watch(0xff, true, true, 1);
    m().state().dbgbvr[0] = c.at(kHere);
    m().state().dbgbcr[0] = kBreakAtEl1;
    m().state().mdscr = kMde | (kde ? kKde : 0);
    m().start(kCode);
    changed();
    ASSERT_TRUE(m().run_to_hvc());
    if (!kde) {
      EXPECT_FALSE(m().vector());
      EXPECT_EQ(m().read(kData + 8), 2u);
      continue;
    }
    EXPECT_EQ(m().vector(), 0x200u);
    EXPECT_EQ(m().state().esr, kBreakpointEl1);
    EXPECT_EQ(m().state().elr, c.at(kHere));
    EXPECT_EQ(m().read(kData + 8), 1u);
    m().state().dbgbcr[0] = 0;
    changed();
    ASSERT_TRUE(m().run_to_hvc());
    EXPECT_EQ(m().state().esr, kWatchStoreEl1);
    EXPECT_EQ(m().state().elr, c.at(kEnd));
    EXPECT_EQ(m().state().far, kData + 8);
  }
}

}  // namespace
}  // namespace mynah::test
