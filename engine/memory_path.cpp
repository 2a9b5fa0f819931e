// SPDX-License-Identifier: Apache-2.0
//
// The slow path of guest memory accesses: soft TLB refills, faults, device accesses, stores to pages that
// hold translated code, accesses across two pages.
#include <algorithm>
#include <cstring>

#include "engine/vcpu.h"

namespace mynah {

namespace {
constexpr uint64_t kPageMask = kGuestPageSize - 1;

// A pointer into the page would serve what must fault.
bool unaligned_may_fault(const Tlb::Entry& entry) { return entry.device && !entry.always_aligned; }

bool lines_overlap(const PageFlags& flags, uint64_t offset, uint64_t n) {
  if (!flags.code_lines) return false;
  const unsigned first = offset >> 6, last = (offset + n - 1) >> 6;
  const uint64_t mask = (last - first == 63 ? ~uint64_t{0} : ((uint64_t{1} << (last - first + 1)) - 1))
                        << first;
  return flags.code_lines & mask;
}
}  // namespace

Vcpu::GuardResult Vcpu::resolve(uint64_t tagged, Access access, uint32_t permission_class, Tlb::Entry& out,
                                Fault& fault) {
  const uint64_t va = guest_.canonical(tagged);
  const uint8_t need = access == Access::kWrite ? kCanWrite : kCanRead;
  const Tlb::Entry* entry = tlb_.lookup(va, context_->key);
  if (!entry || !(entry->permissions[permission_class] & need)) {
    // Not there, or there without the permission: only the tables know (a dirty bit to set, an access flag).
    ++tlb_.stats.walks;
    const TranslateResult t = guest_.translate(tagged, access, permission_class);
    if (!t.ok) {
      fault = t.fault;
      return GuardResult::kFault;
    }
    entry = tlb_.insert(va, context_->key, t.page);
  }
  out = *entry;
  return GuardResult::kPointer;
}

// An access to va's page may hit a watchpoint, the debugger's or the guest's own.
bool Vcpu::watches_page(uint64_t tagged) const {
  if (!context_->key.stops && stop_points_.watchpoints().empty()) return false;
  const uint64_t va = guest_.canonical(tagged);
  if (stop_points_.watches_page(va)) return true;
  return context_->key.stops &&
         std::ranges::any_of(guest_.guest_stops().watched, [&](const GuestStops::Range& r) {
           return r.first >> 12 <= va >> 12 && va >> 12 <= r.last >> 12;
         });
}

Vcpu::GuardResult Vcpu::fast_guard(uint64_t va, uint64_t length, uint8_t aux, uint8_t*& pointer,
                                   Fault& fault) {
  const bool write = aux & ir::kGuardWrite;
  const uint32_t permission_class =
      aux & ir::kGuardUser ? guest_.user_class() : context_->key.permission_class;
  const Access access = write ? Access::kWrite : Access::kRead;
  const unsigned align = aux >> ir::kGuardAlignShift & 7;
  if (align && (va & ((uint64_t{1} << align) - 1))) {
    fault = guest_.make_fault(va, access, permission_class, GuestCpu::FaultKind::kAlignment);
    return GuardResult::kFault;
  }
  Tlb::Entry entry;
  const GuardResult r = resolve(va, access, permission_class, entry, fault);
  if (r != GuardResult::kPointer) return r;
  const uint64_t offset = va & kPageMask;
  GuestMemory::Region* region = memory_.find(entry.pa);
  if (!region || !region->visible || (write && region->rom) || unaligned_may_fault(entry))
    return GuardResult::kSlow;
  uint8_t* page = region->host + (entry.pa - region->pa);
  PageFlags& flags = region->pages[(entry.pa - region->pa) / kGuestPageSize];
  if (offset + length > kGuestPageSize) {
    // Two pages that the guest mapped to neighbouring frames are one range to the host.
    Tlb::Entry second;
    const uint64_t next = (va & ~kPageMask) + kGuestPageSize;
    if (resolve(next, access, permission_class, second, fault) != GuardResult::kPointer)
      return GuardResult::kSlow;
    if (second.pa != entry.pa + kGuestPageSize || unaligned_may_fault(second) ||
        second.pa - region->pa >= region->size)
      return GuardResult::kSlow;
    if (write && (flags.code_lines || (&flags)[1].code_lines)) return GuardResult::kSlow;
    if (watches_page(va) || watches_page(va + kGuestPageSize)) return GuardResult::kSlow;
    if (write) flags.dirty = (&flags)[1].dirty = true;
    pointer = page + offset;
    return GuardResult::kPointer;
  }
  if (watches_page(va)) return GuardResult::kSlow;
  ++tlb_.stats.refills;
  TranslationContext& context = aux & ir::kGuardUser ? *user_context_ : *context_;
  const unsigned index = ir::tlb_index(va);
  ir::TlbPair& pair = context.tlb[index];
  const ir::TlbEntry made{va & ~kPageMask, reinterpret_cast<uint64_t>(page)};
  if (write) {
    flags.dirty = true;
    if (flags.code_lines) {
      ++stats.code_page_stores;
      if (lines_overlap(flags, offset, length) && cache_->holds_code(entry.pa + offset, length))
        return GuardResult::kSlow;
    } else {
      pair.write = made;
      flags.note_writer(context.number, static_cast<uint16_t>(index));
      context.note_tlb_entry(index);
    }
  } else {
    pair.read = made;
    context.note_tlb_entry(index);
  }
  pointer = page + offset;
  return GuardResult::kPointer;
}

Vcpu::GuardResult Vcpu::slow_guard(uint64_t va, const ir::GuardRange& range, uint8_t aux, uint8_t*& pointer,
                                   Fault& fault) {
  const bool write = aux & ir::kGuardWrite;
  const bool read = !write || (aux & ir::kGuardReadWrite);
  const uint32_t permission_class =
      aux & ir::kGuardUser ? guest_.user_class() : context_->key.permission_class;
  const Access access = write ? Access::kWrite : Access::kRead;
  const unsigned align = aux >> ir::kGuardAlignShift & 7;
  bounce_.active = false;
  if (align && (va & ((uint64_t{1} << align) - 1))) {
    fault = guest_.make_fault(va, access, permission_class, GuestCpu::FaultKind::kAlignment);
    return GuardResult::kFault;
  }
  const unsigned length = range.length;
  const bool no_device = range.element == ir::kNoDevice;
  const uint8_t element = no_device ? 3 : range.element;
  const unsigned first = static_cast<unsigned>(std::min<uint64_t>(length, kGuestPageSize - (va & kPageMask)));
  Tlb::Entry entry[2];
  const GuardResult r = resolve(va, access, permission_class, entry[0], fault);
  if (r != GuardResult::kPointer) return r;
  if (first < length) {
    const GuardResult r2 =
        resolve((va & ~kPageMask) + kGuestPageSize, access, permission_class, entry[1], fault);
    if (r2 != GuardResult::kPointer) return r2;
  }
  if ((entry[0].device || (first < length && entry[1].device)) &&
      (no_device || (va & ((uint64_t{1} << element) - 1)))) {
    fault = guest_.make_fault(va, access, permission_class, GuestCpu::FaultKind::kAlignment);
    return GuardResult::kFault;
  }
  if (guest_.watched(va, length, read, write, range.note, permission_class, fault))
    return GuardResult::kFault;
  if (const StopPoints::Watchpoint* hit = stop_points_.watched(guest_.canonical(va), length, read, write)) {
    if (!executing_one_) return GuardResult::kWatched;
    watch_hit_ = *hit;
  }
  bounce_.pa[0] = entry[0].pa | (va & kPageMask);
  bounce_.pa[1] = entry[1].pa;
  bounce_.first_length = first;
  bounce_.length = length;
  bounce_.va = va;
  bounce_.element = element;
  bounce_.write = write;
  bounce_.permission_class = permission_class;
  if (first == length) {
    guest_store_ = true;
    uint8_t* host = write ? memory_.for_write(bounce_.pa[0], length) : memory_.host(bounce_.pa[0], length);
    guest_store_ = false;
    if (host) {
      pointer = host;
      return GuardResult::kPointer;
    }
  }
  if (length > sizeof bounce_.bytes) return GuardResult::kSlow;  // no single access is that long
  bounce_.active = true;
  pointer = bounce_.bytes;
  if (!read) return GuardResult::kPointer;
  for (unsigned i = 0; i < 2 && (i == 0 || first < length); ++i) {
    uint8_t* to = bounce_.bytes + (i ? first : 0);
    const unsigned n = i ? length - first : first;
    if (memory_.read(bounce_.pa[i], to, n)) continue;
    if ((va & ((uint64_t{1} << element) - 1)) != 0 || first < length) {
      fault = guest_.make_fault(va, access, permission_class, GuestCpu::FaultKind::kAlignment);
      return GuardResult::kFault;
    }
    if (!device_read(bounce_.pa[i], element, to, n)) {
      fault = guest_.make_fault(va, access, permission_class, GuestCpu::FaultKind::kExternal);
      return GuardResult::kFault;
    }
  }
  return GuardResult::kPointer;
}

bool Vcpu::write_bounce(Fault& fault) {
  if (!bounce_.active || !bounce_.write) return true;
  bounce_.active = false;
  const bool two = bounce_.first_length < bounce_.length;
  for (unsigned i = 0; i < (two ? 2u : 1u); ++i) {
    const uint8_t* from = bounce_.bytes + (i ? bounce_.first_length : 0);
    const unsigned n = i ? bounce_.length - bounce_.first_length : bounce_.first_length;
    guest_store_ = true;
    const bool stored = memory_.write(bounce_.pa[i], from, n);
    guest_store_ = false;
    if (stored) continue;
    if ((bounce_.va & ((uint64_t{1} << bounce_.element) - 1)) != 0 || two) {
      fault = guest_.make_fault(bounce_.va, Access::kWrite, bounce_.permission_class,
                                GuestCpu::FaultKind::kAlignment);
      return false;
    }
    if (!device_write(bounce_.pa[i], bounce_.element, from, n)) {
      fault = guest_.make_fault(bounce_.va, Access::kWrite, bounce_.permission_class,
                                GuestCpu::FaultKind::kExternal);
      return false;
    }
  }
  return true;
}

bool Vcpu::device_read(uint64_t pa, unsigned element, uint8_t* to, unsigned n) {
  const unsigned width = std::min(8u, 1u << element);
  for (unsigned at = 0; at < n; at += width) {
    uint64_t value = 0;
    ++stats.device_accesses;
    if (!devices_.read(pa + at, width, value)) return false;
    std::memcpy(to + at, &value, std::min(width, n - at));
  }
  return true;
}

bool Vcpu::device_write(uint64_t pa, unsigned element, const uint8_t* from, unsigned n) {
  const unsigned width = std::min(8u, 1u << element);
  for (unsigned at = 0; at < n; at += width) {
    uint64_t value = 0;
    std::memcpy(&value, from + at, std::min(width, n - at));
    ++stats.device_accesses;
    if (!devices_.write(pa + at, width, value)) return false;
  }
  return true;
}

// --- evaluator

bool Vcpu::guard(const ir::Region& region, const ir::Inst& inst, uint64_t base, uint8_t*& pointer) {
  const ir::GuardRange range = ir::guard_range(inst);
  const ir::Snapshot& snapshot = region.snapshot(inst);
  ahead_ = -static_cast<int64_t>(snapshot.completed);
  Fault fault;
  const GuardResult r = slow_guard(base + static_cast<int64_t>(range.lo), range, inst.aux, pointer, fault);
  if (r == GuardResult::kPointer) {
    ahead_ = 0;
    pointer -= range.lo;  // the value stands for the base
    return true;
  }
  guest_.set_pc(*reinterpret_cast<uint64_t*>(runtime_->state) + static_cast<int64_t>(snapshot.pc_offset));
  if (r == GuardResult::kWatched)
    watched_ = true;
  else
    raise(fault, inst.aux & ir::kGuardWrite ? Access::kWrite : Access::kRead, range.note);
  ahead_ = 0;
  return false;
}

bool Vcpu::commit(const ir::Region& region, const ir::Inst& inst, uint8_t*) {
  const ir::Snapshot& snapshot = region.snapshot(inst);
  ahead_ = -static_cast<int64_t>(snapshot.completed);
  Fault fault;
  const bool ok = write_bounce(fault);
  if (!ok) {
    guest_.set_pc(*reinterpret_cast<uint64_t*>(runtime_->state) + static_cast<int64_t>(snapshot.pc_offset));
    raise(fault, Access::kWrite);
  }
  ahead_ = 0;
  return ok;
}

bool Vcpu::call(const ir::Region& region, const ir::Inst& inst, const uint64_t args[4], uint64_t& result) {
  const ir::Snapshot& snapshot = region.snapshot(inst);
  ahead_ = -static_cast<int64_t>(snapshot.completed);
  guest_.set_pc(*reinterpret_cast<uint64_t*>(runtime_->state) + static_cast<int64_t>(snapshot.pc_offset));
  const bool go_on = guest_.call_helper(static_cast<unsigned>(inst.imm), args, result);
  ahead_ = 0;
  if (!go_on) {
    ++executed_;
    context_stale_ = true;
  }
  return go_on;
}

// --- debugger

bool Vcpu::debug_read(uint64_t va, std::span<uint8_t> to) {
  if (context_stale_) select_contexts();
  for (size_t done = 0; done < to.size();) {
    const size_t n = std::min<size_t>(to.size() - done, kGuestPageSize - ((va + done) & kPageMask));
    const TranslateResult t = guest_.translate(va + done, Access::kRead, context_->key.permission_class);
    if (!t.ok || !memory_.read(t.page.pa, to.data() + done, n)) return false;
    done += n;
  }
  return true;
}

bool Vcpu::debug_write(uint64_t va, std::span<const uint8_t> from) {
  if (context_stale_) select_contexts();
  for (size_t done = 0; done < from.size();) {
    const size_t n = std::min<size_t>(from.size() - done, kGuestPageSize - ((va + done) & kPageMask));
    const TranslateResult t = guest_.translate(va + done, Access::kRead, context_->key.permission_class);
    if (!t.ok || !memory_.write(t.page.pa, from.data() + done, n)) return false;
    done += n;
  }
  return true;
}

}  // namespace mynah
