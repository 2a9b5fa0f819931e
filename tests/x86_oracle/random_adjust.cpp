// SPDX-License-Identifier: Apache-2.0
//
// What single instructions want of a case, so that they do more than fault; and what Zydis does not know of
// flags that they leave undefined.
#include <algorithm>

#include "tests/x86_oracle/random_case.h"

namespace mynah::x86_oracle {

namespace {

uint64_t address_of(const Instance& i, const Case& c, const ZydisDecodedOperand& o) {
  ZydisRegisterContext context{};
  for (unsigned r = 0; r < 16; ++r) {
    const uint64_t v = c.state.gpr[r];
    context.values[ZYDIS_REGISTER_RAX + r] = v;
    context.values[ZYDIS_REGISTER_EAX + r] = static_cast<uint32_t>(v);
    context.values[ZYDIS_REGISTER_AX + r] = static_cast<uint16_t>(v);
  }
  ZyanU64 at = 0;
  ZydisCalcAbsoluteAddressEx(&i.decoded.insn, &o, i.rip, &context, &at);
  const bool wide = c.mode == Mode::k64;
  if (o.mem.segment == ZYDIS_REGISTER_FS) at += wide ? c.state.fs_base : kFs32;
  if (o.mem.segment == ZYDIS_REGISTER_GS) at += wide ? c.state.gs_base : kGs32;
  return wide ? at : at & 0xffffffff;
}
// Bytes of the data there; null: it is not (all) in it.
uint8_t* data_at(Case& c, uint64_t address, size_t bytes) {
  const uint64_t into = address - c.data_address();
  return into < kDataBytes && into + bytes <= kDataBytes ? c.data + into : nullptr;
}
const ZydisDecodedOperand* memory_operand(const Instance& i) {
  for (const ZydisDecodedOperand& o : i.decoded.all())
    if (o.type == ZYDIS_OPERAND_TYPE_MEMORY && o.mem.type != ZYDIS_MEMOP_TYPE_AGEN) return &o;
  return nullptr;
}
uint8_t* memory(const Instance& i, Case& c, size_t bytes) {
  const ZydisDecodedOperand* o = memory_operand(i);
  return o ? data_at(c, address_of(i, c, *o), bytes) : nullptr;
}
template <typename T>
void put(uint8_t* at, size_t offset, T value) {
  if (at) std::memcpy(at + offset, &value, sizeof value);
}
template <typename T>
T get(const uint8_t* at, size_t offset = 0) {
  T value{};
  if (at) std::memcpy(&value, at + offset, sizeof value);
  return value;
}

bool names(const Instance& i, unsigned reg) {  // an address goes by the register
  for (const ZydisDecodedOperand& o : i.decoded.all()) {
    if (o.type != ZYDIS_OPERAND_TYPE_MEMORY) continue;
    for (const ZydisRegister r : {o.mem.base, o.mem.index})
      if (r != ZYDIS_REGISTER_NONE && ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64, r) ==
                                          static_cast<int>(ZYDIS_REGISTER_RAX + reg))
        return true;
  }
  return false;
}
void set(const Instance& i, Case& c, unsigned reg, uint64_t value) {
  if (names(i, reg)) return;
  c.state.gpr[reg] = c.mode == Mode::k64 ? value : value & 0xffffffff;
}

void divide(Random& random, const Instance& i, Case& c) {
  if (random.chance(15)) return;
  const unsigned bits = i.decoded.insn.operand_width;
  const bool is_signed = i.decoded.insn.mnemonic == ZYDIS_MNEMONIC_IDIV;
  if (bits == 8) return set(i, c, kRax, (c.state.gpr[kRax] & ~uint64_t{0xffff}) | random.integer(10));
  if (!is_signed) {
    const uint64_t keep = bits < 32 ? c.state.gpr[kRdx] & ~uint64_t{0xffff} : 0;
    return set(i, c, kRdx, keep | random.below(random.chance(50) ? 2 : 1000));
  }
  const uint64_t sign = 0 - (c.state.gpr[kRax] >> (bits - 1) & 1);
  set(i, c, kRdx,
      bits == 64   ? sign
      : bits == 32 ? sign & 0xffffffff
                   : (c.state.gpr[kRdx] & ~uint64_t{0xffff}) | (sign & 0xffff));
}

void branch_target(Random& random, const Instance& i, Case& c) {
  // Anywhere in the code area, but not back into the instruction or near its end.
  const uint64_t to = kCode + 16 + random.below(128);
  const unsigned bytes = i.decoded.insn.operand_width / 8;
  for (const ZydisDecodedOperand& o : i.decoded.visible())
    if (o.type == ZYDIS_OPERAND_TYPE_REGISTER && ZydisRegisterGetClass(o.reg.value) >= ZYDIS_REGCLASS_GPR16 &&
        ZydisRegisterGetClass(o.reg.value) <= ZYDIS_REGCLASS_GPR64) {
      const auto largest = ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64, o.reg.value);
      c.state.gpr[largest - ZYDIS_REGISTER_RAX] = to;
    }
  const bool call_memory = i.decoded.insn.meta.category != ZYDIS_CATEGORY_CALL || memory_operand(i);
  if (call_memory) {
    for (const ZydisDecodedOperand& o : i.decoded.all())
      if (o.type == ZYDIS_OPERAND_TYPE_MEMORY && o.actions & ZYDIS_OPERAND_ACTION_MASK_READ)
        if (uint8_t* at = data_at(c, address_of(i, c, o), 8)) std::memcpy(at, &to, std::min(bytes, 8u));
  }
}

}  // namespace

