// SPDX-License-Identifier: Apache-2.0
//
// Holds decode() against LLVM's disassembler: both must agree on which words are instructions and on the
// mnemonic. Words come from every row (its bits with random fields, each field's values in turn, each bit of
// a word of it flipped) and from everywhere.
#include <gtest/gtest.h>
#include <llvm-c/Disassembler.h>
#include <llvm-c/Target.h>

#include <algorithm>
#include <cctype>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "frontend/arm/a64/decode.h"
#include "frontend/arm/a64/rows.h"

namespace mynah::arm::a64 {
namespace {

// Everything the tables hold, and nothing that they leave out (SVE, SME, MTE, SM3, SM4, BF16, I8MM, FP16FML).
constexpr char kFeatures[] =
    "+v8.5a,+fp-armv8,+neon,+fullfp16,-fp16fml,+aes,+sha2,+sha3,+crc,+lse,+lor,+dotprod,+rdm,+rcpc,+rcpc-"
    "immo,"
    "+complxnum,+jsconv,+flagm,+altnzcv,+fptoint,+pauth,+rand,+sb,+ssbs,+bti,+predres,+ras,+ccpp,+ccdp,+pan,"
    "+pan-rwv,+uaops,+dit,+spe,+tracev8.4,-mte,-sve,-sm4,-bf16,-i8mm";

// Words on which the two differ, and why. Bits that a row ignores are compared apart: see
// agrees_when_ignored_bits_set.
struct Difference {
  bool we_decode;
  bool (*differs)(uint32_t word);
  const char* reason;
};

bool is_pair(uint32_t word) { return bits(word, 27, 3) == 0b101 && bits(word, 25, 1) == 0; }
bool is_exclusive_pair(uint32_t word) { return bits(word, 24, 6) == 0b001000 && bits(word, 21, 1) == 1; }
bool is_single(uint32_t word) { return bits(word, 27, 3) == 0b111 && bits(word, 24, 2) == 0b00; }

constexpr Difference kDifferences[] = {
    {false, [](uint32_t word) { return bits(word, 22, 10) == 0b1101010100 && bits(word, 19, 2) == 0b00; },
     "LLVM reads all of the PSTATE space as MSR or MRS of S0_...; the manual allocates only what the table "
     "has"},
    {true,
     [](uint32_t word) {
       return is_pair(word) && bits(word, 23, 1) == 1 && (rn(word) == rt(word) || rn(word) == rt2(word));
     },
     "writing back to a register that the pair transfers is constrained unpredictable, not undefined"},
    {true, [](uint32_t word) { return is_single(word) && bits(word, 10, 1) == 1 && rn(word) == rt(word); },
     "writing back to the register that is transferred is constrained unpredictable, not undefined"},
    {true, [](uint32_t word) { return (is_pair(word) || is_exclusive_pair(word)) && rt(word) == rt2(word); },
     "loading a pair into one register is constrained unpredictable, not undefined"},
    {true, [](uint32_t word) { return is_single(word) && bits(word, 10, 2) == 0b10 && rn(word) == rt(word); },
     "LLVM takes LDTR and STTR for write-back forms"},
};

bool is_known_difference(uint32_t word, bool we_decode) {
  return std::any_of(std::begin(kDifferences), std::end(kDifferences), [&](const Difference& difference) {
    return difference.we_decode == we_decode && difference.differs(word);
  });
}

// Other mnemonics that LLVM may print, by the mnemonic of the row's name: preferred aliases, and forms that
// one row holds by a field (a size, a key, acquire and release, the upper half).
bool is_alias(const std::string& ours, const std::string& theirs) {
  static const std::map<std::string, std::vector<std::string>> kAliases = {
      {"add", {"mov"}},
      {"adds", {"cmn"}},
      {"sub", {"neg"}},
      {"subs", {"cmp", "negs"}},
      {"ands", {"tst"}},
      {"orr", {"mov"}},
      {"orn", {"mvn"}},
      {"movz", {"mov"}},
      {"movn", {"mov"}},
      {"extr", {"ror"}},
      {"sbfm", {"asr", "sbfiz", "sbfx", "sxtb", "sxth", "sxtw"}},
      {"bfm", {"bfc", "bfi", "bfxil"}},
      {"ubfm", {"lsl", "lsr", "ubfiz", "ubfx", "uxtb", "uxth"}},
      {"lslv", {"lsl"}},
      {"lsrv", {"lsr"}},
      {"asrv", {"asr"}},
      {"rorv", {"ror"}},
      {"csinc", {"cinc", "cset"}},
      {"csinv", {"cinv", "csetm"}},
      {"csneg", {"cneg"}},
      {"sbc", {"ngc"}},
      {"sbcs", {"ngcs"}},
      {"madd", {"mul"}},
      {"msub", {"mneg"}},
      {"smaddl", {"smull"}},
      {"smsubl", {"smnegl"}},
      {"umaddl", {"umull"}},
      {"umsubl", {"umnegl"}},
      {"dup", {"mov"}},
      {"ins", {"mov"}},
      {"umov", {"mov"}},
      {"not", {"mvn"}},
      {"dsb", {"ssbb", "pssbb"}},
      {"sys", {"at", "dc", "ic", "tlbi", "cfp", "dvp", "cpp"}},
      {"cfinv", {"msr"}},
      {"braa", {"brab"}},
      {"braaz", {"brabz"}},
      {"blraa", {"blrab"}},
      {"blraaz", {"blrabz"}},
      {"retaa", {"retab"}},
      {"eretaa", {"eretab"}},
      {"ldraa", {"ldrab"}},
  };
  static const std::set<std::string> kAtomic = {"cas",    "casp",   "ldadd",  "ldclr",  "ldeor", "ldset",
                                                "ldsmax", "ldsmin", "ldumax", "ldumin", "swp"};
  static const std::set<std::string> kSized = {"stxr",  "stlxr", "ldxr",  "ldaxr",  "stllr", "stlr",
                                               "ldlar", "ldar",  "stlur", "ldapur", "stur",  "ldur",
                                               "str",   "ldr",   "sttr",  "ldtr",   "ldapr"};
  static const std::set<std::string> kSigned = {"ldrs", "ldurs", "ldtrs", "ldapurs"};
  static const std::set<std::string> kAtomicSuffixes = {"",   "a",   "l", "al", "b",  "ab",
                                                        "lb", "alb", "h", "ah", "lh", "alh"};
  static const std::set<std::string> kSizes = {"b", "h", "w", "x", "cb", "ch", "cw", "cx"};
  if (const auto entry = kAliases.find(ours); entry != kAliases.end()) {
    return std::count(entry->second.begin(), entry->second.end(), theirs) != 0;
  }
  if (kAtomic.contains(ours) && theirs.starts_with("st")) {  // STADD is LDADD that drops its result
    return ours.starts_with("ld") && theirs.substr(2).starts_with(ours.substr(2)) &&
           kAtomicSuffixes.contains(theirs.substr(ours.size()));
  }
  if (!theirs.starts_with(ours)) return false;
  const std::string suffix = theirs.substr(ours.size());
  if (kAtomic.contains(ours)) return kAtomicSuffixes.contains(suffix);
  if (kSized.contains(ours)) return suffix == "b" || suffix == "h";
  if (kSigned.contains(ours)) return suffix == "b" || suffix == "h" || suffix == "w";
  if (ours == "crc32" || ours == "crc32c") return kSizes.contains(suffix);
  return suffix == "2";
}

class Llvm {
 public:
  Llvm() {
    LLVMInitializeAArch64TargetInfo();
    LLVMInitializeAArch64TargetMC();
    LLVMInitializeAArch64Disassembler();
    context_ =
        LLVMCreateDisasmCPUFeatures("aarch64-linux-gnu", "generic", kFeatures, nullptr, 0, nullptr, nullptr);
  }
  ~Llvm() { LLVMDisasmDispose(context_); }
  bool ok() const { return context_ != nullptr; }

