// SPDX-License-Identifier: Apache-2.0
//
// The verifier, one instruction after the other: types by ops.def's letters, arguments that reach their
// block on every path (dominators, by iteration: regions have few blocks), attributes by their forms,
// snapshots, edges, and that no access goes beyond what its guard has looked at. The first violation is the
// answer.
#include "ir/verify.h"

#include <algorithm>
#include <bit>
#include <cstdio>
#include <cstdlib>

#include "ir/op_forms.h"
#include "ir/text.h"
#include "ir/text_names.h"

namespace mynah::ir {

namespace {

struct Violation {
  std::string what;
};

std::string type_name(Type t) { return std::string(text::kTypes[static_cast<unsigned>(t)]); }
std::string value_name(Value v) { return "%" + std::to_string(v); }

bool is_integer(Type t) { return t == Type::i32 || t == Type::i64; }

// T of these is any type; of the other ops one of a class.
bool takes_any_type(Op op) { return op == Op::konst || op == Op::get || op == Op::select || op == Op::param; }

class Verifier {
 public:
  explicit Verifier(const Region& region) : r_(region) {}

  std::string run() {
    try {
      blocks();
      dominators();
      for (block_ = 0; block_ < r_.blocks.size(); ++block_) {
        for (at_ = r_.blocks[block_].first; at_ < r_.blocks[block_].end; ++at_) instruction();
      }
    } catch (const Violation& v) {
      return v.what;
    }
    return {};
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    std::string where = value_name(at_);
    if (at_ < r_.insts.size() && r_.insts[at_].op < Op::kCount) {
      where += " " + std::string(text::op_name(r_.insts[at_].op));
    }
    throw Violation{where + ": " + what};
  }
  void require(bool holds, const char* what) const {
    if (!holds) fail(what);
  }

  // --- control flow
  void blocks() {
    if (r_.blocks.empty()) throw Violation{"the region has no block"};
    uint32_t next = 0;
    for (const Block& b : r_.blocks) {
      at_ = b.first;
      if (b.first != next || b.end <= b.first || b.end > r_.insts.size()) {
        throw Violation{"block " + std::to_string(&b - r_.blocks.data()) +
                        " does not follow its predecessor"};
      }
      next = b.end;
      bool parameters = true;
      for (at_ = b.first; at_ < b.end; ++at_) {
        const Inst& i = r_.insts[at_];
        require(i.op < Op::kCount, "no such op");
        require(((info(i.op).effects & kEnd) != 0) == (at_ + 1 == b.end),
                "a block ends with its only ending op");
        require(i.op != Op::param || parameters, "parameters come first in their block");
        if (i.op != Op::param) parameters = false;
      }
      block_of_.insert(block_of_.end(), b.end - b.first, static_cast<uint32_t>(&b - r_.blocks.data()));
    }
    if (next != r_.insts.size()) throw Violation{"instructions behind the last block"};
    at_ = 0;
    require(r_.insts[0].op != Op::param, "the first block is the region's entry and has no parameters");
  }

  std::vector<uint32_t> successors(uint32_t block) const {
    const Inst& last = r_.insts[r_.blocks[block].end - 1];
    std::vector<uint32_t> blocks;
    if (facts(last.op).imm == ImmForm::kEdges) {
      require(last.imm + (last.op == Op::branch ? 2 : 1) <= r_.edges.size(), "has no such edge");
      for (const Edge& e : r_.edges_of(last)) blocks.push_back(e.block);
    }
    return blocks;
  }

  // dominated_by_[b][d]: every path to b passes d. Unreachable blocks are dominated by all.
  void dominators() {
    const size_t n = r_.blocks.size();
    dominated_by_.assign(n, std::vector<bool>(n, true));
    dominated_by_[0].assign(n, false);
    dominated_by_[0][0] = true;
    for (uint32_t b = 0; b < n; ++b) {
      at_ = r_.blocks[b].end - 1;
      for (const uint32_t s : successors(b)) require(s < n, "no such block");
    }
    for (bool changed = n > 1; changed;) {
      changed = false;
      for (uint32_t b = 0; b < n; ++b) {
        for (const uint32_t s : successors(b)) {
          for (size_t d = 0; d < n; ++d) {
            if (d != s && dominated_by_[s][d] && !dominated_by_[b][d]) {
              dominated_by_[s][d] = false;
              changed = true;
            }
          }
        }
      }
    }
  }