void adjust_case(Random& random, const Instance& i, Case& c) {
  State& s = c.state;
  const bool wide = c.mode == Mode::k64;
  switch (i.decoded.insn.mnemonic) {
    case ZYDIS_MNEMONIC_DIV:
    case ZYDIS_MNEMONIC_IDIV:
      return divide(random, i, c);
    case ZYDIS_MNEMONIC_BT:
    case ZYDIS_MNEMONIC_BTC:
    case ZYDIS_MNEMONIC_BTR:
    case ZYDIS_MNEMONIC_BTS: {  // bits are numbered from the operand on, in both directions
      const auto& o = i.decoded.operands[1];
      if (o.type != ZYDIS_OPERAND_TYPE_REGISTER || random.chance(5)) return;
      const auto reg =
          ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64, o.reg.value) - ZYDIS_REGISTER_RAX;
      return set(i, c, static_cast<unsigned>(reg), uint64_t{random.below(4000)} - 2000);
    }
    case ZYDIS_MNEMONIC_CMPXCHG: {
      if (random.chance(50)) return;
      const unsigned bytes = i.decoded.operands[0].size / 8;
      uint64_t v = 0;
      if (const uint8_t* at = memory(i, c, bytes)) std::memcpy(&v, at, bytes);
      const uint64_t keep = bytes < 4 ? s.gpr[kRax] & ~((uint64_t{1} << 8 * bytes) - 1) : 0;
      return set(i, c, kRax, keep | v);
    }
    case ZYDIS_MNEMONIC_CMPXCHG8B:
    case ZYDIS_MNEMONIC_CMPXCHG16B: {
      if (random.chance(40)) return;
      const bool sixteen = i.decoded.insn.mnemonic == ZYDIS_MNEMONIC_CMPXCHG16B;
      const uint8_t* at = memory(i, c, sixteen ? 16 : 8);
      set(i, c, kRax, sixteen ? get<uint64_t>(at) : get<uint32_t>(at));
      return set(i, c, kRdx, sixteen ? get<uint64_t>(at, at ? 8 : 0) : get<uint32_t>(at, at ? 4 : 0));
    }
    case ZYDIS_MNEMONIC_POPF:
    case ZYDIS_MNEMONIC_POPFD:
    case ZYDIS_MNEMONIC_POPFQ:  // not TF, NT, AC
      if (uint8_t* at = memory(i, c, 2)) put(at, 0, uint16_t(get<uint16_t>(at) & (kComparedFlags | 0x3202)));
      if (uint8_t* at = memory(i, c, 4)) put(at, 2, uint16_t{0});
      return;
    case ZYDIS_MNEMONIC_LDMXCSR:
    case ZYDIS_MNEMONIC_VLDMXCSR:
      // Some reserved bits, but not AMD's MM.
      if (uint8_t* at = memory(i, c, 4))
        put(at, 0, get<uint32_t>(at) & (random.chance(90) ? 0xffffu : ~uint32_t{1 << 17}));
      return;
    case ZYDIS_MNEMONIC_FXRSTOR:
    case ZYDIS_MNEMONIC_FXRSTOR64:
      if (uint8_t* at = memory(i, c, 512)) {
        put(at, 0, uint16_t((get<uint16_t>(at) & 0xf7f) | 0x40));
        put(at, 2, uint16_t(get<uint16_t>(at, 2) & 0x7f00));
        put(at, 24, get<uint32_t>(at, 24) & 0xffff);
      }
      return;
    case ZYDIS_MNEMONIC_FLDCW:
      if (uint8_t* at = memory(i, c, 2)) put(at, 0, s.fcw);
      return;
    case ZYDIS_MNEMONIC_FLDENV:
    case ZYDIS_MNEMONIC_FRSTOR: {
      const bool half = i.decoded.insn.operand_width == 16;
      if (uint8_t* at = memory(i, c, 28)) {
        put(at, 0, uint16_t(s.fcw));
        put(at, half ? 2 : 4, uint16_t(s.fsw));
      }
      return;
    }
    case ZYDIS_MNEMONIC_XRSTOR:
    case ZYDIS_MNEMONIC_XRSTOR64:
    case ZYDIS_MNEMONIC_XSAVE:
    case ZYDIS_MNEMONIC_XSAVE64:
      set(i, c, kRax, random.below(8));
      set(i, c, kRdx, 0);
      if (uint8_t* at = memory(i, c, 832)) {
        put(at, 0, uint16_t((get<uint16_t>(at) & 0xf7f) | 0x40));
        put(at, 2, uint16_t(get<uint16_t>(at, 2) & 0x7f00));
        put(at, 24, get<uint32_t>(at, 24) & 0xffff);
        std::memset(at + 512, 0, 64);
        put(at, 512, uint64_t{random.below(8)});
      }
      return;
    case ZYDIS_MNEMONIC_LOOP:
    case ZYDIS_MNEMONIC_LOOPE:
    case ZYDIS_MNEMONIC_LOOPNE:
    case ZYDIS_MNEMONIC_JCXZ:
    case ZYDIS_MNEMONIC_JECXZ:
    case ZYDIS_MNEMONIC_JRCXZ:
      if (random.chance(60)) s.gpr[kRcx] = random.below(3);
      if (wide && random.chance(30)) s.gpr[kRcx] |= random.next() << 32;
      return;
    case ZYDIS_MNEMONIC_BOUND:
      if (uint8_t* at = memory(i, c, 8); at && random.chance(60)) {
        const bool half = i.decoded.insn.operand_width == 16;
        put(at, 0, int16_t{-5});
        if (!half) put(at, 0, int32_t{-5});
        if (half)
          put(at, 2, int16_t{0x7000});
        else
          put(at, 4, int32_t{0x7000});
      }
      return;
    case ZYDIS_MNEMONIC_MONITOR:
      return set(i, c, kRcx, 0);
    default:
      break;
  }
  if (i.decoded.insn.meta.category == ZYDIS_CATEGORY_STRINGOP) {
    // Few iterations, mostly; all of the count's register that counts.
    uint64_t n = random.below(random.chance(80) ? 12 : 300);
    if (random.chance(30) && i.decoded.insn.address_width < 64)
      n |= random.next() << i.decoded.insn.address_width;
    if (random.chance(97)) set(i, c, kRcx, n);
    if (random.chance(50)) {  // equal for a while
      const auto value = static_cast<uint8_t>(random.next());
      std::memset(c.data + 512, value, kDataBytes - 1024);
      for (unsigned k = 0; k < 300; ++k)
        c.data[512 + random.below(kDataBytes - 1024)] = static_cast<uint8_t>(random.next());
      if (random.chance(70)) s.gpr[kRax] = (s.gpr[kRax] & ~uint64_t{0xffffffff}) | 0x01010101u * value;
    }
  }
  if (c.branches) branch_target(random, i, c);
}