  // The text of an instruction, "add x0, x1, #1"; empty when there is none.
  std::string disassemble(uint32_t word) {
    uint8_t bytes[4] = {uint8_t(word), uint8_t(word >> 8), uint8_t(word >> 16), uint8_t(word >> 24)};
    char text[256];
    if (LLVMDisasmInstruction(context_, bytes, sizeof bytes, 0, text, sizeof text) == 0) return {};
    std::string result = text;
    std::replace(result.begin(), result.end(), '\t', ' ');
    return result.substr(std::min(result.find_first_not_of(' '), result.size()));
  }

 private:
  LLVMDisasmContextRef context_;
};

// The lower-case mnemonic that a row's name begins with: "msr" of "MSR (register)", "b" of "B.cond".
std::string mnemonic(std::string_view text) {
  std::string result;
  for (char c : text) {
    if (!std::isalnum(static_cast<unsigned char>(c)) && c != '_') break;
    result += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return result;
}

class DecodeLlvm : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(llvm_.ok()); }
  void TearDown() override {
    for (const auto& [what, example] : mismatches_) {
      ADD_FAILURE() << what << ": " << example.second << " words, first " << std::hex << example.first << " "
                    << llvm_.disassemble(example.first);
    }
  }

  Decoded check(uint32_t word) {
    const Decoded decoded = decode(word);
    const std::string text = llvm_.disassemble(word);
    const std::string theirs = mnemonic(text), ours = mnemonic(encoding_name(decoded.encoding));
    if (decoded && !text.empty()) {
      if (ours == theirs || is_alias(ours, theirs)) return decoded;
    } else if (!decoded == text.empty() || is_known_difference(word, bool(decoded)) ||
               (decoded && agrees_when_ignored_bits_set(decoded))) {
      return decoded;
    }
    const std::string what =
        std::string(encoding_name(decoded.encoding)) + " but LLVM " + (text.empty() ? "nothing" : theirs);
    ++mismatches_.try_emplace(what, word, 0u).first->second.second;
    return decoded;
  }

