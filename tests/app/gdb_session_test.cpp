// SPDX-License-Identifier: Apache-2.0
//
// A debugger on a whole run: registers of the system, memory of devices, physical addresses, a second client,
// and backtraces of signed return addresses in GDB itself.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/app/gdb_session.h"
#include "tests/app/guests.h"
#include "tests/app/program.h"

namespace mynah::app {
namespace {

using namespace test;
using testing::HasSubstr;
using testing::Not;

TEST_F(GdbSession, SystemRegistersHaveTheirNames) {
  for (const char* board : {"virt,gic-version=2", "virt,gic-version=3"}) {
    Program program(with(counting_guest(), {"-M", board, "-icount", "0"}));
    GdbClient gdb(socket);
    const auto registers = numbers(description(gdb));
    for (const char* name :
         {"SCTLR_EL1", "TCR_EL1", "TTBR0_EL1", "VBAR_EL1", "ESR_EL1", "SP_EL0", "MIDR_EL1", "MPIDR_EL1",
          "CurrentEL", "DAIF", "CNTV_CTL_EL0", "PMCCNTR_EL0", "ID_AA64PFR0_EL1", "DBGBVR0_EL1"})
      EXPECT_TRUE(registers.contains(name)) << name;
    // Those whose read does something, or that cannot be read, are not there.
    for (const char* name : {"ICC_IAR1_EL1", "ICC_IAR0_EL1", "RNDR", "RNDRRS", "ICC_EOIR1_EL1", "OSLAR_EL1"})
      EXPECT_FALSE(registers.contains(name)) << name;
    EXPECT_EQ(registers.contains("ICC_PMR_EL1"), board[17] == '3') << board;
    EXPECT_GT(registers.size(), 80u);
    // All can be read, twice alike: time stands still.
    std::map<std::string, std::string> before;
    for (const auto& [name, number] : registers) {
      before[name] = read(gdb, number);
      EXPECT_EQ(before[name].size(), 16u) << name;
    }
    for (const auto& [name, number] : registers) EXPECT_EQ(read(gdb, number), before[name]) << name;
    EXPECT_EQ(before["CurrentEL"], little_endian(4));
    EXPECT_EQ(before["VBAR_EL1"], little_endian(0));
    const auto write = [&](const char* name, uint64_t value) {
      return gdb.ask(fmt::format("P{:x}=", registers.at(name)) + little_endian(value));
    };
    EXPECT_EQ(write("VBAR_EL1", 0x40080000), "OK");
    EXPECT_EQ(read(gdb, registers.at("VBAR_EL1")), little_endian(0x40080000));
    EXPECT_EQ(write("VBAR_EL1", 0x40080123), "OK");  // the bits that there are
    EXPECT_EQ(read(gdb, registers.at("VBAR_EL1")), little_endian(0x40080000));
    EXPECT_EQ(write("MIDR_EL1", 1), "E16");
    EXPECT_EQ(write("CurrentEL", 0), "E16");
    EXPECT_EQ(read(gdb, registers.at("CurrentEL")), little_endian(4));
    EXPECT_EQ(write("pauth_cmask", 0), "E16");
    EXPECT_EQ(gdb.ask("pffff"), "E16");
    // The g packet stays what it was: 31 + 2 words, cpsr, 32 vectors, fpsr, fpcr.
    EXPECT_EQ(gdb.ask("g").size(), 2u * (33 * 8 + 4 + 32 * 16 + 4 + 4));
    gdb.send(frame("k"));
    EXPECT_EQ(program.finish(), 0);
  }
}

// SP_EL0 is the stack pointer itself while PSTATE.SP is 0.
TEST_F(GdbSession, SpEl0IsFoundWhereItIs) {
  Program program(with(counting_guest()));
  GdbClient gdb(socket);
  const unsigned number = numbers(description(gdb)).at("SP_EL0");
  EXPECT_EQ(gdb.ask(fmt::format("P{:x}=", number) + little_endian(0x1230)), "OK");
  EXPECT_EQ(gdb.ask("P1f=" + little_endian(0x4560)), "OK");
  EXPECT_EQ(gdb.ask("P21=c4030000"), "OK");  // EL1t
  EXPECT_EQ(gdb.ask("p1f"), little_endian(0x1230));
  EXPECT_EQ(read(gdb, number), little_endian(0x1230));
  EXPECT_EQ(gdb.ask(fmt::format("P{:x}=", number) + little_endian(0x7890)), "OK");
  EXPECT_EQ(gdb.ask("p1f"), little_endian(0x7890));
  gdb.send(frame("k"));
  EXPECT_EQ(program.finish(), 0);
}

TEST_F(GdbSession, MasksOfSignedPointersOnProcessorsThatSign) {
  {
    Program program(with(counting_guest(), {"-cpu", "cortex-a72"}));
    GdbClient gdb(socket);
    EXPECT_THAT(description(gdb), Not(HasSubstr("pauth")));
    EXPECT_EQ(gdb.ask("p44"), "E16");
    gdb.send(frame("k"));
    EXPECT_EQ(program.finish(), 0);
  }
  Program program(with(counting_guest()));
  GdbClient gdb(socket);
  const std::string xml = description(gdb);
  EXPECT_THAT(xml, HasSubstr("org.gnu.gdb.aarch64.pauth_v2"));
  EXPECT_THAT(xml, Not(HasSubstr("org.gnu.gdb.aarch64.pauth\"")));  // of which older ones die
  const auto registers = numbers(xml);
  // 39 bits of address below with tags, 48 above without.
  EXPECT_EQ(gdb.ask(fmt::format("P{:x}=", registers.at("TCR_EL1")) +
                    little_endian(uint64_t{1} << 37 | uint64_t{16} << 16 | 25)),
            "OK");
  EXPECT_EQ(read(gdb, registers.at("pauth_cmask")), little_endian(0x007fff8000000000));
  EXPECT_EQ(read(gdb, registers.at("pauth_dmask")), little_endian(0x007fff8000000000));
  EXPECT_EQ(read(gdb, registers.at("pauth_cmask_high")), little_endian(0xff7f000000000000));
  EXPECT_EQ(read(gdb, registers.at("pauth_dmask_high")), little_endian(0xff7f000000000000));
  gdb.send(frame("k"));
  EXPECT_EQ(program.finish(), 0);
}

TEST_F(GdbSession, DevicesAreReadAndWrittenAsMemory) {
  Program program(with(idle_guest()));
  GdbClient gdb(socket);
  EXPECT_EQ(gdb.ask("m9000fe0,10"),
            "11000000"
            "10000000"
            "14000000"
            "00000000");  // the PL011's PeriphID
  EXPECT_EQ(gdb.ask("m9000fe0,1"), "11");
  EXPECT_EQ(gdb.ask("ma000000,4"), "76697274");  // "virt", the first virtio-mmio
  EXPECT_EQ(gdb.ask("M9000000,1:41"), "OK");
  EXPECT_TRUE(program.wait_for("A"));
  EXPECT_EQ(gdb.ask("M9000024,4:0d000000"), "OK");  // IBRD
  EXPECT_EQ(gdb.ask("m9000024,4"), "0d000000");
  EXPECT_EQ(gdb.ask("m8f00000,4"), "E0e");  // where there is nothing
  EXPECT_EQ(gdb.ask("M8f00000,4:00000000"), "E0e");
  EXPECT_THAT(gdb.ask("qRcmd,782030786130303030"
                      "3030"),
              HasSubstr("30783734373236393736"));  // x 0xa000000
  gdb.send(frame("k"));
  EXPECT_EQ(program.finish(), 0);
}

TEST_F(GdbSession, PhysicalAddressesGoAroundTheTables) {
  // With the MMU on and tables at 0 that map nothing, no virtual address is there.
  Program program(with(counting_guest()));
  GdbClient gdb(socket);
  const auto registers = numbers(description(gdb));
  const unsigned sctlr = registers.at("SCTLR_EL1");
  EXPECT_EQ(gdb.ask(fmt::format("P{:x}=", registers.at("TTBR0_EL1")) + little_endian(0x44000000)), "OK");
  EXPECT_EQ(gdb.ask(fmt::format("P{:x}=", registers.at("TCR_EL1")) + little_endian(16)), "OK");
  EXPECT_EQ(gdb.ask("m40200040,4"), "000080d2");
  EXPECT_EQ(gdb.ask(fmt::format("P{:x}=", sctlr) + little_endian(0x30d00801)), "OK");
  EXPECT_EQ(gdb.ask("m40200040,4"), "E0e");
  EXPECT_EQ(gdb.ask("Qqemu.PhyMemMode:1"), "OK");
  EXPECT_EQ(gdb.ask("m40200040,4"), "000080d2");
  EXPECT_EQ(gdb.ask("M40200040,4:1f2003d5"), "OK");
  EXPECT_EQ(gdb.ask("m40200040,4"), "1f2003d5");
  EXPECT_EQ(gdb.ask("Qqemu.PhyMemMode:0"), "OK");
  EXPECT_EQ(gdb.ask("m40200040,4"), "E0e");
  gdb.send(frame("k"));
  EXPECT_EQ(program.finish(), 0);
}

TEST_F(GdbSession, ASecondDebuggerIsRefused) {
  Program program(with(counting_guest()));
  GdbClient first(socket);
  EXPECT_THAT(first.ask("qSupported"), HasSubstr("PacketSize"));
  {
    GdbClient second(socket);
    EXPECT_EQ(second.ask("qSupported"), "E.another debugger is connected already");
    EXPECT_EQ(second.receive(), "(closed)");
  }
  EXPECT_TRUE(program.wait_for_error("-gdb: another client came to unix:" + socket + " and was refused"));
  EXPECT_EQ(first.ask("p20"), little_endian(0x40200000));
  first.send(frame("k"));
  EXPECT_EQ(program.finish(), 0);
}

// A guest whose functions sign their return addresses, and GDB's view of its stack.
TEST_F(GdbSession, GdbSeesThroughSignedReturnAddresses) {
  for (const char* tool : {"gdb-multiarch", "aarch64-linux-gnu-gcc", "aarch64-linux-gnu-objcopy"})
    if (output_of(std::string("command -v ") + tool).front() != '/') GTEST_SKIP() << "there is no " << tool;
  folder.write("guest.S", std::string(R"(
        .section .head, "ax"
        .global _start
_start: b start
        .org 16
        .quad 0x10000, 0xa
        .org 56
        .long 0x644d5241, 0
start:  mov x0, #0x41000000
        mov sp, x0
        mov x0, #0x1234
        msr apiakeylo_el1, x0
        msr apiakeyhi_el1, x0
        mrs x0, sctlr_el1
        orr x0, x0, #1 << 31
        msr sctlr_el1, x0
        isb
        mov x29, #0
        mov x30, #0
        b outermost
)"));
  folder.write("guest.c", std::string(R"(
    __attribute__((noipa)) void innermost(void) { for (;;) __asm__ volatile("wfi"); }
    __attribute__((noipa)) void middle(void) { innermost(); __asm__ volatile(""); }
    __attribute__((noipa)) void outermost(void) { middle(); __asm__ volatile(""); }
)"));
  const std::string elf = folder / "guest", image = folder / "Image";
  ASSERT_EQ(
      output_of(
          "cd " + (folder / ".") +
          " && aarch64-linux-gnu-gcc -g -O1 -march=armv8.3-a -mbranch-protection=pac-ret -ffreestanding "
          "-nostdlib -static -Wl,--build-id=none -Wl,--section-start=.head=0x40200000 "
          "-Wl,-Ttext=0x40200100 -o guest guest.S guest.c && "
          "aarch64-linux-gnu-objcopy -O binary -j .head -j .text guest Image"),
      "");
  Program program({"-nographic", "-nic", "none", "-kernel", image, "-S", "-gdb", "unix:" + socket});
  for (int i = 0; i < 200 && !std::filesystem::exists(socket); ++i) std::this_thread::sleep_for(20ms);
  const std::string said =
      output_of("gdb-multiarch -nx -batch -ex 'target remote " + socket +
                "' -ex 'break innermost' -ex continue -ex bt "
                "-ex 'info symbol *(unsigned long*)($sp + 8)' -ex 'info symbol *(unsigned long*)($sp + 8) & "
                "~$pauth_cmask' "
                "-ex 'p/x $SCTLR_EL1' -ex 'info registers system' -ex 'x/wx 0x9000fe0' -ex kill " +
                elf);
  EXPECT_THAT(said, testing::ContainsRegex("#0 +innermost"));
  EXPECT_THAT(said, testing::ContainsRegex("#1 .* in middle"));
  // It was signed, and the mask tells what.
  EXPECT_THAT(said, HasSubstr("No symbol matches"));
  EXPECT_THAT(said, testing::ContainsRegex("outermost \\+ [0-9]+ in section .text"));
  // GDBs from 14 on know the masks by this name.
  const std::string version = output_of("gdb-multiarch --version | head -n 1 | grep -o '[0-9]*[.][0-9]*$'");
  if (std::atoi(version.c_str()) >= 14) EXPECT_THAT(said, testing::ContainsRegex("#2 .* in outermost"));
  EXPECT_THAT(said, testing::ContainsRegex("\\$1 = 0xb[0-9a-f]{7}\n"));  // EnIA
  EXPECT_THAT(said, testing::ContainsRegex("TCR_EL1 +0x"));
  EXPECT_THAT(said, HasSubstr("0x9000fe0:\t0x00000011"));
  EXPECT_EQ(program.finish(), 0);
}

}  // namespace
}  // namespace mynah::app
