// SPDX-License-Identifier: Apache-2.0
//
// Fields, feature bits and header extensions.
#include "devices/host/image/qcow2_header.h"

#include <array>
#include <vector>

#include "devices/core/big_endian.h"
#include "devices/host/shell_text.h"

namespace mynah::host {

using dev::load_big;

namespace {

constexpr size_t kOldHeader = 72, kNewHeader = 104;
constexpr unsigned kLeastClusterBits = 9, kMostClusterBits = 21;
constexpr uint64_t kMostL1Bytes = 32 << 20, kMostRefcountTableBytes = 8 << 20, kMostBackingName = 1023;

enum Incompatible : uint64_t {
  kDirty = 1,
  kCorrupt = 2,
  kExternalData = 4,
  kCompression = 8,
  kExtendedL2 = 16
};
enum Extension : uint32_t { kEnd = 0, kBackingFormat = 0xe2792aca };

Error damaged(const std::string& name, const std::string& what) {
  return error("the qcow2 image '{}' is damaged: {}; qemu-img check {} says more", name, what,
               shell_path(name));
}

Result<void> check_features(const std::string& name, uint64_t incompatible, bool for_writing) {
  if (incompatible & kExternalData)
    return error(
        "the qcow2 image '{}' has its data in another file, which is missing here; make a whole one with "
        "qemu-img convert -O qcow2",
        name);
  if (incompatible & kExtendedL2)
    return error(
        "the qcow2 image '{}' has subclusters (extended_l2), which are missing here; make one without with "
        "qemu-img convert -O qcow2",
        name);
  constexpr uint64_t kKnown = kDirty | kCorrupt | kExternalData | kCompression | kExtendedL2;
  if (incompatible & ~kKnown)
    return error(
        "the qcow2 image '{}' has features that are not known here (bits {:#x}); make a plain one with "
        "qemu-img convert -O qcow2",
        name, incompatible & ~kKnown);
  if (for_writing && (incompatible & (kDirty | kCorrupt)))
    return error(
        "the qcow2 image '{}' {}; mend it with qemu-img check -r all {}, or use it with readonly=on or "
        "-snapshot",
        name, incompatible & kCorrupt ? "is marked as damaged" : "was not closed in order", shell_path(name));
  return {};
}

// Extensions lie between the header and the backing file's name, in the first cluster.
Result<void> read_extensions(ByteStore& store, const std::string& name, uint64_t at, uint64_t end,
                             Qcow2Header& h) {
  while (at + 8 <= end) {
    std::array<uint8_t, 8> head;
    if (!store.read(at, head)) return error("cannot read the disk image '{}'", name);
    const auto type = load_big<uint32_t>(head.data());
    const auto length = load_big<uint32_t>(head.data() + 4);
    at += 8;
    if (type == kEnd) break;
    if (length > end - at) return damaged(name, "a header extension is too long");
    if (type == kBackingFormat) {
      h.backing_format.resize(std::min<uint32_t>(length, 64));
      if (!store.read(at, {reinterpret_cast<uint8_t*>(h.backing_format.data()), h.backing_format.size()}))
        return error("cannot read the disk image '{}'", name);
    }
    at += (uint64_t{length} + 7) / 8 * 8;
  }
  return {};
}

Result<void> check_places(const Qcow2Header& h, const std::string& name, uint64_t file_size) {
  const uint64_t cluster = h.cluster_bytes();
  const auto inside = [&](uint64_t offset, uint64_t n) {
    return offset % cluster == 0 && offset >= cluster && offset <= file_size && n <= file_size - offset;
  };
  // Each entry of the first table stands for a table of the second.
  const unsigned bits = 2 * h.cluster_bits - 3;
  const uint64_t needed = (h.size >> bits) + ((h.size & ((uint64_t{1} << bits) - 1)) != 0);
  if (h.size > uint64_t{1} << 62) return damaged(name, "its disk is too large");
  if (uint64_t{h.l1_entries} * 8 > kMostL1Bytes || needed > h.l1_entries)
    return damaged(name, "its first table does not fit the disk");
  if (h.l1_entries && !inside(h.l1_offset, uint64_t{h.l1_entries} * 8))
    return damaged(name, "its first table is outside of the file");
  const uint64_t table = uint64_t{h.refcount_table_clusters} * cluster;
  // The last of the table's clusters need not be in the file.
  if (h.refcount_table_clusters == 0 || table > kMostRefcountTableBytes ||
      h.refcount_table_offset % cluster || h.refcount_table_offset < cluster ||
      h.refcount_table_offset >= file_size)
    return damaged(name, "its reference counts are outside of the file");
  return {};
}

}  // namespace

Result<Qcow2Header> read_qcow2_header(ByteStore& store, const std::string& name, bool for_writing) {
  std::array<uint8_t, 112> raw{};
  if (!store.read(0, raw)) return error("cannot read the disk image '{}'", name);
  if (store.size() < kOldHeader || load_big<uint32_t>(raw.data()) != 0x514649fb)
    return error("'{}' is no qcow2 image; leave format=qcow2 out, or check the path", name);
  const auto u32 = [&](size_t at) { return load_big<uint32_t>(&raw[at]); };
  const auto u64 = [&](size_t at) { return load_big<uint64_t>(&raw[at]); };
  Qcow2Header h;
  h.version = u32(4);
  if (h.version < 2 || h.version > 3)
    return error(
        "the qcow2 image '{}' has version {}, and 2 and 3 are known; make one with qemu-img convert -O qcow2",
        name, h.version);
  h.cluster_bits = u32(20);
  if (h.cluster_bits < kLeastClusterBits || h.cluster_bits > kMostClusterBits)
    return damaged(name, "its clusters have an impossible size");
  h.size = u64(24);
  if (u32(32))
    return error(
        "the qcow2 image '{}' is encrypted, which is missing here; make a plain one with qemu-img "
        "convert",
        name);
  h.l1_entries = u32(36);
  h.l1_offset = u64(40);
  h.refcount_table_offset = u64(Qcow2Header::kRefcountTableField);
  h.refcount_table_clusters = u32(56);
  size_t length = kOldHeader;
  if (h.version == 3) {
    const uint64_t incompatible = u64(72);
    h.autoclear = u64(Qcow2Header::kAutoclearField);
    const uint32_t order = u32(96);
    length = u32(100);
    if (order > 6) return damaged(name, "its reference counts have an impossible size");
    if (length < kNewHeader || length % 8 || length > h.cluster_bytes())
      return damaged(name, "its header has an impossible size");
    h.refcount_bits = 1u << order;
    if (auto ok = check_features(name, incompatible, for_writing); !ok) return ok.error();
    if (incompatible & kCompression) {
      const uint8_t type = length > kNewHeader ? raw[kNewHeader] : 0;
      if (type > 1) return error("the qcow2 image '{}' is compressed in a way that is not known here", name);
      h.zstd = type == 1;
    }
  }
  if (auto ok = check_places(h, name, store.size()); !ok) return ok.error();
  const uint64_t backing = u64(8);
  const uint32_t backing_length = u32(16);
  if (backing) {
    if (backing_length > kMostBackingName || backing > h.cluster_bytes() ||
        backing_length > h.cluster_bytes() - backing)
      return damaged(name, "the name of its backing file is outside of the header");
    h.backing_file.resize(backing_length);
    if (!store.read(backing, {reinterpret_cast<uint8_t*>(h.backing_file.data()), backing_length}))
      return error("cannot read the disk image '{}'", name);
  }
  if (auto ok = read_extensions(store, name, length, backing ? backing : h.cluster_bytes(), h); !ok)
    return ok.error();
  return h;
}

}  // namespace mynah::host
