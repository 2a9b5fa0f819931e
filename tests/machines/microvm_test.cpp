// SPDX-License-Identifier: Apache-2.0
//
// The board `microvm` with guests of a few instructions: interrupts, power and reset, saved state, equal
// runs, what a system is told (fw_cfg, E820, the command line), cards with ports of their own.
#include "machines/microvm.h"

#include <gmock/gmock.h>

#include "devices/debug/debug_console.h"
#include "devices/debug/debug_exit.h"
#include "devices/virtio/virtio_rng.h"
#include "tests/machines/x86_guests.h"

namespace mynah {
namespace {

using testing::HasSubstr;
using x86_test::Guest;

struct Console final : dev::CharBackend {
  void write(std::span<const uint8_t> bytes) override { text.append(bytes.begin(), bytes.end()); }
  void attach(dev::CharReceiver*) override {}
  std::string text;
};

struct Board {
  explicit Board(const std::vector<uint8_t>& kernel, Accelerator accelerator = Accelerator::kJit,
                 const std::function<void(MicrovmConfig&)>& change = {}) {
    MicrovmConfig config;
    config.clock = GuestClock::Kind::kDeterministic;
    config.clock_shift = 1;
    config.ram_bytes = 16 << 20;
    config.kernel = kernel;
    config.accelerator = accelerator;
    config.code_bytes = 8 << 20;
    config.rtc_base_seconds = 1'700'000'000;
    config.serial = &console;
    config.cpu = *x86::parse_cpu("max");
    if (change) change(config);
    machine = std::make_unique<MicrovmMachine>(std::move(config), log);
  }
  Board& ready() {
    const auto made = machine->init();
    EXPECT_TRUE(made) << made.message();
    machine->reset();
    return *this;
  }
  // Slices until it sleeps for the n-th time, asks for something, or sleeps for good (kHalt).
  AfterExit run(unsigned sleeps = ~0u) {
    for (unsigned slices = 0; slices < 100'000; ++slices) {
      const AfterExit after = machine->run_slice();
      if (after == AfterExit::kShutdown || after == AfterExit::kReset) return after;
      if (exit_code) return after;
      if (after != AfterExit::kHalt) continue;
      if (--sleeps == 0) return after;
      if (!machine->skip_idle_time()) return after;
    }
    ADD_FAILURE() << "does not end";
    return AfterExit::kStop;
  }
  std::string seen() const {
    return machine->processors()[0].debug->dump() + std::to_string(machine->clock().now()) + " " +
           std::to_string(machine->instructions()) + " " + std::to_string(machine->memory().hash());
  }
  uint64_t in(uint16_t port, unsigned n = 1) {
    return machine->ports().read(port, static_cast<dev::Width>(n)).value_or(~uint64_t{0});
  }
  void out(uint16_t port, unsigned n, uint64_t value) {
    machine->ports().write(port, static_cast<dev::Width>(n), value);
  }
  std::string item(uint16_t key, size_t n) {
    out(0x510, 2, key);
    std::string bytes;
    while (n-- > 0) bytes += static_cast<char>(in(0x511));
    return bytes;
  }