namespace {
uint32_t undefined_flags(const Decoded& d) {
  uint32_t mask = d.insn.cpu_flags ? static_cast<uint32_t>(d.insn.cpu_flags->undefined) & kArithmetic : 0;
  switch (d.insn.mnemonic) {
    case ZYDIS_MNEMONIC_SHLD:
    case ZYDIS_MNEMONIC_SHRD:
      mask |= kAf | kOf;
      break;
    default:
      break;
  }
  return mask;
}

uint16_t undefined_codes(const Decoded& d, const Case& before) {
  if (!d.insn.fpu_flags) return 0;
  const auto u = static_cast<uint32_t>(d.insn.fpu_flags->undefined);
  auto mask = static_cast<uint16_t>((u & 7) << 8 | (u & 8) << 11);
  switch (d.insn.mnemonic) {
    // Intel's manual has C1 cleared, AMD's processors leave it; a stack fault's is what both say.
    case ZYDIS_MNEMONIC_FCOMI:
    case ZYDIS_MNEMONIC_FCOMIP:
    case ZYDIS_MNEMONIC_FUCOMI:
    case ZYDIS_MNEMONIC_FUCOMIP: {
      const unsigned top = before.state.fsw >> 11 & 7, other = d.insn.raw.modrm.rm;
      const unsigned tags = before.state.ftw;
      if (tags >> top & 1 && tags >> ((top + other) & 7) & 1) mask |= 1 << 9;
      break;
    }
    default:
      break;
  }
  return mask;
}

}  // namespace

