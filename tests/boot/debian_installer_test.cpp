// SPDX-License-Identifier: Apache-2.0
//
// The Debian installer for arm64 on the machine `virt`: that it comes up, that a deterministic clock makes
// two runs the same, and that translated code does what interpreted code does.
//
// MYNAH_BOOT_COMPARE says how many instructions are both translated and interpreted.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>

#include "frontend/arm/pstate.h"
#include "machines/virt.h"
#include "tests/app/program.h"
#include "tests/boot/images.h"

namespace mynah {
namespace {

using boot::image_path;

std::vector<uint8_t> read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

struct QuietLog final : dev::Log {
  void guest_error(std::string_view, std::string_view) override {}
  void unimplemented(std::string_view, std::string_view) override {}
};

constexpr std::string_view kFirstScreen = "Select a language";

struct Console final : dev::CharBackend {
  explicit Console(const std::unique_ptr<VirtMachine>& virt) : virt(virt) {}
  void write(std::span<const uint8_t> bytes) override {
    text.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    const size_t news = bytes.size() + kFirstScreen.size();
    if (!at_first_screen && text.find(kFirstScreen, text.size() - std::min(text.size(), news)) != text.npos)
      at_first_screen = virt->vcpu().instructions();
  }
  void attach(dev::CharReceiver*) override {}
  std::string tail() const { return text.substr(text.size() > 2000 ? text.size() - 2000 : 0); }
  std::string text;
  const std::unique_ptr<VirtMachine>& virt;
  uint64_t at_first_screen = 0;  // instructions executed when its last character came; 0: not yet
};

class DebianInstaller : public testing::Test {
 protected:
  void SetUp() override {
    kernel_ = read_file(image_path("linux"));
    initrd_ = read_file(image_path("initrd.gz"));
    if (kernel_.empty() || initrd_.empty())
      GTEST_SKIP()
          << "no installer images; install debian-installer-12-netboot-arm64 or set MYNAH_BOOT_IMAGES ("
          << image_path("linux") << ")";
  }

  struct Machine {
    Console console{virt};
    std::unique_ptr<VirtMachine> virt;
  };
  // Two machines made so differ in nothing that the guest can see.
  std::unique_ptr<Machine> boot(GuestClock::Kind clock, Accelerator accelerator, const char* cpu = "max") {
    auto m = std::make_unique<Machine>();
    VirtConfig config;
    config.cpu = *arm::make_cpu_model(cpu).model;
    config.kernel = kernel_;
    config.initrd = initrd_;
    config.command_line = "console=ttyAMA0";
    config.ram_bytes = uint64_t{512} << 20;
    config.serial = &m->console;
    config.clock = clock;
    config.accelerator = accelerator;
    config.rng_seed.assign(32, 7);
    m->virt = std::make_unique<VirtMachine>(config, log_);
    const auto ready = m->virt->init();
    EXPECT_TRUE(ready) << ready.message();
    return m;
  }

  // Deterministic clock: executes until exactly `count` instructions were, jumping over idle time. False if
  // the guest stopped for good before.
  static bool run_to(Machine& m, uint64_t count) {
    VirtMachine& v = *m.virt;
    while (v.vcpu().instructions() < count) {
      v.events().run_due();
      if (v.halted() && !v.cpu().wake_pending()) {
        if (!v.skip_idle_time()) return false;
        continue;
      }
      uint64_t budget = count - v.vcpu().instructions();
      const dev::TimeNs deadline = v.next_deadline();
      if (deadline != dev::kNever) budget = std::min(budget, v.clock().instructions_until(deadline));
      const AfterExit after = v.vcpu().run(budget);
      if (after != AfterExit::kContinue && after != AfterExit::kHalt) return false;
    }
    return true;
  }

  static std::string registers(Machine& m) {
    const arm::ArmState& s = m.virt->cpu().arm();
    std::string text = m.virt->cpu().dump();
    const auto add = [&](const char* name, uint64_t value) {
      char line[64];
      std::snprintf(line, sizeof line, "%s=%llx\n", name, static_cast<unsigned long long>(value));
      text += line;
    };
    for (const auto& v : s.v) {
      add("v.hi", v.hi);
      add("v.lo", v.lo);
    }
    add("elr", s.elr);
    add("esr", s.esr);
    add("far", s.far);
    add("spsr", s.spsr);
    add("ttbr0", s.ttbr0);
    add("ttbr1", s.ttbr1);
    add("sp_el0", s.sp_bank[0]);
    add("tpidr_el0", s.tpidr_el0);
    add("fpcr", s.fpcr);
    add("fpsr", m.virt->cpu().fpsr());
    add("instructions", m.virt->vcpu().instructions());
    return text;
  }

