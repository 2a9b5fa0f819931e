// SPDX-License-Identifier: Apache-2.0
//
// Hyper-V's disk images ([MS-VHDX], chapter 2): two headers of which the newer counts, a table of regions,
// metadata, and the block allocation table.
#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <optional>
#include <utility>
#include <vector>

#include "devices/host/image/block_image.h"

namespace mynah::host {

namespace {

using Guid = std::array<uint8_t, 16>;
constexpr uint64_t kHeaders[] = {0x1'0000, 0x2'0000}, kRegions[] = {0x3'0000, 0x4'0000};
constexpr size_t kHeaderBytes = 4096, kTableBytes = 65536, kEntryBytes = 32;
constexpr uint64_t kMiB = 1 << 20, kMostDisk = uint64_t{64} << 40;
constexpr Guid kBat = {0x66, 0x77, 0xc2, 0x2d, 0x23, 0xf6, 0x00, 0x42,
                       0x9d, 0x64, 0x11, 0x5e, 0x9b, 0xfd, 0x4a, 0x08};
constexpr Guid kMetadata = {0x06, 0xa2, 0x7c, 0x8b, 0x90, 0x47, 0x9a, 0x4b,
                            0xb8, 0xfe, 0x57, 0x5f, 0x05, 0x0f, 0x88, 0x6e};
constexpr Guid kFileParameters = {0x37, 0x67, 0xa1, 0xca, 0x36, 0xfa, 0x43, 0x4d,
                                  0xb3, 0xb6, 0x33, 0xf0, 0xaa, 0x44, 0xe7, 0x6b};
constexpr Guid kDiskSize = {0x24, 0x42, 0xa5, 0x2f, 0x1b, 0xcd, 0x76, 0x48,
                            0xb2, 0x11, 0x5d, 0xbe, 0xd8, 0x3b, 0xf4, 0xb8};
constexpr Guid kSectorSize = {0x1d, 0xbf, 0x41, 0x81, 0x6f, 0xa9, 0x09, 0x47,
                              0xba, 0x47, 0xf2, 0x33, 0xa8, 0xfa, 0xab, 0x5f};

template <typename T>
T field(const std::vector<uint8_t>& from, size_t at) {
  T value{};
  if (at + sizeof value <= from.size()) std::memcpy(&value, from.data() + at, sizeof value);
  return value;
}

// A structure with a signature and a checksum; empty where it is not good.
std::vector<uint8_t> read_checked(ByteStore& store, uint64_t offset, size_t n, std::string_view signature) {
  std::vector<uint8_t> bytes(n);
  if (!lies_in(store, offset, n) || !store.read(offset, bytes) ||
      std::memcmp(bytes.data(), signature.data(), signature.size()) != 0 ||
      field<uint32_t>(bytes, 4) != vhdx_checksum(bytes))
    return {};
  return bytes;
}

struct Range {
  uint64_t offset = 0;
  uint32_t bytes = 0;
};

class VhdxImage final : public BlockImage {
 public:
  VhdxImage(std::unique_ptr<ByteStore> store, uint64_t size, uint64_t block, uint64_t ratio,
            std::vector<uint64_t> table)
      : BlockImage(size, block), store_(std::move(store)), ratio_(ratio), table_(std::move(table)) {}

 private:
  enum State : uint64_t { kNotPresent = 0, kUndefined = 1, kZero = 2, kUnmapped = 3, kPresent = 6 };
  // Behind every `ratio_` entries there is one of sector bitmaps.
  bool read_block(uint64_t block, uint64_t within, std::span<uint8_t> to) override {
    const uint64_t at = block + block / ratio_;
    if (at >= table_.size()) return false;
    switch (table_[at] & 7) {
      case kNotPresent:
      case kUndefined:
      case kZero:
      case kUnmapped:
        std::memset(to.data(), 0, to.size());
        return true;
      case kPresent: {
        const uint64_t place = table_[at] >> 20 << 20;
        return lies_in(*store_, place + within, 1) && store_->read(place + within, to);
      }
      default:
        return false;
    }
  }

