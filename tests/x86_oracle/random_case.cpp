// SPDX-License-Identifier: Apache-2.0
//
// States for an instruction: registers, then what leads its accesses, then what single instructions want.
#include "tests/x86_oracle/random_case.h"

#include <algorithm>

namespace mynah::x86_oracle {

namespace {

// The general register's number; -1: none. `bits`: of the part that is named.
int general(ZydisRegister reg, unsigned* shift = nullptr) {
  if (shift) *shift = 0;
  switch (ZydisRegisterGetClass(reg)) {
    case ZYDIS_REGCLASS_GPR8: {
      const int id = ZydisRegisterGetId(reg);  // AL to BL, AH to BH, SPL to DIL, R8B
      if (reg >= ZYDIS_REGISTER_AH && reg <= ZYDIS_REGISTER_BH) {
        if (shift) *shift = 8;
        return reg - ZYDIS_REGISTER_AH;
      }
      if (reg >= ZYDIS_REGISTER_SPL && reg <= ZYDIS_REGISTER_R15B) return reg - ZYDIS_REGISTER_SPL + 4;
      return id;
    }
    case ZYDIS_REGCLASS_GPR16:
      return reg - ZYDIS_REGISTER_AX;
    case ZYDIS_REGCLASS_GPR32:
      return reg - ZYDIS_REGISTER_EAX;
    case ZYDIS_REGCLASS_GPR64:
      return reg - ZYDIS_REGISTER_RAX;
    default:
      return -1;
  }
}
int vector(ZydisRegister reg) {
  const auto c = ZydisRegisterGetClass(reg);
  if (c == ZYDIS_REGCLASS_XMM) return reg - ZYDIS_REGISTER_XMM0;
  if (c == ZYDIS_REGCLASS_YMM) return reg - ZYDIS_REGISTER_YMM0;
  return -1;
}

enum class Lane { kInt8, kInt16, kInt32, kInt64, kHalf, kSingle, kDouble, kExtended };
void fill(Random& random, Lane lane, uint8_t* at, size_t bytes) {
  constexpr uint8_t kSizes[] = {1, 2, 4, 8, 2, 4, 8, 10};
  const size_t size = kSizes[static_cast<unsigned>(lane)];
  const bool real = lane >= Lane::kHalf;
  for (size_t i = 0; i + size <= bytes; i += size) {
    if (lane == Lane::kExtended) {
      random.extended(at + i);
      continue;
    }
    const auto bits = static_cast<unsigned>(8 * size);
    const uint64_t v = real ? random.real(bits) : random.integer(bits);
    std::memcpy(at + i, &v, size);
  }
}
Lane lane_of(const ZydisDecodedOperand& o, Random& random) {
  if (random.chance(15)) return static_cast<Lane>(random.below(7));
  switch (o.element_type) {
    case ZYDIS_ELEMENT_TYPE_FLOAT16:
      return Lane::kHalf;
    case ZYDIS_ELEMENT_TYPE_FLOAT32:
      return Lane::kSingle;
    case ZYDIS_ELEMENT_TYPE_FLOAT64:
      return Lane::kDouble;
    case ZYDIS_ELEMENT_TYPE_FLOAT80:
    case ZYDIS_ELEMENT_TYPE_LONGBCD:
      return Lane::kExtended;
    default:
      return o.element_size <= 8    ? Lane::kInt8
             : o.element_size == 16 ? Lane::kInt16
             : o.element_size == 32 ? Lane::kInt32
                                    : Lane::kInt64;
  }
}

uint64_t mask_of(unsigned bits) { return bits >= 64 ? ~uint64_t{0} : (uint64_t{1} << bits) - 1; }

void x87_state(Random& random, const Decoded* d, State& s, const CaseLimits& limits) {
  for (auto& st : s.st) random.extended(st);
  if (d && d->insn.meta.category == ZYDIS_CATEGORY_MMX && random.chance(70))
    for (auto& st : s.st) st[8] = st[9] = 0xff;
  const bool x87 =
      d && (d->insn.meta.isa_set == ZYDIS_ISA_SET_X87 || d->insn.meta.isa_set == ZYDIS_ISA_SET_FCMOV);
  const unsigned kind = random.below(10);
  s.ftw = kind < 5 ? 0xff : kind < 6 ? 0 : static_cast<uint8_t>(random.next());
  const unsigned top = random.below(8);
  if (kind == 9) s.ftw = static_cast<uint8_t>((0xf << (top & 7)) | (0xf >> (8 - top)));
  s.fcw =
      static_cast<uint16_t>(0x7f | random.below(4) << 10 | (random.chance(50) ? 3u : random.below(4)) << 8);
  if (s.fcw >> 8 & 1 && !(s.fcw >> 9 & 1)) s.fcw |= 0x200;  // reserved precision
  if (limits.unmasked && random.chance(15)) s.fcw &= static_cast<uint16_t>(~random.below(64));
  s.fsw = static_cast<uint16_t>(top << 11 | (random.next() & 0x4700));
  if (random.chance(30)) s.fsw |= static_cast<uint16_t>(random.below(128));
  // An unmasked exception that was raised before is pending.
  if (!(x87 && random.chance(10)) && s.fsw & ~s.fcw & 0x3f) s.fsw &= static_cast<uint16_t>(~0x3f | s.fcw);
  if (s.fsw & ~s.fcw & 0x3f) s.fsw |= 0x8080;
}

uint32_t random_mxcsr(Random& random, const CaseLimits& limits) {
  uint32_t mxcsr = 0x1f80;
  if (random.chance(40)) mxcsr |= random.below(4) << 13;
  if (random.chance(20)) mxcsr |= 0x8000;
  if (random.chance(20)) mxcsr |= 0x40;
  if (random.chance(30)) mxcsr |= random.below(64);
  if (limits.unmasked && random.chance(10)) mxcsr &= ~(random.below(64) << 7);
  return mxcsr;
}

void set_part(State& s, int reg, uint64_t value, unsigned bits, Mode mode, Random& random) {
  if (mode == Mode::k32) bits = std::min(bits, 32u);
  const uint64_t mask = mask_of(bits);
  s.gpr[reg] = (s.gpr[reg] & ~mask) | (value & mask);
  if (mode == Mode::k32) s.gpr[reg] &= 0xffffffff;
}

// What the instruction accesses from its address on, at most.
size_t extent(const Decoded& d, const ZydisDecodedOperand& o) {
  if (d.insn.meta.category == ZYDIS_CATEGORY_STRINGOP) return 256;
  const size_t bytes = o.size / 8;
  return bytes ? bytes : 64;
}

struct Leader {
  Random& random;
  const Instance& i;
  Case& c;
  const CaseLimits& limits;
  uint32_t taken;