Undefined undefined_of(const Decoded& d, const Case& before) {
  Undefined u{.flags = undefined_flags(d), .codes = undefined_codes(d, before)};
  switch (d.insn.mnemonic) {
    // Which of the bytes is accessed first is not said. XSAVE and XRSTOR may access all of the area, whatever
    // they save and restore.
    case ZYDIS_MNEMONIC_XRSTOR:
    case ZYDIS_MNEMONIC_XRSTOR64:
      u.faults = u.address = true;
      break;
    case ZYDIS_MNEMONIC_XSAVE:
    case ZYDIS_MNEMONIC_XSAVE64:
      u.faults = true;
      [[fallthrough]];
    case ZYDIS_MNEMONIC_FNSTENV:
    case ZYDIS_MNEMONIC_FNSAVE:
    case ZYDIS_MNEMONIC_FXSAVE:
    case ZYDIS_MNEMONIC_FXSAVE64:
      u.data = true;
      u.data_on_fault = true;
      [[fallthrough]];
    case ZYDIS_MNEMONIC_FLDENV:
    case ZYDIS_MNEMONIC_FRSTOR:
    case ZYDIS_MNEMONIC_FXRSTOR:
    case ZYDIS_MNEMONIC_FXRSTOR64:
      u.address = true;
      break;
    case ZYDIS_MNEMONIC_CMPSB:
    case ZYDIS_MNEMONIC_CMPSW:
    case ZYDIS_MNEMONIC_CMPSD:
    case ZYDIS_MNEMONIC_CMPSQ:
      u.address = d.insn.meta.category == ZYDIS_CATEGORY_STRINGOP;  // two reads, in any order
      break;
    case ZYDIS_MNEMONIC_ARPL:  // some processors write, and fault, where the level changes alone
      u.protection =
          d.operands[0].type == ZYDIS_OPERAND_TYPE_MEMORY && d.operands[0].mem.segment == ZYDIS_REGISTER_CS;
      break;
    // AMD's processors take memory that is not aligned here, where Intel's have #GP.
    case ZYDIS_MNEMONIC_SHA1MSG1:
    case ZYDIS_MNEMONIC_SHA1MSG2:
    case ZYDIS_MNEMONIC_SHA1NEXTE:
    case ZYDIS_MNEMONIC_SHA1RNDS4:
    case ZYDIS_MNEMONIC_SHA256MSG1:
    case ZYDIS_MNEMONIC_SHA256MSG2:
    case ZYDIS_MNEMONIC_SHA256RNDS2: {
      const Instance i{.rip = before.state.rip, .decoded = d};
      const ZydisDecodedOperand* const o = memory_operand(i);
      u.protection = o && address_of(i, before, *o) & 15;
      break;
    }
    case ZYDIS_MNEMONIC_ENTER:
      u.data_on_fault = true;  // pushed before the one that faults
      break;
    case ZYDIS_MNEMONIC_PUSHA:
    case ZYDIS_MNEMONIC_PUSHAD:
      u.data_on_fault = u.address = true;
      break;
    case ZYDIS_MNEMONIC_POPA:
    case ZYDIS_MNEMONIC_POPAD:
      u.registers_on_fault = u.address = true;
      break;
    case ZYDIS_MNEMONIC_SHLD:
    case ZYDIS_MNEMONIC_SHRD: {
      const ZydisDecodedOperand& count = d.operands[2];
      const uint64_t n =
          count.type == ZYDIS_OPERAND_TYPE_IMMEDIATE ? count.imm.value.u : before.state.gpr[kRcx];
      if (d.insn.operand_width == 16 && (n & 31) > 16) {
        u.flags = kArithmetic;
        u.registers = u.data = true;
      }
      if ((n & (d.insn.operand_width == 64 ? 63 : 31)) == 0) u.flags = 0;
      break;
    }
    default:
      break;
  }
  return u;
}

}  // namespace mynah::x86_oracle
