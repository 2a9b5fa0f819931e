// SPDX-License-Identifier: Apache-2.0
//
// An x86 machine on any bytes, in every mode: evaluated and translated, nothing that the guest can see
// differs. The input's first bytes say the mode and the registers, the rest is the code.
#include <array>
#include <cstdio>
#include <memory>

#include "tests/fuzz/fuzz_input.h"
#include "tests/lockstep/x86_episodes.h"

using namespace mynah;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static std::array<std::unique_ptr<lockstep::X86Episodes>, lockstep::kX86Modes> all;
  fuzz::Input in(data, size);
  const unsigned mode = in.u8() % lockstep::kX86Modes;
  const uint32_t seed = in.u32();
  std::vector<uint8_t> code;
  while (!in.empty() && code.size() < 512) code.push_back(in.u8());
  auto& episodes = all[mode];
  if (!episodes) episodes = std::make_unique<lockstep::X86Episodes>(static_cast<lockstep::X86Mode>(mode));
  const std::string report = episodes->run(code, seed, 100);
  if (!report.empty()) std::fprintf(stderr, "%s", report.c_str());
  fuzz::require(report.empty());
  return 0;
}
