// SPDX-License-Identifier: Apache-2.0
//
// A processor as debuggers and logs see it, by nothing but Machine, GuestDebug and the list of boards.
#include "frontend/guest_debug.h"

#include <gmock/gmock.h>

#include <cstring>
#include <set>

#include "machines/boards.h"
#include "machines/machine.h"
#include "tests/app/guests.h"

namespace mynah {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

constexpr uint64_t kEntry = 0x40200040;

std::unique_ptr<Machine> start(std::vector<uint32_t> code, std::string cpu = "max") {
  static dev::NullLog log;
  MachineConfig config;
  config.ram_bytes = 16 << 20;
  config.kernel = app::test::make_image(code);
  config.clock = GuestClock::Kind::kDeterministic;
  config.accelerator = Accelerator::kInterp;
  auto machine = find_board("virt")->make({std::move(cpu), {{"gic-version", "3"}}}, std::move(config), log);
  const auto ready = machine->init();
  EXPECT_TRUE(ready) << ready.message();
  return machine;
}

const DebugRegister* find(const GuestDebug& debug, std::string_view name) {
  for (const DebugFeature& feature : debug.features())
    for (const DebugRegister& r : feature.registers)
      if (r.name == name) return &r;
  return nullptr;
}

TEST(Boards, AreFoundByName) {
  ASSERT_FALSE(boards().empty());
  for (const Board* board : boards()) {
    EXPECT_EQ(find_board(board->name), board);
    EXPECT_EQ(board->check_cpu(board->default_cpu).sentence, "");
    for (const std::string_view cpu : board->cpu_names())
      EXPECT_EQ(board->check_cpu(cpu).sentence, "") << cpu;
    const WrongChoice wrong = board->check_cpu("nonesuch,x=on");
    EXPECT_THAT(wrong.sentence, HasSubstr("'nonesuch'"));
    EXPECT_EQ(wrong.unknown, "nonesuch");
    EXPECT_EQ(wrong.known, board->cpu_names());
  }
  EXPECT_EQ(find_board("nonesuch"), nullptr);
}

TEST(Boards, MakeWhatWasChosen) {
  const auto machine = start({0x14000000}, "cortex-a72");
  EXPECT_EQ(machine->name(), "virt");
  EXPECT_EQ(machine->processors()[0].guest->name(), "cortex-a72");
  std::set<std::string_view> devices;
  for (const auto& window : machine->bus().windows()) devices.insert(window.device->name());
  EXPECT_TRUE(devices.contains("gicv3"));
  EXPECT_TRUE(machine->ports().windows().empty());
}

TEST(GuestDebug, RegistersAreAsDescribed) {
  const auto machine = start({0x14000000});
  GuestDebug& debug = *machine->processors()[0].debug;
  std::set<unsigned> numbers;
  std::set<std::string> names;
  unsigned all_at_once = 0;
  for (const DebugFeature& feature : debug.features()) {
    EXPECT_FALSE(feature.registers.empty()) << feature.name;
    for (const DebugRegister& r : feature.registers) {
      EXPECT_TRUE(numbers.insert(r.number).second) << r.name;
      EXPECT_TRUE(names.insert(r.name).second) << r.name;
      const std::string value = debug.read_register(r.number);
      EXPECT_EQ(value.size() * 8, r.bits) << r.name;
      EXPECT_FALSE(debug.write_register(r.number, value + "x")) << r.name;
      all_at_once += r.number < debug.general_registers();
    }
  }
  EXPECT_EQ(all_at_once, debug.general_registers());  // without gaps
  EXPECT_EQ(debug.read_register(*numbers.rbegin() + 1), "");
  EXPECT_FALSE(debug.write_register(*numbers.rbegin() + 1, "12345678"));
}

TEST(GuestDebug, RegistersCanBeWritten) {
  const auto machine = start({0x14000000});
  GuestDebug& debug = *machine->processors()[0].debug;
  for (const char* name : {"x0", "x30", "sp", "v31", "TTBR0_EL1"}) {
    const DebugRegister* r = find(debug, name);
    ASSERT_TRUE(r) << name;
    std::string value(r->bits / 8, '\0');
    value[0] = 0x40;
    value[r->bits / 8 - 3] = 0x12;
    EXPECT_TRUE(debug.write_register(r->number, value)) << name;
    EXPECT_EQ(debug.read_register(r->number), value) << name;
  }
  const DebugRegister* identity = find(debug, "MIDR_EL1");
  ASSERT_TRUE(identity);
  EXPECT_FALSE(debug.write_register(identity->number, std::string(8, '\1')));
}

TEST(GuestDebug, PauthMasksAreThereWithTheFeature) {
  EXPECT_TRUE(find(*start({0x14000000})->processors()[0].debug, "pauth_dmask"));
  EXPECT_FALSE(find(*start({0x14000000}, "cortex-a57")->processors()[0].debug, "pauth_dmask"));
}

TEST(GuestDebug, TellsOfExceptionsAndOfWhatIsUndefined) {
  // udf #1; the vector is where nothing is.
  const auto machine = start({1});
  GuestDebug& debug = *machine->processors()[0].debug;
  std::vector<std::string> exceptions, undefined;
  debug.tell_exceptions([&](const std::string& text) { exceptions.push_back(text); });
  debug.tell_undefined([&](const std::string& text) { undefined.push_back(text); });
  machine->step();
  machine->step();
  ASSERT_FALSE(exceptions.empty());
  EXPECT_THAT(exceptions[0], StartsWith("Taking exception [Undefined Instruction] on CPU 0\n"));
  EXPECT_THAT(exceptions[0], HasSubstr("...with ELR 0x40200040\n"));
  ASSERT_FALSE(undefined.empty());
  EXPECT_THAT(undefined[0], StartsWith("instruction at 0x40200040:  00000001"));
}

TEST(GuestDebug, ShowsCodeAndRegisters) {
  const auto machine = start({0x14000000});
  GuestDebug& debug = *machine->processors()[0].debug;
  const uint32_t nop = 0xd503201f;
  uint8_t bytes[4];
  std::memcpy(bytes, &nop, 4);
  EXPECT_THAT(debug.disassemble(bytes, kEntry), StartsWith("0x40200040:  d503201f  nop"));
  EXPECT_THAT(debug.dump(), HasSubstr("X30=0000000000000000"));
  EXPECT_EQ(debug.physical(kEntry), kEntry);  // there are no tables yet
}

}  // namespace
}  // namespace mynah
