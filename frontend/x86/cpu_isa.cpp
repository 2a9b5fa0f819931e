// SPDX-License-Identifier: Apache-2.0
//
// Which feature each of the decoder's instruction sets belongs to. Sets that are nowhere in the table are not
// implemented.
#include <Zydis/SharedTypes.h>
#include <Zydis/Zydis.h>

#include "frontend/x86/cpu_models_table.h"

namespace mynah::x86 {

namespace {

using enum Feature;

// An instruction set's feature; kCount: every processor has it (486).
struct IsaFeature {
  ZydisISASet isa;
  Feature feature;
};
constexpr IsaFeature kIsaFeatures[] = {
    {ZYDIS_ISA_SET_I86, kCount},
    {ZYDIS_ISA_SET_I186, kCount},
    {ZYDIS_ISA_SET_I286REAL, kCount},
    {ZYDIS_ISA_SET_I286PROTECTED, kCount},
    {ZYDIS_ISA_SET_I386, kCount},
    {ZYDIS_ISA_SET_I486, kCount},
    {ZYDIS_ISA_SET_I486REAL, kCount},
    {ZYDIS_ISA_SET_PAUSE, kCount},         // REP NOP
    {ZYDIS_ISA_SET_FAT_NOP, kCount},       // the hint space is no older processor's trap
    {ZYDIS_ISA_SET_PREFETCH_NOP, kCount},  // the same
    {ZYDIS_ISA_SET_CET, kCount},           // the same: ENDBR; others are hints where CET is not
    {ZYDIS_ISA_SET_X87, kFpu},
    {ZYDIS_ISA_SET_PENTIUMREAL, kTsc},
    {ZYDIS_ISA_SET_PENTIUMMMX, kMmx},
    {ZYDIS_ISA_SET_PPRO, kCmov},
    {ZYDIS_ISA_SET_CMOV, kCmov},
    {ZYDIS_ISA_SET_FCMOV, kCmov},
    {ZYDIS_ISA_SET_RDPMC, kMmx},
    {ZYDIS_ISA_SET_FXSAVE, kFxsr},
    {ZYDIS_ISA_SET_FXSAVE64, kFxsr},
    {ZYDIS_ISA_SET_SSE, kSse},
    {ZYDIS_ISA_SET_SSEMXCSR, kSse},
    {ZYDIS_ISA_SET_SSE_PREFETCH, kCount},
    {ZYDIS_ISA_SET_SSE2, kSse2},
    {ZYDIS_ISA_SET_SSE2MMX, kSse2},
    {ZYDIS_ISA_SET_SSE3, kSse3},
    {ZYDIS_ISA_SET_SSE3X87, kSse3},
    {ZYDIS_ISA_SET_SSSE3, kSsse3},
    {ZYDIS_ISA_SET_SSSE3MMX, kSsse3},
    {ZYDIS_ISA_SET_SSE4, kSse41},
    {ZYDIS_ISA_SET_SSE42, kSse42},
    {ZYDIS_ISA_SET_MONITOR, kMonitor},
    {ZYDIS_ISA_SET_CMPXCHG16B, kCx16},
    {ZYDIS_ISA_SET_LONGMODE, kLm},
    {ZYDIS_ISA_SET_LAHF, kCount},  // in 64-bit code kLahfLm, which the lift function asks
    {ZYDIS_ISA_SET_RDTSCP, kRdtscp},
    {ZYDIS_ISA_SET_POPCNT, kPopcnt},
    {ZYDIS_ISA_SET_LZCNT, kAbm},
    {ZYDIS_ISA_SET_CLFSH, kClflush},
    {ZYDIS_ISA_SET_AES, kAes},
    {ZYDIS_ISA_SET_PCLMULQDQ, kPclmulqdq},
    {ZYDIS_ISA_SET_XSAVE, kXsave},
    {ZYDIS_ISA_SET_XSAVEOPT, kXsaveopt},
    {ZYDIS_ISA_SET_XSAVEC, kXsavec},
    {ZYDIS_ISA_SET_XSAVES, kXsaves},
    {ZYDIS_ISA_SET_AVX, kAvx},
    {ZYDIS_ISA_SET_AVXAES, kAvx},  // and kAes
    {ZYDIS_ISA_SET_AVX2, kAvx2},
    {ZYDIS_ISA_SET_AVX2GATHER, kAvx2},
    {ZYDIS_ISA_SET_F16C, kF16c},
    {ZYDIS_ISA_SET_FMA, kFma},
    {ZYDIS_ISA_SET_BMI1, kBmi1},
    {ZYDIS_ISA_SET_BMI2, kBmi2},
    {ZYDIS_ISA_SET_MOVBE, kMovbe},
    {ZYDIS_ISA_SET_ADOX_ADCX, kAdx},
    {ZYDIS_ISA_SET_RDRAND, kRdrand},
    {ZYDIS_ISA_SET_RDSEED, kRdseed},
    {ZYDIS_ISA_SET_RDWRFSGS, kFsgsbase},
    {ZYDIS_ISA_SET_INVPCID, kInvpcid},
    {ZYDIS_ISA_SET_SMAP, kSmap},
    {ZYDIS_ISA_SET_CLFLUSHOPT, kClflushopt},
    {ZYDIS_ISA_SET_CLWB, kClwb},
    {ZYDIS_ISA_SET_SHA, kSha},
    {ZYDIS_ISA_SET_GFNI, kGfni},
    {ZYDIS_ISA_SET_AVX_GFNI, kGfni},
    {ZYDIS_ISA_SET_VAES, kVaes},
    {ZYDIS_ISA_SET_VPCLMULQDQ, kVpclmulqdq},
    {ZYDIS_ISA_SET_PKU, kPku},
    {ZYDIS_ISA_SET_RDPID, kRdpid},
    {ZYDIS_ISA_SET_SERIALIZE, kSerialize},
};

}  // namespace

std::bitset<512> isa_of(const CpuModel& model) {
  std::bitset<512> isa;
  for (const IsaFeature& i : kIsaFeatures)
    if (i.feature == kCount || model.has(i.feature)) isa.set(i.isa);
  if (!model.has(kAes)) isa.reset(ZYDIS_ISA_SET_AVXAES);
  return isa;
}

std::string_view feature_of_isa(unsigned isa_set) {
  for (const IsaFeature& i : kIsaFeatures)
    if (i.isa == isa_set) return i.feature == kCount ? std::string_view{} : info(i.feature).name;
  const char* name = ZydisISASetGetString(static_cast<ZydisISASet>(isa_set));
  return name ? std::string_view(name) : std::string_view{};
}

}  // namespace mynah::x86
