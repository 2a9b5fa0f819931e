// SPDX-License-Identifier: Apache-2.0
//
// VcpuGroup: what one member does to all.
#include "engine/vcpu_group.h"

#include <algorithm>
#include <unordered_set>

namespace mynah {

VcpuGroup::VcpuGroup(GuestMemory& memory, ir::Backend* backend, Accelerator accelerator, size_t code_bytes)
    : memory_(memory),
      backend_(backend),
      cache_(accelerator == Accelerator::kJit ? std::make_unique<CodeCache>(memory, backend, code_bytes)
                                              : nullptr) {
  if (!cache_) return;
  memory_.on_code_write = [this](uint64_t pa, uint64_t n) {
    const bool by_instruction =
        std::ranges::any_of(members_, [](const Core* c) { return c->memory_path.storing(); });
    cache_->invalidate(pa, n, !by_instruction);
  };
  names_.on_death = [this](uint32_t name) { cache_->unlink_name(name); };
}

VcpuGroup::~VcpuGroup() { memory_.on_code_write = nullptr; }

Result<void> VcpuGroup::init() { return cache_ ? cache_->init() : Result<void>{}; }

unsigned VcpuGroup::join(Core& core) {
  const auto number = static_cast<unsigned>(members_.size());
  members_.push_back(&core);
  core.space.tlb().contexts().set_owner(number);
  if (cache_)
    core.memory_path.holds_code = [this](uint64_t pa, uint64_t n) { return cache_->holds_code(pa, n); };
  return number;
}

void VcpuGroup::leave(Core& core) { std::erase(members_, &core); }

void VcpuGroup::protect(uint64_t host_page, PageFlags& flags) {
  if (flags.writers == PageFlags::Writers::kNone) return;
  for (Core* core : members_) core->space.tlb().contexts().protect(host_page, flags);
  flags.writers = PageFlags::Writers::kNone;
}

void VcpuGroup::forget_jumps() {
  for (Core* core : members_) core->space.tlb().code().clear_jumps();
}

void VcpuGroup::flush() {
  cache_->flush();
  forget_jumps();
}

void VcpuGroup::follow_numbering() {
  if (stop_points_.flushes() == numbering_) return;
  numbering_ = stop_points_.flushes();
  flush();
}

// Code of the page goes by another key from now on.
void VcpuGroup::set_breakpoint(uint64_t address, bool on) {
  if (!(on ? stop_points_.insert_breakpoint(address) : stop_points_.remove_breakpoint(address))) return;
  names_.invalidate_pages(address, 1, true, 0);
  for (Core* core : members_) core->space.changed();
}

void VcpuGroup::set_watchpoint(const StopPoints::Watchpoint& watchpoint, bool on) {
  if (!(on ? stop_points_.insert_watchpoint(watchpoint) : stop_points_.remove_watchpoint(watchpoint))) return;
  for (Core* core : members_)
    for (uint64_t at = 0; at < watchpoint.length + kGuestPageSize; at += kGuestPageSize)
      core->space.tlb().contexts().drop_page(watchpoint.address + at);
}

void VcpuGroup::clear_stop_points() {
  for (const uint64_t address : std::unordered_set(stop_points_.breakpoints()))
    set_breakpoint(address, false);
  for (const auto& watchpoint : std::vector(stop_points_.watchpoints())) set_watchpoint(watchpoint, false);
}

}  // namespace mynah