  struct Ones final : dev::EntropySource {
    void fill(std::span<uint8_t> to) override { std::fill(to.begin(), to.end(), uint8_t{1}); }
  } entropy;
  Console console, debug_console;
  std::optional<int> exit_code;
  dev::NullLog log;
  std::unique_ptr<MicrovmMachine> machine;
};

void add_rng(Board& b) {
  EXPECT_TRUE(b.machine->add_virtio(
      [&b](dev::DmaMemory& memory, dev::Log& l) {
        return std::make_unique<dev::VirtioRng>(memory, l, b.entropy);
      },
      VirtioMmioPlace{}));
}

class Microvm : public testing::TestWithParam<Accelerator> {};
INSTANTIATE_TEST_SUITE_P(, Microvm, testing::Values(Accelerator::kJit, Accelerator::kInterp),
                         [](const auto& info) { return info.param == Accelerator::kJit ? "jit" : "interp"; });

// --- the local APIC's page

// The guest moves it over RAM, to where nothing is, turns it off and back on, and writes down what it reads
// at each place.
TEST_P(Microvm, LocalApicMoves) {
  constexpr uint32_t kRam = 0x300000, kNowhere = 0xfd000000, kNotes = 0x400000, kVersion = 0x30;
  Guest g;
  uint32_t note = kNotes;
  const auto read = [&](uint32_t page) {
    g.load_eax(page + kVersion).bytes({0xa3});  // mov [note], eax
    for (unsigned i = 0; i < 4; ++i) g.bytes({static_cast<uint8_t>(note >> 8 * i)});
    note += 4;
  };
  const auto read_all = [&] {
    for (const uint32_t page : {Guest::kLocalApic, kRam, kNowhere}) read(page);
  };
  const auto base = [&](uint32_t value) {
    g.mov(Guest::kEcx, 0x1b).mov(Guest::kEdx, 0).mov(Guest::kEax, value).wrmsr();
  };
  g.store32(kRam + kVersion, 0x12345678);
  read_all();
  base(kRam | 0x800);
  read_all();
  g.store32(kRam + 0x80, 0x30);  // TPR
  base(kNowhere | 0x800);
  read_all();
  read(kNowhere - kVersion + 0x80);
  base(kRam);
  read_all();
  base(Guest::kLocalApic | 0x800);
  read_all();
  g.power_off().sleep_forever();

  Board b(g.file(), GetParam(), [](MicrovmConfig& c) { c.processors.now = 2; });
  ASSERT_EQ(b.ready().run(), AfterExit::kShutdown);
  uint32_t notes[16];
  ASSERT_TRUE(b.machine->memory().read(kNotes, notes, sizeof notes));
  constexpr uint32_t kIs = 0x1050014, kWord = 0x12345678, kOnes = ~0u;
  EXPECT_THAT(notes, testing::ElementsAre(kIs, kWord, kOnes,        //
                                          kOnes, kIs, kOnes,        // over RAM
                                          kOnes, kWord, kIs, 0x30,  // where nothing is
                                          kOnes, kWord, kOnes,      // off
                                          kIs, kWord, kOnes));
  uint32_t below = 1;
  ASSERT_TRUE(b.machine->memory().read(kRam + 0x80, &below, 4));
  EXPECT_EQ(below, 0u);
}

// It is this processor's own, and comes back with the machine's state.
TEST_P(Microvm, LocalApicMovesForItsProcessorAlone) {
  Guest g;
  g.mov(Guest::kEcx, 0x1b).mov(Guest::kEdx, 0).mov(Guest::kEax, 0x300800).wrmsr().sleep_forever();
  const auto two = [](MicrovmConfig& c) { c.processors.now = 2; };
  Board b(g.file(), GetParam(), two), other(g.file(), GetParam(), two);
  b.ready().run(1);
  ASSERT_TRUE(other.ready().machine->restore(b.machine->save()));
  for (const Board* board : {&b, &other}) {
    const auto sees = [&](unsigned processor, uint64_t pa) {
      return board->machine->processors()[processor].guest->translate(pa, Access::kRead, 1).page.pa;
    };
    EXPECT_EQ(sees(0, 0x300040), 0xfee00040u);
    EXPECT_EQ(sees(0, 0x301040), 0x301040u);
    EXPECT_FALSE(board->machine->bus().read(sees(0, 0xfee00020), dev::Width::k4));
    EXPECT_EQ(sees(1, 0x300040), 0x300040u);
    EXPECT_EQ(sees(1, 0xfee00020), 0xfee00020u);
  }
}

// --- it runs, and two do so alike

TEST_P(Microvm, TicksAndPowersOff) {
  Board b(x86_test::ticking_guest(), GetParam());
  ASSERT_EQ(b.ready().run(), AfterExit::kShutdown);
  EXPECT_EQ(b.console.text, std::string(40, 'a'));
  // A tick of the timer is 100 us of the time-stamp counter.
  const auto noted = [&](unsigned n) {
    uint32_t tsc = 0;
    EXPECT_TRUE(b.machine->memory().read(0x400000 + n * 0x1000, &tsc, 4));
    return tsc;
  };
  for (unsigned i = 1; i < 40; ++i) EXPECT_NEAR(noted(i) - noted(i - 1), 100'000, 100) << i;
}

TEST_P(Microvm, TwoRunsAreTheSame) {
  Board a(x86_test::ticking_guest(), GetParam()), b(x86_test::ticking_guest(), GetParam());
  ASSERT_EQ(a.ready().run(), AfterExit::kShutdown);
  ASSERT_EQ(b.ready().run(), AfterExit::kShutdown);
  EXPECT_EQ(a.seen(), b.seen());
  EXPECT_TRUE(a.machine->save() == b.machine->save());
}

TEST(MicrovmRuns, TranslatedIsInterpreted) {
  Board a(x86_test::ticking_guest(), Accelerator::kJit), b(x86_test::ticking_guest(), Accelerator::kInterp);
  ASSERT_EQ(a.ready().run(), AfterExit::kShutdown);
  ASSERT_EQ(b.ready().run(), AfterExit::kShutdown);
  EXPECT_EQ(a.seen(), b.seen());
}

// The deadline is in the guest's own time-stamp counter, which it has set ahead.
TEST_P(Microvm, TscDeadlineGoesByTheGuestsCounter) {
  Guest g;
  g.load_interrupt_table().store32(Guest::kLocalApic + 0xf0, 0x1ff);
  g.store32(Guest::kLocalApic + 0x320, 0x40041);
  g.mov(Guest::kEcx, 0x10).mov(Guest::kEax, 0).mov(Guest::kEdx, 5).wrmsr();
  g.rdtsc().bytes({0x05, 0x40, 0x42, 0x0f, 0x00});  // add eax, 1000000
  g.mov(Guest::kEcx, 0x6e0).wrmsr().sti().sleep_forever();
  g.handler(0x41).print(0x3f8, "!").power_off().iret();
  Board b(g.file(), GetParam());
  ASSERT_EQ(b.ready().run(), AfterExit::kShutdown);
  EXPECT_EQ(b.console.text, "!");
  EXPECT_NEAR(static_cast<double>(b.machine->clock().now()), 1e6, 1e4);
}

// --- state

TEST_P(Microvm, AnotherMachineGoesOnWhereThisOneWas) {
  Board a(x86_test::ticking_guest(), GetParam()), b(x86_test::ticking_guest(), GetParam());
  add_rng(a);
  add_rng(b);
  ASSERT_EQ(a.ready().run(15), AfterExit::kHalt);
  b.ready().run(33);
  const size_t said = a.console.text.size(), said_before = b.console.text.size();
  const auto restored = b.machine->restore(a.machine->save());
  ASSERT_TRUE(restored) << restored.message();
  EXPECT_TRUE(a.machine->save() == b.machine->save());
  ASSERT_EQ(a.run(), AfterExit::kShutdown);
  ASSERT_EQ(b.run(), AfterExit::kShutdown);
  EXPECT_EQ(a.machine->memory().hash(), b.machine->memory().hash());
  EXPECT_EQ(a.machine->clock().now(), b.machine->clock().now());
  EXPECT_EQ(b.console.text.substr(said_before), a.console.text.substr(said));
  EXPECT_TRUE(a.machine->save() == b.machine->save());
}

TEST(MicrovmState, EveryPartGoesRound) {
  Board a(x86_test::ticking_guest()), b(x86_test::ticking_guest());
  a.ready().run(7);
  b.ready();
  const auto from = a.machine->parts(), to = b.machine->parts();
  ASSERT_EQ(from.size(), to.size());
  EXPECT_GE(from.size(), 34u);  // 24 transports, a line, clock, timer, events, items, three controllers, ...
  for (size_t i = 0; i < from.size(); ++i) {
    dev::StateStream saved;
    from[i]->serialize(saved);
    dev::StateStream loading(saved.bytes());
    to[i]->serialize(loading);
    EXPECT_FALSE(loading.failed()) << from[i]->name();
  }
}

TEST(MicrovmState, OfAnotherBoardOrMemoryIsRefused) {
  Board a(x86_test::ticking_guest());
  Board larger(x86_test::ticking_guest(), Accelerator::kJit, [](auto& c) { c.ram_bytes = 32 << 20; });
  const auto saved = a.ready().machine->save();
  EXPECT_FALSE(larger.ready().machine->restore(saved));
  auto cut = saved;
  cut.resize(cut.size() / 2);
  EXPECT_FALSE(a.machine->restore(cut));
  a.machine->reset();
  EXPECT_EQ(a.run(), AfterExit::kShutdown);
}

// --- power

TEST_P(Microvm, ResetsByItsRegister) {
  Guest g;
  g.print(0x3f8, "x").store8(0xfea00202, 0x42).sleep_forever();
  Board b(g.file(), GetParam());
  ASSERT_EQ(b.ready().run(), AfterExit::kReset);
  b.machine->reset();
  ASSERT_EQ(b.run(), AfterExit::kReset);
  EXPECT_EQ(b.console.text, "xx");
}

TEST_P(Microvm, ATripleFaultResets) {
  Guest g;
  g.bytes({0x0f, 0x0b});  // ud2, without an interrupt table
  Board b(g.file(), GetParam());
  EXPECT_EQ(b.ready().run(), AfterExit::kReset);
}

// The button is an event on GSI 9, by the I/O APIC.
TEST_P(Microvm, PowerButtonInterrupts) {
  Guest g;
  g.load_interrupt_table().store32(Guest::kLocalApic + 0xf0, 0x1ff);
  g.store32(Guest::kIoApic, 0x10 + 2 * 9).store32(Guest::kIoApic + 0x10, 0x50);
  g.sti().sleep_forever();
  g.handler(0x50).load_eax(Guest::kGed);
  g.bytes({0x04, '0'}).mov(Guest::kEdx, 0x3f8).out_al();  // add al, '0'
  g.store32(Guest::kLocalApic + 0xb0, 0).power_off().iret();
  Board b(g.file(), GetParam());
  ASSERT_EQ(b.ready().run(1), AfterExit::kHalt);
  b.machine->press_power_key();
  ASSERT_EQ(b.run(), AfterExit::kShutdown);
  EXPECT_EQ(b.console.text, "2");
}

// The interval timer by the 8259s, as a system without APICs has it.
TEST_P(Microvm, IntervalTimerByThe8259) {
  Guest g;
  g.load_interrupt_table().mov(Guest::kEbx, 5);
  g.out8(0x43, 0x34).out8(0x40, 0xa9).out8(0x40, 4);  // 1193 clocks: a millisecond
  g.out8(0x20, 0x11).out8(0x21, 0x20).out8(0x21, 4).out8(0x21, 1).out8(0x21, 0xfe);
  g.sti().sleep_forever();
  g.handler(0x20).print(0x3f8, ".").out8(0x20, 0x20).bytes({0x4b, 0x75, 0x07}).power_off().iret();
  Board b(g.file(), GetParam());
  ASSERT_EQ(b.ready().run(), AfterExit::kShutdown);
  EXPECT_EQ(b.console.text, ".....");
  EXPECT_NEAR(static_cast<double>(b.machine->clock().now()), 5e6, 0.02e6);
}

// --- what a system is told

TEST(MicrovmTells, FirmwareItems) {
  Board b(Guest().sleep_forever().file(), Accelerator::kInterp, [](MicrovmConfig& c) {
    c.firmware_files.push_back({"opt/org.example/text", {'h', 'i'}});
    c.ram_bytes = uint64_t{4} << 30;
    c.command_line = "quiet";
  });
  b.ready();
  EXPECT_EQ(b.item(0, 5), std::string("QEMU\0", 5));
  EXPECT_EQ(b.item(1, 4), std::string("\3\0\0\0", 4));
  EXPECT_EQ(b.item(5, 2), std::string("\1\0", 2));
  EXPECT_EQ(b.item(3, 8), std::string("\0\0\0\0\1\0\0\0", 8));
  EXPECT_EQ(b.item(0x8002, 4), std::string("\1\0\0\0", 4));
  EXPECT_EQ(b.item(0x15, 6), std::string("quiet\0", 6));
  const std::string directory = b.item(0x19, 4 + 2 * 64);
  EXPECT_EQ(directory.substr(0, 4), std::string("\0\0\0\2", 4));
  EXPECT_EQ(directory.substr(12, 8), "etc/e820");
  EXPECT_EQ(directory.substr(76, 20), "opt/org.example/text");
  const auto key =
      static_cast<uint16_t>(static_cast<uint8_t>(directory[72]) << 8 | static_cast<uint8_t>(directory[73]));
  EXPECT_EQ(b.item(key, 3), std::string("hi\0", 3));
  // Two ranges of RAM: below 3 GiB, and from 4 GiB.
  EXPECT_EQ(b.item(0x20, 40), std::string("\0\0\0\0\0\0\0\0\0\0\0\xc0\0\0\0\0\1\0\0\0", 20) +
                                  std::string("\0\0\0\0\1\0\0\0\0\0\0\x40\0\0\0\0\1\0\0\0", 20));
}

TEST(MicrovmTells, MemoryInCmos) {
  Board b(Guest().sleep_forever().file(), Accelerator::kInterp,
          [](MicrovmConfig& c) { c.ram_bytes = uint64_t{4} << 30; });
  b.ready();
  const auto word = [&](unsigned index) {
    b.out(0x70, 1, index + 1);
    const uint64_t high = b.in(0x71);
    b.out(0x70, 1, index);
    return high << 8 | b.in(0x71);
  };
  EXPECT_EQ(word(0x15), 640u);
  EXPECT_EQ(word(0x17), 0xffffu);
  EXPECT_EQ(word(0x30), 0xffffu);
  EXPECT_EQ(word(0x34), 0xbf00u);  // 3 GiB - 16 MiB
  EXPECT_EQ(word(0x5b), 0x4000u);  // 1 GiB
}

TEST(MicrovmTells, TwoFilesOfOneName) {
  Board b(Guest().sleep_forever().file(), Accelerator::kInterp, [](MicrovmConfig& c) {
    c.firmware_files.push_back({"etc/e820", {1}});
  });
  const auto made = b.machine->init();
  ASSERT_FALSE(made);
  EXPECT_THAT(made.message(), HasSubstr("etc/e820"));
}

// As the boot protocol hands it over, in the page of parameters that ESI names.
TEST(MicrovmTells, E820AndCommandLineOfLinux) {
  x86_test::Linux kernel;
  for (const bool acpi : {true, false}) {
    Board b(x86_test::make(kernel), Accelerator::kInterp, [acpi](MicrovmConfig& c) {
      c.ram_bytes = 64 << 20;
      c.acpi = acpi;
      c.command_line = "quiet";
    });
    add_rng(b);
    b.ready();
    const uint64_t params = b.machine->cpu().x86().r(x86::kRsi);
    std::vector<uint8_t> page(4096);
    ASSERT_TRUE(b.machine->memory().read(params, page.data(), page.size()));
    const unsigned n = page[0x1e8];
    ASSERT_GE(n, 2u);
    uint64_t ram = 0;
    for (unsigned i = 0; i < n; ++i) {
      const uint64_t base = x86_test::get(page, 0x2d0 + 20 * i, 8),
                     size = x86_test::get(page, 0x2d8 + 20 * i, 8);
      if (x86_test::get(page, 0x2e0 + 20 * i, 4) == 1) ram += size;
      EXPECT_TRUE(base + size <= 0xa0000 || base >= 0xa0000);
    }
    EXPECT_EQ(ram, (64u << 20) - 0x100000 + 0x9fc00);
    std::vector<uint8_t> line(256);
    ASSERT_TRUE(b.machine->memory().read(x86_test::get(page, 0x228, 4), line.data(), line.size()));
    const std::string text(reinterpret_cast<const char*>(line.data()));
    // The last slot of 24, or of eight that only the line tells of.
    EXPECT_EQ(text, acpi ? "quiet" : "quiet virtio_mmio.device=512@0xfeb00e00:12");
    EXPECT_EQ(x86_test::get(page, 0x70, 8), acpi ? 0xe0000u : 0u);
  }
}

// --- cards with ports

TEST_P(Microvm, DebugPorts) {
  Guest g;
  g.print(0xe9, "hello").out8(0x501, 21).sleep_forever();
  Board b(g.file(), GetParam());
  ASSERT_TRUE(b.machine->add_isa(
      [&b](dev::Log&) { return std::make_unique<dev::DebugConsole>(b.debug_console, 0x5a); }, {0xe9, 1}));
  ASSERT_TRUE(b.machine->add_isa(
      [&b](dev::Log&) {
        return std::make_unique<dev::DebugExit>([&b](int code) {
          b.exit_code = code;
          b.machine->request_stop();
        });
      },
      {0x501, 2}));
  b.ready().run();
  EXPECT_EQ(b.debug_console.text, "hello");
  EXPECT_EQ(b.exit_code, 43);
  EXPECT_EQ(b.in(0xe9), 0x5au);
  EXPECT_EQ(b.in(0x501), 0u);
}

TEST(MicrovmCards, PortsThatAreTaken) {
  Board b(Guest().sleep_forever().file());
  const auto add = [&](unsigned port, unsigned ports) {
    return b.machine->add_isa(
        [&b](dev::Log&) { return std::make_unique<dev::DebugConsole>(b.debug_console, 0); },
        {static_cast<uint16_t>(port), ports});
  };
  EXPECT_THAT(add(0x3ff, 2).message(), HasSubstr("uart"));
  EXPECT_THAT(add(0xffff, 2).message(), HasSubstr("0xffff"));
  EXPECT_TRUE(add(0xffff, 1));
  EXPECT_THAT(add(0xfff0, 0x10).message(), HasSubstr("isa-debugcon"));
}

}  // namespace
}  // namespace mynah
