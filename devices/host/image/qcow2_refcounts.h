// SPDX-License-Identifier: Apache-2.0
//
// How often each cluster of a qcow2 file is used, and so which are free. A table of blocks of counts. Changes
// are written at once, before anything can point to the clusters that they are of: whatever happens in
// between, a count is never too small, only too large (a cluster is lost, and qemu-img check finds it again).
#pragma once

#include <cstdint>
#include <optional>
#include <unordered_map>
#include <vector>

#include "devices/host/image/byte_store.h"
#include "devices/host/image/qcow2_header.h"

namespace mynah::host {

class Qcow2Refcounts {
 public:
  Qcow2Refcounts(ByteStore& store, const Qcow2Header& header);
  bool load();

  struct Run {
    uint64_t first, count;  // clusters
  };
  // Takes up to `most` (not 0) free clusters that are neighbours, each with a count of 1; none: a failure of
  // the host, or the file is as large as the format allows.
  std::optional<Run> allocate(uint64_t most);
  // One use less. Who frees has made sure that nothing points there, on the disk too.
  bool release(uint64_t cluster);
  // Of a cluster that nothing is known of, 0; nothing: a failure of the host.
  std::optional<uint64_t> count(uint64_t cluster);
  // The table may have been moved since the header was read.
  uint64_t table_offset() const { return table_offset_; }
  uint64_t table_bytes() const { return table_.size() * 8; }

 private:
  using Block = std::vector<uint8_t>;
  Block* block(uint64_t index);  // null: none there, or a failure (failed_)
  bool set_count(uint64_t cluster, uint64_t value);
  bool add_block(uint64_t index, uint64_t at);
  bool grow_table(uint64_t index);
  bool write_table_entry(uint64_t index);
  static uint64_t get(const Block& block, uint64_t n, unsigned bits);
  static void put(Block& block, uint64_t n, unsigned bits, uint64_t value);

  ByteStore& store_;
  const unsigned cluster_bits_, bits_;
  const uint64_t cluster_bytes_, counts_in_block_;
  uint64_t table_offset_;
  std::vector<uint64_t> table_;
  std::unordered_map<uint64_t, Block> blocks_;  // as they are in the file
  uint64_t free_from_ = 1;                      // nothing before it is free
  bool failed_ = false;
};

}  // namespace mynah::host
