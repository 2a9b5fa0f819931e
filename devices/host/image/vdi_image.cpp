// SPDX-License-Identifier: Apache-2.0
//
// VirtualBox's disk images: a header, and a word for each block that says where among the blocks of the file
// it is. Offsets are those of the header of version 1.1, little-endian.
#include <bit>
#include <cstring>
#include <utility>
#include <vector>

#include "devices/host/image/block_image.h"

namespace mynah::host {

namespace {

constexpr size_t kHeaderBytes = 0x200;
enum Field : size_t {
  kSignature = 0x40,
  kVersion = 0x44,
  kKind = 0x4c,
  kMapOffset = 0x154,
  kDataOffset = 0x158,
  kSectorBytes = 0x168,
  kDiskBytes = 0x170,
  kBlockBytes = 0x178,
  kBlocks = 0x180,
  kParent = 0x1b8,  // a UUID of 16 bytes; zeroes: none
};
constexpr uint32_t kMagic = 0xbeda107f, kVersion11 = 0x0001'0001, kDynamic = 1, kFixed = 2;
constexpr uint32_t kDiscarded = 0xffff'fffe;  // and the value above it: never written
constexpr uint32_t kLeastBlock = 4096, kMostBlock = 256 << 20;

template <typename T>
T field(const std::vector<uint8_t>& from, size_t at) {
  T value;
  std::memcpy(&value, from.data() + at, sizeof value);
  return value;
}

class VdiImage final : public BlockImage {
 public:
  VdiImage(std::unique_ptr<ByteStore> store, uint64_t size, uint64_t block, uint64_t data,
           std::vector<uint32_t> map)
      : BlockImage(size, block), store_(std::move(store)), data_(data), map_(std::move(map)) {}

 private:
  bool read_block(uint64_t block, uint64_t within, std::span<uint8_t> to) override {
    if (block >= map_.size()) return false;
    const uint32_t place = map_[block];
    if (place >= kDiscarded) {
      std::memset(to.data(), 0, to.size());
      return true;
    }
    return store_->read(data_ + uint64_t{place} * block_size() + within, to);
  }

  std::unique_ptr<ByteStore> store_;
  const uint64_t data_;
  const std::vector<uint32_t> map_;
};

}  // namespace

Result<std::unique_ptr<dev::BlockBackend>> open_vdi(std::unique_ptr<ByteStore> store,
                                                    const std::string& name) {
  const auto damaged = [&name](std::string_view what) { return damaged_image("vdi", name, what); };
  std::vector<uint8_t> header(kHeaderBytes);
  if (!store->read(0, header)) return damaged("its header cannot be read");
  if (field<uint32_t>(header, kSignature) != kMagic) return damaged("it has no header of this format");
  if (field<uint32_t>(header, kVersion) != kVersion11) return damaged("its version is not 1.1");
  const auto kind = field<uint32_t>(header, kKind);
  if (kind != kDynamic && kind != kFixed) return damaged("it is neither dynamic nor fixed");
  for (size_t i = 0; i < 16; ++i)
    if (header[kParent + i]) return damaged("it rests on another image");
  const auto size = field<uint64_t>(header, kDiskBytes);
  const auto block = field<uint32_t>(header, kBlockBytes), blocks = field<uint32_t>(header, kBlocks);
  if (field<uint32_t>(header, kSectorBytes) != 512 || size % 512 != 0)
    return damaged("its sectors have not 512 bytes");
  if (!std::has_single_bit(block) || block < kLeastBlock || block > kMostBlock)
    return damaged("its blocks have an odd size");
  if (size / block + (size % block != 0) > blocks)
    return damaged("it has fewer blocks than its size asks for");
  const uint64_t map_offset = field<uint32_t>(header, kMapOffset), map_bytes = uint64_t{blocks} * 4;
  if (!lies_in(*store, map_offset, map_bytes)) return damaged("its table is not in the file");
  std::vector<uint32_t> map(blocks);
  if (!store->read(map_offset, {reinterpret_cast<uint8_t*>(map.data()), map_bytes}))
    return damaged("its table cannot be read");
  const uint64_t data = field<uint32_t>(header, kDataOffset);
  for (const uint32_t place : map)
    if (place < kDiscarded && data + uint64_t{place} * block >= store->size())
      return damaged("a block is behind the end of the file");
  return std::unique_ptr<dev::BlockBackend>(
      std::make_unique<VdiImage>(std::move(store), size, block, data, std::move(map)));
}

}  // namespace mynah::host
