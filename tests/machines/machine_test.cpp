// SPDX-License-Identifier: Apache-2.0
//
// What Machine does for a board that is nothing but wiring: memory, a device on the memory bus, one among the
// ports, a processor.
#include "machines/machine.h"

#include <gmock/gmock.h>

#include "machines/arm_processor.h"
#include "tests/engine/assembler.h"

namespace mynah {
namespace {

using namespace a64asm;
using testing::ElementsAre;

constexpr uint64_t kRam = 0x40000000, kDevice = 0x1000, kPort = 0x60;

// Reads as the number of its resets, or what was written since.
class Latch final : public dev::Device {
 public:
  std::string_view name() const override { return "latch"; }
  void reset() override { value = ++resets; }
  uint64_t read(dev::Offset, dev::Width) override { return value; }
  void write(dev::Offset, dev::Width, uint64_t to) override { value = to; }
  uint32_t state_version() const override { return 1; }
  uint64_t value = 0, resets = 0;

 private:
  void serialize_state(dev::StateStream& stream) override { stream.io(value); }
};

class SmallBoard final : public Machine {
 public:
  SmallBoard(MachineConfig config, dev::Log& log, std::vector<uint32_t> code)
      : Machine(std::move(config), log), code_(std::move(code)), processor_(*this, 0, nullptr) {
    add_processor(processor_.make(*arm::make_cpu_model("cortex-a57").model));
    processor_.connect({});
  }
  std::string_view name() const override { return "small"; }
  Result<void> add_virtio(const VirtioFactory&, const Place&) override {
    return Error{"this board has no virtio"};
  }
  void press_power_key() override {}
  arm::ArmState& state() { return processor_.cpu().arm(); }
  std::vector<bool> held;
  Latch device, port;

 private:
  Result<void> build() override {
    if (config_.ram_bytes == 0) return Error{"no memory"};
    if (auto added = memory().add_ram(kRam, config_.ram_bytes); !added) return added;
    map(kDevice, 0x1000, device);
    map_ports(kPort, 4, port);
    add_part(device);
    add_part(port);
    for (dev::Stateful* part : processor_.parts()) add_part(*part);
    return {};
  }
  void reset_board() override {
    memory().write(kRam, code_.data(), 4 * code_.size());
    processor_.cpu().set_pc(kRam);
  }
  void hold_interrupts(bool hold) override {
    held.push_back(hold);
    processor_.hold_interrupts(hold);
  }

  std::vector<uint32_t> code_;
  ArmProcessor processor_;
};

struct Fixture {
  explicit Fixture(const Code& code, uint64_t ram = 1 << 20) {
    MachineConfig config;
    config.ram_bytes = ram;
    config.clock = GuestClock::Kind::kDeterministic;
    config.code_bytes = 8 << 20;
    board = std::make_unique<SmallBoard>(std::move(config), log, code.words());
  }
  dev::NullLog log;
  std::unique_ptr<SmallBoard> board;
};

Code device_user() {
  Code c(kRam);
  c.load(1, kDevice)(ldr_w(20, 1), movz(2, 77), str_w(2, 1));
  c.load(0, 0x84000008)(hvc(0));
  return c;
}

TEST(Machine, RunsABoardThatIsOnlyWiring) {
  Fixture f(device_user());
  ASSERT_TRUE(f.board->init());
  Machine& m = *f.board;
  while (m.run_slice() == AfterExit::kContinue) {
  }
  EXPECT_EQ(f.board->state().x(20), 1u);  // it was reset once
  EXPECT_EQ(f.board->device.value, 77u);
  EXPECT_EQ(m.instructions(), device_user().words().size());
  EXPECT_EQ(m.processors().size(), 1u);
}

TEST(Machine, SaysWhyItCannotBeBuilt) {
  Fixture f(device_user(), 0);
  const auto ready = f.board->init();
  ASSERT_FALSE(ready);
  EXPECT_EQ(ready.message(), "no memory");
}

TEST(Machine, PortsAreABusOfTheirOwn) {
  Fixture f(device_user());
  ASSERT_TRUE(f.board->init());
  const Machine& m = *f.board;
  EXPECT_FALSE(m.bus().read(kPort, dev::Width::k1));
  EXPECT_FALSE(m.ports().read(kDevice, dev::Width::k1));
  EXPECT_TRUE(m.ports().write(kPort, dev::Width::k1, 5));
  EXPECT_EQ(f.board->port.value, 5u);
  EXPECT_EQ(f.board->device.value, 1u);
}

TEST(Machine, ResetReachesPartsAndBoard) {
  Fixture f(device_user());
  ASSERT_TRUE(f.board->init());
  f.board->step();
  EXPECT_NE(f.board->state().pc(), kRam);
  const uint32_t nothing = 0;
  f.board->memory().write(kRam, &nothing, 4);
  f.board->reset();
  EXPECT_EQ(f.board->state().pc(), kRam);
  EXPECT_EQ(f.board->device.resets, 2u);
  EXPECT_EQ(f.board->port.resets, 2u);
  uint32_t first = 0;
  f.board->memory().read(kRam, &first, 4);
  EXPECT_EQ(first, device_user().words()[0]);
}

TEST(Machine, HoldsInterruptsForAStep) {
  Fixture f(device_user());
  ASSERT_TRUE(f.board->init());
  f.board->step();
  f.board->step();
  EXPECT_THAT(f.board->held, ElementsAre(true, false, true, false));
}

TEST(Machine, TimeStandsStillWhilePaused) {
  GuestClock clock(GuestClock::Kind::kRealtime, 0);
  clock.pause();
  const dev::TimeNs at = clock.now();
  clock.set(at + 1'000'000'000);
  EXPECT_EQ(clock.now(), at + 1'000'000'000);
  EXPECT_EQ(clock.now(), at + 1'000'000'000);
  clock.resume();
  EXPECT_GE(clock.now(), at + 1'000'000'000);
  EXPECT_LT(clock.now(), at + 2'000'000'000);
}

}  // namespace
}  // namespace mynah
