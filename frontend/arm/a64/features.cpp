// SPDX-License-Identifier: Apache-2.0
//
// Which feature an encoding belongs to: that of its row, and, where only some words of the row need it
// (half precision chosen by a field), a second one with those words. An instruction that the model lacks is
// undefined (Arm ARM, A2.2 and the instruction pages), whatever could be done with it here.
#include "frontend/arm/a64/features.h"

#include <array>

#include "frontend/arm/a64/decode_row.h"

namespace mynah::arm::a64 {
namespace {

// The last member of a decode row: a feature that every word of the row needs, and one that some words do.
struct FeatureRule {
  Feature always = Feature::kBase;
  Feature sometimes = Feature::kBase;
  BitSet when{};
};

constexpr FeatureRule none{};
constexpr FeatureRule aes{Feature::kAes};
constexpr FeatureRule crc32{Feature::kCrc32};
constexpr FeatureRule dit{Feature::kDit};
constexpr FeatureRule dotprod{Feature::kDotProd};
constexpr FeatureRule flagm{Feature::kFlagM};
constexpr FeatureRule flagm2{Feature::kFlagM2};
constexpr FeatureRule fp16{Feature::kFp16};
constexpr FeatureRule frintts{Feature::kFrintts};
constexpr FeatureRule jscvt{Feature::kJscvt};
constexpr FeatureRule lor{Feature::kLor};
constexpr FeatureRule lse{Feature::kLse};
constexpr FeatureRule pan{Feature::kPan};
constexpr FeatureRule pauth{Feature::kPauth};
constexpr FeatureRule pmull{Feature::kPmull};
constexpr FeatureRule rcpc{Feature::kRcpc};
constexpr FeatureRule rcpc2{Feature::kRcpc2};
constexpr FeatureRule rdm{Feature::kRdm};
constexpr FeatureRule sb{Feature::kSb};
constexpr FeatureRule sha1{Feature::kSha1};
constexpr FeatureRule sha256{Feature::kSha256};
constexpr FeatureRule sha3{Feature::kSha3};
constexpr FeatureRule sha512{Feature::kSha512};
constexpr FeatureRule ssbs{Feature::kSsbs2};  // the instruction came with FEAT_SSBS2, after the PSTATE bit
constexpr FeatureRule uao{Feature::kUao};

constexpr BitSet kPtypeHalf{0x00c00000, 0x00c00000};
constexpr BitSet kSizeHalf{0x00c00000, 0x00400000};
constexpr BitSet kImmhHalf{0x00700000, 0x00100000};  // immh=001x
constexpr FeatureRule fp16_when_half{Feature::kBase, Feature::kFp16, kPtypeHalf};
constexpr FeatureRule fp16_when_immh_half{Feature::kBase, Feature::kFp16, kImmhHalf};
constexpr FeatureRule fcma_or_half{Feature::kFcma, Feature::kFp16, kSizeHalf};

constexpr std::array<FeatureRule, kEncodingCount> kRules = {{
    none,
#define ROW(id, name, pattern, reserved, feature) feature,
#include "frontend/arm/a64/tables.inc"
}};

}  // namespace

std::optional<Feature> required_feature(Encoding encoding, uint32_t word) {
  const FeatureRule& rule = kRules[static_cast<size_t>(encoding)];
  if (rule.always != Feature::kBase) return rule.always;
  if (rule.sometimes != Feature::kBase && rule.when.contains(word)) return rule.sometimes;
  return std::nullopt;
}

std::optional<Feature> missing_feature(Encoding encoding, uint32_t word, const FeatureSet& set) {
  const FeatureRule& rule = kRules[static_cast<size_t>(encoding)];
  if (!set.has(rule.always)) return rule.always;
  if (!set.has(rule.sometimes) && rule.when.contains(word)) return rule.sometimes;
  return std::nullopt;
}

}  // namespace mynah::arm::a64
