// SPDX-License-Identifier: Apache-2.0
//
// The text form's parser: line by line, one instruction a line, in the order of the region's lists, so that
// printing what was parsed gives the same text. It accepts what has the form and leaves meaning to the
// verifier. Names of attributes come from text_names.h; where an attribute stands in the line is AuxForm's
// and ImmForm's to say.
#include <bit>
#include <cctype>
#include <charconv>
#include <optional>
#include <unordered_map>

#include "ir/op_forms.h"
#include "ir/text.h"
#include "ir/text_names.h"

namespace mynah::ir {

namespace {

const std::unordered_map<std::string_view, Op>& ops_by_name() {
  static const auto table = [] {
    std::unordered_map<std::string_view, Op> t;
    for (unsigned i = 0; i < static_cast<unsigned>(Op::kCount); ++i) {
      t.emplace(text::op_name(static_cast<Op>(i)), static_cast<Op>(i));
    }
    return t;
  }();
  return table;
}

template <size_t N>
std::optional<uint8_t> index_of(const std::string_view (&names)[N], std::string_view name) {
  for (size_t i = 0; i < N; ++i) {
    if (names[i] == name) return static_cast<uint8_t>(i);
  }
  return std::nullopt;
}

struct Failure {
  std::string what;
};

// One line, read from the left.
class Line {
 public:
  explicit Line(std::string_view s) : s_(s) {}

  void skip() {
    while (!s_.empty() && (s_.front() == ' ' || s_.front() == '\t' || s_.front() == '\r'))
      s_.remove_prefix(1);
  }
  bool at_end() {
    skip();
    return s_.empty();
  }
  bool peek(std::string_view token) {
    skip();
    return s_.starts_with(token);
  }
  bool accept(std::string_view token) {
    if (!peek(token)) return false;
    s_.remove_prefix(token.size());
    return true;
  }
  void expect(std::string_view token) {
    if (!accept(token)) throw Failure{"expected '" + std::string(token) + "' at '" + std::string(s_) + "'"};
  }
  std::string_view word() {
    skip();
    size_t n = 0;
    while (n < s_.size() && (std::isalnum(static_cast<unsigned char>(s_[n])) || s_[n] == '_')) ++n;
    if (n == 0) throw Failure{"expected a name at '" + std::string(s_) + "'"};
    const std::string_view w = s_.substr(0, n);
    s_.remove_prefix(n);
    return w;
  }
  bool at_number() {
    skip();
    return !s_.empty() && (std::isdigit(static_cast<unsigned char>(s_[0])) || s_[0] == '-');
  }
  uint64_t number() {
    skip();
    const bool negative = accept("-");
    const int base = accept("0x") ? 16 : 10;
    uint64_t x = 0;
    const auto [end, error] = std::from_chars(s_.data(), s_.data() + s_.size(), x, base);
    if (error != std::errc{}) throw Failure{"expected a number at '" + std::string(s_) + "'"};
    s_.remove_prefix(static_cast<size_t>(end - s_.data()));
    return negative ? 0 - x : x;
  }

 private:
  std::string_view s_;
};

class Parser {
 public:
  Parser(std::span<const SlotInfo> slots, Region& region) : r_(region) {
    r_.clear();
    r_.slots = slots;
    r_.fp = {};
    r_.smp = false;
    r_.linkable = true;
    for (size_t i = 0; i < slots.size(); ++i) slots_.emplace(slots[i].name, static_cast<Slot>(i));
  }

  std::string run(std::string_view text) {
    size_t line_number = 0;
    try {
      while (!text.empty() && !done_) {
        ++line_number;
        const size_t end = text.find('\n');
        std::string_view s = text.substr(0, end);
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
        s = s.substr(0, s.find(';'));
        Line line(s);
        if (!line.at_end()) parse_line(line);
      }
      if (!done_) throw Failure{"the region has no end"};
    } catch (const Failure& f) {
      return "line " + std::to_string(line_number) + ": " + f.what;
    }
    return {};
  }

 private:
  void parse_line(Line& line) {
    if (!started_) {
      header(line);
    } else if (line.accept("}")) {
      done_ = true;
      if (!r_.insts.empty() && r_.blocks.empty()) start_block();
      end_block();
    } else if (line.peek("block")) {
      line.expect("block");
      if (line.number() != r_.blocks.size()) throw Failure{"blocks are numbered in order, from 0"};
      line.expect(":");
      if (r_.blocks.empty() && !r_.insts.empty()) throw Failure{"instructions before block0"};
      end_block();
      start_block();
    } else {
      instruction(line);
    }
    if (!line.at_end()) throw Failure{"unexpected text at the end"};
  }

