// SPDX-License-Identifier: Apache-2.0
//
// Code memory, guest memory and the C++ entries of the small machine; see harness.h.
#include "harness.h"

#include "backend-x86_64/enter.h"
#include "backend-x86_64/target.h"
#include "ir/saved.h"

#include <sys/mman.h>

#include <cstdio>
#include <cstdlib>

namespace mynah::ir::testing {

namespace {
constexpr size_t kCodeBytes = 4 << 20;

std::vector<SlotInfo> make_slots() {
  static std::vector<std::string> names;
  names.reserve(kSlots);
  std::vector<SlotInfo> out;
  const auto add = [&](std::string name, Type t, size_t offset) {
    names.push_back(std::move(name));
    out.push_back({names.back(), t, static_cast<uint32_t>(offset)});
  };
  add("pc_page", Type::i64, offsetof(State, page));
  for (unsigned i = 0; i < kXCount; ++i) add("x" + std::to_string(i), Type::i64, offsetof(State, x) + 8 * i);
  add("nzcv", Type::flags, offsetof(State, flags));
  for (unsigned i = 0; i < kWCount; ++i) add("w" + std::to_string(i), Type::i32, offsetof(State, w) + 4 * i);
  for (unsigned i = 0; i < kVCount; ++i)
    add("v" + std::to_string(i), Type::v128, offsetof(State, v) + 16 * i);
  add("s", Type::f32, offsetof(State, s));
  add("d", Type::f64, offsetof(State, d));
  add("h", Type::f16, offsetof(State, h));
  add("b", Type::i1, offsetof(State, b));
  return out;
}
}  // namespace

std::span<const SlotInfo> slots() {
  static const std::vector<SlotInfo> table = make_slots();
  return table;
}

std::string difference(const State& a, const State& b) {
  std::string out;
  const auto note = [&](std::string_view name, uint64_t x, uint64_t y) {
    char text[128];
    if (x == y) return;
    std::snprintf(text, sizeof text, "%.*s: %llx, expected %llx\n", static_cast<int>(name.size()),
                  name.data(), static_cast<unsigned long long>(x), static_cast<unsigned long long>(y));
    out += text;
  };
  note("pc_page", a.page, b.page);
  for (unsigned i = 0; i < kXCount; ++i) note(slots()[kX0 + i].name, a.x[i], b.x[i]);
  note("nzcv", a.flags & kFlagMask, b.flags & kFlagMask);
  for (unsigned i = 0; i < kWCount; ++i) note(slots()[kW0 + i].name, a.w[i], b.w[i]);
  for (unsigned i = 0; i < kVCount; ++i) {
    note(std::string(slots()[kV0 + i].name) + ".lo", a.v[i].lo, b.v[i].lo);
    note(std::string(slots()[kV0 + i].name) + ".hi", a.v[i].hi, b.v[i].hi);
  }
  note("s", static_cast<uint32_t>(a.s), static_cast<uint32_t>(b.s));
  note("d", a.d, b.d);
  note("h", static_cast<uint16_t>(a.h), static_cast<uint16_t>(b.h));
  note("b", a.b & 1, b.b & 1);
  return out;
}

Machine::Machine(bool plain, bool validate) : memory(kGuestPages * kPageSize) {
  backend = plain ? x86_64::make_backend({.validate = validate}, x86_64::Features{})
                  : x86_64::make_backend({.validate = validate});
  code_memory_ = static_cast<uint8_t*>(
      mmap(nullptr, kCodeBytes, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  if (code_memory_ == MAP_FAILED) std::abort();
  thunks_ = backend->emit_thunks({code_memory_, code_memory_, kCodeBytes});
  first_ = used_ = (thunks_.size + kCodeAlignment - 1) & ~(kCodeAlignment - 1);
  compiler = backend->make_compiler();
  rt = new_runtime(sizeof(State) + 64);
  backend->prepare(*rt);
  rt->second_jumps = second_jumps.data();
  rt->engine = this;
  rt->guard_miss = guard_miss;
  rt->call_helper = call_helper;
  rt->run_op = run_op;
  tlb = std::make_unique<TlbTable>();
  user_tlb = std::make_unique<TlbTable>();
  rt->tlb = tlb.get();
  rt->user_tlb = user_tlb.get();
  rt->jumps = jumps.data();
  rt->empty_return = rt->return_top = make_return_stack(return_stack.get());
  clear_tlb();
}

Machine::~Machine() {
  delete_runtime(rt);
  munmap(code_memory_, kCodeBytes);
}

void Machine::clear_tlb() {
  for (TlbTable* t : {tlb.get(), user_tlb.get()})
    for (unsigned i = 0; i < kTlbSize; ++i) t->tlb[i] = {{tlb_invalid_tag(i), 0}, {tlb_invalid_tag(i), 0}};
  for (unsigned i = 0; i < kJumpEntries; ++i) jumps[i] = {jump_invalid_address(i), 0};
}

std::span<const HelperInfo> helpers() {
  static const auto table = [] {
    const SlotSet reads{static_cast<Slot>(kX0 + 3), static_cast<Slot>(kX0 + 5)},
        writes{static_cast<Slot>(kX0 + 5)};
    std::array<HelperInfo, kHelpers> t;
    for (unsigned i = 0; i < kHelpers; ++i)
      t[i] = {"helper", reads, writes, i >= kStayingHelpers, i % 2 == 0};
    return t;
  }();
  return table;
}

Builder& Machine::begin() {
  b.begin(slots(), helpers());
  region.guest_insts = 1;
  region.smp = false;
  return b;
}

const uint8_t* Machine::compile() {
  if (!b.ended()) b.exit(0);
  if (region.blocks.empty()) b.finish();
  return compile_region();
}

const uint8_t* Machine::compile_region() {
  if (!compiler->compile(region, code)) return nullptr;
  return (span_ = install(code)).execute;
}

CodeSpan Machine::install(const CompiledCode& compiled) {
  if (used_ + compiled.size > kCodeBytes) used_ = first_;
  uint8_t* at = code_memory_ + used_;
  const CodeSpan span{at, at, compiled.size};
  backend->install(compiled, span);
  backend->publish(span);
  used_ += (compiled.size + kCodeAlignment - 1) & ~(kCodeAlignment - 1);
  return span;
}

Leave Machine::run(const uint8_t* at, int64_t counter) {
  rt->counter = counter;
  x86_64::enter(thunks_, rt, at);
  return static_cast<Leave>(rt->exit_reason);
}

std::string Machine::disassembly() const { return backend->disassemble({span_.execute, span_.size}, 0); }

const Site& Machine::site_at(uint64_t address) const {
  const auto offset = static_cast<uint32_t>(address - reinterpret_cast<uint64_t>(span_.execute));
  for (const Site& s : code.sites)
    if (s.offset == offset) return s;
  std::fprintf(stderr, "no site at %u\n", offset);
  std::abort();
}
const Site& Machine::site() const { return site_at(rt->exit_site); }

uint8_t* Machine::host(uint64_t va, uint64_t length) {
  const uint64_t offset = va - kGuestBase;
  if (offset > memory.size() || length > memory.size() - offset) return nullptr;
  return memory.data() + offset;
}

namespace {
uint64_t value(const Location& at, const HostRegisters& r) {
  switch (at.kind) {
    case Location::Kind::kConst:
      return at.imm;
    case Location::Kind::kSpill:
      return r.spill[at.spill];
    case Location::Kind::kVec:
      return r.vec[at.index][0];
    default:
      return r.gpr[at.index];
  }
}
}  // namespace

void Machine::rebuild(const Site& s, const HostRegisters& r) {
  write_saved({code.saved.data() + s.first_saved, s.saved_count}, slots(), r, rt->state);
}

bool Machine::guard_miss(Runtime* rt, uint64_t address, HostRegisters* registers) {
  Machine& m = *static_cast<Machine*>(rt->engine);
  const Site s = m.site_at(address);
  if (s.kind == Site::Kind::kEngine) {
    m.rebuild(s, *registers);
    rt->counter += m.region.guest_insts - s.completed;
    rt->exit_reason = static_cast<uint32_t>(Leave::kEngine);
    rt->exit_argument = 0;
    return false;
  }
  if (s.kind == Site::Kind::kCommit) {
    rt->resume_at = reinterpret_cast<uint64_t>(m.span_.execute) + s.resume;
    return true;
  }
  ++m.misses;
  if (s.aux & kGuardUser) ++m.user_misses;
  const GuardRange range = guard_range({.op = Op::guard, .type = Type::ptr, .imm = s.imm});
  const uint64_t va = value(s.base, *registers) + static_cast<uint64_t>(static_cast<int64_t>(range.lo));
  const unsigned align = s.aux >> kGuardAlignShift & 7;
  uint8_t* p = m.host(va, range.length);
  if (!p || (align && (va & ((1u << align) - 1)))) {
    m.rebuild(s, *registers);
    return false;
  }
  if (m.fill_tlb) {
    TlbPair& pair = (s.aux & kGuardUser ? rt->user_tlb : rt->tlb)->tlb[tlb_index(va)];
    const uint64_t page = va & ~(kPageSize - 1);
    (s.aux & kGuardWrite ? pair.write : pair.read) = {page,
                                                      reinterpret_cast<uint64_t>(m.host(page, kPageSize))};
  }
  registers->gpr[s.result] = reinterpret_cast<uint64_t>(p);
  rt->resume_at = reinterpret_cast<uint64_t>(m.span_.execute) + s.resume;
  // What the processor may do to caller-saved registers.
  asm volatile("xorps %%xmm3, %%xmm3\n xorps %%xmm0, %%xmm0" ::: "xmm0", "xmm3");
  return true;
}

bool Machine::call_helper(Runtime* rt, uint64_t address, HostRegisters*) {
  Machine& m = *static_cast<Machine*>(rt->engine);
  const Site s = m.site_at(address);
  asm volatile(
      "xorps %%xmm3, %%xmm3\n xorps %%xmm5, %%xmm5\n mov $77, %%rcx\n mov $78, %%r8\n mov $79, %%r11\n mov "
      "$5, %%rsi" ::
          : "xmm5", "xmm3", "rcx", "r8", "r11", "rsi");
  return m.helper(static_cast<unsigned>(s.imm), rt->call_args, rt->call_result);
}

void Machine::run_op(Runtime* rt, uint64_t packed, uint64_t imm) {
  ir::run_op(rt, packed, imm);
  asm volatile(
      "xorps %%xmm3, %%xmm3\n xorps %%xmm5, %%xmm5\n mov $77, %%rcx\n mov $78, %%r8\n mov $79, %%r11\n mov "
      "$5, %%rsi" ::
          : "xmm5", "xmm3", "rcx", "r8", "r11", "rsi");
}

bool Machine::guard(const Region&, const Inst& inst, uint64_t base, uint8_t*& pointer) {
  const GuardRange range = guard_range(inst);
  const uint64_t va = base + static_cast<uint64_t>(static_cast<int64_t>(range.lo));
  const unsigned align = inst.aux >> kGuardAlignShift & 7;
  uint8_t* p = host(va, range.length);
  if (!p || (align && (va & ((1u << align) - 1)))) return false;
  pointer = p - range.lo;
  return true;
}

bool Machine::call(const Region&, const Inst& inst, const uint64_t args[4], uint64_t& result) {
  return helper(static_cast<unsigned>(inst.imm), args, result);
}

}  // namespace mynah::ir::testing
