// SPDX-License-Identifier: Apache-2.0
//
// Guard merging. Assumes a verified region. Guarantees: of the guards of one block whose bases differ by
// constants, only the first remains where it can cover the others' ranges; loads, stores and atomics use its
// pointer with their offsets adjusted. What the pass leaves behind of a merged guard is a dead constant.
//
// Why this is legal: host pointers stay valid until the next safepoint, and only commits and calls of helpers
// that say so are safepoints within a region. A merged guard that misses proves nothing (kGuardMerged): the
// engine then runs the instruction one guard at a time. So widening costs at most a slow path, which is why
// it is bounded: by kMaxLength, and, where an exit lies between and the later access may never happen, by
// kMaxLengthOverExit and to the permissions that the first guard has already.
//
// Guards of one root and different indices that have upper bounds (Region::bounded: a table looked up by a
// byte) become one guard from the root on, of whatever the indices may reach, up to kMaxTable bytes. Their
// accesses go by `index` of its pointer.
//
// Write permission implies read permission in every guest here.
#include <algorithm>
#include <span>

#include "ir/passes/passes.h"

namespace mynah::ir {

namespace {

constexpr int64_t kMaxLength = 512;
constexpr int64_t kMaxLengthOverExit = 64;
constexpr int64_t kMaxTable = kMostIndex + 64;
constexpr int64_t kMaxDistance = 1 << 16;
constexpr unsigned kMaxGroups = 8;
constexpr size_t kMostRedirects = 64;

// Guards that are merged or may yet be.
struct Group {
  Value root;       // base, constants taken off
  uint64_t offset;  // of the first guard's base from root
  Value first;      // the guard that remains
  int64_t lo, hi;   // covered, in bytes from the first guard's base
  uint32_t exits;   // exits passed when the first guard was
  uint8_t context;  // kGuardUser
  bool table;       // of bounded addresses
};

bool is_access(Op op) { return family(op) == Family::kAccess; }

struct Base {
  Value root;
  uint64_t offset;
};
Base base_of(const Region& region, Value v) {
  uint64_t offset = 0;
  for (;;) {
    const Inst& inst = region.insts[v];
    if (inst.op != Op::add || region.insts[inst.args[1]].op != Op::konst) return {v, offset};
    offset += region.insts[inst.args[1]].imm;
    v = inst.args[0];
  }
}

// Where a guard's uses go.
struct Redirect {
  Value from, to;
  int64_t delta;
};

bool mergeable(const Inst& inst) {
  return inst.op == Op::guard && (inst.aux & (kGuardSlow | 7 << kGuardAlignShift)) == 0;
}

// Whether merging in the block can pay and is possible. Only an access can take an offset, so a block where
// anything else uses the pointer is left alone; by the ops' argument types few others could.
bool worth_merging(const Region& region, const Block& block) {
  unsigned guards = 0;
  bool other_use = false;
  for (uint32_t i = block.first; i < block.end; ++i) {
    const Inst& inst = region.insts[i];
    switch (inst.op) {
      case Op::guard:
        guards += mergeable(inst);
        break;
      case Op::commit:
      case Op::call:
      case Op::set:
      case Op::exit_engine:
        for (const Value v : inst.args) other_use |= v != kNoValue && mergeable(region.insts[v]);
        break;
      case Op::select:
        other_use |= inst.type == Type::ptr;
        break;
      default:
        break;
    }
  }
  if (guards < 2 || other_use) return false;
  for (const Value v : region.jump_arguments) {
    if (v >= block.first && v < block.end && mergeable(region.insts[v])) return false;
  }
  return true;
}

// The bounded addresses of a block: those of the guards that may be one.
class Tables {
 public:
  Tables(const Region& region, const Block& block) : region_(region) {
    const auto before = [](const BoundedAddress& a, Value v) { return a.guard < v; };
    const auto first = std::lower_bound(region.bounded.begin(), region.bounded.end(), block.first, before);
    addresses_ = {first, std::lower_bound(first, region.bounded.end(), block.end, before)};
  }
  // Of guard v, asked for in their order; where another address has its root and another index.
  const BoundedAddress* find(Value v) {
    while (next_ < addresses_.size() && addresses_[next_].guard < v) ++next_;
    if (next_ == addresses_.size() || addresses_[next_].guard != v) return nullptr;
    const BoundedAddress& found = addresses_[next_];
    if (static_cast<uint64_t>(kMaxDistance) + found.offset > 2 * kMaxDistance) return nullptr;
    for (const BoundedAddress& other : addresses_) {
      if (root(other) == root(found) && other.index != found.index) return &found;
    }
    return nullptr;
  }

