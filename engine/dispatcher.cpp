// SPDX-License-Identifier: Apache-2.0
//
// Dispatcher: what happens between two stretches of translated code.
#include "engine/dispatcher.h"

#include <cstring>

#include "engine/page_pairs.h"
#include "ir/saved.h"

namespace mynah {

namespace {
constexpr uint64_t kPageMask = kGuestPageSize - 1;
// Direct exits, and what is not come to by a branch, count as returns.
constexpr auto kDirect = ir::BranchKind::kReturn;
}  // namespace

Dispatcher::Dispatcher(Core& core, VcpuGroup& group, Translator& translator, const Techniques& techniques)
    : core_(core),
      backend_(*group.backend()),
      group_(group),
      cache_(*group.cache()),
      translator_(translator),
      techniques_(techniques),
      pairs_(std::make_unique<PagePairs>(group.memory())) {
  core_.runtime.page_pairs = pairs_->table();
}

Dispatcher::~Dispatcher() = default;

// --- finding code

Dispatcher::Next Dispatcher::first() {
  pairs_->settle();
  const Flavour flavour = std::exchange(core_.next_flavour, Flavour::kFast);
  if (flavour == Flavour::kNarrow) ++stats.narrow_entries;
  if (flavour == Flavour::kSlow) ++stats.slow_entries;
  const uint64_t pc = core_.guest.pc();
  const Entry entry = core_.guest.enter();
  const bool known = entry.alike && !entry.fault && flavour == Flavour::kFast && !trace.single_regions;
  if (known && core_.budget.left() >= int64_t{translator_.max_insts})  // a block may be longer: see run()
    if (const uint64_t host = core_.space.tlb().code().recall(pc, *entry.alike))
      return {.code = reinterpret_cast<const void*>(host)};
  const Found found = find(pc, entry, flavour);
  if (found.block && flavour == Flavour::kFast && entry.alike) remember(pc, *entry.alike, found);
  return {.block = found.block};
}

Dispatcher::Found Dispatcher::find(uint64_t pc, const Entry& entry, Flavour flavour) {
  auto fetch = CodeFetch::at(core_, pc, entry);
  if (!fetch) return {};
  BlockKey start = fetch->start();
  start.flavour = flavour;
  start.stops = core_.stops.number_at(pc);
  group_.follow_numbering();
  TranslatedBlock* block = cache_.find(start, *fetch);
  if (!block) block = make(*fetch, start);
  if (!block) return {};
  if (!note(pc, *block, *fetch)) return find(pc, entry, flavour);
  Found found{block, entry.alike, entry.alike || entry.by_link, CodeNames::kind_of(fetch->translation())};
  if (block->crosses()) {
    found.one_name = CodeNames::kind_of(fetch->next_translation()) == found.name;
    if (found.one_name) name_entry(*block, found.name);
  }
  return found;
}

// Whatever leads to the block from now on does while both pages have this name.
void Dispatcher::name_entry(TranslatedBlock& block, ir::NameKind kind) {
  const uint32_t name = core_.runtime.code_names[static_cast<unsigned>(kind)];
  if (!name || (block.entry_name == name && block.entry_name_kind == kind)) return;
  backend_.patch(cache_.span(block), ir::Patch::entry_name(kind, name));
  block.entry_name = name;
  block.entry_name_kind = kind;
}

// What leads to the block is right as long as its pages are mapped like this. False: fetch again. Noting a
// page may end the name that the other one was noted under.
bool Dispatcher::note(uint64_t pc, const TranslatedBlock& block, const CodeFetch& fetch) {
  while (true) {
    const auto names = core_.runtime.code_names;
    if (!core_.space.note_code(pc, fetch.translation())) return false;
    if (!block.crosses()) return true;
    if (!core_.space.note_code(fetch.next_page_va(), fetch.next_translation())) return false;
    if (core_.runtime.code_names == names) return true;
  }
}

TranslatedBlock* Dispatcher::make(CodeFetch& fetch, const BlockKey& start) {
  const auto host_page = reinterpret_cast<uint64_t>(fetch.page().data());
  if (PageFlags* flags = core_.memory.page(start.pa)) group_.protect(host_page, *flags);
  TranslatedBlock* block = cache_.revive(start, fetch);
  while (!block) {
    const auto [made, fresh] = translator_.translate(start, fetch, core_.stops.offsets(start.stops));
    if (made == Translator::Made::kNextPageFaults) {
      fetch.raise_next_fault();
      return nullptr;
    }
    if (made == Translator::Made::kCacheWasFull) group_.forget_jumps();
    block = fresh;
  }
  if (block->crosses())
    if (PageFlags* flags = core_.memory.page(block->key.second_page))
      group_.protect(reinterpret_cast<uint64_t>(fetch.next_page().data()), *flags);
  return block;
}

// The block is what a branch of this kind to pc leads to.
void Dispatcher::remember(uint64_t pc, ir::BranchKind branch, const Found& found) {
  if (trace.single_regions || !techniques_.jump_cache) return;
  core_.space.tlb().code().remember(pc, branch, found.name,
                                    reinterpret_cast<uint64_t>(cache_.entry(*found.block)),
                                    techniques_.second_jump_cache && found.one_name);
}

void Dispatcher::link(TranslatedBlock& from, const ir::Site& site, uint64_t target, const Found& found) {
  const TranslatedBlock& to = *found.block;
  if (!from.linkable || !to.linkable || !from.live) return;
  if (site.imm < kGuestPageSize) {
    // A guest that changed its mapping without telling the TLB may have come to other memory: no link then.
    // Where the next page matters, the entry checks its name.
    if (!techniques_.links || to.key.pa / kGuestPageSize != from.key.pa / kGuestPageSize) return;
    if (to.crosses() && (!found.one_name || !to.entry_name || !techniques_.page_links)) return;
    backend_.patch(cache_.span(from), ir::Patch::link(site, cache_.entry(to)));
    return;
  }
  const uint32_t name = core_.runtime.code_names[static_cast<unsigned>(found.name)];
  if (!name || !found.one_name || !techniques_.page_links) return;
  const ir::Patch::PageCondition condition{found.name, name, target & ~kPageMask};
  cache_.link_page(from, site, condition, to);
}

// --- code has left

Dispatcher::Next Dispatcher::after_leave(ir::Leave leave, uint64_t site_address) {
  const uint64_t settled = core_.budget.settled();
  Next next;
  switch (leave) {
    case ir::Leave::kLink:
      next = after_link(site_address);
      break;
    case ir::Leave::kIndirect:
      next = after_indirect();
      break;
    case ir::Leave::kDead:
      next = after_dead(site_address);
      break;
    default:  // kGuard, kCall: the state is in place
      break;
  }
  // What was raised there has been counted, and the slice goes on.
  core_.budget.shorten(static_cast<int64_t>(core_.budget.settled() - settled));
  return next;
}

// To where execution has arrived; else whatever may fault there is the next slice's.
bool Dispatcher::goes_on() const { return core_.budget.left() > 0 && !core_.guest.interrupt_deliverable(); }

// The state is in place, and nobody else wants anything of it before it runs.
bool Dispatcher::goes_on_here() const {
  return techniques_.changes && !core_.stop_requested && !core_.stops.alone_wanted() && goes_on();
}

// Execution goes on at the guest's pc, perhaps in another context, and so far C++ has counted one instruction
// by itself. Answers where, or 0: translated code is to be left. The contexts that are current then are those
// of the guest's state.
uint64_t Dispatcher::after_change() {
  core_.budget.shorten(1);
  if (core_.runtime.counter <= 0 || core_.next_flavour != Flavour::kFast || trace.log ||
      trace.single_regions || !goes_on_here())
    return 0;
  core_.space.refresh();
  const Entry entry = core_.guest.enter();
  if (!entry.alike || entry.fault) return 0;
  const uint64_t host = core_.space.tlb().code().recall(core_.guest.pc(), *entry.alike);
  if (!host) return 0;
  core_.space.tlb().code().forget_deep_returns();  // its stack has a bound of its own (ir::kMostCalls)
  ++stats.changes;
  return host;
}

Dispatcher::Next Dispatcher::after_link(uint64_t site_address) {
  TranslatedBlock& from = *cache_.at(site_address);
  const ir::Site site = cache_.site(from, site_address, saved_);
  // An exit to another page has moved pc_page there.
  const uint64_t target = core_.pc_at(static_cast<int64_t>(site.imm & kPageMask));
  core_.guest.arrive(target, Arrival::by(kDirect));
  if (!goes_on()) return {};
  const uint64_t flushes = cache_.stats.flushes;
  const uint64_t pc = core_.guest.pc();
  const Found found = find(pc, core_.guest.enter(), Flavour::kFast);
  // Where the address wraps by fewer bits than ours, emitted code must not go there by itself.
  const bool straight = pc == target;
  if (straight && found.alike) remember(target, kDirect, found);
  if (straight && found.by_link && !trace.single_regions && cache_.stats.flushes == flushes)
    link(from, site, target, found);
  return {.block = found.block};
}

Dispatcher::Next Dispatcher::after_indirect() {
  const auto branch = static_cast<ir::BranchKind>(core_.runtime.exit_argument);
  const uint64_t target = core_.runtime.exit_target;
  core_.guest.arrive(target, Arrival::by(branch));
  if (!goes_on()) return {};
  const uint64_t pc = core_.guest.pc();
  const Found found = find(pc, core_.guest.enter(), Flavour::kFast);
  // A tag that the pc does not keep makes the address one that emitted code must not go to by itself.
  if (found.alike && pc == target) remember(pc, branch, found);
  return {.block = found.block};
}

// Nothing of the block was executed.
void Dispatcher::arrive_at(const TranslatedBlock& block) {
  core_.guest.arrive(core_.pc_at(static_cast<int64_t>(block.key.pa & kPageMask)),
                     Arrival::at_block(block.key.mode));
}

Dispatcher::Next Dispatcher::after_dead(uint64_t site_address) {
  const TranslatedBlock& at = *cache_.at(site_address);
  arrive_at(at);
  if (!goes_on()) return {};
  return {.block = find(core_.guest.pc(), core_.guest.enter(), Flavour::kFast).block};
}

void Dispatcher::after_deadline(uint64_t site_address) {
  const TranslatedBlock& at = *cache_.at(site_address);
  core_.budget.give_back(at.guest_insts);
  arrive_at(at);
  core_.budget.settle();
}

AfterExit Dispatcher::after_engine(uint64_t site_address) {
  const ir::Site& site = sites_.at(site_address).site;
  core_.guest.set_pc(core_.pc_at(site.pc_offset));
  return core_.engine_exit(site.aux, site.imm, core_.runtime.exit_argument);
}

// --- C++ entries

namespace {
uint64_t value_of(const ir::Location& at, const ir::HostRegisters& r) {
  switch (at.kind) {
    case ir::Location::Kind::kConst:
      return at.imm;
    case ir::Location::Kind::kSpill:
      return r.spill[at.spill];
    case ir::Location::Kind::kVec:
      return r.vec[at.index][0];
    default:
      return r.gpr[at.index];
  }
}
}  // namespace

bool Dispatcher::guard_miss(uint64_t site_address, ir::HostRegisters& registers) {
  const auto& [address, found, site] = sites_.at(site_address);
  TranslatedBlock& block = *found;
  const int64_t ahead = block.guest_insts - int64_t{site.completed};
  if (site.kind == ir::Site::Kind::kEngine) {  // an exit_engine_if; after_engine() sets the pc
    rebuild_slots(site_address, registers);
    core_.budget.give_back(ahead);
    core_.runtime.exit_reason = static_cast<uint32_t>(ir::Leave::kEngine);
    core_.runtime.exit_argument = 0;
    return false;
  }
  core_.budget.set_ahead(ahead);
  const Made made = site.kind == ir::Site::Kind::kCommit ? commit(site_address, site, registers)
                                                         : guard(site_address, block, site, registers);
  core_.budget.set_ahead(0);
  uint64_t resume_at = 0;
  if (made == Made::kYes) {
    resume_at = reinterpret_cast<uint64_t>(cache_.entry(block)) + site.resume;
  } else {
    core_.budget.give_back(ahead);
    if (made == Made::kFault) resume_at = after_change();
  }
  core_.runtime.resume_at = resume_at;
  return resume_at != 0;
}

namespace {
bool crosses_page(uint64_t base, const ir::GuardRange& range) {
  const uint64_t va = base + static_cast<uint64_t>(int64_t{range.lo});
  return (va & kPageMask) + range.length > kGuestPageSize;
}
}  // namespace

Dispatcher::Made Dispatcher::guard(uint64_t site_address, TranslatedBlock& block, const ir::Site& site,
                                   ir::HostRegisters& registers) {
  ++stats.guard_misses;
  const ir::GuardRange range = ir::guard_range({.op = ir::Op::guard, .type = ir::Type::ptr, .imm = site.imm});
  uint8_t* pointer = nullptr;
  Fault fault;
  const uint64_t base = value_of(site.base, registers);
  const auto result = core_.memory_path.guard(base, range, site.aux, pointer, fault);
  const bool merged = site.aux & ir::kGuardMerged;
  const bool crosses = crosses_page(base, range);
  if (merged && (result == MemoryPath::Result::kSlower || crosses))
    cache_.note_wide_miss(block, base, core_.budget.executed());
  if (result == MemoryPath::Result::kSlower && crosses)
    if (uint8_t* const both = across_pages(base, range, site.aux)) {
      registers.gpr[site.result] = reinterpret_cast<uint64_t>(both);
      return Made::kYes;
    }
  if (result == MemoryPath::Result::kPointer) {
    registers.gpr[site.result] = reinterpret_cast<uint64_t>(pointer);
    return Made::kYes;
  }
  rebuild(site_address, registers);
  if (result == MemoryPath::Result::kAlone) return Made::kLater;
  if (result == MemoryPath::Result::kFault && !merged) {
    core_.raise(fault, site.aux & ir::kGuardWrite ? Access::kWrite : Access::kRead, range.note);
    return Made::kFault;
  }
  core_.next_flavour = slower(merged);
  return Made::kLater;
}

// The pointer of a guard whose range lies across two pages, each of which a plain pointer serves. Else null.
// Behind it both pages are in the first-level TLB, where their flags allow, and translated code finds the
// pair.
uint8_t* Dispatcher::across_pages(uint64_t base, const ir::GuardRange& range, uint8_t aux) {
  const uint64_t va = base + static_cast<uint64_t>(int64_t{range.lo});
  const auto first = static_cast<uint32_t>(kGuestPageSize - (va & kPageMask));
  if (range.length > first + kGuestPageSize) return nullptr;
  if (aux & ir::kGuardSlow) return nullptr;
  const auto part = [&](int32_t lo, uint32_t length) -> uint8_t* {
    uint8_t* pointer = nullptr;
    Fault fault;
    const ir::GuardRange one{lo, length, range.element, range.note};
    return core_.memory_path.guard(base, one, aux, pointer, fault) == MemoryPath::Result::kPointer ? pointer
                                                                                                   : nullptr;
  };
  uint8_t* const low = part(range.lo, first);
  if (!low) return nullptr;
  uint8_t* const high = part(range.lo + static_cast<int32_t>(first), range.length - first);
  if (!high) return nullptr;
  const uint64_t offset = va & kPageMask;
  if (high - kGuestPageSize == low - offset) return low;
  uint8_t* const both = techniques_.page_pairs ? pairs_->find(low - offset, high) : nullptr;
  return both ? both + offset : nullptr;
}

Dispatcher::Made Dispatcher::commit(uint64_t site_address, const ir::Site& site,
                                    const ir::HostRegisters& registers) {
  Fault fault;
  if (core_.memory_path.commit(reinterpret_cast<const uint8_t*>(value_of(site.base, registers)), fault))
    return Made::kYes;
  rebuild(site_address, registers);
  core_.raise(fault, Access::kWrite);
  return Made::kFault;
}

bool Dispatcher::call_helper(uint64_t site_address, const ir::HostRegisters&) {
  const auto& [address, found, site] = sites_.at(site_address);
  const TranslatedBlock& block = *found;
  const int64_t ahead = block.guest_insts - int64_t{site.completed};
  core_.budget.set_ahead(ahead);
  // The state was flushed before the call: the pc is all that is not in memory.
  core_.guest.set_pc(core_.pc_at(site.pc_offset));
  const bool go_on = core_.guest.call_helper(static_cast<unsigned>(site.imm), core_.runtime.call_args,
                                             core_.runtime.call_result);
  core_.budget.set_ahead(0);
  if (go_on) {  // behind the call
    core_.space.keep_running_at(core_.guest.pc());
    return true;
  }
  core_.budget.give_back(ahead);
  core_.budget.count(1);
  core_.space.changed();
  const uint64_t elsewhere = after_change();
  if (elsewhere) core_.runtime.exit_site = elsewhere;
  return elsewhere != 0;
}

ir::Site Dispatcher::rebuild_slots(uint64_t site_address, const ir::HostRegisters& registers) {
  const ir::Site site = sites_.with_saved(site_address, saved_);
  ir::write_saved(saved_, core_.guest.frontend().slots(), registers, core_.runtime.state);
  return site;
}

void Dispatcher::rebuild(uint64_t site_address, const ir::HostRegisters& registers) {
  const ir::Site site = rebuild_slots(site_address, registers);
  core_.guest.set_pc(core_.pc_at(site.pc_offset));
}

}  // namespace mynah
