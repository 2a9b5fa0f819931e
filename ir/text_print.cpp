// SPDX-License-Identifier: Apache-2.0
//
// The text form's printer. Prints any region, also one that the verifier would refuse: it is what one looks
// at when an invariant is broken. So an index is checked before it is followed, and bits without a name are
// shown as numbers.
#include <algorithm>
#include <cinttypes>
#include <cstdio>

#include "ir/op_forms.h"
#include "ir/text.h"
#include "ir/text_names.h"

namespace mynah::ir {

namespace {

std::string hex(uint64_t x) {
  char buffer[32];
  std::snprintf(buffer, sizeof buffer, "0x%" PRIx64, x);
  return buffer;
}
std::string number(uint64_t x) { return x < 1024 ? std::to_string(x) : hex(x); }
std::string signed_number(int64_t x) {
  return x < 0 ? "-" + number(uint64_t{0} - static_cast<uint64_t>(x)) : number(static_cast<uint64_t>(x));
}
std::string signed_hex(int64_t x) {
  return x < 0 ? "-" + hex(uint64_t{0} - static_cast<uint64_t>(x)) : hex(static_cast<uint64_t>(x));
}
std::string value(Value v) { return v == kNoValue ? "_" : "%" + std::to_string(v); }

class Printer {
 public:
  explicit Printer(const Region& region) : r_(region) {}

  std::string run() {
    header();
    for (size_t b = 0; b < r_.blocks.size(); ++b) {
      if (r_.blocks.size() > 1) out_ += "block" + std::to_string(b) + ":\n";
      for (uint32_t i = r_.blocks[b].first; i < r_.blocks[b].end; ++i) instruction(i);
    }
    // A region still being built has instructions and no block yet.
    if (r_.blocks.empty()) {
      for (uint32_t i = 0; i < r_.insts.size(); ++i) instruction(i);
    }
    out_ += "}\n";
    return std::move(out_);
  }

 private:
  void header() {
    out_ += "region @" + hex(r_.pc_offset);
    if (r_.guest_insts) out_ += " insts=" + std::to_string(r_.guest_insts);
    if (r_.guest_bytes) out_ += " bytes=" + std::to_string(r_.guest_bytes);
    if (r_.smp) out_ += " smp";
    if (!r_.linkable) out_ += " unlinkable";
    if (r_.fp.round) out_ += " round=" + std::string(text::kRounds[r_.fp.round & 3]);
    if (r_.fp.default_nan) out_ += " default_nan";
    if (r_.fp.flush) out_ += " flush";
    if (r_.fp.flush_half) out_ += " flush_half";
    if (r_.fp.alternative_half) out_ += " alternative_half";
    if (r_.fp.x86_nans) out_ += " x86_nans";
    if (r_.fp.denormals_zero) out_ += " denormals_zero";
    if (r_.fp.overflow_traps) out_ += " overflow_traps";
    if (r_.fp.underflow_traps) out_ += " underflow_traps";
    out_ += " {\n";
  }

  void flag(bool set, const char* name) {
    if (set) out_ += std::string(".") + name;
  }

  // The part of aux that goes with the op's name; what has no name there is left in the result.
  uint8_t suffixes(const Inst& i) {
    switch (facts(i.op).aux) {
      case AuxForm::kCond:
        if (i.aux >= std::size(text::kConds)) return i.aux;
        flag(true, text::kConds[i.aux].data());
        return 0;
      case AuxForm::kFlagsWidth:
        if ((i.aux & kFlagsWidthMask) == kFlagsWidthMask) return i.aux;
        flag(i.aux & kFlags8, "b");
        flag(i.aux & kFlags16, "h");
        flag(i.aux & kFlagsBorrow, "borrow");
        return i.aux & ~(kFlagsWidthMask | kFlagsBorrow);
      case AuxForm::kLane:
      case AuxForm::kLaneHigh:
      case AuxForm::kLaneRound: {
        flag(true, text::kSizes[i.lane()].data());
        if (facts(i.op).aux == AuxForm::kLane) return i.aux & ~3;
        flag(i.high_or_round(), facts(i.op).aux == AuxForm::kLaneHigh ? "high" : "round");
        return i.aux & ~19;
      }
      case AuxForm::kFormat:
        flag(i.lane(), text::kSizes[i.lane()].data());
        return i.aux & ~3;
      case AuxForm::kFormatLow:
        flag(i.lane(), text::kSizes[i.lane()].data());
        flag(i.low_lane(), "low");
        return i.aux & ~19;
      case AuxForm::kMemory:
        if ((i.aux & kMemSizeMask) > 4) return i.aux;
        flag(true, text::kSizes[i.aux & kMemSizeMask].data());
        flag(i.aux & kMemSigned, "signed");
        flag(i.aux & kMemAcquire, "acquire");
        flag(i.aux & kMemRelease, "release");
        return i.aux & 0xc0;
      case AuxForm::kGuard: {
        flag(!(i.aux & (kGuardWrite | kGuardReadWrite)), "read");
        flag(i.aux & kGuardWrite, "write");
        flag(i.aux & kGuardReadWrite, "rw");
        flag(i.aux & kGuardUser, "user");
        flag(i.aux & kGuardSlow, "slow");
        const unsigned align = i.aux >> kGuardAlignShift & 7;
        if (align) out_ += ".align" + std::to_string(1u << align);
        flag(i.aux & kGuardMerged, "merged");
        return 0;
      }
      case AuxForm::kBranch:
        if (i.aux >= std::size(text::kBranchKinds)) return i.aux;
        flag(i.aux != 0, text::kBranchKinds[i.aux].data());
        return 0;
      case AuxForm::kSignal:
        flag(i.aux & 1, "signal");
        return i.aux & ~1;
      case AuxForm::kNumber:
        return 0;
      case AuxForm::kNone:
        break;
    }
    return i.aux;
  }