  void start_block() {
    const auto at = r_.blocks.empty() ? 0 : static_cast<uint32_t>(r_.insts.size());
    r_.blocks.push_back({at, at});
  }
  void end_block() {
    if (!r_.blocks.empty()) r_.blocks.back().end = static_cast<uint32_t>(r_.insts.size());
  }

  void header(Line& line) {
    line.expect("region");
    line.expect("@");
    r_.pc_offset = static_cast<uint32_t>(line.number());
    while (!line.accept("{")) {
      const std::string_view w = line.word();
      if (w == "insts") {
        line.expect("=");
        r_.guest_insts = static_cast<uint32_t>(line.number());
      } else if (w == "bytes") {
        line.expect("=");
        r_.guest_bytes = static_cast<uint32_t>(line.number());
      } else if (w == "round") {
        line.expect("=");
        r_.fp.round = rounding(line) & 3;
      } else if (w == "smp") {
        r_.smp = true;
      } else if (w == "unlinkable") {
        r_.linkable = false;
      } else if (w == "default_nan") {
        r_.fp.default_nan = true;
      } else if (w == "flush") {
        r_.fp.flush = true;
      } else if (w == "flush_half") {
        r_.fp.flush_half = true;
      } else if (w == "alternative_half") {
        r_.fp.alternative_half = true;
      } else if (w == "x86_nans") {
        r_.fp.x86_nans = true;
      } else if (w == "denormals_zero") {
        r_.fp.denormals_zero = true;
      } else if (w == "overflow_traps") {
        r_.fp.overflow_traps = true;
      } else if (w == "underflow_traps") {
        r_.fp.underflow_traps = true;
      } else {
        throw Failure{"unknown region attribute '" + std::string(w) + "'"};
      }
    }
    started_ = true;
  }

  uint8_t rounding(Line& line) {
    const std::string_view w = line.word();
    if (const auto i = index_of(text::kRounds, w)) return *i;
    if (w == "round") return 0;  // the number follows as imm=
    throw Failure{"unknown rounding '" + std::string(w) + "'"};
  }

  Value value(Line& line) {
    if (line.accept("_")) return kNoValue;
    line.expect("%");
    const uint64_t name = line.number();
    const auto found = values_.find(name);
    if (found == values_.end()) throw Failure{"%" + std::to_string(name) + " is not defined above"};
    return found->second;
  }

  Slot slot(Line& line) {
    const std::string_view name = line.word();
    const auto found = slots_.find(name);
    if (found == slots_.end()) throw Failure{"unknown slot '" + std::string(name) + "'"};
    return found->second;
  }

  static void suffix(Inst& i, std::string_view s) {
    const AuxForm f = facts(i.op).aux;
    const auto size = index_of(text::kSizes, s);
    std::optional<uint8_t> bits;
    switch (f) {
      case AuxForm::kCond:
        bits = index_of(text::kConds, s);
        break;
      case AuxForm::kBranch:
        bits = index_of(text::kBranchKinds, s);
        break;
      case AuxForm::kFlagsWidth:
        if (s == "b") bits = kFlags8;
        if (s == "h") bits = kFlags16;
        if (s == "borrow") bits = kFlagsBorrow;
        break;
      case AuxForm::kLane:
      case AuxForm::kFormat:
        if (size && *size < 4) bits = size;
        break;
      case AuxForm::kFormatLow:
        if (size && *size < 4) bits = size;
        if (s == "low") bits = kLowLane;
        break;
      case AuxForm::kLaneHigh:
      case AuxForm::kLaneRound:
        if (size && *size < 4) bits = size;
        if (s == (f == AuxForm::kLaneHigh ? "high" : "round")) bits = 16;
        break;
      case AuxForm::kMemory:
        bits = size;
        if (s == "signed") bits = kMemSigned;
        if (s == "acquire") bits = kMemAcquire;
        if (s == "release") bits = kMemRelease;
        break;
      case AuxForm::kGuard:
        if (s == "read") bits = kGuardRead;
        if (s == "write") bits = kGuardWrite;
        if (s == "rw") bits = kGuardReadWrite;
        if (s == "user") bits = kGuardUser;
        if (s == "slow") bits = kGuardSlow;
        if (s == "merged") bits = kGuardMerged;
        for (uint8_t k = 1; k < 8; ++k) {
          if (s == "align" + std::to_string(1u << k)) bits = static_cast<uint8_t>(k << kGuardAlignShift);
        }
        break;
      case AuxForm::kSignal:
        if (s == "signal") bits = 1;
        break;
      case AuxForm::kNumber:
      case AuxForm::kNone:
        break;
    }
    if (!bits) throw Failure{std::string(text::op_name(i.op)) + " knows no '." + std::string(s) + "'"};
    i.aux |= *bits;
  }

