// SPDX-License-Identifier: Apache-2.0
//
// Our side of a case, and what is the same for all oracles: making cases, comparing states, the report.
#include "tests/a64_oracle/oracle.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <regex>

#include "frontend/arm/a64/features.h"
#include "frontend/arm/a64/lift.h"
#include "frontend/arm/mode.h"
#include "ir/text.h"
#include "ir/verify.h"

namespace mynah::a64_oracle {

namespace a64 = arm::a64;

// --- our side

uint64_t mode_of(const State& s) {
  uint64_t mode = arm::kModeEl1 | arm::kModeSpEl1 | arm::kModeFpEnabled;
  mode |= uint64_t{s.fpcr >> 22 & 3} << arm::kModeRoundShift;
  if (s.fpcr >> 25 & 1) mode |= arm::kModeDefaultNan;
  if (s.fpcr >> 24 & 1) mode |= arm::kModeFlush;
  if (s.fpcr >> 19 & 1) mode |= arm::kModeFlushHalf;
  if (s.fpcr >> 26 & 1) mode |= arm::kModeAltHalf;
  return mode;
}

void to_arm_state(const State& from, arm::ArmState& to) {
  for (unsigned i = 0; i < 31; ++i) to.x(i) = from.x[i];
  to.sp() = from.sp;
  to.set_pc(from.pc);
  to.nzcv_packed() =
      ir::pack_flags(from.nzcv >> 31 & 1, from.nzcv >> 30 & 1, from.nzcv >> 29 & 1, from.nzcv >> 28 & 1);
  for (unsigned i = 0; i < 32; ++i) to.v[i] = {from.v[i][0], from.v[i][1]};
  to.fpcr = from.fpcr;
  to.fpsr = from.fpsr;
  to.el = 1;
  to.spsel = 1;
}

void from_arm_state(const arm::ArmState& from, State& to) {
  for (unsigned i = 0; i < 31; ++i) to.x[i] = from.x(i);
  to.sp = from.sp();
  const auto flags = static_cast<uint32_t>(from.hot[1]);
  to.nzcv = (flags & ir::kFlagN ? 1u << 31 : 0) | (flags & ir::kFlagZ ? 1u << 30 : 0) |
            (flags & ir::kFlagC ? 1u << 29 : 0) | (flags & ir::kFlagV ? 1u << 28 : 0);
  for (unsigned i = 0; i < 32; ++i) {
    to.v[i][0] = from.v[i].lo;
    to.v[i][1] = from.v[i].hi;
  }
  to.fpcr = from.fpcr;
}

void run_case(const RunRegion& run, const arm::CpuModel& model, Case& c, bool slow) {
  alignas(8) static thread_local uint8_t page[kPageSize];
  static thread_local ir::Region region;
  const auto offset = static_cast<uint32_t>(c.state.pc % kPageSize);
  std::memcpy(page + offset, &c.word, 4);
  a64::lift_block(region, page, offset, mode_of(c.state), model, {.max_insts = 1, .slow = slow});

  arm::ArmState state{};
  to_arm_state(c.state, state);
  uint32_t fpsr = c.state.fpsr;
  const RegionExit exit = run(region, state, c.state.memory, fpsr);
  c.outcome = exit.outcome;
  if (exit.outcome != Outcome::kDone) return;
  from_arm_state(state, c.state);
  c.state.pc = exit.pc;
  c.state.fpsr = fpsr;
}

namespace {

// The window's bytes for a guard, or null where it fails.
uint8_t* window(uint8_t* memory, const ir::Inst& guard, uint64_t base) {
  const ir::GuardRange range = guard_range(guard);
  const uint64_t first = base + static_cast<uint64_t>(int64_t{range.lo});
  const unsigned align = guard.aux >> ir::kGuardAlignShift & 7;
  if (first < kMemory || first + range.length > kMemory + kMemorySize || first % (1u << align))
    return nullptr;
  return memory + (first - kMemory);
}
// The pointer of a guard's base, from that of its range.
uint8_t* base_pointer(uint8_t* range, const ir::Inst& guard) {
  return reinterpret_cast<uint8_t*>(reinterpret_cast<uintptr_t>(range) -
                                    static_cast<uintptr_t>(int64_t{guard_range(guard).lo}));
}

class WindowHost : public ir::EvalHost {
 public:
  explicit WindowHost(uint8_t* memory) : memory_(memory) {}

