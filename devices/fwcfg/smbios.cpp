// SPDX-License-Identifier: Apache-2.0
//
// Structures are a header, fixed fields, and strings that fields name by number (DSP0134, 6.1). A structure
// that is not required is there when something was said of it.
#include "devices/fwcfg/smbios.h"

#include <algorithm>
#include <string_view>

namespace mynah::dev {
namespace {

constexpr uint16_t kChassisHandle = 0x300;

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

}  // namespace

SmbiosTables make_smbios(const SmbiosChoice& choice, std::string_view product,
                         std::span<const uint8_t> uuid) {
  constexpr std::string_view kMaker = "Mynah";
  SmbiosTables made;
  if (choice.fields.contains(0)) {
    Structure s(0, 0, choice);
    s.field("vendor").field("version").byte(0).byte(0xe8).field("date").byte(0);
    // Characteristics are not said, but that it is UEFI and a virtual machine; no release numbers.
    s.byte(8).zeros(8).byte(0x18).byte(0).byte(0).byte(0xff).byte(0xff);
    s.append_to(made.tables);
  }
  Structure system(1, 0x100, choice);
  system.field("manufacturer", kMaker).field("product", product).field("version").field("serial");
  system.bytes(uuid_field(uuid)).byte(6).field("sku").field("family");
  system.append_to(made.tables);
  if (choice.fields.contains(2)) {
    Structure s(2, 0x200, choice);
    s.field("manufacturer", kMaker).field("product", product).field("version").field("serial").field("asset");
    s.byte(1).field("location").byte(kChassisHandle & 0xff).byte(kChassisHandle >> 8).byte(0x0a).byte(0);
    s.append_to(made.tables);
  }
  Structure chassis(3, kChassisHandle, choice);
  chassis.field("manufacturer", kMaker).byte(1).field("version").field("serial").field("asset");
  chassis.byte(3).byte(3).byte(3).byte(2).zeros(8).field("sku");
  chassis.append_to(made.tables);
  if (!choice.oem_strings.empty()) {
    Structure s(11, 0xe00, choice);
    s.byte(static_cast<uint8_t>(choice.oem_strings.size()));
    for (const std::string& text : choice.oem_strings) s.add_string(text);
    s.append_to(made.tables);
  }
  Structure(127, 0x7f00, choice).append_to(made.tables);

  // The 64-bit entry point (5.2.2). The firmware knows where the tables are.
  made.anchor = {'_', 'S', 'M', '3', '_', 0, 0x18, 3, 0, 0, 1, 0};
  const auto size = static_cast<uint32_t>(made.tables.size());
  for (unsigned i = 0; i < 4; ++i) made.anchor.push_back(static_cast<uint8_t>(size >> 8 * i));
  made.anchor.resize(0x18);
  uint8_t sum = 0;
  for (uint8_t b : made.anchor) sum = static_cast<uint8_t>(sum + b);
  made.anchor[5] = static_cast<uint8_t>(-sum);
  return made;
}

}  // namespace mynah::dev
