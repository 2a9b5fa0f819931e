// SPDX-License-Identifier: Apache-2.0
//
// The table of features and their ID register fields. Fields that no row mentions stay zero, which says "not
// implemented" for every one of them: AArch32 at any level, EL2, EL3, SVE, SME, MTE, RAS, big-endian data
// among them.
#include "frontend/arm/id_registers.h"

#include <algorithm>
#include <iterator>

namespace mynah::arm {
namespace {

using enum Feature;

constexpr FeatureRow kRows[] = {
    {kFp16, "FEAT_FP16", kIdPfr0, 16, 1, kBase},  // PFR0.AdvSIMD follows, below
    {kGicCpuInterface, "GICv3 system registers", kIdPfr0, 24, 1, kBase},
    {kRas, "FEAT_RAS", kIdPfr0, 28, 1, kBase},
    {kDit, "FEAT_DIT", kIdPfr0, 48, 1, kBase},
    {kCsv2, "FEAT_CSV2", kIdPfr0, 56, 1, kBase},
    {kCsv2Context, "FEAT_CSV2_2", kIdPfr0, 56, 2, kCsv2},
    {kCsv3, "FEAT_CSV3", kIdPfr0, 60, 1, kBase},
    {kBti, "FEAT_BTI", kIdPfr1, 0, 1, kBase},
    {kSsbs, "FEAT_SSBS", kIdPfr1, 4, 1, kBase},
    {kSsbs2, "FEAT_SSBS2", kIdPfr1, 4, 2, kSsbs},
    {kPmu, "FEAT_PMUv3", kIdDfr0, 8, 1, kBase},
    {kAes, "FEAT_AES", kIdIsar0, 4, 1, kBase},
    {kPmull, "FEAT_PMULL", kIdIsar0, 4, 2, kAes},
    {kSha1, "FEAT_SHA1", kIdIsar0, 8, 1, kBase},
    {kSha256, "FEAT_SHA256", kIdIsar0, 12, 1, kBase},
    {kSha512, "FEAT_SHA512", kIdIsar0, 12, 2, kSha256},
    {kCrc32, "FEAT_CRC32", kIdIsar0, 16, 1, kBase},
    {kLse, "FEAT_LSE", kIdIsar0, 20, 2, kBase},
    {kRdm, "FEAT_RDM", kIdIsar0, 28, 1, kBase},
    {kSha3, "FEAT_SHA3", kIdIsar0, 32, 1, kBase},
    {kDotProd, "FEAT_DotProd", kIdIsar0, 44, 1, kBase},
    {kFlagM, "FEAT_FlagM", kIdIsar0, 52, 1, kBase},
    {kFlagM2, "FEAT_FlagM2", kIdIsar0, 52, 2, kFlagM},
    {kTlbiOs, "FEAT_TLBIOS", kIdIsar0, 56, 1, kBase},
    {kTlbiRange, "FEAT_TLBIRANGE", kIdIsar0, 56, 2, kTlbiOs},
    {kRng, "FEAT_RNG", kIdIsar0, 60, 1, kBase},
    {kDpb, "FEAT_DPB", kIdIsar1, 0, 1, kBase},
    {kDpb2, "FEAT_DPB2", kIdIsar1, 0, 2, kDpb},
    {kPauth, "FEAT_PAuth", kIdIsar1, 8, 1, kBase},  // API; GPI follows, below
    {kJscvt, "FEAT_JSCVT", kIdIsar1, 12, 1, kBase},
    {kFcma, "FEAT_FCMA", kIdIsar1, 16, 1, kBase},
    {kRcpc, "FEAT_LRCPC", kIdIsar1, 20, 1, kBase},
    {kRcpc2, "FEAT_LRCPC2", kIdIsar1, 20, 2, kRcpc},
    {kFrintts, "FEAT_FRINTTS", kIdIsar1, 32, 1, kBase},
    {kSb, "FEAT_SB", kIdIsar1, 36, 1, kBase},
    {kGranule16k, "16 KiB granule", kIdMmfr0, 20, 1, kBase},
    {kHaf, "FEAT_HAFDBS access flag", kIdMmfr1, 0, 1, kBase},
    {kHafdbs, "FEAT_HAFDBS", kIdMmfr1, 0, 2, kHaf},
    {kHpds, "FEAT_HPDS", kIdMmfr1, 12, 1, kBase},
    {kLor, "FEAT_LOR", kIdMmfr1, 16, 1, kBase},
    {kPan, "FEAT_PAN", kIdMmfr1, 20, 1, kBase},
    {kPan2, "FEAT_PAN2", kIdMmfr1, 20, 2, kPan},
    {kUao, "FEAT_UAO", kIdMmfr2, 4, 1, kBase},
    {kE0pd, "FEAT_E0PD", kIdMmfr2, 60, 1, kBase},
};
static_assert(std::size(kRows) == static_cast<size_t>(kCount) - 1, "each feature has one row");

void raise_field(uint64_t& id, unsigned shift, uint64_t value) {
  if ((id >> shift & 15) < value) id = (id & ~(uint64_t{15} << shift)) | value << shift;
}

uint64_t pa_range(unsigned bits) {
  constexpr uint8_t kSizes[] = {32, 36, 40, 42, 44, 48};
  return static_cast<uint64_t>(std::find(std::begin(kSizes), std::end(kSizes) - 1, bits) -
                               std::begin(kSizes));
}

}  // namespace

std::span<const FeatureRow> feature_rows() { return kRows; }

std::string_view feature_name(Feature feature) {
  for (const FeatureRow& row : kRows) {
    if (row.feature == feature) return row.name;
  }
  return "Armv8.0";
}

void compute_id_registers(CpuModel& model) {
  model.id.fill(0);
  model.id[kIdPfr0] = 0x11;  // EL0 and EL1, AArch64 only
  model.id[kIdDfr0] = uint64_t{6} | uint64_t(model.breakpoints - 1) << 12 |
                      uint64_t(model.watchpoints - 1) << 20 | uint64_t(model.context_breakpoints - 1) << 28;
  model.id[kIdMmfr0] = pa_range(model.pa_bits) | uint64_t{2} << 4 | model.mmfr0_base;
  for (const FeatureRow& row : kRows) {
    if (row.value != 0 && model.has(row.feature)) raise_field(model.id[row.id], row.shift, row.value);
  }
  if (model.has(kFp16)) raise_field(model.id[kIdPfr0], 20, 1);
  if (model.has(kPauth)) raise_field(model.id[kIdIsar1], 28, 1);
}

}  // namespace mynah::arm
