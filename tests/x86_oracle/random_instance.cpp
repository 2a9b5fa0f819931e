// SPDX-License-Identifier: Apache-2.0
//
// Bytes of a form: fields are drawn, decoded, and drawn again until the form is the one that is wanted.
#include <algorithm>

#include "tests/x86_oracle/random_case.h"

namespace mynah::x86_oracle {

namespace {

constexpr unsigned kTries = 60;

struct Writer {
  uint8_t* at;
  void byte(unsigned value) { *at++ = static_cast<uint8_t>(value); }
};

// ModRM, SIB and as much displacement as there may be; what follows are the immediate's random bytes.
void address(Random& random, const Form& f, Writer& w, bool address16, bool keep_reg, bool based) {
  unsigned reg = keep_reg ? f.modrm >> 3 & 7 : random.below(8);
  if (!f.memory) {
    unsigned rm = keep_reg && random.chance(60) ? f.modrm & 7 : random.below(8);
    w.byte(0xc0 | reg << 3 | rm);
    return;
  }
  if (based) {
    const bool fixed = random.chance(20);
    w.byte((fixed ? 0 : 0x40) | reg << 3 | (fixed || random.chance(50) ? 5 : 3));
    return;
  }
  const unsigned mod = random.below(3), rm = f.vsib ? 4 : random.below(8);
  w.byte(mod << 6 | reg << 3 | rm);
  if (!address16 && rm == 4) w.byte(static_cast<unsigned>(random.next()));
}

bool draw(Random& random, const Form& f, const CaseLimits& limits, unsigned attempt, Instance& out) {
  Writer w{out.bytes};
  const bool keep_reg = attempt >= 20 || random.chance(50), plain = attempt >= 40;
  const bool has67 = std::find(f.prefixes.begin(), f.prefixes.end(), 0x67) != f.prefixes.end();
  bool address_prefix = has67;
  if (!plain && f.memory && random.chance(8) && !has67) address_prefix = true;
  const bool address16 = address_prefix && f.mode == Mode::k32;
  if (address16 && !limits.low_data) return false;
  if (!plain && random.chance(f.memory ? 12 : 2)) {
    constexpr unsigned kSegments[] = {0x64, 0x65, 0x64, 0x65, 0x2e, 0x36, 0x3e, 0x26};
    const unsigned s = kSegments[random.below(8)];
    if (limits.bases || s < 0x64 || s > 0x65) w.byte(s);
  }
  if (address_prefix && !has67) w.byte(0x67);
  for (const uint8_t p : f.prefixes) w.byte(p);
  const bool wide = f.mode == Mode::k64;
  unsigned rex = wide && !plain ? random.below(8) : 0;  // R, X, B
  if (limits.based && f.memory) rex &= 6;
  if (f.vex) {
    const unsigned vvvv = f.vvvv ? (wide ? random.below(16) : 8 + random.below(8)) : 15;
    const bool short_form = f.map == 1 && !f.w && !(rex & 3) && random.chance(50);
    if (short_form) {
      w.byte(0xc5);
      w.byte((rex & 4 ? 0 : 0x80) | vvvv << 3 | f.l << 2 | f.pp);
    } else {
      w.byte(0xc4);
      w.byte(((~rex & 7) << 5) | f.map);
      w.byte(f.w << 7 | vvvv << 3 | f.l << 2 | f.pp);
    }
  } else {
    if (wide && (f.w || rex || random.chance(20))) w.byte(0x40 | f.w << 3 | rex);
    if (f.map) w.byte(0x0f);
    if (f.map == 2) w.byte(0x38);
    if (f.map == 3) w.byte(0x3a);
  }
  w.byte(f.opcode);
  if (f.has_modrm) address(random, f, w, address16, keep_reg, limits.based);
  const auto used = static_cast<size_t>(w.at - out.bytes);
  for (size_t i = used; i < sizeof out.bytes; ++i) out.bytes[i] = static_cast<uint8_t>(random.integer(8));
  if (!decode(f.mode, out.bytes, 15, out.decoded)) return false;
  out.length = out.decoded.insn.length;
  // Displacements that no register can make good.
  const auto& disp = out.decoded.insn.raw.disp;
  out.low = out.decoded.insn.address_width == 16;
  if (disp.size) {
    for (const ZydisDecodedOperand& o : out.decoded.visible()) {
      if (o.type != ZYDIS_OPERAND_TYPE_MEMORY || o.mem.index != ZYDIS_REGISTER_NONE) continue;
      const bool rip = o.mem.base == ZYDIS_REGISTER_RIP || o.mem.base == ZYDIS_REGISTER_EIP;
      if (!rip && o.mem.base != ZYDIS_REGISTER_NONE) continue;
      uint64_t target =
          (out.low ? kLowData : kData) +
          (random.chance(75) ? 64 * random.below(kDataBytes / 64 - 1) : random.below(kDataBytes - 64));
      if (o.mem.segment == ZYDIS_REGISTER_FS) target -= f.mode == Mode::k64 ? kData - 0x800 : kFs32;
      if (o.mem.segment == ZYDIS_REGISTER_GS) target -= f.mode == Mode::k64 ? kData - 0x1000 : kGs32;
      if (rip) target -= out.rip + out.length;
      std::memcpy(out.bytes + disp.offset, &target, disp.size / 8);
    }
    if (!decode(f.mode, out.bytes, 15, out.decoded)) return false;
  }
  if (key_of(out.decoded) != f.key) return false;
  // Relative branches: within the code area, and not to themselves.
  const auto& imm = out.decoded.insn.raw.imm[0];
  if (imm.is_relative) {
    uint64_t delta = uint64_t{random.below(400)} - 200;
    if (imm.size == 8) delta = static_cast<uint64_t>(int64_t{static_cast<int8_t>(out.bytes[imm.offset])});
    if (delta + out.length < out.length) return false;
    std::memcpy(out.bytes + imm.offset, &delta, imm.size / 8);
  }
  return not_comparable(out.decoded).empty();
}

}  // namespace

std::optional<Instance> random_instance(Random& random, const Form& form, const CaseLimits& limits) {
  Instance i;
  // Now and then the code goes on in the next page.
  i.rip = limits.rip
              ? limits.rip
              : kCode + (random.chance(5) ? 0x1000 - 1 - random.below(6) : 0x200 + random.below(0xc00));
  for (unsigned attempt = 0; attempt < kTries; ++attempt)
    if (draw(random, form, limits, attempt, i)) return i;
  return std::nullopt;
}

}  // namespace mynah::x86_oracle