  std::unique_ptr<ByteStore> store_;
  const uint64_t ratio_;
  const std::vector<uint64_t> table_;
};

// Of a table whose entries begin with a GUID; `first` is where they begin.
std::optional<size_t> find_entry(const std::vector<uint8_t>& table, size_t first, size_t count,
                                 const Guid& guid) {
  for (size_t i = 0; i < count && first + (i + 1) * kEntryBytes <= table.size(); ++i)
    if (std::memcmp(table.data() + first + i * kEntryBytes, guid.data(), guid.size()) == 0)
      return first + i * kEntryBytes;
  return std::nullopt;
}

constexpr std::array<uint32_t, 256> make_crc_table() {
  std::array<uint32_t, 256> table{};
  for (uint32_t n = 0; n < table.size(); ++n) {
    table[n] = n;
    for (int bit = 0; bit < 8; ++bit) table[n] = table[n] >> 1 ^ (table[n] & 1 ? 0x82f63b78 : 0);
  }
  return table;
}

}  // namespace

uint32_t vhdx_checksum(std::span<const uint8_t> bytes) {
  static constexpr auto kTable = make_crc_table();
  uint32_t crc = ~0u;
  for (size_t i = 0; i < bytes.size(); ++i)
    crc = crc >> 8 ^ kTable[(crc ^ (i / 4 == 1 ? 0 : bytes[i])) & 0xff];
  return ~crc;
}

Result<std::unique_ptr<dev::BlockBackend>> open_vhdx(std::unique_ptr<ByteStore> store,
                                                     const std::string& name) {
  const auto damaged = [&name](std::string_view what) { return damaged_image("vhdx", name, what); };
  std::vector<uint8_t> header;
  for (const uint64_t offset : kHeaders) {
    auto found = read_checked(*store, offset, kHeaderBytes, "head");
    if (!found.empty() && (header.empty() || field<uint64_t>(found, 8) > field<uint64_t>(header, 8)))
      header = std::move(found);
  }
  if (header.empty()) return damaged("it has no good header");
  if (std::any_of(header.begin() + 48, header.begin() + 64, [](uint8_t byte) { return byte != 0; }))
    return damaged("its log holds writes that have not been carried out, since it was not closed in order");

  std::vector<uint8_t> regions;
  for (const uint64_t offset : kRegions)
    if (regions.empty()) regions = read_checked(*store, offset, kTableBytes, "regi");
  if (regions.empty()) return damaged("it has no good table of regions");
  const auto region = [&](const Guid& guid) -> Range {
    const auto at = find_entry(regions, 16, field<uint32_t>(regions, 8), guid);
    if (!at) return {};
    return {field<uint64_t>(regions, *at + 16), field<uint32_t>(regions, *at + 24)};
  };
  const Range bat = region(kBat), metadata = region(kMetadata);
  if (!bat.bytes || !metadata.bytes || !lies_in(*store, bat.offset, bat.bytes) ||
      !lies_in(*store, metadata.offset, metadata.bytes) || metadata.bytes < kTableBytes)
    return damaged("a region that it needs is not in the file");

  std::vector<uint8_t> items(kTableBytes);
  if (!store->read(metadata.offset, items) || std::memcmp(items.data(), "metadata", 8) != 0)
    return damaged("its metadata cannot be read");
  const auto item = [&](const Guid& guid) -> std::optional<uint64_t> {
    const auto at = find_entry(items, kEntryBytes, field<uint16_t>(items, 10), guid);
    uint64_t value = 0;
    if (!at) return std::nullopt;
    const uint64_t offset = field<uint32_t>(items, *at + 16), n = field<uint32_t>(items, *at + 20);
    if (n < 4 || n > sizeof value || offset + n > metadata.bytes ||
        !store->read(metadata.offset + offset, {reinterpret_cast<uint8_t*>(&value), static_cast<size_t>(n)}))
      return std::nullopt;
    return value;
  };
  const auto parameters = item(kFileParameters), size = item(kDiskSize), sector = item(kSectorSize);
  if (!parameters || !size || !sector) return damaged("its metadata are incomplete");
  const uint64_t block = *parameters & 0xffff'ffff;
  if (*parameters >> 32 & 2) return damaged("it rests on another image");
  if (*sector != 512 && *sector != 4096) return damaged("its sectors have an odd size");
  if (!std::has_single_bit(block) || block < kMiB || block > 256 * kMiB)
    return damaged("its blocks have an odd size");
  if (*size == 0 || *size > kMostDisk || *size % *sector) return damaged("its size is not possible");
  const uint64_t ratio = (uint64_t{1} << 23) * *sector / block;
  const uint64_t blocks = (*size + block - 1) / block, entries = blocks + (blocks - 1) / ratio;
  if (entries * 8 > bat.bytes) return damaged("its table is too small for its size");
  std::vector<uint64_t> table(entries);
  if (!store->read(bat.offset, {reinterpret_cast<uint8_t*>(table.data()), entries * 8}))
    return damaged("its table cannot be read");
  return std::unique_ptr<dev::BlockBackend>(
      std::make_unique<VhdxImage>(std::move(store), *size, block, ratio, std::move(table)));
}

}  // namespace mynah::host
