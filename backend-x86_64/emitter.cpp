// SPDX-License-Identifier: Apache-2.0
//
// Buffer, moves, jumps and cold stubs around what emit functions write; see emitter.h.
#include "backend-x86_64/emitter.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "ir/saved.h"
#include "ir/verify.h"

namespace mynah::x86_64 {

using namespace ir::alloc;
using ir::kNoValue;

const uint32_t Emitter::kSet[16] = {Id::kIdSeto, Id::kIdSetno, Id::kIdSetb,  Id::kIdSetnb,
                                    Id::kIdSetz, Id::kIdSetnz, Id::kIdSetbe, Id::kIdSetnbe,
                                    Id::kIdSets, Id::kIdSetns, Id::kIdSetp,  Id::kIdSetnp,
                                    Id::kIdSetl, Id::kIdSetnl, Id::kIdSetle, Id::kIdSetnle};
const uint32_t Emitter::kCmov[16] = {Id::kIdCmovo, Id::kIdCmovno, Id::kIdCmovb,  Id::kIdCmovnb,
                                     Id::kIdCmovz, Id::kIdCmovnz, Id::kIdCmovbe, Id::kIdCmovnbe,
                                     Id::kIdCmovs, Id::kIdCmovns, Id::kIdCmovp,  Id::kIdCmovnp,
                                     Id::kIdCmovl, Id::kIdCmovnl, Id::kIdCmovle, Id::kIdCmovnle};

namespace {
constexpr size_t kFirstRoom = 16 << 10;  // enough for most regions

void byte(x86::Assembler& a, uint8_t v) { *a._bufferPtr++ = v; }
void word(x86::Assembler& a, uint32_t v) {
  std::memcpy(a._bufferPtr, &v, 4);
  a._bufferPtr += 4;
}
}  // namespace

// An instruction that the assembler refuses is a bug here: nothing sensible can follow.
class Emitter::Errors : public asmjit::ErrorHandler {
 public:
  explicit Errors(const Emitter& emitter) : emitter_(emitter) {}
  void handleError(asmjit::Error, const char* message, asmjit::BaseEmitter*) override {
    if (emitter_.region_ && emitter_.program_)
      emitter_.broken(std::string("the assembler refuses what emits ") +
                      std::string(ir::info(emitter_.current().op).name) + ": " + message);
    emitter_.broken(std::string("the assembler refuses a thunk: ") + message);
  }

