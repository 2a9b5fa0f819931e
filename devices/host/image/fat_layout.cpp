// SPDX-License-Identifier: Apache-2.0
//
// Clusters are given out in order, so a file is one piece. Folders are written when what is in them has its
// place.
#include "devices/host/image/fat_layout.h"

#include <algorithm>
#include <cstring>
#include <set>
#include <utility>

namespace mynah::host {

const FatGeometry kFatDisk{.bits = 16,
                           .hidden = 63,
                           .sectors = 1024 * 16 * 63 - 63,
                           .cluster = 16,
                           .root_entries = 512,
                           .table_sectors = 252,
                           .track = 63,
                           .heads = 16,
                           .medium = 0xf8};
const FatGeometry kFatFloppy{.bits = 12,
                             .hidden = 0,
                             .sectors = 2880,
                             .cluster = 1,
                             .root_entries = 224,
                             .table_sectors = 9,
                             .track = 18,
                             .heads = 2,
                             .medium = 0xf0};

namespace {

constexpr size_t kEntryBytes = 32, kNameUnits = 13;
constexpr uint8_t kReadOnly = 0x01, kVolume = 0x08, kFolder = 0x10, kLongName = 0x0f;

void put(uint8_t* to, uint64_t value, unsigned n) {
  for (unsigned i = 0; i < n; ++i) to[i] = static_cast<uint8_t>(value >> 8 * i);
}

// Date and time of day as FAT has them, in UTC; years 1980 to 2107.
void put_time(uint8_t* entry, int64_t seconds) {
  const int64_t day = seconds / 86400 - (seconds % 86400 < 0), second = seconds - day * 86400;
  // Days to a date, by eras of 400 years that begin in March.
  const int64_t z = day + 719468, era = (z >= 0 ? z : z - 146096) / 146097, of_era = z - era * 146097;
  const int64_t year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
  const int64_t of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const int64_t shifted = (5 * of_year + 2) / 153, month = shifted < 10 ? shifted + 3 : shifted - 9;
  const int64_t year = year_of_era + era * 400 + (month <= 2), date = of_year - (153 * shifted + 2) / 5 + 1;
  if (year < 1980 || year > 2107) return put(entry + 24, 1 << 5 | 1, 2);
  put(entry + 22, static_cast<uint64_t>(second / 3600 << 11 | second / 60 % 60 << 5 | second % 60 / 2), 2);
  put(entry + 24, static_cast<uint64_t>((year - 1980) << 9 | month << 5 | date), 2);
}

// UTF-16 of UTF-8; what is none becomes a question mark.
std::u16string wide(std::string_view text) {
  std::u16string units;
  for (size_t i = 0; i < text.size();) {
    const auto first = static_cast<uint8_t>(text[i++]);
    unsigned more = first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : first >= 0xc0 ? 1 : 0;
    uint32_t point = first < 0x80 ? first : first & (0x3fu >> more);
    bool good = first < 0x80 || (first >= 0xc0 && first < 0xf8);
    for (; more && good; --more) {
      good = i < text.size() && (static_cast<uint8_t>(text[i]) & 0xc0) == 0x80;
      if (good) point = point << 6 | (static_cast<uint8_t>(text[i++]) & 0x3f);
    }
    if (!good || point > 0x10ffff) point = '?';
    if (point > 0xffff) {
      point -= 0x10000;
      units += static_cast<char16_t>(0xd800 | point >> 10);
      units += static_cast<char16_t>(0xdc00 | (point & 0x3ff));
    } else {
      units += static_cast<char16_t>(point);
    }
  }
  return units;
}

constexpr std::string_view kAlsoAllowed = "$%'-_@~`!(){}^#&";
bool plain(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || kAlsoAllowed.find(c) != std::string_view::npos;
}
std::string short_part(std::string_view from, size_t most, bool& same) {
  std::string part;
  for (char c : from) {
    const char upper = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    same &= upper == c;
    if (c == ' ' || c == '.') {
      same = false;
      continue;
    }
    same &= plain(upper);
    part += plain(upper) ? upper : '_';
  }
  same &= part.size() <= most;
  return part.substr(0, most);
}

using ShortName = std::string;  // eleven characters

// A name that nothing else in the folder has; `same`: it says all that the name does.
ShortName short_name(const std::string& name, std::set<ShortName>& taken, bool& same) {
  const size_t dot = name.rfind('.');
  const bool suffix = dot != std::string::npos && dot != 0 && dot + 1 < name.size();
  same = true;
  std::string stem = short_part(std::string_view(name).substr(0, suffix ? dot : name.size()), 8, same);
  std::string end = suffix ? short_part(std::string_view(name).substr(dot + 1), 3, same) : "";
  same &= !stem.empty();
  end.resize(3, ' ');
  for (unsigned n = 0;; ++n) {
    std::string tail = n ? "~" + std::to_string(n) : "";
    std::string whole = stem.substr(0, 8 - tail.size()) + tail;
    whole.resize(8, ' ');
    if (n == 0 && !same) continue;
    if (taken.insert(whole + end).second) return whole + end;
    same = false;
  }
}

void add_long_name(std::vector<uint8_t>& to, const std::string& name, const ShortName& shorter) {
  std::u16string units = wide(name);
  const size_t pieces = (units.size() + kNameUnits - 1) / kNameUnits;
  if (units.size() % kNameUnits) units += u'\0';
  units.resize(pieces * kNameUnits, u'\xffff');
  uint8_t sum = 0;
  for (char c : shorter) sum = static_cast<uint8_t>((sum >> 1 | sum << 7) + static_cast<uint8_t>(c));
  for (size_t piece = pieces; piece-- > 0;) {
    static constexpr uint8_t kPlaces[kNameUnits] = {1, 3, 5, 7, 9, 14, 16, 18, 20, 22, 24, 28, 30};
    uint8_t entry[kEntryBytes] = {};
    entry[0] = static_cast<uint8_t>((piece + 1) | (piece + 1 == pieces ? 0x40 : 0));
    entry[11] = kLongName;
    entry[13] = sum;
    for (size_t i = 0; i < kNameUnits; ++i) put(entry + kPlaces[i], units[piece * kNameUnits + i], 2);
    to.insert(to.end(), entry, entry + kEntryBytes);
  }
}

void add_entry(std::vector<uint8_t>& to, const ShortName& name, uint8_t attributes, uint32_t first,
               uint64_t bytes, int64_t modified) {
  uint8_t entry[kEntryBytes] = {};
  std::memcpy(entry, name.data(), 11);
  entry[11] = attributes;
  put_time(entry, modified);
  put(entry + 26, first, 2);
  put(entry + 28, bytes, 4);
  to.insert(to.end(), entry, entry + kEntryBytes);
}

size_t folder_entries(const std::vector<FatEntry>& entries) {
  size_t n = 2;
  for (const FatEntry& e : entries) n += 1 + (wide(e.name).size() + kNameUnits - 1) / kNameUnits;
  return n;
}

}  // namespace

bool FatLayout::take(uint32_t clusters, uint32_t& first) {
  first = 0;
  if (clusters == 0) return true;
  if (clusters > geometry_.clusters() - (next_ - 2)) return false;
  first = next_;
  next_ += clusters;
  chains_.emplace_back(first, clusters);
  return true;
}

// A folder's own clusters are in front of those of what is in it.
bool FatLayout::place(const std::vector<FatEntry>& entries, uint32_t parent, uint32_t self, bool is_root) {
  constexpr size_t kMostName = 255;
  std::vector<uint8_t> contents;
  std::set<ShortName> taken;
  const size_t at = files_.size() - 1;  // of this folder
  if (is_root) {
    add_entry(contents, "MYNAH      ", kVolume, 0, 0, 0);
  } else {
    add_entry(contents, ".          ", kFolder, self, 0, 0);
    add_entry(contents, "..         ", kFolder, parent, 0, 0);
  }
  for (const FatEntry& e : entries) {
    if (wide(e.name).size() > kMostName || e.bytes > 0xffff'ffff) continue;
    const uint64_t cluster = geometry_.cluster_bytes();
    const uint64_t bytes = e.folder ? folder_entries(e.inside) * kEntryBytes : e.bytes;
    const uint64_t clusters = (bytes + cluster - 1) / cluster;
    uint32_t first = 0;
    if (clusters > geometry_.clusters() || !take(static_cast<uint32_t>(clusters), first)) return false;
    bool same = false;
    const ShortName name = short_name(e.name, taken, same);
    if (!same) add_long_name(contents, e.name, name);
    add_entry(contents, name, e.folder ? kFolder : kReadOnly, first, e.folder ? 0 : e.bytes, e.modified);
    if (clusters) files_.push_back({first, static_cast<uint32_t>(clusters), bytes, e.path, {}});
    if (e.folder && !place(e.inside, is_root ? 0 : self, first, false)) return false;
  }
  if (is_root) {
    if (contents.size() > size_t{geometry_.root_entries} * kEntryBytes) return false;
    root_ = std::move(contents);
  } else {
    files_[at].contents = std::move(contents);
  }
  return true;
}

std::optional<FatLayout> FatLayout::make(const FatGeometry& geometry, const std::vector<FatEntry>& root) {
  FatLayout layout(geometry);
  layout.files_.push_back({});  // stands for the first folder, which has no cluster
  if (!layout.place(root, 0, 0, true)) return std::nullopt;
  layout.files_.erase(layout.files_.begin());
  std::sort(layout.files_.begin(), layout.files_.end(),
            [](const File& a, const File& b) { return a.first < b.first; });
  layout.write_head();
  return layout;
}

const FatLayout::File* FatLayout::file_at(uint32_t cluster) const {
  auto above = std::upper_bound(files_.begin(), files_.end(), cluster,
                                [](uint32_t n, const File& file) { return n < file.first; });
  if (above == files_.begin()) return nullptr;
  const File& file = *--above;
  return cluster - file.first < file.clusters ? &file : nullptr;
}

// In both tables.
void FatLayout::set_entry(uint32_t cluster, uint32_t value) {
  for (uint32_t table = 0; table < 2; ++table) {
    uint8_t* const begin =
        head_.data() + (geometry_.hidden + 1 + table * geometry_.table_sectors) * FatGeometry::kSector;
    if (geometry_.bits == 16) {
      put(begin + 2 * cluster, value, 2);
      continue;
    }
    uint8_t* const at = begin + cluster * 3 / 2;
    const unsigned old = at[0] | at[1] << 8;
    put(at, cluster & 1 ? (old & 0x000f) | value << 4 : (old & 0xf000) | (value & 0xfff), 2);
  }
}

void FatLayout::write_head() {
  const FatGeometry& g = geometry_;
  head_.assign((g.hidden + uint64_t{g.first_data()}) * FatGeometry::kSector, 0);
  if (g.hidden) {
    uint8_t* const partition = head_.data() + 446;
    partition[0] = 0x80;
    const uint8_t begin[] = {1, 1, 0}, end[] = {15, 0xff, 0xff};  // heads, sectors, cylinders
    std::memcpy(partition + 1, begin, sizeof begin);
    partition[4] = 0x06;
    std::memcpy(partition + 5, end, sizeof end);
    put(partition + 8, g.hidden, 4);
    put(partition + 12, g.sectors, 4);
    put(head_.data() + 508 + 2, 0xaa55, 2);
  }
  uint8_t* const boot = head_.data() + g.hidden * FatGeometry::kSector;
  const uint8_t jump[] = {0xeb, 0x3e, 0x90};
  std::memcpy(boot, jump, sizeof jump);
  std::memcpy(boot + 3, "MYNAH   ", 8);
  put(boot + 11, FatGeometry::kSector, 2);
  boot[13] = static_cast<uint8_t>(g.cluster);
  put(boot + 14, 1, 2);
  boot[16] = 2;
  put(boot + 17, g.root_entries, 2);
  put(boot + 19, g.sectors < 0x10000 ? g.sectors : 0, 2);
  boot[21] = g.medium;
  put(boot + 22, g.table_sectors, 2);
  put(boot + 24, g.track, 2);
  put(boot + 26, g.heads, 2);
  put(boot + 28, g.hidden, 4);
  put(boot + 32, g.sectors < 0x10000 ? 0 : g.sectors, 4);
  boot[36] = g.hidden ? 0x80 : 0;
  boot[38] = 0x29;
  put(boot + 39, 0x6d796e61, 4);
  std::memcpy(boot + 43, "MYNAH      ", 11);
  std::memcpy(boot + 54, g.bits == 16 ? "FAT16   " : "FAT12   ", 8);
  const uint8_t halt[] = {0xcd, 0x18, 0xf4, 0xeb, 0xfd};  // INT 18h: nothing to start from here
  std::memcpy(boot + 0x40, halt, sizeof halt);
  put(boot + 510, 0xaa55, 2);
  set_entry(0, 0xff00u | g.medium);
  set_entry(1, 0xffff);
  for (const auto& [first, clusters] : chains_)
    for (uint32_t i = 0; i < clusters; ++i) set_entry(first + i, i + 1 < clusters ? first + i + 1 : 0xffff);
  std::copy(
      root_.begin(), root_.end(),
      head_.begin() + static_cast<ptrdiff_t>((g.hidden + 1 + 2 * g.table_sectors) * FatGeometry::kSector));
}

}  // namespace mynah::host
