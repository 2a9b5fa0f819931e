// SPDX-License-Identifier: Apache-2.0
//
// Which instructions are tested: the ISA sets (Zydis' names) that some -cpu offers, with the CPUID bit that
// the host needs for them, and those instructions that a process cannot compare with its own processor.
#include <cpuid.h>
#include <sys/auxv.h>

#include <algorithm>
#include <iterator>

#include "tests/x86_oracle/forms.h"

namespace mynah::x86_oracle {

namespace {

enum Register : uint8_t { kEax, kEbx, kEcx, kEdx };
struct Feature {
  ZydisISASet set;
  Group group;
  const char* name;  // of the CPUID feature; null: every processor with long mode has it
  uint32_t leaf = 0, subleaf = 0;
  Register reg = kEax;
  uint8_t bit = 0;
};
#define SET(name) ZYDIS_ISA_SET_##name
constexpr Feature kFeatures[] = {
    {SET(I86), Group::kGeneral, nullptr},
    {SET(I186), Group::kGeneral, nullptr},
    {SET(I286REAL), Group::kGeneral, nullptr},
    {SET(I286PROTECTED), Group::kGeneral, nullptr},
    {SET(I386), Group::kGeneral, nullptr},
    {SET(I486), Group::kGeneral, nullptr},
    {SET(I486REAL), Group::kGeneral, nullptr},
    {SET(PENTIUMREAL), Group::kGeneral, nullptr},
    {SET(PPRO), Group::kGeneral, nullptr},
    {SET(CMOV), Group::kGeneral, nullptr},
    {SET(FAT_NOP), Group::kGeneral, nullptr},
    {SET(PREFETCH_NOP), Group::kGeneral, nullptr},
    {SET(PAUSE), Group::kGeneral, nullptr},
    {SET(LONGMODE), Group::kGeneral, nullptr},
    {SET(CET), Group::kSystem, nullptr},  // ENDBR32, ENDBR64, RDSSP: no-operations without shadow stacks
    {SET(LAHF), Group::kGeneral, "lahf_lm", 0x80000001, 0, kEcx, 0},
    {SET(CMPXCHG16B), Group::kGeneral, "cx16", 1, 0, kEcx, 13},
    {SET(MOVBE), Group::kGeneral, "movbe", 1, 0, kEcx, 22},
    {SET(POPCNT), Group::kBmi, "popcnt", 1, 0, kEcx, 23},
    {SET(LZCNT), Group::kBmi, "abm", 0x80000001, 0, kEcx, 5},
    {SET(BMI1), Group::kBmi, "bmi1", 7, 0, kEbx, 3},
    {SET(BMI2), Group::kBmi, "bmi2", 7, 0, kEbx, 8},
    {SET(ADOX_ADCX), Group::kBmi, "adx", 7, 0, kEbx, 19},
    {SET(RDWRFSGS), Group::kSystem, "fsgsbase", 7, 0, kEbx, 0},
    {SET(CLFSH), Group::kSystem, "clflush", 1, 0, kEdx, 19},
    {SET(CLFLUSHOPT), Group::kSystem, "clflushopt", 7, 0, kEbx, 23},
    {SET(CLWB), Group::kSystem, "clwb", 7, 0, kEbx, 24},
    {SET(SERIALIZE), Group::kSystem, "serialize", 7, 0, kEdx, 14},
    {SET(SSE_PREFETCH), Group::kSse, nullptr},
    {SET(PREFETCHWT1), Group::kSystem, nullptr},  // without the feature a no-operation
    {SET(RDRAND), Group::kSystem, "rdrand", 1, 0, kEcx, 30},
    {SET(RDSEED), Group::kSystem, "rdseed", 7, 0, kEbx, 18},
    {SET(RDTSCP), Group::kSystem, "rdtscp", 0x80000001, 0, kEdx, 27},
    {SET(RDPID), Group::kSystem, "rdpid", 7, 0, kEcx, 22},
    {SET(RDPMC), Group::kSystem, nullptr},
    {SET(INVPCID), Group::kSystem, "invpcid", 7, 0, kEbx, 10},
    {SET(SMAP), Group::kSystem, "smap", 7, 0, kEbx, 20},
    {SET(PKU), Group::kSystem, "ospke", 7, 0, kEcx, 4},
    {SET(MONITOR), Group::kSystem, "monitor", 1, 0, kEcx, 3},
    {SET(X87), Group::kX87, nullptr},
    {SET(FCMOV), Group::kX87, nullptr},
    {SET(SSE3X87), Group::kX87, nullptr},
    {SET(PENTIUMMMX), Group::kMmx, nullptr},
    {SET(SSE2MMX), Group::kMmx, nullptr},
    {SET(SSSE3MMX), Group::kMmx, "ssse3", 1, 0, kEcx, 9},
    {SET(FXSAVE), Group::kX87, nullptr},
    {SET(FXSAVE64), Group::kX87, nullptr},
    {SET(SSE), Group::kSse, nullptr},
    {SET(SSEMXCSR), Group::kSse, nullptr},
    {SET(SSE2), Group::kSse2, nullptr},
    {SET(SSE3), Group::kSse3, "sse3", 1, 0, kEcx, 0},
    {SET(SSSE3), Group::kSse3, "ssse3", 1, 0, kEcx, 9},
    {SET(SSE4), Group::kSse4, "sse4_1", 1, 0, kEcx, 19},
    {SET(SSE42), Group::kSse4, "sse4_2", 1, 0, kEcx, 20},
    {SET(AES), Group::kCrypto, "aes", 1, 0, kEcx, 25},
    {SET(PCLMULQDQ), Group::kCrypto, "pclmulqdq", 1, 0, kEcx, 1},
    {SET(SHA), Group::kCrypto, "sha_ni", 7, 0, kEbx, 29},
    {SET(GFNI), Group::kCrypto, "gfni", 7, 0, kEcx, 8},
    {SET(AVX_GFNI), Group::kCrypto, "gfni", 7, 0, kEcx, 8},
    {SET(AVXAES), Group::kCrypto, "aes", 1, 0, kEcx, 25},
    {SET(VAES), Group::kCrypto, "vaes", 7, 0, kEcx, 9},
    {SET(VPCLMULQDQ), Group::kCrypto, "vpclmulqdq", 7, 0, kEcx, 10},
    {SET(AVX), Group::kAvx, "avx", 1, 0, kEcx, 28},
    {SET(F16C), Group::kAvx, "f16c", 1, 0, kEcx, 29},
    {SET(AVX2), Group::kAvx2, "avx2", 7, 0, kEbx, 5},
    {SET(AVX2GATHER), Group::kAvx2, "avx2", 7, 0, kEbx, 5},
    {SET(FMA), Group::kFma, "fma", 1, 0, kEcx, 12},
    {SET(XSAVE), Group::kSystem, "xsave", 1, 0, kEcx, 26},
    {SET(XSAVEOPT), Group::kSystem, "xsaveopt", 0xd, 1, kEax, 0},
    {SET(XSAVEC), Group::kSystem, "xsavec", 0xd, 1, kEax, 1},
    {SET(XSAVES), Group::kSystem, "xsaves", 0xd, 1, kEax, 3},
};
#undef SET

const Feature* find(ZydisISASet set) {
  const auto* at =
      std::find_if(std::begin(kFeatures), std::end(kFeatures), [&](auto& f) { return f.set == set; });
  return at == std::end(kFeatures) ? nullptr : at;
}

struct Excluded {
  std::string_view why;
  std::vector<std::string_view> mnemonics;
};
// Instructions that a process can execute but not compare.
const Excluded kExcluded[] = {
    {"calls the kernel",
     {"syscall", "sysenter", "sysret", "sysexit", "int", "int1", "iret", "iretd", "iretq"}},
    {"its result is the host's own",
     {"cpuid", "rdtsc", "rdtscp", "rdrand", "rdseed", "xgetbv", "rdpid", "rdpmc", "rdpkru", "wrpkru"}},
    {"depends on the kernel's descriptors",
     {"lar", "lsl", "verr", "verw", "str", "sldt", "sgdt", "sidt", "smsw", "lds", "les", "lfs", "lgs",
      "lss"}},
    {"depends on I/O privilege", {"in", "out", "insb", "insw", "insd", "outsb", "outsw", "outsd"}},
    {"leaves a host process in another state than it was in", {"xbegin", "xabort", "xend", "xtest"}},
    {"its compact form is the processor's choice", {"xsaveopt", "xsavec", "xsaveopt64", "xsavec64"}},
};

}  // namespace

std::string_view group_name(Group group) {
  constexpr std::string_view kNames[] = {"general", "string", "control", "x87",    "mmx",
                                         "sse",     "sse2",   "sse3",    "sse4",   "avx",
                                         "avx2",    "fma",    "bmi",     "crypto", "system"};
  return kNames[static_cast<unsigned>(group)];
}

std::string_view not_offered(ZydisISASet set) { return find(set) ? "" : "no processor model offers it"; }

std::string_view host_lacks(ZydisISASet set) {
  const Feature* f = find(set);
  if (!f || !f->name) return "";
  // The processor may have them and the kernel know nothing of it.
  if (set == ZYDIS_ISA_SET_RDWRFSGS && !(getauxval(AT_HWCAP2) & 2)) return f->name;
  unsigned r[4];
  if (!__get_cpuid_count(f->leaf, f->subleaf, &r[0], &r[1], &r[2], &r[3])) return f->name;
  return r[f->reg] >> f->bit & 1 ? "" : f->name;
}

Group group_of(const Decoded& d) {
  switch (d.insn.meta.category) {
    case ZYDIS_CATEGORY_STRINGOP:
      return Group::kString;
    case ZYDIS_CATEGORY_CALL:
    case ZYDIS_CATEGORY_RET:
    case ZYDIS_CATEGORY_COND_BR:
    case ZYDIS_CATEGORY_UNCOND_BR:
      return Group::kControl;
    default:
      const Feature* f = find(d.insn.meta.isa_set);
      return f ? f->group : Group::kSystem;
  }
}

std::string_view not_comparable(const Decoded& d) {
  const std::string_view mnemonic = ZydisMnemonicGetString(d.insn.mnemonic);
  for (const Excluded& e : kExcluded)
    if (std::find(e.mnemonics.begin(), e.mnemonics.end(), mnemonic) != e.mnemonics.end()) return e.why;
  if (d.insn.meta.branch_type == ZYDIS_BRANCH_TYPE_FAR)
    return "far transfers depend on the kernel's descriptors";
  for (const ZydisDecodedOperand& o : d.visible())
    if (o.type == ZYDIS_OPERAND_TYPE_REGISTER && ZydisRegisterGetClass(o.reg.value) == ZYDIS_REGCLASS_SEGMENT)
      return "selectors are the kernel's";
  if (d.insn.opcode_map == ZYDIS_OPCODE_MAP_0F && d.insn.opcode == 0x0d && d.insn.raw.modrm.mod == 3)
    return "vendors differ in 0F 0D with a register";
  // AMD has 16-bit branches there, Intel has not.
  if (d.insn.meta.branch_type != ZYDIS_BRANCH_TYPE_NONE &&
      d.insn.machine_mode == ZYDIS_MACHINE_MODE_LONG_64 && d.insn.attributes & ZYDIS_ATTRIB_HAS_OPERANDSIZE)
    return "vendors differ in branches with an operand size prefix";
  return "";
}

}  // namespace mynah::x86_oracle
