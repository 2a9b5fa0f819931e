// SPDX-License-Identifier: Apache-2.0
//
// Structures are a header, fixed fields, and strings that fields name by number (DSP0134, 6.1). A structure
// that is not required is there when something was said of it.
#include "devices/fwcfg/smbios.h"

#include <algorithm>
#include <string_view>

namespace mynah::dev {
namespace {

constexpr uint16_t kChassisHandle = 0x300, kMemoryHandle = 0x1000;
constexpr uint16_t kNoHandle = 0xffff, kNoErrors = 0xfffe;
constexpr std::string_view kMaker = "Mynah";

class Structure {
 public:
  Structure(uint8_t type, uint16_t handle, const SmbiosChoice& choice) {
    if (const auto found = choice.fields.find(type); found != choice.fields.end()) fields_ = &found->second;
    bytes_ = {type, 0, static_cast<uint8_t>(handle), static_cast<uint8_t>(handle >> 8)};
  }
  Structure& byte(uint8_t value) {
    bytes_.push_back(value);
    return *this;
  }
  Structure& number(uint64_t value, unsigned n) {
    for (unsigned i = 0; i < n; ++i) byte(static_cast<uint8_t>(i < 8 ? value >> 8 * i : 0));
    return *this;
  }
  Structure& word(uint64_t value) { return number(value, 2); }
  Structure& zeros(size_t n) {
    bytes_.resize(bytes_.size() + n);
    return *this;
  }
  Structure& bytes(std::span<const uint8_t> values) {
    bytes_.insert(bytes_.end(), values.begin(), values.end());
    return *this;
  }
  // The number of a string of its own; 0 for none.
  Structure& text(std::string_view value) {
    if (value.empty()) return byte(0);
    strings_.emplace_back(value);
    return byte(static_cast<uint8_t>(strings_.size()));
  }
  // One that a person may have given.
  Structure& field(const std::string& name, std::string_view otherwise = {}) {
    if (!fields_) return text(otherwise);
    const auto found = fields_->find(name);
    return text(found != fields_->end() ? std::string_view(found->second) : otherwise);
  }
  std::string given(const std::string& name, std::string_view otherwise = {}) const {
    if (fields_)
      if (const auto found = fields_->find(name); found != fields_->end()) return found->second;
    return std::string(otherwise);
  }
  void add_string(const std::string& value) { strings_.push_back(value); }
  void append_to(std::vector<uint8_t>& tables) {
    bytes_[1] = static_cast<uint8_t>(bytes_.size());
    for (const std::string& s : strings_) {
      bytes_.insert(bytes_.end(), s.begin(), s.end());
      bytes_.push_back(0);
    }
    if (strings_.empty()) bytes_.push_back(0);
    bytes_.push_back(0);
    tables.insert(tables.end(), bytes_.begin(), bytes_.end());
  }

