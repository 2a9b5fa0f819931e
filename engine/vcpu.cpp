// SPDX-License-Identifier: Apache-2.0
#include "engine/vcpu.h"

#include <algorithm>
#include <cstring>

#include "engine/enter.h"

namespace mynah {

// The C++ entries that thunks call.
struct Entries {
  static Vcpu& vcpu(ir::Runtime* rt) { return *static_cast<Vcpu*>(rt->engine); }

  static bool guard_miss(ir::Runtime* rt, uint64_t address, ir::HostRegisters* registers) {
    Vcpu& v = vcpu(rt);
    const auto& [key, found, site] = v.site_at(address);
    const TranslatedBlock& block = *found;
    if (site.kind == ir::Site::Kind::kEngine) {  // an exit_engine_if; who handles Leave::kEngine sets the pc
      v.rebuild_slots(address, *registers);
      rt->counter += block.guest_insts - site.completed;
      rt->exit_reason = static_cast<uint32_t>(ir::Leave::kEngine);
      rt->exit_argument = 0;
      return false;
    }
    v.ahead_ = block.guest_insts - site.completed;
    const bool go_on = site.kind == ir::Site::Kind::kCommit ? commit(v, address, site, registers)
                                                            : guard(v, address, site, registers);
    v.ahead_ = 0;
    if (!go_on) {
      rt->counter += block.guest_insts - site.completed;
      return false;
    }
    rt->resume_at = reinterpret_cast<uint64_t>(v.cache_->entry(block)) + site.resume;
    return true;
  }

  static bool guard(Vcpu& v, uint64_t address, const ir::Site& site, ir::HostRegisters* registers) {
    ++v.stats.guard_misses;
    const ir::GuardRange range =
        ir::guard_range({.op = ir::Op::guard, .type = ir::Type::ptr, .imm = site.imm});
    const uint64_t va = value(site.base, *registers) + static_cast<int64_t>(range.lo);
    uint8_t* pointer = nullptr;
    Fault fault;
    const Vcpu::GuardResult result = site.aux & ir::kGuardSlow
                                         ? v.slow_guard(va, range, site.aux, pointer, fault)
                                         : v.fast_guard(va, range.length, site.aux, pointer, fault);
    if (result == Vcpu::GuardResult::kPointer) {
      registers->gpr[site.result] = reinterpret_cast<uint64_t>(pointer);
      return true;
    }
    v.rebuild(address, *registers);
    if (result == Vcpu::GuardResult::kWatched) {
      v.watched_ = true;
    } else if (result == Vcpu::GuardResult::kFault && !(site.aux & ir::kGuardMerged)) {
      v.raise(fault, site.aux & ir::kGuardWrite ? Access::kWrite : Access::kRead, range.note);
    } else {
      v.enter_flavour_ = site.aux & ir::kGuardMerged ? kNarrowFlavour : kSlowFlavour;
    }
    return false;
  }

  static bool commit(Vcpu& v, uint64_t address, const ir::Site& site, ir::HostRegisters* registers) {
    Fault fault;
    if (v.write_bounce(fault)) return true;
    v.rebuild(address, *registers);
    v.raise(fault, Access::kWrite);
    return false;
  }

  static bool call_helper(ir::Runtime* rt, uint64_t address, ir::HostRegisters* registers) {
    Vcpu& v = vcpu(rt);
    const auto& [key, found, site] = v.site_at(address);
    const TranslatedBlock& block = *found;
    v.ahead_ = block.guest_insts - site.completed;
    // The state was flushed before the call: the pc is all that is not in memory.
    v.guest_.set_pc(*reinterpret_cast<uint64_t*>(rt->state) + static_cast<int64_t>(site.pc_offset));
    const bool go_on = v.guest_.call_helper(static_cast<unsigned>(site.imm), rt->call_args, rt->call_result);
    if (!v.context_->is_named()) v.note_code(v.guest_.pc());  // a mapping of code changed
    v.ahead_ = 0;
    if (!go_on) {
      rt->counter += block.guest_insts - site.completed;
      ++v.executed_;
      v.context_stale_ = true;
      return false;
    }
    rt->resume_at = reinterpret_cast<uint64_t>(v.cache_->entry(block)) + site.resume;
    return true;
  }

