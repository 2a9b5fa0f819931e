// SPDX-License-Identifier: Apache-2.0
//
// Which cluster of the file holds which cluster of a qcow2 disk: a first table whose entries point to tables
// of the second level. Changes stay in memory until flush(), which writes them in the order that a crash at
// any moment survives: data and counts, then tables of the second level, then the first table, then counts of
// what is no longer used.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "devices/host/image/byte_store.h"
#include "devices/host/image/qcow2_header.h"
#include "devices/host/image/qcow2_refcounts.h"

namespace mynah::host {

// An entry of a table of the second level.
struct Qcow2Entry {
  static constexpr uint64_t kOwn = uint64_t{1} << 63;         // used once: may be written to
  static constexpr uint64_t kCompressed = uint64_t{1} << 62;  // somewhere between sectors
  static constexpr uint64_t kZero = 1;                        // reads as zeroes
  static constexpr uint64_t kPlace = 0x00fffffffffffe00;
  uint64_t raw = 0;

  bool compressed() const { return raw & kCompressed; }
  bool zero() const { return !compressed() && (raw & kZero); }
  bool own() const { return raw & kOwn; }
  uint64_t place() const { return compressed() ? 0 : raw & kPlace; }  // of the whole cluster; 0: none
};

// Where a compressed cluster lies. Bits of the entry above the place count the sectors behind the first that
// it begins in.
struct Qcow2Packed {
  static constexpr uint64_t kSectorBytes = 512;
  uint64_t place = 0, end = 0;  // in the file; end is beyond the last sector
};
inline Qcow2Packed packed_of(Qcow2Entry entry, unsigned cluster_bits) {
  const unsigned shift = 62 - (cluster_bits - 8);
  const uint64_t place = entry.raw & ((uint64_t{1} << shift) - 1);
  const uint64_t sectors = (entry.raw & (Qcow2Entry::kCompressed - 1)) >> shift;
  constexpr uint64_t kSector = Qcow2Packed::kSectorBytes;
  return {place, (place / kSector + sectors + 1) * kSector};
}

class Qcow2Map {
 public:
  // store and counts outlive the map.
  Qcow2Map(ByteStore& store, Qcow2Refcounts& counts, const Qcow2Header& header);
  bool load();

  // Of the disk's n-th cluster, below the disk's size. Nothing: a failure, or the image is damaged.
  std::optional<Qcow2Entry> get(uint64_t cluster);
  bool set(uint64_t cluster, Qcow2Entry entry);
  // A cluster of the file, less used when the tables no longer point to it.
  void release_later(uint64_t file_cluster) { released_.push_back(file_cluster); }
  bool dirty() const { return dirty_tables_ || !released_.empty(); }
  bool flush();

 private:
  struct Table {
    uint64_t place = 0;  // in the file
    std::vector<uint64_t> entries;
    bool dirty = false;
    bool fresh = false;  // the first table does not point there yet
    uint64_t replaces = 0;
  };
  Table* table(uint64_t index, bool create);
  bool make_own(uint64_t index, Table& table);

  ByteStore& store_;
  Qcow2Refcounts& counts_;
  const unsigned cluster_bits_;
  const uint64_t l1_offset_, l2_entries_;
  std::vector<uint64_t> l1_;
  std::map<uint64_t, Table> tables_;
  size_t dirty_tables_ = 0;
  std::vector<uint64_t> released_;
};

}  // namespace mynah::host