  uint32_t parameters(uint32_t block) const {
    uint32_t n = 0;
    for (uint32_t i = r_.blocks[block].first; r_.insts[i].op == Op::param; ++i) ++n;
    return n;
  }

  // --- values
  Type use(Value v) const {
    if (v >= r_.insts.size()) fail("uses no value");
    if (v >= at_) fail(value_name(v) + " is not defined above");
    if (r_.insts[v].type == Type::none) fail(value_name(v) + " is no value");
    if (!dominated_by_[block_][block_of_[v]])
      fail(value_name(v) + " does not reach this block on every path");
    return r_.insts[v].type;
  }

  void argument(const Inst& i, size_t k, char letter) const {
    const Type t = use(i.args[k]);
    bool right = false;
    switch (letter) {
      case 'T':
        right = i.op == Op::crc32 ? is_integer(t) : t == i.type;
        break;
      case 'i':
        right = is_integer(t);
        break;
      case 'l':
        right = t == Type::i64;
        break;
      case 'w':
        right = t == Type::i32;
        break;
      case 'b':
        right = t == Type::i1;
        break;
      case 'g':
        right = t == Type::flags;
        break;
      case 'p':
        right = t == Type::ptr;
        break;
      case 'v':
        right = t == Type::v128;
        break;
      case 'f':
        right = is_fp(t);
        break;
      case '*':
        right = true;
        break;
      default:
        break;
    }
    if (!right) fail("argument " + std::to_string(k) + " has type " + type_name(t));
  }

  void arguments(const Inst& i) const {
    const std::string_view letters = info(i.op).arguments;
    for (size_t k = 0; k < letters.size(); ++k) {
      if (k >= required_arguments(i.op) && i.args[k] == kNoValue) continue;
      argument(i, k, letters[k]);
    }
    for (size_t k = letters.size(); k < 4; ++k) require(i.args[k] == kNoValue, "has too many arguments");
    // Two integers or floats are of one type.
    if (letters.starts_with("ii") || letters.starts_with("ff")) {
      require(r_.insts[i.args[0]].type == r_.insts[i.args[1]].type, "arguments differ in type");
    }
  }

  void result(const Inst& i) const {
    bool right = false;
    switch (info(i.op).result[0]) {
      case '-':
        right = i.type == Type::none;
        break;
      case 'l':
        right = i.type == Type::i64;
        break;
      case 'w':
        right = i.type == Type::i32;
        break;
      case 'b':
        right = i.type == Type::i1;
        break;
      case 'g':
        right = i.type == Type::flags;
        break;
      case 'p':
        right = i.type == Type::ptr;
        break;
      case 'v':
        right = i.type == Type::v128;
        break;
      case 'T':
        right = result_class(i);
        break;
      default:
        break;
    }
    if (!right) fail("cannot have type " + type_name(i.type));
  }

  static bool result_class(const Inst& i) {
    const Type t = i.type;
    if (i.op == Op::call) return true;
    if (takes_any_type(i.op)) return t != Type::none;
    switch (i.op) {
      case Op::umulh:
      case Op::smulh:
      case Op::bswap32:
        return t == Type::i64;
      case Op::load:
        return is_integer(t) || is_fp(t) || t == Type::v128;
      case Op::vlow:
      case Op::fcvt:
      case Op::int_to_f:
        return is_fp(t);
      case Op::vextract:
      case Op::fto_int:
        return is_integer(t);
      default:
        return family(i.op) == Family::kFloat ? is_fp(t) || t == Type::v128 : is_integer(t);
    }
  }

