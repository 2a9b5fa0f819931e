// SPDX-License-Identifier: Apache-2.0
//
// One row a processor; its numbers are from the chapter on AArch64 registers of its technical reference
// manual. Pointer authentication is with an algorithm of the implementation's own, not with QARMA5.
#include "frontend/arm/cpu_models_table.h"

#include "frontend/arm/id_registers.h"

namespace mynah::arm {
namespace {

using enum Feature;

constexpr FeatureSet kArmv80 = {kCrc32, kAes, kPmull, kSha1, kSha256, kPmu};
constexpr FeatureSet kArmv80With16k = {kCrc32, kAes, kPmull, kSha1, kSha256, kPmu, kGranule16k};

// Armv8.2 as Arm's cores have it, with dot products and RCPC of later versions.
#define ARMV82                                                                                         \
  kCrc32, kAes, kPmull, kSha1, kSha256, kPmu, kGranule16k, kLse, kRdm, kPan, kPan2, kLor, kHpds, kHaf, \
      kHafdbs, kUao, kDpb, kFp16, kRas, kDotProd, kRcpc, kSsbs
constexpr FeatureSet kCortexA55 = {ARMV82};
constexpr FeatureSet kCortexA76 = {ARMV82, kCsv2, kCsv3};
constexpr FeatureSet kNeoverseN1 = {ARMV82, kCsv2, kCsv3, kSsbs2};
constexpr FeatureSet kCortexA78ae = {ARMV82, kCsv2, kCsv3, kFlagM, kRcpc2, kPauth};
constexpr FeatureSet kNeoverseV1 = {ARMV82, kCsv2,  kCsv3, kSsbs2, kFlagM,  kRcpc2, kPauth,
                                    kDpb2,  kJscvt, kFcma, kDit,   kSha512, kSha3,  kRng};
#undef ARMV82

// L1 data, L1 instruction, L2: ways, sets and 64-byte lines.
constexpr uint32_t k32KOf4 = 0x700fe01a, k32KOf2 = 0x701fe00a, k64KOf4 = 0x701fe01a;
constexpr uint32_t kI32KOf2 = 0x201fe00a, kI32KOf4 = 0x200fe01a, kI48KOf3 = 0x201fe012, kI64KOf4 = 0x201fe01a;
constexpr uint32_t k512KOf16 = 0x703fe07a, k1MOf16 = 0x707fe07a, k2MOf16 = 0x70ffe07a, k512KOf8 = 0x707fe03a,
                   k1MOf8 = 0x70ffe03a;
constexpr uint64_t pmu_identity(uint64_t code) { return uint64_t{0x41} << 24 | code << 16; }

constexpr RealProcessor kProcessors[] = {
    {"cortex-a35",
     "arm,cortex-a35",
     0x411fd040,
     0,
     0x84448004,
     0x0a200023,
     {k32KOf4, kI32KOf2, k512KOf16},
     pmu_identity(0x0a),
     40,
     kArmv80With16k,
     {0x2222, 0, 0x10305106, 0x11120, 0, 0x101122, 0, 0}},
    {"cortex-a53",
     "arm,cortex-a53",
     0x410fd034,
     0x100,
     0x84448004,
     0x0a200023,
     {k32KOf4, kI32KOf2, k1MOf16},
     pmu_identity(3),
     40,
     kArmv80,
     {0x2222, 0, 0x10305106, 0x11120, 0, 0x1122, 0, 0}},
    {"cortex-a55",
     "arm,cortex-a55",
     0x412fd050,
     0,
     0x84448004,
     0x82000023,
     {k32KOf4, kI32KOf4, k512KOf16},
     pmu_identity(0x0b),
     40,
     kCortexA55,
     {0x10112222, 0x10, 0x10305408, 0x100010211120, 0x100001, 0x101122, 0x10212122, 0x1011}},
    {"cortex-a57",
     "arm,cortex-a57",
     0x411fd070,
     0,
     0x8444c004,
     0x0a200023,
     {k32KOf2, kI48KOf3, k2MOf16},
     pmu_identity(1),
     44,
     kArmv80,
     {0x2222, 0, 0x10305106, 0x11120, 0, 0x1124, 0, 0}},
    {"cortex-a72",
     "arm,cortex-a72",
     0x410fd083,
     0,
     0x8444c004,
     0x0a200023,
     {k32KOf2, kI48KOf3, k1MOf16},
     pmu_identity(2),
     44,
     kArmv80,
     {0x2222, 0, 0x10305106, 0x11120, 0, 0x1124, 0, 0}},
    {"cortex-a76",
     "arm,cortex-a76",
     0x414fd0b1,
     0,
     0x8444c004,
     0x82000023,
     {k64KOf4, kI64KOf4, k512KOf8},
     pmu_identity(0x0b),
     40,
     kCortexA76,
     {0x1100000010111112, 0x10, 0x10305408, 0x100010211120, 0x100001, 0x101122, 0x10212122, 0x1011}},
    {"cortex-a78ae",
     "arm,cortex-a78ae",
     0x410fd423,
     0,
     0x9444c004,
     0x82000023,
     {k64KOf4, kI64KOf4, k512KOf8},
     pmu_identity(0x22),
     48,
     kCortexA78ae,
     {0x1100000010111112, 0x10, 0x110305408, 0x10100010211120, 0x1200031, 0x101125, 0x10212122, 0x100001011}},
    {"neoverse-n1",
     "arm,neoverse-n1",
     0x414fd0c1,
     0,
     0x8444c004,
     0x82000023,
     {k64KOf4, kI64KOf4, k1MOf8},
     pmu_identity(0x0c),
     48,
     kNeoverseN1,
     {0x1100000010111112, 0x20, 0x110305408, 0x100010211120, 0x100001, 0x101125, 0x10212122, 0x1011}},
    {"neoverse-v1",
     "arm,neoverse-v1",
     0x411fd402,
     0,
     0xb444c004,
     0x82000023,
     {k64KOf4, kI64KOf4, k1MOf8},
     pmu_identity(0x21),
     48,
     kNeoverseV1,
     {0x1101110120111112, 0x20, 0xf210305519, 0x1011111110212120, 0x11100001211032, 0x101125, 0x10212122,
      0x220011102101011}},
};

// A field that says more of the real processor than here, and what that is.
struct LeftOut {
  IdRegister id;
  uint8_t shift;
  std::string_view what;
};
constexpr LeftOut kLeftOut[] = {
    {kIdPfr0, 0, "AArch32"},
    {kIdPfr0, 8, "EL2"},
    {kIdPfr0, 12, "EL3"},
    {kIdPfr0, 28, "RAS"},
    {kIdPfr0, 32, "SVE"},
    {kIdPfr0, 36, "Secure EL2"},
    {kIdPfr0, 40, "MPAM"},
    {kIdPfr0, 44, "AMU"},
    {kIdDfr0, 0, "debug of Armv8.2"},
    {kIdDfr0, 4, "trace"},
    {kIdDfr0, 8, "PMU of Armv8.1"},
    {kIdDfr0, 32, "SPE"},
    {kIdDfr0, 40, "trace filter"},
    {kIdIsar0, 36, "SM3"},
    {kIdIsar0, 40, "SM4"},
    {kIdIsar0, 48, "FHM"},
    {kIdIsar1, 4, "QARMA5"},
    {kIdIsar1, 44, "BF16"},
    {kIdIsar1, 48, "DGH"},
    {kIdIsar1, 52, "I8MM"},
    {kIdMmfr0, 8, "big-endian data"},
    {kIdMmfr1, 4, "16-bit VMIDs"},
    {kIdMmfr1, 8, "VHE"},
    {kIdMmfr1, 12, "HPDS2"},
    {kIdMmfr1, 28, "XNX"},
    {kIdMmfr2, 0, "CnP"},
    {kIdMmfr2, 12, "IESB"},
    {kIdMmfr2, 20, "CCIDX"},
    {kIdMmfr2, 24, "nested virtualization"},
    {kIdMmfr2, 32, "LSE2"},
    {kIdMmfr2, 36, "IDST"},
    {kIdMmfr2, 40, "FWB"},
    {kIdMmfr2, 52, "BBM"},
    {kIdMmfr2, 56, "EVT"},
};

uint64_t real_value(const RealIdentity& real, IdRegister id) {
  switch (id) {
    case kIdPfr0:
      return real.pfr0;
    case kIdPfr1:
      return real.pfr1;
    case kIdDfr0:
      return real.dfr0;
    case kIdIsar0:
      return real.isar0;
    case kIdIsar1:
      return real.isar1;
    case kIdMmfr0:
      return real.mmfr0;
    case kIdMmfr1:
      return real.mmfr1;
    case kIdMmfr2:
      return real.mmfr2;
    default:
      return 0;
  }
}

}  // namespace

std::span<const RealProcessor> real_processors() { return kProcessors; }

CpuModel make_real_model(const RealProcessor& real) {
  CpuModel model;
  model.name = real.name;
  model.compatible = real.compatible;
  model.features = real.features;
  model.midr = real.midr;
  model.revidr = real.revidr;
  model.ctr = real.ctr;
  model.clidr = real.clidr;
  model.ccsidr = real.ccsidr;
  model.pmcr_identity = real.pmcr_identity;
  model.pa_bits = real.pa_bits;
  model.mmfr0_base = 0x1000;  // SNSMem
  return model;
}

std::string left_out(const RealProcessor& real) {
  CpuModel model = make_real_model(real);
  compute_id_registers(model);
  std::string text;
  for (const LeftOut& row : kLeftOut) {
    if ((real_value(real.identity, row.id) >> row.shift & 15) <= (model.id[row.id] >> row.shift & 15))
      continue;
    if (!text.empty()) text += ", ";
    text += row.what;
  }
  return text;
}

}  // namespace mynah::arm
