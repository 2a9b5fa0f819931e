// SPDX-License-Identifier: Apache-2.0
//
// The walk over a guest block, and how its instructions access memory, branch and leave.
//
// A block is lifted from bytes, page offset and mode alone: it reads no register of the running processor,
// so what it holds is right whenever those are equal. Each instruction begins with Builder::at(), so that
// whatever leaves does so with that instruction's pc and count; one that raises an exception counts as
// executed.
#include "frontend/arm/a64/lift.h"

#include <algorithm>
#include <cstring>

#include "frontend/arm/a64/features.h"
#include "frontend/arm/cpu_models.h"

namespace mynah::arm::a64 {

namespace {

using LiftFunction = void (*)(Lifter&, uint32_t);
constexpr LiftFunction kLift[] = {
    [](Lifter& l, uint32_t word) { l.undefined(word); },
#define ROW(id, ...) [](Lifter& l, uint32_t word) { lift_##id(l, Fields<Encoding::id>(word)); },
#include "frontend/arm/a64/tables.inc"
};

// Whether an instruction of a guarded page may be what a branch with this BTYPE leads to. Manual:
// BTypeCompatible, which the instructions' decode sets.
bool accepts(uint32_t word, unsigned btype, uint64_t mode) {
  if ((word & 0xffffff3f) == 0xd503241f) {  // BTI: bit 0 of targets is c, bit 1 is j
    const unsigned targets = word >> 6 & 3;
    return targets == 3 || (targets == 1 && btype != 3) || (targets == 2 && btype != 2);
  }
  if ((word & ~0x40u) == 0xd503233f)
    return btype != 3 ||
           !(mode & (mode & kModeEl1 ? kModeStrictPacEl1 : kModeStrictPacEl0));   // PACIASP, PACIBSP
  return (word & 0xffe0001f) == 0xd4200000 || (word & 0xffe0001f) == 0xd4400000;  // BRK, HLT
}

}  // namespace

Value Lifter::cond(unsigned c) {
  if (c >= 14) return b.konst(Type::i1, 1);
  return b.cond(static_cast<Cond>(c), flags());
}

Value Lifter::base(unsigned n) {
  const Value v = x_sp(n);
  if (n != 31 || !(mode & kModeSpMisaligned)) return v;
  b.at(pc_offset, index + 1);  // an instruction that raises an exception counts
  b.exit_engine_if(b.icmpz(Cond::ne, b.binary(Op::and_, v, b.i64(15))),
                   static_cast<uint8_t>(ExitReason::kSpAlignment));
  b.at(pc_offset, index);
  return v;
}

bool Lifter::sp_known_aligned() const {
  const std::vector<ir::Inst>& insts = b.region().insts;
  uint64_t distance = 0;
  for (Value v = b.get(kSlotSp);;) {
    const ir::Inst& i = insts[v];
    if (i.op == Op::get && i.slot() == kSlotSp) return distance % 16 == 0;
    if (i.op != Op::add && i.op != Op::sub && i.op != Op::and_) return false;
    const ir::Inst& right = insts[i.args[1]];
    if (right.op != Op::konst) return false;
    if (i.op == Op::and_) return right.imm % 16 == 0 && distance % 16 == 0;
    distance += i.op == Op::add ? right.imm : -right.imm;
    v = i.args[0];
  }
}

Value Lifter::guard(Value base, int64_t offset, const Access& a) {
  const unsigned length = a.bytes ? a.bytes : 1u << a.size;
  unsigned align = a.align;
  if ((mode & kModeAlignCheck) && align < a.size && a.size != ir::kNoDevice) align = a.size;
  uint8_t aux = static_cast<uint8_t>(align << ir::kGuardAlignShift);
  if (a.write) aux |= ir::kGuardWrite;
  if (a.read_write) aux |= ir::kGuardWrite | ir::kGuardReadWrite;
  if (a.user && privileged() && !(mode & kModeUao)) aux |= ir::kGuardUser;
  return b.guard(base, {static_cast<int32_t>(offset), length, static_cast<uint8_t>(a.size), a.note}, aux);
}

Value Lifter::load(Type type, Value base, int64_t offset, unsigned size, bool is_signed, bool user) {
  const Value p = guard(base, offset, {.size = size, .user = user});
  return b.load(type, p, offset, static_cast<uint8_t>(size | (is_signed ? ir::kMemSigned : 0)));
}

void Lifter::store(Value base, int64_t offset, unsigned size, Value value, bool user) {
  const Value p = guard(base, offset, {.size = size, .write = true, .user = user});
  b.store(p, offset, value, static_cast<uint8_t>(size));
  b.commit(p);
}

void Lifter::leave(ExitReason reason, uint64_t imm, Value argument) {
  b.at(pc_offset, index + 1);  // an instruction that raises an exception counts
  b.exit_engine(static_cast<uint8_t>(reason), imm, argument);
}

void Lifter::settle_btype() {
  b.set(kSlotBtype, b.i32(0));
  btype_due = false;
}

void Lifter::complete() {
  if (btype_due) settle_btype();
  b.at(pc_offset + 4, index + 1);
}

void Lifter::leave_next(ExitReason reason, uint64_t imm) {
  complete();
  b.exit_engine(static_cast<uint8_t>(reason), imm);
}

void Lifter::branch(int64_t delta, ir::BranchKind how) {
  complete();
  const int64_t next = pc_offset + 4, target = pc_offset + delta;
  if (how == ir::BranchKind::kJump && walk.jump(target, next, index + 1))
    goes_to = target;
  else
    b.exit(target, how, return_address(how));
}

void Lifter::branch_if(Value cond, int64_t delta) {
  complete();
  const int64_t next = pc_offset + 4, target = pc_offset + delta;
  goes_to = build_branch(b, walk, cond, target, next, index + 1);
}

void Lifter::branch_indirect(Value target, ir::BranchKind how) {
  complete();
  b.exit_indirect(target, how, return_address(how));
}

Value Lifter::call(Helper helper, Type result, Value a, Value v1, Value v2) {
  return b.call(result, static_cast<unsigned>(helper), a, v1, v2);
}

bool Lifter::fp_access() {
  if (mode & kModeFpEnabled) return true;
  leave(ExitReason::kFpTrap);
  return false;
}

void lift_block(ir::Region& region, std::span<const uint8_t> page, uint32_t pc_offset, uint64_t mode,
                const CpuModel& model, const LiftOptions& options) {
  ir::Builder b(region);
  b.begin(slot_table(), helper_table());
  b.set_slow(options.slow);
  b.set_reuse(options.reuse);
  region.fp = fp_mode_of(mode);
  region.pc_offset = pc_offset;
  region.linkable = !(mode & kModeApart);
  Lifter l(b, model, mode, BlockWalk(pc_offset, options.side_exits && !options.slow));
  l.yields = options.yields;
  const unsigned max = mode & (kModeSingleStep | kModeBreakpoints) ? 1 : options.max_insts;
  uint32_t offset = pc_offset, end = pc_offset;  // end: of what the path has covered
  const bool writes_to_sp_matter = (mode & (kModeSpCheck | kModeSpMisaligned)) == kModeSpCheck;
  const unsigned btype = mode >> kModeBtypeShift & 3;
  l.btype_due = btype != 0;
  if (btype) b.set(kSlotBtype, b.i32(btype));  // the block may have been reached without C++
  while (true) {
    l.pc_offset = static_cast<int32_t>(offset);
    b.at(l.pc_offset, l.index);
    const bool stop = std::ranges::binary_search(options.stops, offset);
    if (l.index == max || l.end_block || offset + 4 > page.size() || (stop && l.index)) {
      b.exit(l.pc_offset);
      break;
    }
    if (stop) {
      b.exit_engine(static_cast<uint8_t>(ExitReason::kStop), 0);
      break;
    }
    if (mode & kModeIllegalState) {
      l.leave(ExitReason::kIllegalState);
      break;
    }
    l.goes_to = kNowhere;
    uint32_t word;
    std::memcpy(&word, page.data() + offset, 4);
    const Decoded d = decode(word);
    if (btype && l.index == 0 && (mode & kModeGuarded) && !accepts(word, btype, mode)) {
      l.leave(ExitReason::kBranchTarget, btype);
    } else if (!d || missing_feature(d, model.features)) {
      l.undefined(word);
    } else {
      kLift[static_cast<size_t>(d.encoding)](l, word);
    }
    offset += 4;
    end = std::max(end, offset);
    ++l.index;
    if (b.ended()) break;
    if (l.goes_to != kNowhere) offset = static_cast<uint32_t>(l.goes_to);
    if (l.btype_due) l.settle_btype();
    if (l.sp_written && writes_to_sp_matter && !l.sp_known_aligned()) {
      b.at(static_cast<int32_t>(offset), l.index);
      b.exit_engine_if(b.icmpz(Cond::ne, b.binary(Op::and_, b.get(kSlotSp), b.i64(15))),
                       static_cast<uint8_t>(ExitReason::kContinue));
    }
    l.sp_written = false;
  }
  region.guest_insts = l.index;
  region.guest_bytes = end > pc_offset ? end - pc_offset : 4;
  b.finish();
}

}  // namespace mynah::arm::a64