  // --- constant attributes
  void lanes(const Inst& i) const {
    const unsigned lane_count = 16u >> i.lane(), lane_bits = 8u << i.lane();
    const uint64_t index = i.op == Op::vextract || i.op == Op::vins_lane ? i.imm & 15 : i.imm;
    switch (i.op) {
      case Op::vins_lane:
        require(i.imm >> 4 < lane_count, "no such lane");
        [[fallthrough]];
      case Op::vdup_lane:
      case Op::vinsert:
      case Op::vextract:
        require(index < lane_count && i.imm < 256, "no such lane");
        break;
      case Op::vshl_imm:
      case Op::vsqshlu:
        require(i.imm < lane_bits, "shifts by the lane's width or more");
        break;
      case Op::vushr_imm:
      case Op::vsshr_imm:
      case Op::vurshr_imm:
      case Op::vsrshr_imm:
        require(i.imm <= lane_bits, "shifts by more than the lane's width");
        break;
      case Op::vuqshrn:
      case Op::vsqshrn:
      case Op::vsqshrun:
        require(i.imm >= 1 && i.imm <= lane_bits / 2, "shifts by 1 to the narrow lane's width");
        break;
      case Op::vpack_us:
      case Op::vpack_ss:
        require(i.lane() > 0, "nothing is half a byte");
        break;
      case Op::vsext_to:
      case Op::vzext_to:
        require(i.imm > i.lane() && i.imm < 4, "no such lane size");
        break;
      case Op::vrev:
        require(i.imm > i.lane() && i.imm <= 4, "no such container");
        break;
      case Op::vaddv:
      case Op::vuaddlv:
      case Op::vsaddlv:
      case Op::vumaxv:
      case Op::vuminv:
      case Op::vsmaxv:
      case Op::vsminv:
        require(i.imm >= 1 && i.imm <= lane_count, "no such number of lanes");
        break;
      default:
        break;
    }
    switch (i.op) {
      case Op::vxtn:
      case Op::vuqxtn:
      case Op::vsqxtn:
      case Op::vsqxtun:
      case Op::vuqshrn:
      case Op::vsqshrn:
      case Op::vsqshrun:
        require(i.lane() >= 1, "bytes have no half");
        break;
      case Op::vsxtl:
      case Op::vuxtl:
      case Op::vumull:
      case Op::vsmull:
      case Op::vuaddlp:
      case Op::vsaddlp:
      case Op::vsaddlv:
      case Op::vuaddlv:
        require(i.lane() <= 2, "doublewords are not widened");
        break;
      case Op::vpmull:
        require(i.lane() == 0 || i.lane() == 3, "multiplies bytes or doublewords");
        break;
      case Op::vsqdmulh:
      case Op::vsqdmull:
      case Op::vsqrdmlah:
      case Op::vsqrdmlsh:
        require(i.lane() == 1 || i.lane() == 2, "multiplies halfwords or words");
        break;
      default:
        break;
    }
  }

  void floating_point(const Inst& i) const {
    const unsigned format = i.lane();
    if (i.type == Type::v128 && i.op != Op::vlow) require(format >= 1, "names no format");
    if (is_fp(i.type) && i.op != Op::fcvt && i.op != Op::vlow) {
      // For a scalar the format may be left to the type.
      require(format == 0 || format == static_cast<unsigned>(i.type) - static_cast<unsigned>(Type::f16) + 1,
              "format and type differ");
    }
    switch (i.op) {
      case Op::fcvt:
        require(is_fp(r_.insts[i.args[0]].type) && r_.insts[i.args[0]].type != i.type,
                "converts between two formats");
        break;
      case Op::fcvt_wide:
        require(format <= 2, "widens half or single");
        break;
      case Op::fcvt_narrow:
        require(format >= 2 && (i.imm == 0 || (i.imm == 1 && format == 3) ||
                                (i.imm & 8 && (i.imm & 7) <= static_cast<uint64_t>(FpRound::kCurrent))),
                "narrows single or double");
        break;
      case Op::fto_int:
        require(is_fp(r_.insts[i.args[0]].type), "converts a float");
        break;
      case Op::fsqrt_low:
      case Op::fround_low:
      case Op::fcvt_low:
      case Op::int_to_f_low:
      case Op::faddsub:
      case Op::fhadd:
      case Op::fhsub:
        require(format >= 2, "computes with single or double");
        break;
      case Op::fcmp:
        require(format >= 2 && i.imm < 32, "no such comparison");
        break;
      case Op::fma_signs:
        require(format >= 2 && (i.imm & 15) < kFusedKinds && i.imm >> kFusedPlaceShift <= 2,
                "no such combination");
        require(!i.low_lane() || (i.imm & 15) < kFusedAddSub, "one lane does not alternate");
        break;
      case Op::fdot:
        require(format >= 2 && i.imm < 256, "no such lanes");
        break;
      case Op::fcadd:
        require(i.imm <= 1, "no such rotation");
        break;
      case Op::fcmla:
        require((i.imm & 15) <= 3 && (i.imm >> 4) <= (8u >> format), "no such rotation or lane pair");
        break;
      default:
        break;
    }
    const ImmForm f = facts(i.op).imm;
    if (f == ImmForm::kRound || f == ImmForm::kConversion) {
      require((i.imm & 7) <= static_cast<uint64_t>(FpRound::kCurrent), "no such rounding");
    }
    if (f == ImmForm::kConversion) require(ftoi(i.imm).fraction_bits <= 64, "too many fraction bits");
  }

