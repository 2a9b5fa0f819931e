// SPDX-License-Identifier: Apache-2.0
//
// A machine's saved state: a machine that loads it goes on as the one that was saved, and what does not fit
// is refused with a sentence.
#include <gmock/gmock.h>

#include "devices/virtio/virtio_rng.h"
#include "frontend/arm/sysregs_fields.h"
#include "machines/virt.h"
#include "tests/app/guests.h"
#include "tests/engine/assembler.h"

namespace mynah {
namespace {

using namespace a64asm;
using testing::HasSubstr;

constexpr uint64_t kEntry = 0x40200040, kData = 0x40400000;

struct Console final : dev::CharBackend {
  void write(std::span<const uint8_t> bytes) override { text.append(bytes.begin(), bytes.end()); }
  void attach(dev::CharReceiver*) override {}
  std::string text;
};

// Sleeps until the next event of the stream, writes a word to the next page and a letter to the line; 40
// times.
std::vector<uint32_t> guest() {
  enum { kLoop };
  Code c(kEntry);
  c.load(1, arm::cntkctl::kEvnten | 10 << arm::cntkctl::kEvntiShift)(msr(kCntkctl, 1));
  c.load(10, 0x09000000).load(11, kData).load(12, 4096)(movz(2, 40), movz(3, 'a'));
  c.bind(kLoop)(kWfe, str_w(2, 11), add(11, 11, 12), str_w(3, 10), subs_imm(2, 2, 1)).b_cc(kNe, kLoop);
  c.load(0, 0x84000008)(hvc(0));
  return c.words();
}

struct Board {
  explicit Board(Accelerator accelerator, unsigned gic = 2, uint64_t ram = 16 << 20,
                 const char* cpu = "max") {
    VirtConfig config;
    config.gic_version = gic;
    config.cpu = *arm::make_cpu_model(cpu).model;
    config.clock = GuestClock::Kind::kDeterministic;
    config.clock_shift = 1;
    config.ram_bytes = ram;
    config.kernel = app::test::make_image(guest());
    config.accelerator = accelerator;
    config.code_bytes = 8 << 20;
    config.rtc_base_seconds = 1'700'000'000;
    config.serial = &console;
    machine = std::make_unique<VirtMachine>(std::move(config), log);
    EXPECT_TRUE(machine->add_virtio(
        [this](dev::DmaMemory& memory, dev::Log& l) {
          return std::make_unique<dev::VirtioRng>(memory, l, entropy);
        },
        VirtioMmioPlace{}));
    const auto ready = machine->init();
    EXPECT_TRUE(ready) << ready.message();
  }
  // Slices until it sleeps for the n-th time, or powers off.
  AfterExit run(unsigned sleeps = ~0u) {
    AfterExit after = AfterExit::kContinue;
    for (unsigned slices = 0; slices < 100'000; ++slices) {
      after = machine->run_slice();
      if (after == AfterExit::kShutdown) return after;
      if (after != AfterExit::kHalt) continue;
      if (--sleeps == 0) return after;
      machine->skip_idle_time();
    }
    ADD_FAILURE() << "does not end";
    return after;
  }
  std::string seen() const {
    return machine->processors()[0].debug->dump() + std::to_string(machine->clock().now()) + " " +
           std::to_string(machine->memory().hash());
  }