  // Separates operands: true where one more follows.
  bool more(Line& line) {
    if (first_) {
      first_ = false;
      return !line.at_end() && !line.peek("@");
    }
    return line.accept(",");
  }
  void next(Line& line) {
    if (!more(line)) throw Failure{"an operand is missing"};
  }

  void edge(Line& line) {
    line.expect("block");
    Edge e{static_cast<uint32_t>(line.number()), static_cast<uint32_t>(r_.jump_arguments.size()), 0};
    if (line.accept("(")) {
      do r_.jump_arguments.push_back(value(line));
      while (line.accept(","));
      line.expect(")");
    }
    e.count = static_cast<uint32_t>(r_.jump_arguments.size()) - e.first;
    r_.edges.push_back(e);
  }

  void edges(Line& line, Inst& i) {
    i.imm = r_.edges.size();
    next(line);
    edge(line);
    if (i.op != Op::branch) return;
    next(line);
    edge(line);
  }

  void range(Line& line, Inst& i) {
    GuardRange g{};
    g.lo = static_cast<int32_t>(line.number());
    line.expect("..");
    const auto hi = static_cast<int64_t>(line.number());
    if (hi < g.lo || hi - g.lo >= kMaxGuardLength) throw Failure{"a guard covers 0 to 1048575 bytes"};
    g.length = static_cast<uint32_t>(hi - g.lo);
    line.expect("by");
    const uint64_t element = line.number();
    if (!std::has_single_bit(element)) throw Failure{"a guard's element is a power of two"};
    g.element = static_cast<uint8_t>(std::countr_zero(element));
    i.imm = pack(g);
  }

  void trailing(Line& line, Inst& i) {
    const ImmForm f = facts(i.op).imm;
    while (more(line)) {
      if (line.accept("aux=")) {
        i.aux |= static_cast<uint8_t>(line.number());
      } else if (line.accept("imm=")) {
        i.imm |= line.number();
      } else if (line.at_number() && (f == ImmForm::kOptional || f == ImmForm::kTarget)) {
        i.imm = line.number();
        has_target_ = true;
      } else if (line.at_number() && f == ImmForm::kConversion) {
        i.imm |= (line.number() & 0xff) << 8;
      } else if (f == ImmForm::kRange && line.accept("note")) {
        GuardRange g = guard_range(i);
        g.note = static_cast<uint8_t>(line.number());
        i.imm = pack(g);
      } else if (f == ImmForm::kConversion && line.accept("unsigned")) {
        i.imm |= 8;
      } else if (f == ImmForm::kRound && line.accept("exact")) {
        i.imm |= 8;
      } else if (f == ImmForm::kRound && line.accept("range32")) {
        i.imm |= 0x10;
      } else if (f == ImmForm::kRound && line.accept("range64")) {
        i.imm |= 0x20;
      } else {
        throw Failure{"unexpected operand"};
      }
    }
  }

