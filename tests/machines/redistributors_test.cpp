// SPDX-License-Identifier: Apache-2.0
//
// The board `virt` with more processors than its first region of redistributors has room for.
#include <gtest/gtest.h>
#include <libfdt.h>

#include "machines/virt.h"
#include "tests/app/guests.h"
#include "tests/engine/assembler.h"

namespace mynah {
namespace {

using namespace a64asm;

constexpr uint64_t kEntry = 0x40200040, kData = 0x40500000;
constexpr uint64_t kCpuOn = 0xc4000003, kCpuOff = 0x84000002, kAffinityInfo = 0xc4000004,
                   kSystemOff = 0x84000008;
enum Label { kSecondary, kWait, kDone };

struct Redistributors : testing::TestWithParam<Accelerator> {};
INSTANTIATE_TEST_SUITE_P(, Redistributors, testing::Values(Accelerator::kJit, Accelerator::kInterp),
                         [](const auto& info) { return info.param == Accelerator::kJit ? "jit" : "interp"; });

// More than the first region of redistributors has room for: the rest are in the second, which the device
// tree names, and get their interrupts.
TEST_P(Redistributors, OfMoreProcessorsAreInTwoRegions) {
  constexpr unsigned kProcessors = 130, kLast = kProcessors - 1;
  constexpr uint64_t kAffinity = kLast / 16 << 8 | kLast % 16;
  constexpr uint64_t kHigh = 0x4000000000, kFrame = kHigh + (kLast - 123) * 0x20000;
  constexpr Word kIgrpen1 = system(3, 0, 12, 12, 7), kPmr = system(3, 0, 4, 6, 0),
                 kIar1 = system(3, 0, 12, 12, 0), kSgi1 = system(3, 0, 12, 11, 5);
  Code c(kEntry);
  c.load(1, 0x8000000)(movz(2, 2), str_w(2, 1));                // group 1, at the distributor
  c.load(1, kFrame + 0x10000)(movz(2, 1), str_w(2, 1, 0x100));  // SGI 0
  c.load(2, 0xffffffff)(str_w(2, 1, 0x80));                     // group 1
  c.load(0, kCpuOn).load(1, kAffinity).adr(2, kSecondary)(movz(3, 0), hvc(0));
  c.bind(kWait).load(10, kData)(ldr(3, 10)).cbz(3, kWait);                  // it is ready
  c.load(1, uint64_t{kLast / 16} << 16 | 1u << kLast % 16)(msr(kSgi1, 1));  // SGI 0 to it
  c.bind(kDone).load(0, kAffinityInfo).load(1, kAffinity)(movz(2, 0), hvc(0), subs_imm(0, 0, 1));
  c.b_cc(kNe, kDone).load(0, kSystemOff)(hvc(0));
  c.bind(kSecondary).load(10, kData)(movz(1, 0xff), msr(kPmr, 1), movz(1, 1), msr(kIgrpen1, 1));
  c(movz(1, 1), str(1, 10), kWfi, mrs(1, kIar1), add_imm(1, 1, 7), str(1, 10, 8));
  c.load(0, kCpuOff)(hvc(0));
  VirtConfig config;
  config.gic_version = 3;
  config.cpu = *arm::make_cpu_model("max").model;
  config.clock = GuestClock::Kind::kDeterministic;
  config.ram_bytes = 16 << 20;
  config.kernel = app::test::make_image(c.words());
  config.accelerator = GetParam();
  config.code_bytes = 4 << 20;
  config.processors = {.now = kProcessors, .max = kProcessors, .cores = kProcessors};
  dev::NullLog log;
  VirtMachine m(std::move(config), log);
  const auto ready = m.init();
  ASSERT_TRUE(ready) << ready.message();
  AfterExit after = AfterExit::kContinue;
  for (unsigned slices = 0; slices < 100 && after == AfterExit::kContinue; ++slices) after = m.run_slice();
  ASSERT_EQ(after, AfterExit::kShutdown);
  uint64_t answer = 0;
  ASSERT_TRUE(m.memory().read(kData + 8, &answer, sizeof answer));
  EXPECT_EQ(answer, 7u);
  const auto typer = m.bus().read(kHigh + 8, dev::Width::k8);
  ASSERT_TRUE(typer);
  EXPECT_EQ(*typer >> 8 & 0xffff, 123u);
  EXPECT_FALSE(m.bus().read(kHigh + (kProcessors - 123) * 0x20000 + 8, dev::Width::k8));
  const std::vector<uint8_t> tree(m.device_tree().begin(), m.device_tree().end());
  const int node = fdt_path_offset(tree.data(), "/intc@8000000");
  int size = 0;
  const auto* regions =
      static_cast<const fdt32_t*>(fdt_getprop(tree.data(), node, "#redistributor-regions", &size));
  ASSERT_TRUE(regions);
  EXPECT_EQ(fdt32_to_cpu(*regions), 2u);
  const auto* reg = static_cast<const fdt64_t*>(fdt_getprop(tree.data(), node, "reg", &size));
  ASSERT_EQ(size, 6 * 8);
  EXPECT_EQ(fdt64_ld(reg + 4), kHigh);
  EXPECT_EQ(fdt64_ld(reg + 5), 0x4000000u);
}

}  // namespace
}  // namespace mynah
