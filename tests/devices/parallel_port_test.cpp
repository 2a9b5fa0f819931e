// SPDX-License-Identifier: Apache-2.0
//
// The parallel port as programs print by it: data, strobe, busy, acknowledge.
#include "devices/serial/parallel_port.h"

#include <gtest/gtest.h>

#include "tests/devices/fakes.h"

namespace mynah::dev {
namespace {

struct Port : testing::Test {
  uint64_t in(unsigned at) { return port.read(at, Width::k1); }
  void out(unsigned at, uint64_t value) { port.write(at, Width::k1, value); }
  void print(char c) {
    out(ParallelPort::kData, static_cast<uint8_t>(c));
    out(ParallelPort::kControl, 0x0d);
    out(ParallelPort::kControl, 0x0c);
  }
  fake::Serial printer;
  fake::Irq irq;
  ParallelPort port{printer, irq.line()};
};

TEST_F(Port, IsThere) {
  EXPECT_EQ(in(ParallelPort::kStatus), 0xd9u);
  EXPECT_EQ(in(ParallelPort::kControl), 0xccu);
  out(ParallelPort::kData, 0xaa);
  EXPECT_EQ(in(ParallelPort::kData), 0xaau) << "by which drivers find it";
  out(ParallelPort::kControl, 0x2c);
  EXPECT_EQ(in(ParallelPort::kData), 0xffu) << "turned around, nobody drives it";
  EXPECT_EQ(in(3), 0xffu);
}

TEST_F(Port, PrintsByTheStrobe) {
  print('h');
  EXPECT_EQ(in(ParallelPort::kStatus)&0xc0, 0x40u) << "busy";
  EXPECT_EQ(in(ParallelPort::kStatus)&0xc0, 0x00u) << "acknowledged";
  EXPECT_EQ(in(ParallelPort::kStatus)&0xc0, 0xc0u) << "ready again";
  print('i');
  out(ParallelPort::kControl, 0x0d);
  out(ParallelPort::kControl, 0x0d);
  EXPECT_EQ(printer.sent, "hii") << "an edge is one byte";
  out(ParallelPort::kControl, 0x08);
  EXPECT_EQ(in(ParallelPort::kStatus), 0xd8u) << "initialized";
}

TEST_F(Port, TellsOfATakenByte) {
  out(ParallelPort::kControl, 0x1d);
  EXPECT_FALSE(irq.level());
  out(ParallelPort::kControl, 0x1c);
  EXPECT_TRUE(irq.level());
  const auto state = fake::save(port);
  in(ParallelPort::kStatus);
  EXPECT_FALSE(irq.level());
  ASSERT_TRUE(fake::load(port, state));
  EXPECT_TRUE(irq.level());
  port.reset();
  EXPECT_FALSE(irq.level());
}

}  // namespace
}  // namespace mynah::dev