  struct Ones final : dev::EntropySource {
    void fill(std::span<uint8_t> to) override { std::fill(to.begin(), to.end(), uint8_t{1}); }
  } entropy;
  Console console;
  dev::NullLog log;
  std::unique_ptr<VirtMachine> machine;
};

std::vector<uint8_t> save(dev::Stateful& part) {
  dev::StateStream stream;
  part.serialize(stream);
  return stream.take();
}

// That two machines would be saved alike; says which part would not, and where.
void expect_same(Board& a, Board& b) {
  for (size_t i = 0; i < a.machine->parts().size(); ++i) {
    const auto one = save(*a.machine->parts()[i]), other = save(*b.machine->parts()[i]);
    const auto at = std::mismatch(one.begin(), one.end(), other.begin(), other.end()).first;
    EXPECT_TRUE(one == other) << a.machine->parts()[i]->name() << " at " << at - one.begin();
  }
  EXPECT_TRUE(a.machine->save() == b.machine->save());
}

class MachineState : public testing::TestWithParam<Accelerator> {};
INSTANTIATE_TEST_SUITE_P(, MachineState, testing::Values(Accelerator::kJit, Accelerator::kInterp),
                         [](const auto& info) { return info.param == Accelerator::kJit ? "jit" : "interp"; });

TEST_P(MachineState, AnotherMachineGoesOnWhereThisOneWas) {
  for (const unsigned gic : {2u, 3u}) {
    Board a(GetParam(), gic), b(GetParam(), gic);
    ASSERT_EQ(a.run(15), AfterExit::kHalt);
    b.run(33);  // what it did before is forgotten
    const auto saved = a.machine->save();
    const size_t said = a.console.text.size(), said_before = b.console.text.size();
    const auto restored = b.machine->restore(saved);
    ASSERT_TRUE(restored) << restored.message();
    EXPECT_EQ(b.seen(), a.seen());
    expect_same(a, b);

    ASSERT_EQ(a.run(), AfterExit::kShutdown);
    ASSERT_EQ(b.run(), AfterExit::kShutdown);
    EXPECT_EQ(b.seen(), a.seen());
    EXPECT_EQ(b.console.text.substr(said_before), a.console.text.substr(said));
    EXPECT_EQ(a.console.text, std::string(40, 'a'));
    expect_same(a, b);
  }
}

TEST_P(MachineState, TheSameMachineGoesBack) {
  Board a(GetParam());
  a.run(10);
  const auto saved = a.machine->save();
  a.run();
  const std::string end = a.seen();
  ASSERT_TRUE(a.machine->restore(saved));
  a.run();
  EXPECT_EQ(a.seen(), end);
}

// --- every part of it

TEST(MachineParts, EachGoesRound) {
  for (const unsigned gic : {2u, 3u}) {
    Board a(Accelerator::kInterp, gic), b(Accelerator::kInterp, gic);
    a.run(7);
    const auto from = a.machine->parts(), to = b.machine->parts();
    ASSERT_EQ(from.size(), to.size());
    EXPECT_GE(from.size(),
              43u);  // 32 slots, 2 flashes, 4 devices, interrupt controller, processor and its timers
    for (size_t i = 0; i < from.size(); ++i) {
      dev::StateStream stream(save(*from[i]));
      to[i]->serialize(stream);
      EXPECT_FALSE(stream.failed()) << from[i]->name() << ": " << stream.error();
    }
    for (size_t i = 0; i < from.size(); ++i) EXPECT_EQ(save(*to[i]), save(*from[i])) << from[i]->name();
  }
}

TEST(MachineParts, EachRefusesAnotherVersion) {
  for (const unsigned gic : {2u, 3u}) {
    Board a(Accelerator::kInterp, gic);
    for (dev::Stateful* part : a.machine->parts()) {
      auto bytes = save(*part);
      const auto before = bytes;
      ++bytes[8 + part->name().size()];  // behind length and text of the name
      dev::StateStream stream(bytes);
      part->serialize(stream);
      EXPECT_TRUE(stream.failed()) << part->name();
      EXPECT_THAT(stream.error(), HasSubstr("'" + std::string(part->name()) + "' was saved in version " +
                                            std::to_string(part->state_version() + 1)));
      EXPECT_EQ(save(*part), before) << part->name();
    }
  }
}

// --- what is refused

std::string refusal(const Board& from, const Board& to) {
  const auto restored = to.machine->restore(from.machine->save());
  return restored ? "" : restored.message();
}

TEST(MachineParts, RefusesWhatIsOfAnotherMachine) {
  const Board a(Accelerator::kInterp);
  EXPECT_THAT(refusal(a, Board(Accelerator::kInterp, 3)), HasSubstr("'gicv3-its' does not fit this machine"));
  EXPECT_THAT(refusal(a, Board(Accelerator::kInterp, 2, 32 << 20)), HasSubstr("'virt' does not fit"));
  EXPECT_THAT(refusal(a, Board(Accelerator::kInterp, 2, 16 << 20, "cortex-a57")),
              HasSubstr("'cpu0' does not"));
  EXPECT_EQ(refusal(a, Board(Accelerator::kInterp)), "");
}

TEST(MachineParts, RefusesAStateThatIsCutShort) {
  Board a(Accelerator::kInterp);
  a.run(3);
  const auto saved = a.machine->save();
  for (size_t n = 0; n < saved.size(); n += 1 + saved.size() / 61) {
    const auto restored = a.machine->restore({saved.begin(), saved.begin() + static_cast<ptrdiff_t>(n)});
    ASSERT_FALSE(restored) << n;
    EXPECT_THAT(restored.message(), HasSubstr("does not fit"));
  }
  // It works again after a reset.
  a.machine->reset();
  EXPECT_EQ(a.run(), AfterExit::kShutdown);
}

}  // namespace
}  // namespace mynah
