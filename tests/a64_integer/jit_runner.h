// SPDX-License-Identifier: Apache-2.0
//
// A RunRegion of the instruction tests that optimizes and compiles the region with the x86-64 backend and
// runs the code: with the soft TLB that the engine would have, so that both the hit and the miss of a guard
// are taken.
#pragma once

#include <memory>

#include "ir/backend.h"
#include "tests/a64_oracle/oracle.h"

namespace mynah::a64_oracle {

struct JitOptions {
  bool plain = false;  // for a processor without AVX, BMI and the like
  bool passes = true;
  bool validate = true;  // the backend checks its work
};

class JitRunner {
 public:
  explicit JitRunner(const JitOptions& options = {});
  ~JitRunner();
  JitRunner(const JitRunner&) = delete;

  RegionExit run(ir::Region& region, arm::ArmState& state, uint8_t* memory, uint32_t& fpsr);
  RunRegion function() {
    return [this](ir::Region& r, arm::ArmState& s, uint8_t* m, uint32_t& f) { return run(r, s, m, f); };
  }

 private:
  static bool guard_miss(ir::Runtime*, uint64_t site, ir::HostRegisters*);
  static bool call_helper(ir::Runtime*, uint64_t site, ir::HostRegisters*);
  void clear_tlb();
  const ir::Site& site_at(uint64_t address) const;

  JitOptions options_;
  std::unique_ptr<ir::Backend> backend_;
  std::unique_ptr<ir::Compiler> compiler_;
  uint8_t* code_memory_;
  ir::Thunks thunks_;
  ir::CompiledCode code_;
  ir::CodeSpan span_{};
  ir::Runtime* runtime_;
  std::vector<ir::SecondJumpEntry> second_jumps_ = std::vector<ir::SecondJumpEntry>(ir::kSecondJumpSize);
  std::unique_ptr<uint8_t[]> return_stack_ = std::make_unique_for_overwrite<uint8_t[]>(ir::kReturnStackBytes);
  std::unique_ptr<ir::TlbTable> tlb_;
  std::vector<ir::JumpEntry> jumps_ = std::vector<ir::JumpEntry>(ir::kJumpEntries);
  alignas(kPageSize) uint8_t pages_[2 * kPageSize] = {};  // the window's
  unsigned runs_ = 0;
};

}  // namespace mynah::a64_oracle