  // No access goes where its guard has not looked, nor does what the guard was not asked for.
  void within_guard(const Inst& i, int64_t offset, int64_t size) const {
    const Inst& pointer = r_.insts[i.args[0]];
    const bool indexed = pointer.op == Op::index;
    const Inst& guard = indexed ? r_.insts[pointer.args[0]] : pointer;
    if (guard.op != Op::guard) return;
    if (indexed) size += static_cast<int64_t>(pointer.imm);
    const GuardRange g = guard_range(guard);
    require(offset >= g.lo && offset + size <= int64_t{g.lo} + g.length,
            "accesses what its guard does not cover");
    const uint8_t effects = info(i.op).effects;
    require(!(effects & kWriteMemory) || guard.aux & kGuardWrite, "writes, but its guard is for reading");
    require(!(effects & kReadMemory) || !(guard.aux & kGuardWrite) || guard.aux & kGuardReadWrite,
            "reads, but its guard is for writing alone");
  }

  void memory(const Inst& i) const {
    const unsigned size = i.aux & kMemSizeMask;
    require(size <= 4 && (i.aux & 0xc0) == 0, "no such access");
    if (i.op == Op::cas128) {
      require(size == 4, "accesses 16 bytes");
      return within_guard(i, static_cast<int64_t>(i.imm), 16);
    }
    const Type t = i.op == Op::store ? r_.insts[i.args[1]].type : i.type;
    if (is_integer(t)) {
      require(1u << size <= bytes(t), "accesses more than its type holds");
    } else {
      require(is_fp(t) || t == Type::v128, "no type for memory");
      require(1u << size == bytes(t), "accesses more or less than its type holds");
    }
    require(!(i.aux & kMemSigned) || (i.op == Op::load && is_integer(t)),
            "only loads of integers extend signs");
    within_guard(i, static_cast<int64_t>(i.imm), 1 << size);
  }

  void attributes(const Inst& i) const {
    const OpFacts& f = facts(i.op);
    const unsigned width = bits(i.type);
    switch (f.aux) {
      case AuxForm::kCond:
        require(i.aux < (i.op == Op::icmp ? static_cast<unsigned>(Cond::pe) : kConds), "no such condition");
        break;
      case AuxForm::kFlagsWidth:
        require(
            (i.aux & ~(kFlagsWidthMask | kFlagsBorrow)) == 0 && (i.aux & kFlagsWidthMask) != kFlagsWidthMask,
            "no such width");
        require(!(i.aux & kFlagsBorrow) || i.op == Op::fl_sub || i.op == Op::fl_sbc, "borrows nothing");
        break;
      case AuxForm::kLane:
        require(i.aux < 4, "no such lane size");
        lanes(i);
        break;
      case AuxForm::kLaneHigh:
      case AuxForm::kLaneRound:
        require((i.aux & ~19) == 0, "no such lane size");
        lanes(i);
        break;
      case AuxForm::kFormat:
        require(i.aux < 4, "no such format");
        floating_point(i);
        break;
      case AuxForm::kFormatLow:
        require((i.aux & ~19) == 0 && (!i.low_lane() || i.type == Type::v128), "no such format");
        floating_point(i);
        break;
      case AuxForm::kMemory:
        memory(i);
        break;
      case AuxForm::kBranch:
        require(i.aux < std::size(text::kBranchKinds), "no such branch");
        break;
      case AuxForm::kSignal:
        require(i.aux < 2, "no such comparison");
        break;
      case AuxForm::kGuard: {
        const GuardRange g = guard_range(i);
        require(g.length > 0, "covers nothing");
        require(!(i.aux & kGuardReadWrite) || i.aux & kGuardWrite, "reads and writes, but not for writing");
        break;
      }
      case AuxForm::kNumber:
      case AuxForm::kNone:
        break;
    }
    switch (i.op) {
      case Op::index:
        require(r_.insts[i.args[0]].op == Op::guard, "of something else than a guard");
        require(upper_bound(r_, i.args[1]) <= i.imm, "may be greater than it says");
        break;
      case Op::get:
        require(i.imm < r_.slots.size(), "no such slot");
        require(r_.slots[i.imm].type == i.type, "the slot has another type");
        break;
      case Op::set:
        require(i.imm < r_.slots.size(), "no such slot");
        require(r_.slots[i.imm].type == r_.insts[i.args[0]].type, "the slot has another type");
        break;
      case Op::konst:
        require(i.type != Type::v128 || i.imm < r_.wide_constants.size(), "no such constant");
        require(width >= 64 || i.imm >> width == 0, "the constant does not fit its type");
        break;
      case Op::fl_merge:
        require((i.imm & ~uint64_t{kAllFlags}) == 0, "no such flags");
        break;
      case Op::call:
        require(r_.helpers.empty() || i.helper() < r_.helpers.size(), "no such helper");
        break;
      case Op::icmpz:
        require(i.aux < 2, "compares with eq or ne");
        break;
      case Op::extr:
        require(i.imm > 0 && i.imm < width, "no such shift");
        break;
      case Op::bfi:
      case Op::ubfx:
      case Op::sbfx:
        require(i.imm > 0 && i.aux < width && i.imm <= width - i.aux, "no such field");
        break;
      case Op::testbit:
        require(i.imm < bits(r_.insts[i.args[0]].type), "no such bit");
        break;
      case Op::crc32:
        require(std::has_single_bit(unsigned{i.aux}) && i.aux <= bytes(r_.insts[i.args[1]].type),
                "no such length");
        break;
      case Op::vext:
        require(i.imm < 16, "no such byte");
        break;
      case Op::vshl_bytes:
      case Op::vushr_bytes:
        require(i.imm <= 16, "shifts by more than the vector");
        break;
      case Op::xar:
        require(i.imm < 64, "no such rotation");
        break;
      default:
        break;
    }
  }

