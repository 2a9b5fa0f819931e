// SPDX-License-Identifier: Apache-2.0
//
// FatLayout: a FAT12 or FAT16 file system that is made from a tree of names, without the contents of its
// files (Microsoft's FAT specification 1.03): boot sector, tables and folders in memory, and where files are.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mynah::host {

struct FatGeometry {
  unsigned bits;           // of an entry of its tables: 12 or 16
  uint32_t hidden;         // sectors in front of it, the first of them a partition table; 0: none
  uint32_t sectors;        // of the file system
  uint32_t cluster;        // sectors a cluster
  uint32_t root_entries;   // of the first folder
  uint32_t table_sectors;  // of each of two tables
  uint16_t track, heads;   // as firmware sees the disk
  uint8_t medium;

  static constexpr uint64_t kSector = 512;
  uint64_t disk_bytes() const { return (uint64_t{hidden} + sectors) * kSector; }
  uint32_t root_sectors() const { return root_entries * 32 / 512; }
  uint32_t first_data() const { return 1 + 2 * table_sectors + root_sectors(); }  // in the file system
  uint32_t clusters() const { return (sectors - first_data()) / cluster; }
  uint32_t cluster_bytes() const { return cluster * 512; }
};
extern const FatGeometry kFatDisk, kFatFloppy;

// What is to be in it.
struct FatEntry {
  std::string name;  // UTF-8
  std::string path;  // the host's; of a file
  uint64_t bytes = 0;
  int64_t modified = 0;  // seconds since 1970
  bool folder = false;
  std::vector<FatEntry> inside;
};

class FatLayout {
 public:
  struct File {
    uint32_t first = 0, clusters = 0;  // 0: has none
    uint64_t bytes = 0;
    std::string path;
    std::vector<uint8_t> contents;  // of a folder
  };

  // Absent: it does not fit.
  static std::optional<FatLayout> make(const FatGeometry& geometry, const std::vector<FatEntry>& root);

  const FatGeometry& geometry() const { return geometry_; }
  // What is in front of the clusters: of the disk's sector n, which is below those.
  std::span<const uint8_t> head() const { return head_; }  // from the disk's begin on
  // Null: free.
  const File* file_at(uint32_t cluster) const;

 private:
  explicit FatLayout(const FatGeometry& geometry) : geometry_(geometry) {}
  bool place(const std::vector<FatEntry>& entries, uint32_t parent, uint32_t self, bool is_root);
  bool take(uint32_t clusters, uint32_t& first);
  void write_head();
  void set_entry(uint32_t cluster, uint32_t value);

  FatGeometry geometry_;
  std::vector<uint8_t> head_;
  std::vector<uint8_t> root_;
  std::vector<File> files_;  // by their first cluster
  uint32_t next_ = 2;
  std::vector<std::pair<uint32_t, uint32_t>> chains_;  // first, clusters
};

}  // namespace mynah::host