  void operand(const std::string& s) {
    out_ += first_ ? " " : ", ";
    out_ += s;
    first_ = false;
  }

  std::string slot(uint64_t s) const {
    return s < r_.slots.size() ? std::string(r_.slots[s].name) : "slot" + std::to_string(s);
  }

  std::string target(const Edge& e) const {
    std::string s = "block" + std::to_string(e.block);
    if (e.count == 0) return s;
    s += "(";
    for (uint32_t i = 0; i < e.count; ++i) {
      if (e.first + i >= r_.jump_arguments.size()) break;
      s += (i ? ", " : "") + value(r_.jump_arguments[e.first + i]);
    }
    return s + ")";
  }

  void edges(const Inst& i) {
    for (size_t k = 0; k < (i.op == Op::branch ? 2u : 1u); ++k) {
      if (i.imm + k < r_.edges.size()) operand(target(r_.edges[i.imm + k]));
    }
  }

  void rounding(uint64_t round, uint64_t& unnamed) {
    if (round < std::size(text::kRounds)) {
      operand(std::string(text::kRounds[round]));
    } else {
      unnamed |= round;
      operand("round");
    }
  }

  // The immediate; what has no name is left in the result.
  uint64_t immediate(const Inst& i) {
    uint64_t unnamed = 0;
    switch (facts(i.op).imm) {
      case ImmForm::kNone:
        return i.imm;
      case ImmForm::kNumber:
        operand(number(i.imm));
        break;
      case ImmForm::kOptional:
        if (i.imm) operand(number(i.imm));
        break;
      case ImmForm::kConst:
        if (i.type == Type::v128) {
          if (i.imm >= r_.wide_constants.size()) return i.imm;
          operand(hex(r_.constant(i).hi) + ":" + hex(r_.constant(i).lo));
        } else {
          operand(number(i.imm));
        }
        break;
      case ImmForm::kSlot:
        break;
      case ImmForm::kOffset:
        break;
      case ImmForm::kRange: {
        const GuardRange g = guard_range(i);
        operand(signed_number(g.lo) + ".." + signed_number(int64_t{g.lo} + g.length) + " by " +
                std::to_string(uint64_t{1} << g.element));
        if (g.note) operand("note " + std::to_string(g.note));
        break;
      }
      case ImmForm::kTarget:
        if (i.snapshot == kNoSnapshot || static_cast<int64_t>(i.imm) != r_.snapshot(i).pc_offset) {
          operand(signed_hex(static_cast<int64_t>(i.imm)));
        }
        break;
      case ImmForm::kRound:
        rounding(i.imm & 7, unnamed);
        if (i.imm & 8) operand("exact");
        if ((i.imm >> 4 & 3) == 1) operand("range32");
        if ((i.imm >> 4 & 3) == 2) operand("range64");
        if ((i.imm >> 4 & 3) == 3) unnamed |= 0x30;
        return unnamed | (i.imm & ~uint64_t{0x3f});
      case ImmForm::kConversion:
        rounding(i.imm & 7, unnamed);
        if (i.imm & 8) operand("unsigned");
        if (i.imm >> 8 & 0xff) operand(std::to_string(i.imm >> 8 & 0xff));
        return unnamed | (i.imm & ~uint64_t{0xff0f});
      case ImmForm::kEdges:
        edges(i);
        break;
    }
    return 0;
  }

  void snapshot(const Inst& i) {
    const Snapshot& s = r_.snapshot(i);
    out_ += " @" + signed_hex(s.pc_offset) + " #" + std::to_string(s.completed);
    bool first = true;
    for (const SnapshotEntry& e : r_.entries(s)) {
      out_ += first ? " {" : ", ";
      out_ += slot(e.slot) + "=" + value(e.value);
      first = false;
    }
    if (!first) out_ += "}";
  }

  void instruction(uint32_t index) {
    const Inst& i = r_.insts[index];
    out_ += "  ";
    if (i.type != Type::none) {
      out_ += value(index) + ":" + std::string(text::kTypes[static_cast<unsigned>(i.type)]) + " = ";
    }
    out_ += text::op_name(i.op);
    const uint8_t aux_left = suffixes(i);
    first_ = true;
    const OpFacts& f = facts(i.op);
    if (f.imm == ImmForm::kSlot) operand(slot(i.imm));
    if (i.op == Op::call) operand(number(i.imm));
    if (is_engine_exit(i.op)) {
      operand(number(i.reason()));
      operand(number(i.imm));
    }

    size_t arguments = f.arguments;
    while (arguments > 0 && i.args[arguments - 1] == kNoValue) --arguments;
    for (size_t k = 0; k < arguments; ++k) {
      if (k == 0 && f.imm == ImmForm::kOffset) {
        operand("[" + value(i.args[0]) +
                (i.imm ? " + " + signed_number(static_cast<int64_t>(i.imm)) : std::string()) + "]");
      } else {
        operand(value(i.args[k]));
      }
    }
    if (f.aux == AuxForm::kNumber && !is_engine_exit(i.op)) operand(number(i.aux));
    const uint64_t imm_left = i.op == Op::call || is_engine_exit(i.op) ? 0 : immediate(i);
    if (aux_left) operand("aux=" + hex(aux_left));
    if (imm_left) operand("imm=" + hex(imm_left));
    if (i.snapshot != kNoSnapshot) snapshot(i);
    out_ += "\n";
  }

  const Region& r_;
  std::string out_;
  bool first_ = true;
};

}  // namespace

std::string print(const Region& region) { return Printer(region).run(); }

}  // namespace mynah::ir