  // --- leaving and jumping
  void snapshot(const Inst& i) const {
    const bool leaves = info(i.op).effects & kLeave;
    if (!leaves) return require(i.snapshot == kNoSnapshot, "has a snapshot, but never leaves");
    require(i.snapshot != kNoSnapshot, "may leave, but has no snapshot");
    require(i.snapshot < r_.snapshots.size(), "no such snapshot");
    const Snapshot& s = r_.snapshot(i);
    require(uint64_t{s.first} + s.count <= r_.snapshot_entries.size(),
            "its snapshot lies outside of the table");
    // Nobody writes state in front of a call but the region itself.
    require(i.op != Op::call || r_.helpers.empty() || s.count == 0,
            "its helper finds not all of its state in memory");
    std::vector<Slot> seen;
    for (const SnapshotEntry& e : r_.entries(s)) {
      require(e.slot < r_.slots.size(), "its snapshot names no slot");
      const std::string name(r_.slots[e.slot].name);
      if (use(e.value) != r_.slots[e.slot].type) fail("its snapshot gives " + name + " another type");
      if (std::find(seen.begin(), seen.end(), e.slot) != seen.end())
        fail("its snapshot names " + name + " twice");
      seen.push_back(e.slot);
    }
  }

  void jumps(const Inst& i) const {
    if (facts(i.op).imm != ImmForm::kEdges) return;
    for (const Edge& e : r_.edges_of(i)) {
      require(e.block != 0, "jumps to the region's entry");
      require(e.count == parameters(e.block), "passes more or fewer values than its target takes");
      require(uint64_t{e.first} + e.count <= r_.jump_arguments.size(), "its values lie outside of the table");
      for (uint32_t p = 0; p < e.count; ++p) {
        if (use(r_.jump_arguments[e.first + p]) != r_.insts[r_.blocks[e.block].first + p].type)
          fail("passes a value of another type");
      }
    }
  }

  void instruction() const {
    const Inst& i = r_.insts[at_];
    result(i);
    arguments(i);
    attributes(i);
    snapshot(i);
    jumps(i);
  }

  const Region& r_;
  std::vector<uint32_t> block_of_;
  std::vector<std::vector<bool>> dominated_by_;
  size_t block_ = 0;
  uint32_t at_ = 0;
};

}  // namespace

std::string verify(const Region& region) { return Verifier(region).run(); }

void broken(const Region& region, std::string_view what) {
  std::fprintf(stderr, "mynah: %.*s; the region:\n%s", static_cast<int>(what.size()), what.data(),
               print(region).c_str());
  std::abort();
}

void verify_after(std::string_view stage, const Region& region) {
  if (const std::string error = verify(region); !error.empty())
    broken(region, "the region is wrong after " + std::string(stage) + ": " + error);
}

}  // namespace mynah::ir
