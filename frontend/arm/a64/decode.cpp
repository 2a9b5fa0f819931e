// SPDX-License-Identifier: Apache-2.0
//
// The A64 decoder's lookup. The eleven high bits select a node; a node looks at up to eight more bits, chosen
// where they separate its rows best; what remains is a short list of candidate rows, in order of precedence.
#include "frontend/arm/a64/decode.h"

#include <cassert>
#include <map>
#include <utility>
#include <vector>

#include "frontend/arm/a64/rows.h"

namespace mynah::arm::a64 {
namespace {

template <size_t... index>
constexpr std::array<Row, kEncodingCount> collect_rows(std::index_sequence<index...>) {
  return {kRow<index>...};
}
constexpr std::array<Row, kEncodingCount> kRows = collect_rows(std::make_index_sequence<kEncodingCount>());

constexpr std::array<bool, kEncodingCount> kGeneral = {{
    false,
#define GENERAL(...) true,
#define ROW(...) false,
#include "frontend/arm/a64/tables.inc"
}};

// The first row after `row` that wrongly shares a word with it, or 0.
constexpr size_t overlapping_row(size_t row) {
  for (size_t other = row + 1; other < kEncodingCount; ++other) {
    if (!kRows[row].bits.meets(kRows[other].bits)) continue;
    if (kGeneral[row] && !kGeneral[other] && kRows[other].bits.inside(kRows[row].bits)) continue;
    if (kGeneral[other] && !kGeneral[row] && kRows[row].bits.inside(kRows[other].bits)) continue;
    if (rows_overlap(kRows[row], kRows[other])) return other;
  }
  return 0;
}

// Checked in parts, since compilers bound the length of one constant evaluation. The error names the rows.
struct Overlap {
  Encoding row, other;
};
template <size_t part>
constexpr Overlap find_overlap() {
  constexpr size_t kPart = 32;
  for (size_t row = 1 + part * kPart; row < kEncodingCount && row < 1 + (part + 1) * kPart; ++row) {
    if (const size_t other = overlapping_row(row)) return {Encoding(row), Encoding(other)};
  }
  return {};
}
template <Encoding row, Encoding other>
struct Disjoint {
  static_assert(row == other, "two decode rows share a word: reserve it in one of them, or make one GENERAL");
  static constexpr bool value = true;
};
template <size_t part, Overlap found = find_overlap<part>()>
constexpr bool is_disjoint() {
  return Disjoint<found.row, found.other>::value;
}
template <size_t... part>
constexpr bool all_disjoint(std::index_sequence<part...>) {
  return (is_disjoint<part>() && ...);
}
static_assert(all_disjoint(std::make_index_sequence<kEncodingCount / 32 + 1>()));

constexpr unsigned kHighBits = 11, kHighShift = 32 - kHighBits;

struct Candidate {
  BitSet bits;
  uint16_t encoding;
  uint16_t reserved_begin, reserved_end;  // in Lookup::reserved
};

struct Node {
  uint16_t slots = 0;  // first of its slots, one a value of the window
  uint8_t window_shift = 0;
  uint8_t window_mask = 0;
};

class Lookup {
 public:
  Lookup();

  Encoding find(uint32_t word) const {
    const Node& node = nodes_[word >> kHighShift];
    const Candidate* candidate =
        &candidates_[slots_[node.slots + (word >> node.window_shift & node.window_mask)]];
    for (;; ++candidate) {  // the last one of each list is unallocated and matches every word
      if (candidate->bits.contains(word) && !is_reserved(*candidate, word))
        return Encoding{candidate->encoding};
    }
  }

 private:
  bool is_reserved(const Candidate& candidate, uint32_t word) const {
    for (unsigned i = candidate.reserved_begin; i != candidate.reserved_end; ++i) {
      if (reserved_[i].contains(word)) return true;
    }
    return false;
  }

  Node make_node(const std::vector<uint16_t>& rows);
  void add_list(const std::vector<uint16_t>& rows, BitSet slot);