  std::vector<uint8_t> kernel_, initrd_;
  QuietLog log_;
};

// As a person starts it. The processor is the default one.
TEST_F(DebianInstaller, AsksForALanguage) {
  const app::test::Folder folder;
  app::test::Program program({"-M", "virt", "-m", "1024", "-nographic", "-kernel", image_path("linux"),
                              "-initrd", image_path("initrd.gz"), "-append", "console=ttyAMA0",
                              "--stats=" + (folder / "stats")});
  ASSERT_TRUE(program.wait_for(std::string(kFirstScreen), std::chrono::minutes(5)))
      << program.output << program.errors;
  EXPECT_NE(program.output.find("Linux version"), std::string::npos);
  EXPECT_EQ(program.output.find("Kernel panic"), std::string::npos);
  program.signal(SIGTERM);
  EXPECT_EQ(program.finish(), 0) << program.errors;
  const auto figures = nlohmann::json::parse(folder.read("stats"));
  RecordProperty("seconds", figures["run"]["wall_seconds"].dump());
  RecordProperty("instructions", figures["run"]["guest_instructions"].dump());
  const uint64_t resident = figures["memory"]["resident_bytes"];
  const uint64_t guest = figures["memory"]["guest_resident_bytes"];
  EXPECT_GT(guest, 100'000'000u);
#ifndef MYNAH_SANITIZED
  EXPECT_LT(resident - guest, 250'000'000u) << "of the emulator's own";
#endif
}

// The verifier behind every stage and pass of every translation, and the allocation checker.
TEST_F(DebianInstaller, EveryTranslationIsVerified) {
  app::test::Program program({"-M", "virt", "-m", "1024", "-accel", "jit,verify=on", "-nographic", "-kernel",
                              image_path("linux"), "-initrd", image_path("initrd.gz"), "-append",
                              "console=ttyAMA0"});
  ASSERT_TRUE(program.wait_for(std::string(kFirstScreen), std::chrono::minutes(5)))
      << program.output << program.errors;
  program.signal(SIGTERM);
  EXPECT_EQ(program.finish(), 0) << program.errors;
}

// A whole boot, idle times and all. The runs differ in how they are cut into slices, which nobody may see:
// the second one ends where the first one did.
TEST_F(DebianInstaller, TwoBootsAreTheSame) {
  constexpr uint64_t kLimit = 20'000'000'000;  // instructions
  std::string seen[2], text[2];
  uint64_t memory[2], at_first_screen[2], end = 0;
  for (unsigned i = 0; i < 2; ++i) {
    const auto m = boot(GuestClock::Kind::kDeterministic, Accelerator::kJit, "cortex-a57");
    if (i == 0) {
      while (!m->console.at_first_screen) {
        ASSERT_LT(end, kLimit) << m->console.tail();
        ASSERT_TRUE(run_to(*m, end += 50'000'000)) << m->console.tail();
      }
    } else {
      for (uint64_t at = 0; at < end;) ASSERT_TRUE(run_to(*m, at = std::min(end, at + 7'654'321)));
    }
    seen[i] = registers(*m) + "guest_ns=" + std::to_string(m->virt->clock().now());
    text[i] = m->console.text;
    at_first_screen[i] = m->console.at_first_screen;
    memory[i] = m->virt->memory().hash();
  }
  RecordProperty("instructions", std::to_string(at_first_screen[0]));
  EXPECT_EQ(at_first_screen[0], at_first_screen[1]);
  EXPECT_EQ(seen[0], seen[1]);
  EXPECT_EQ(text[0], text[1]);
  EXPECT_EQ(memory[0], memory[1]);
}

TEST_F(DebianInstaller, TranslatedIsInterpreted) {
  constexpr uint64_t kEvery = 500'000;
  const char* longer = std::getenv("MYNAH_BOOT_COMPARE");
  const uint64_t instructions = longer ? std::strtoull(longer, nullptr, 0) : 5'000'000;
  const auto jit = boot(GuestClock::Kind::kDeterministic, Accelerator::kJit);
  const auto interp = boot(GuestClock::Kind::kDeterministic, Accelerator::kInterp);
  for (uint64_t at = kEvery; at <= instructions; at += kEvery) {
    ASSERT_TRUE(run_to(*jit, at));
    ASSERT_TRUE(run_to(*interp, at));
    ASSERT_EQ(registers(*interp), registers(*jit)) << "after " << at << " instructions";
  }
  EXPECT_EQ(interp->virt->memory().hash(), jit->virt->memory().hash());
}

}  // namespace
}  // namespace mynah
