// SPDX-License-Identifier: Apache-2.0
//
// What Zydis decodes becomes a Decoded. Zydis keeps no state between calls: its decoders are constants.
#include "frontend/x86/decode.h"

#include <Zydis/Zydis.h>

#include <algorithm>
#include <cstring>
#include <type_traits>

#include "frontend/x86/state.h"

namespace mynah::x86 {

namespace {

struct Decoders {
  ZydisDecoder real16, code16, code32, code64;
  Decoders() {
    ZydisDecoderInit(&real16, ZYDIS_MACHINE_MODE_REAL_16, ZYDIS_STACK_WIDTH_16);
    ZydisDecoderInit(&code16, ZYDIS_MACHINE_MODE_LEGACY_16, ZYDIS_STACK_WIDTH_16);
    ZydisDecoderInit(&code32, ZYDIS_MACHINE_MODE_LEGACY_32, ZYDIS_STACK_WIDTH_32);
    ZydisDecoderInit(&code64, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
    for (ZydisDecoder* d : {&real16, &code16, &code32, &code64}) {
      // What Debian's processors do not have, or means nothing there.
      for (const ZydisDecoderMode off :
           {ZYDIS_DECODER_MODE_MPX, ZYDIS_DECODER_MODE_CLDEMOTE, ZYDIS_DECODER_MODE_KNC})
        ZydisDecoderEnableMode(d, off, ZYAN_FALSE);
    }
  }
  const ZydisDecoder& of(CodeWidth width, bool real_mode) const {
    if (width == CodeWidth::k64) return code64;
    if (width == CodeWidth::k32) return code32;
    return real_mode ? real16 : code16;
  }
};

const Decoders& decoders() {
  static const Decoders all;
  return all;
}

// Class and number of a register that an instruction names.
struct Named {
  RegisterClass reg_class;
  uint8_t number;
};
Named named(ZydisRegister r) {
  const auto number = static_cast<uint8_t>(std::max<ZyanI8>(ZydisRegisterGetId(r), 0));
  switch (ZydisRegisterGetClass(r)) {
    case ZYDIS_REGCLASS_GPR8:
      if (r >= ZYDIS_REGISTER_AH && r <= ZYDIS_REGISTER_BH)
        return {RegisterClass::kHighByte, static_cast<uint8_t>(r - ZYDIS_REGISTER_AH)};
      if (r >= ZYDIS_REGISTER_SPL)
        return {RegisterClass::kGeneral, static_cast<uint8_t>(r - ZYDIS_REGISTER_SPL + 4)};
      return {RegisterClass::kGeneral, static_cast<uint8_t>(r - ZYDIS_REGISTER_AL)};
    case ZYDIS_REGCLASS_GPR16:
    case ZYDIS_REGCLASS_GPR32:
    case ZYDIS_REGCLASS_GPR64:
      return {RegisterClass::kGeneral, number};
    case ZYDIS_REGCLASS_SEGMENT:
      return {RegisterClass::kSegment, static_cast<uint8_t>(r - ZYDIS_REGISTER_ES)};
    case ZYDIS_REGCLASS_CONTROL:
      return {RegisterClass::kControl, number};
    case ZYDIS_REGCLASS_DEBUG:
      return {RegisterClass::kDebug, number};
    case ZYDIS_REGCLASS_X87:
      return {RegisterClass::kX87, number};
    case ZYDIS_REGCLASS_MMX:
      return {RegisterClass::kMmx, number};
    case ZYDIS_REGCLASS_XMM:
      return {RegisterClass::kXmm, number};
    case ZYDIS_REGCLASS_YMM:
      return {RegisterClass::kYmm, number};
    case ZYDIS_REGCLASS_IP:
      return {RegisterClass::kOther, kRip};
    default:
      return {RegisterClass::kOther, number};
  }
}

uint8_t address_register(ZydisRegister r) {
  if (r == ZYDIS_REGISTER_NONE) return kNoRegister;
  return named(r).number;
}

Operand convert(const ZydisDecodedOperand& from) {
  Operand to;
  to.bits = from.size;
  switch (from.type) {
    case ZYDIS_OPERAND_TYPE_REGISTER: {
      const Named n = named(from.reg.value);
      to.kind = Operand::Kind::kRegister;
      to.reg_class = n.reg_class;
      to.reg = n.number;
      break;
    }
    case ZYDIS_OPERAND_TYPE_MEMORY:
      to.kind = Operand::Kind::kMemory;
      to.base = address_register(from.mem.base);
      to.index = address_register(from.mem.index);
      to.index_is_vector =
          from.mem.index != ZYDIS_REGISTER_NONE && named(from.mem.index).reg_class != RegisterClass::kGeneral;
      to.scale = from.mem.scale ? from.mem.scale : 1;
      to.segment = from.mem.segment == ZYDIS_REGISTER_NONE ? uint8_t{kDs} : named(from.mem.segment).number;
      to.value = from.mem.disp.has_displacement ? from.mem.disp.value : 0;
      break;
    case ZYDIS_OPERAND_TYPE_IMMEDIATE:
      to.kind = Operand::Kind::kImmediate;
      to.is_relative = from.imm.is_relative;
      to.value = from.imm.value.s;
      break;
    case ZYDIS_OPERAND_TYPE_POINTER:
      to.kind = Operand::Kind::kFar;
      to.selector = from.ptr.segment;
      to.value = from.ptr.offset;
      break;
    default:
      break;
  }
  return to;
}

uint8_t override_of(ZydisInstructionAttributes attributes) {
  if (attributes & ZYDIS_ATTRIB_HAS_SEGMENT_ES) return kEs;
  if (attributes & ZYDIS_ATTRIB_HAS_SEGMENT_CS) return kCs;
  if (attributes & ZYDIS_ATTRIB_HAS_SEGMENT_SS) return kSs;
  if (attributes & ZYDIS_ATTRIB_HAS_SEGMENT_DS) return kDs;
  if (attributes & ZYDIS_ATTRIB_HAS_SEGMENT_FS) return kFs;
  if (attributes & ZYDIS_ATTRIB_HAS_SEGMENT_GS) return kGs;
  return kNoRegister;
}

// The one operand of this type, which has the value of that field. False: there is no such.
bool find_field(std::span<const ZydisDecodedOperand> operands, ZydisOperandType type, Field& field) {
  unsigned found = 0;
  for (unsigned i = 0; i < operands.size(); ++i) {
    if (operands[i].type != type) continue;
    field.operand = static_cast<uint8_t>(i);
    ++found;
  }
  return found == 1;
}

// Of what has a displacement, an immediate, or one of each behind everything else.
Shape shape_of(const ZydisDecodedInstruction& from, std::span<const ZydisDecodedOperand> operands) {
  const auto& raw = from.raw;
  const bool known =
      from.encoding == ZYDIS_INSTRUCTION_ENCODING_LEGACY || from.encoding == ZYDIS_INSTRUCTION_ENCODING_VEX;
  if (!known || raw.imm[1].size || raw.disp.size > 32) return {};
  Shape shape;
  unsigned head = from.length;
  if (raw.disp.size) {
    shape.displacement = {
        .offset = raw.disp.offset, .bytes = static_cast<uint8_t>(raw.disp.size / 8), .is_signed = true};
    if (!find_field(operands, ZYDIS_OPERAND_TYPE_MEMORY, shape.displacement)) return {};
    head = std::min<unsigned>(head, raw.disp.offset);
  }
  if (raw.imm[0].size) {
    shape.immediate = {.offset = raw.imm[0].offset,
                       .bytes = static_cast<uint8_t>(raw.imm[0].size / 8),
                       .is_signed = raw.imm[0].is_signed != 0};
    if (!find_field(operands, ZYDIS_OPERAND_TYPE_IMMEDIATE, shape.immediate)) return {};
    head = std::min<unsigned>(head, raw.imm[0].offset);
  }
  shape.head_bytes = static_cast<uint8_t>(head);
  return shape;
}

template <typename Signed>
int64_t read_value(const uint8_t* at, bool is_signed) {
  Signed value;
  std::memcpy(&value, at, sizeof value);
  return is_signed ? value : static_cast<int64_t>(static_cast<std::make_unsigned_t<Signed>>(value));
}

int64_t value_of(std::span<const uint8_t> bytes, const Field& field) {
  const uint8_t* const at = bytes.data() + field.offset;
  switch (field.bytes) {
    case 1:
      return read_value<int8_t>(at, field.is_signed);
    case 2:
      return read_value<int16_t>(at, field.is_signed);
    case 4:
      return read_value<int32_t>(at, field.is_signed);
    default:
      return read_value<int64_t>(at, field.is_signed);
  }
}

}  // namespace

void set_values(std::span<const uint8_t> bytes, const Shape& shape, Decoded& decoded) {
  for (const Field* field : {&shape.displacement, &shape.immediate})
    if (field->bytes) decoded.operands[field->operand].value = value_of(bytes, *field);
}

Decoded decode(std::span<const uint8_t> bytes, CodeWidth width, bool real_mode) {
  Shape unused;
  return decode(bytes, width, real_mode, unused);
}

Decoded decode(std::span<const uint8_t> bytes, CodeWidth width, bool real_mode, Shape& shape) {
  Decoded d;
  shape = {};
  const ZydisDecoder& decoder = decoders().of(width, real_mode);
  ZydisDecoderContext context;
  ZydisDecodedInstruction from;
  const size_t n = std::min<size_t>(bytes.size(), kMaxInstructionBytes);
  const ZyanStatus status = ZydisDecoderDecodeInstruction(&decoder, &context, bytes.data(), n, &from);
  if (!ZYAN_SUCCESS(status)) {
    const bool short_of = status == ZYDIS_STATUS_NO_MORE_DATA;
    d.status = short_of ? (n < kMaxInstructionBytes ? Decoded::Status::kNeedsMore : Decoded::Status::kTooLong)
               : status == ZYDIS_STATUS_INSTRUCTION_TOO_LONG ? Decoded::Status::kTooLong
                                                             : Decoded::Status::kInvalid;
    return d;
  }
  d.status = Decoded::Status::kValid;
  d.mnemonic = from.mnemonic;
  d.isa_set = static_cast<uint16_t>(from.meta.isa_set);
  d.length = from.length;
  d.operand_bits = from.operand_width;
  d.address_bits = from.address_width;
  d.stack_bits = from.stack_width;
  d.opcode = from.opcode;
  d.modrm = static_cast<uint8_t>(from.raw.modrm.mod << 6 | from.raw.modrm.reg << 3 | from.raw.modrm.rm);
  d.lock = from.attributes & ZYDIS_ATTRIB_HAS_LOCK;
  d.rep = from.attributes & (ZYDIS_ATTRIB_HAS_REP | ZYDIS_ATTRIB_HAS_REPE);
  d.repne = from.attributes & ZYDIS_ATTRIB_HAS_REPNE;
  d.vex = from.encoding == ZYDIS_INSTRUCTION_ENCODING_VEX;
  d.privileged = from.attributes & ZYDIS_ATTRIB_IS_PRIVILEGED;
  d.far_branch = from.meta.branch_type == ZYDIS_BRANCH_TYPE_FAR;
  d.vector_bits = from.avx.vector_length;
  d.segment_override = override_of(from.attributes);
  ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT_VISIBLE];
  d.operand_count = std::min<uint8_t>(from.operand_count_visible, static_cast<uint8_t>(d.operands.size()));
  if (!ZYAN_SUCCESS(
          ZydisDecoderDecodeOperands(&decoder, &context, &from, operands, from.operand_count_visible))) {
    d.status = Decoded::Status::kInvalid;
    return d;
  }
  // F3 90 is PAUSE, but 90 with REX.B is an exchange with R8, whatever else is before it.
  if (d.mnemonic == ZYDIS_MNEMONIC_PAUSE && from.raw.rex.B) {
    d.mnemonic = ZYDIS_MNEMONIC_XCHG;
    d.isa_set = ZYDIS_ISA_SET_I86;
    d.operand_count = 2;
    for (const uint8_t n : {0, 1})
      d.operands[n] = {.kind = Operand::Kind::kRegister,
                       .reg_class = RegisterClass::kGeneral,
                       .bits = d.operand_bits,
                       .reg = n ? uint8_t{0} : uint8_t{8}};
    return d;
  }
  for (unsigned i = 0; i < d.operand_count; ++i) {
    Operand& to = d.operands[i] = convert(operands[i]);
    // Zydis takes an index without a base for one with R13 where the prefix has that bit.
    if (to.is_memory() && from.raw.sib.offset && from.raw.modrm.mod == 0 && from.raw.sib.base == 5) {
      to.base = kNoRegister;
      to.value = from.raw.disp.value;
    }
  }
  shape = shape_of(from, {operands, d.operand_count});
  return d;
}

std::string format_instruction(std::span<const uint8_t> bytes, CodeWidth width, uint64_t pc) {
  static const ZydisFormatter formatter = [] {
    ZydisFormatter f;
    ZydisFormatterInit(&f, ZYDIS_FORMATTER_STYLE_INTEL);
    return f;
  }();
  const ZydisDecoder& decoder = decoders().of(width, false);
  ZydisDecoderContext context;
  ZydisDecodedInstruction instruction;
  ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT_VISIBLE];
  const size_t n = std::min<size_t>(bytes.size(), kMaxInstructionBytes);
  if (!ZYAN_SUCCESS(ZydisDecoderDecodeInstruction(&decoder, &context, bytes.data(), n, &instruction)) ||
      !ZYAN_SUCCESS(ZydisDecoderDecodeOperands(&decoder, &context, &instruction, operands,
                                               instruction.operand_count_visible)))
    return "(bad)";
  char text[160];
  if (!ZYAN_SUCCESS(ZydisFormatterFormatInstruction(&formatter, &instruction, operands,
                                                    instruction.operand_count_visible, text, sizeof text, pc,
                                                    nullptr)))
    return "(bad)";
  return text;
}

}  // namespace mynah::x86