  static void run_op(ir::Runtime* rt, uint64_t packed, uint64_t imm) {
    const ir::Op op = static_cast<ir::Op>(packed & 0xffff);
    // Argument types: an fp scalar or integer argument's width matters to few ops; they say it in `aux` or
    // here.
    ir::Type types[4];
    for (unsigned i = 0; i < 4; ++i) types[i] = static_cast<ir::Type>(packed >> (32 + 8 * i) & 0xff);
    const ir::OpInput in{op,
                         static_cast<ir::Type>(packed >> 16 & 0xff),
                         static_cast<uint8_t>(packed >> 24),
                         imm,
                         rt->vector_args,
                         types};
    rt->vector_result = ir::evaluate_op(in, rt->fp_mode, rt->fp_sticky);
  }

  static uint64_t value(const ir::Location& at, const ir::HostRegisters& r) {
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
};

Vcpu::Vcpu(GuestCpu& guest, GuestMemory& memory, DeviceBus& devices, ir::Backend* backend,
           Accelerator accelerator, size_t code_bytes, const Techniques& techniques)
    : guest_(guest),
      memory_(memory),
      devices_(devices),
      backend_(backend),
      accelerator_(accelerator),
      techniques_(techniques),
      runtime_(ir::runtime_of(guest.state())),
      tlb_(backend ? backend->stack_bytes() : 0) {
  if (accelerator_ == Accelerator::kJit) cache_ = std::make_unique<CodeCache>(memory_, backend_, code_bytes);
  if (backend_) backend_->prepare(*runtime_);
  tlb_.many_contexts = techniques.contexts;
  tlb_.second_level = techniques.second_tlb;
  runtime_->engine = this;
  runtime_->second_jumps = tlb_.second_jumps();
  runtime_->guard_miss = Entries::guard_miss;
  runtime_->call_helper = Entries::call_helper;
  runtime_->run_op = Entries::run_op;
  tlb_.on_epoch_death = [this](uint32_t epoch) {
    const auto it = page_links_.find(epoch);
    if (it == page_links_.end()) return;
    for (const PageLink& link : it->second)
      backend_->patch(cache_->span(*link.from), ir::Patch::unlink(link.site_offset));
    page_links_.erase(it);
  };
  memory_.on_code_write = [this](uint64_t pa, uint64_t n) {
    if (cache_) cache_->invalidate(pa, n, !guest_store_);
  };
}

Vcpu::~Vcpu() { memory_.on_code_write = nullptr; }

std::string Vcpu::init() {
  translator_ = std::make_unique<Translator>(guest_, backend_, cache_.get());
  translator_->techniques = techniques_;
  return cache_ ? cache_->init() : std::string{};
}

uint64_t Vcpu::instructions() const {
  return executed_ + static_cast<uint64_t>(slice_ - (slice_ ? runtime_->counter : 0) - ahead_);
}

void Vcpu::request_stop() {
  stop_requested_ = true;
  if (slice_ == 0) return;
  slice_ -= runtime_->counter + 1;
  runtime_->counter = -1;
}

void Vcpu::select_contexts() {
  context_stale_ = false;
  ContextKey key = guest_.context_key();
  ContextKey user = key;
  user.permission_class = guest_.user_class();
  if (context_ && context_->key == key && user_context_->key == user) {  // only select() below recycles them
    tlb_.refresh_epochs(*context_);
    context_->jump_used = true;
    return;
  }
  user_context_ = user == key ? nullptr : tlb_.select(user);
  context_ = tlb_.select(key);
  if (!user_context_) user_context_ = context_;
  tlb_.refresh_epochs(*context_);
  context_->jump_used = true;
  runtime_->context = context_;
  runtime_->user_context = user_context_;
  runtime_->fp_mode = guest_.fp_mode(key.mode);
  ir::set_fp_round(*runtime_, runtime_->fp_mode.round);
}

void Vcpu::raise(const Fault& fault, Access access, uint8_t note) {
  guest_.raise_fault(fault, access, note);
  context_stale_ = true;
  ++executed_;
}

// The page of the code at pc; none: it faults.
const Tlb::Entry* Vcpu::code_entry(uint64_t pc, Fault& fault) {
  const Tlb::Entry* entry = tlb_.lookup(pc, context_->key);
  if (entry && (entry->permissions[context_->key.permission_class] & kCanExecute)) return entry;
  const TranslateResult t = guest_.translate(pc, Access::kExecute, context_->key.permission_class);
  ++tlb_.stats.walks;
  fault = t.fault;
  return t.ok ? tlb_.insert(pc, context_->key, t.page) : nullptr;
}

// Where the code at pc is, and what it is keyed by beside its place.
bool Vcpu::fetch(uint64_t pc, uint64_t& pa, uint64_t& mode) {
  Fault fault;
  const Tlb::Entry* entry = code_entry(pc, fault);
  if (!entry) {
    raise(fault, Access::kExecute);
    return false;
  }
  pa = entry->pa | (pc & (kGuestPageSize - 1));
  Translation page;
  page.guarded = entry->guarded;
  uint64_t facts = 0;
  if (guest_.enter(page, facts)) {
    ++executed_;
    context_stale_ = true;
    return false;
  }
  if (!memory_.host(pa, 4)) {
    raise(guest_.make_fault(pc, Access::kExecute, context_->key.permission_class,
                            GuestCpu::FaultKind::kExternal),
          Access::kExecute);
    return false;
  }
  mode = context_->key.mode | facts;
  return true;
}

std::span<const uint8_t> Vcpu::code_page(uint64_t pa) {
  const uint8_t* host = memory_.host(pa & ~(kGuestPageSize - 1), kGuestPageSize);
  return {host, host ? kGuestPageSize : 0};
}

uint32_t Vcpu::stops_at(uint64_t pc) {
  const GuestStops* own = context_->key.stops ? &guest_.guest_stops() : nullptr;
  if (!own && stop_points_.breakpoints().empty()) return 0;
  const uint32_t number = stop_points_.number(
      pc, own ? std::span<const uint64_t>(own->breakpoints) : std::span<const uint64_t>{});
  if (stop_points_.flushes() != stop_flushes_) {
    stop_flushes_ = stop_points_.flushes();
    flush_code();
  }
  return number;
}

TranslatedBlock* Vcpu::find_block(uint64_t pc, uint64_t flavour) {
  uint64_t pa, mode;
  if (!fetch(pc, pa, mode)) return nullptr;
  const uint32_t stops = stops_at(pc);
  mode |= flavour | uint64_t{stops} << kStopsShift;
  TranslatedBlock* block = cache_->find(pa, mode);
  if (!block) {
    const auto page = code_page(pa);
    tlb_.protect(reinterpret_cast<uint64_t>(page.data()), *memory_.page(pa));
    const uint32_t offset = pa & (kGuestPageSize - 1);
    block = cache_->revive(pa, mode, page.subspan(offset));
    while (!block) {
      block = translator_->translate(page, offset, pa, mode, stop_points_.offsets(stops));
      if (!block) {  // the cache was full and has been emptied
        tlb_.clear_all_jumps();
        page_links_.clear();
      }
    }
  }
  note_code(pc);
  return block;
}

// Links, jump caches and return stack may lead to pc from now on.
void Vcpu::note_code(uint64_t pc) {
  if (!context_->is_named()) tlb_.refresh_epochs(*context_);
  tlb_.note_code_page(*context_, pc);
}

// `block` is what a branch of this kind to pc leads to.
void Vcpu::remember(uint64_t pc, ir::BranchKind branch, const TranslatedBlock& block) {
  const uint32_t epoch = context_->epoch[pc >> 63];
  if (single_regions || !epoch || !techniques_.jump_cache) return;
  const auto host = reinterpret_cast<uint64_t>(cache_->entry(block));
  context_->jump[ir::jump_index(pc, branch)] = {pc, host};
  if (!techniques_.second_jump_cache) return;
  const uint32_t tag = ir::second_jump_tag(epoch, branch);
  tlb_.second_jumps()[ir::second_jump_index(pc, tag)] = {pc, host, tag};
}

const void* Vcpu::recall(uint64_t pc) {
  if (single_regions || slice_ < int64_t{translator_->max_insts})
    return nullptr;  // the shortest slices: see run_translated
  constexpr auto kHint = ir::BranchKind::kReturn;
  ir::JumpEntry& first = context_->jump[ir::jump_index(pc, kHint)];
  if (first.address == pc) return reinterpret_cast<const void*>(first.host);
  const uint32_t tag = ir::second_jump_tag(context_->epoch[pc >> 63], kHint);
  const ir::SecondJumpEntry& second = tlb_.second_jumps()[ir::second_jump_index(pc, tag)];
  if (second.address != pc || second.tag != tag) return nullptr;
  first = {pc, second.host};
  return reinterpret_cast<const void*>(second.host);
}

void Vcpu::flush_code() {
  if (cache_) cache_->flush();
  page_links_.clear();
  tlb_.clear_all_jumps();
}

// Code of the page goes by another key from now on.
void Vcpu::set_breakpoint(uint64_t address, bool on) {
  if (on ? stop_points_.insert_breakpoint(address) : stop_points_.remove_breakpoint(address)) {
    tlb_.forget_code_page(address);
    context_stale_ = true;
  }
}

void Vcpu::set_watchpoint(const StopPoints::Watchpoint& watchpoint, bool on) {
  if (on ? stop_points_.insert_watchpoint(watchpoint) : stop_points_.remove_watchpoint(watchpoint))
    for (uint64_t at = 0; at < watchpoint.length + kGuestPageSize; at += kGuestPageSize)
      tlb_.drop_page(watchpoint.address + at);
}

void Vcpu::clear_stop_points() {
  for (const uint64_t address : std::unordered_set(stop_points_.breakpoints()))
    set_breakpoint(address, false);
  for (const auto& watchpoint : std::vector(stop_points_.watchpoints())) set_watchpoint(watchpoint, false);
}

AfterExit Vcpu::run_translated() {
  const uint64_t flavour = enter_flavour_;
  enter_flavour_ = 0;
  if (flavour == kNarrowFlavour) ++stats.narrow_entries;
  if (flavour == kSlowFlavour) ++stats.slow_entries;
  const uint64_t pc = guest_.pc();
  const bool plain = !flavour && guest_.enters_plainly();
  const void* code = plain ? recall(pc) : nullptr;
  TranslatedBlock* block = code ? nullptr : find_block(pc, flavour);
  if (block && plain) remember(pc, ir::BranchKind::kReturn, *block);
  // Counting restarts at every entry: what find_block raised is not counted.
  while ((code || block) && !stop_requested_) {
    if (!code) {
      // However short the slice, one block is run, or nothing would ever be.
      if (block->guest_insts > slice_) {
        if (exact_) return AfterExit::kContinue;
        slice_ = block->guest_insts;
      }
      if (exec_log) exec_log(*block);
      code = cache_->entry(*block);
    }
    if (context_->returns_are_deep()) context_->forget_returns();
    runtime_->counter = slice_;
    enter(cache_->thunks(), runtime_, code);
    code = nullptr;
    block = nullptr;
    const auto leave = static_cast<ir::Leave>(runtime_->exit_reason);
    ++stats.leaves[static_cast<unsigned>(leave)];
    const uint64_t site_address = runtime_->exit_site;
    if (leave == ir::Leave::kDeadline) {
      TranslatedBlock& at = *cache_->at(site_address);
      runtime_->counter += at.guest_insts;
      guest_.not_entered(at.mode);
      guest_.set_pc(*reinterpret_cast<uint64_t*>(runtime_->state) + (at.pa & (kGuestPageSize - 1)));
      executed_ += static_cast<uint64_t>(slice_ - runtime_->counter);
      return AfterExit::kContinue;
    }
    executed_ += static_cast<uint64_t>(slice_ - runtime_->counter);
    slice_ = runtime_->counter;
    switch (leave) {
      case ir::Leave::kLink: {
        TranslatedBlock& from = *cache_->at(site_address);
        const ir::Site site = cache_->site(from, site_address, saved_);
        // An exit to another page has moved pc_page there.
        const uint64_t target =
            *reinterpret_cast<uint64_t*>(runtime_->state) + (site.imm & (kGuestPageSize - 1));
        guest_.set_pc(target);
        if (slice_ <= 0) break;  // what may fault there is the next slice's
        const uint64_t flushes = cache_->stats.flushes;
        block = find_block(target);
        if (!block) break;
        remember(target, ir::BranchKind::kReturn, *block);
        if (!single_regions && cache_->stats.flushes == flushes && from.live)
          link(from, site, target, *block);
        break;
      }
      case ir::Leave::kIndirect: {
        const auto branch = static_cast<ir::BranchKind>(runtime_->exit_argument);
        guest_.set_pc(runtime_->exit_target);
        guest_.branched(branch);
        if (slice_ <= 0) break;
        block = find_block(guest_.pc());
        // A tag that the pc does not keep makes the address one that emitted code must not go to by itself.
        if (block && guest_.pc() == runtime_->exit_target) remember(guest_.pc(), branch, *block);
        break;
      }
      case ir::Leave::kDead: {
        TranslatedBlock& at = *cache_->at(site_address);
        const uint64_t pc = *reinterpret_cast<uint64_t*>(runtime_->state) + (at.pa & (kGuestPageSize - 1));
        guest_.set_pc(pc);
        guest_.not_entered(at.mode);
        if (slice_ <= 0) break;
        block = find_block(pc);
        break;
      }
      case ir::Leave::kEngine: {
        const ir::Site& site = site_at(site_address).site;
        guest_.set_pc(*reinterpret_cast<uint64_t*>(runtime_->state) + static_cast<int64_t>(site.pc_offset));
        return after_engine_exit(site.aux, site.imm, runtime_->exit_argument);
      }
      default:
        return AfterExit::kContinue;  // kGuard, kCall: the state is in place
    }
    if (single_regions || slice_ <= 0) return AfterExit::kContinue;
  }
  return AfterExit::kContinue;
}

AfterExit Vcpu::run(uint64_t budget) {
  stop_requested_ = false;
  if (guest_.asleep()) {
    if (!guest_.wake_pending()) return AfterExit::kHalt;
    guest_.wake();
  }
  const uint64_t end = executed_ + budget;
  bool first = true;  // nothing was executed yet: a breakpoint here was met before
  while (executed_ < end && !stop_requested_) {
    if (guest_.interrupt_deliverable()) {
      guest_.deliver_interrupt();
      context_stale_ = true;
      first = false;
    }
    if (context_stale_) select_contexts();
    const uint64_t remaining = end - executed_;
    AfterExit after;
    if (watched_ || (first && stop_points_.has_breakpoint(guest_.pc()))) {
      after = execute_one();
    } else if (accelerator_ == Accelerator::kInterp) {
      after = run_evaluated(remaining);
    } else {
      // The counter too: what is raised before any code is entered may ask for the count.
      runtime_->counter = slice_ = static_cast<int64_t>(std::min<uint64_t>(remaining, ir::kMostCalls));
      after = run_translated();
      slice_ = 0;
      // What is left is shorter than a block may be: the evaluator stops where it must.
      if (after == AfterExit::kContinue && exact_ && end - executed_ < translator_->max_insts &&
          executed_ < end && !stop_requested_ && !watched_ && !guest_.interrupt_deliverable()) {
        if (context_stale_) select_contexts();
        after = run_evaluated(end - executed_);
      }
    }
    first = false;
    if (after == AfterExit::kStop) after = stopped();
    if (after != AfterExit::kContinue) return after;
    if (!exact_ && end - executed_ < translator_->max_insts) break;
  }
  return AfterExit::kContinue;
}

void Vcpu::link(TranslatedBlock& from, const ir::Site& site, uint64_t target, const TranslatedBlock& to) {
  if (site.imm < kGuestPageSize) {
    // A guest that changed its mapping without telling the TLB may have come to other memory: no link then.
    if (!techniques_.links || to.pa / kGuestPageSize != from.pa / kGuestPageSize) return;
    backend_->patch(cache_->span(from), ir::Patch::link(site, cache_->entry(to)));
    return;
  }
  const unsigned half = target >> 63;
  const uint32_t epoch = context_->epoch[half];
  if (!epoch || !techniques_.page_links) return;
  const ir::Patch::PageCondition condition{half, epoch, target & ~(kGuestPageSize - 1)};
  backend_->patch(cache_->span(from), ir::Patch::link_page(site, condition, cache_->entry(to)));
  page_links_[epoch].push_back({&from, site.offset});
}

AfterExit Vcpu::after_engine_exit(uint8_t reason, uint64_t imm, uint64_t argument) {
  context_stale_ = true;
  const AfterExit after = guest_.engine_exit(reason, imm, argument);
  if (after != AfterExit::kSlow) return after;
  enter_flavour_ = kSlowFlavour;
  return AfterExit::kContinue;
}

AfterExit Vcpu::stopped() {
  if (stop_points_.has_breakpoint(guest_.pc())) return AfterExit::kDebug;
  if (context_stale_) select_contexts();
  return execute_one();  // one of the guest's own: entering it tells whether it hits
}

// With the watchpoints that it hits noted.
AfterExit Vcpu::execute_one() {
  watched_ = false;
  executing_one_ = true;
  const AfterExit after = run_evaluated(1, false);
  executing_one_ = false;
  return watch_hit_ && after == AfterExit::kContinue ? AfterExit::kDebug : after;
}

AfterExit Vcpu::run_evaluated(uint64_t max_insts, bool stop) {
  enter_flavour_ = 0;
  const uint64_t pc = guest_.pc();
  uint64_t pa, mode;
  if (!fetch(pc, pa, mode)) return AfterExit::kContinue;
  const uint32_t offset = pa & (kGuestPageSize - 1);
  const ir::Region& region =
      translator_->lift(code_page(pa), offset, mode | kSlowFlavour,
                        static_cast<unsigned>(std::min<uint64_t>(max_insts, translator_->max_insts)),
                        stop_points_.offsets(stop ? stops_at(pc) : 0));
  const ir::EvalResult r = ir::evaluate(region, runtime_->state, runtime_->fp_sticky, *this);
  ahead_ = 0;
  const ir::Inst& inst = region.insts[r.inst];
  const ir::Snapshot& snapshot = region.snapshot(inst);
  executed_ += snapshot.completed;
  switch (r.leave) {
    case ir::Leave::kLink:
      guest_.set_pc((pc & ~(kGuestPageSize - 1)) + inst.imm);
      break;
    case ir::Leave::kIndirect:
      guest_.set_pc(r.target);
      guest_.branched(static_cast<ir::BranchKind>(inst.aux));
      break;
    case ir::Leave::kEngine:
      guest_.set_pc((pc & ~(kGuestPageSize - 1)) + static_cast<int64_t>(snapshot.pc_offset));
      return after_engine_exit(inst.aux, inst.imm, r.target);
    default:
      break;
  }
  return AfterExit::kContinue;
}

AfterExit Vcpu::step() {
  if (guest_.interrupt_deliverable()) {
    guest_.deliver_interrupt();
    context_stale_ = true;
  }
  if (context_stale_) select_contexts();
  return execute_one();
}

const Vcpu::CachedSite& Vcpu::site_at(uint64_t address) {
  if (site_cache_flushes_ != cache_->stats.flushes || site_cache_.empty()) {
    site_cache_.assign(kSiteCacheSize, {});
    site_cache_flushes_ = cache_->stats.flushes;
  }
  CachedSite& cached = site_cache_[(address ^ address >> 10) & (kSiteCacheSize - 1)];
  if (cached.address != address) {
    cached.address = address;
    cached.block = cache_->at(address);
    cached.site = cache_->site(*cached.block, address, saved_);
  }
  return cached;
}

ir::Site Vcpu::rebuild_slots(uint64_t site_address, const ir::HostRegisters& registers) {
  const ir::Site site = cache_->site(*cache_->at(site_address), site_address, saved_);
  const auto slots = guest_.slots();
  for (const ir::SavedSlot& s : saved_) {
    uint8_t* to = runtime_->state + slots[s.slot].offset;
    const unsigned n = ir::bytes(slots[s.slot].type);
    ir::V128 value;
    switch (s.at.kind) {
      case ir::Location::Kind::kConst:
        value = {s.at.imm, s.at.imm_hi};
        break;
      case ir::Location::Kind::kSpill:
        value = {registers.spill[s.at.spill], n > 8 ? registers.spill[s.at.spill + 1] : 0};
        break;
      case ir::Location::Kind::kVec:
        value = {registers.vec[s.at.index][0], registers.vec[s.at.index][1]};
        break;
      default:
        value = {registers.gpr[s.at.index], 0};
    }
    std::memcpy(to, &value, n);
  }
  return site;
}

void Vcpu::rebuild(uint64_t site_address, const ir::HostRegisters& registers) {
  const ir::Site site = rebuild_slots(site_address, registers);
  guest_.set_pc(*reinterpret_cast<uint64_t*>(runtime_->state) + static_cast<int64_t>(site.pc_offset));
}

}  // namespace mynah
