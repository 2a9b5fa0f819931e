// SPDX-License-Identifier: Apache-2.0
//
// Forms of x86 instructions: an opcode with the kinds and sizes of its operands, the prefixes that matter,
// and whether the ModRM operand is a register or memory. Found by decoding the whole opcode space with Zydis,
// which has no public table. What is left out, and why, says excluded_forms().
#pragma once

#include <Zydis/Zydis.h>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tests/x86_oracle/state.h"

namespace mynah::x86_oracle {

// A decoded instruction with all its operands, hidden ones too.
struct Decoded {
  ZydisDecodedInstruction insn;
  ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
  std::span<const ZydisDecodedOperand> all() const { return {operands, insn.operand_count}; }
  std::span<const ZydisDecodedOperand> visible() const { return {operands, insn.operand_count_visible}; }
};
bool decode(Mode mode, const uint8_t* bytes, size_t length, Decoded& out);
std::string text_of(Mode mode, const uint8_t* bytes, size_t length, uint64_t rip);
std::string hex(const uint8_t* bytes, size_t length);

enum class Group : uint8_t {
  kGeneral,
  kString,
  kControl,
  kX87,
  kMmx,
  kSse,
  kSse2,
  kSse3,
  kSse4,
  kAvx,
  kAvx2,
  kFma,
  kBmi,
  kCrypto,
  kSystem,
  kCount
};
std::string_view group_name(Group);

struct Form {
  Mode mode;
  bool vex = false;
  std::vector<uint8_t> prefixes;  // legacy ones, in order
  uint8_t map = 0, opcode = 0;    // 0: one byte, 1: 0F, 2: 0F38, 3: 0F3A
  uint8_t pp = 0, l = 0;          // VEX
  bool w = false;                 // REX.W or VEX.W
  bool vvvv = false;              // VEX.vvvv is an operand
  bool has_modrm = false, memory = false;
  bool vsib = false;
  uint8_t modrm = 0xc0;   // one that gives this form
  uint8_t immediate = 0;  // one that gives this form, where it selects it
  ZydisMnemonic mnemonic{};
  ZydisISASet isa_set{};
  Group group{};
  std::string key;   // tells it from all others of its mode
  std::string name;  // for people: "lock add m32, r32"
};

// All forms of a mode, in the order of maps and opcodes. `excluded` (may be null) learns what is left out as
// "mnemonic: why".
std::vector<Form> all_forms(Mode mode, std::vector<std::string>* excluded = nullptr);
std::string key_of(const Decoded&);
std::string name_of(const Decoded&);

// --- what processors offer
// Why forms of the set are not generated at all; empty: they are.
std::string_view not_offered(ZydisISASet);
// The CPUID feature the host lacks for it; empty: it has it.
std::string_view host_lacks(ZydisISASet);
// Why a user-mode oracle in this process cannot say what the instruction does; empty: it can.
std::string_view not_comparable(const Decoded&);

}  // namespace mynah::x86_oracle
