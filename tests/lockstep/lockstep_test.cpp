// SPDX-License-Identifier: Apache-2.0
//
// Every architected bit of state is equal in every execution mode, at every exception: whole boards run
// random programs, evaluated and translated. MYNAH_LOCKSTEP_SEEDS=FIRST:COUNT runs others than the usual
// ones.
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <sstream>

#include "tests/lockstep/run.h"

namespace mynah::lockstep {
namespace {

constexpr uint64_t kInstructions = 20'000;

struct Machine {
  const char *name, *cpu;
  unsigned gic;
};
void PrintTo(const Machine& m, std::ostream* out) { *out << m.cpu << ", GICv" << m.gic; }
class Lockstep : public testing::TestWithParam<Machine> {};
INSTANTIATE_TEST_SUITE_P(, Lockstep,
                         testing::Values(Machine{"a57_gicv2", "cortex-a57", 2},
                                         Machine{"a57_gicv3", "cortex-a57", 3},
                                         Machine{"max_gicv2", "max", 2}, Machine{"max_gicv3", "max", 3}),
                         [](const auto& info) { return info.param.name; });

// Ways to translate: every program as users do it, some without what is there for speed, one thing or all.
std::vector<std::pair<std::string, Mode>> modes_of(uint64_t seed) {
  std::vector<std::pair<std::string, Mode>> modes = {{"translated", {Accelerator::kJit}}};
  if (seed % 4 == 0) {
    modes.push_back({"without any technique", {Accelerator::kJit}});
    for (const TechniqueName& t : kTechniques) modes.back().second.techniques.*t.on = false;
  } else if (seed % 4 == 2) {
    const TechniqueName& t = kTechniques[seed / 4 % std::size(kTechniques)];
    modes.push_back({"without " + std::string(t.name), {Accelerator::kJit}});
    modes.back().second.techniques.*t.on = false;
  }
  return modes;
}

// What differs where the records part, as a report.
std::string difference(const Program& program, const Mode& mode, const Record& evaluated,
                       const Record& translated) {
  size_t at = 0;
  while (at < evaluated.entries.size() && at < translated.entries.size() &&
         evaluated.entries[at] == translated.entries[at])
    ++at;
  const Record e = run(program, {Accelerator::kInterp}, kInstructions, at);
  const Record t = run(program, mode, kInstructions, at);
  std::ostringstream out;
  out << "seed " << program.seed << ", entry " << at << " of " << evaluated.entries.size() << " and "
      << translated.entries.size() << "\nevaluated:\n"
      << e.disassembly << "translated:\n"
      << t.disassembly << std::hex;
  for (size_t i = 0; i < e.state.size() && i < t.state.size(); ++i)
    if (e.state[i].second != t.state[i].second)
      out << e.state[i].first << ": evaluated " << e.state[i].second << ", translated " << t.state[i].second
          << "\n";
  for (size_t i = 0, shown = 0; i < e.memory.size() && i < t.memory.size() && shown < 8; ++i)
    if (e.memory[i] != t.memory[i] && ++shown)
      out << "memory at "
          << (i * 8 < kDataFrames * kPage ? kData + i * 8 : kCode + i * 8 - kDataFrames * kPage)
          << ": evaluated " << e.memory[i] << ", translated " << t.memory[i] << "\n";
  return out.str();
}

TEST_P(Lockstep, RandomPrograms) {
  unsigned long long first = 1, count = 45;
  if (const char* seeds = std::getenv("MYNAH_LOCKSTEP_SEEDS")) {
    ASSERT_EQ(std::sscanf(seeds, "%llu:%llu", &first, &count), 2) << "FIRST:COUNT";
  }
  uint64_t entries = 0, instructions = 0;
  unsigned different = 0;
  for (uint64_t seed = first; seed < first + count && different < 5; ++seed) {
    const Program program = make_program(seed, GetParam().cpu, GetParam().gic);
    const Record evaluated = run(program, {Accelerator::kInterp}, kInstructions);
    entries += evaluated.entries.size();
    instructions += evaluated.entries.back().instructions;
    for (const auto& [name, mode] : modes_of(seed)) {
      const Record translated = run(program, mode, kInstructions);
      if (evaluated.entries == translated.entries) continue;
      ++different;
      ADD_FAILURE() << name << ": " << difference(program, mode, evaluated, translated);
    }
  }
  RecordProperty("exceptions", static_cast<int>(entries));
  std::printf("%llu programs, %llu instructions, %llu exceptions\n", count,
              static_cast<unsigned long long>(instructions), static_cast<unsigned long long>(entries));
}

}  // namespace
}  // namespace mynah::lockstep
