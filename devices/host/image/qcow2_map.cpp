// SPDX-License-Identifier: Apache-2.0
//
// A table of the second level that a snapshot uses, too, is copied before its first change.
#include "devices/host/image/qcow2_map.h"

#include <algorithm>

#include "devices/host/image/big_table.h"

namespace mynah::host {

namespace {
constexpr uint64_t kMostTableBytes = 32 << 20;  // in memory
}

Qcow2Map::Qcow2Map(ByteStore& store, Qcow2Refcounts& counts, const Qcow2Header& h)
    : store_(store),
      counts_(counts),
      cluster_bits_(h.cluster_bits),
      l1_offset_(h.l1_offset),
      l2_entries_(h.l2_entries()),
      l1_(h.l1_entries) {}

bool Qcow2Map::load() { return read_table(store_, l1_offset_, l1_); }

// Null: there is none and none is to be made, or a failure.
Qcow2Map::Table* Qcow2Map::table(uint64_t index, bool create) {
  if (const auto found = tables_.find(index); found != tables_.end()) return &found->second;
  const uint64_t place = l1_[index] & Qcow2Entry::kPlace;
  if (place == 0 && !create) return nullptr;
  if (tables_.size() * (l2_entries_ * 8) >= kMostTableBytes) {
    if (dirty() && !flush()) return nullptr;
    tables_.clear();
  }
  Table read;
  if (place == 0) {
    const auto taken = counts_.allocate(1);
    if (!taken) return nullptr;
    read.place = taken->first << cluster_bits_;
    read.entries.resize(l2_entries_);
    read.fresh = true;
  } else {
    if (place % (l2_entries_ * 8) || place >= store_.size()) return nullptr;
    read.place = place;
    read.entries.resize(l2_entries_);
    if (!read_table(store_, place, read.entries)) return nullptr;
  }
  return &(tables_[index] = std::move(read));
}

std::optional<Qcow2Entry> Qcow2Map::get(uint64_t cluster) {
  const uint64_t index = cluster / l2_entries_;
  if (index >= l1_.size()) return std::nullopt;
  const Table* t = table(index, false);
  if (!t) return l1_[index] & Qcow2Entry::kPlace ? std::nullopt : std::optional(Qcow2Entry{});
  return Qcow2Entry{t->entries[cluster % l2_entries_]};
}

bool Qcow2Map::make_own(uint64_t index, Table& t) {
  if (t.fresh || (l1_[index] & Qcow2Entry::kOwn)) return true;
  const auto taken = counts_.allocate(1);
  if (!taken) return false;
  t.replaces = t.place;
  t.place = taken->first << cluster_bits_;
  t.fresh = true;
  return true;
}

bool Qcow2Map::set(uint64_t cluster, Qcow2Entry entry) {
  const uint64_t index = cluster / l2_entries_;
  if (index >= l1_.size()) return false;
  Table* t = table(index, true);
  if (!t || !make_own(index, *t)) return false;
  t->entries[cluster % l2_entries_] = entry.raw;
  if (!t->dirty) ++dirty_tables_;
  t->dirty = true;
  return true;
}

bool Qcow2Map::flush() {
  if (!dirty()) return true;
  if (!store_.sync()) return false;  // data, and counts of what is in use
  bool any_fresh = false;
  for (auto& [index, t] : tables_) {
    if (!t.dirty) continue;
    if (!write_table(store_, t.place, t.entries)) return false;
    any_fresh |= t.fresh;
  }
  if (any_fresh) {
    if (!store_.sync()) return false;
    for (auto& [index, t] : tables_) {
      if (!t.dirty || !t.fresh) continue;
      const uint64_t entry = t.place | Qcow2Entry::kOwn;
      if (!write_table(store_, l1_offset_ + index * 8, {&entry, 1})) return false;
      l1_[index] = entry;
      if (t.replaces) released_.push_back(t.replaces >> cluster_bits_);
      t.replaces = 0;
      t.fresh = false;
    }
  }
  for (auto& [index, t] : tables_) t.dirty = false;
  dirty_tables_ = 0;
  if (released_.empty()) return true;
  if (!store_.sync()) return false;
  while (!released_.empty()) {
    const uint64_t cluster = released_.back();
    released_.pop_back();
    if (!counts_.release(cluster)) return false;
  }
  return true;
}

}  // namespace mynah::host