  uint64_t target(const ZydisDecodedOperand& o) {
    const uint64_t base = c.data_address(), end = base + kDataBytes;
    const size_t size = extent(i.decoded, o);
    if (limits.faults && random.chance(4)) return end - random.below(static_cast<uint32_t>(size) + 8);
    if (limits.faults && random.chance(1)) return base - random.below(static_cast<uint32_t>(size) + 8);
    if (limits.faults && random.chance(1) && c.mode == Mode::k64) return random.next();
    if (random.chance(10)) return base + kDataBytes / 2 - random.below(static_cast<uint32_t>(size) + 4);
    const size_t room = kDataBytes - size - 1024;
    const uint64_t at = base + 512 + random.below(static_cast<uint32_t>(room));
    return random.chance(75) ? at & ~uint64_t{63} : random.chance(50) ? at & ~uint64_t{7} : at;
  }
  uint64_t segment_base(const ZydisDecodedOperand& o) const {
    const bool wide = c.mode == Mode::k64;
    if (o.mem.segment == ZYDIS_REGISTER_FS) return wide ? c.state.fs_base : kFs32;
    if (o.mem.segment == ZYDIS_REGISTER_GS) return wide ? c.state.gs_base : kGs32;
    return 0;
  }
  void lead(const ZydisDecodedOperand& o);
};

void Leader::lead(const ZydisDecodedOperand& o) {
  const unsigned width = i.decoded.insn.address_width;
  const bool hidden = o.visibility != ZYDIS_OPERAND_VISIBILITY_EXPLICIT;
  const int base = general(o.mem.base);
  int index = o.mem.type == ZYDIS_MEMOP_TYPE_VSIB ? -1 : general(o.mem.index);
  uint64_t want = target(o);
  // What is there: edge values of the operand's own kind.
  const uint64_t into = want - c.data_address();
  if (into < kDataBytes - 80 && random.chance(75)) fill(random, lane_of(o, random), c.data + into, 80);
  if (base < 0 && index < 0) return;
  want -= segment_base(o) + static_cast<uint64_t>(o.mem.disp.value);
  const unsigned bits = hidden && base == kRsp ? (c.mode == Mode::k64 ? 64 : 32) : width;
  const auto scale = static_cast<uint64_t>(std::max<int>(1, o.mem.scale));
  const auto claim = [&](int reg, uint64_t value) {
    set_part(c.state, reg, value, bits, c.mode, random);
    taken |= 1u << reg;
  };
  const auto value = [&](int reg) { return c.state.gpr[reg] & mask_of(bits); };
  if (base < 0) {
    if (!(taken >> index & 1)) claim(index, want / scale);
  } else if (index == base) {
    if (!(taken >> base & 1)) claim(base, want / (scale + 1));
  } else {
    if (index >= 0 && !(taken >> index & 1)) {
      if (taken >> base & 1)
        claim(index, (want - value(base)) / scale);
      else
        claim(index, random.chance(50) ? uint64_t{random.below(200)} - 100 : random.integer(64));
    }
    if (!(taken >> base & 1)) claim(base, want - (index >= 0 ? value(index) * scale : 0));
  }
}

}  // namespace

void lead_accesses(Random& random, const Instance& i, Case& c, const CaseLimits& limits, uint32_t taken) {
  Leader leader{random, i, c, limits, taken};
  for (const ZydisDecodedOperand& o : i.decoded.all())
    if (o.type == ZYDIS_OPERAND_TYPE_MEMORY && o.mem.type != ZYDIS_MEMOP_TYPE_AGEN) leader.lead(o);
}

void random_registers(Random& random, const Decoded* d, Case& c, const CaseLimits& limits) {
  State& s = c.state;
  const bool wide = c.mode == Mode::k64;
  const unsigned operand = d ? d->insn.operand_width : 32;
  for (uint64_t& r : s.gpr) {
    const unsigned bits = random.chance(50) ? operand : 8u << random.below(4);
    r = random.chance(60) ? random.integer(bits) : random.integer(bits) | random.next() << (bits % 64);
    if (!wide) r &= 0xffffffff;
  }
  if (!wide)
    for (unsigned i = 8; i < 16; ++i) s.gpr[i] = 0;
  s.rflags = 0x202 | (static_cast<uint32_t>(random.next()) & kArithmetic) | (random.chance(30) ? kDf : 0);
  if (limits.bases && wide) {
    s.fs_base = kData - 0x800;
    s.gs_base = kData - 0x1000;
  }
  s.mxcsr = random_mxcsr(random, limits);
  x87_state(random, d, s, limits);
  for (auto& r : s.ymm) {
    Lane lane = static_cast<Lane>(random.below(7));
    if (d && d->insn.operand_count_visible && random.chance(70)) {
      const ZydisDecodedOperand& o = d->operands[random.below(d->insn.operand_count_visible)];
      if (o.element_type != ZYDIS_ELEMENT_TYPE_INVALID) lane = lane_of(o, random);
      if (lane == Lane::kExtended) lane = Lane::kInt64;
    }
    fill(random, lane, reinterpret_cast<uint8_t*>(r), 32);
  }
}

void adjust_case(Random& random, const Instance& instance, Case& c);  // random_adjust.cpp

Case random_case(Random& random, const Instance& i, const CaseLimits& limits) {
  Case c;
  c.mode = i.decoded.insn.machine_mode == ZYDIS_MACHINE_MODE_LONG_64 ? Mode::k64 : Mode::k32;
  c.low = i.low;
  c.length = i.length;
  c.branches = i.decoded.insn.meta.branch_type != ZYDIS_BRANCH_TYPE_NONE;
  std::memcpy(c.code, i.bytes, i.length);
  c.state.rip = i.rip;
  for (size_t at = 0; at < kDataBytes; at += 8) {
    const uint64_t v = random.next();
    std::memcpy(c.data + at, &v, 8);
  }
  random_registers(random, &i.decoded, c, limits);
  uint32_t taken = 0;
  // Vector indexes: a few lanes apart.
  for (const ZydisDecodedOperand& o : i.decoded.visible()) {
    if (o.type != ZYDIS_OPERAND_TYPE_MEMORY || o.mem.type != ZYDIS_MEMOP_TYPE_VSIB) continue;
    const bool wide = std::string_view(ZydisMnemonicGetString(i.decoded.insn.mnemonic)).find("gatherq") !=
                      std::string_view::npos;
    auto* lanes = reinterpret_cast<uint8_t*>(c.state.ymm[vector(o.mem.index)]);
    for (unsigned at = 0; at < 32; at += wide ? 8 : 4) {
      const auto v = static_cast<int64_t>(random.below(60)) - 30;
      std::memcpy(lanes + at, &v, wide ? 8 : 4);
    }
    if (random.chance(5)) std::memset(lanes + 8, 0x55, 4);
  }
  lead_accesses(random, i, c, limits, taken);
  adjust_case(random, i, c);
  return c;
}

}  // namespace mynah::x86_oracle
