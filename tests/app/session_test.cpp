// SPDX-License-Identifier: Apache-2.0
//
// Whole runs of the program with small guests.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pty.h>
#include <termios.h>
#include <utmp.h>

#include <nlohmann/json.hpp>
#include <thread>

#include "tests/app/gdb_client.h"
#include "tests/app/guests.h"
#include "tests/app/program.h"

namespace mynah::app {
namespace {

using namespace test;
using testing::HasSubstr;
using testing::Not;

struct Session : testing::TestWithParam<const char*> {
  Folder folder;
  Args with(const std::vector<uint8_t>& guest, Args more = {}) const {
    Args args{"-nographic", "-kernel", folder.write("kernel", guest), "-accel", GetParam(), "-nic", "none"};
    args.insert(args.end(), more.begin(), more.end());
    return args;
  }
};
INSTANTIATE_TEST_SUITE_P(Accelerators, Session, testing::Values("jit", "interp"),
                         [](const auto& parameter) { return std::string(parameter.param); });

TEST_P(Session, TheGuestPrintsAndPowersOff) {
  Program program(with(hello_guest()));
  EXPECT_EQ(program.finish(), 0);
  EXPECT_EQ(program.output, "hello\n");
  EXPECT_EQ(program.errors, "");
}

TEST_P(Session, GicVersionAndMemoryAreTheMachines) {
  Program program(with(hello_guest(), {"-M", "virt,gic-version=3", "-m", "1G", "-cpu", "cortex-a72"}));
  EXPECT_EQ(program.finish(), 0);
  EXPECT_EQ(program.output, "hello\n");
}

TEST_P(Session, ARestartEndsTheRunWhenAsked) {
  Program once(with(restart_guest(), {"-no-reboot"}));
  EXPECT_EQ(once.finish(), 0);
  EXPECT_EQ(once.output, "hello\n");
  Program again(with(restart_guest()));
  EXPECT_TRUE(again.wait_for("hello\nhello\nhello\n"));
  again.signal(SIGTERM);
  EXPECT_EQ(again.finish(), 0);
}

TEST_P(Session, InputReachesTheGuest) {
  Program program(with(echo_guest()));
  program.type("abc");
  EXPECT_TRUE(program.wait_for("abc"));
  program.type("q");
  EXPECT_EQ(program.finish(), 0);
  EXPECT_EQ(program.output, "abcq");
}

TEST_P(Session, EndOfInputIsNotTheEnd) {
  Program program(with(echo_guest(), {"-serial", "stdio", "-monitor", "none"}));
  program.type("a");
  EXPECT_TRUE(program.wait_for("a"));
  EXPECT_FALSE(program.wait_for("never", 200ms));
  program.signal(SIGINT);
  EXPECT_EQ(program.finish(), 0);
  EXPECT_THAT(program.errors, HasSubstr("terminating on signal 2 from pid " + std::to_string(::getpid())));
}

TEST_P(Session, TheEscapeKeyQuits) {
  Program program(with(idle_guest()));
  program.type("\x01x");
  EXPECT_EQ(program.finish(), 0);
  Program other(with(idle_guest(), {"-echr", "2"}));
  other.type("\x02x");
  EXPECT_EQ(other.finish(), 0);
}

TEST_P(Session, TheMonitorShowsAndControls) {
  Program program(with(counting_guest(), {"-name", "bird"}));
  program.type(
      "\x01"
      "cinfo status\r");
  EXPECT_TRUE(program.wait_for("VM status: running"));
  program.type("stop\rinfo status\r");
  EXPECT_TRUE(program.wait_for("VM status: paused"));
  program.type("info registers\r");
  EXPECT_TRUE(program.wait_for("X01=0000000040100000"));
  program.type("x /2 0x40200040\r");
  EXPECT_TRUE(program.wait_for("0000000040200040: 0xd2800000 0xd2a80201"));
  program.type("x 0xffff000000000000\r");
  EXPECT_TRUE(program.wait_for("is not mapped"));
  program.type("info mtree\r");
  EXPECT_TRUE(program.wait_for("0000000040000000-0000000047ffffff ram"));
  EXPECT_TRUE(program.wait_for("pl011"));
  program.type("info name\rinfo versoin\r");
  EXPECT_TRUE(program.wait_for("bird"));
  EXPECT_TRUE(program.wait_for("did you mean 'info version'"));
  program.type("system_resett\r");
  EXPECT_TRUE(program.wait_for("did you mean 'system_reset'"));
  program.type("hellp\x7f\x7fp\rc\rinfo jit\r");
  EXPECT_TRUE(program.wait_for("system_powerdown"));
  EXPECT_TRUE(program.wait_for("guest instructions"));
  program.type("quit\r");
  EXPECT_EQ(program.finish(), 0);
}

// The date that the guest reads, before the monitor stops it for two seconds and after.
TEST_P(Session, TheCalendarGoesOnByTheClockThatIsChosen) {
  const std::vector<uint8_t> guest = make_image({0xd2a12021,    // mov x1, #0x9010000
                                                 0xb9400020,    // ldr w0, [x1]
                                                 0x17ffffff});  // b -4
  const auto date = [](Program& program) {
    program.output.clear();
    program.type("stop\rinfo registers\r");
    EXPECT_TRUE(program.wait_for(" X01="));
    const size_t at = program.output.find("X00=");
    return at == std::string::npos ? 0 : std::stoll(program.output.substr(at + 4, 16), nullptr, 16);
  };
  const auto now = [] { return static_cast<long long>(::time(nullptr)); };
  constexpr long long kDate = 1709208000;
  struct Case {
    Args args;
    bool goes_on;
    std::optional<long long> start;  // else the host's
  };
  const Case cases[] = {
      {{}, true, {}},
      {{"-rtc", "clock=host"}, true, {}},
      {{"-rtc", "base=2024-02-29T12:00:00"}, true, kDate},
      {{"-rtc", "base=2024-02-29T12:00:00,clock=rt"}, true, kDate},
      {{"-rtc", "clock=vm"}, false, {}},
      {{"-rtc", "base=2024-02-29T12:00:00,clock=vm"}, false, kDate},
      {{"-icount", "shift=0"}, false, 1767225600},
      {{"-icount", "shift=0", "-rtc", "clock=host"}, true, {}},
  };
  for (const Case& c : cases) {
    std::string name;
    for (const auto& arg : c.args) name += arg + " ";
    const long long before = c.start ? *c.start : now();
    Program program(with(guest, c.args));
    program.type(
        "\x01"
        "c");
    EXPECT_FALSE(program.wait_for("never", 300ms));
    const long long first = date(program);
    EXPECT_GE(first, before) << name;
    EXPECT_LE(first, before + 15) << name;
    std::this_thread::sleep_for(2100ms);
    program.type("cont\r");
    EXPECT_FALSE(program.wait_for("never", 200ms));
    const long long second = date(program);
    if (c.goes_on)
      EXPECT_GE(second, first + 2) << name;
    else
      EXPECT_LE(second, first + 1) << name;
    program.type("quit\r");
    EXPECT_EQ(program.finish(), 0);
  }
}

TEST_P(Session, StartsStoppedWhenAsked) {
  Program program(with(hello_guest(), {"-S"}));
  EXPECT_FALSE(program.wait_for("hello", 300ms));
  program.type(
      "\x01"
      "cinfo status\r");
  EXPECT_TRUE(program.wait_for("paused (prelaunch)"));
  program.type("cont\r");
  EXPECT_EQ(program.finish(), 0);
  EXPECT_THAT(program.output, HasSubstr("hello"));
}

TEST_P(Session, StaysAfterShutdownWhenAsked) {
  Program program(with(hello_guest(), {"-no-shutdown"}));
  EXPECT_TRUE(program.wait_for("hello"));
  program.type(
      "\x01"
      "cinfo status\r");
  EXPECT_TRUE(program.wait_for("paused (shutdown)"));
  program.output.clear();
  program.type("system_reset\rcont\r");
  EXPECT_TRUE(program.wait_for("hello"));
  program.type("quit\r");
  EXPECT_EQ(program.finish(), 0);
}

TEST_P(Session, AnIdleGuestTakesNoProcessorTime) {
  Program timed(with(idle_guest(), {"--stats=" + (folder / "stats")}));
  EXPECT_FALSE(timed.wait_for("never", 1500ms));
  timed.signal(SIGTERM);
  EXPECT_EQ(timed.finish(), 0);
  const auto json = nlohmann::json::parse(folder.read("stats"));
  EXPECT_LT(json["run"]["user_seconds"].get<double>() + json["run"]["system_seconds"].get<double>(), 0.5);
  EXPECT_GT(json["run"]["wall_seconds"].get<double>(), 1.0);
}

TEST_P(Session, FiguresAreJson) {
  Program program(with(hello_guest(), {"--stats=" + (folder / "stats")}));
  EXPECT_EQ(program.finish(), 0);
  const auto json = nlohmann::json::parse(folder.read("stats"));
  EXPECT_EQ(json["run"]["guest_instructions"], 32);  // 3, then 4 a character, then 5
  EXPECT_EQ(json["accesses"]["devices"], 6);
  for (const char* group : {"run", "memory", "tlb", "invalidations", "accesses", "leaves"})
    EXPECT_TRUE(json.contains(group)) << group;
  const uint64_t guest = json["memory"]["guest_resident_bytes"];
  EXPECT_GT(guest, 0u);  // kernel and device tree
  EXPECT_LT(guest, 16u << 20);
  EXPECT_GT(json["memory"]["resident_bytes"], guest);
  if (GetParam() == std::string("jit")) {
    EXPECT_GT(json["translation"]["blocks_made"], 2);
    EXPECT_GT(json["translation"]["host_bytes_per_guest_byte"], 1.0);
    EXPECT_TRUE(json["stage_milliseconds"].contains("emit"));
  }
  Program table(with(hello_guest(), {"--stats"}));
  EXPECT_EQ(table.finish(), 0);
  EXPECT_THAT(table.errors, HasSubstr("million guest instructions a second"));
  Program on_request(with(echo_guest()));
  on_request.type("a");
  EXPECT_TRUE(on_request.wait_for("a"));
  on_request.signal(SIGUSR1);
  EXPECT_TRUE(on_request.wait_for_error("guest instructions"));
}

TEST_P(Session, TwoDeterministicRunsAreTheSame) {
  std::string figures[2];
  for (int i = 0; i < 2; ++i) {
    Program program(with(hello_guest(), {"-icount", "shift=3,sleep=off", "--stats=" + (folder / "stats")}));
    EXPECT_EQ(program.finish(), 0);
    auto json = nlohmann::json::parse(folder.read("stats"));
    for (const char* name : {"wall_seconds", "user_seconds", "system_seconds", "mips", "peak_rss_bytes"})
      json["run"].erase(name);
    json.erase("stage_milliseconds");
    json.erase("memory");
    figures[i] = json.dump();
  }
  EXPECT_EQ(figures[0], figures[1]);
}

TEST_P(Session, ExceptionsAndErrorsAreLogged) {
  Program program(with(undefined_guest(), {"-d", "int,unimp,guest_errors", "-D", folder / "log"}));
  EXPECT_EQ(program.finish(), 0);
  const std::string log = folder.read("log");
  EXPECT_THAT(log, AllOf(HasSubstr("unimplemented: cpu: instruction at 0x"), HasSubstr(":  04e00000  ")));
  EXPECT_THAT(
      log,
      HasSubstr(
          "Taking exception [Undefined Instruction] on CPU 0\n...from EL1 to EL1\n...with ESR 0x0/0x2000000\n"
          "...with ELR 0x40200048\n...to EL1 PC 0x40200a00\n"));
}

TEST_P(Session, CodeIsLogged) {
  if (GetParam() == std::string("interp")) GTEST_SKIP();
  Program program(
      with(hello_guest(), {"-d", "in_asm,ir,ir_opt,out_asm,exec,cpu,nochain", "-D", folder / "log"}));
  EXPECT_EQ(program.finish(), 0);
  const std::string log = folder.read("log");
  for (const char* text : {"0x40200040:  d2a12001  mov", "region @", "IR after optimization at 0x40200048",
                           "OUT: [size=", "Trace 0: ", "PC=0000000040200048"})
    EXPECT_THAT(log, HasSubstr(text));
  Program filtered(with(hello_guest(), {"-d", "in_asm", "-dfilter", "0x40200048+4", "-D", folder / "log2"}));
  EXPECT_EQ(filtered.finish(), 0);
  EXPECT_THAT(folder.read("log2"), HasSubstr("0x40200048:  38401443"));
  EXPECT_THAT(folder.read("log2"), Not(HasSubstr("0x40200000:")));
}

TEST_P(Session, TheProcessNumberIsWrittenAndGoes) {
  Program program(with(idle_guest(), {"-pidfile", folder / "pid"}));
  for (int i = 0; i < 100 && folder.read("pid").empty(); ++i) std::this_thread::sleep_for(20ms);
  EXPECT_EQ(folder.read("pid"), std::to_string(program.pid()) + "\n");
  program.signal(SIGTERM);
  EXPECT_EQ(program.finish(), 0);
  EXPECT_FALSE(std::filesystem::exists(folder / "pid"));
}

TEST_P(Session, TheDeviceTreeIsWritten) {
  Program program({"-M", "virt,dumpdtb=" + (folder / "dtb")});
  EXPECT_EQ(program.finish(), 0);
  EXPECT_EQ(folder.read("dtb").substr(0, 4), "\xd0\x0d\xfe\xed");
  // And taken again.
  Program again(with(hello_guest(), {"-dtb", folder / "dtb"}));
  EXPECT_EQ(again.finish(), 0);
  EXPECT_EQ(again.output, "hello\n");
}

TEST_P(Session, EveryDeviceCanBeThere) {
  const std::string disk = folder.write("disk", std::string(1 << 20, '\0'));
  Program program(with(hello_guest(), {"-drive", "if=none,id=d,format=raw,file=" + disk, "-device",
                                       "virtio-blk-device,drive=d", "-netdev", "user,id=n", "-device",
                                       "virtio-net-device,netdev=n", "-device", "virtio-rng-device",
                                       "-device", "virtio-serial-device", "-chardev", "null,id=c", "-device",
                                       "virtconsole,chardev=c", "-snapshot", "-bios", "none.fd"}));
  EXPECT_EQ(program.finish(), 1);  // there is no such firmware
  Program good(with(
      hello_guest(),
      {"-drive", "if=none,id=d,format=raw,file=" + disk, "-device", "virtio-blk-device,drive=d", "-netdev",
       "user,id=n", "-device", "virtio-net-device,netdev=n", "-device", "virtio-rng-device", "-device",
       "virtio-serial-device", "-chardev", "null,id=c", "-device", "virtconsole,chardev=c", "-snapshot"}));
  EXPECT_EQ(good.finish(), 0);
  EXPECT_EQ(good.output, "hello\n");
}

// --- the debugger

TEST_P(Session, GdbStepsBreaksAndWatches) {
  Program program(with(counting_guest(), {"-gdb", "unix:" + (folder / "gdb"), "-S"}));
  GdbClient gdb(folder / "gdb");
  EXPECT_THAT(gdb.ask("qSupported:swbreak+"), HasSubstr("PacketSize"));
  EXPECT_THAT(gdb.ask("?"), HasSubstr("thread:1;"));
  EXPECT_EQ(gdb.ask("p20"), little_endian(0x40200000));
  EXPECT_EQ(gdb.ask("vCont;s:1;c"), "T05thread:1;");
  EXPECT_EQ(gdb.ask("p20"), little_endian(0x40200040));
  EXPECT_EQ(gdb.ask("m40200040,4"), "000080d2");
  EXPECT_EQ(gdb.ask("mffff000000000000,4"), "E0e");
  EXPECT_EQ(gdb.ask("Z0,40200048,4"), "OK");
  for (unsigned i = 0; i < 3; ++i) {
    EXPECT_EQ(gdb.ask("c"), "T05thread:1;swbreak:;");
    EXPECT_EQ(gdb.ask("p20"), little_endian(0x40200048));
    EXPECT_EQ(gdb.ask("p0"), little_endian(i));
  }
  EXPECT_EQ(gdb.ask("z0,40200048,4"), "OK");
  EXPECT_EQ(gdb.ask("Z2,40100000,8"), "OK");
  EXPECT_EQ(gdb.ask("c"), "T05thread:1;watch:40100000;");
  EXPECT_EQ(gdb.ask("m40100000,8"), little_endian(3));
  EXPECT_EQ(gdb.ask("z2,40100000,8"), "OK");
  EXPECT_EQ(gdb.ask("P0=" + little_endian(1000)), "OK");
  EXPECT_EQ(gdb.ask("P22=" + std::string(32, '7')), "OK");
  EXPECT_EQ(gdb.ask("p22"), std::string(32, '7'));
  gdb.send(frame("c"));
  std::this_thread::sleep_for(200ms);
  gdb.send("\x03");
  EXPECT_EQ(gdb.receive(), "T02thread:1;");
  EXPECT_EQ(gdb.ask("M40100000,1:ff"), "OK");
  EXPECT_EQ(gdb.ask("qRcmd,696e666f20737461747573").substr(0, 4), "564d");  // "VM status..."
  // Replacing code that runs.
  EXPECT_EQ(gdb.ask("M40200048,4:000800"
                    "91"),
            "OK");  // add x0, x0, #2
  EXPECT_EQ(gdb.ask("P0=" + little_endian(0)), "OK");
  EXPECT_EQ(gdb.ask("P20=" + little_endian(0x40200048)), "OK");
  EXPECT_EQ(gdb.ask("s"), "T05thread:1;");
  EXPECT_EQ(gdb.ask("p0"), little_endian(2));
  EXPECT_EQ(gdb.ask("D"), "OK");
  program.signal(SIGTERM);
  EXPECT_EQ(program.finish(), 0);
}

TEST_P(Session, GdbMayComeAndGo) {
  Program program(with(counting_guest(), {"-gdb", "unix:" + (folder / "gdb")}));
  for (int i = 0; i < 3; ++i) {
    GdbClient gdb(folder / "gdb");
    EXPECT_THAT(gdb.ask("qSupported"), HasSubstr("PacketSize"));
    EXPECT_EQ(gdb.ask("Z0,40200048,4"), "OK");
    EXPECT_EQ(gdb.ask("c").substr(0, 3), "T05");
  }
  GdbClient gdb(folder / "gdb");
  EXPECT_THAT(gdb.ask("qSupported"), HasSubstr("PacketSize"));
  gdb.send(frame("k"));
  EXPECT_EQ(program.finish(), 0);
}

// --- terminals

TEST(Terminal, IsGivenBackAsItWas) {
  const Folder folder;
  const std::string kernel = folder.write("kernel", idle_guest());
  for (int number : {SIGTERM, SIGHUP, SIGABRT, 0}) {
    int master, slave;
    ASSERT_EQ(::openpty(&master, &slave, nullptr, nullptr, nullptr), 0);
    termios before{}, during{}, after{};
    ::tcgetattr(slave, &before);
    const pid_t pid = ::fork();
    if (pid == 0) {
      ::login_tty(slave);
      ::execl(MYNAH_PROGRAM, "mynah", "-nographic", "-kernel", kernel.c_str(), "-nic", "none", nullptr);
      ::_exit(127);
    }
    for (int i = 0; i < 250; ++i) {
      ::tcgetattr(slave, &during);
      if (!(during.c_lflag & ICANON)) break;
      std::this_thread::sleep_for(20ms);
    }
    EXPECT_FALSE(during.c_lflag & (ICANON | ECHO | ISIG));
    if (number)
      ::kill(pid, number);
    else
      EXPECT_EQ(::write(master, "\x01x", 2), 2);
    int status = 0;
    // Whoever leaves flushes its output first, which somebody must read.
    while (::waitpid(pid, &status, WNOHANG) == 0) {
      char buffer[512];
      pollfd ready{master, POLLIN, 0};
      if (::poll(&ready, 1, 20) > 0) [[maybe_unused]]
        ssize_t n = ::read(master, buffer, sizeof buffer);
    }
    ::tcgetattr(slave, &after);
    EXPECT_EQ(after.c_lflag, before.c_lflag) << number;
    EXPECT_EQ(after.c_iflag, before.c_iflag) << number;
    if (number == SIGABRT)
      EXPECT_EQ(WTERMSIG(status), SIGABRT);
    else
      EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << number;
    ::close(master);
    ::close(slave);
  }
}

}  // namespace
}  // namespace mynah::app
