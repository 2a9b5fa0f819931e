// SPDX-License-Identifier: Apache-2.0
//
// Random sequences of user-mode instructions, broken off at every instruction: by an interrupt, by an
// exception that stands there, by a single step. Evaluated and translated in several ways, each way's blocks
// linked by runs before: what the handler finds is to be the same. No instruction's result is undefined here,
// since both sides are ours.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tests/lockstep/x86_words.h"
#include "tests/x86_oracle/sequence.h"
#include "tests/x86_system/bare_machine.h"

namespace mynah::lockstep {

// What is to break off a run.
struct Force {
  enum class Kind : uint8_t {
    kNothing,
    kInterrupt,  // after exactly so many instructions
    kAtBlock,    // an interrupt where the block ends that is run then
    kStep,       // EFLAGS.TF is set after so many instructions
    kSteps,      // it is set all the time, and the handler returns
    kPages,      // some pages of the data are missing or read-only; the handler puts them right
  };
  Kind kind = Kind::kNothing;
  uint64_t after = 0;
  uint8_t pages = 0;  // kPages: two bits a page: 1 missing, 2 read-only
};
std::string_view name_of(Force::Kind kind);

class ForcedMachine final : public test::BareMachine {
 public:
  struct Way {
    std::string_view name;
    Accelerator accelerator = Accelerator::kJit;
    Techniques techniques{};
    unsigned block_limit = 0;  // instructions; 0: as many as there may be
  };
  explicit ForcedMachine(const Way& way);

  // `code` instead of the case's own. What is seen at each exception and at the end is noted.
  void run(const x86_oracle::Case& c, const std::vector<uint8_t>& code, const Force& force);
  std::vector<Words> noted;
  uint64_t executed() { return vcpu->instructions() - begun_; }
  uint64_t broken_off_after = 0;  // what came before the interrupt
  // Data, the kernel's stack, and the tables but for what says that a page was read.
  std::vector<uint8_t> memory();
  void forget_pages();  // those of the data are clean, and no TLB knows them

  uint64_t tsc() override { return executed(); }

 private:
  void set_page(unsigned n, uint64_t flags);
  void prepare(const x86_oracle::Case& c, const std::vector<uint8_t>& code);
  void note(uint64_t vector, uint64_t error);

  x86::X86State initial_;
  std::vector<uint8_t> code_;
  uint64_t code_at_ = 0, begun_ = 0;
  bool repairs_ = false;
};

class ForcedRuns {
 public:
  ForcedRuns();
  // Empty, or what differs and where.
  std::string run(const x86_oracle::Case& c, const std::vector<uint8_t>& code, const Force& force);
  void forget_pages();
  uint64_t executed() { return machines_[0]->executed(); }  // by the last run
  uint64_t runs = 0, exceptions = 0;

 private:
  std::string compare(ForcedMachine& translated, const Force& force);
  std::vector<std::unique_ptr<ForcedMachine>> machines_;  // the evaluator first
};

}  // namespace mynah::lockstep