 private:
  const std::map<std::string, std::string>* fields_ = nullptr;
  std::vector<uint8_t> bytes_;
  std::vector<std::string> strings_;
};

// The first three fields are numbers, the least significant byte first (7.2.1).
std::vector<uint8_t> uuid_field(std::span<const uint8_t> uuid) {
  if (uuid.size() != 16) return std::vector<uint8_t>(16, 0);
  std::vector<uint8_t> bytes(uuid.begin(), uuid.end());
  std::reverse(bytes.begin(), bytes.begin() + 4);
  std::reverse(bytes.begin() + 4, bytes.begin() + 6);
  std::reverse(bytes.begin() + 6, bytes.begin() + 8);
  return bytes;
}

// Structure 4, as of version 2.6 (7.5).
void add_processor(unsigned number, const SmbiosChoice& choice, const SmbiosMachine& m,
                   std::vector<uint8_t>& tables) {
  constexpr uint8_t kCentral = 3, kOther = 1, kEnabled = 0x41;
  constexpr uint16_t kMegahertz = 2000, kUnknown = 2;
  const auto small = [](unsigned n) { return static_cast<uint8_t>(std::min(n, 0xffu)); };
  Structure s(4, static_cast<uint16_t>(0x400 + number), choice);
  s.text(s.given("sock_pfx", "CPU ") + std::to_string(number)).byte(kCentral).byte(kOther);
  s.field("manufacturer", kMaker).number(m.processor_id, 8).field("version").byte(0).word(0);
  s.word(kMegahertz).word(kMegahertz).byte(kEnabled).byte(kOther);
  for (unsigned cache = 0; cache < 3; ++cache) s.word(kNoHandle);
  s.field("serial").field("asset").field("part");
  s.byte(small(m.cores)).byte(small(m.cores)).byte(small(m.cores * m.threads)).word(kUnknown).word(kOther);
  s.append_to(tables);
}

// Structures 16, 17 and 19: an array of memory devices, and where it is (7.17, 7.18, 7.20).
void add_memory(const SmbiosChoice& choice, const SmbiosMachine& m, std::vector<uint8_t>& tables) {
  constexpr uint64_t kDevice = uint64_t{16} << 30;
  uint64_t bytes = 0;
  for (const SmbiosMachine::Ram& ram : m.ram) bytes += ram.bytes;
  const auto devices = static_cast<uint16_t>(std::min<uint64_t>((bytes + kDevice - 1) / kDevice, 0xff));

  constexpr uint8_t kOther = 1, kSystemMemory = 3, kCorrecting = 6;
  constexpr uint64_t kLargeArray = 0x80000000;  // KiB: the long field says how many bytes
  const bool large = bytes >> 10 >= kLargeArray;
  Structure array(16, kMemoryHandle, choice);
  array.byte(kOther).byte(kSystemMemory).byte(kCorrecting).number(large ? kLargeArray : bytes >> 10, 4);
  array.word(kNoErrors).word(devices).number(large ? bytes : 0, 8);
  array.append_to(tables);

  constexpr uint8_t kDimm = 9, kRam = 7, kOtherDetail = 2;
  constexpr uint64_t kUnknownWidth = 0xffff, kLargeDevice = 0x7fff;  // MiB
  for (unsigned n = 0; n < devices; ++n) {
    const uint64_t mib = (n + 1 < devices ? kDevice : bytes - n * kDevice) >> 20;
    Structure s(17, static_cast<uint16_t>(0x1100 + n), choice);
    s.word(kMemoryHandle).word(kNoErrors).word(kUnknownWidth).word(kUnknownWidth);
    s.word(std::min(mib, kLargeDevice)).byte(kDimm).byte(0);
    s.text(s.given("loc_pfx", "DIMM ") + std::to_string(n))
        .field("bank")
        .byte(kRam)
        .word(kOtherDetail)
        .word(0);
    s.field("manufacturer", kMaker).field("serial").field("asset").field("part").byte(0);
    s.number(mib < kLargeDevice ? 0 : mib, 4).word(0).word(0).word(0).word(0);
    s.append_to(tables);
  }
  for (size_t n = 0; n < m.ram.size(); ++n) {
    const uint64_t first = m.ram[n].begin, last = first + m.ram[n].bytes - 1;
    const bool far = last >> 10 >= 0xffffffff;
    Structure s(19, static_cast<uint16_t>(0x1300 + n), choice);
    s.number(far ? 0xffffffff : first >> 10, 4).number(far ? 0xffffffff : last >> 10, 4);
    s.word(kMemoryHandle).byte(1).number(far ? first : 0, 8).number(far ? last : 0, 8);
    s.append_to(tables);
  }
}

void make_sum_zero(std::span<uint8_t> bytes, size_t at) {
  bytes[at] = 0;
  uint8_t sum = 0;
  for (const uint8_t b : bytes) sum = static_cast<uint8_t>(sum + b);
  bytes[at] = static_cast<uint8_t>(-sum);
}

constexpr size_t kAnchor32 = 0x1f, kAnchor64 = 0x18, kInner = 0x10;  // the second part of the former

void sum_anchor(std::vector<uint8_t>& anchor) {
  if (anchor.size() == kAnchor64) return make_sum_zero(anchor, 5);
  make_sum_zero(std::span(anchor).subspan(kInner), 5);
  make_sum_zero(anchor, 4);
}

// The entry points (5.2.1, 5.2.2), without the tables' address: the firmware knows where they are.
std::vector<uint8_t> make_anchor(const std::vector<uint8_t>& tables, uint16_t structures, uint16_t longest,
                                 bool entry_32) {
  const auto size = static_cast<uint32_t>(tables.size());
  std::vector<uint8_t> anchor;
  const auto number = [&anchor](uint32_t value, unsigned n) {
    for (unsigned i = 0; i < n; ++i) anchor.push_back(static_cast<uint8_t>(value >> 8 * i));
  };
  if (entry_32) {
    anchor = {'_', 'S', 'M', '_', 0, kAnchor32, 2, 8};
    number(longest, 2);
    anchor.resize(kInner);
    for (const char c : {'_', 'D', 'M', 'I', '_', '\0'}) anchor.push_back(static_cast<uint8_t>(c));
    number(size, 2);
    number(0, 4);
    number(structures, 2);
    anchor.push_back(0x28);
  } else {
    anchor = {'_', 'S', 'M', '3', '_', 0, kAnchor64, 3, 0, 0, 1, 0};
    number(size, 4);
    anchor.resize(kAnchor64);
  }
  sum_anchor(anchor);
  return anchor;
}

}  // namespace

std::vector<uint8_t> smbios_anchor_at(const SmbiosTables& tables, uint64_t address) {
  std::vector<uint8_t> anchor = tables.anchor;
  const bool entry_32 = anchor.size() == kAnchor32;
  for (unsigned i = 0; i < (entry_32 ? 4u : 8u); ++i)
    anchor[(entry_32 ? 0x18 : 0x10) + i] = static_cast<uint8_t>(address >> 8 * i);
  sum_anchor(anchor);
  return anchor;
}

SmbiosTables make_smbios(const SmbiosChoice& choice, const SmbiosMachine& machine,
                         std::span<const uint8_t> uuid) {
  SmbiosTables made;
  if (choice.fields.contains(0)) {
    Structure s(0, 0, choice);
    s.field("vendor").field("version").byte(0).byte(0xe8).field("date").byte(0);
    // Characteristics are not said, but whether it is UEFI and that it is a virtual machine; no release
    // numbers.
    constexpr uint8_t kUefi = 8, kVirtualMachine = 16;
    const bool uefi = s.given("uefi", machine.entry_32 ? "off" : "on") == "on";
    s.byte(8)
        .zeros(8)
        .byte(static_cast<uint8_t>(kVirtualMachine | (uefi ? kUefi : 0)))
        .byte(0)
        .byte(0)
        .byte(0xff)
        .byte(0xff);
    s.append_to(made.tables);
  }
  Structure system(1, 0x100, choice);
  system.field("manufacturer", kMaker).field("product", machine.product).field("version").field("serial");
  system.bytes(uuid_field(uuid)).byte(6).field("sku").field("family");
  system.append_to(made.tables);
  if (choice.fields.contains(2)) {
    Structure s(2, 0x200, choice);
    s.field("manufacturer", kMaker)
        .field("product", machine.product)
        .field("version")
        .field("serial")
        .field("asset");
    s.byte(1).field("location").byte(kChassisHandle & 0xff).byte(kChassisHandle >> 8).byte(0x0a).byte(0);
    s.append_to(made.tables);
  }
  Structure chassis(3, kChassisHandle, choice);
  chassis.field("manufacturer", kMaker).byte(1).field("version").field("serial").field("asset");
  chassis.byte(3).byte(3).byte(3).byte(2).zeros(8).field("sku");
  chassis.append_to(made.tables);
  for (unsigned n = 0; n < machine.sockets; ++n) add_processor(n, choice, machine, made.tables);
  if (!choice.oem_strings.empty()) {
    Structure s(11, 0xe00, choice);
    s.byte(static_cast<uint8_t>(choice.oem_strings.size()));
    for (const std::string& text : choice.oem_strings) s.add_string(text);
    s.append_to(made.tables);
  }
  add_memory(choice, machine, made.tables);
  constexpr unsigned kNoErrorsAtBoot = 7;
  Structure(32, 0x2000, choice).zeros(kNoErrorsAtBoot).append_to(made.tables);
  Structure(127, 0x7f00, choice).append_to(made.tables);

  uint16_t structures = 0;
  size_t longest = 0;
  for (size_t at = 0; at < made.tables.size(); ++structures) {
    size_t end = at + made.tables[at + 1];
    while (made.tables[end] != 0 || made.tables[end + 1] != 0) ++end;
    end += 2;
    longest = std::max(longest, end - at);
    at = end;
  }
  made.anchor = make_anchor(made.tables, structures, static_cast<uint16_t>(longest), machine.entry_32);
  return made;
}

}  // namespace mynah::dev
