// SPDX-License-Identifier: Apache-2.0
//
// Tables one behind the other, the XSDT last. Pointers hold the target's place in that row until it is known
// what comes before it: that is what firmware's script adds up, too.
#include "machines/acpi/table_set.h"

#include <numeric>
#include <utility>

namespace mynah::acpi {

namespace {

constexpr size_t kRootSize = 36, kRootRoom = 48, kAlignment = 16, kPlainAlignment = 64;
constexpr size_t kChecksum = 9;  // of a table
constexpr size_t kRootXsdt = 24, kRootChecksum = 8, kRootShort = 20, kRootExtendedChecksum = 32;

uint8_t checksum(const uint8_t* bytes, size_t n) {
  return static_cast<uint8_t>(-std::accumulate(bytes, bytes + n, 0u));
}

void add_at(Bytes& to, size_t offset, unsigned size, uint64_t value) {
  uint64_t sum = 0;
  for (unsigned i = 0; i < size; ++i) sum |= uint64_t{to[offset + i]} << 8 * i;
  sum += value;
  for (unsigned i = 0; i < size; ++i) to[offset + i] = static_cast<uint8_t>(sum >> 8 * i);
}

Bytes table(std::string_view signature, uint8_t revision, const Bytes& contents) {
  Bytes t;
  put(t, signature, 4);
  put(t, kTableHeader + contents.size(), 4);
  put(t, revision, 1);
  put(t, 0, 1);  // checksum
  put(t, "MYNAH ", 6);
  put(t, "MYNAHTBL", 8);
  put(t, 1, 4);
  put(t, "MYNA", 4);
  put(t, 1, 4);
  t += contents;
  return t;
}

Bytes root() {
  Bytes r;
  put(r, "RSD PTR ", 8);
  put(r, 0, 1);
  put(r, "MYNAH ", 6);
  put(r, 2, 1);
  put(r, 0, 4);  // RSDT
  put(r, kRootSize, 4);
  put(r, 0, 8);  // XSDT
  put(r, 0, 4);
  return r;
}

// Commands of firmware's script, 128 bytes each.
class Script {
 public:
  void allocate(std::string_view file, uint32_t alignment, bool below_1m) {
    command(1);
    name(file);
    put(bytes_, alignment, 4);
    put(bytes_, below_1m ? 2 : 1, 1);
    end();
  }
  // The field holds a place in `source`, to which that file's address is added.
  void add_pointer(std::string_view file, std::string_view source, size_t offset, unsigned size) {
    command(2);
    name(file);
    name(source);
    put(bytes_, offset, 4);
    put(bytes_, size, 1);
    end();
  }
  void add_checksum(std::string_view file, size_t at, size_t start, size_t length) {
    command(3);
    name(file);
    put(bytes_, at, 4);
    put(bytes_, start, 4);
    put(bytes_, length, 4);
    end();
  }
  Bytes take() { return std::move(bytes_); }

 private:
  static constexpr size_t kEntry = 128, kName = 56;
  void command(uint32_t number) { put(bytes_, number, 4); }
  void name(std::string_view file) { put(bytes_, file, kName); }
  void end() { bytes_.resize((bytes_.size() + kEntry - 1) / kEntry * kEntry); }
  Bytes bytes_;
};

}  // namespace

void put(Bytes& to, uint64_t value, unsigned n) {
  for (unsigned i = 0; i < n; ++i) to.push_back(static_cast<uint8_t>(value >> 8 * i));
}

void put(Bytes& to, std::string_view text, size_t n) {
  for (size_t i = 0; i < n; ++i) to.push_back(i < text.size() ? static_cast<uint8_t>(text[i]) : 0);
}

void put_memory_register(Bytes& to, uint64_t address, unsigned bits) {
  const uint8_t access = bits == 8 ? 1 : bits == 16 ? 2 : 3;
  for (const uint8_t byte : {uint8_t{0}, static_cast<uint8_t>(bits), uint8_t{0}, access}) put(to, byte, 1);
  put(to, address, 8);
}

size_t TableSet::add(std::string_view signature, uint8_t revision, const Bytes& contents, Listed listed) {
  tables_.push_back({table(signature, revision, contents), listed});
  return tables_.size() - 1;
}

size_t TableSet::add_plain(const Bytes& bytes) {
  tables_.push_back({bytes, Listed::kNo, true});
  return tables_.size() - 1;
}

void TableSet::point(size_t from, size_t offset, unsigned size, size_t to) {
  pointers_.push_back({from, offset, size, to});
}

// Pointers and sums are still to be made. Fields hold places in `bytes`.
struct TableSet::Layout {
  struct Field {
    size_t at;
    unsigned size;
  };
  struct Span {
    size_t at, size;
    bool summed;
  };
  Bytes bytes;
  std::vector<Field> pointers;
  std::vector<Span> tables;
  size_t xsdt = 0;
};

// `first`: room that is left before the first table.
TableSet::Layout TableSet::layout(uint64_t first) const {
  Layout out;
  out.bytes.resize(first);
  const auto append = [&out](const Bytes& bytes, bool plain) {
    const size_t alignment = plain ? kPlainAlignment : kAlignment;
    out.bytes.resize((out.bytes.size() + alignment - 1) / alignment * alignment);
    out.tables.push_back({out.bytes.size(), bytes.size(), !plain});
    out.bytes += bytes;
  };
  for (const Table& t : tables_) append(t.bytes, t.plain);
  Bytes list;
  for (size_t i = 0; i < tables_.size(); ++i)
    if (tables_[i].listed == Listed::kYes) put(list, out.tables[i].at, 8);
  append(table("XSDT", 1, list), false);
  out.xsdt = out.tables.back().at;
  for (size_t i = 0; i < list.size(); i += 8) out.pointers.push_back({out.xsdt + kTableHeader + i, 8});
  for (const Pointer& p : pointers_) {
    const size_t at = out.tables[p.from].at + p.offset;
    add_at(out.bytes, at, p.size, out.tables[p.to].at);
    out.pointers.push_back({at, p.size});
  }
  return out;
}

Bytes TableSet::place(uint64_t address) const {
  Layout l = layout(kRootRoom);
  for (const auto& p : l.pointers) add_at(l.bytes, p.at, p.size, address);
  for (const auto& t : l.tables)
    if (t.summed) l.bytes[t.at + kChecksum] = checksum(&l.bytes[t.at], t.size);
  Bytes r = root();
  add_at(r, kRootXsdt, 8, address + l.xsdt);
  r[kRootChecksum] = checksum(r.data(), kRootShort);
  r[kRootExtendedChecksum] = checksum(r.data(), kRootSize);
  std::copy(r.begin(), r.end(), l.bytes.begin());
  return std::move(l.bytes);
}

TableSet::Files TableSet::files() const {
  Layout l = layout(0);
  Script script;
  script.allocate(kRootFile, kAlignment, true);
  script.allocate(kTablesFile, 64, false);
  for (const auto& p : l.pointers) script.add_pointer(kTablesFile, kTablesFile, p.at, p.size);
  for (const auto& t : l.tables)
    if (t.summed) script.add_checksum(kTablesFile, t.at + kChecksum, t.at, t.size);
  Bytes r = root();
  add_at(r, kRootXsdt, 8, l.xsdt);
  script.add_pointer(kRootFile, kTablesFile, kRootXsdt, 8);
  script.add_checksum(kRootFile, kRootChecksum, 0, kRootShort);
  script.add_checksum(kRootFile, kRootExtendedChecksum, 0, kRootSize);
  return {std::move(l.bytes), std::move(r), script.take()};
}

}  // namespace mynah::acpi
