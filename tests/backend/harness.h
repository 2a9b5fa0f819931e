// SPDX-License-Identifier: Apache-2.0
//
// A small machine around the backend: guest state of a few slots, guest memory of a few pages, the C++
// entries that thunks call; and the same for the evaluator, so that both can be compared.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "backend-x86_64/backend.h"
#include "ir/builder.h"
#include "ir/eval.h"

namespace mynah::ir::testing {

// Slots: the page, 24 integers, flags, 4 words, 12 vectors, floats, a bit.
enum : Slot {
  kPage = 0,
  kX0 = 1,
  kFlagsSlot = 25,
  kW0 = 26,
  kV0 = 30,
  kS0 = 42,
  kD0 = 43,
  kH0 = 44,
  kB0 = 45,
  kSlots = 46
};
constexpr unsigned kXCount = 24, kWCount = 4, kVCount = 12;

struct State {
  uint64_t page = 0;
  uint64_t x[kXCount] = {};
  uint64_t flags = 0;
  uint32_t w[kWCount] = {};
  alignas(16) V128 v[kVCount] = {};
  uint64_t s = 0, d = 0, h = 0, b = 0;
};
std::span<const SlotInfo> slots();
// What a test's helpers may do: read x3 and x5, write x5; those from kStayingHelpers on may leave.
constexpr unsigned kHelpers = 10, kStayingHelpers = 4;
std::span<const HelperInfo> helpers();
std::string difference(const State& a, const State& b);  // empty when equal; unnamed bits of flags are masked

constexpr uint64_t kGuestBase = 0x7f0012340000;
constexpr size_t kGuestPages = 4;

class Machine : public EvalHost {
 public:
  // plain: for a processor without AVX, BMI and the like.
  explicit Machine(bool plain = false, bool validate = true);
  ~Machine() override;

  // Region under construction.
  Builder& begin();
  Region region;
  Builder b{region};

  // Compiles into fresh code memory; returns where it runs.
  const uint8_t* compile();         // null: the region is too complex
  const uint8_t* compile_region();  // of a region that was not built here
  CodeSpan span() const { return span_; }
  // Installs `code` once more, elsewhere.
  CodeSpan install(const CompiledCode& code);
  // Where `code` runs from now on, for finding sites.
  void select_span(CodeSpan span) { span_ = span; }
  Leave run(const uint8_t* code, int64_t counter = 1000);
  Leave run() { return run(compile()); }
  State& state() { return *reinterpret_cast<State*>(rt->state); }
  const Site& site() const;  // of the last leave, in the last compiled code
  uint32_t site_offset() const {
    return static_cast<uint32_t>(rt->exit_site - reinterpret_cast<uint64_t>(span_.execute));
  }
  std::string disassembly() const;

  Runtime* rt;
  std::vector<ir::SecondJumpEntry> second_jumps = std::vector<ir::SecondJumpEntry>(ir::kSecondJumpSize);
  std::unique_ptr<Backend> backend;
  std::unique_ptr<Compiler> compiler;
  CompiledCode code;
  std::vector<uint8_t> memory;  // guest memory
  std::unique_ptr<uint8_t[]> return_stack = std::make_unique_for_overwrite<uint8_t[]>(kReturnStackBytes);
  std::unique_ptr<TlbTable> tlb, user_tlb;
  std::vector<JumpEntry> jumps = std::vector<JumpEntry>(kJumpEntries);
  std::function<bool(unsigned helper, const uint64_t args[4], uint64_t& result)> helper;
  bool fill_tlb = true;
  bool evaluating = false;
  unsigned misses = 0, user_misses = 0;

  void clear_tlb();

  // EvalHost
  bool guard(const Region&, const Inst&, uint64_t base, uint8_t*& pointer) override;
  bool commit(const Region&, const Inst&, uint8_t* pointer) override { return true; }
  bool call(const Region&, const Inst&, const uint64_t args[4], uint64_t& result) override;
  bool checks_helpers() const override { return true; }

 private:
  static bool guard_miss(Runtime*, uint64_t site, HostRegisters*);
  static bool call_helper(Runtime*, uint64_t site, HostRegisters*);
  static void run_op(Runtime*, uint64_t op, uint64_t imm);
  uint8_t* host(uint64_t va, uint64_t length);
  void rebuild(const Site& s, const HostRegisters& r);
  const Site& site_at(uint64_t address) const;

  uint8_t* code_memory_;
  size_t first_ = 0, used_ = 0;
  Thunks thunks_;
  CodeSpan span_{};
};

}  // namespace mynah::ir::testing
