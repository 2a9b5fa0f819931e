// SPDX-License-Identifier: Apache-2.0
//
// String instructions (SDM vol. 1, 5.1.8). One with a repeat prefix is a loop of one instruction: each
// iteration counts as an instruction, goes on at the same pc, and may be interrupted behind. MOVS and STOS
// that go up through plain memory make up to a page's iterations at once, which count as one; so does the
// last look at the counter, which finds zero.
#include "frontend/x86/lift.h"
#include "frontend/x86/lift_change.h"

namespace mynah::x86 {

namespace {

enum class Kind : uint32_t { kMovs, kStos, kLods, kScas, kCmps };

class String {
 public:
  String(Lifter& l, Kind kind, unsigned bits) : l_(l), b_(l.b), kind_(kind), bits_(bits) {}

  void lift() {
    const bool repeats = l_.i.rep || l_.i.repne;
    if (!repeats) return once();
    const int64_t next = l_.next_offset();
    if (many_at_once()) {
      const Value result = at_once();
      if (!l_.slow) {
        // Mostly all of it. Nothing: one by itself, in the slow flavour.
        b_.exit_engine_if(b_.icmpz(Cond::eq, result), static_cast<uint8_t>(ExitReason::kSlow));
        b_.at(l_.pc_offset, l_.index + 1);
        b_.exit_if(b_.icmp(Cond::ne, result, b_.i64(kRepDone)), l_.pc_offset);
        return l_.cut();
      }
      b_.at(l_.pc_offset, l_.index + 1);
      b_.exit_if(b_.icmp(Cond::eq, result, b_.i64(kRepMore)), l_.pc_offset);
      b_.exit_if(b_.icmp(Cond::eq, result, b_.i64(kRepDone)), next);
      b_.at(l_.pc_offset, l_.index);
    } else {
      b_.at(l_.pc_offset, l_.index + 1);
      b_.exit_if(b_.icmpz(Cond::eq, l_.zx(address(kRcx), 64)), next);
      b_.at(l_.pc_offset, l_.index);
    }
    once();
    const Value left = b_.add_imm(address(kRcx), -1);
    set_address(kRcx, left);
    const bool compares = kind_ == Kind::kScas || kind_ == Kind::kCmps;
    if (compares) {
      l_.complete();
      b_.exit_if(l_.cond(l_.i.rep ? 5 : 4), next);  // REPE ends where they differ
    }
    if (l_.by_steps()) {  // the last iteration is the instruction's end
      l_.complete();
      b_.exit_if(b_.icmpz(Cond::eq, address(kRcx)), next);
    }
    l_.repeat();
  }

 private:
  unsigned source_segment() const {
    return l_.i.segment_override == kNoRegister ? unsigned{kDs} : l_.i.segment_override;
  }
  // Registers by the address size, i64.
  Value address(unsigned n) {
    const unsigned bits = l_.i.address_bits;
    if (bits == 64) return l_.reg64(n);
    return b_.zext32(bits == 32 ? l_.reg(n, 32) : l_.zx(l_.reg(n, 16), 16));
  }
  void set_address(unsigned n, Value v) {
    const unsigned bits = l_.i.address_bits;
    l_.set_reg(n, bits, bits == 64 ? v : b_.trunc(v));
  }
  void step(unsigned n) {
    const int64_t by = bits_ / 8;
    set_address(n, b_.add_imm(address(n), l_.mode & kModeDf ? -by : by));
  }
  Lifter::Place source() { return l_.place_at(source_segment(), address(kRsi), {.bytes = bits_ / 8}); }
  Lifter::Place destination(bool write) {
    return l_.place_at(kEs, address(kRdi), {.bytes = bits_ / 8, .write = write});
  }

  void once() {
    switch (kind_) {
      case Kind::kMovs: {
        const Lifter::Place from = source(), to = destination(true);
        l_.store(to, bits_, l_.load(from, bits_));
        l_.stored_to(to);
        step(kRsi);
        return step(kRdi);
      }
      case Kind::kStos: {
        const Lifter::Place to = destination(true);
        l_.store(to, bits_, l_.reg(kRax, bits_));
        l_.stored_to(to);
        return step(kRdi);
      }
      case Kind::kLods: {
        const Value v = l_.load(source(), bits_);
        l_.set_reg(kRax, bits_, v);
        return step(kRsi);
      }
      case Kind::kScas: {
        const Value v = l_.load(destination(false), bits_);
        l_.set_flags(l_.flags_op(Op::fl_sub, bits_, l_.reg(kRax, bits_), v, true));
        return step(kRdi);
      }
      case Kind::kCmps: {
        const Value a = l_.load(source(), bits_), v = l_.load(destination(false), bits_);
        l_.set_flags(l_.flags_op(Op::fl_sub, bits_, a, v, true));
        step(kRsi);
        return step(kRdi);
      }
    }
  }

