// SPDX-License-Identifier: Apache-2.0
//
// Sectors are of 512 bytes, numbers little-endian. Tables of the first level are in memory, of the second one
// at a time.
#include "devices/host/image/vmdk_image.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cstring>
#include <utility>
#include <vector>

#include "devices/host/image/block_image.h"
#include "devices/host/image/image_file.h"

namespace mynah::host {

namespace {

constexpr uint64_t kSectorBytes = 512, kAtEnd = ~uint64_t{0};
constexpr uint32_t kMagic = 0x564d444b, kHasZeroGrains = 1 << 2, kCompressed = 1 << 16, kMarkers = 1 << 17;
constexpr uint64_t kMostGrain = 4096, kMostEntries = 65536, kMostDescription = 1 << 20;
constexpr uint64_t kMostSectors = uint64_t{1} << 40;
constexpr size_t kMostExtents = 4096;

struct SparseHeader {
  uint32_t magic = 0, version = 0, flags = 0;
  uint64_t capacity = 0, grain = 0, description = 0, description_sectors = 0, directory = 0;
  uint32_t entries = 0;  // of a table of the second level
  uint16_t compression = 0;
};

bool read_header(ByteStore& store, uint64_t at, SparseHeader& to) {
  std::array<uint8_t, kSectorBytes> bytes{};
  if (!store.read(at, bytes)) return false;
  const auto get = [&bytes](auto& field, size_t offset) {
    std::memcpy(&field, bytes.data() + offset, sizeof field);
  };
  get(to.magic, 0);
  get(to.version, 4);
  get(to.flags, 8);
  get(to.capacity, 12);
  get(to.grain, 20);
  get(to.description, 28);
  get(to.description_sectors, 36);
  get(to.entries, 44);
  get(to.directory, 56);
  get(to.compression, 77);
  return to.magic == kMagic;
}

// The last grain may have no more than the disk has of it.
bool unpack(std::span<const uint8_t> from, std::span<uint8_t> to) {
  uLongf n = to.size();
  std::fill(to.begin(), to.end(), uint8_t{0});
  return ::uncompress(to.data(), &n, from.data(), from.size()) == Z_OK;
}

class SparseExtent final : public BlockImage {
 public:
  SparseExtent(std::unique_ptr<ByteStore> store, const SparseHeader& header, std::vector<uint32_t> directory)
      : BlockImage(header.capacity * kSectorBytes, header.grain * kSectorBytes),
        store_(std::move(store)),
        header_(header),
        directory_(std::move(directory)),
        table_(header.entries) {}

  static Result<std::unique_ptr<dev::BlockBackend>> open(std::unique_ptr<ByteStore> store,
                                                         const std::string& name) {
    const auto damaged = [&name](std::string_view what) { return damaged_image("vmdk", name, what); };
    SparseHeader h;
    if (!read_header(*store, 0, h)) return damaged("it has no header of this format");
    // A stream has the place of its directory in a copy of the header before its last sector.
    if (h.directory == kAtEnd &&
        (store->size() < 3 * kSectorBytes || !read_header(*store, store->size() - 2 * kSectorBytes, h)))
      return damaged("the end of the stream is missing");
    if (h.version < 1 || h.version > 3) return damaged("its version is not 1 to 3");
    if (!std::has_single_bit(h.grain) || h.grain > kMostGrain || h.entries == 0 || h.entries > kMostEntries)
      return damaged("its grains or tables have an odd size");
    if (h.capacity == 0 || h.capacity > kMostSectors) return damaged("its size is not possible");
    if ((h.flags & kCompressed) && h.compression != 1) return damaged("its compression is not known");
    const uint64_t per_table = h.grain * h.entries, tables = (h.capacity + per_table - 1) / per_table;
    if (h.directory > store->size() / kSectorBytes ||
        !lies_in(*store, h.directory * kSectorBytes, tables * 4))
      return damaged("its directory is not in the file");
    std::vector<uint32_t> directory(tables);
    if (!store->read(h.directory * kSectorBytes, {reinterpret_cast<uint8_t*>(directory.data()), tables * 4}))
      return damaged("its directory cannot be read");
    return std::unique_ptr<dev::BlockBackend>(
        std::make_unique<SparseExtent>(std::move(store), h, std::move(directory)));
  }

 private:
  bool read_block(uint64_t block, uint64_t within, std::span<uint8_t> to) override {
    uint32_t place = 0;
    if (!find(block, place)) return false;
    if (place == 0 || (place == 1 && (header_.flags & kHasZeroGrains))) {
      std::memset(to.data(), 0, to.size());
      return true;
    }
    const uint64_t at = place * kSectorBytes;
    if (!lies_in(*store_, at, 1)) return false;
    if (!(header_.flags & kCompressed)) return store_->read(at + within, to);
    if (!unpack_grain(place)) return false;
    std::memcpy(to.data(), grain_.data() + within, to.size());
    return true;
  }

