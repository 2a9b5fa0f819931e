// SPDX-License-Identifier: Apache-2.0
//
// The Debian installers for amd64 and i386 on the machine `microvm`: that they come up, that a deterministic
// clock makes two runs the same, and that translated code does what interpreted code does.
//
// MYNAH_BOOT_COMPARE says how many instructions are both translated and interpreted from the reset on;
// MYNAH_BOOT_WINDOWS=N has N windows of the boot compared so, up to the first screen.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>

#include "machines/loader/x86_kernel.h"
#include "machines/microvm.h"
#include "tests/app/program.h"
#include "tests/boot/images.h"

namespace mynah {
namespace {

using boot::image_path;

std::vector<uint8_t> read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

constexpr std::string_view kFirstScreen = "Select a language";
constexpr uint64_t kLimit = 20'000'000'000;  // instructions of a whole boot

struct Console final : dev::CharBackend {
  explicit Console(const std::unique_ptr<MicrovmMachine>& machine) : machine(machine) {}
  void write(std::span<const uint8_t> bytes) override {
    text.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    const size_t news = bytes.size() + kFirstScreen.size();
    if (!at_first_screen && text.find(kFirstScreen, text.size() - std::min(text.size(), news)) != text.npos)
      at_first_screen = machine->vcpu().instructions();
  }
  void attach(dev::CharReceiver*) override {}
  std::string tail() const { return text.substr(text.size() > 2000 ? text.size() - 2000 : 0); }
  std::string text;
  const std::unique_ptr<MicrovmMachine>& machine;
  uint64_t at_first_screen = 0;  // instructions executed when its last character came; 0: not yet
};

// RDRAND's numbers, the same in each run.
struct Numbers final : dev::EntropySource {
  void fill(std::span<uint8_t> to) override {
    for (uint8_t& byte : to) {
      state = state * 6364136223846793005 + 1442695040888963407;
      byte = static_cast<uint8_t>(state >> 56);
    }
  }
  uint64_t state = 1;
};

struct Machine86 {
  Console console{machine};
  Numbers entropy;
  std::unique_ptr<MicrovmMachine> machine;
};

class X86Installer : public testing::TestWithParam<const char*> {
 protected:
  std::string path(const char* name) const { return image_path(GetParam(), name); }
  void SetUp() override {
    kernel_ = read_file(path("linux"));
    initrd_ = read_file(path("initrd.gz"));
    if (kernel_.empty() || initrd_.empty())
      GTEST_SKIP() << "no installer images; install debian-installer-12-netboot-" << GetParam() << " or set "
                   << "MYNAH_BOOT_IMAGES_" << GetParam() << " (" << path("linux") << ")";
  }

  // Two machines made so differ in nothing that the guest can see.
  std::unique_ptr<Machine86> boot(Accelerator accelerator) { return boot(accelerator, kernel_); }
  std::unique_ptr<Machine86> boot(Accelerator accelerator, const std::vector<uint8_t>& kernel) {
    auto m = std::make_unique<Machine86>();
    MicrovmConfig config;
    config.cpu = *x86::parse_cpu("max");
    config.kernel = kernel;
    config.initrd = initrd_;
    config.command_line = "console=ttyS0";
    config.ram_bytes = uint64_t{1} << 30;
    config.serial = &m->console;
    config.clock = GuestClock::Kind::kDeterministic;
    config.accelerator = accelerator;
    config.entropy = &m->entropy;
    config.rng_seed.assign(32, 7);
    m->machine = std::make_unique<MicrovmMachine>(std::move(config), log_);
    const auto ready = m->machine->init();
    EXPECT_TRUE(ready) << ready.message();
    return m;
  }

