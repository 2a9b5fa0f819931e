// SPDX-License-Identifier: Apache-2.0
//
// The board `pc` from the reset vector of a small firmware: memory as the host bridge routes it, off by power
// management, A20, saved state; what firmware and systems are told.
#include "machines/pc.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "devices/chipset/i440fx.h"
#include "devices/chipset/q35_mch.h"
#include "machines/loader/uefi_volume.h"
#include "machines/pc_acpi.h"
#include "tests/devices/fakes.h"
#include "tests/machines/sentence.h"

namespace mynah {
namespace {

struct Console final : dev::CharBackend {
  void write(std::span<const uint8_t> bytes) override { text.append(bytes.begin(), bytes.end()); }
  void attach(dev::CharReceiver*) override {}
  std::string text;
};

// At f000:e05b. It copies itself to 0:7c00 and prints the byte at f000:2000 after each step: as it is; after
// PAM0 sends writes alone to RAM and 'b' was written; reads alone; and 'c' was written; both, and 'd' was
// written; neither. Then it places PMBASE and turns the machine off.
constexpr uint8_t kProgram[] = {
    0x31, 0xc0, 0x8e, 0xd8, 0x8e, 0xd0, 0xbc, 0x00, 0x70, 0xbf, 0x00, 0x7c, 0x8e, 0xc0, 0xbe, 0x78, 0xe0,
    0xb9, 0x8a, 0x00, 0xfc, 0x2e, 0xf3, 0xa4, 0xea, 0x00, 0x7c, 0x00, 0x00, 0xb8, 0x00, 0xf0, 0x8e, 0xc0,
    0xbb, 0x00, 0x20, 0xe8, 0x57, 0x00, 0xb0, 0x20, 0xe8, 0x5a, 0x00, 0x26, 0xc6, 0x07, 0x62, 0xe8, 0x4b,
    0x00, 0xb0, 0x10, 0xe8, 0x4e, 0x00, 0xe8, 0x43, 0x00, 0x26, 0xc6, 0x07, 0x63, 0xe8, 0x3c, 0x00, 0xb0,
    0x30, 0xe8, 0x3f, 0x00, 0x26, 0xc6, 0x07, 0x64, 0xe8, 0x30, 0x00, 0xb0, 0x00, 0xe8, 0x33, 0x00, 0xe8,
    0x28, 0x00, 0x66, 0xb8, 0x40, 0x0b, 0x00, 0x80, 0x66, 0xb9, 0x01, 0x06, 0x00, 0x00, 0xe8, 0x33, 0x00,
    0x66, 0xb8, 0x80, 0x0b, 0x00, 0x80, 0x66, 0xb9, 0x01, 0x00, 0x00, 0x00, 0xe8, 0x24, 0x00, 0xba, 0x04,
    0x06, 0xb8, 0x00, 0x20, 0xef, 0xf4, 0xeb, 0xfd, 0x26, 0x8a, 0x07, 0xba, 0xf8, 0x03, 0xee, 0xc3, 0x50,
    0xba, 0xf8, 0x0c, 0x66, 0xb8, 0x58, 0x00, 0x00, 0x80, 0x66, 0xef, 0x58, 0xba, 0xfd, 0x0c, 0xee, 0xc3,
    0xba, 0xf8, 0x0c, 0x66, 0xef, 0xba, 0xfc, 0x0c, 0x66, 0x89, 0xc8, 0x66, 0xef, 0xc3,
};

std::vector<uint8_t> firmware() {
  constexpr size_t kSize = 0x20000, kByte = 0x12000, kAt = 0x1e05b, kVector = 0x1fff0;
  std::vector<uint8_t> image(kSize, 0xff);
  image[kByte] = 'a';
  std::copy(std::begin(kProgram), std::end(kProgram), image.begin() + kAt);
  const uint8_t jump[] = {0xea, 0x5b, 0xe0, 0x00, 0xf0};
  std::copy(std::begin(jump), std::end(jump), image.begin() + kVector);
  return image;
}

struct Board {
  explicit Board(Accelerator accelerator = Accelerator::kJit, bool hpet = true, bool q35 = false,
                 uint64_t ram = 16 << 20) {
    PcConfig config;
    config.clock = GuestClock::Kind::kDeterministic;
    config.q35 = q35;
    config.ram_bytes = ram;
    config.accelerator = accelerator;
    config.code_bytes = 8 << 20;
    config.firmware = firmware();
    config.serial = &console;
    config.parallel = &printer;
    config.hpet = hpet;
    config.cpu = *x86::parse_cpu("max");
    machine = std::make_unique<PcMachine>(std::move(config), log);
    const auto made = machine->init();
    EXPECT_TRUE(made) << made.message();
  }
  AfterExit run() {
    for (unsigned slices = 0; slices < 1000; ++slices) {
      const AfterExit after = machine->run_slice();
      if (after == AfterExit::kShutdown || after == AfterExit::kReset) return after;
    }
    ADD_FAILURE() << "does not end";
    return AfterExit::kStop;
  }
  dev::NullLog log;
  Console console, printer;
  std::unique_ptr<PcMachine> machine;
};

TEST(Pc, MemoryIsRoutedAndPowerGoesOff) {
  for (const Accelerator accelerator : {Accelerator::kJit, Accelerator::kInterp}) {
    Board board(accelerator);
    EXPECT_EQ(board.run(), AfterExit::kShutdown);
    EXPECT_EQ(board.console.text, "aabbda") << "as data sheet 290549 has it";
    board.machine->reset();
    board.console.text.clear();
    EXPECT_EQ(board.run(), AfterExit::kShutdown);
    EXPECT_EQ(board.console.text, "aabbda") << "after reset";
  }
}

TEST(Pc, RoutesAreSavedWithTheirMemory) {
  Board board, other;
  GuestMemory& memory = board.machine->memory();
  const auto byte = [](Board& b) {
    uint8_t value = 0;
    return b.machine->memory().read(0xf2000, &value, 1) ? value : -1;
  };
  auto* const bridge = board.machine->pci()->root().at(0);
  EXPECT_EQ(byte(board), 'a');
  bridge->config_write(dev::I440Fx::kPam0, 1, 0x30);
  EXPECT_TRUE(memory.write(0xf2000, "x", 1));
  EXPECT_EQ(byte(board), 'x');
  bridge->config_write(dev::I440Fx::kPam0, 1, 0);
  EXPECT_FALSE(memory.write(0xf2000, "y", 1));
  const auto closed = board.machine->save();
  bridge->config_write(dev::I440Fx::kPam0, 1, 0x10);
  const auto open = board.machine->save();
  ASSERT_TRUE(other.machine->restore(open));
  EXPECT_EQ(byte(other), 'x');
  ASSERT_TRUE(other.machine->restore(closed));
  EXPECT_EQ(byte(other), 'a');
  EXPECT_EQ(byte(board), 'x');
}

TEST(Pc, DmaGoesOverPiecesOfMemory) {
  Board board;
  GuestMemory& memory = board.machine->memory();
  auto* const bridge = board.machine->pci()->root().at(0);
  std::vector<uint8_t> wrote(0x9000), read(0x9000);
  std::iota(wrote.begin(), wrote.end(), uint8_t{3});
  EXPECT_FALSE(memory.write(0xc2000, wrote.data(), wrote.size())) << "not all of it is memory";
  for (unsigned pam = 1; pam <= 6; ++pam) bridge->config_write(dev::I440Fx::kPam0 + pam, 1, 0x33);
  EXPECT_TRUE(memory.write(0xc2000, wrote.data(), wrote.size()));
  EXPECT_TRUE(memory.read(0xc2000, read.data(), read.size()));
  EXPECT_EQ(wrote, read);
  bridge->config_write(dev::I440Fx::kPam0 + 2, 1, 0x31);  // 0xc8000 cannot be written
  EXPECT_FALSE(memory.write(0xc2000, wrote.data(), wrote.size()));
  EXPECT_TRUE(memory.read(0xc2000, read.data(), read.size()));
}

TEST(Pc, LineTwentyIsLowWhereItsGateIsClosed) {
  Board board;
  x86::X86Cpu& cpu = board.machine->cpu();
  const auto at = [&](uint64_t va) {
    return cpu.translate(va, Access::kRead, x86::kClassSupervisor).page.pa;
  };
  EXPECT_EQ(at(0x100500), 0x100500u);
  board.machine->ports().write(0x92, dev::Width::k1, 0);
  EXPECT_EQ(at(0x100500), 0x500u);
  EXPECT_EQ(at(0x200500), 0x200500u);
  board.machine->ports().write(0x64, dev::Width::k1, 0xdf);
  EXPECT_EQ(at(0x100500), 0x100500u);
}

TEST(Pc, EventTimersAndPrinterAreInTheirPlaces) {
  Board board, without(Accelerator::kJit, false);
  constexpr uint64_t kHpet = 0xfed00000;
  EXPECT_EQ(board.machine->bus().read(kHpet, dev::Width::k8), 0x009896808086a201u);
  EXPECT_EQ(without.machine->bus().read(kHpet, dev::Width::k8), ~uint64_t{0});
  const auto out = [&](uint16_t port, uint8_t value) {
    board.machine->ports().write(port, dev::Width::k1, value);
  };
  out(0x378, 'x');
  out(0x37a, 0x0d);
  EXPECT_EQ(board.printer.text, "x");

  // Timer 0 in place of the 8254, at the 8259.
  const auto set = [&](uint64_t at, uint32_t value) {
    board.machine->bus().write(kHpet + at, dev::Width::k4, value);
  };
  for (const auto& [port, value] : {std::pair(0x20, 0x11), {0x21, 8}, {0x21, 4}, {0x21, 1}})
    out(static_cast<uint16_t>(port), static_cast<uint8_t>(value));
  const auto requested = [&] {
    out(0x20, 0x0a);
    return *board.machine->ports().read(0x20, dev::Width::k1);
  };
  EXPECT_EQ(requested() & 1, 0u);
  set(dev::Hpet::kTimer0, dev::Hpet::kInterruptEnable | dev::Hpet::kLevel);
  set(dev::Hpet::kTimer0 + 8, 0);
  set(dev::Hpet::kTimer0 + 12, 0);
  set(dev::Hpet::kConfiguration, dev::Hpet::kEnable | dev::Hpet::kLegacy);
  EXPECT_EQ(*board.machine->bus().read(kHpet + dev::Hpet::kStatus, dev::Width::k4), 1u);
  EXPECT_EQ(requested() & 1, 1u);
}

struct Q35Board : Board {
  explicit Q35Board(uint64_t ram = 16 << 20) : Board(Accelerator::kJit, true, true, ram) {}
  void config(unsigned slot, unsigned function, unsigned at, uint32_t value) {
    machine->pci()->root().at(dev::pci::devfn_of(slot, function))->config_write(at, 4, value);
  }
};

TEST(Q35, HasItsOwnChipset) {
  Q35Board board, other;
  EXPECT_EQ(board.machine->name(), "q35");
  const auto& bus = board.machine->bus();
  board.config(0, 0, dev::Q35Mch::kPciexbar, 0xb0000001);
  EXPECT_EQ(bus.read(0xb0000000, dev::Width::k4), 0x29c08086u);
  EXPECT_EQ(bus.read(0xb00fa000, dev::Width::k4), 0x29228086u) << "AHCI at 31.2";
  EXPECT_EQ(bus.read(0xb0008000, dev::Width::k4), 0x11111234u) << "video in slot 1";
  EXPECT_EQ(bus.read(0xfed00100, dev::Width::k8), 0x00ff010400000030u) << "event timers have PIRQs' inputs";
  // The byte at 0xf2000 by PAM, which is elsewhere than 440FX has it.
  const auto byte = [](Board& b) {
    uint8_t value = 0;
    return b.machine->memory().read(0xf2000, &value, 1) ? value : -1;
  };
  EXPECT_EQ(byte(board), 'a');
  board.config(0, 0, dev::Q35Mch::kPam0, 0x30);
  EXPECT_TRUE(board.machine->memory().write(0xf2000, "x", 1));
  EXPECT_EQ(byte(board), 'x');
  ASSERT_TRUE(other.machine->restore(board.machine->save()));
  EXPECT_EQ(byte(other), 'x');
  EXPECT_EQ(other.machine->bus().read(0xb0000000, dev::Width::k4), 0x29c08086u);
}

TEST(Q35, LeavesRoomForConfigurationSpace) {
  Q35Board board(uint64_t{3} << 30);
  const auto there = [&](uint64_t pa) { return board.machine->memory().host(pa, 4096) != nullptr; };
  EXPECT_TRUE(there(0x7ffff000));
  EXPECT_FALSE(there(0x80000000));
  EXPECT_TRUE(there(0x13ffff000)) << "the rest is above 4 GiB";
  EXPECT_FALSE(there(0x140000000));
}

TEST(Q35, TablesHaveBothWaysOfInterrupts) {
  const acpi::Description q35 = describe_pc({.chipset = &kIch9Facts, .pci_memory = 0x8000000});
  EXPECT_EQ(q35.pci_config, 0xb0000000u);
  ASSERT_TRUE(q35.fixed);
  EXPECT_EQ(q35.fixed->events, 0x620);
  EXPECT_EQ(q35.fixed->enable, 2);
  const std::string text(q35.dsdt.begin(), q35.dsdt.end());
  for (const char* name : {"_PIC", "PRTP", "PRTA", "_OSC", "DRAC"})
    EXPECT_NE(text.find(name), std::string::npos);
  // Slot 2, pin A: interrupt 11 without the I/O APIC, its input 22 with it.
  for (const uint8_t gsi : {11, 22}) {
    const std::string entry{0x12, 0x0b, 0x04, 0x0c, '\xff', '\xff',
                            0x02, 0x00, 0x00, 0x00, 0x0a,   static_cast<char>(gsi)};
    EXPECT_NE(text.find(entry), std::string::npos) << unsigned{gsi};
  }
  const acpi::Description pc = describe_pc({.pci_memory = 0x8000000});
  EXPECT_EQ(std::string(pc.dsdt.begin(), pc.dsdt.end()).find("_PIC"), std::string::npos);
}

struct Flashes : testing::Test {
  std::string init() {
    PcConfig config;
    config.clock = GuestClock::Kind::kDeterministic;
    config.ram_bytes = 16 << 20;
    config.code_bytes = 8 << 20;
    config.firmware = bios;
    config.flash[0] = code.data.empty() ? nullptr : &code;
    config.flash[1] = variables.data.empty() ? nullptr : &variables;
    config.serial = &console;
    config.cpu = *x86::parse_cpu("max");
    machine = std::make_unique<PcMachine>(std::move(config), log);
    return sentence(machine->init());
  }
  dev::NullLog log;
  Console console;
  dev::fake::Disk code{0}, variables{0};
  std::vector<uint8_t> bios;
  std::unique_ptr<PcMachine> machine;
};

TEST_F(Flashes, EndBelowFourGiB) {
  code.data = firmware();
  variables.data.assign(0x21000, 0x11);
  ASSERT_EQ(init(), "");
  constexpr uint64_t kVariables = 0xfffe0000 - 0x21000;
  const auto in = [&](uint64_t pa) {
    uint8_t value = 0;
    return machine->memory().read(pa, &value, 1) ? value : -1;
  };
  EXPECT_EQ(in(0xffff2000), 'a');
  EXPECT_EQ(in(0xf2000), 'a') << "and below 1 MiB";
  EXPECT_EQ(in(kVariables), 0x11);
  const auto out = [&](uint8_t value) { machine->bus().write(kVariables, dev::Width::k1, value); };
  out(dev::PflashCfi01::kReadStatus);
  EXPECT_EQ(in(kVariables), -1) << "a device now";
  const auto in_command_mode = machine->save();
  out(dev::PflashCfi01::kProgram);
  out(0x01);
  out(dev::PflashCfi01::kReadArray);
  EXPECT_EQ(in(kVariables), 0x01);
  EXPECT_EQ(variables.data[0], 0x01) << "kept";
  ASSERT_TRUE(machine->restore(in_command_mode));
  EXPECT_EQ(in(kVariables), -1);
  machine->reset();
  EXPECT_EQ(in(kVariables), 0x11);
  for (unsigned slices = 0; slices < 1000 && machine->run_slice() != AfterExit::kShutdown; ++slices) {
  }
  EXPECT_EQ(console.text, "aabbda") << "runs";
}

TEST_F(Flashes, WhatDoesNotFitIsRefused) {
  using testing::HasSubstr;
  variables.data.assign(0x21000, 0xff);
  EXPECT_THAT(init(), HasSubstr("pflash,unit=0"));
  code.data = firmware();
  code.data.resize(0x20800);
  EXPECT_THAT(init(), HasSubstr("whole pages"));
  code.data.resize(4096);
  EXPECT_THAT(init(), HasSubstr("128 KiB to 8 MiB"));
  code.data.resize(0x7f0000);
  EXPECT_THAT(init(), HasSubstr("in all"));
  code.broken = true;
  variables.data.clear();
  EXPECT_THAT(init(), HasSubstr("cannot be read"));
}

// Sums of a table's bytes are zero, whoever has placed it.
uint8_t sum(std::span<const uint8_t> bytes) {
  return static_cast<uint8_t>(std::accumulate(bytes.begin(), bytes.end(), 0u));
}
uint64_t number(std::span<const uint8_t> from, size_t at, unsigned n) {
  uint64_t value = 0;
  for (unsigned i = n; i-- > 0;) value = value << 8 | from[at + i];
  return value;
}

// UEFI places power management elsewhere on `pc` than a BIOS does.
TEST(Pc, TablesSayWherePowerManagementIs) {
  EXPECT_EQ(describe_pc({}).fixed->base, 0x600u);
  EXPECT_EQ(describe_pc({.power_base = 0xb000}).fixed->base, 0xb000u);
}

// Executes the loader's commands as firmware does, and finds what the tables placed by the board are.
TEST(Pc, FirmwarePlacesTheTables) {
  const acpi::Description description = describe_pc({.processors = 2, .hpet = true, .pci_memory = 0x8000000});
  acpi::TableSet::Files linked = acpi::table_set(description).files();
  constexpr uint64_t kTables = 0x7fe0000, kRoot = 0xf5a00;
  const auto file = [&](size_t command, size_t at) -> std::vector<uint8_t>& {
    const std::string_view name = reinterpret_cast<const char*>(linked.script.data() + command + at);
    return name == acpi::TableSet::kTablesFile ? linked.tables : linked.root;
  };
  ASSERT_EQ(linked.script.size() % 128, 0u);
  for (size_t at = 0; at < linked.script.size(); at += 128) {
    const auto& c = linked.script;
    switch (number(c, at, 4)) {
      case 2: {
        std::vector<uint8_t>& to = file(at, 4);
        const uint64_t base = &file(at, 60) == &linked.tables ? kTables : kRoot;
        const size_t offset = number(c, at + 116, 4), size = c[at + 120];
        const uint64_t value = number(to, offset, static_cast<unsigned>(size)) + base;
        for (size_t i = 0; i < size; ++i) to[offset + i] = static_cast<uint8_t>(value >> 8 * i);
        break;
      }
      case 3: {
        std::vector<uint8_t>& to = file(at, 4);
        const size_t offset = number(c, at + 60, 4), from = number(c, at + 64, 4), n = number(c, at + 68, 4);
        to[offset] = static_cast<uint8_t>(to[offset] - sum({to.data() + from, n}));
        break;
      }
      default:
        break;
    }
  }
  EXPECT_EQ(sum(linked.root), 0);
  const uint64_t xsdt = number(linked.root, 24, 8) - kTables;
  const auto table = [&](uint64_t at) {
    return std::span<const uint8_t>(linked.tables).subspan(at, number(linked.tables, at + 4, 4));
  };
  std::string names;
  uint64_t fadt = 0;
  for (size_t at = 36; at < table(xsdt).size(); at += 8) {
    const uint64_t to = number(table(xsdt), at, 8) - kTables;
    EXPECT_EQ(sum(table(to)), 0);
    if (names.empty()) fadt = to;
    names.append(table(to).begin(), table(to).begin() + 4);
  }
  EXPECT_EQ(names, "FACPAPICHPET");
  EXPECT_EQ(sum(table(xsdt)), 0);
  EXPECT_EQ(number(table(fadt), 76, 4), 0x608u) << "the timer";
  EXPECT_EQ(number(table(fadt), 36, 4) % 64, kTables % 64) << "FACS is aligned";
  const auto dsdt = table(number(table(fadt), 40, 4) - kTables);
  EXPECT_EQ(sum(dsdt), 0);
  EXPECT_TRUE(std::equal(dsdt.begin() + 36, dsdt.end(), description.dsdt.begin(), description.dsdt.end()));

  // The same, placed by the board.
  const auto placed = acpi::make_tables(description, 0xe0000);
  EXPECT_EQ(sum({placed.data(), 36}), 0);
  const uint64_t listed = number(placed, 24, 8) - 0xe0000;
  EXPECT_EQ(sum({placed.data() + listed, number(placed, listed + 4, 4)}), 0);
}

}  // namespace
}  // namespace mynah
