// SPDX-License-Identifier: Apache-2.0
//
// The compile-time parser of decode rows (their form: tables.inc). A row that does not parse throws, which in
// a constant expression is a build error at the line of the cause; so is a pair of rows that share a word.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string_view>

namespace mynah::arm::a64 {

// The set of words in which the bits of `mask` are as in `value`.
struct BitSet {
  uint32_t mask = 0;
  uint32_t value = 0;

  constexpr bool contains(uint32_t word) const { return (word & mask) == value; }
  constexpr bool meets(const BitSet& other) const { return ((value ^ other.value) & mask & other.mask) == 0; }
  constexpr bool inside(const BitSet& other) const { return (other.mask & ~mask) == 0 && meets(other); }
};

struct Field {
  std::string_view name;
  uint8_t lsb = 0;
  uint8_t width = 0;
};

struct Row {
  static constexpr size_t kMaxFields = 10, kMaxReserved = 8;

  BitSet bits;
  std::array<Field, kMaxFields> fields{};       // most significant first
  std::array<BitSet, kMaxReserved> reserved{};  // each includes `bits`
  uint8_t field_count = 0;
  uint8_t reserved_count = 0;

  constexpr const Field* find(std::string_view name) const {
    for (size_t i = 0; i < field_count; ++i) {
      if (fields[i].name == name) return &fields[i];
    }
    return nullptr;
  }
  constexpr bool contains(uint32_t word) const {
    if (!bits.contains(word)) return false;
    for (size_t i = 0; i < reserved_count; ++i) {
      if (reserved[i].contains(word)) return false;
    }
    return true;
  }
};

namespace detail {

constexpr bool is_space(char c) { return c == ' '; }
constexpr bool is_bit(char c) { return c == '0' || c == '1' || c == 'x'; }
constexpr bool is_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

// Takes the next word, up to a space, off the front of the text.
constexpr std::string_view take_word(std::string_view& text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  size_t end = 0;
  while (end < text.size() && !is_space(text[end])) ++end;
  const std::string_view word = text.substr(0, end);
  text.remove_prefix(end);
  return word;
}

constexpr void check_name(std::string_view name) {
  if (name.empty() || (name.front() >= '0' && name.front() <= '9')) {
    throw std::invalid_argument("a field name begins with a letter");
  }
  for (char c : name) {
    if (!is_name(c)) throw std::invalid_argument("a field name has letters, digits and _ only");
  }
}

// Adds `bits` (0, 1, x) of which the last stands at lsb. Twice the same bit is fine, 0 and 1 are not.
constexpr void add_bits(BitSet& set, std::string_view bits, unsigned lsb) {
  for (size_t i = 0; i < bits.size(); ++i) {
    const uint32_t bit = uint32_t{1} << (lsb + bits.size() - 1 - i);
    if (!is_bit(bits[i])) throw std::invalid_argument("bits are 0, 1 or x");
    if (bits[i] == 'x') continue;
    const uint32_t value = bits[i] == '1' ? bit : 0;
    if ((set.mask & bit) && (set.value & bit) != value) throw std::invalid_argument("bit both 0 and 1");
    set.mask |= bit;
    set.value |= value;
  }
}

constexpr void add_field(Row& row, std::string_view token, size_t colon, unsigned& position) {
  const std::string_view name = token.substr(0, colon), digits = token.substr(colon + 1);
  check_name(name);
  unsigned width = 0;
  for (char c : digits) {
    if (c < '0' || c > '9' || width > 32) throw std::invalid_argument("a field's width is a number");
    width = width * 10 + static_cast<unsigned>(c - '0');
  }
  if (width == 0) throw std::invalid_argument("a field has a width of at least one bit");
  if (width > position) throw std::invalid_argument("the row has more than 32 bits");
  if (row.find(name)) throw std::invalid_argument("the row has two fields of this name");
  if (row.field_count == Row::kMaxFields) throw std::invalid_argument("the row has too many fields");
  position -= width;
  row.fields[row.field_count++] = {name, static_cast<uint8_t>(position), static_cast<uint8_t>(width)};
}

constexpr void parse_pattern(Row& row, std::string_view pattern) {
  unsigned position = 32;
  for (std::string_view token = take_word(pattern); !token.empty(); token = take_word(pattern)) {
    if (const size_t colon = token.find(':'); colon != token.npos) {
      add_field(row, token, colon, position);
    } else {
      if (token.size() > position) throw std::invalid_argument("the row has more than 32 bits");
      position -= static_cast<unsigned>(token.size());
      add_bits(row.bits, token, position);
    }
  }
  if (position != 0) throw std::invalid_argument("the row has fewer than 32 bits");
}

constexpr void parse_reserved(Row& row, std::string_view reserved) {
  BitSet set = row.bits;
  bool any_term = false;
  const auto finish = [&] {
    if (!any_term) throw std::invalid_argument("an alternative of reserved words is empty");
    if (row.reserved_count == Row::kMaxReserved)
      throw std::invalid_argument("too many alternatives of reserved words");
    row.reserved[row.reserved_count++] = set;
    set = row.bits;
    any_term = false;
  };
  std::string_view token = take_word(reserved);
  if (token.empty()) return;
  for (; !token.empty(); token = take_word(reserved)) {
    if (token == "|") {
      finish();
      continue;
    }
    const size_t equals = token.find('=');
    if (equals == token.npos) throw std::invalid_argument("a reserved word's term is field=bits");
    const Field* field = row.find(token.substr(0, equals));
    if (!field) throw std::invalid_argument("reserved words name a field that the row lacks");
    const std::string_view bits = token.substr(equals + 1);
    if (bits.size() != field->width)
      throw std::invalid_argument("reserved bits are not as wide as their field");
    add_bits(set, bits, field->lsb);
    any_term = true;
  }
  finish();
}

// Whether every word of `region` is in one of the sets.
constexpr bool covered(BitSet region, const BitSet* sets, size_t count) {
  for (; count > 0; ++sets, --count) {
    if (!sets->meets(region)) continue;
    // Split off the part outside this set, a bit at a time, and leave it to the other sets.
    for (uint32_t left = sets->mask & ~region.mask; left != 0; left &= left - 1) {
      const uint32_t bit = left & (0 - left);
      BitSet outside = region;
      outside.mask |= bit;
      outside.value |= ~sets->value & bit;
      if (!covered(outside, sets + 1, count - 1)) return false;
      region.mask |= bit;
      region.value |= sets->value & bit;
    }
    return true;
  }
  return false;
}

}  // namespace detail

constexpr Row parse_row(std::string_view pattern, std::string_view reserved) {
  Row row;
  detail::parse_pattern(row, pattern);
  detail::parse_reserved(row, reserved);
  return row;
}

// Whether some word belongs to both rows.
constexpr bool rows_overlap(const Row& a, const Row& b) {
  if (!a.bits.meets(b.bits)) return false;
  std::array<BitSet, 2 * Row::kMaxReserved> reserved{};
  size_t count = 0;
  for (size_t i = 0; i < a.reserved_count; ++i) reserved[count++] = a.reserved[i];
  for (size_t i = 0; i < b.reserved_count; ++i) reserved[count++] = b.reserved[i];
  return !detail::covered({a.bits.mask | b.bits.mask, a.bits.value | b.bits.value}, reserved.data(), count);
}

}  // namespace mynah::arm::a64
