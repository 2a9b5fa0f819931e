// SPDX-License-Identifier: Apache-2.0
//
// IN, OUT, INS, OUTS and who may use them (SDM vol. 1, 19.5): IOPL, the I/O permission bitmap.
#include "tests/x86_system/system_test.h"

namespace mynah::test {

MYNAH_SYSTEM_TEST(Ports);

namespace {
using Access = BareMachine::PortAccess;
constexpr uint64_t kMap = 0x68;  // in the TSS

// A map that closes all but what is opened; its limit is that of `bytes` and the last one of ones.
void make_map(BareMachine& m, unsigned bytes) {
  m.put<uint16_t>(kTss + 0x66, kMap);
  for (unsigned n = 0; n <= bytes; ++n) m.put<uint8_t>(kTss + kMap + n, 0xff);
  m.s().tr.segment.limit = static_cast<uint32_t>(kMap + bytes);
}
void open(BareMachine& m, unsigned port) {
  const uint64_t at = kTss + kMap + port / 8;
  m.put<uint8_t>(at, m.get<uint8_t>(at) & ~(1u << (port & 7)));
}
}  // namespace

TEST_P(Ports, Bitmap) {
  struct {
    unsigned opened[4];  // ports; 0: none
    std::vector<uint8_t> code;
    unsigned port, bytes;
    bool ok;
  } const cases[] = {
      {{0x80}, {0xe6, 0x80}, 0x80, 1, true},  // out 0x80, al
      {{0x81}, {0xe6, 0x80}, 0x80, 1, false},
      {{0x80}, {0x66, 0xe7, 0x80}, 0x80, 2, false},  // out 0x80, ax
      {{0x80, 0x81}, {0x66, 0xe7, 0x80}, 0x80, 2, true},
      {{0x87}, {0x66, 0xe7, 0x87}, 0x87, 2, false},  // of two bytes of the map
      {{0x87, 0x88}, {0x66, 0xe7, 0x87}, 0x87, 2, true},
      {{0x80, 0x81, 0x82}, {0xe7, 0x80}, 0x80, 4, false},
      {{0x80, 0x81, 0x82, 0x83}, {0xe7, 0x80}, 0x80, 4, true},
      {{0x85, 0x86, 0x87, 0x88}, {0xe7, 0x85}, 0x85, 4, true},
      {{0xff}, {0xe6, 0xff}, 0xff, 1, true},  // the map's last
      {{0},
       {0xb8, 0, 1, 0, 0, 0x89, 0xc2, 0xee},
       0x100,
       1,
       false},  // mov eax, 0x100; mov edx, eax; out dx, al
  };
  for (const Start start : {Start::kLong64, Start::kProtected32}) {
    for (const auto& c : cases) {
      BareMachine m(options(start));
      make_map(m, 32);
      for (const unsigned port : c.opened)
        if (port) open(m, port);
      m.enter_user(start == Start::kLong64);
      m.r(kRax) = 0x44332211;
      std::vector<uint8_t> code = c.code;
      code.insert(code.end(), {0x0f, 0x0b});
      m.load(kUserCode, code);
      m.run_at(kUserCode);
      EXPECT_EQ(m.vector(), c.ok ? 6u : 13u) << c.port << " " << c.bytes;
      EXPECT_EQ(m.ports.size(), c.ok ? 1u : 0u);
      EXPECT_TRUE(c.ok || m.frame(0) == 0);
      EXPECT_TRUE(m.ports.empty() || m.ports[0].port == c.port);
    }
  }
}

TEST_P(Ports, BitmapEndsWithTheTss) {
  for (const bool room : {false, true}) {
    BareMachine m(options(Start::kProtected32));
    make_map(m, 32);
    open(m, 0x80);
    m.s().tr.segment.limit = static_cast<uint32_t>(kMap + 0x80 / 8 + (room ? 1 : 0));  // two bytes are read
    m.enter_user(false);
    m.run({0xe6, 0x80, 0x0f, 0x0b});
    EXPECT_EQ(m.vector(), room ? 6u : 13u);
  }
}

TEST_P(Ports, IoplLetsThrough) {
  for (const unsigned iopl : {2u, 3u}) {
    BareMachine m(options(Start::kProtected32));
    m.s().eflags |= iopl << eflags::kIoplShift;
    m.enter_user(false);
    m.run({0xe6, 0x80, 0x0f, 0x0b});
    EXPECT_EQ(m.vector(), iopl == 3 ? 6u : 13u);
  }
}

// IOPL says nothing in virtual-8086 mode.
TEST_P(Ports, Vm86AsksTheBitmap) {
  for (const bool opened : {false, true}) {
    BareMachine m(options(Start::kProtected32));
    make_map(m, 32);
    if (opened) open(m, 0x80);
    m.s().eflags |= eflags::kIopl;
    m.enter_vm86();
    m.run({0xe6, 0x80, 0x0f, 0x0b});
    EXPECT_EQ(m.vector(), opened ? 6u : 13u);
  }
}

TEST_P(Ports, Strings) {
  BareMachine m(options(Start::kLong64));
  m.port_value = 0x11223344;
  m.r(kRdx) = 0x123;
  m.r(kRdi) = kData;
  m.r(kRcx) = 3;
  m.run({0xf3, 0x66, 0x6d, 0xf4});  // rep insw
  EXPECT_TRUE(m.halted_at(kCode + 4));
  EXPECT_EQ(m.ports, std::vector<Access>(3, Access{0x123, 2, 0x3344, false}));
  EXPECT_EQ(m.get<uint64_t>(kData), 0x334433443344u);
  EXPECT_EQ(m.r(kRdi), kData + 6);
  EXPECT_EQ(m.r(kRcx), 0u);
  BareMachine n(options(Start::kLong64));
  n.put<uint32_t>(kData, 0x44332211);
  n.r(kRdx) = 0x55;
  n.r(kRsi) = kData + 1;
  n.r(kRcx) = 2;
  n.run({0xfd, 0xf3, 0x6e, 0xf4});  // std; rep outsb
  EXPECT_EQ(n.ports, (std::vector<Access>{{0x55, 1, 0x22, true}, {0x55, 1, 0x11, true}}));
  EXPECT_EQ(n.r(kRsi), kData - 1);
}

// Into the next page, and from the middle of an element on.
TEST_P(Ports, StringsGoOverPages) {
  for (const uint64_t before : {8u, 6u, 1u}) {
    BareMachine m(options(Start::kLong64));
    m.port_value = 0x11223344;
    m.r(kRdx) = 0x123;
    const uint64_t from = kData + 0x1000 - before;
    m.put<uint32_t>(from + 16, 0x55555555);
    m.r(kRdi) = from;
    m.r(kRcx) = 4;
    m.run({0xf3, 0x6d, 0xf4});  // rep insd
    EXPECT_TRUE(m.halted_at(kCode + 3));
    EXPECT_EQ(m.ports.size(), 4u);
    for (unsigned i = 0; i < 4; ++i) EXPECT_EQ(m.get<uint32_t>(from + 4 * i), 0x11223344u);
    EXPECT_EQ(m.get<uint32_t>(from + 16), 0x55555555u);
    EXPECT_EQ(m.r(kRdi), from + 16);
  }
}

TEST_P(Ports, StringsAskTheBitmap) {
  for (const uint8_t opcode : {0x6c, 0x6e}) {
    for (const bool opened : {false, true}) {
      BareMachine m(options(Start::kLong64));
      make_map(m, 32);
      if (opened) open(m, 0x80);
      m.enter_user(true);
      m.r(kRdx) = 0x80;
      m.r(kRcx) = 2;
      m.r(kRdi) = m.r(kRsi) = kData;
      m.run({0xf3, opcode, 0x0f, 0x0b});
      EXPECT_EQ(m.vector(), opened ? 6u : 13u);
      EXPECT_EQ(m.ports.size(), opened ? 2u : 0u);
      EXPECT_EQ(m.r(kRcx), opened ? 0u : 2u);
    }
  }
}

// What cannot be stored is not read from the port.
TEST_P(Ports, InsThatFaults) {
  MYNAH_NOT_ON_HOST("KVM reads the port first");
  BareMachine m(options(Start::kLong64));
  m.put<uint64_t>(kTables + 3 * 4096 + 0x91 * 8, 0);
  m.r(kRdx) = 0x80;
  m.r(kRcx) = 4;
  m.r(kRdi) = 0x90ffe;
  m.run({0xf3, 0x6c, 0xf4});
  ASSERT_EQ(m.vector(), 14u);
  EXPECT_EQ(m.ports.size(), 2u);
  EXPECT_EQ(m.r(kRcx), 2u);
  EXPECT_EQ(m.r(kRdi), 0x91000u);
  EXPECT_EQ(m.s().cr2, 0x91000u);
}

}  // namespace mynah::test