 private:
  Value root(const BoundedAddress& a) const { return base_of(region_, a.root).root; }
  const Region& region_;
  std::span<const BoundedAddress> addresses_;
  size_t next_ = 0;
};

void merge_in_block(Region& region, const Block& block) {
  std::vector<Inst>& insts = region.insts;
  Tables tables(region, block);
  Group groups[kMaxGroups];
  unsigned group_count = 0, oldest = 0;
  Redirect redirects[kMostRedirects];
  size_t redirected = 0;
  uint32_t exits = 0;

  for (uint32_t i = block.first; i < block.end; ++i) {
    Inst& inst = insts[i];
    if (inst.op == Op::exit_if || inst.op == Op::exit_engine_if) {
      ++exits;
    } else if (inst.op == Op::commit || (inst.op == Op::call && region.helper(inst).safepoint)) {
      group_count = oldest = 0;
    } else if (inst.op == Op::index && insts[inst.args[0]].op != Op::guard) {
      // Of a guard that was merged as others are.
      for (size_t k = redirected; k-- > 0;) {
        if (redirects[k].from == inst.args[0]) {
          redirects[redirected++] = {i, redirects[k].to, redirects[k].delta};
          inst = {.op = Op::konst, .type = Type::i64};
          break;
        }
      }
    } else if (is_access(inst.op)) {
      for (size_t k = redirected; k-- > 0;) {
        if (redirects[k].from == inst.args[0]) {
          inst.args[0] = redirects[k].to;
          inst.imm += static_cast<uint64_t>(redirects[k].delta);
          break;
        }
      }
    }
    if (!mergeable(inst)) continue;

    const BoundedAddress* const bounded = redirected < kMostRedirects ? tables.find(i) : nullptr;
    const uint64_t most = bounded ? upper_bound(region, bounded->index) : 0;
    Base base = base_of(region, bounded ? bounded->root : inst.args[0]);
    if (bounded) base.offset += bounded->offset;
    GuardRange range = guard_range(inst);
    range.length += static_cast<uint32_t>(most);
    const uint8_t context = inst.aux & kGuardUser;
    const bool writes = inst.aux & kGuardWrite;
    Group* group = nullptr;
    for (unsigned g = 0; g < group_count; ++g) {
      if (groups[g].root == base.root && groups[g].context == context && groups[g].table == !!bounded)
        group = &groups[g];
    }

    bool merged = false;
    if (group != nullptr && redirected + 1 < kMostRedirects) {
      Inst& first = insts[group->first];
      const auto delta = static_cast<int64_t>(base.offset - group->offset);
      const int64_t lo = std::min(group->lo, delta + range.lo);
      const int64_t hi = std::max(group->hi, delta + range.lo + int64_t{range.length});
      const bool widens = lo != group->lo || hi != group->hi;
      const bool gains_write = writes && !(first.aux & kGuardWrite);
      const bool over_exit = group->exits != exits;
      if (delta <= kMaxDistance && delta >= -kMaxDistance &&
          !(widens && hi - lo > (bounded     ? kMaxTable
                                 : over_exit ? kMaxLengthOverExit
                                             : kMaxLength)) &&
          !(gains_write && over_exit)) {
        const bool reads = !writes || inst.aux & kGuardReadWrite;
        const bool first_reads = !(first.aux & kGuardWrite) || first.aux & kGuardReadWrite;
        if (writes) first.aux |= kGuardWrite;
        if (first.aux & kGuardWrite && (reads || first_reads)) first.aux |= kGuardReadWrite;
        if (widens || gains_write) first.aux |= kGuardMerged;
        GuardRange whole = guard_range(first);
        whole.lo = static_cast<int32_t>(lo);
        whole.length = static_cast<uint32_t>(hi - lo);
        first.imm = pack(whole);
        group->lo = lo;
        group->hi = hi;
        if (bounded) {
          redirects[redirected++] = {i + 1, i + 1, delta};
          insts[i + 1].args[0] = group->first;
          insts[i + 1].args[1] = bounded->index;
          insts[i + 1].imm = most;
        } else {
          redirects[redirected++] = {i, group->first, delta};
        }
        inst = {.op = Op::konst, .type = Type::i64};
        merged = true;
      }
    }
    if (merged) continue;

    if (bounded) {
      const auto offset = static_cast<int32_t>(bounded->offset);
      range.lo += offset;
      base.offset -= bounded->offset;
      inst.args[0] = bounded->root;
      inst.imm = pack(range);
      inst.aux |= kGuardMerged;
      insts[i + 1].args[1] = bounded->index;
      insts[i + 1].imm = most;
      if (offset) redirects[redirected++] = {i + 1, i + 1, offset};
    }
    // It may serve later ones; a group of the same root is nearer now than the one that did not fit.
    if (group == nullptr) {
      group = group_count < kMaxGroups ? &groups[group_count++] : &groups[oldest++ % kMaxGroups];
    }
    *group = {base.root, base.offset,       i, range.lo, range.lo + int64_t{range.length}, exits,
              context,   bounded != nullptr};
  }
}

}  // namespace

void merge_guards(Region& region) {
  for (const Block& block : region.blocks) {
    if (worth_merging(region, block)) merge_in_block(region, block);
  }
}

}  // namespace mynah::ir
