// SPDX-License-Identifier: Apache-2.0
//
// Edit distance with swapped neighbours (optimal string alignment), over lengths that are bounded.
#include "app/text.h"

#include <algorithm>
#include <charconv>
#include <numeric>

namespace mynah::app {

size_t edit_distance(std::string_view a, std::string_view b) {
  const auto fold = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  // Three rows of the table: the one of i - 2 is for swapped neighbours.
  std::vector<size_t> before(b.size() + 1), above(b.size() + 1), row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 1; i <= a.size(); ++i) {
    before.swap(above);
    above.swap(row);
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const char x = fold(a[i - 1]), y = fold(b[j - 1]);
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, above[j - 1] + (x != y)});
      if (i > 1 && j > 1 && x == fold(b[j - 2]) && y == fold(a[i - 2]))
        row[j] = std::min(row[j], before[j - 2] + 1);
    }
  }
  return row[b.size()];
}

std::string nearest_name(std::string_view wanted, std::span<const std::string_view> known) {
  // No known word is long, and the search is quadratic.
  wanted = wanted.substr(0, 64);
  std::string_view best;
  size_t best_distance = ~size_t{0};
  for (std::string_view name : known) {
    const size_t distance = edit_distance(wanted, name);
    if (distance < best_distance && 3 * distance <= std::max(wanted.size(), name.size()))
      best = name, best_distance = distance;
  }
  return std::string(best);
}

std::string suggestion(std::string_view wanted, std::span<const std::string_view> known,
                       std::string_view prefix) {
  const std::string near = nearest_name(wanted, known);
  return near.empty() ? near : "; did you mean '" + std::string(prefix) + near + "'?";
}

std::optional<uint64_t> parse_size(std::string_view text, uint64_t unit) {
  static constexpr std::string_view kSuffixes = "BKMGTPE";
  if (text.empty()) return std::nullopt;
  const char last =
      static_cast<char>(text.back() >= 'a' && text.back() <= 'z' ? text.back() - 32 : text.back());
  if (const size_t suffix = kSuffixes.find(last); suffix != std::string_view::npos) {
    unit = uint64_t{1} << (10 * suffix);
    text.remove_suffix(1);
  }
  uint64_t whole = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), whole);
  if (error != std::errc()) return std::nullopt;
  const std::string_view rest(end, static_cast<size_t>(text.data() + text.size() - end));
  constexpr uint64_t kMax = uint64_t{1} << 63;
  if (whole >= kMax / unit) return std::nullopt;
  uint64_t size = whole * unit;
  if (rest.empty()) return size;
  if (rest[0] != '.' || rest.size() < 2 || rest.size() > 10) return std::nullopt;
  uint64_t scale = 1, fraction = 0;
  for (char c : rest.substr(1)) {
    if (c < '0' || c > '9') return std::nullopt;
    fraction = fraction * 10 + static_cast<uint64_t>(c - '0');
    scale *= 10;
  }
  size += static_cast<uint64_t>(static_cast<unsigned __int128>(fraction) * unit / scale);
  return size;
}

std::optional<uint64_t> parse_u64(std::string_view text) {
  int base = 10;
  if (text.starts_with("0x") || text.starts_with("0X")) {
    base = 16;
    text.remove_prefix(2);
  }
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::string joined(std::span<const std::string_view> names) {
  std::string all;
  for (std::string_view name : names) all.append(all.empty() ? "" : ", ").append(name);
  return all;
}

std::string size_text(uint64_t bytes) {
  static constexpr const char* kUnits[] = {"EiB", "PiB", "TiB", "GiB"};
  for (unsigned i = 0; i < 4; ++i) {
    const unsigned shift = 60 - 10 * i;
    if (bytes >> shift && bytes % (uint64_t{1} << shift) == 0)
      return std::to_string(bytes >> shift) + " " + kUnits[i];
  }
  return std::to_string((bytes + (1 << 20) - 1) >> 20) + " MiB";
}

}  // namespace mynah::app
