// SPDX-License-Identifier: Apache-2.0
//
// Host code as text, for logs and goldens.
#include <Zydis/Zydis.h>

#include <cstdio>
#include <span>
#include <string>

namespace mynah::x86_64 {

std::string disassemble(std::span<const uint8_t> code, uint64_t address) {
  ZydisDecoder decoder;
  ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
  ZydisFormatter formatter;
  ZydisFormatterInit(&formatter, ZYDIS_FORMATTER_STYLE_INTEL);
  std::string out;
  for (size_t at = 0; at < code.size();) {
    ZydisDecodedInstruction inst;
    ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
    char text[160];
    size_t length = 1;
    if (ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder, code.data() + at, code.size() - at, &inst, operands))) {
      ZydisFormatterFormatInstruction(&formatter, &inst, operands, inst.operand_count_visible, text,
                                      sizeof text, address + at, nullptr);
      length = inst.length;
    } else {
      std::snprintf(text, sizeof text, "db 0x%02x", code[at]);
    }
    char line[200];
    std::snprintf(line, sizeof line, "%012llx  %s\n", static_cast<unsigned long long>(address + at), text);
    out += line;
    at += length;
  }
  return out;
}

}  // namespace mynah::x86_64
