// SPDX-License-Identifier: Apache-2.0
//
// The evaluator's comparison of strings in vectors, ir/strings.h.
#include "ir/strings.h"

#include "ir/eval_lanes.h"

namespace mynah::ir {

namespace {

// One string: its lanes, as the format reads them, and how many of them it has.
struct Text {
  unsigned lanes;
  unsigned length;
  int32_t lane[16];
  bool valid(unsigned i) const { return i < length; }
};

template <typename T>
void read_lanes(Text& text, const V128& v) {
  const Lanes<T> x(v);
  for (unsigned i = 0; i < x.kCount; ++i) text.lane[i] = x[i];
}

Text text_of(const V128& v, uint64_t imm) {
  Text t{};
  t.lanes = imm & kWords ? 8 : 16;
  switch (imm & (kWords | kSigned)) {
    case 0:
      read_lanes<uint8_t>(t, v);
      break;
    case kWords:
      read_lanes<uint16_t>(t, v);
      break;
    case kSigned:
      read_lanes<int8_t>(t, v);
      break;
    default:
      read_lanes<int16_t>(t, v);
  }
  while (t.length < t.lanes && t.lane[t.length] != 0) ++t.length;
  return t;
}

unsigned length_of(uint64_t word, unsigned lanes) {
  const int64_t n = sign_extend(word, 32);
  const int64_t magnitude = n < 0 ? -n : n;
  return magnitude < lanes ? static_cast<unsigned>(magnitude) : lanes;
}

bool equal_any(const Text& a, int32_t c) {
  for (unsigned i = 0; i < a.length; ++i)
    if (a.lane[i] == c) return true;
  return false;
}

bool in_ranges(const Text& a, int32_t c) {
  for (unsigned i = 0; i + 1 < a.length; i += 2)
    if (a.lane[i] <= c && c <= a.lane[i + 1]) return true;
  return false;
}

// Whether a stands in b from j on, as far as the vector goes.
bool stands_at(const Text& a, const Text& b, unsigned j) {
  for (unsigned i = 0; i < a.length && j + i < b.lanes; ++i)
    if (!b.valid(j + i) || a.lane[i] != b.lane[j + i]) return false;
  return true;
}

uint32_t compare(const Text& a, const Text& b, uint64_t imm) {
  uint32_t outcome = 0;
  for (unsigned j = 0; j < b.lanes; ++j) {
    bool holds = false;
    switch (string_aggregation(imm)) {
      case StringAggregation::kEqualAny:
        holds = b.valid(j) && equal_any(a, b.lane[j]);
        break;
      case StringAggregation::kRanges:
        holds = b.valid(j) && in_ranges(a, b.lane[j]);
        break;
      case StringAggregation::kEqualEach:
        holds = a.valid(j) == b.valid(j) && (!a.valid(j) || a.lane[j] == b.lane[j]);
        break;
      case StringAggregation::kEqualOrdered:
        holds = stands_at(a, b, j);
        break;
    }
    if ((imm & kStringNegative) && (!(imm & kStringMasked) || b.valid(j))) holds = !holds;
    outcome |= static_cast<uint32_t>(holds) << j;
  }
  return outcome;
}

V128 mask_of(uint32_t outcome, uint64_t imm) {
  if (!(imm & kStringHigh)) return {outcome, 0};
  const unsigned size = imm & kWords ? 2 : 1;
  Lanes<uint8_t> r;
  for (unsigned i = 0; i < 16; ++i) r[i] = outcome >> (i / size) & 1 ? 0xff : 0;
  return r.pack();
}

uint32_t index_of(uint32_t outcome, unsigned lanes, uint64_t imm) {
  if (outcome == 0) return lanes;
  return static_cast<uint32_t>(imm & kStringHigh ? std::bit_width(outcome) - 1 : std::countr_zero(outcome));
}

}  // namespace

V128 evaluate_strings(const OpInput& in) {
  Text a = text_of(in.args[0], in.imm), b = text_of(in.args[1], in.imm);
  if (in.op == Op::vstrl_index || in.op == Op::vstrl_mask || in.op == Op::vstrl_flags) {
    a.length = length_of(in.args[2].lo, a.lanes);
    b.length = length_of(in.args[2].lo >> 32, b.lanes);
  }
  const uint32_t outcome = compare(a, b, in.imm);
  switch (in.op) {
    case Op::vstr_index:
    case Op::vstrl_index:
      return {index_of(outcome, a.lanes, in.imm), 0};
    case Op::vstr_mask:
    case Op::vstrl_mask:
      return mask_of(outcome, in.imm);
    default:
      return {pack_flags(a.length < a.lanes, b.length < b.lanes, outcome != 0, outcome & 1), 0};
  }
}

}  // namespace mynah::ir
