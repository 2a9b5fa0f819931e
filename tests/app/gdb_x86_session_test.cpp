// SPDX-License-Identifier: Apache-2.0
//
// A debugger on x86 guests: what it is told that the target is, segment bases, control registers, code of 16,
// 32 and 64 bits with break- and watchpoints; by the protocol, and by GDB itself.
#include <gmock/gmock.h>

#include "tests/app/gdb_session.h"
#include "tests/machines/x86_guests.h"

namespace mynah::app {
namespace {

using namespace test;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using x86_test::Guest;

std::string little32(uint32_t value) { return little_endian(value).substr(0, 8); }

// A loop that counts in EBX: from kLoop on INC, a store to kStored, a load from kLoaded, the jump.
constexpr uint32_t kLoop = 0x20007a, kStore = 0x20007b, kLoad = 0x200081, kJump = 0x200086;
constexpr uint32_t kStored = 0x300000, kLoaded = 0x300004;
Guest counting() {
  Guest g;
  g.mov(Guest::kEbx, 0).bytes({0x43, 0x89, 0x1d, 0, 0, 0x30, 0}).load_eax(kLoaded).jump(kLoop);
  return g;
}

// The same of 64 bits, by itself: kLoop64 counts in R15.
constexpr uint64_t kFirst64 = 0x123456789abcdef0;
struct LongGuest {
  Guest g;
  uint32_t loop = 0;
  LongGuest() {
    constexpr uint32_t kTables = 0x400000, kGdt = 0x403000, kGdtr = 0x404000;
    g.store32(kTables, kTables + 0x1007).store32(kTables + 0x1000, kTables + 0x2007);
    for (uint32_t n = 0; n < 3; ++n) g.store32(kTables + 0x2000 + n * 8, n << 21 | 0x83);
    g.store32(kGdt + 8, 0xffff).store32(kGdt + 12, 0xaf9b00);
    g.store32(kGdtr, kGdt << 16 | 15).store32(kGdtr + 4, kGdt >> 16);
    g.bytes({0x0f, 0x01, 0x15, 0, 0x40, 0x40, 0});                                       // lgdt [kGdtr]
    g.mov(Guest::kEax, 0x20).bytes({0x0f, 0x22, 0xe0});                                  // CR4: PAE
    g.mov(Guest::kEax, kTables).bytes({0x0f, 0x22, 0xd8});                               // CR3
    g.mov(Guest::kEcx, 0xc0000080).mov(Guest::kEdx, 0).mov(Guest::kEax, 0x100).wrmsr();  // EFER: LME
    g.bytes({0x0f, 0x20, 0xc0, 0x0d, 0, 0, 0, 0x80, 0x0f, 0x22, 0xc0});                  // CR0: PG
    const uint32_t next = g.here() + 7;
    g.bytes({0xea, static_cast<uint8_t>(next), static_cast<uint8_t>(next >> 8),
             static_cast<uint8_t>(next >> 16), 0, 8, 0});
    g.bytes({0x49, 0xbf, 0xf0, 0xde, 0xbc, 0x9a, 0x78, 0x56, 0x34, 0x12});  // mov r15, kFirst64
    loop = g.here();
    g.bytes({0x49, 0xff, 0xc7, 0xeb, 0xfb});  // inc r15; jmp
  }
};

// What runs from the reset vector on: in segment 0xf000, with DS 0x2000, a loop from 7 on that counts in BX
// and stores it to DS:0x10.
std::vector<uint8_t> firmware() {
  constexpr size_t kSegment = 0x10000;  // the last 64 KiB are it
  std::vector<uint8_t> rom(2 * kSegment, 0xf4);
  const auto put = [&](size_t at, std::initializer_list<uint8_t> bytes) {
    std::ranges::copy(bytes, &rom[kSegment + at]);
  };
  put(0, {0xb8, 0x00, 0x20, 0x8e, 0xd8, 0x31, 0xdb});                    // mov ax; mov ds, ax; xor bx, bx
  put(7, {0x43, 0x89, 0x1e, 0x10, 0x00, 0xa1, 0x20, 0x00, 0xeb, 0xf6});  // inc; mov [], bx; mov ax, []; jmp
  put(0xfff0, {0xea, 0x00, 0x00, 0x00, 0xf0});                           // jmp 0xf000:0
  return rom;
}

struct GdbX86 : GdbSession {
  Args board(const Guest& guest, const char* cpu, Args more = {}) const {
    more.insert(more.begin(), {"-M", "microvm", "-m", "32", "-cpu", cpu});
    return with(guest.file(), std::move(more));
  }
  Args pc(const char* cpu) const {
    return {"-M",         "pc",
            "-m",         "32",
            "-cpu",       cpu,
            "-nographic", "-nic",
            "none",       "-S",
            "-bios",      folder.write("bios", firmware()),
            "-gdb",       "unix:" + socket};
  }
  static void end(GdbClient& gdb, Program& program) {
    gdb.send(frame("k"));
    EXPECT_EQ(program.finish(), 0) << program.errors;
  }
};

// A debugger's registers by name.
struct Registers {
  explicit Registers(GdbClient& gdb, const std::string& xml)
      : gdb(gdb), number(GdbSession::numbers(xml, "\\d+")) {}
  uint64_t operator[](const std::string& name) {
    const std::string text = gdb.ask(fmt::format("p{:x}", number.at(name)));
    uint64_t value = 0;
    for (size_t i = 0; i < 16 && 2 * i + 2 <= text.size() && i < 8; ++i)
      value |= std::stoull(text.substr(2 * i, 2), nullptr, 16) << 8 * i;
    return value;
  }
  std::string set(const std::string& name, uint64_t value, unsigned bytes) {
    return gdb.ask(fmt::format("P{:x}=", number.at(name)) + little_endian(value).substr(0, 2 * bytes));
  }
  GdbClient& gdb;
  const std::map<std::string, unsigned> number;
};

TEST_F(GdbX86, TargetDescriptions) {
  {
    Program program(board(counting(), "max"));
    GdbClient gdb(socket);
    const std::string xml = description(gdb);
    EXPECT_THAT(xml, AllOf(HasSubstr("<architecture>i386:x86-64</architecture>"),
                           HasSubstr("org.gnu.gdb.i386.core"), HasSubstr("org.gnu.gdb.i386.sse"),
                           HasSubstr("org.gnu.gdb.i386.avx"), HasSubstr("org.gnu.gdb.i386.segments")));
    const auto registers = numbers(xml, "\\d+");
    EXPECT_EQ(registers.at("rip"), 16u);
    EXPECT_EQ(registers.at("st0"), 24u);
    EXPECT_EQ(registers.at("xmm0"), 40u);
    EXPECT_EQ(registers.at("mxcsr"), 56u);
    // 16 and RIP, EFLAGS and six selectors, the x87's eight and eight, SSE's.
    EXPECT_EQ(gdb.ask("g").size(), 2u * (17 * 8 + 7 * 4 + 8 * 10 + 8 * 4 + 16 * 16 + 4));
    end(gdb, program);
  }
  Program program(board(counting(), "pentium3"));
  GdbClient gdb(socket);
  const std::string xml = description(gdb);
  EXPECT_THAT(xml, AllOf(HasSubstr("<architecture>i386</architecture>"), HasSubstr("org.gnu.gdb.i386.core"),
                         HasSubstr("org.gnu.gdb.i386.sse"), Not(HasSubstr("org.gnu.gdb.i386.avx")),
                         Not(HasSubstr("\"rax\""))));
  const auto registers = numbers(xml, "\\d+");
  EXPECT_EQ(registers.at("eip"), 8u);
  EXPECT_EQ(registers.at("xmm0"), 32u);
  EXPECT_EQ(gdb.ask("g").size(), 2u * (9 * 4 + 7 * 4 + 8 * 10 + 8 * 4 + 8 * 16 + 4));
  EXPECT_EQ(gdb.ask("p8"), little32(Guest::kEntry));
  end(gdb, program);
}

TEST_F(GdbX86, BreakAndWatchpoints) {
  for (const char* accelerator : {"jit", "interp"}) {
    Program program(board(counting(), "max", {"-accel", accelerator}));
    GdbClient gdb(socket);
    Registers r(gdb, description(gdb));
    for (const char* kind : {"0", "1"}) {
      EXPECT_EQ(gdb.ask(fmt::format("Z{},{:x},1", kind, kStore)), "OK");
      EXPECT_THAT(gdb.ask("c"), HasSubstr("T05"));
      EXPECT_EQ(r["rip"], kStore);
      const uint64_t count = r["rbx"];
      EXPECT_THAT(gdb.ask("c"), HasSubstr("T05"));
      EXPECT_EQ(r["rip"], kStore);
      EXPECT_EQ(r["rbx"], count + 1);
      EXPECT_THAT(gdb.ask("s"), HasSubstr("T05"));
      EXPECT_EQ(r["rip"], kLoad);
      EXPECT_EQ(gdb.ask(fmt::format("m{:x},4", kStored)), little32(static_cast<uint32_t>(count + 1)));
      EXPECT_EQ(gdb.ask(fmt::format("z{},{:x},1", kind, kStore)), "OK");
    }
    for (const uint32_t pc : {kJump, kLoop, kStore, kLoad}) {
      EXPECT_THAT(gdb.ask("s"), HasSubstr("T05"));
      EXPECT_EQ(r["rip"], pc);
    }
    // Behind the instruction whose access it was.
    struct Point {
      const char* kind;
      const char* told;
      uint32_t address, pc;
    };
    for (const Point& p : {Point{"2", "watch:", kStored, kLoad}, Point{"3", "rwatch:", kLoaded, kJump},
                           Point{"4", "awatch:", kStored, kLoad}, Point{"4", "awatch:", kLoaded, kJump}}) {
      EXPECT_EQ(gdb.ask(fmt::format("Z{},{:x},4", p.kind, p.address)), "OK");
      EXPECT_THAT(gdb.ask("c"), HasSubstr(p.told));
      EXPECT_EQ(r["rip"], p.pc);
      EXPECT_EQ(gdb.ask(fmt::format("z{},{:x},4", p.kind, p.address)), "OK");
    }
    // A load is no write, a store no read.
    EXPECT_EQ(gdb.ask(fmt::format("Z2,{:x},4", kLoaded)), "OK");
    EXPECT_EQ(gdb.ask(fmt::format("Z3,{:x},4", kStored)), "OK");
    EXPECT_EQ(gdb.ask(fmt::format("Z0,{:x},1", kLoop)), "OK");
    for (unsigned n = 0; n < 3; ++n) {
      EXPECT_THAT(gdb.ask("c"), Not(HasSubstr("watch")));
      EXPECT_EQ(r["rip"], kLoop);
    }
    end(gdb, program);
  }
}

TEST_F(GdbX86, SegmentBases) {
  Guest g;
  g.bytes({0x64, 0xa1, 4, 0, 0, 0}).sleep_forever();  // mov eax, fs:[4]
  for (const char* cpu : {"max", "pentium3"}) {
    Program program(board(g, cpu));
    GdbClient gdb(socket);
    const std::string xml = description(gdb);
    Registers r(gdb, xml);
    const bool wide = r.number.contains("rip");
    for (const char* name : {"cs_base", "ss_base", "ds_base", "es_base", "fs_base", "gs_base"})
      EXPECT_EQ(r[name], 0u) << name;
    EXPECT_EQ(r.set("fs_base", 0x300000, wide ? 8 : 4), "OK");
    EXPECT_EQ(r.set("cs", 8, 4), "E16");  // a segment is more than its selector
    EXPECT_EQ(gdb.ask("M300004,4:78563412"), "OK");
    EXPECT_THAT(gdb.ask("s"), HasSubstr("T05"));  // mov esp
    EXPECT_THAT(gdb.ask("s"), HasSubstr("T05"));
    EXPECT_EQ(r[wide ? "rax" : "eax"], 0x12345678u);
    EXPECT_EQ(r["fs_base"], 0x300000u);
    end(gdb, program);
  }
}

TEST_F(GdbX86, ControlRegisters) {
  Program program(board(counting(), "max"));
  GdbClient gdb(socket);
  Registers r(gdb, description(gdb));
  const uint64_t cr0 = r["cr0"];
  constexpr uint64_t kPg = 1u << 31;
  EXPECT_EQ(cr0 & 0x80000001, 1u);
  EXPECT_EQ(r.set("cr0", (cr0 & ~uint64_t{1}) | kPg, 8), "E16");  // paging without protection
  EXPECT_EQ(r.set("cr4", ~uint64_t{0}, 8), "E16");
  EXPECT_EQ(r["cr0"], cr0);
  EXPECT_EQ(r.set("cr2", 0x1234, 8), "OK");
  EXPECT_EQ(r["cr2"], 0x1234u);
  EXPECT_EQ(r.set("cr4", 0x10, 8), "OK");
  EXPECT_EQ(r["cr4"], 0x10u);
  EXPECT_EQ(r.set("efer", 0x800, 8), "OK");
  EXPECT_EQ(r["efer"], 0x800u);
  EXPECT_EQ(r.set("cr8", 5, 8), "OK");
  EXPECT_EQ(r["cr8"], 5u);
  // Tables that map nothing, then 4 MiB one to one.
  const std::string code = gdb.ask("m200070,5");
  EXPECT_EQ(r.set("cr3", 0x400000, 8), "OK");
  EXPECT_EQ(r.set("cr0", cr0 | kPg, 8), "OK");
  EXPECT_EQ(gdb.ask("m200070,5"), "E0e");
  EXPECT_EQ(gdb.ask("Qqemu.PhyMemMode:1"), "OK");
  EXPECT_EQ(gdb.ask("m200070,5"), code);
  EXPECT_EQ(gdb.ask("M400000,4:83000000"), "OK");
  EXPECT_EQ(gdb.ask("Qqemu.PhyMemMode:0"), "OK");
  EXPECT_EQ(gdb.ask("m200070,5"), code);
  EXPECT_THAT(gdb.ask("s"), HasSubstr("T05"));
  EXPECT_EQ(r["rip"], Guest::kEntry + 5);
  EXPECT_EQ(r.set("cr0", cr0, 8), "OK");
  EXPECT_EQ(gdb.ask("m200070,5"), code);
  end(gdb, program);
}

TEST_F(GdbX86, CodeOf16Bits) {
  Program program(pc("max"));
  GdbClient gdb(socket);
  Registers r(gdb, description(gdb));
  EXPECT_EQ(r["rip"], 0xfffffff0u);
  EXPECT_EQ(r["cs"], 0xf000u);
  EXPECT_EQ(r["cs_base"], 0xffff0000u);
  EXPECT_EQ(gdb.ask("mfffffff0,5"), "ea000000f0");
  EXPECT_THAT(gdb.ask("s"), HasSubstr("T05"));
  EXPECT_EQ(r["rip"], 0xf0000u);
  EXPECT_EQ(r["cs_base"], 0xf0000u);
  for (unsigned n = 0; n < 2; ++n) EXPECT_THAT(gdb.ask("s"), HasSubstr("T05"));
  EXPECT_EQ(r["ds"], 0x2000u);
  EXPECT_EQ(r["ds_base"], 0x20000u);
  EXPECT_EQ(gdb.ask("Z0,f0008,1"), "OK");
  for (unsigned n = 1; n <= 3; ++n) {
    EXPECT_THAT(gdb.ask("c"), HasSubstr("T05"));
    EXPECT_EQ(r["rip"], 0xf0008u);
    EXPECT_EQ(r["rbx"], n);
  }
  EXPECT_EQ(gdb.ask("z0,f0008,1"), "OK");
  EXPECT_EQ(gdb.ask("Z2,20010,2"), "OK");
  EXPECT_THAT(gdb.ask("c"), HasSubstr("watch:"));
  EXPECT_EQ(r["rip"], 0xf000cu);
  EXPECT_EQ(gdb.ask("m20010,2"), "0300");
  end(gdb, program);
}

TEST_F(GdbX86, CodeOf64Bits) {
  const LongGuest guest;
  Program program(board(guest.g, "max"));
  GdbClient gdb(socket);
  Registers r(gdb, description(gdb));
  EXPECT_EQ(gdb.ask(fmt::format("Z1,{:x},1", guest.loop)), "OK");
  EXPECT_THAT(gdb.ask("c"), HasSubstr("T05"));
  EXPECT_EQ(r["rip"], guest.loop);
  EXPECT_EQ(r["r15"], kFirst64);
  EXPECT_EQ(r["cs"], 8u);
  EXPECT_EQ(r["efer"], 0x500u);
  EXPECT_EQ(r["cr3"], 0x400000u);
  EXPECT_EQ(r.set("r15", ~uint64_t{0}, 8), "OK");
  EXPECT_EQ(r.set("gs_base", 0xffff800000001000, 8), "OK");
  EXPECT_EQ(r["gs_base"], 0xffff800000001000u);
  EXPECT_EQ(r.set("ds_base", 0x1000, 8), "E16");  // has none there
  EXPECT_THAT(gdb.ask("c"), HasSubstr("T05"));
  EXPECT_EQ(r["r15"], 0u);
  EXPECT_EQ(gdb.ask("m600000,1"), "E0e");
  end(gdb, program);
}

// --- GDB itself

class GdbItself : public GdbX86 {
 protected:
  void SetUp() override {
    if (output_of("command -v gdb").front() != '/') GTEST_SKIP() << "there is no gdb";
  }
  // What it says to these commands, behind the connection; it ends the program.
  std::string says(Program& program, const std::vector<std::string>& commands) {
    for (int i = 0; i < 200 && !std::filesystem::exists(socket); ++i) std::this_thread::sleep_for(20ms);
    std::string line = "timeout 60 gdb -nx -batch";
    line += " -ex 'target remote " + socket + "'";
    for (const std::string& command : commands) line += " -ex '" + command + "'";
    const std::string said = output_of(line + " -ex kill");
    EXPECT_EQ(program.finish(), 0) << program.errors << said;
    return said;
  }
};

TEST_F(GdbItself, DebugsCodeOf32Bits) {
  for (const char* cpu : {"max", "pentium3"}) {
    Program program(board(counting(), cpu));
    const std::string said = says(
        program, {fmt::format("break *{:#x}", kStore), "continue", "continue", "p $ebx * 1000", "x/2i $pc",
                  "stepi", "delete", fmt::format("watch *(int*){:#x}", kStored), "continue", "p/x $cr0 & 1",
                  "p $eflags", "info registers cs_base", fmt::format("x/wx {:#x}", kStored)});
    EXPECT_THAT(said, HasSubstr("= 2000")) << cpu;
    EXPECT_THAT(said, HasSubstr("mov    %ebx,0x300000"));
    EXPECT_THAT(said, AllOf(HasSubstr("Old value = 2"), HasSubstr("New value = 3")));
    EXPECT_THAT(said, HasSubstr("= 0x1\n"));
    EXPECT_THAT(said, testing::ContainsRegex("= \\[ .*\\]"));
    EXPECT_THAT(said, HasSubstr("0x300000:\t0x00000003"));
    EXPECT_THAT(said, Not(HasSubstr("rror")));
  }
}

TEST_F(GdbItself, DebugsCodeOf64Bits) {
  const LongGuest guest;
  Program program(board(guest.g, "max"));
  const std::string said =
      says(program, {fmt::format("hbreak *{:#x}", guest.loop), "continue", "p/x $r15", "x/i $pc", "stepi",
                     "p/x $r15", "p $cr0", "p $efer", "p/x $fs_base", "p $xmm0.uint128"});
  EXPECT_THAT(said, AllOf(HasSubstr("= 0x123456789abcdef0"), HasSubstr("= 0x123456789abcdef1")));
  EXPECT_THAT(said, HasSubstr("inc    %r15"));
  EXPECT_THAT(said, testing::ContainsRegex("= \\[ PE .*PG \\]"));
  EXPECT_THAT(said, HasSubstr("= [ LME LMA ]"));
  EXPECT_THAT(said, Not(HasSubstr("rror")));
}

// By linear addresses. Whatever architecture a person sets, GDB's disassembler takes the description's.
TEST_F(GdbItself, DebugsCodeOf16Bits) {
  for (const char* cpu : {"max", "pentium3"}) {
    Program program(pc(cpu));
    const std::string said =
        says(program, {"stepi", "break *0xf0008", "continue", "p $bx", "p/x $ds_base", "p/x $cs", "continue",
                       "p $bx", "watch *(short*)0x20010", "continue"});
    EXPECT_THAT(said, AllOf(HasSubstr("$1 = 1\n"), HasSubstr("$2 = 0x20000"), HasSubstr("$3 = 0xf000"),
                            HasSubstr("$4 = 2\n")));
    EXPECT_THAT(said, AllOf(HasSubstr("Old value = 1"), HasSubstr("New value = 2")));
    EXPECT_THAT(said, Not(HasSubstr("rror")));
  }
}

}  // namespace
}  // namespace mynah::app
