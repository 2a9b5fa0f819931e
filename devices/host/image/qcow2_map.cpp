// SPDX-License-Identifier: Apache-2.0
//
// A table of the second level that a snapshot uses, too, is copied before its first change.
#include "devices/host/image/qcow2_map.h"

#include <algorithm>
#include <array>

#include "devices/core/big_endian.h"

namespace mynah::host {

using dev::load_big;
using dev::store_big;

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

bool Qcow2Map::load() {
  std::vector<uint8_t> raw(l1_.size() * 8);
  if (!store_.read(l1_offset_, raw)) return false;
  for (size_t i = 0; i < l1_.size(); ++i) l1_[i] = load_big<uint64_t>(&raw[i * 8]);
  return true;
}

// Null: there is none and none is to be made, or a failure.
Qcow2Map::Table* Qcow2Map::table(uint64_t index, bool create) {
  if (const auto found = tables_.find(index); found != tables_.end()) return &found->second;
  if (tables_.size() * (l2_entries_ * 8) >= kMostTableBytes) {
    if (dirty() && !flush()) return nullptr;
    tables_.clear();
  }
  const uint64_t place = l1_[index] & Qcow2Entry::kPlace;
  Table read;
  if (place == 0) {
    if (!create) return nullptr;
    const auto taken = counts_.allocate(1);
    if (!taken) return nullptr;
    read.place = taken->first << cluster_bits_;
    read.entries.resize(l2_entries_);
    read.fresh = true;
  } else {
    const uint64_t bytes = l2_entries_ * 8;
    if (place % bytes || place >= store_.size()) return nullptr;
    std::vector<uint8_t> raw(bytes);
    if (!store_.read(place, raw)) return nullptr;
    read.place = place;
    read.entries.resize(l2_entries_);
    for (size_t i = 0; i < l2_entries_; ++i) read.entries[i] = load_big<uint64_t>(&raw[i * 8]);
  }
  return &(tables_[index] = std::move(read));
}

std::optional<Qcow2Entry> Qcow2Map::get(uint64_t cluster) {
  const uint64_t index = cluster / l2_entries_;
  if (index >= l1_.size()) return std::nullopt;
  if (!tables_.contains(index) && !(l1_[index] & Qcow2Entry::kPlace)) return Qcow2Entry{};
  const Table* t = table(index, false);
  if (!t) return std::nullopt;
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

bool Qcow2Map::write_table(const Table& t) {
  std::vector<uint8_t> raw(l2_entries_ * 8);
  for (size_t i = 0; i < l2_entries_; ++i) store_big(&raw[i * 8], t.entries[i]);
  return store_.write(t.place, raw);
}

bool Qcow2Map::flush() {
  if (!dirty()) return true;
  if (!store_.sync()) return false;  // data, and counts of what is in use
  bool any_fresh = false;
  for (auto& [index, t] : tables_) {
    if (!t.dirty) continue;
    if (!write_table(t)) return false;
    any_fresh |= t.fresh;
  }
  if (any_fresh) {
    if (!store_.sync()) return false;
    for (auto& [index, t] : tables_) {
      if (!t.dirty || !t.fresh) continue;
      std::array<uint8_t, 8> raw;
      store_big(raw.data(), t.place | Qcow2Entry::kOwn);
      if (!store_.write(l1_offset_ + index * 8, raw)) return false;
      l1_[index] = t.place | Qcow2Entry::kOwn;
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
