// SPDX-License-Identifier: Apache-2.0
//
// Decoding: one x86 instruction as lifting wants it, made from what Zydis says. Operands are those that
// assembly shows (hidden ones, as RSP of PUSH, are the lift function's business), in Intel's order.
#pragma once

#include <Zydis/Mnemonic.h>
#include <Zydis/SharedTypes.h>

#include <array>
#include <cstdint>
#include <span>
#include <string>

namespace mynah::x86 {

constexpr unsigned kMaxInstructionBytes = 15;
constexpr uint8_t kNoRegister = 0xff;

enum class RegisterClass : uint8_t {
  kNone,
  kGeneral,   // number 0 to 15
  kHighByte,  // AH, CH, DH, BH: number 0 to 3 of the whole register
  kSegment,
  kControl,
  kDebug,
  kX87,  // place in the stack
  kMmx,
  kXmm,
  kYmm,
  kOther,
};

struct Operand {
  enum class Kind : uint8_t { kNone, kRegister, kMemory, kImmediate, kFar } kind = Kind::kNone;
  RegisterClass reg_class = RegisterClass::kNone;
  uint16_t bits = 0;  // of the value; of an address's register: nothing
  uint8_t reg = kNoRegister;
  // Memory: [base + index * scale + displacement] in `segment`, of the instruction's address size. A base of
  // kRip: relative to the next instruction.
  uint8_t base = kNoRegister, index = kNoRegister, scale = 1, segment = 0;
  bool index_is_vector = false;  // a gather's
  bool is_relative = false;      // a branch's displacement, in `value`
  int64_t value = 0;             // displacement, or immediate (sign-extended where it is); far: the offset
  uint16_t selector = 0;         // far

  bool is_memory() const { return kind == Kind::kMemory; }
  bool is_register() const { return kind == Kind::kRegister; }
  bool is_immediate() const { return kind == Kind::kImmediate; }
  bool operator==(const Operand&) const = default;
};
constexpr uint8_t kRip = 0x80;

struct Decoded {
  enum class Status : uint8_t {
    kValid,
    kNeedsMore,  // the bytes end in the middle of the instruction
    kTooLong,    // #GP
    kInvalid,    // #UD
  } status = Status::kInvalid;
  ZydisMnemonic mnemonic = ZYDIS_MNEMONIC_INVALID;
  uint16_t isa_set = 0;      // ZydisISASet
  uint8_t length = 1;        // bytes
  uint8_t operand_bits = 0;  // 16, 32 or 64: the operand size (8 for byte forms)
  uint8_t address_bits = 0;
  uint8_t stack_bits = 0;
  uint8_t opcode = 0, modrm = 0;
  bool lock = false, rep = false, repne = false;  // as they mean something here
  bool vex = false;
  bool privileged = false;
  bool far_branch = false;   // JMP, CALL, RET to another segment
  uint16_t vector_bits = 0;  // VEX.L: 128 or 256
  uint8_t segment_override = kNoRegister;
  uint8_t operand_count = 0;
  std::array<Operand, 5> operands{};
  bool operator==(const Decoded&) const = default;
};

enum class CodeWidth : uint8_t { k16, k32, k64 };

// `bytes`: at most kMaxInstructionBytes are looked at.
Decoded decode(std::span<const uint8_t> bytes, CodeWidth width, bool real_mode);

// Where the bytes of an instruction are that only give an operand its value.
struct Field {
  uint8_t operand = 0, offset = 0, bytes = 0;  // 0 bytes: there is none
  bool is_signed = false;
  bool operator==(const Field&) const = default;
};
struct Shape {
  uint8_t head_bytes = 0;  // in front of both; 0: the instruction has another shape than this
  Field displacement, immediate;
};
// decode(), and the shape of what is valid.
Decoded decode(std::span<const uint8_t> bytes, CodeWidth width, bool real_mode, Shape& shape);
// Gives the operands the values that the bytes of this instruction say.
void set_values(std::span<const uint8_t> bytes, const Shape& shape, Decoded& decoded);

// In Intel's syntax, for logs; `pc` is the instruction's.
std::string format_instruction(std::span<const uint8_t> bytes, CodeWidth width, uint64_t pc);

}  // namespace mynah::x86
