// SPDX-License-Identifier: Apache-2.0
//
// The host code of one instruction of every row of the A64 decode tables: how a change that makes some row
// worse is seen. rows.txt has a line for each, and for each value of the fields that choose the width of
// operands: the word, the host instructions on the way and the host bytes with the cold stubs, less those of
// an empty block. The instruction is followed by a branch to itself, so loads and stores of state are in it;
// one that ends its block stands alone. MYNAH_UPDATE_GOLDENS=1 writes the file anew. The host code is that of
// a processor with AVX2, BMI2, AES and SHA.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <optional>
#include <string>
#include <vector>

#include "backend-x86_64/backend.h"
#include "backend-x86_64/target.h"
#include "frontend/arm/a64/rows.h"
#include "tests/counts/host_code.h"
#include "tests/engine/bare_machine.h"

namespace mynah::test {
namespace {

using arm::a64::Encoding;
using arm::a64::Field;
using arm::a64::Row;

constexpr uint32_t kBranchToItself = 0x14000000;

// What fields hold where nothing else is asked for. Registers differ, so that nothing is shared by chance;
// the rest is a plain case: a small immediate, full vectors, no shift. Fields that are not here are zero.
struct Fill {
  std::string_view field;
  uint32_t value;
};
constexpr Fill kFills[] = {
    {"rd", 0},     {"rt", 0},     {"rn", 1},    {"rm", 2},   {"ra", 3},   {"rt2", 4},    {"rs", 5},
    {"Q", 1},      {"imm12", 24}, {"imm9", 8},  {"imm7", 2}, {"imm6", 5}, {"immr", 3},   {"imms", 12},
    {"option", 3}, {"index", 2},  {"cond", 1},  {"nzcv", 2}, {"mask", 5}, {"imm5", 8},   {"imm16", 0x123},
    {"hw", 1},     {"scale", 60}, {"immb", 3},  {"b40", 7},  {"abc", 5},  {"defgh", 10}, {"imm19", 4},
    {"imm14", 4},  {"imm26", 4},  {"immhi", 4}, {"imm4", 3}, {"CRm", 11}, {"imm3", 2},
};
// Fields of which every value has a line.
constexpr std::string_view kWidths[] = {"sf", "size", "sz", "ptype", "immh"};

// Registers of the system that the rows' zeros do not name.
struct Word {
  Encoding encoding;
  uint32_t word;
};
constexpr Word kWords[] = {
    {Encoding::mrs, 0xd53bd040},           // mrs x0, tpidr_el0
    {Encoding::msr_register, 0xd51bd040},  // msr tpidr_el0, x0
    {Encoding::sys, 0xd50b7e20},           // dc civac, x0
};

uint32_t with(uint32_t word, const Field& f, uint32_t value) {
  const uint32_t mask = ~0u >> (32 - f.width);
  return (word & ~(mask << f.lsb)) | (value & mask) << f.lsb;
}

// The word with the fills; where that is not of the row (a reserved value), the nearest that is, by counting
// up in the other fields.
std::optional<uint32_t> complete(Encoding encoding, uint32_t word, uint32_t fixed) {
  const Row& row = arm::a64::row_of(encoding);
  for (size_t i = 0; i < row.field_count; ++i)
    for (const Fill& fill : kFills)
      if (fill.field == row.fields[i].name && !(fixed >> i & 1)) word = with(word, row.fields[i], fill.value);
  if (arm::a64::decode(word).encoding == encoding) return word;
  for (size_t i = 0; i < row.field_count; ++i) {
    const Field& f = row.fields[i];
    if (fixed >> i & 1 || f.width > 12) continue;
    for (uint32_t value = 0; value < 1u << f.width; ++value)
      if (const uint32_t tried = with(word, f, value); arm::a64::decode(tried).encoding == encoding)
        return tried;
  }
  return std::nullopt;
}

// Every combination of the fields in kWidths.
std::vector<uint32_t> words_of(Encoding encoding) {
  for (const Word& w : kWords)
    if (w.encoding == encoding) return {w.word};
  const Row& row = arm::a64::row_of(encoding);
  std::vector<uint32_t> starts{row.bits.value};
  uint32_t fixed = 0;
  for (size_t i = 0; i < row.field_count; ++i) {
    const Field& f = row.fields[i];
    if (std::ranges::find(kWidths, f.name) == std::end(kWidths)) continue;
    fixed |= 1u << i;
    std::vector<uint32_t> next;
    for (const uint32_t start : starts)
      for (uint32_t value = 0; value < 1u << f.width; ++value)
        if (f.name != "immh" || (value & (value - 1)) == 0) next.push_back(with(start, f, value));
    starts = next;
  }
  std::vector<uint32_t> words;
  for (const uint32_t start : starts)
    if (const auto word = complete(encoding, start, fixed)) words.push_back(*word);
  return words;
}

struct HostCode {
  unsigned guest = 0, instructions = 0, bytes = 0;
};

HostCode host_code_of(const ir::Backend& backend, const std::vector<a64asm::Word>& words) {
  BareMachine m;
  m.state().cpacr = 3 << 20;                                           // FP and AdvSIMD do not trap
  m.state().sctlr |= uint64_t{1} << 31 | 1 << 30 | 1 << 27 | 1 << 13;  // pointers are authenticated
  m.load(kCode, words);
  HostCode result;
  m.vcpu->translator()->log.out_asm = [&](const ir::Region& region, std::span<const uint8_t> code,
                                          uint64_t at) {
    if (result.guest) return;
    result = {region.guest_insts, instructions_on_the_way(backend.disassemble(code, at)),
              static_cast<unsigned>(code.size())};
  };
  m.run(1);
  return result;
}

TEST(Counts, HostCodeOfEveryRow) {
  const auto& f = x86_64::host_features();
  if (!f.avx2 || !f.bmi2 || !f.bmi1 || !f.lzcnt || !f.aes || !f.sha)
    GTEST_SKIP() << "needs AVX2, BMI2, AES and SHA";
  const auto backend = x86_64::make_backend();
  const HostCode empty = host_code_of(*backend, {kBranchToItself});
  std::string text = "; row, word: host instructions on the way, host bytes; more than an empty block's " +
                     std::to_string(empty.instructions) + " and " + std::to_string(empty.bytes) + "\n";
  for (size_t index = 1; index < arm::a64::kEncodingCount; ++index) {
    const auto encoding = static_cast<Encoding>(index);
    const std::vector<uint32_t> words = words_of(encoding);
    EXPECT_FALSE(words.empty()) << arm::a64::encoding_name(encoding);
    for (const uint32_t word : words) {
      const HostCode code = host_code_of(*backend, {word, kBranchToItself});
      ASSERT_NE(code.guest, 0u) << std::hex << word;
      char line[160];
      std::snprintf(line, sizeof line, "%-56s %08x %4d %5d\n",
                    std::string(arm::a64::encoding_name(encoding)).c_str(), word,
                    static_cast<int>(code.instructions) - static_cast<int>(empty.instructions),
                    static_cast<int>(code.bytes) - static_cast<int>(empty.bytes));
      text += line;
    }
  }
  compare_with_golden("rows.txt", text);
}

}  // namespace
}  // namespace mynah::test
