// SPDX-License-Identifier: Apache-2.0
//
// Fetching code: the page at pc, and the one behind it where an instruction goes on there.
#include "engine/core.h"

#include <array>

namespace mynah {

namespace {
constexpr uint64_t kPageMask = kGuestPageSize - 1;

// What is fetched where nothing is, for guests that do not fault there.
constexpr auto kNothing = [] {
  std::array<uint8_t, kGuestPageSize> bytes{};
  bytes.fill(0xff);
  return bytes;
}();
}  // namespace

CodeFetch::CodeFetch(Core& core, uint64_t pc, const Translation& translation, std::span<const uint8_t> page)
    : BlockSource(page), core_(core), pc_(pc), translation_(translation) {}

CodeFetch::CodeFetch(CodeFetch&& other) noexcept
    : BlockSource(other.page()),
      core_(other.core_),
      pc_(other.pc_),
      translation_(other.translation_),
      start_(other.start_),
      next_(other.next_),
      next_bytes_(other.next_bytes_) {}

std::span<const uint8_t> CodeFetch::page_at(Core& core, uint64_t va, uint64_t pa,
                                            std::optional<Fault>& fault) {
  if (const uint8_t* host = core.memory.host(pa & ~kPageMask, kGuestPageSize)) return {host, kGuestPageSize};
  fault = core.guest.nothing_there(va, Access::kExecute, core.space.permission_class(false));
  return fault ? std::span<const uint8_t>{} : std::span<const uint8_t>(kNothing);
}

std::optional<CodeFetch> CodeFetch::at(Core& core, uint64_t pc, const Entry& entry) {
  Fault walk_fault;
  const TlbEntry* found = core.space.code(pc, walk_fault);
  std::optional<Fault> fault;
  std::span<const uint8_t> page;
  if (!found)
    fault = walk_fault;
  else if (entry.fault)
    fault = entry.fault;
  else
    page = page_at(core, pc, found->translation.pa, fault);
  if (fault) {
    core.raise(*fault, Access::kExecute);
    return std::nullopt;
  }
  CodeFetch fetch(core, pc, found->translation, page);
  fetch.start_.pa = found->translation.pa | (pc & kPageMask);
  fetch.start_.mode = core.space.key().code.mode | found->translation.code_facts | entry.facts;
  return fetch;
}

uint64_t CodeFetch::next_page_va() const { return (pc_ & ~kPageMask) + kGuestPageSize; }

uint64_t CodeFetch::next_page_pa() {
  if (!next_) {
    next_.emplace();
    if (const TlbEntry* found = core_.space.code(next_page_va(), next_->fault)) {
      next_->page = found->translation;
      std::optional<Fault> fault;
      next_bytes_ = page_at(core_, next_page_va(), next_->page.pa, fault);
      next_->ok = !fault;
      if (fault) next_->fault = *fault;
    }
  }
  return next_->ok ? next_->page.pa : kNoPage;
}

std::span<const uint8_t> CodeFetch::next_page() {
  next_page_pa();
  return next_bytes_;
}

void CodeFetch::raise_next_fault() { core_.raise(next_->fault, Access::kExecute); }

}  // namespace mynah