  void operands(Line& line, Inst& i) {
    const OpFacts& f = facts(i.op);
    first_ = true;
    has_target_ = false;
    if (f.imm == ImmForm::kSlot) {
      next(line);
      i.imm = slot(line);
    }
    if (i.op == Op::call) {
      next(line);
      i.imm = line.number();
    }
    if (is_engine_exit(i.op)) {
      next(line);
      i.aux = static_cast<uint8_t>(line.number());
      next(line);
      i.imm = line.number();
    }
    const std::string_view letters = info(i.op).arguments;
    for (size_t k = 0; k < letters.size(); ++k) {
      if (k >= required_arguments(i.op)) {
        if (!more(line)) break;
        if (!line.peek("%") && !line.peek("_")) {  // an attribute
          first_ = true;
          break;
        }
      } else {
        next(line);
      }
      if (k == 0 && f.imm == ImmForm::kOffset) {
        line.expect("[");
        i.args[0] = value(line);
        if (line.accept("+")) i.imm = line.number();
        line.expect("]");
      } else {
        i.args[k] = value(line);
      }
    }
    if (i.op != Op::call && !is_engine_exit(i.op)) {
      if (f.aux == AuxForm::kNumber) {
        next(line);
        i.aux = static_cast<uint8_t>(line.number());
      }
      switch (f.imm) {
        case ImmForm::kNumber:
          next(line);
          i.imm = line.number();
          break;
        case ImmForm::kConst:
          next(line);
          i.imm = line.number();
          if (i.type == Type::v128) {
            const uint64_t high = i.imm;
            line.expect(":");
            i.imm = r_.wide_constants.size();
            r_.wide_constants.push_back({line.number(), high});
          } else if (bits(i.type) < 64) {
            i.imm &= (uint64_t{1} << bits(i.type)) - 1;
          }
          break;
        case ImmForm::kRange:
          next(line);
          range(line, i);
          break;
        case ImmForm::kRound:
        case ImmForm::kConversion:
          next(line);
          i.imm = rounding(line);
          break;
        case ImmForm::kEdges:
          edges(line, i);
          break;
        default:
          break;
      }
    }
    trailing(line, i);
  }

  void snapshot(Line& line, Inst& i) {
    Snapshot s{};
    s.pc_offset = static_cast<int32_t>(line.number());
    if (line.accept("#")) s.completed = static_cast<uint32_t>(line.number());
    std::vector<SnapshotEntry> entries;
    if (line.accept("{") && !line.accept("}")) {
      do {
        const Slot at = slot(line);
        line.expect("=");
        entries.push_back({at, value(line)});
      } while (line.accept(","));
      line.expect("}");
    }
    // Instructions that leave with the same state share a snapshot, as the builder has it.
    if (!r_.snapshots.empty()) {
      const Snapshot& last = r_.snapshots.back();
      const auto old = r_.entries(last);
      bool same =
          last.pc_offset == s.pc_offset && last.completed == s.completed && old.size() == entries.size();
      for (size_t k = 0; same && k < old.size(); ++k) {
        same = old[k].slot == entries[k].slot && old[k].value == entries[k].value;
      }
      if (same) {
        i.snapshot = static_cast<uint32_t>(r_.snapshots.size() - 1);
        return;
      }
    }
    s.first = static_cast<uint32_t>(r_.snapshot_entries.size());
    s.count = static_cast<uint32_t>(entries.size());
    r_.snapshot_entries.insert(r_.snapshot_entries.end(), entries.begin(), entries.end());
    i.snapshot = static_cast<uint32_t>(r_.snapshots.size());
    r_.snapshots.push_back(s);
  }

  void instruction(Line& line) {
    Inst i{.op = Op::konst, .type = Type::none};
    std::optional<uint64_t> name;
    if (line.accept("%")) {
      name = line.number();
      line.expect(":");
      const std::string_view type = line.word();
      const auto t = index_of(text::kTypes, type);
      if (!t || *t == 0) throw Failure{"unknown type '" + std::string(type) + "'"};
      i.type = static_cast<Type>(*t);
      line.expect("=");
    }
    const std::string_view op = line.word();
    const auto found = ops_by_name().find(op);
    if (found == ops_by_name().end()) throw Failure{"unknown op '" + std::string(op) + "'"};
    i.op = found->second;
    while (line.accept(".")) suffix(i, line.word());
    operands(line, i);
    if (line.accept("@")) snapshot(line, i);
    if (facts(i.op).imm == ImmForm::kTarget && !has_target_ && i.snapshot != kNoSnapshot) {
      i.imm = static_cast<uint64_t>(int64_t{r_.snapshot(i).pc_offset});
    }
    if (name && !values_.emplace(*name, static_cast<Value>(r_.insts.size())).second) {
      throw Failure{"%" + std::to_string(*name) + " is defined twice"};
    }
    r_.insts.push_back(i);
  }

  Region& r_;
  std::unordered_map<std::string_view, Slot> slots_;
  std::unordered_map<uint64_t, Value> values_;
  bool started_ = false, done_ = false, first_ = true, has_target_ = false;
};

}  // namespace

std::string parse(std::string_view text, std::span<const SlotInfo> slots, Region& region) {
  return Parser(slots, region).run(text);
}

}  // namespace mynah::ir
