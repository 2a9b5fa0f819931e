// SPDX-License-Identifier: Apache-2.0
//
// Guest code as text, for logs and the monitor. Capstone's version in Debian 12 does not know every
// extension; what it does not know is shown by its name alone.
#include <capstone/capstone.h>
#include <fmt/format.h>

#include <cstring>

#include "frontend/arm/a64/decode.h"
#include "frontend/arm/a64/frontend.h"

namespace mynah::arm::a64 {

namespace {
std::string name_of(uint32_t word) {
  const Decoded d = decode(word);
  return d ? std::string(encoding_name(d.encoding)) : ".word";
}
}  // namespace

std::string A64Frontend::disassemble(std::span<const uint8_t> bytes, uint64_t pc) const {
  csh handle;
  std::string text;
  if (cs_open(CS_ARCH_ARM64, CS_MODE_LITTLE_ENDIAN, &handle) != CS_ERR_OK) return text;
  for (size_t at = 0; at + 4 <= bytes.size(); at += 4) {
    uint32_t word;
    std::memcpy(&word, bytes.data() + at, 4);
    cs_insn* insn = nullptr;
    const size_t n = cs_disasm(handle, bytes.data() + at, 4, pc + at, 1, &insn);
    // Capstone does not know all that we do: the manual's name at least
    const std::string code = n == 1 ? fmt::format("{} {}", insn->mnemonic, insn->op_str) : name_of(word);
    text += fmt::format("{:#010x}:  {:08x}  {}\n", pc + at, word, code);
    if (n) cs_free(insn, n);
  }
  cs_close(&handle);
  return text;
}

}  // namespace mynah::arm::a64
