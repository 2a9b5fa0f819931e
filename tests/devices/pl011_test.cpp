// SPDX-License-Identifier: Apache-2.0
//
// PL011: both directions with and without FIFO, interrupts, loopback, breaks, and misuse.
#include "devices/serial/pl011.h"

#include <gtest/gtest.h>

#include "tests/devices/fakes.h"

namespace mynah::dev {
namespace {

struct Pl011Test : testing::Test {
  uint64_t rd(Offset o) { return uart.read(o, Width::k4); }
  void wr(Offset o, uint64_t v) { uart.write(o, Width::k4, v); }
  void enable(bool fifo) {
    wr(Pl011::kLcrH, fifo ? 0x70 : 0x60);
    wr(Pl011::kCr, 0x301);
  }

  fake::Irq irq;
  fake::Serial line;
  fake::RecordingLog log;
  Pl011 uart{line, irq.line(), log};
};

TEST_F(Pl011Test, ResetValues) {
  EXPECT_EQ(rd(Pl011::kFr), 0x90u | Pl011::kFrCts | Pl011::kFrDsr | Pl011::kFrDcd);
  EXPECT_EQ(rd(Pl011::kCr), 0x300u);
  EXPECT_EQ(rd(Pl011::kIfls), 0x12u);
  EXPECT_EQ(rd(Pl011::kLcrH), 0u);
  EXPECT_EQ(rd(Pl011::kImsc), 0u);
  EXPECT_EQ(rd(Pl011::kRis), 0u);
  const uint8_t id[8] = {0x11, 0x10, 0x14, 0x00, 0x0d, 0xf0, 0x05, 0xb1};
  for (unsigned i = 0; i < 8; ++i) EXPECT_EQ(rd(0xfe0 + 4 * i), id[i]);
  EXPECT_TRUE(log.errors.empty());
}

TEST_F(Pl011Test, Transmits) {
  enable(true);
  wr(Pl011::kDr, 'h');
  uart.write(Pl011::kDr, Width::k1, 'i');
  EXPECT_EQ(line.sent, "hi");
  EXPECT_TRUE(rd(Pl011::kFr) & Pl011::kFrTxfe);
  EXPECT_FALSE(rd(Pl011::kFr) & (Pl011::kFrTxff | Pl011::kFrBusy));
  EXPECT_EQ(rd(Pl011::kRis), Pl011::kIntTx);
  EXPECT_TRUE(log.errors.empty());
}

TEST_F(Pl011Test, TransmitsWhileDisabledAndLogsIt) {
  wr(Pl011::kDr, 'x');
  EXPECT_EQ(line.sent, "x");
  EXPECT_EQ(log.errors.size(), 1u);
}

TEST_F(Pl011Test, TransmitInterruptIsMaskedAndCleared) {
  enable(true);
  wr(Pl011::kDr, 'x');
  EXPECT_FALSE(irq.level());
  EXPECT_EQ(rd(Pl011::kMis), 0u);
  wr(Pl011::kImsc, Pl011::kIntTx);
  EXPECT_TRUE(irq.level());
  EXPECT_EQ(rd(Pl011::kMis), Pl011::kIntTx);
  wr(Pl011::kIcr, Pl011::kIntTx);
  EXPECT_FALSE(irq.level());
  EXPECT_EQ(rd(Pl011::kRis), 0u);
}

TEST_F(Pl011Test, ReceivesOneCharacterWithoutFifo) {
  enable(false);
  wr(Pl011::kImsc, Pl011::kIntRx);
  line.type("abc");
  EXPECT_EQ(line.pending, "bc");
  EXPECT_TRUE(irq.level());
  EXPECT_TRUE(rd(Pl011::kFr) & Pl011::kFrRxff);
  EXPECT_EQ(rd(Pl011::kDr), 'a');  // the line delivers the next character at once
  EXPECT_TRUE(irq.level());
  EXPECT_EQ(rd(Pl011::kDr), 'b');
  EXPECT_EQ(rd(Pl011::kDr), 'c');
  EXPECT_FALSE(irq.level());
  EXPECT_TRUE(rd(Pl011::kFr) & Pl011::kFrRxfe);
  EXPECT_EQ(rd(Pl011::kDr), 0u);
}

// Whatever the level: systems written for this board unmask UARTRXIM alone.
TEST_F(Pl011Test, OneCharacterInterruptsWithTheFifoOn) {
  for (unsigned level = 0; level < 8; ++level) {
    for (const uint16_t alone : {Pl011::kIntRx, Pl011::kIntRt}) {
      uart.reset();
      enable(true);
      wr(Pl011::kIfls, level << 3);
      EXPECT_EQ(rd(Pl011::kIfls), level << 3);
      wr(Pl011::kImsc, alone);
      for (unsigned i = 1; i <= 16; ++i) {
        EXPECT_EQ(uart.can_receive(), 17 - i);
        line.type("z");
        EXPECT_EQ(rd(Pl011::kMis), alone) << level << " " << i;
        EXPECT_TRUE(irq.level());
      }
      EXPECT_TRUE(rd(Pl011::kFr) & Pl011::kFrRxff);
      for (unsigned left = 16; left != 0; --left) {
        EXPECT_TRUE(irq.level());
        rd(Pl011::kDr);
      }
      EXPECT_EQ(rd(Pl011::kRis), 0u);
      EXPECT_FALSE(irq.level());
    }
  }
}

// Bytes are never left behind without an interrupt for them.
TEST_F(Pl011Test, AClearedReceiveInterruptComesAgain) {
  for (const uint16_t alone : {Pl011::kIntRx, Pl011::kIntRt}) {
    uart.reset();
    enable(true);
    wr(Pl011::kImsc, alone);
    line.type("ab");
    EXPECT_EQ(rd(Pl011::kRis), Pl011::kIntRx | Pl011::kIntRt);
    wr(Pl011::kIcr, alone);
    EXPECT_FALSE(irq.level());
    line.type("c");
    EXPECT_TRUE(irq.level());  // with the next byte
    wr(Pl011::kIcr, alone);
    EXPECT_EQ(rd(Pl011::kDr), 'a');
    EXPECT_TRUE(irq.level());  // still two left
    EXPECT_EQ(rd(Pl011::kDr), 'b');
    wr(Pl011::kIcr, alone);
    line.type("0123456789abcd");
    EXPECT_TRUE(irq.level());  // above any level, too
    while (!(rd(Pl011::kFr) & Pl011::kFrRxfe)) rd(Pl011::kDr);
    EXPECT_FALSE(irq.level());
  }
}

TEST_F(Pl011Test, TakesMoreInputWhenThereIsSpace) {
  enable(true);
  line.type("0123456789abcdefXY");
  EXPECT_EQ(line.pending, "XY");
  EXPECT_EQ(rd(Pl011::kDr), '0');
  EXPECT_EQ(line.accepts, 1u);
  std::string rest;
  while (!(rd(Pl011::kFr) & Pl011::kFrRxfe)) rest += static_cast<char>(rd(Pl011::kDr));
  EXPECT_EQ(rest, "123456789abcdefXY");
}

TEST_F(Pl011Test, TurningTheFifoOnMakesSpaceAndOffKeepsData) {
  enable(false);
  line.type("abcd");
  EXPECT_EQ(line.pending, "bcd");
  enable(true);
  EXPECT_EQ(line.pending, "");
  enable(false);
  EXPECT_EQ(uart.can_receive(), 0u);
  EXPECT_TRUE(rd(Pl011::kRis) & Pl011::kIntRx);
  for (const char c : std::string("abcd")) EXPECT_EQ(rd(Pl011::kDr), static_cast<uint64_t>(c));
  EXPECT_EQ(uart.can_receive(), 1u);
}

TEST_F(Pl011Test, LoopbackReturnsDataAndReportsOverrun) {
  enable(true);
  wr(Pl011::kCr, 0x301 | Pl011::kCrLbe);
  line.type("host");
  EXPECT_EQ(line.pending, "host");
  for (unsigned i = 0; i < 16; ++i) wr(Pl011::kDr, 'A' + i);
  EXPECT_EQ(line.sent, "");
  EXPECT_FALSE(rd(Pl011::kRis) & Pl011::kIntOe);
  wr(Pl011::kDr, '!');
  EXPECT_TRUE(rd(Pl011::kRis) & Pl011::kIntOe);
  EXPECT_EQ(rd(Pl011::kRsrEcr), Pl011::kDrOe >> 8);
  EXPECT_EQ(rd(Pl011::kDr), 'A' | Pl011::kDrOe);
  EXPECT_EQ(rd(Pl011::kDr), 'B');
  wr(Pl011::kRsrEcr, 0);
  EXPECT_EQ(rd(Pl011::kRsrEcr), 0u);
  wr(Pl011::kCr, 0x301);
  EXPECT_EQ(line.pending, "st");  // two places were free
}

TEST_F(Pl011Test, LoopbackCarriesModemLines) {
  wr(Pl011::kCr, 0x301 | Pl011::kCrLbe | Pl011::kCrRts | Pl011::kCrDtr | Pl011::kCrOut1);
  wr(Pl011::kIcr, Pl011::kIntAll);
  wr(Pl011::kImsc, Pl011::kIntRi | Pl011::kIntCts | Pl011::kIntDcd | Pl011::kIntDsr);
  EXPECT_FALSE(irq.level());
  wr(Pl011::kCr, 0x301 | Pl011::kCrLbe | Pl011::kCrDtr | Pl011::kCrOut1);
  EXPECT_EQ(rd(Pl011::kMis), Pl011::kIntCts);
  EXPECT_FALSE(rd(Pl011::kFr) & Pl011::kFrCts);
  wr(Pl011::kCr, 0x301 | Pl011::kCrLbe | Pl011::kCrOut2);
  EXPECT_EQ(rd(Pl011::kMis), Pl011::kIntCts | Pl011::kIntDsr | Pl011::kIntDcd | Pl011::kIntRi);
  EXPECT_TRUE(irq.level());
}

TEST_F(Pl011Test, ReceivesABreak) {
  enable(true);
  line.receiver->receive_break();
  EXPECT_TRUE(rd(Pl011::kRis) & Pl011::kIntBe);
  EXPECT_EQ(rd(Pl011::kDr), Pl011::kDrBe);
  EXPECT_EQ(rd(Pl011::kRsrEcr), Pl011::kDrBe >> 8);
}

TEST_F(Pl011Test, KeepsConfigurationRegisters) {
  wr(Pl011::kIbrd, 0x12345);
  wr(Pl011::kFbrd, 0xff);
  wr(Pl011::kIlpr, 0x1ff);
  wr(Pl011::kIfls, 0xffff);
  wr(Pl011::kImsc, 0xffff);
  wr(Pl011::kDmacr, 4);
  EXPECT_EQ(rd(Pl011::kIbrd), 0x2345u);
  EXPECT_EQ(rd(Pl011::kFbrd), 0x3fu);
  EXPECT_EQ(rd(Pl011::kIlpr), 0xffu);
  EXPECT_EQ(rd(Pl011::kIfls), 0x3fu);
  EXPECT_EQ(rd(Pl011::kImsc), 0x7ffu);
  EXPECT_EQ(rd(Pl011::kDmacr), 4u);
  EXPECT_EQ(uart.read(Pl011::kImsc, Width::k1), 0xffu);
}

TEST_F(Pl011Test, LogsMisuse) {
  EXPECT_EQ(rd(0x500), 0u);
  EXPECT_EQ(uart.read(0, Width::k8), 0u);
  EXPECT_EQ(uart.read(2, Width::k2), 0u);
  wr(Pl011::kRis, 1);
  wr(0x600, 1);
  uart.write(Pl011::kCr, Width::k8, 1);
  EXPECT_EQ(log.errors.size(), 6u);
  wr(Pl011::kDmacr, 1);
  EXPECT_EQ(log.missing.size(), 1u);
}

TEST_F(Pl011Test, SavesAndRestores) {
  enable(true);
  wr(Pl011::kImsc, Pl011::kIntRx | Pl011::kIntRt);
  line.type("0123456789");
  for (int i = 0; i < 3; ++i) rd(Pl011::kDr);
  line.type("abcdefg");  // the ring wraps
  const auto state = fake::save(uart);

  fake::Irq irq2;
  fake::Serial line2;
  Pl011 copy(line2, irq2.line(), log);
  ASSERT_TRUE(fake::load(copy, state));
  EXPECT_EQ(fake::save(copy), state);
  EXPECT_TRUE(irq2.level());
  std::string got;
  while (!(copy.read(Pl011::kFr, Width::k4) & Pl011::kFrRxfe)) {
    got += static_cast<char>(copy.read(Pl011::kDr, Width::k4));
  }
  EXPECT_EQ(got, "3456789abcdefg");
}

TEST_F(Pl011Test, DetachesFromItsBackend) {
  {
    fake::Irq irq2;
    Pl011 other(line, irq2.line(), log);
    EXPECT_EQ(line.receiver, &other);
  }
  EXPECT_EQ(line.receiver, nullptr);
}

}  // namespace
}  // namespace mynah::dev
