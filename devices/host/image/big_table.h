// SPDX-License-Identifier: Apache-2.0
//
// Tables of 64-bit entries in the network's byte order, as a qcow2 image has them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "devices/core/big_endian.h"
#include "devices/host/image/byte_store.h"

namespace mynah::host {

inline bool read_table(ByteStore& store, uint64_t offset, std::span<uint64_t> entries) {
  std::vector<uint8_t> bytes(entries.size_bytes());
  if (!store.read(offset, bytes)) return false;
  for (size_t i = 0; i < entries.size(); ++i) entries[i] = dev::load_big<uint64_t>(&bytes[i * 8]);
  return true;
}

inline bool write_table(ByteStore& store, uint64_t offset, std::span<const uint64_t> entries) {
  std::vector<uint8_t> bytes(entries.size_bytes());
  for (size_t i = 0; i < entries.size(); ++i) dev::store_big(&bytes[i * 8], entries[i]);
  return store.write(offset, bytes);
}

}  // namespace mynah::host
