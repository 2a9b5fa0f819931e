// SPDX-License-Identifier: Apache-2.0
//
// The directory of files is an item that is made anew when files change. DMA descriptors are big-endian and
// are read whole before anything is done (QEMU, docs/specs/fw_cfg).
#include "devices/fwcfg/fw_cfg.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>

#include "devices/core/big_endian.h"
#include "devices/core/registers.h"

namespace mynah::dev {
namespace {

constexpr uint32_t kFeatures = 0x3;  // traditional interface, DMA
constexpr std::array<uint8_t, 8> kDmaSignature = {'Q', 'E', 'M', 'U', ' ', 'C', 'F', 'G'};
constexpr size_t kZeroChunk = 64 * 1024;
constexpr std::array<uint8_t, kZeroChunk> kZeroes{};

// A register written by a little-endian bus, read as the big-endian number that its bytes form.
uint64_t swapped(uint64_t value, unsigned n) {
  uint64_t result = 0;
  for (unsigned i = 0; i < n; ++i) result = result << 8 | (value >> (8 * i) & 0xff);
  return result;
}

std::vector<uint8_t> little_endian(uint64_t value, unsigned n) {
  std::vector<uint8_t> result(n);
  for (unsigned i = 0; i < n; ++i) result[i] = static_cast<uint8_t>(value >> (8 * i));
  return result;
}

}  // namespace

FwCfg::FwCfg(DmaMemory& memory, Log& log, std::string name)
    : memory_(memory), log_(log), name_(std::move(name)) {
  add_item(kSignature, std::vector<uint8_t>{'Q', 'E', 'M', 'U'});
  add_item_u32(kId, kFeatures);
  rebuild_directory();
}

void FwCfg::add_item(uint16_t key, std::vector<uint8_t> contents) {
  const uint16_t index = key & ~(kWriteChannel | kArchLocal);
  if ((key & kWriteChannel) || (!(key & kArchLocal) && index >= kFileFirst)) {
    fmt::print(stderr, "fw_cfg: {:#x} is not the key of an item\n", key);
    std::abort();
  }
  items_[key] = {std::move(contents), false, {}};
  if (key == selected_) offset_ = 0;
}

void FwCfg::add_item(uint16_t key, std::string_view text) {
  std::vector<uint8_t> contents(text.begin(), text.end());
  contents.push_back(0);
  add_item(key, std::move(contents));
}

void FwCfg::add_item_u16(uint16_t key, uint16_t value) { add_item(key, little_endian(value, 2)); }
void FwCfg::add_item_u32(uint16_t key, uint32_t value) { add_item(key, little_endian(value, 4)); }
void FwCfg::add_item_u64(uint16_t key, uint64_t value) { add_item(key, little_endian(value, 8)); }

std::optional<uint16_t> FwCfg::add_file(std::string_view name, std::vector<uint8_t> contents) {
  return add(name, {std::move(contents), false, {}});
}

std::optional<uint16_t> FwCfg::add_writable_file(std::string_view name, std::vector<uint8_t> contents,
                                                 OnWrite on_write) {
  return add(name, {std::move(contents), true, std::move(on_write)});
}

std::optional<uint16_t> FwCfg::add(std::string_view name, Item item) {
  if (name.empty() || name.size() > kMaxFileName || name.find('\0') != name.npos || find(name) ||
      files_.size() >= kMaxFiles) {
    return std::nullopt;
  }
  const auto key = static_cast<uint16_t>(kFileFirst + files_.size());
  items_[key] = std::move(item);
  files_.push_back({std::string(name), key});
  rebuild_directory();
  return key;
}

bool FwCfg::replace_file(std::string_view name, std::vector<uint8_t> contents) {
  const File* f = find(name);
  if (!f) return false;
  items_[f->key].contents = std::move(contents);
  if (f->key == selected_) offset_ = 0;
  rebuild_directory();
  return true;
}

bool FwCfg::set_on_select(std::string_view name, OnSelect on_select) {
  const File* f = find(name);
  if (!f) return false;
  items_[f->key].on_select = std::move(on_select);
  return true;
}

const FwCfg::File* FwCfg::find(std::string_view name) const {
  const auto f = std::find_if(files_.begin(), files_.end(), [&](const File& x) { return x.name == name; });
  return f == files_.end() ? nullptr : &*f;
}

const std::vector<uint8_t>* FwCfg::item(uint16_t key) const {
  const auto i = items_.find(key);
  return i == items_.end() ? nullptr : &i->second.contents;
}

const std::vector<uint8_t>* FwCfg::file(std::string_view name) const {
  const File* f = find(name);
  return f ? item(f->key) : nullptr;
}

// Entries: size, key, two reserved bytes (all big-endian), name padded to 56 bytes. Sorted by name, so that
// the directory does not depend on the order in which a board adds its files.
void FwCfg::rebuild_directory() {
  constexpr size_t kHeader = 4, kEntry = 64, kName = 8;
  std::vector<const File*> sorted;
  for (const File& f : files_) sorted.push_back(&f);
  std::sort(sorted.begin(), sorted.end(), [](const File* a, const File* b) { return a->name < b->name; });
  std::vector<uint8_t> directory(kHeader + kEntry * sorted.size());
  store_big(directory.data(), 4, sorted.size());
  uint8_t* at = directory.data() + kHeader;
  for (const File* f : sorted) {
    store_big(at, 4, items_[f->key].contents.size());
    store_big(at + 4, 2, f->key);
    std::copy(f->name.begin(), f->name.end(), at + kName);
    at += kEntry;
  }
  add_item(kFileDirectory, std::move(directory));
}

void FwCfg::reset() {
  select(kSignature);
  dma_address_ = 0;
}

void FwCfg::select(uint16_t key) {
  selected_ = key & ~kWriteChannel;
  offset_ = 0;
  if (const Item* i = selected(); i && i->on_select) i->on_select();
}

FwCfg::Item* FwCfg::selected() {
  const auto i = items_.find(selected_);
  return i == items_.end() ? nullptr : &i->second;
}

uint8_t FwCfg::next_byte() {
  const Item* i = selected();
  return i && offset_ < i->contents.size() ? i->contents[offset_++] : 0;
}

uint64_t FwCfg::read(Offset offset, Width width) {
  const unsigned n = bytes(width);
  uint64_t value = 0;
  if (offset < kSelector && n <= kSelector - offset) {
    for (unsigned i = 0; i < n; ++i) value |= uint64_t{next_byte()} << (8 * i);
  } else if (offset >= kDma && offset < kWindowSize && n <= kWindowSize - offset) {
    for (unsigned i = 0; i < n; ++i) value |= uint64_t{kDmaSignature[offset - kDma + i]} << (8 * i);
  } else {
    log_.guest_error(name_, fmt::format("read of no readable register at {:#x}", offset));
  }
  return value;
}

void FwCfg::write(Offset offset, Width width, uint64_t value) {
  if (offset == kSelector && width == Width::k2) {
    select(static_cast<uint16_t>(swapped(value, 2)));
  } else if (offset == kDma && width == Width::k8) {
    dma_address_ = swapped(value, 8);
    start_dma();
  } else if (offset == kDma && width == Width::k4) {
    dma_address_ = swapped(value, 4) << 32;
  } else if (offset == kDma + 4 && width == Width::k4) {
    dma_address_ |= swapped(value, 4);
    start_dma();
  } else if (offset < kSelector) {
    log_.guest_error(name_, "write of the data register, which only DMA can do");
  } else {
    log_.guest_error(name_, fmt::format("write of no register at {:#x}", offset));
  }
}

void FwCfg::start_dma() {
  const uint64_t descriptor = dma_address_;
  dma_address_ = 0;
  uint8_t access[16];
  if (!memory_.read(descriptor, access, sizeof access)) {
    log_.guest_error(name_, fmt::format("DMA descriptor outside RAM at {:#x}", descriptor));
    return;
  }
  const auto control = static_cast<uint32_t>(load_big(access, 4));
  const auto length = static_cast<uint32_t>(load_big(access + 4, 4));
  const uint64_t address = load_big(access + 8, 8);

  if (control & kDmaSelect) select(static_cast<uint16_t>(control >> 16));
  bool good = true;
  if (control & kDmaRead) {
    good = dma_read(address, length);
  } else if (control & kDmaWrite) {
    good = dma_write(address, length);
  } else if (control & kDmaSkip) {
    skip(length);
  }
  if (!good) log_.guest_error(name_, fmt::format("DMA transfer failed for item {:#x}", selected_));

  uint8_t result[4];
  store_big(result, 4, good ? 0u : uint32_t{kDmaError});
  if (!memory_.write(descriptor, result, sizeof result)) {
    log_.guest_error(name_, fmt::format("DMA descriptor not writable at {:#x}", descriptor));
  }
}

bool FwCfg::dma_read(uint64_t pa, uint32_t n) {
  if (n != 0 && pa + (n - 1) < pa) return false;
  const Item* i = selected();
  const uint64_t left = i ? i->contents.size() - offset_ : 0;
  const uint64_t real = std::min<uint64_t>(n, left);
  if (real != 0 && !memory_.write(pa, i->contents.data() + offset_, real)) return false;
  offset_ += real;
  for (uint64_t done = real; done < n;) {
    const uint64_t chunk = std::min<uint64_t>(n - done, kZeroChunk);
    if (!memory_.write(pa + done, kZeroes.data(), chunk)) return false;
    done += chunk;
  }
  return true;
}

bool FwCfg::dma_write(uint64_t pa, uint32_t n) {
  Item* i = selected();
  if (!i || !i->writable || n > i->contents.size() - offset_) return false;
  // Through a copy: a transfer that fails half-way must not change the item.
  std::vector<uint8_t> data(n);
  if (n != 0 && !memory_.read(pa, data.data(), n)) return false;
  std::copy(data.begin(), data.end(), i->contents.begin() + static_cast<ptrdiff_t>(offset_));
  const uint64_t at = offset_;
  offset_ += n;
  if (i->on_write) i->on_write(i->contents, at, n);
  return true;
}

void FwCfg::skip(uint32_t n) {
  const Item* i = selected();
  const uint64_t left = i ? i->contents.size() - offset_ : 0;
  offset_ += std::min<uint64_t>(n, left);
}

void FwCfg::serialize_state(StateStream& s) {
  uint16_t key = selected_;
  uint64_t offset = offset_;
  uint64_t dma_address = dma_address_;
  s.io(key);
  s.io(offset);
  s.io(dma_address);
  // Writable files by name and size. All are read before any is replaced.
  std::vector<std::pair<Item*, std::vector<uint8_t>>> loaded;
  for (const File& f : files_) {
    Item& i = items_[f.key];
    if (!i.writable) continue;
    std::string name = f.name;
    uint64_t size = i.contents.size();
    s.io(name);
    s.io(size);
    if (s.loading() && (name != f.name || size != i.contents.size())) s.fail();
    if (s.failed()) return;
    if (s.loading()) {
      std::vector<uint8_t> contents(size);
      s.raw(contents.data(), size);
      loaded.emplace_back(&i, std::move(contents));
    } else {
      s.raw(i.contents.data(), size);
    }
  }
  if (!s.loading()) return;
  const auto i = items_.find(key);
  if (offset > (i == items_.end() ? 0 : i->second.contents.size())) s.fail();
  if (s.failed()) return;
  selected_ = key;
  offset_ = offset;
  dma_address_ = dma_address;
  for (auto& [target, contents] : loaded) target->contents = std::move(contents);
}

}  // namespace mynah::dev
