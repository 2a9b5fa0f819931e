// SPDX-License-Identifier: Apache-2.0
//
// Testing A64 instructions, one at a time, against other implementations: random cases, the oracles that say
// what a case's state is afterwards, and our side, which lifts the instruction and has the region run by
// whatever the test is about (the evaluator, a backend's code).
//
// Environment: MYNAH_ORACLE_WORDS (instruction words an encoding), MYNAH_ORACLE_SEED, MYNAH_ORACLE_ROWS (a
// regular expression over the rows' ids, for looking into one).
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "frontend/arm/a64/decode.h"
#include "frontend/arm/cpu_models.h"
#include "frontend/arm/state.h"
#include "ir/eval.h"
#include "tests/a64_oracle/state.h"

namespace mynah::a64_oracle {

using arm::a64::Encoding;

std::string_view encoding_id(Encoding encoding);  // the row's id

// --- random cases
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed * 0x9e3779b97f4a7c15 + 1) {}
  uint64_t next();
  uint32_t below(uint32_t n) { return static_cast<uint32_t>((next() >> 32) * n >> 32); }
  bool chance(unsigned percent) { return below(100) < percent; }

 private:
  uint64_t state_;
};

// A word of the row, whose memory access (if it has one) can be led into the window by set_addresses(), and
// which is not constrained unpredictable. Nothing if none was found in many tries.
std::optional<uint32_t> random_word(Random& random, Encoding encoding, uint64_t pc);
// Registers with many edge values, for integers and for floating point, in lanes that suit the word.
State random_state(Random& random, uint32_t word, uint64_t pc, uint32_t fpcr);
uint32_t random_fpcr(Random& random);

// --- oracles
class Oracle {
 public:
  virtual ~Oracle() = default;
  virtual std::string_view name() const = 0;
  // Runs each case in place. Cases that stand in one slot have one word. At most kBatch cases.
  virtual void run(std::span<Case> cases) = 0;
};
std::unique_ptr<Oracle> make_unicorn_oracle();
// qemu-aarch64 with guest.cpp built for it; null where the build had no AArch64 compiler or there is no
// qemu-aarch64. It does not run branches and exception-generating instructions.
std::unique_ptr<Oracle> make_qemu_oracle();

// --- our side
struct RegionExit {
  Outcome outcome = Outcome::kDone;
  uint64_t pc = 0;
};
// Runs a region of one instruction over `state`. `memory` is host memory for the window, and nothing else of
// the guest's is accessible; sticky floating-point flags are or-ed into fpsr.
using RunRegion =
    std::function<RegionExit(ir::Region& region, arm::ArmState& state, uint8_t* memory, uint32_t& fpsr)>;

// The block key's bits for a state's FPCR, at EL1 with FP enabled.
uint64_t mode_of(const State& state);
void to_arm_state(const State& from, arm::ArmState& to);
void from_arm_state(const arm::ArmState& from, State& to);
// Lifts the instruction (in the slow flavour if asked) and runs it.
void run_case(const RunRegion& run, const arm::CpuModel& model, Case& c, bool slow = false);
// RunRegion by ir::evaluate(), of regions that ir::verify() accepts. Helper calls make the case kUnsupported.
// The second one answers guards with copies of exactly their range, which commits write back: for the slow
// flavour.
RegionExit evaluate_region(ir::Region& region, arm::ArmState& state, uint8_t* memory, uint32_t& fpsr);
RegionExit evaluate_region_bounced(ir::Region& region, arm::ArmState& state, uint8_t* memory, uint32_t& fpsr);

// --- comparison
// What differs, a line each; empty when nothing does.
std::string difference(const Case& expected, const Case& actual);
// A case as it was before, of the registers that its word may name.
std::string describe(const Case& before);

struct Settings {
  unsigned words = 128;  // of each encoding
  unsigned states = 16;  // of each word
  uint64_t seed = 1;
  std::string rows;                              // regular expression over ids, empty for all
  std::function<bool(const Case& before)> skip;  // cases that the oracle is known to get wrong
  bool slow = false;                             // lift in the slow flavour
  static Settings from_environment();
};
// Compares `run` with the oracle over cases of one encoding; one message for the first few failures, with
// their count. `compared` (may be null) grows by the cases that the oracle completed and that our side can
// run.
std::string check_encoding(Encoding encoding, Oracle& oracle, const RunRegion& run,
                           const arm::CpuModel& model, const Settings& settings,
                           uint64_t* compared = nullptr);

}  // namespace mynah::a64_oracle