 private:
  const Emitter& emitter_;
};

Emitter::Emitter(const Features& features, const ir::BackendOptions& options)
    : features(features), options_(options) {
  errors_ = std::make_unique<Errors>(*this);
  code_.init(asmjit::Environment::host());
  code_.setErrorHandler(errors_.get());
  code_.attach(&a);
  a.addEncodingOptions(asmjit::EncodingOptions::kOptimizeForSize);
  if (options.validate) a.addDiagnosticOptions(asmjit::DiagnosticOptions::kValidateAssembler);
  own_buffer_ = code_.textSection()->_buffer;
}

Emitter::~Emitter() { code_.textSection()->_buffer = own_buffer_; }

void Emitter::start(ir::CompiledCode& out) {
  out_ = &out;
  out.size = 0;
  out.relocations.clear();
  out.sites.clear();
  out.saved.clear();
  near_.clear();
  back_.clear();
  a._bufferData = a._bufferPtr = nullptr;
  attach();
}

// The assembler writes straight into the buffer, from where it is on.
void Emitter::attach() {
  const uint32_t at = position();
  asmjit::CodeBuffer& buffer = code_.textSection()->_buffer;
  buffer._data = out_->buffer.data();
  buffer._size = 0;
  buffer._capacity = out_->buffer.size();
  buffer._flags = asmjit::CodeBufferFlags::kIsExternal | asmjit::CodeBufferFlags::kIsFixed;
  a._bufferData = buffer._data;
  a._bufferPtr = buffer._data + at;
  a._bufferEnd = buffer._data + buffer._capacity;
}

void Emitter::make_room(size_t bytes) {
  if (static_cast<size_t>(a._bufferEnd - a._bufferPtr) < bytes) grow(bytes);
}

void Emitter::grow(size_t bytes) {
  out_->buffer.resize(std::max(position() + bytes, 2 * out_->buffer.size()));
  attach();
}

void Emitter::finish() {
  out_->size = position();
  region_ = nullptr;
  program_ = nullptr;
}

// --- operands

asmjit::Operand Emitter::operand(const Regs& r, unsigned k, Type t) const {
  const bool is_wide = wide(t);
  if (r.is_imm(k)) {
    const uint64_t v = imm(r, k);
    return asmjit::Imm(is_wide ? static_cast<int64_t>(v) : static_cast<int64_t>(static_cast<int32_t>(v)));
  }
  if (r.is_mem(k)) return slot_of(r.step.value[k], is_wide ? 8 : 4);
  return gp(t, r[k]);
}

int32_t Emitter::memory_disp(const Inst& inst, const Regs& r, unsigned k) const {
  const Inst& value = region_->insts[r.step.value[k]];
  const Inst& pointer = value.op == Op::index ? region_->insts[value.args[0]] : value;
  // A guard's register points to the start of its range, its value to the base.
  const int64_t lo = pointer.op == Op::guard ? ir::guard_range(pointer).lo : 0;
  return static_cast<int32_t>(inst.offset() - lo);
}

x86::Mem Emitter::memory(const Inst& inst, const Regs& r, unsigned k, uint32_t size) const {
  return x86::ptr(r64(r[k]), memory_disp(inst, r, k), size);
}

void Emitter::load_const(const x86::Gp& to, uint64_t value, bool keep_flags) {
  const Reg r = static_cast<Reg>(to.id());
  if (value == 0 && !keep_flags) {
    encode::registers(a._bufferPtr, encode::opcode(Alu::xor_), false, r, r);
  } else if (value >> 32 == 0) {
    if (r >= 8) byte(a, 0x41);
    byte(a, 0xb8 | (r & 7));
    word(a, static_cast<uint32_t>(value));
  } else if (static_cast<int64_t>(value) == static_cast<int32_t>(value)) {
    encode::registers(a._bufferPtr, 0xc7, true, 0, r);
    word(a, static_cast<uint32_t>(value));
  } else {
    byte(a, r >= 8 ? 0x49 : 0x48);
    byte(a, 0xb8 | (r & 7));
    word(a, static_cast<uint32_t>(value));
    word(a, static_cast<uint32_t>(value >> 32));
  }
}

void Emitter::load_const(Reg to, uint64_t value) { load_const(r64(to), value, flags_needed()); }

void Emitter::vec_mov(Reg to, Reg from) {
  if (to == from) return;
  if (features.avx)
    a.vmovaps(xmm(to), xmm(from));
  else
    a.movaps(xmm(to), xmm(from));
}

void Emitter::load_vector_const(Reg to, uint64_t lo, uint64_t hi) {
  const x86::Xmm x = xmm(to);
  if (lo == 0 && hi == 0) {
    a.xorps(x, x);
    return;
  }
  if (lo == ~uint64_t{0} && hi == ~uint64_t{0}) {
    a.pcmpeqd(x, x);
    return;
  }
  if (lo) {
    load_const(x86::rax, lo, true);
    if (lo >> 32)
      a.movq(x, x86::rax);
    else
      a.movd(x, x86::eax);
  } else {
    a.xorps(x, x);
  }
  if (hi == 0) return;
  if (hi == lo) {
    a.punpcklqdq(x, x);
    return;
  }
  load_const(x86::rax, hi, true);
  a.pinsrq(x, x86::rax, 1);
}

void Emitter::vec3(uint32_t sse, uint32_t avx, Reg to, Reg x, Reg y) {
  if (features.avx)
    a.emit(avx, xmm(to), xmm(x), xmm(y));
  else
    a.emit(sse, xmm(to), xmm(y));
}

// --- branches

void Emitter::fill(size_t bytes) {
  std::memset(a._bufferPtr, 0xcc, bytes);
  a._bufferPtr += bytes;
}

Emitter::Mark Emitter::jump_short() {
  byte(a, 0xeb);
  byte(a, 0);
  return position();
}
void Emitter::broken(const std::string& what) const {
  if (region_) ir::broken(*region_, "x86-64 emitter: " + what);
  std::fprintf(stderr, "mynah: x86-64 emitter: %s\n", what.c_str());
  std::abort();
}

Emitter::Mark Emitter::jump_short(Cc cc) {
  byte(a, 0x70 | static_cast<uint8_t>(cc));
  byte(a, 0);
  return position();
}
void Emitter::land_short(Mark mark) {
  const uint32_t distance = position() - mark;
  if (distance > 127) broken("a short jump does not reach");
  a._bufferData[mark - 1] = static_cast<uint8_t>(distance);
}
void Emitter::jump_back(Cc cc, uint32_t target) {
  byte(a, 0x70 | static_cast<uint8_t>(cc));
  byte(a, 0);
  a._bufferPtr[-1] = static_cast<uint8_t>(target - position());
}
void Emitter::jump_back(uint32_t target) {
  byte(a, 0xe9);
  back_.push_back({position(), target});
  word(a, 0);
}
void Emitter::jump_back_near(Cc cc, uint32_t target) {
  byte(a, 0x0f);
  byte(a, 0x80 | static_cast<uint8_t>(cc));
  back_.push_back({position(), target});
  word(a, 0);
}
Emitter::Mark Emitter::jump_near() {
  byte(a, 0xe9);
  word(a, 0);
  near_.push_back({.end = position(), .conditional = false});
  return static_cast<Mark>(near_.size());
}
Emitter::Mark Emitter::jump_near(Cc cc) {
  byte(a, 0x0f);
  byte(a, 0x80 | static_cast<uint8_t>(cc));
  word(a, 0);
  near_.push_back({.end = position(), .conditional = true});
  return static_cast<Mark>(near_.size());
}
void Emitter::land_near(Mark mark) { near_[mark - 1].target = position(); }

void Emitter::thunk_distance(Thunk thunk) {
  out_->relocations.push_back(
      {.offset = position(), .kind = kToThunk, .addend = -4, .number = static_cast<uint16_t>(thunk)});
  word(a, 0);
}
void Emitter::call(Thunk thunk) {
  byte(a, 0xe8);
  thunk_distance(thunk);
}
void Emitter::load_address(const x86::Gp& to, Thunk thunk) {
  a.lea(to, x86::ptr(x86::rip, 0));
  a._bufferPtr -= 4;
  thunk_distance(thunk);
}
void Emitter::jump(Thunk thunk) {
  byte(a, 0xe9);
  thunk_distance(thunk);
}
void Emitter::jump(Cc cc, Thunk thunk) {
  byte(a, 0x0f);
  byte(a, 0x80 | static_cast<uint8_t>(cc));
  thunk_distance(thunk);
}

// behind: bytes of the instruction that follow the distance.
void Emitter::constant_distance(K k, unsigned behind) {
  out_->relocations.push_back({.offset = position() - 4 - behind,
                               .kind = kToConstant,
                               .addend = static_cast<int8_t>(-4 - static_cast<int>(behind)),
                               .number = static_cast<uint16_t>(k)});
}
void Emitter::constant(uint32_t id, const asmjit::Operand_& x, K k) {
  a.emit(id, x, x86::ptr(x86::rip, 0));
  constant_distance(k, 0);
}
void Emitter::constant(uint32_t id, const asmjit::Operand_& x, const asmjit::Operand_& y, K k) {
  a.emit(id, x, y, x86::ptr(x86::rip, 0));
  constant_distance(k, 0);
}
void Emitter::constant(uint32_t id, const asmjit::Operand_& x, const asmjit::Operand_& y, K k, uint8_t imm) {
  a.emit(id, x, y, x86::ptr(x86::rip, 0), asmjit::Imm(imm));
  constant_distance(k, 1);
}

// Conditional jumps to cold stubs that are close become short, and what follows moves up. Everything that
// depends on a position is known: relocations, other near jumps, sites.
void Emitter::shorten() {
  constexpr uint32_t kSaved = 4;
  uint32_t saved = 0;
  // A jump's distance shrinks by what the jumps between it and its target save; from the last to the first,
  // those are known (targets lie behind every jump).
  for (size_t i = near_.size(); i-- > 0;) {
    Near& j = near_[i];
    if (!j.conditional || j.patched_later || j.target - j.end - saved > 127) continue;
    j.is_short = true;
    saved += kSaved;
  }
  cuts_.clear();
  for (const Near& j : near_)
    if (j.is_short) cuts_.push_back(j.end);
  const auto moved = [&](uint32_t at) {
    uint32_t before = 0;
    for (const uint32_t cut : cuts_) {
      if (cut > at) break;
      before += kSaved;
    }
    return at - before;
  };
  uint8_t* const code = a._bufferData;
  for (const Near& j : near_) {
    const uint32_t distance = moved(j.target) - moved(j.end);
    if (j.is_short) {
      code[j.end - 6] = code[j.end - 5] - 0x10;  // 0f 8x -> 7x
      code[j.end - 5] = static_cast<uint8_t>(distance);
    } else {
      std::memcpy(code + j.end - 4, &distance, 4);
    }
  }
  for (const Back& b : back_) {
    const uint32_t distance = moved(b.target) - moved(b.at + 4);
    std::memcpy(code + b.at, &distance, 4);
  }
  if (cuts_.empty()) return;
  uint8_t* to = code + cuts_[0] - kSaved;
  for (size_t i = 0; i < cuts_.size(); ++i) {
    const uint32_t next = i + 1 < cuts_.size() ? cuts_[i + 1] - kSaved : position();
    std::memmove(to, code + cuts_[i], next - cuts_[i]);
    to += next - cuts_[i];
  }
  a._bufferPtr = to;
  for (ir::Relocation& r : out_->relocations) r.offset = moved(r.offset);
  for (Site& s : out_->sites) {
    s.offset = moved(s.offset);
    s.resume = moved(s.resume);
  }
}

// --- the region

void Emitter::moves(const Step& step) {
  for (unsigned i = 0; i < step.move_count; ++i) {
    const Move& m = program_->moves[step.first_move + i];
    const Type t = type(m.value);
    const bool vector = is_register(m.to) ? m.to >= kVectorBase : m.from >= kVectorBase;
    switch (m.kind) {
      case Move::Kind::kCopy:
        if (vector)
          vec_mov(m.to, m.from);
        else
          mov(t, m.to, m.from);
        break;
      case Move::Kind::kSpill:
        if (!vector)
          store(Type::i64, m.from, kRbp, spill_disp(m.spill));
        else if (features.avx)
          a.vmovups(spill(m.spill), xmm(m.from));
        else
          a.movups(spill(m.spill), xmm(m.from));
        break;
      case Move::Kind::kReload:
        if (!vector)
          load(Type::i64, m.to, kRbp, spill_disp(m.spill));
        else if (features.avx)
          a.vmovups(xmm(m.to), spill(m.spill));
        else
          a.movups(xmm(m.to), spill(m.spill));
        break;
      case Move::Kind::kConst: {
        const Inst& inst = region_->insts[m.value];
        const ir::V128 bits = region_->constant(inst);
        if (!vector)
          load_const(m.to, bits.lo);
        else
          load_vector_const(m.to, bits.lo, bits.hi);
        break;
      }
      case Move::Kind::kHome: {
        const Step get{.inst = m.value, .result = m.value, .result_where = m.to};
        row(Op::get).emit(*this, region_->insts[m.value], Regs{get});
        break;
      }
    }
  }
}

// Room for a step's moves and code: generous bounds.
size_t Emitter::needed(const Step& step) const {
  const Inst& inst = region_->insts[step.inst];
  size_t need = 512 + 40 * step.move_count;
  if (inst.snapshot != ir::kNoSnapshot) need += 40 * region_->snapshots[inst.snapshot].count;
  return need;
}

void Emitter::region(const ir::Region& region, ir::CompiledCode& out, Program& program,
                     const Selector& selector) {
  start(out);
  region_ = &region;
  program_ = &program;
  selector_ = &selector;
  cold_.clear();
  flags = {};
  f80 = {};
  state_written = false;
  index_ = 0;
  make_room(kFirstRoom);

  // The entry. Its first five bytes are what Patch::kKill overwrites.
  Mark other_name = 0;
  const bool crosses = region.pc_offset + region.guest_bytes > ir::kPageSize;
  if (crosses) {
    emit_name_check();
    other_name = jump_near(Cc::ne);
    keep_near(other_name);
  }
  if (region.smp)
    encode::alu_immediate_long(a._bufferPtr, Alu::sub, kR13, static_cast<int32_t>(region.guest_insts));
  else
    alu(Alu::sub, Type::i32, kR13, static_cast<int32_t>(region.guest_insts));
  const Mark deadline = jump_near(Cc::s);

  for (index_ = 0; index_ < program.steps.size(); ++index_) {
    const Step& step = program.steps[index_];
    make_room(needed(step));
    if (step.move_count) moves(step);
    if ((step.target & kOnlyResult) && step.result_where == kNone) continue;
    const Inst& inst = region.insts[step.inst];
    if (!f80.empty() && wants_file(step)) f80.flush(*this);
    row(inst.op).emit(*this, inst, Regs{step});
    if ((step.target & kEffectMask) == kSetsFlags)
      flags = {.sub = inst.op == Op::sub || inst.op == Op::sbc || inst.op == Op::neg};
  }
  // Cold stubs, the short ones first so that more of them are close.
  land_near(deadline);
  call(Thunk::deadline);
  out.sites.push_back({.kind = Site::Kind::kDeadline,
                       .offset = position(),
                       .pc_offset = static_cast<int32_t>(region.pc_offset)});
  if (crosses) {
    land_near(other_name);
    call(Thunk::dead);
  }
  for (const auto kind : {Cold::Kind::kGuard, Cold::Kind::kEngine, Cold::Kind::kReturn, Cold::Kind::kExit,
                          Cold::Kind::kSaturated, Cold::Kind::kOp}) {
    for (const Cold& cold : cold_) {
      if (cold.kind != kind) continue;
      index_ = cold.step;
      make_room(needed(program.steps[cold.step]));
      cold_stub(cold);
    }
  }
  shorten();
  finish();
}

// cmp dword [rbp + field], name, as patch.cpp rewrites it. No code has this name.
void Emitter::emit_name_check() {
  const uint8_t bytes[kNameCompareSize] = {0x81, 0xbd};
  std::memcpy(a._bufferPtr, bytes, sizeof bytes);
  const int32_t field = MYNAH_RUNTIME(code_names);
  std::memcpy(a._bufferPtr + 2, &field, 4);
  const uint32_t none = ~uint32_t{0};
  std::memcpy(a._bufferPtr + 6, &none, 4);
  a._bufferPtr += sizeof bytes;
}

void Emitter::cold_stub(const Cold& cold) {
  const Step& step = program_->steps[cold.step];
  const Inst& inst = region_->insts[step.inst];
  if (cold.kind == Cold::Kind::kGuard) {
    guard_miss(cold, inst, Regs{step});
    return;
  }
  for (const Mark from : cold.from)
    if (from) land_near(from);
  if (cold.kind == Cold::Kind::kExit) {
    flags = cold.flags;
    const ir::Snapshot& snapshot = region_->snapshot(inst);
    f80 = cold.f80;
    f80.flush(*this);
    if (!cold.state_written) write_state(step, snapshot);
    exit_to(inst, snapshot);
    if (cold.only_link) out_->sites.back().resume = near_[cold.from[0] - 1].end;
  } else if (cold.kind == Cold::Kind::kOp || cold.kind == Cold::Kind::kSaturated) {
    if (cold.kind == Cold::Kind::kOp)
      run_cold(inst, Regs{step});
    else
      a.or_(runtime(MYNAH_RUNTIME(fp_sticky), 4), 1 << 27);
    jump_back(cold.resume);
  } else if (cold.kind == Cold::Kind::kReturn) {
    return_miss(inst, Regs{step});
  } else if (cold.kind == Cold::Kind::kEngine) {
    f80 = cold.f80;
    f80.flush(*this);
    call(Thunk::guard);
    add_saved(add_site(Site::Kind::kEngine, inst), step, inst);
  }
}

Location Emitter::location(Reg r) const {
  if (r >= kVectorBase) return {.kind = Location::Kind::kVec, .index = static_cast<uint8_t>(r - kVectorBase)};
  return {.kind = Location::Kind::kGpr, .index = r};
}

Location Emitter::location(const Spot& spot, Value v) const {
  switch (spot.kind) {
    case Spot::Kind::kConst: {
      const ir::V128 bits = region_->constant(region_->insts[v]);
      return {.kind = Location::Kind::kConst, .imm = bits.lo, .imm_hi = bits.hi};
    }
    case Spot::Kind::kSpill:
      return {.kind = Location::Kind::kSpill, .spill = spot.spill};
    case Spot::Kind::kSlot:
      return ir::state_place(region_->insts[v].slot());
    default:
      return location(spot.reg);
  }
}

Site& Emitter::add_site(Site::Kind kind, const Inst& inst) {
  const ir::Snapshot& snapshot = region_->snapshot(inst);
  out_->sites.push_back({.kind = kind,
                         .aux = inst.aux,
                         .offset = position(),
                         .resume = kind == Site::Kind::kExit ? 0 : position(),
                         .pc_offset = snapshot.pc_offset,
                         .completed = snapshot.completed,
                         .imm = inst.imm});
  return out_->sites.back();
}

void Emitter::add_saved(Site& site, const Step& step, const Inst& inst) {
  const ir::Snapshot& snapshot = region_->snapshot(inst);
  site.first_saved = static_cast<uint32_t>(out_->saved.size());
  site.saved_count = snapshot.count;
  for (uint32_t i = 0; i < snapshot.count; ++i) {
    const ir::SnapshotEntry& e = region_->snapshot_entries[snapshot.first + i];
    const Spot& spot = program_->spots[step.first_spot + i];
    if (spot.kind != Spot::Kind::kRecipe) {
      Location at = location(spot, program_->facts[e.value].root);
      if (spot.kind == Spot::Kind::kRegister && region_->slots[e.slot].type == Type::flags)
        at.kind = Location::Kind::kFlags;
      out_->saved.push_back({e.slot, at});
      continue;
    }
    const Recipe& recipe = program_->recipes[spot.recipe];
    out_->saved.push_back(
        {e.slot, ir::pack_made({recipe.op, recipe.type, recipe.aux, recipe.undo, recipe.leaves})});
    for (unsigned k = 0; k < recipe.leaves; ++k)
      out_->saved.push_back(
          {e.slot, location(program_->leaf_spots[spot.leaves + k], program_->facts[recipe.leaf[k]].root)});
    site.saved_count += recipe.leaves;
  }
}

}  // namespace mynah::x86_64
