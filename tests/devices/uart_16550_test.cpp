// SPDX-License-Identifier: Apache-2.0
//
// 16550A by its registers, and pci-serial, which has one behind a BAR.
#include "devices/serial/uart_16550.h"

#include <gtest/gtest.h>

#include "devices/serial/pci_serial.h"
#include "tests/devices/card_machine.h"

namespace mynah::dev {
namespace {

using U = Uart16550;

struct Uart : testing::Test {
  uint8_t r(Offset at) { return static_cast<uint8_t>(uart.read(at, Width::k1)); }
  void w(Offset at, uint8_t value) { uart.write(at, Width::k1, value); }
  fake::Irq irq;
  fake::Serial serial;
  fake::RecordingLog log;
  U uart{serial, irq.line(), log};
};

TEST_F(Uart, AfterReset) {
  EXPECT_EQ(r(U::kIer), 0);
  EXPECT_EQ(r(U::kIirFcr), 0x01);
  EXPECT_EQ(r(U::kLcr), 0);
  EXPECT_EQ(r(U::kLsr), 0x60);
  EXPECT_EQ(r(U::kMsr), 0xb0);
  w(U::kLcr, 0x83);
  w(U::kData, 0x34);
  w(U::kIer, 0x12);
  EXPECT_EQ(r(U::kData), 0x34);
  EXPECT_EQ(r(U::kIer), 0x12);
  w(U::kLcr, 0x03);
  EXPECT_EQ(r(U::kIer), 0);
  w(U::kScr, 0x5a);
  EXPECT_EQ(r(U::kScr), 0x5a);
  w(U::kLsr, 0);
  uart.write(9, Width::k1, 0);
  EXPECT_EQ(log.errors.size(), 2u);
}

TEST_F(Uart, Transmits) {
  w(U::kData, 'a');
  EXPECT_EQ(serial.sent, "a");
  EXPECT_FALSE(irq.level());
  w(U::kIer, U::kIerTransmit);
  EXPECT_TRUE(irq.level());
  EXPECT_EQ(r(U::kIirFcr), 0x02);
  EXPECT_FALSE(irq.level());  // seen
  EXPECT_EQ(r(U::kIirFcr), 0x01);
  w(U::kData, 'b');
  EXPECT_TRUE(irq.level());
}

TEST_F(Uart, ReceivesWithoutFifo) {
  w(U::kIer, U::kIerData);
  serial.type("xy");
  EXPECT_EQ(r(U::kLsr), 0x61);
  EXPECT_EQ(r(U::kIirFcr), 0x04);
  EXPECT_TRUE(irq.level());
  EXPECT_EQ(r(U::kData), 'x');
  EXPECT_EQ(r(U::kData), 'y');  // the next came as soon as there was room
  EXPECT_FALSE(irq.level());
  EXPECT_EQ(r(U::kLsr), 0x60);
}

TEST_F(Uart, ReceivesWithFifo) {
  w(U::kIirFcr, 0x81);  // eight bytes
  w(U::kIer, U::kIerData);
  serial.type("abc");
  EXPECT_EQ(r(U::kIirFcr), 0xcc);  // fewer than the level: the timeout
  serial.type("defgh");
  EXPECT_EQ(r(U::kIirFcr), 0xc4);
  EXPECT_EQ(r(U::kData), 'a');
  EXPECT_EQ(r(U::kIirFcr), 0xcc);
  serial.type(std::string(20, 'z'));
  EXPECT_EQ(serial.pending.size(), 11u);
  w(U::kIirFcr, 0x83);  // clears it, and what waits comes
  EXPECT_EQ(serial.pending.size(), 0u);
  for (unsigned i = 0; i < 11; ++i) EXPECT_EQ(r(U::kData), 'z');
  EXPECT_EQ(r(U::kLsr), 0x60);
}

TEST_F(Uart, BreaksAndOverrun) {
  w(U::kIirFcr, 0x01);
  w(U::kIer, U::kIerLine);
  serial.type("a");
  uart.receive_break();
  EXPECT_EQ(r(U::kLsr), 0xe1);  // in the FIFO, not yet at its top
  EXPECT_FALSE(irq.level());
  r(U::kData);
  EXPECT_TRUE(irq.level());
  EXPECT_EQ(r(U::kIirFcr), 0xc6);
  EXPECT_EQ(r(U::kLsr), 0xf1);
  EXPECT_FALSE(irq.level());
  EXPECT_EQ(r(U::kData), 0);
  w(U::kMcr, U::kMcrLoop);
  for (unsigned i = 0; i < 17; ++i) w(U::kData, static_cast<uint8_t>(i));
  EXPECT_TRUE(serial.sent.empty());
  EXPECT_EQ(r(U::kLsr), 0x63);
  for (unsigned i = 0; i < 16; ++i) EXPECT_EQ(r(U::kData), i);
}

TEST_F(Uart, ModemLinesInALoop) {
  w(U::kIer, U::kIerModem);
  w(U::kMcr, U::kMcrLoop | U::kMcrRts | U::kMcrOut1);
  EXPECT_EQ(r(U::kIirFcr), 0x00);
  EXPECT_EQ(r(U::kMsr), 0x50 | 0x0a);  // DSR and DCD fell; RI began, which is no event
  EXPECT_FALSE(irq.level());
  w(U::kMcr, U::kMcrLoop | U::kMcrOut2);
  EXPECT_EQ(r(U::kMsr), 0x80 | 0x0d);
}

TEST_F(Uart, SaveAndRestore) {
  w(U::kIirFcr, 0x01);
  w(U::kIer, U::kIerData);
  serial.type("ab");
  r(U::kData);
  const auto state = fake::save(uart);
  uart.reset();
  EXPECT_FALSE(irq.level());
  ASSERT_TRUE(fake::load(uart, state));
  EXPECT_EQ(fake::save(uart), state);
  EXPECT_TRUE(irq.level());
  EXPECT_EQ(r(U::kData), 'b');
}

TEST(PciSerial, RegistersInItsBar) {
  NullLog log;
  fake::Serial serial;
  fake::CardMachine<PciSerial> m(0x1000, log, serial);
  EXPECT_EQ(m.card->config_read(0, 4), 0x0002'1b36u);
  EXPECT_EQ(m.card->config_read(8, 4) >> 8, 0x070002u);
  m.w(U::kData, 'p', Width::k1);
  EXPECT_EQ(serial.sent, "p");
  m.w(U::kIer, U::kIerData, Width::k1);
  serial.type("q");
  EXPECT_TRUE(m.line());
  EXPECT_EQ(m.r(U::kLsr, Width::k2), 0xb061u);
  EXPECT_EQ(m.r(U::kData, Width::k1), 'q');
  EXPECT_FALSE(m.line());
  const auto state = fake::save(*m.card);
  ASSERT_TRUE(fake::load(*m.card, state));
  EXPECT_EQ(fake::save(*m.card), state);
}

}  // namespace
}  // namespace mynah::dev