  // Executes until exactly `count` instructions were, jumping over idle time. False if the guest stopped for
  // good before.
  static bool run_to(Machine86& m, uint64_t count) {
    MicrovmMachine& v = *m.machine;
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

  // The same up to the first screen. How many instructions that took; 0: it did not come.
  static uint64_t run_to_first_screen(Machine86& m) {
    for (uint64_t at = 0; !m.console.at_first_screen;)
      if (!run_to(m, at += 50'000'000) || at > kLimit) return 0;
    return m.console.at_first_screen;
  }

  // All that has state but memory, and time.
  static std::string state(Machine86& m) {
    std::string text = m.machine->processors()[0].debug->dump();
    for (dev::Stateful* part : m.machine->parts()) {
      dev::StateStream stream;
      part->serialize(stream);
      const std::vector<uint8_t> bytes = stream.take();
      text += fmt::format("{}: {:016x}\n", part->name(), hash(bytes));
    }
    return text + fmt::format("guest_ns={}\n", m.machine->clock().now());
  }
  static uint64_t hash(std::span<const uint8_t> bytes) {
    uint64_t h = 0xcbf29ce484222325;
    for (const uint8_t b : bytes) h = (h ^ b) * 0x100000001b3;
    return h;
  }

  std::vector<uint8_t> kernel_, initrd_;
  dev::NullLog log_;
};
INSTANTIATE_TEST_SUITE_P(, X86Installer, testing::Values("amd64", "i386"),
                         [](const auto& info) { return std::string(info.param); });

// As a person starts it.
TEST_P(X86Installer, AsksForALanguage) {
  app::test::Program program({"-M", "microvm", "-m", "1024", "-nographic", "-kernel", path("linux"),
                              "-initrd", path("initrd.gz"), "-append", "console=ttyS0"});
  ASSERT_TRUE(program.wait_for(std::string(kFirstScreen), std::chrono::minutes(5)))
      << program.output << program.errors;
  EXPECT_NE(program.output.find("Linux version"), std::string::npos);
  EXPECT_EQ(program.output.find("Kernel panic"), std::string::npos);
  program.signal(SIGTERM);
  EXPECT_EQ(program.finish(), 0) << program.errors;
}

// A whole boot, idle times and all. The runs differ in how they are cut into slices, which nobody may see:
// the second one ends where the first one did.
TEST_P(X86Installer, TwoBootsAreTheSame) {
  std::string seen[2], text[2];
  uint64_t memory[2], at_first_screen[2], end = 0;
  for (unsigned i = 0; i < 2; ++i) {
    const auto m = boot(Accelerator::kJit);
    if (i == 0) {
      while (!m->console.at_first_screen) {
        ASSERT_LT(end, kLimit) << m->console.tail();
        ASSERT_TRUE(run_to(*m, end += 50'000'000)) << m->console.tail();
      }
    } else {
      for (uint64_t at = 0; at < end;) ASSERT_TRUE(run_to(*m, at = std::min(end, at + 7'654'321)));
    }
    seen[i] = state(*m);
    text[i] = m->console.text;
    at_first_screen[i] = m->console.at_first_screen;
    memory[i] = m->machine->memory().hash();
  }
  RecordProperty("instructions", std::to_string(at_first_screen[0]));
  EXPECT_EQ(at_first_screen[0], at_first_screen[1]);
  EXPECT_EQ(seen[0], seen[1]);
  EXPECT_EQ(text[0], text[1]);
  EXPECT_EQ(memory[0], memory[1]);
}

TEST_P(X86Installer, TranslatedIsInterpreted) {
  constexpr uint64_t kEvery = 500'000;
  const char* longer = std::getenv("MYNAH_BOOT_COMPARE");
  const uint64_t instructions = longer ? std::strtoull(longer, nullptr, 0) : 5'000'000;
  const auto jit = boot(Accelerator::kJit), interp = boot(Accelerator::kInterp);
  for (uint64_t at = kEvery; at <= instructions; at += kEvery) {
    ASSERT_TRUE(run_to(*jit, at));
    ASSERT_TRUE(run_to(*interp, at));
    ASSERT_EQ(state(*interp), state(*jit)) << "after " << at << " instructions";
  }
  EXPECT_EQ(interp->machine->memory().hash(), jit->machine->memory().hash());
}

// From the entry of the kernel that the image would unpack, by PVH, on: the interpreter takes over the
// translator's machine at the start of each window.
TEST_P(X86Installer, WindowsOfTheBootAreInterpreted) {
  constexpr uint64_t kWindow = 1'000'000, kEvery = 100'000;
  auto kernel = unpack_bzimage(kernel_, 256 << 20);
  ASSERT_TRUE(kernel) << kernel.message();
  if (!x86_kernel_kind(*kernel)) kernel = kernel_;  // Debian's for i386 has no entry by PVH
  std::vector<uint64_t> starts = {0, 15'000'000, 60'000'000, 150'000'000};
  if (const char* all = std::getenv("MYNAH_BOOT_WINDOWS")) {
    const uint64_t count = std::strtoull(all, nullptr, 0);
    const uint64_t end = run_to_first_screen(*boot(Accelerator::kJit, *kernel));
    ASSERT_NE(end, 0u);
    starts.clear();
    for (uint64_t n = 0; n < count; ++n) starts.push_back(end / count * n);
  }
  const auto jit = boot(Accelerator::kJit, *kernel), interp = boot(Accelerator::kInterp, *kernel);
  for (const uint64_t start : starts) {
    ASSERT_TRUE(run_to(*jit, start)) << jit->console.tail();
    const auto taken = interp->machine->restore(jit->machine->save());
    ASSERT_TRUE(taken) << taken.message();
    interp->entropy = jit->entropy;
    ASSERT_EQ(state(*interp), state(*jit)) << "at " << start;
    const uint64_t interpreted = interp->machine->vcpu().instructions();  // by it alone
    for (uint64_t at = 0; at < kWindow;) {
      at += kEvery;
      ASSERT_TRUE(run_to(*jit, start + at)) << jit->console.tail();
      ASSERT_TRUE(run_to(*interp, interpreted + at));
      ASSERT_EQ(state(*interp), state(*jit)) << at << " instructions behind " << start;
    }
    EXPECT_EQ(interp->machine->memory().hash(), jit->machine->memory().hash()) << "at " << start;
  }
}

}  // namespace
}  // namespace mynah