  bool guard(const ir::Region&, const ir::Inst& inst, uint64_t base, uint8_t*& pointer) override {
    uint8_t* const range = window(memory_, inst, base);
    pointer = base_pointer(range, inst);
    return range != nullptr;
  }
  bool commit(const ir::Region&, const ir::Inst&, uint8_t*) override { return true; }
  bool call(const ir::Region&, const ir::Inst&, const uint64_t[4], uint64_t&) override { return false; }

 protected:
  uint8_t* memory_;
};

class BounceHost final : public WindowHost {
 public:
  using WindowHost::WindowHost;

  bool guard(const ir::Region&, const ir::Inst& inst, uint64_t base, uint8_t*& pointer) override {
    range_ = window(memory_, inst, base);
    if (!range_) return false;
    copy_ = std::make_unique<uint8_t[]>(
        length_ = guard_range(inst).length);  // exact, so that a sanitizer sees more
    std::memcpy(copy_.get(), range_, length_);
    pointer_ = pointer = base_pointer(copy_.get(), inst);
    return true;
  }
  bool commit(const ir::Region&, const ir::Inst&, uint8_t* pointer) override {
    if (pointer != pointer_) std::abort();
    std::memcpy(range_, copy_.get(), length_);
    return true;
  }

 private:
  uint8_t *range_ = nullptr, *pointer_ = nullptr;
  std::unique_ptr<uint8_t[]> copy_;
  size_t length_ = 0;
};

RegionExit evaluate_on(ir::EvalHost& host, ir::Region& region, arm::ArmState& state, uint32_t& fpsr) {
  if (const std::string error = ir::verify(region); !error.empty()) {
    std::fprintf(stderr, "%s\n%s", error.c_str(), ir::print(region).c_str());
    std::abort();
  }
  const uint64_t page = state.pc_page();
  const ir::EvalResult result = ir::evaluate(region, reinterpret_cast<uint8_t*>(&state), fpsr, host);
  switch (result.leave) {
    case ir::Leave::kLink:
      return {Outcome::kDone, page + region.insts[result.inst].imm};
    case ir::Leave::kIndirect:
      return {Outcome::kDone, result.target};
    case ir::Leave::kCall:
      return {Outcome::kUnsupported, 0};
    default:
      return {Outcome::kException, 0};
  }
}

}  // namespace

RegionExit evaluate_region(ir::Region& region, arm::ArmState& state, uint8_t* memory, uint32_t& fpsr) {
  WindowHost host(memory);
  return evaluate_on(host, region, state, fpsr);
}
RegionExit evaluate_region_bounced(ir::Region& region, arm::ArmState& state, uint8_t* memory,
                                   uint32_t& fpsr) {
  BounceHost host(memory);
  return evaluate_on(host, region, state, fpsr);
}

// --- comparison

namespace {

template <typename... T>
void line(std::string& text, const char* format, T... values) {
  char buffer[200];
  std::snprintf(buffer, sizeof buffer, format, values...);
  text += buffer;
}

const char* outcome_name(Outcome outcome) {
  switch (outcome) {
    case Outcome::kDone:
      return "done";
    case Outcome::kException:
      return "exception";
    default:
      return "unsupported";
  }
}

using U64 = unsigned long long;

}  // namespace

std::string difference(const Case& expected, const Case& actual) {
  std::string text;
  if (expected.outcome != actual.outcome) {
    line(text, "    expected %s, got %s\n", outcome_name(expected.outcome), outcome_name(actual.outcome));
    return text;
  }
  if (expected.outcome != Outcome::kDone) return text;
  const State &e = expected.state, &a = actual.state;
  const auto word = [&](const char* name, uint64_t x, uint64_t y) {
    if (x != y) line(text, "    %s: expected %016llx, got %016llx\n", name, U64{x}, U64{y});
  };
  for (unsigned i = 0; i < 31; ++i) word(("x" + std::to_string(i)).c_str(), e.x[i], a.x[i]);
  word("sp", e.sp, a.sp);
  word("pc", e.pc, a.pc);
  word("nzcv", e.nzcv, a.nzcv);
  word("fpsr", e.fpsr & kFpsrMask, a.fpsr & kFpsrMask);
  for (unsigned i = 0; i < 32; ++i) {
    if (e.v[i][0] == a.v[i][0] && e.v[i][1] == a.v[i][1]) continue;
    line(text, "    v%u: expected %016llx:%016llx, got %016llx:%016llx\n", i, U64{e.v[i][1]}, U64{e.v[i][0]},
         U64{a.v[i][1]}, U64{a.v[i][0]});
  }
  for (unsigned i = 0; i < kMemorySize; ++i) {
    if (e.memory[i] == a.memory[i]) continue;
    line(text, "    [%llx]: expected %02x, got %02x (and maybe more)\n", U64{kMemory + i}, e.memory[i],
         a.memory[i]);
    break;
  }
  return text;
}

std::string describe(const Case& c) {
  std::string text;
  const State& s = c.state;
  const std::string_view name = a64::encoding_name(a64::decode(c.word).encoding);
  line(text, "  %08x %.*s\n", c.word, static_cast<int>(name.size()), name.data());
  line(text, "    pc=%llx fpcr=%08x nzcv=%08x sp=%llx\n", U64{s.pc}, s.fpcr, s.nzcv, U64{s.sp});
  const unsigned fields[] = {a64::rd(c.word), a64::rn(c.word), a64::rm(c.word), a64::ra(c.word)};
  uint32_t shown = 0;
  for (unsigned n : fields) {
    if (shown >> n & 1) continue;
    shown |= 1u << n;
    line(text, "    v%u=%016llx:%016llx", n, U64{s.v[n][1]}, U64{s.v[n][0]});
    if (n < 31) line(text, " x%u=%016llx", n, U64{s.x[n]});
    text += "\n";
  }
  return text;
}

Settings Settings::from_environment() {
  Settings s;
  if (const char* words = std::getenv("MYNAH_ORACLE_WORDS"))
    s.words = static_cast<unsigned>(std::atoi(words));
  if (const char* seed = std::getenv("MYNAH_ORACLE_SEED")) s.seed = std::strtoull(seed, nullptr, 0);
  if (const char* rows = std::getenv("MYNAH_ORACLE_ROWS")) s.rows = rows;
  return s;
}

std::string check_encoding(Encoding encoding, Oracle& oracle, const RunRegion& run,
                           const arm::CpuModel& model, const Settings& settings, uint64_t* compared) {
  constexpr unsigned kShown = 3;
  if (!settings.rows.empty() &&
      !std::regex_search(std::string(encoding_id(encoding)), std::regex(settings.rows))) {
    return {};
  }
  Random random(settings.seed * 1000 + static_cast<uint64_t>(encoding));
  std::string text;
  uint64_t failures = 0, count = 0;
  std::vector<Case> before, expected;
  for (unsigned done = 0; done < settings.words;) {
    before.clear();
    for (unsigned slot = 0; slot < kSlots && done < settings.words; ++slot, ++done) {
      const uint64_t pc = slot_pc(slot);
      const auto word = random_word(random, encoding, pc);
      if (!word || a64::missing_feature(encoding, *word, model.features)) continue;
      const uint32_t fpcr = random_fpcr(random);
      for (unsigned i = 0; i < settings.states && before.size() < kBatch; ++i) {
        const Case c = {random_state(random, *word, pc, fpcr), *word, Outcome::kDone};
        if (!settings.skip || !settings.skip(c)) before.push_back(c);
      }
    }
    expected = before;
    oracle.run(expected);
    for (size_t i = 0; i < before.size(); ++i) {
      Case actual = before[i];
      run_case(run, model, actual, settings.slow);
      if (actual.outcome == Outcome::kUnsupported || expected[i].outcome == Outcome::kUnsupported) continue;
      if (expected[i].outcome == Outcome::kDone) ++count;
      const std::string lines = difference(expected[i], actual);
      if (lines.empty()) continue;
      if (failures++ < kShown) text += describe(before[i]) + lines;
    }
  }
  if (compared) *compared += count;
  if (failures == 0) return {};
  return std::string(encoding_id(encoding)) + ": " + std::to_string(failures) + " of " +
         std::to_string(count) + " cases differ from " + std::string(oracle.name()) + "\n" + text;
}

}  // namespace mynah::a64_oracle
