// SPDX-License-Identifier: Apache-2.0
//
// The processor as a debugger sees it: GDB's features for each kind of model, registers read and written,
// code of 16 bits as text.
#include <cstring>
#include <map>

#include "frontend/x86/guest_debug.h"
#include "tests/x86_system/system_test.h"

namespace mynah::test {

namespace {

struct View {
  explicit View(const char* cpu, Start start) : m({.start = start, .cpu = cpu}), debug(*m.cpu) {
    for (const DebugFeature& f : debug.features()) {
      features.emplace_back(f.name);
      for (const DebugRegister& r : f.registers) {
        EXPECT_EQ(r.number, registers.size()) << r.name;
        registers[r.name] = r;
      }
    }
  }
  std::string read(const std::string& name) { return debug.read_register(registers.at(name).number); }
  uint64_t value(const std::string& name) {
    const std::string bytes = read(name);
    EXPECT_EQ(bytes.size() * 8, registers.at(name).bits) << name;
    uint64_t value = 0;
    std::memcpy(&value, bytes.data(), std::min<size_t>(bytes.size(), 8));
    return value;
  }
  bool write(const std::string& name, uint64_t low, uint64_t high = 0) {
    std::string bytes(16, '\0');
    std::memcpy(bytes.data(), &low, 8);
    std::memcpy(bytes.data() + 8, &high, 8);
    bytes.resize(registers.at(name).bits / 8);
    return debug.write_register(registers.at(name).number, bytes);
  }
  BareMachine m;
  X86Debug debug;
  std::vector<std::string> features;
  std::map<std::string, DebugRegister> registers;
};

}  // namespace

TEST(DebugView, Features) {
  View wide("max", Start::kLong64);
  EXPECT_EQ(wide.debug.gdb_architecture(), "i386:x86-64");
  EXPECT_EQ(wide.features,
            (std::vector<std::string>{"org.gnu.gdb.i386.core", "org.gnu.gdb.i386.sse", "org.gnu.gdb.i386.avx",
                                      "org.gnu.gdb.i386.segments", "org.mynah.gdb.i386.system"}));
  EXPECT_EQ(wide.registers.at("rip").number, 16u);
  EXPECT_EQ(wide.registers.at("st0").number, 24u);
  EXPECT_EQ(wide.registers.at("xmm0").number, 40u);
  EXPECT_EQ(wide.registers.at("mxcsr").number, 56u);
  EXPECT_EQ(wide.debug.general_registers(), 57u);
  EXPECT_EQ(wide.debug.pc_register(), 16u);
  View narrow("486", Start::kProtected32);
  EXPECT_EQ(narrow.debug.gdb_architecture(), "i386");
  EXPECT_EQ(narrow.features,
            (std::vector<std::string>{"org.gnu.gdb.i386.core", "org.mynah.gdb.i386.system"}));
  EXPECT_EQ(narrow.registers.at("eip").number, 8u);
  EXPECT_EQ(narrow.registers.at("st0").number, 16u);
  EXPECT_EQ(narrow.debug.pc_register(), 8u);
  EXPECT_FALSE(narrow.registers.contains("cr8"));
}

TEST(DebugView, RegistersAreReadAndWritten) {
  View v("max", Start::kLong64);
  for (const auto& [name, r] : v.registers) EXPECT_EQ(v.read(name).size() * 8, r.bits) << name;
  EXPECT_EQ(v.debug.read_register(static_cast<unsigned>(v.registers.size())), "");
  EXPECT_EQ(v.value("rip"), kCode);
  EXPECT_EQ(v.value("cs"), kCode64);
  EXPECT_EQ(v.value("cr3"), kTables);
  EXPECT_EQ(v.value("efer") & 0x500, 0x500u);
  EXPECT_TRUE(v.write("r11", 0x1122334455667788));
  EXPECT_EQ(v.m.r(11), 0x1122334455667788u);
  EXPECT_TRUE(v.write("xmm3", 1, 2));
  EXPECT_TRUE(v.write("ymm3h", 3, 4));
  EXPECT_EQ(v.m.s().xmm[3], (Vec{1, 2}));
  EXPECT_EQ(v.m.s().ymm_high[3], (Vec{3, 4}));
  EXPECT_TRUE(v.write("fs_base", 0x5000));
  EXPECT_EQ(v.value("fs_base"), 0x5000u);
  EXPECT_TRUE(v.write("k_gs_base", 0x6000));
  EXPECT_EQ(v.m.s().kernel_gs_base, 0x6000u);
  EXPECT_TRUE(v.write("mxcsr", 0x1fa0));
  EXPECT_EQ(v.value("mxcsr"), 0x1fa0u);
  EXPECT_TRUE(v.write("fctrl", 0x27f));
  EXPECT_EQ(v.value("fctrl"), 0x27fu);
  EXPECT_TRUE(v.write("fstat", 3 << 11));
  EXPECT_TRUE(v.write("st2", 0x8000000000000000, 0x3fff));
  EXPECT_EQ(v.value("st2"), 0x8000000000000000u);
  EXPECT_EQ(v.m.s().fpr[5].significand, 0x8000000000000000u);
  EXPECT_TRUE(v.write("cr2", 0x1234));
  EXPECT_EQ(v.m.s().cr2, 0x1234u);
  EXPECT_TRUE(v.write("eflags", 0x246));
  EXPECT_EQ(v.value("eflags"), 0x246u);
  // What the guest could not do, and selectors, of which a segment is more.
  EXPECT_FALSE(v.write("cr0", 0));
  EXPECT_EQ(v.value("cr0"), v.m.s().cr0);
  EXPECT_FALSE(v.write("cr4", ~uint64_t{0}));
  EXPECT_FALSE(v.write("cs", 8));
  EXPECT_FALSE(v.debug.write_register(0, "abc"));
  EXPECT_FALSE(v.m.cpu->take_raised().has_value());
  // It still runs.
  v.m.run({0x90, 0xf4});
  EXPECT_TRUE(v.m.halted_at(kCode + 2));
}

TEST(DebugView, CodeOf16Bits) {
  View v("max", Start::kReal);
  EXPECT_EQ(v.value("rip"), kCode) << "linear";
  EXPECT_EQ(v.value("cs_base"), kCode);
  const uint8_t code[] = {0xb8, 0x34, 0x12, 0x66, 0xb8, 1, 0, 0, 0};
  const std::string text = v.debug.disassemble(code, kCode);
  EXPECT_NE(text.find("mov ax, 0x1234"), std::string::npos) << text;
  EXPECT_NE(text.find("mov eax, 0x01"), std::string::npos) << text;
}

}  // namespace mynah::test
