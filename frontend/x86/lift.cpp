// SPDX-License-Identifier: Apache-2.0
//
// The walk over a guest block, and how its instructions read and write, access memory, branch and leave.
//
// A block is lifted from bytes, page offset and mode alone: it reads no register of the running processor,
// so what it holds is right whenever those are equal. Each instruction begins with Builder::at(), so that
// whatever leaves does so with that instruction's pc and count; one that raises an exception counts as
// executed.
#include "frontend/x86/lift.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "frontend/x86/cpu_model.h"
#include "frontend/x86/decode_cache.h"
#include "frontend/x86/vectors.h"

namespace mynah::x86 {

namespace {
// What x87 ops work on in memory.
constexpr ir::SlotSet kX87Slots = ir::SlotSet::range(kSlotMm0, 16) | ir::SlotSet{kSlotFsw, kSlotFcw};
static_assert(kSlotMmExponent0 == kSlotMm0 + 8);

constexpr uint8_t log2_of(unsigned bytes) { return static_cast<uint8_t>(std::bit_width(bytes) - 1); }
}  // namespace

// --- values

Value Lifter::zx(Value v, unsigned bits) {
  if (bits == 8) return b.unary(Op::zext8, v);
  if (bits == 16) return b.unary(Op::zext16, v);
  return v;
}

Value Lifter::sx(Value v, unsigned bits) {
  if (bits == 8) return b.unary(Op::sext8, v);
  if (bits == 16) return b.unary(Op::sext16, v);
  return v;
}

Value Lifter::extend(Value v, unsigned from, unsigned to, bool is_signed) {
  if (from >= to) return to == 64 ? v : narrow(v);
  if (to == 64) {
    if (from == 32) return is_signed ? b.sext32(v) : b.zext32(v);
    if (is_signed) return b.sext32(sx(v, from));
    return b.zext32(zx(v, from));
  }
  return is_signed ? sx(v, from) : zx(v, from);
}

void Lifter::set_reg(unsigned n, unsigned bits, Value value) {
  const auto slot = slot_r(n);
  if (bits == 64) return b.set(slot, value);
  if (bits == 32) return b.set(slot, wide(narrow(value)));
  b.set(slot, b.emit(Op::bfi, Type::i64, b.get(slot), wide(value), ir::kNoValue, bits, 0));
}

Value Lifter::high_byte(unsigned n) { return b.trunc(b.unary(Op::ubfx, reg64(n), 8, 8)); }

void Lifter::set_high_byte(unsigned n, Value value) {
  const auto slot = slot_r(n);
  b.set(slot, b.emit(Op::bfi, Type::i64, b.get(slot), wide(value), ir::kNoValue, 8, 8));
}

Value Lifter::read(const Operand& o) {
  switch (o.kind) {
    case Operand::Kind::kRegister:
      if (o.reg_class == RegisterClass::kHighByte) return high_byte(o.reg);
      return reg(o.reg, o.bits);
    case Operand::Kind::kImmediate:
      return konst(i.operand_bits == 64 ? 64 : 32, static_cast<uint64_t>(o.value));
    default:
      return load(place(o, {.bytes = o.bits / 8u}), o.bits);
  }
}

void Lifter::write(const Operand& o, Value value) {
  if (o.is_register()) {
    if (o.reg_class == RegisterClass::kHighByte) return set_high_byte(o.reg, value);
    return set_reg(o.reg, o.bits, value);
  }
  const Place p = place(o, {.bytes = o.bits / 8u, .write = true});
  store(p, o.bits, value);
  stored_to(p);
}

Value Lifter::cond(unsigned cc) {
  constexpr Cond kConds[] = {Cond::vs, Cond::vc, Cond::cs, Cond::cc, Cond::eq, Cond::ne, Cond::be, Cond::ab,
                             Cond::mi, Cond::pl, Cond::pe, Cond::po, Cond::lt, Cond::ge, Cond::le, Cond::gt};
  return b.cond(kConds[cc & 15], flags());
}

// --- addresses

Lifter::Linear Lifter::address_parts(const Operand& m, bool apart) {
  const unsigned bits = i.address_bits;
  Linear at{ir::kNoValue, m.value, 0};
  if (m.base == kRip) {
    at.base = b.get(kSlotPcPage);
    at.offset += next_offset();
    // In 64-bit code RIP is linear; with an address size of 32 bits the sum is cut below.
  } else if (m.base != kNoRegister) {
    at.base = reg64(m.base);
  }
  if (m.index != kNoRegister && !m.index_is_vector) {
    // In 32-bit code by 32 bits, since an index may well be negative (see below).
    const unsigned width = code64() ? 64 : 32;
    Value index = reg(m.index, width);
    if (m.scale > 1) index = b.binary(Op::shl, index, konst(width, std::countr_zero(unsigned{m.scale})));
    if (at.base != ir::kNoValue) index = b.add(width == 64 ? at.base : b.trunc(at.base), index);
    at.base = wide(index);
  }
  if (at.base == ir::kNoValue) {
    at.base = b.i64(static_cast<uint64_t>(at.offset));
    at.offset = 0;
    if (bits == 32) at.base = b.i64(static_cast<uint32_t>(m.value));
    if (bits == 16) at.base = b.i64(static_cast<uint16_t>(m.value));
    return at;
  }
  // In 32-bit code whatever is above bit 31 does not count (X86Cpu::canonical()). But one page by two
  // addresses would be two in one place of the TLB: an address that is far from its register is cut.
  constexpr int64_t kNear = 1 << 20;
  if (bits == 32 && !code64() && (at.offset < -kNear || at.offset > kNear)) {
    at.base = b.zext32(b.add(b.trunc(at.base), b.i32(static_cast<uint32_t>(at.offset))));
    at.offset = 0;
  }
  const bool cut = bits == 16 || (bits == 32 && (code64() || !apart));
  if (cut || !apart || at.offset != static_cast<int32_t>(at.offset)) {
    at.base = b.add_imm(at.base, at.offset);
    at.offset = 0;
  }
  if (cut) at.base = bits == 16 ? b.unary(Op::zext16, at.base) : b.zext32(b.trunc(at.base));
  return at;
}

Value Lifter::effective_address(const Operand& m) { return address_parts(m, false).base; }

Lifter::Linear Lifter::linear(unsigned segment, const Linear& ea, unsigned bytes, bool write) {
  Linear at = ea;
  if (segment == kSs) at.note = kNoteStack;
  if (code64()) {
    if (segment >= kFs) at.base = b.add(at.base, b.get(slot_base(segment)));
    return at;
  }
  if (mode & mode_flat(segment) && !(write && segment == kCs)) return at;
  if (mode & mode_full(segment) && !(write && segment == kCs)) {
    at.base = b.zext32(b.add(b.trunc(at.base), b.trunc(b.get(slot_base(segment)))));
    return at;
  }
  const Value whole = b.zext32(b.trunc(b.add_imm(at.base, at.offset)));
  at.offset = 0;
  if (!slow && (segment >= kFs || real_or_vm86())) {  // those whose limits are seldom reached
    b.exit_engine_if(b.icmp(Cond::hi, b.add_imm(whole, bytes), b.get(slot_open(segment))),
                     static_cast<uint8_t>(ExitReason::kSlow));
    at.base = b.zext32(b.add(b.trunc(whole), b.trunc(b.get(slot_base(segment)))));
    return at;
  }
  at.base =
      call(Helper::kSegmentAddress, Type::i64, b.i64(segment), whole, b.i64(bytes | (write ? 1u << 31 : 0)));
  return at;
}

Lifter::Place Lifter::place(const Operand& m, const Access& access, int64_t more) {
  Linear ea = address_parts(m, true);
  ea.offset += more;
  return [&] {
    const Linear at = linear(m.segment, ea, access.bytes, access.write);
    Access a = access;
    a.note |= at.note;
    return place_linear(at.base, at.offset, a);
  }();
}

Lifter::Place Lifter::place_at(unsigned segment, Value address, const Access& access, int64_t more) {
  const Linear at = linear(segment, {address, more, 0}, access.bytes, access.write);
  Access a = access;
  a.note |= at.note;
  return place_linear(at.base, at.offset, a);
}

Lifter::Place Lifter::place_linear(Value base, int64_t offset, const Access& access) {
  if (offset != static_cast<int32_t>(offset)) {
    base = b.add_imm(base, offset);
    offset = 0;
  }
  unsigned align = access.align;
  uint8_t note = access.note;
  if (align) note |= kNoteAligned;
  const bool power = std::has_single_bit(access.bytes);
  if (!align && (mode & kModeAlignCheck) && user() && power) align = log2_of(access.bytes);
  auto aux = static_cast<uint8_t>(align << ir::kGuardAlignShift);
  if (access.write) aux |= ir::kGuardWrite;
  if (access.read_write) aux |= ir::kGuardWrite | ir::kGuardReadWrite;
  if (this->access) aux |= ir::kGuardUser;
  const unsigned element = access.element != ~0u        ? access.element
                           : power && access.bytes <= 8 ? log2_of(access.bytes)
                                                        : 3;
  return {
      b.guard(base, {static_cast<int32_t>(offset), access.bytes, static_cast<uint8_t>(element), note}, aux),
      offset};
}

Value Lifter::linear_address(const Operand& m, unsigned bytes, bool write) {
  const Linear at = linear(m.segment, address_parts(m, false), bytes, write);
  const Value whole = b.add_imm(at.base, at.offset);
  if (!code64()) return b.zext32(b.trunc(whole));
  if (at.note & kNoteStack) {                               // a helper would not know that this is #SS
    const Value unused = b.i64(mode & kModeLa57 ? 7 : 16);  // bits of an address
    const Value canonical = b.binary(Op::ashr, b.binary(Op::shl, whole, unused), unused);
    fault_if(b.icmpz(Cond::ne, b.binary(Op::xor_, canonical, whole)), exception_imm(vector::kStack, 0));
  }
  return whole;
}

Value Lifter::load(const Place& p, unsigned bits, int64_t more) {
  return b.load(type_of(bits), p.pointer, p.offset + more, log2_of(bits / 8));
}

void Lifter::store(const Place& p, unsigned bits, Value value, int64_t more) {
  if (bits < 64) value = narrow(value);
  b.store(p.pointer, p.offset + more, value, log2_of(bits / 8));
}

void Lifter::store_vector(const Place& p, Value value, int64_t more) {
  b.store(p.pointer, p.offset + more, value, 4);
}

void Lifter::stored_to(const Place& p) {
  b.commit(p.pointer);
  stored = true;
}

// --- stack

void Lifter::push(unsigned bits, Value value) {
  const auto bytes = static_cast<int64_t>(bits / 8);
  const Access access{.bytes = bits / 8, .write = true};
  if (stack_bits() == 16) {
    const Value sp = b.unary(Op::zext16, b.add_imm(reg64(kRsp), -bytes));
    const Place p = place_at(kSs, sp, access);
    store(p, bits, value);
    stored_to(p);
    return set_reg(kRsp, 16, b.trunc(sp));
  }
  const Value sp = reg64(kRsp);
  const Place p = place_at(kSs, sp, access, -bytes);
  store(p, bits, value);
  stored_to(p);
  drop(-bytes);
}

Value Lifter::top(unsigned bits, int64_t more) {
  const Access access{.bytes = bits / 8};
  if (stack_bits() == 16)
    return load(place_at(kSs, b.unary(Op::zext16, b.add_imm(reg64(kRsp), more)), access), bits);
  return load(place_at(kSs, reg64(kRsp), access, more), bits);
}

void Lifter::drop(int64_t bytes) {
  if (stack_bits() == 64) return b.set(slot_r(kRsp), b.add_imm(reg64(kRsp), bytes));
  set_reg(kRsp, stack_bits(), b.add_imm(reg(kRsp, 32), bytes));
}

// --- flags

// ir/flags.h's layout has SF, ZF, AF, PF and CF at EFLAGS' places, eight bits up, and OF in bit 0.
Value Lifter::status_word() {
  const Value bits = b.emit(Op::fl_bits, Type::i32, flags());
  const Value low = b.binary(Op::and_, b.binary(Op::lshr, bits, b.i32(8)), b.i32(0xd5));
  const Value of = b.binary(Op::shl, b.binary(Op::and_, bits, b.i32(1)), b.i32(11));
  return b.binary(Op::or_, low, of);
}

Value Lifter::status_group(Value word) {
  const Value low = b.binary(Op::shl, b.binary(Op::and_, word, b.i32(0xd5)), b.i32(8));
  const Value of = b.unary(Op::ubfx, word, 1, 11);
  return b.emit(Op::fl_of_bits, Type::flags, b.binary(Op::or_, low, of));
}

// carry_bit, overflow_bit: i32, 0 or 1.
Value Lifter::with_carry(Value others, Value carry_bit, Value overflow_bit) {
  const Value bits = b.binary(Op::or_, b.binary(Op::shl, carry_bit, b.i32(8)), overflow_bit);
  return b.emit(Op::fl_merge, Type::flags, others, b.emit(Op::fl_of_bits, Type::flags, bits), ir::kNoValue,
                ir::kFlagC | ir::kFlagV);
}

// --- pc

Value Lifter::ip_at(int64_t page_offset) {
  Value ip = linear_pc(page_offset);
  if (code64()) return ip;
  if (!flat(kCs)) ip = b.sub(ip, b.get(slot_base(kCs)));
  return b.zext32(b.trunc(ip));
}

void Lifter::complete() { b.at(next_offset(), index + 1); }

void Lifter::leave(ExitReason reason, uint64_t imm, Value argument) {
  b.at(pc_offset, index + 1);  // an instruction that raises an exception counts
  b.exit_engine(static_cast<uint8_t>(reason), imm, argument);
}

void Lifter::leave_next(ExitReason reason, uint64_t imm) {
  complete();
  b.exit_engine(static_cast<uint8_t>(reason), imm);
}

void Lifter::fault_if(Value condition, uint64_t imm) {
  b.at(pc_offset, index + 1);
  b.exit_engine_if(condition, static_cast<uint8_t>(ExitReason::kException), imm);
  b.at(pc_offset, index);
}

void Lifter::repeat() {
  b.at(pc_offset, index + 1);
  if (by_steps()) return b.exit_engine(static_cast<uint8_t>(ExitReason::kRepeat), 0);
  b.exit(pc_offset);
}

bool Lifter::needs_cpl0() {
  if (cpl() == 0) return true;
  fault(vector::kGeneralProtection, 0);
  return false;
}

// A direct exit's target is relative to the page: right where IP does not wrap at 16 bits.
bool Lifter::direct_target(int64_t) const { return i.operand_bits != 16; }

void Lifter::branch(int64_t delta, ir::BranchKind how, Value return_address) {
  if (!direct_target(delta))
    return branch_indirect(b.unary(Op::zext16, b.add_imm(next_ip(), delta)), how, return_address);
  complete();
  const int64_t target = next_offset() + delta;
  if (how == ir::BranchKind::kJump && walk.jump(target, next_offset(), index + 1))
    goes_to = target;
  else
    b.exit(target, how, return_address);
}

void Lifter::branch_if(Value condition, int64_t delta) {
  if (!direct_target(delta)) {
    const Value next = next_ip();
    const Value target = b.unary(Op::zext16, b.add_imm(next, delta));
    return branch_indirect(b.select(condition, target, next), ir::BranchKind::kJump);
  }
  complete();
  const int64_t next = next_offset(), target = next + delta;
  goes_to = build_branch(b, walk, condition, target, next, index + 1);
}

void Lifter::branch_indirect(Value target, ir::BranchKind how, Value return_address) {
  if (!flat(kCs) && !code64()) target = b.zext32(b.trunc(b.add(target, b.get(slot_base(kCs)))));
  complete();
  b.exit_indirect(target, how, return_address);
}

// --- blocks

namespace {

// The bytes at an offset, which may go on in the next page; kMaxInstructionBytes at most.
class Bytes {
 public:
  explicit Bytes(CodeSource& source) : source_(source) {}
  // What the block's page has of them; all that are asked for where there are so many.
  std::span<const uint8_t> in_page(uint32_t offset) const {
    const auto page = source_.page();
    return page.subspan(offset, std::min<size_t>(kMaxInstructionBytes, page.size() - offset));
  }
  // With the next page's; empty where that cannot be fetched.
  std::span<const uint8_t> across(uint32_t offset) {
    const auto first = in_page(offset);
    const auto next = source_.next_page();
    if (next.empty()) return {};
    std::memcpy(joined_, first.data(), first.size());
    std::memcpy(joined_ + first.size(), next.data(), kMaxInstructionBytes - first.size());
    return joined_;
  }