  std::array<Node, 1 << kHighBits> nodes_;
  std::vector<uint16_t> slots_;  // index of the first candidate
  std::vector<Candidate> candidates_;
  std::vector<BitSet> reserved_;
  std::array<uint16_t, kEncodingCount + 1> reserved_begin_{};
};

Lookup::Lookup() {
  for (size_t row = 1; row < kEncodingCount; ++row) {
    reserved_begin_[row] = static_cast<uint16_t>(reserved_.size());
    reserved_.insert(reserved_.end(), kRows[row].reserved.begin(),
                     kRows[row].reserved.begin() + kRows[row].reserved_count);
  }
  reserved_begin_[kEncodingCount] = static_cast<uint16_t>(reserved_.size());

  std::array<std::vector<uint16_t>, 1 << kHighBits> rows_of;
  for (const bool general : {false, true}) {  // general rows yield: they come last in every list
    for (size_t row = 1; row < kEncodingCount; ++row) {
      if (kGeneral[row] != general) continue;
      const uint32_t value = kRows[row].bits.value >> kHighShift;
      const uint32_t open = ~kRows[row].bits.mask >> kHighShift;
      uint32_t subset = 0;
      do {  // every value of the open bits
        rows_of[value | subset].push_back(static_cast<uint16_t>(row));
        subset = (subset - open) & open;
      } while (subset != 0);
    }
  }
  std::map<std::vector<uint16_t>, Node> node_of;  // most nodes hold the same rows as others
  for (size_t high = 0; high < rows_of.size(); ++high) {
    const auto [entry, is_new] = node_of.try_emplace(rows_of[high]);
    if (is_new) entry->second = make_node(rows_of[high]);
    nodes_[high] = entry->second;
  }
}

// Mean length of the candidate lists when a node looks at `width` bits from `shift`, in 1/256.
size_t mean_candidates(const std::vector<uint16_t>& rows, unsigned shift, unsigned width) {
  size_t sum = 0;
  for (uint16_t row : rows) {
    const uint32_t fixed = kRows[row].bits.mask >> shift & ((1u << width) - 1);
    sum += size_t{256} >> __builtin_popcount(fixed);
  }
  return sum;
}

Node Lookup::make_node(const std::vector<uint16_t>& rows) {
  constexpr unsigned kMaxWidth = 8;
  unsigned best_shift = 0, best_width = 0;
  size_t best = mean_candidates(rows, 0, 0);
  // A wider window must pay for its slots by at least a sixteenth of a candidate.
  for (unsigned width = 1; width <= kMaxWidth; ++width) {
    for (unsigned shift = 0; shift + width <= kHighShift; ++shift) {
      const size_t mean = mean_candidates(rows, shift, width);
      if (mean + 16 <= best) best = mean, best_shift = shift, best_width = width;
    }
  }
  Node node;
  node.slots = static_cast<uint16_t>(slots_.size());
  node.window_shift = static_cast<uint8_t>(best_shift);
  node.window_mask = static_cast<uint8_t>((1u << best_width) - 1);
  for (uint32_t value = 0; value <= node.window_mask; ++value) {
    slots_.push_back(static_cast<uint16_t>(candidates_.size()));
    add_list(rows, {uint32_t{node.window_mask} << best_shift, value << best_shift});
  }
  assert(slots_.size() <= UINT16_MAX && candidates_.size() <= UINT16_MAX);
  return node;
}

void Lookup::add_list(const std::vector<uint16_t>& rows, BitSet slot) {
  for (uint16_t row : rows) {
    if (!kRows[row].bits.meets(slot)) continue;
    candidates_.push_back({kRows[row].bits, row, reserved_begin_[row], reserved_begin_[row + 1]});
  }
  candidates_.push_back({{}, 0, 0, 0});
}

const Lookup kLookup;

}  // namespace

Decoded decode(uint32_t word) { return {kLookup.find(word), word}; }

const Row& row_of(Encoding encoding) { return kRows[static_cast<size_t>(encoding)]; }

std::string_view encoding_name(Encoding encoding) { return kRowTexts[static_cast<size_t>(encoding)].name; }

}  // namespace mynah::arm::a64
