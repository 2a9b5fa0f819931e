// SPDX-License-Identifier: Apache-2.0
//
// A block of counts is itself a cluster with a count, perhaps in itself; so is the table.
#include "devices/host/image/qcow2_refcounts.h"

#include <algorithm>
#include <array>

#include "devices/core/big_endian.h"
#include "devices/host/image/big_table.h"

namespace mynah::host {

using dev::load_big;
using dev::store_big;

namespace {
constexpr uint64_t kPlaceMask = 0xfffffffffffffe00;
constexpr size_t kMostBlocks = 256;           // in memory
constexpr uint64_t kEnd = uint64_t{1} << 56;  // bytes: what an entry of a table can point to
constexpr uint64_t kMostTableBytes = 8 << 20;
}  // namespace

Qcow2Refcounts::Qcow2Refcounts(ByteStore& store, const Qcow2Header& h)
    : store_(store),
      cluster_bits_(h.cluster_bits),
      bits_(h.refcount_bits),
      cluster_bytes_(h.cluster_bytes()),
      counts_in_block_(h.cluster_bytes() * 8 / h.refcount_bits),
      table_offset_(h.refcount_table_offset),
      table_(uint64_t{h.refcount_table_clusters} * h.cluster_bytes() / 8) {}

bool Qcow2Refcounts::load() { return read_table(store_, table_offset_, table_); }

uint64_t Qcow2Refcounts::get(const Block& block, uint64_t n, unsigned bits) {
  if (bits < 8) return block[n * bits / 8] >> (n * bits % 8) & ((1u << bits) - 1);
  return load_big(&block[n * bits / 8], bits / 8);
}

void Qcow2Refcounts::put(Block& block, uint64_t n, unsigned bits, uint64_t value) {
  if (bits < 8) {
    const auto shift = static_cast<unsigned>(n * bits % 8);
    uint8_t& byte = block[n * bits / 8];
    byte = static_cast<uint8_t>((byte & ~(((1u << bits) - 1) << shift)) | value << shift);
    return;
  }
  store_big(&block[n * bits / 8], bits / 8, value);
}

Qcow2Refcounts::Block* Qcow2Refcounts::block(uint64_t index) {
  failed_ = false;
  if (index >= table_.size() || !(table_[index] & kPlaceMask)) return nullptr;
  if (const auto found = blocks_.find(index); found != blocks_.end()) return &found->second;
  if (blocks_.size() >= kMostBlocks) blocks_.clear();
  Block read(cluster_bytes_);
  const uint64_t at = table_[index] & kPlaceMask;
  if (at % cluster_bytes_ || at >= store_.size() || !store_.read(at, read)) {
    failed_ = true;
    return nullptr;
  }
  return &(blocks_[index] = std::move(read));
}

std::optional<uint64_t> Qcow2Refcounts::count(uint64_t cluster) {
  if (const Block* b = block(cluster / counts_in_block_)) return get(*b, cluster % counts_in_block_, bits_);
  if (failed_) return std::nullopt;
  return 0;
}

bool Qcow2Refcounts::set_count(uint64_t cluster, uint64_t value) {
  const uint64_t index = cluster / counts_in_block_, n = cluster % counts_in_block_;
  Block* b = block(index);
  if (!b) return false;
  const uint64_t before = get(*b, n, bits_);
  put(*b, n, bits_, value);
  const uint64_t first = n * bits_ / 8;
  const size_t bytes = std::max<size_t>(bits_ / 8, 1);
  if (store_.write((table_[index] & kPlaceMask) + first, std::span(*b).subspan(first, bytes))) return true;
  put(*b, n, bits_, before);
  return false;
}

bool Qcow2Refcounts::release(uint64_t cluster) {
  const auto now = count(cluster);
  if (!now || *now == 0) return false;
  if (!set_count(cluster, *now - 1)) return false;
  if (*now == 1) {
    free_from_ = std::min(free_from_, cluster);
    store_.punch(cluster << cluster_bits_, cluster_bytes_);
  }
  return true;
}

std::optional<Qcow2Refcounts::Run> Qcow2Refcounts::allocate(uint64_t most) {
  const uint64_t end = kEnd >> cluster_bits_;
  uint64_t at = free_from_;
  for (;;) {
    if (at >= end) return std::nullopt;
    const uint64_t index = at / counts_in_block_;
    if (index >= table_.size()) {
      if (!grow_table(index)) return std::nullopt;
      continue;
    }
    if (!(table_[index] & kPlaceMask)) {
      if (!add_block(index, at)) return std::nullopt;
      continue;
    }
    const auto used = count(at);
    if (!used) return std::nullopt;
    if (*used == 0) break;
    ++at;
  }
  // Neighbours, as far as the block goes.
  Run run{at, 0};
  const uint64_t last = std::min(at + most, (at / counts_in_block_ + 1) * counts_in_block_);
  Block* b = block(at / counts_in_block_);
  if (!b) return std::nullopt;
  while (run.first + run.count < last && get(*b, (run.first + run.count) % counts_in_block_, bits_) == 0) {
    put(*b, (run.first + run.count) % counts_in_block_, bits_, 1);
    ++run.count;
  }
  const uint64_t index = at / counts_in_block_, from = (at % counts_in_block_) * bits_ / 8;
  const uint64_t to = ((at % counts_in_block_ + run.count) * bits_ + 7) / 8;
  if (!store_.write((table_[index] & kPlaceMask) + from, std::span(*b).subspan(from, to - from))) {
    blocks_.erase(index);  // as the file has it, if it can be read
    return std::nullopt;
  }
  free_from_ = run.first + run.count;
  return run;
}

bool Qcow2Refcounts::write_table_entry(uint64_t index) {
  return write_table(store_, table_offset_ + index * 8, {&table_[index], 1});
}

// The block lies at the cluster `at`, which it counts itself.
bool Qcow2Refcounts::add_block(uint64_t index, uint64_t at) {
  Block fresh(cluster_bytes_);
  put(fresh, at % counts_in_block_, bits_, 1);
  if (!store_.write(at << cluster_bits_, fresh) || !store_.sync()) return false;
  table_[index] = at << cluster_bits_;
  if (!write_table_entry(index)) {
    table_[index] = 0;
    return false;
  }
  if (blocks_.size() >= kMostBlocks) blocks_.clear();
  blocks_[index] = std::move(fresh);
  return true;
}

// A larger table, behind everything that the present one knows, with blocks for itself and for them.
bool Qcow2Refcounts::grow_table(uint64_t index) {
  const uint64_t first_block = table_.size(), start = first_block * counts_in_block_;
  const uint64_t entries_in_cluster = cluster_bytes_ / 8;
  uint64_t table_clusters = 0, blocks = 0, old_clusters = table_.size() / entries_in_cluster;
  // As many blocks as count the table's and the blocks' own clusters.
  do {
    ++blocks;
    const uint64_t entries = std::max(first_block + blocks, index + 1) * 3 / 2 + 1;
    table_clusters = (entries + entries_in_cluster - 1) / entries_in_cluster;
  } while (blocks * counts_in_block_ < table_clusters + blocks);
  if (table_clusters * cluster_bytes_ > kMostTableBytes) return false;

  std::vector<uint64_t> grown(table_);
  grown.resize(table_clusters * entries_in_cluster);
  const uint64_t blocks_at = start + table_clusters;
  for (uint64_t i = 0; i < blocks; ++i) {
    Block fresh(cluster_bytes_);
    for (uint64_t n = 0; n < counts_in_block_; ++n)
      if (i * counts_in_block_ + n < table_clusters + blocks) put(fresh, n, bits_, 1);
    grown[first_block + i] = (blocks_at + i) << cluster_bits_;
    if (!store_.write((blocks_at + i) << cluster_bits_, fresh)) return false;
  }
  if (!write_table(store_, start << cluster_bits_, grown) || !store_.sync()) return false;
  std::array<uint8_t, 12> field;
  store_big(field.data(), start << cluster_bits_);
  store_big(field.data() + 8, static_cast<uint32_t>(table_clusters));
  if (!store_.write(Qcow2Header::kRefcountTableField, field) || !store_.sync()) return false;
  const uint64_t old = table_offset_ >> cluster_bits_;
  table_offset_ = start << cluster_bits_;
  table_ = std::move(grown);
  for (uint64_t i = 0; i < old_clusters; ++i) release(old + i);
  return true;
}

}  // namespace mynah::host
