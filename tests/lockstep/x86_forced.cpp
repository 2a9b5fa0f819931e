// SPDX-License-Identifier: Apache-2.0
//
// The machine is in long mode, its user programs 64-bit or 32-bit ones; their code and data lie where the
// oracle has them. Handlers halt, but for those that a run wants to return.
#include "tests/lockstep/x86_forced.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstring>

#include "frontend/x86/vectors.h"
#include "tests/x86_oracle/our_state.h"

namespace mynah::lockstep {

using namespace x86;
using test::kTables;
using x86_oracle::Case;
using Kind = Force::Kind;

namespace {

constexpr uint64_t kPage = 4096, kCodePa = 0x300000, kDataPa = 0x310000;
constexpr uint64_t kDirectory = kTables + 2 * kPage, kFirstTable = kTables + 4 * kPage;
constexpr uint64_t kPresent = 1, kWritable = 2, kUser = 4, kAccessed = 0x20, kDirty = 0x40;
constexpr unsigned kDataPages = x86_oracle::kDataBytes / kPage;
constexpr uint64_t kMost = 4000;
constexpr unsigned kVector = 0x41;

// The entry of a page of 4 KiB in tables that map() made.
uint64_t entry_of(uint64_t va, uint64_t table) { return table + (va / kPage & 511) * 8; }

const ForcedMachine::Way kWays[] = {
    {.name = "evaluator", .accelerator = Accelerator::kInterp},
    {.name = "jit"},
    {.name = "jit, no links",
     .techniques = {.links = false, .page_links = false, .jump_cache = false, .return_stack = false}},
    {.name = "jit, one instruction a block", .block_limit = 1},
    {.name = "jit, three instructions a block", .techniques = {.merge_guards = false}, .block_limit = 3},
};

}  // namespace

std::string_view name_of(Kind kind) {
  constexpr std::string_view kNames[] = {"nothing", "interrupt", "interrupt at a block",
                                         "step",    "steps",     "pages"};
  return kNames[static_cast<size_t>(kind)];
}

ForcedMachine::ForcedMachine(const Way& way)
    : BareMachine({.accelerator = way.accelerator, .cpu = "max", .techniques = way.techniques}) {
  if (way.block_limit) vcpu->translator()->max_insts = way.block_limit;
  cpu->on_exception = [this](const Exception& e) {
    note(e.vector, e.error.value_or(~0u));
    if (e.vector != vector::kPage || !repairs_) return;
    for (unsigned n = 0; n < kDataPages; ++n) {
      const uint64_t at = entry_of(x86_oracle::kData + n * kPage, kFirstTable + kPage);
      put(at, get<uint64_t>(at) | kPresent | kWritable);
    }
  };
  uint64_t table = kFirstTable;
  for (const uint64_t va : {x86_oracle::kCode, x86_oracle::kData}) {
    put<uint64_t>(kDirectory + (va >> 21 & 511) * 8, table | kPresent | kWritable | kUser | kAccessed);
    table += kPage;
  }
  for (uint64_t at = 0; at < x86_oracle::kCodeBytes; at += kPage)
    put(entry_of(x86_oracle::kCode + at, kFirstTable), (kCodePa + at) | kPresent | kUser | kAccessed);
  for (unsigned n = 0; n < kDataPages; ++n) set_page(n, kPresent | kWritable);
  load(kCodePa, std::vector<uint8_t>(x86_oracle::kCodeBytes, 0xcc));
  X86State& x = s();
  x.cr4 |= cr4::kOsfxsr | cr4::kOsxmmexcpt | cr4::kOsxsave | cr4::kFsgsbase;
  x.xcr0 = 7;
  initial_ = x;
}

void ForcedMachine::set_page(unsigned n, uint64_t flags) {
  put(entry_of(x86_oracle::kData + n * kPage, kFirstTable + kPage),
      (kDataPa + n * kPage) | kUser | kAccessed | flags);
}

void ForcedMachine::forget_pages() {
  for (unsigned n = 0; n < kDataPages; ++n) set_page(n, kPresent | kWritable);
  tlb_flush_all();
}

void ForcedMachine::note(uint64_t vector, uint64_t error) {
  noted.push_back(words_of(*cpu));
  noted.back().emplace_back("vector", vector);
  noted.back().emplace_back("error", error);
  noted.back().emplace_back("executed", executed());
}

void ForcedMachine::prepare(const Case& c, const std::vector<uint8_t>& code) {
  s() = initial_;
  interrupt = -1;
  shut = false;
  enter_user(c.mode == x86_oracle::Mode::k64);
  x86_oracle::State state = c.state;
  state.rflags |= eflags::kIf | eflags::kFixed;
  x86_oracle::set_registers(*cpu, c.mode, state);
  if (code != code_ || code_at_ != state.rip) {
    const auto place = [&](uint64_t at) { return kCodePa + at - x86_oracle::kCode; };
    if (code_at_) load(place(code_at_), std::vector<uint8_t>(code_.size(), 0xcc));
    load(place(state.rip), code);
    code_ = code;
    code_at_ = state.rip;
  }
  load(kDataPa, {c.data, c.data + x86_oracle::kDataBytes});
  load(test::kStack0 - kPage, std::vector<uint8_t>(kPage));
  cpu->interrupt_changed();
  cpu->changed();
  begun_ = vcpu->instructions();
  noted.clear();
}

void ForcedMachine::run(const Case& c, const std::vector<uint8_t>& code, const Force& force) {
  prepare(c, code);
  X86State& x = s();
  const auto handler = [this](unsigned vector, const std::vector<uint8_t>& bytes) {
    load(test::kHandlers + vector * 16, bytes);
  };
  const bool steps = force.kind == Kind::kSteps;
  repairs_ = force.kind == Kind::kPages;
  handler(vector::kDebug, steps ? std::vector<uint8_t>{0x48, 0xcf} : std::vector<uint8_t>{0xf4, 0xeb, 0xfd});
  handler(vector::kPage, repairs_ ? std::vector<uint8_t>{0x48, 0x83, 0xc4, 0x08, 0x48, 0xcf}  // drop the code
                                  : std::vector<uint8_t>{0xf4, 0xeb, 0xfd, 0, 0, 0});
  if (repairs_) {
    for (unsigned n = 0; n < kDataPages; ++n) {
      const unsigned how = force.pages >> 2 * n & 3;
      set_page(n, how == 1 ? 0 : how == 2 ? kPresent : kPresent | kWritable);
    }
    tlb_flush_all();
  }
  vcpu->set_exact(force.kind != Kind::kAtBlock);
  if (force.kind == Kind::kAtBlock)
    vcpu->run(force.after);
  else if (force.after)
    go_on(force.after);
  vcpu->set_exact(true);
  broken_off_after = executed();
  if (s().sleep == Sleep::kNone) {
    if (force.kind == Kind::kInterrupt || force.kind == Kind::kAtBlock) interrupt = kVector;
    if (force.kind == Kind::kStep || steps) x.eflags |= eflags::kTf;
    cpu->interrupt_changed();
    cpu->changed();
    go_on(kMost);
  }
  note(~0u, 0);
}

std::vector<uint8_t> ForcedMachine::memory() {
  std::vector<uint8_t> bytes;
  const auto add = [&](uint64_t at) {
    const auto page = get<std::array<uint8_t, kPage>>(at);
    bytes.insert(bytes.end(), page.begin(), page.end());
  };
  for (unsigned n = 0; n < kDataPages; ++n) add(kDataPa + n * kPage);
  add(test::kStack0 - kPage);
  for (unsigned n = 0; n < kDataPages; ++n)
    bytes.push_back(get<uint8_t>(entry_of(x86_oracle::kData + n * kPage, kFirstTable + kPage)) & kDirty);
  return bytes;
}

ForcedRuns::ForcedRuns() {
  for (const auto& way : kWays) machines_.push_back(std::make_unique<ForcedMachine>(way));
}

void ForcedRuns::forget_pages() {
  for (const auto& machine : machines_) machine->forget_pages();
}

std::string ForcedRuns::compare(ForcedMachine& translated, const Force& force) {
  ForcedMachine& evaluated = *machines_[0];
  const auto &e = evaluated.noted, &t = translated.noted;
  std::string text;
  for (size_t i = 0; i < std::min(e.size(), t.size()) && text.empty(); ++i)
    if (e[i] != t[i])
      text = fmt::format("note {} of {} and {}:\n{}", i, e.size(), t.size(), difference(e[i], t[i]));
  if (text.empty() && e.size() != t.size()) text = fmt::format("{} and {} notes\n", e.size(), t.size());
  if (text.empty()) {
    const auto a = evaluated.memory(), b = translated.memory();
    const auto at = std::ranges::mismatch(a, b).in1 - a.begin();
    if (at != static_cast<ptrdiff_t>(a.size()))
      text = fmt::format("memory at {:x}: evaluated {:02x}, translated {:02x}\n", at, a[at], b[at]);
  }
  if (text.empty()) return text;
  return fmt::format("{} after {}, pages {:x}: {}", name_of(force.kind), force.after, force.pages, text);
}

std::string ForcedRuns::run(const Case& c, const std::vector<uint8_t>& code, const Force& force) {
  const auto name = [](size_t n) { return kWays[n].name; };
  if (force.kind != Kind::kAtBlock) machines_[0]->run(c, code, force);
  for (size_t n = 1; n < machines_.size(); ++n) {
    ForcedMachine& translated = *machines_[n];
    translated.run(c, code, force);
    Force same = force;
    if (force.kind == Kind::kAtBlock) {
      same = {.kind = Kind::kInterrupt, .after = translated.broken_off_after};
      machines_[0]->run(c, code, same);
    }
    ++runs;
    exceptions += translated.noted.size() - 1;
    if (const std::string text = compare(translated, same); !text.empty())
      return fmt::format("{}: {}", name(n), text);
  }
  return {};
}

}  // namespace mynah::lockstep