 private:
  CodeSource& source_;
  uint8_t joined_[kMaxInstructionBytes];
};

void lift_one(Lifter& l) {
  if (l.i.status == Decoded::Status::kTooLong) return l.fault(vector::kGeneralProtection, 0);
  if (l.i.status == Decoded::Status::kInvalid) return l.leave(ExitReason::kUndefined, 0);
  // Prefixes that older processors ignore.
  if (l.i.mnemonic == ZYDIS_MNEMONIC_LZCNT && !l.model.has(Feature::kAbm))
    l.i.mnemonic = ZYDIS_MNEMONIC_BSR;
  else if (l.i.mnemonic == ZYDIS_MNEMONIC_TZCNT && !l.model.has(Feature::kBmi1))
    l.i.mnemonic = ZYDIS_MNEMONIC_BSF;
  else if (!l.model.has_isa(l.i.isa_set))
    return l.leave(ExitReason::kUndefined,
                   static_cast<uint64_t>(l.i.mnemonic) | 1 << 16 | uint64_t{l.i.isa_set} << 32);
  const Row* row = find_row(l.i.mnemonic);
  if (!row) return l.undefined();
  row->lift(l, row->argument);
}

constexpr bool in_page(int64_t target) { return target >= 0 && target < 4096; }

// Something of what was lifted since may go on by a jump cache or the return stack, which know no EFLAGS.AC.
// A link within the page needs not: at an exit the flag is what it always is there.
bool leaves_by_caches(const ir::Region& region, size_t since) {
  return std::any_of(region.insts.begin() + static_cast<ptrdiff_t>(since), region.insts.end(),
                     [](const ir::Inst& i) {
                       if (i.op == Op::exit) return !in_page(i.target()) || i.args[0] != ir::kNoValue;
                       return i.op == Op::exit_indirect || (i.op == Op::exit_if && !in_page(i.target()));
                     });
}

}  // namespace

Lifted lift_block(ir::Region& region, CodeSource& source, uint32_t pc_offset, uint64_t mode,
                  const CpuModel& model, const LiftOptions& options) {
  ir::Builder b(region);
  b.begin(slot_table(), helper_table());
  b.set_slow(options.slow);
  b.set_reuse(options.reuse);
  region.fp = fp_mode_of(mode);
  region.f80_slots = kX87Slots;
  region.pc_offset = pc_offset;
  region.linkable = !(mode & kModeApart);
  Lifter l(b, model, mode, BlockWalk(pc_offset, options.side_exits && !options.slow));
  l.slow = options.slow;
  l.yields = options.yields;
  const unsigned max = mode & (kModeApart | kModeDebug) ? 1 : options.max_insts;
  Bytes bytes(source);
  static thread_local DecodeCache cache;
  uint32_t offset = pc_offset, end = pc_offset;  // end: of what the path has covered
  const auto finish_at = [&](ExitReason reason) {
    if (l.access && !in_page(l.pc_offset)) region.linkable = false;
    if (l.after_sti) {
      b.exit_engine_if(b.icmpz(Cond::ne, l.was_enabled), static_cast<uint8_t>(reason));
      return b.exit_engine(static_cast<uint8_t>(ExitReason::kShadow), 1);
    }
    if (reason == ExitReason::kContinue) return b.exit(l.pc_offset);
    b.exit_engine(static_cast<uint8_t>(reason), 0);
  };
  while (true) {
    l.pc_offset = static_cast<int32_t>(offset);
    b.at(l.pc_offset, l.index);
    const bool stop = std::ranges::binary_search(options.stops, offset);
    if (stop && l.index == 0) {
      b.exit_engine(static_cast<uint8_t>(ExitReason::kStop), 0);
      break;
    }
    if (l.index == max || offset >= source.page().size() || stop) {
      finish_at(ExitReason::kContinue);
      break;
    }
    const bool real = mode & kModeReal;
    size_t looked_at = bytes.in_page(offset).size();
    cache.decode(bytes.in_page(offset), l.width(), real, l.i);
    if (l.i.status == Decoded::Status::kNeedsMore) {
      const auto whole = bytes.across(offset);
      if (whole.empty() && l.index == 0) return Lifted::kNextPageFaults;
      if (whole.empty()) {
        finish_at(ExitReason::kContinue);
        break;
      }
      l.i = decode(whole, l.width(), real);
      looked_at = whole.size();
    }
    // What is no instruction is so by all its bytes.
    if (l.i.status != Decoded::Status::kValid) l.i.length = static_cast<uint8_t>(looked_at);
    l.ends = l.stored = l.cuts = l.after_sti = false;
    l.goes_to = kNowhere;
    const bool access = l.access;
    const size_t before = region.insts.size();
    lift_one(l);
    if (access && leaves_by_caches(region, before)) region.linkable = false;
    offset += l.i.length;
    end = std::max(end, offset);
    ++l.index;
    if (b.ended()) break;
    if (l.goes_to != kNowhere) offset = static_cast<uint32_t>(l.goes_to);
    if (l.ends || l.cuts || (options.slow && l.stored)) {
      b.at(static_cast<int32_t>(offset), l.index);
      if (l.access && !in_page(offset)) region.linkable = false;
      if (l.ends)
        b.exit_engine(static_cast<uint8_t>(ExitReason::kContinue), 0);
      else
        b.exit(static_cast<int64_t>(offset));
      break;
    }
  }
  region.guest_insts = l.index;
  region.guest_bytes = end > pc_offset ? end - pc_offset : 1;
  b.finish();
  return Lifted::kBlock;
}

}  // namespace mynah::x86