  // Bits that the manual marks (0) or (1) are x in a row, since processors ignore them; LLVM holds them to
  // the mark.
  bool agrees_when_ignored_bits_set(Decoded decoded) {
    const Row& row = row_of(decoded.encoding);
    uint32_t ignored = ~row.bits.mask;
    for (size_t i = 0; i < row.field_count; ++i) {
      ignored &= ~((~0u >> (32 - row.fields[i].width)) << row.fields[i].lsb);
    }
    if (ignored == 0) return false;
    for (const uint32_t word : {decoded.word | ignored, decoded.word & ~ignored}) {
      if (!llvm_.disassemble(word).empty() || is_known_difference(word, true)) return true;
    }
    return false;
  }

  Llvm llvm_;
  std::map<std::string, std::pair<uint32_t, unsigned>> mismatches_;  // first word, count
};

TEST_F(DecodeLlvm, EveryRow) {
  std::mt19937 random(64);
  for (size_t index = 1; index < kEncodingCount; ++index) {
    const Row& row = row_of(Encoding(index));
    const auto random_word = [&] {
      return (static_cast<uint32_t>(random()) & ~row.bits.mask) | row.bits.value;
    };
    unsigned decoded = 0;
    for (int i = 0; i < 1500; ++i) decoded += check(random_word()).encoding == Encoding(index);
    EXPECT_NE(decoded, 0u) << encoding_name(Encoding(index));
    for (int i = 0; i < 16; ++i) {
      const uint32_t word = random_word();
      for (unsigned bit = 0; bit < 32; ++bit) check(word ^ (1u << bit));
    }
    for (size_t i = 0; i < row.field_count; ++i) {
      const Field& field = row.fields[i];
      const uint32_t mask = ~0u >> (32 - field.width);
      for (uint32_t value = 0; value < 64; ++value) {  // both ends of the field's range
        const uint32_t inserted = (value < 32 ? value : ~(value - 32)) & mask;
        for (int repeat = 0; repeat < 4; ++repeat) {
          check((random_word() & ~(mask << field.lsb)) | inserted << field.lsb);
        }
      }
    }
  }
}

// Every value of the 22 high bits, which hold all that the manual's tables of classes look at but for a few.
TEST_F(DecodeLlvm, EveryOpcode) {
  std::mt19937 random(1024);
  for (uint32_t high = 0; high < 1u << 22; ++high) check(high << 10 | bits(random(), 0, 10));
}

// Branches to a register, exceptions and system instructions also look at the low bits.
TEST_F(DecodeLlvm, SystemWords) {
  std::mt19937 random(31);
  for (int i = 0; i < 1'000'000; ++i) {
    check(0xd4000000 | bits(random(), 0, 26));  // all of them
    check(0xd5000000 | bits(random(), 0, 22));  // system
    check(0xd503201f | bits(random(), 0, 12) << 5 |
          (bits(random(), 0, 3) ? 0 : bits(random(), 0, 5)));                // hints, barriers
    check(0xd61f0000 | bits(random(), 0, 4) << 21 | bits(random(), 0, 16));  // branches
    check(0xd61f0000 | bits(random(), 0, 4) << 21 | bits(random(), 0, 2) << 10 | bits(random(), 0, 10));
  }
}

TEST_F(DecodeLlvm, RandomWords) {
  std::mt19937 random(8664);
  for (int i = 0; i < 2'000'000; ++i) check(static_cast<uint32_t>(random()));
}

}  // namespace
}  // namespace mynah::arm::a64