  bool find(uint64_t block, uint32_t& place) {
    const uint64_t number = block / header_.entries;
    if (number >= directory_.size()) return false;
    const uint32_t at = directory_[number];
    if (at == 0) {
      place = 0;
      return true;
    }
    if (table_at_ != at) {
      table_at_ = 0;
      const size_t bytes = table_.size() * sizeof table_[0];
      if (!lies_in(*store_, at * kSectorBytes, bytes) ||
          !store_->read(at * kSectorBytes, {reinterpret_cast<uint8_t*>(table_.data()), bytes}))
        return false;
      table_at_ = at;
    }
    place = table_[block % header_.entries];
    return true;
  }

  // In front of the data stand, with markers, its first sector and its size; without, its size alone is not
  // told, and it may be as long as a grain.
  bool unpack_grain(uint32_t place) {
    if (grain_at_ == place) return true;
    grain_at_ = 0;
    const uint64_t at = place * kSectorBytes, most = 2 * block_size();
    uint64_t begin = at;
    uint32_t bytes = static_cast<uint32_t>(std::min(most, store_->size() - at));
    if (header_.flags & kMarkers) {
      constexpr uint64_t kMarkerBytes = 12;
      std::array<uint8_t, kMarkerBytes> marker{};
      if (!store_->read(at, marker)) return false;
      std::memcpy(&bytes, marker.data() + 8, sizeof bytes);
      begin += kMarkerBytes;
    }
    if (bytes == 0 || bytes > most || !lies_in(*store_, begin, bytes)) return false;
    packed_.resize(bytes);
    grain_.resize(block_size());
    if (!store_->read(begin, packed_) || !unpack(packed_, grain_)) return false;
    grain_at_ = place;
    return true;
  }

  std::unique_ptr<ByteStore> store_;
  const SparseHeader header_;
  const std::vector<uint32_t> directory_;
  std::vector<uint32_t> table_;
  uint32_t table_at_ = 0, grain_at_ = 0;  // sectors of what table_ and grain_ hold; 0: nothing
  std::vector<uint8_t> packed_, grain_;
};

class FlatExtent final : public BlockImage {
 public:
  FlatExtent(std::unique_ptr<ByteStore> store, uint64_t offset, uint64_t size)
      : BlockImage(size, size), store_(std::move(store)), offset_(offset) {}

 private:
  bool read_block(uint64_t, uint64_t within, std::span<uint8_t> to) override {
    if (store_) return store_->read(offset_ + within, to);
    std::memset(to.data(), 0, to.size());
    return true;
  }
  std::unique_ptr<ByteStore> store_;  // null: zeroes
  const uint64_t offset_;
};

// Extents behind each other.
class ExtentChain final : public BlockImage {
 public:
  struct Extent {
    uint64_t begin, size;  // bytes
    std::unique_ptr<dev::BlockBackend> disk;
  };
  ExtentChain(std::vector<Extent> extents, uint64_t size)
      : BlockImage(size, size), extents_(std::move(extents)) {}