  // Flat or with a base alone, upwards, with whole registers, nothing demanded of alignment.
  bool usable(unsigned segment, bool write) const {
    if (l_.code64()) return true;
    return (l_.mode & mode_full(segment)) && !(write && segment == kCs);
  }
  bool many_at_once() const {
    if ((l_.mode & (kModeDf | kModeAlignCheck | kModeApart | kModeDebug))) return false;
    if (l_.i.address_bits != (l_.code64() ? 64 : 32)) return false;
    if (kind_ == Kind::kMovs) return usable(source_segment(), false) && usable(kEs, true);
    return kind_ == Kind::kStos && usable(kEs, true);
  }
  Value linear(unsigned segment, unsigned n) {
    const bool based = l_.code64() ? segment >= kFs : !l_.flat(segment);
    const Value a = address(n);
    if (!based) return a;
    const Value sum = b_.add(a, b_.get(slot_base(segment)));
    return l_.code64() ? sum : b_.zext32(b_.trunc(sum));
  }
  Value at_once() {
    const Value bytes = b_.i64(bits_ / 8);
    if (kind_ == Kind::kMovs)
      return l_.call(Helper::kRepMovs, Type::i64, linear(source_segment(), kRsi), linear(kEs, kRdi), bytes);
    return l_.call(Helper::kRepStos, Type::i64, linear(kEs, kRdi), bytes, l_.reg64(kRax));
  }

  Lifter& l_;
  ir::Builder& b_;
  const Kind kind_;
  const unsigned bits_;
};

template <Kind kind>
void lift_string(Lifter& l, uint32_t bits) {
  String(l, kind, bits).lift();
}

// Names that scalar moves and compares of SSE have, too.
void lift_movsd(Lifter& l, uint32_t) {
  if (l.i.vex || l.i.opcode != 0xa5) return lift_scalar_movsd(l);
  lift_string<Kind::kMovs>(l, 32);
}
void lift_cmpsd(Lifter& l, uint32_t) {
  if (l.i.vex || l.i.opcode != 0xa7) return lift_scalar_cmpsd(l);
  lift_string<Kind::kCmps>(l, 32);
}

constexpr Row kRows[] = {
    {ZYDIS_MNEMONIC_MOVSD, lift_movsd},
    {ZYDIS_MNEMONIC_CMPSD, lift_cmpsd},
    {ZYDIS_MNEMONIC_MOVSB, lift_string<Kind::kMovs>, 8},
    {ZYDIS_MNEMONIC_MOVSW, lift_string<Kind::kMovs>, 16},
    {ZYDIS_MNEMONIC_MOVSQ, lift_string<Kind::kMovs>, 64},
    {ZYDIS_MNEMONIC_STOSB, lift_string<Kind::kStos>, 8},
    {ZYDIS_MNEMONIC_STOSW, lift_string<Kind::kStos>, 16},
    {ZYDIS_MNEMONIC_STOSD, lift_string<Kind::kStos>, 32},
    {ZYDIS_MNEMONIC_STOSQ, lift_string<Kind::kStos>, 64},
    {ZYDIS_MNEMONIC_LODSB, lift_string<Kind::kLods>, 8},
    {ZYDIS_MNEMONIC_LODSW, lift_string<Kind::kLods>, 16},
    {ZYDIS_MNEMONIC_LODSD, lift_string<Kind::kLods>, 32},
    {ZYDIS_MNEMONIC_LODSQ, lift_string<Kind::kLods>, 64},
    {ZYDIS_MNEMONIC_SCASB, lift_string<Kind::kScas>, 8},
    {ZYDIS_MNEMONIC_SCASW, lift_string<Kind::kScas>, 16},
    {ZYDIS_MNEMONIC_SCASD, lift_string<Kind::kScas>, 32},
    {ZYDIS_MNEMONIC_SCASQ, lift_string<Kind::kScas>, 64},
    {ZYDIS_MNEMONIC_CMPSB, lift_string<Kind::kCmps>, 8},
    {ZYDIS_MNEMONIC_CMPSW, lift_string<Kind::kCmps>, 16},
    {ZYDIS_MNEMONIC_CMPSQ, lift_string<Kind::kCmps>, 64},
};

}  // namespace

Rows string_rows() { return kRows; }

}  // namespace mynah::x86
