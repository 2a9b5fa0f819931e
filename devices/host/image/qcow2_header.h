// SPDX-License-Identifier: Apache-2.0
//
// The header of a qcow2 image, versions 2 and 3 (QEMU's docs/interop/qcow2). What is read is checked: sizes
// and places are within the format's bounds and inside the file.
#pragma once

#include <cstdint>
#include <string>

#include "devices/host/image/byte_store.h"
#include "ir/result.h"

namespace mynah::host {

struct Qcow2Header {
  // Where fields are that are written while the image is in use.
  static constexpr uint64_t kRefcountTableField = 48, kAutoclearField = 88;

  uint32_t version = 3;
  unsigned cluster_bits = 16;
  uint64_t size = 0;  // of the disk, bytes
  uint64_t l1_offset = 0;
  uint32_t l1_entries = 0;
  uint64_t refcount_table_offset = 0;
  uint32_t refcount_table_clusters = 0;
  unsigned refcount_bits = 16;  // of one count; a power of two
  uint64_t autoclear = 0;       // features that whoever writes without knowing them has to clear
  bool zstd = false;            // how clusters are compressed; else deflate
  std::string backing_file;     // as it is written there; empty: none
  std::string backing_format;   // empty: not said

  uint64_t cluster_bytes() const { return uint64_t{1} << cluster_bits; }
  uint64_t l2_entries() const { return cluster_bytes() / 8; }
};

// `name` is for sentences. An image that nobody should write to as it is can be read.
Result<Qcow2Header> read_qcow2_header(ByteStore& store, const std::string& name, bool for_writing);

}  // namespace mynah::host