 private:
  bool read_block(uint64_t, uint64_t within, std::span<uint8_t> to) override {
    for (const Extent& e : extents_) {
      if (to.empty()) break;
      if (within >= e.begin + e.size || within < e.begin) continue;
      const auto n = static_cast<size_t>(std::min<uint64_t>(to.size(), e.begin + e.size - within));
      if (!e.disk->read(within - e.begin, to.first(n))) return false;
      to = to.subspan(n);
      within += n;
    }
    return to.empty();
  }
  std::vector<Extent> extents_;
};

// --- the description

struct ExtentLine {
  uint64_t sectors = 0, offset = 0;
  std::string kind, file;
};
struct Description {
  std::string type, parent;
  std::vector<ExtentLine> extents;
};

// ACCESS SECTORS KIND ["FILE" [OFFSET]]
bool parse_extent(std::string_view line, ExtentLine& to) {
  const auto word = [&line] {
    while (line.starts_with(' ')) line.remove_prefix(1);
    const size_t n = std::min(line.find(' '), line.size());
    const std::string_view found = line.substr(0, n);
    line.remove_prefix(n);
    return found;
  };
  const auto number = [](std::string_view text, uint64_t& value) {
    const auto end = std::from_chars(text.data(), text.data() + text.size(), value);
    return end.ec == std::errc() && end.ptr == text.data() + text.size();
  };
  const std::string_view access = word();
  if (access != "RW" && access != "RDONLY" && access != "NOACCESS") return false;
  if (!number(word(), to.sectors)) return false;
  to.kind = word();
  const size_t first = line.find('"');
  if (first == std::string_view::npos) return true;
  const size_t last = line.find('"', first + 1);
  if (last == std::string_view::npos) return false;
  to.file = line.substr(first + 1, last - first - 1);
  line.remove_prefix(last + 1);
  const std::string_view offset = word();
  return offset.empty() || number(offset, to.offset);
}

Description parse_description(std::string_view text) {
  Description d;
  while (!text.empty()) {
    std::string_view line = text.substr(0, std::min(text.find('\n'), text.size()));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ' || line.back() == '\0'))
      line.remove_suffix(1);
    const auto value = [&line](std::string_view key) -> std::string {
      if (!line.starts_with(key)) return {};
      std::string_view rest = line.substr(key.size());
      if (rest.starts_with('"') && rest.ends_with('"') && rest.size() > 1)
        rest = rest.substr(1, rest.size() - 2);
      return std::string(rest);
    };
    if (const std::string type = value("createType="); !type.empty()) d.type = type;
    if (const std::string parent = value("parentCID="); !parent.empty()) d.parent = parent;
    if (ExtentLine extent; d.extents.size() < kMostExtents && parse_extent(line, extent))
      d.extents.push_back(std::move(extent));
  }
  return d;
}

Result<std::unique_ptr<dev::BlockBackend>> open_extents(const Description& d, const std::string& name,
                                                        const ExtentOpener& open_extent) {
  const auto damaged = [&name](std::string_view what) { return damaged_image("vmdk", name, what); };
  std::vector<ExtentChain::Extent> extents;
  uint64_t size = 0;
  for (const ExtentLine& line : d.extents) {
    if (line.sectors == 0 || line.sectors > kMostSectors || line.offset > kMostSectors ||
        size > kMostSectors * kSectorBytes)
      return damaged("its size is not possible");
    const uint64_t bytes = line.sectors * kSectorBytes;
    std::unique_ptr<dev::BlockBackend> disk;
    if (line.kind == "ZERO") {
      disk = std::make_unique<FlatExtent>(nullptr, 0, bytes);
    } else if (line.kind == "FLAT" || line.kind == "VMFS" || line.kind == "SPARSE") {
      if (line.file.empty() || line.file.find('/') != std::string::npos || line.file == "." ||
          line.file == "..")
        return damaged("it names the file '" + line.file + "', which is not in its folder");
      auto store = open_extent(line.file);
      if (!store) return error("{} (the image '{}' rests on it)", store.message(), name);
      if (line.kind == "SPARSE") {
        auto sparse = SparseExtent::open(std::move(*store), line.file);
        if (!sparse) return sparse.error();
        if ((*sparse)->size() < bytes) return damaged("an extent is shorter than it says");
        disk = std::move(*sparse);
      } else {
        disk = std::make_unique<FlatExtent>(std::move(*store), line.offset * kSectorBytes, bytes);
      }
    } else {
      return damaged("extents of the kind '" + line.kind + "' are missing here");
    }
    extents.push_back({size, bytes, std::move(disk)});
    size += bytes;
  }
  if (extents.empty()) return damaged("its description names no extent");
  return std::unique_ptr<dev::BlockBackend>(std::make_unique<ExtentChain>(std::move(extents), size));
}

}  // namespace

Result<std::unique_ptr<dev::BlockBackend>> open_vmdk(std::unique_ptr<ByteStore> store,
                                                     const std::string& name,
                                                     const ExtentOpener& open_extent) {
  SparseHeader header;
  const bool sparse = read_header(*store, 0, header);
  std::string text;
  uint64_t at = 0, n = std::min(store->size(), kMostDescription);
  if (sparse) {
    at = std::min(header.description, store->size() / kSectorBytes) * kSectorBytes;
    n = std::min({header.description_sectors, kMostDescription / kSectorBytes}) * kSectorBytes;
    if (header.description == 0) n = 0;
    n = std::min(n, store->size() - at);
  }
  text.resize(n);
  if (n && !store->read(at, {reinterpret_cast<uint8_t*>(text.data()), text.size()}))
    return damaged_image("vmdk", name, "its description cannot be read");
  const Description d = parse_description(text);
  if (!d.parent.empty() && d.parent != "ffffffff")
    return damaged_image("vmdk", name, "it rests on another image");
  if (sparse) return SparseExtent::open(std::move(store), name);
  return open_extents(d, name, open_extent);
}

}  // namespace mynah::host
