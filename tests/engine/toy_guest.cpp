// SPDX-License-Identifier: Apache-2.0
//
// The toy guest: its lifter, its processor, its assembler, and a machine of memory and one device around it.
#include "tests/engine/toy_guest.h"

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "backend-x86_64/backend.h"
#include "ir/builder.h"

namespace mynah::test::toy {

namespace {

constexpr uint64_t kPageMask = kGuestPageSize - 1;
constexpr ir::Slot kSlotR0 = 1;
constexpr uint8_t kStop = 0xfe;  // reason of an exit, beside opcodes

constexpr auto kSlots = [] {
  constexpr const char* kNames[] = {"r0", "r1", "r2", "r3", "r4", "r5", "r6", "r7"};
  std::array<ir::SlotInfo, 9> slots{};
  slots[0] = {"pc_page", ir::Type::i64, 0};
  for (unsigned i = 0; i < 8; ++i)
    slots[kSlotR0 + i] = {kNames[i], ir::Type::i64, static_cast<uint32_t>(offsetof(State, r) + 8 * i)};
  return slots;
}();

constexpr unsigned length_of(Opcode opcode) {
  constexpr uint8_t kLengths[] = {1, 10, 3, 3, 3, 5, 5, 2, 6, 2, 6, 2, 2};
  const auto n = static_cast<size_t>(opcode);
  return n < sizeof kLengths ? kLengths[n] : 1;
}

class Lifter {
 public:
  Lifter(ir::Builder& b, const LiftOptions& options) : b_(b), options_(options) {}

  // The instruction `code` at `offset`, which `index` are in front of.
  void lift(std::span<const uint8_t> code, int32_t offset, uint32_t index) {
    const auto opcode = static_cast<Opcode>(code[0]);
    const int32_t end = offset + static_cast<int32_t>(code.size());
    const ir::Slot d = reg(code, 1), s = reg(code, 2);
    switch (opcode) {
      case Opcode::kNop:
        return;
      case Opcode::kMove:
        return b_.set(d, b_.i64(number(code.subspan(2))));
      case Opcode::kAdd:
        return b_.set(d, b_.add(b_.get(d), b_.get(s)));
      case Opcode::kLoad:
        return b_.set(d, b_.load(ir::Type::i64, guard(s, 8, ir::kGuardRead), 0, 3));
      case Opcode::kStore: {
        const ir::Value to = guard(d, 8, ir::kGuardWrite);
        b_.store(to, 0, b_.get(s), 3);
        return stored(to, end, index);
      }
      case Opcode::kCopy:
        return copy(d, s, static_cast<unsigned>(number(code.subspan(3))), end, index);
      case Opcode::kJump:
        b_.at(end, index + 1);
        return b_.exit(end + displacement(code));
      case Opcode::kCall: {
        const ir::Value back = b_.add_imm(b_.get(0), end);
        b_.set(d, back);
        b_.at(end, index + 1);
        return b_.exit(end + displacement(code), ir::BranchKind::kCall, back);
      }
      case Opcode::kJumpIndirect:
      case Opcode::kReturn:
        b_.at(end, index + 1);
        return b_.exit_indirect(b_.get(d),
                                opcode == Opcode::kReturn ? ir::BranchKind::kReturn : ir::BranchKind::kJump);
      case Opcode::kLoop: {
        const ir::Value left = b_.add_imm(b_.get(d), -1);
        b_.set(d, left);
        b_.at(end, index + 1);
        b_.exit_if(b_.icmpz(ir::Cond::ne, left), end + displacement(code));
        return;
      }
      case Opcode::kSetSpace:
      case Opcode::kInvalidateId:
        b_.at(end, index + 1);
        return b_.exit_engine(code[0], 0, b_.get(d));
      default:  // stays where it is
        b_.at(offset, index + 1);
        return b_.exit_engine(static_cast<uint8_t>(Opcode::kHalt), 0);
    }
  }

 private:
  static ir::Slot reg(std::span<const uint8_t> code, size_t at) {
    return static_cast<ir::Slot>(kSlotR0 + (at < code.size() ? code[at] & 7 : 0));
  }
  static uint64_t number(std::span<const uint8_t> bytes) {
    uint64_t value = 0;
    std::memcpy(&value, bytes.data(), std::min<size_t>(bytes.size(), 8));
    return value;
  }
  static int64_t displacement(std::span<const uint8_t> code) {
    return static_cast<int32_t>(number(code.last(4)));
  }
  ir::Value guard(ir::Slot base, unsigned n, uint8_t aux) {
    return b_.guard(b_.get(base), {0, n, static_cast<uint8_t>(n % 8 ? 0 : 3)}, aux);
  }
  void stored(ir::Value to, int32_t end, uint32_t index) {
    b_.commit(to);
    if (!options_.slow) return;
    b_.at(end, index + 1);
    b_.exit(end);
  }
  void copy(ir::Slot d, ir::Slot s, unsigned n, int32_t end, uint32_t index) {
    const ir::Value from = guard(s, n, ir::kGuardRead), to = guard(d, n, ir::kGuardWrite);
    unsigned at = 0;
    for (; at + 8 <= n; at += 8) b_.store(to, at, b_.load(ir::Type::i64, from, at, 3), 3);
    for (; at < n; ++at) b_.store(to, at, b_.load(ir::Type::i32, from, at, 0), 0);
    stored(to, end, index);
  }

  ir::Builder& b_;
  const LiftOptions& options_;
};

}  // namespace

std::span<const ir::SlotInfo> ToyFrontend::slots() const { return kSlots; }

Lifted ToyFrontend::lift(ir::Region& region, CodeSource& source, uint32_t pc_offset, uint64_t,
                         const LiftOptions& options) const {
  ir::Builder b(region);
  b.begin(kSlots);
  b.set_slow(options.slow);
  b.set_reuse(options.reuse);
  region.pc_offset = pc_offset;
  Lifter lifter(b, options);
  const auto page = source.page();
  uint32_t offset = pc_offset, index = 0;
  while (!b.ended()) {
    b.at(static_cast<int32_t>(offset), index);
    const bool stop = std::ranges::binary_search(options.stops, offset);
    if (stop && index == 0) {
      b.exit_engine(kStop, 0);
      break;
    }
    if (index == options.max_insts || offset >= page.size() || stop) {
      b.exit(offset);
      break;
    }
    const unsigned n = length_of(static_cast<Opcode>(page[offset]));
    const auto here = page.subspan(offset, std::min<size_t>(n, page.size() - offset));
    std::vector<uint8_t> code(here.begin(), here.end());
    if (code.size() < n) {
      const auto next = source.next_page();
      if (next.empty() && index == 0) return Lifted::kNextPageFaults;
      if (next.empty()) {
        b.exit(offset);
        break;
      }
      code.insert(code.end(), next.begin(), next.begin() + (n - code.size()));
    }
    lifter.lift(code, static_cast<int32_t>(offset), index);
    offset += n;
    ++index;
  }
  region.guest_insts = index;
  region.guest_bytes = std::max(offset - pc_offset, 1u);
  b.finish();
  return Lifted::kBlock;
}

ContextKey ToyCpu::context_key() {
  ContextKey key;
  key.translation.own_root = current + 1;
  key.translation.common_root = common_root;
  key.translation.asid = spaces.at(current).id;
  return key;
}

TranslateResult ToyCpu::translate(uint64_t va, Access access, uint32_t permission_class) {
  constexpr uint8_t kNeeds[] = {kCanRead, kCanWrite, kCanExecute};
  const auto& pages = spaces.at(current).pages;
  const auto at = pages.find(va & ~kPageMask);
  if (at == pages.end() || !(at->second.permissions[permission_class] & kNeeds[static_cast<int>(access)]))
    return {.fault = {{va}}};
  TranslateResult result{.ok = true, .page = at->second};
  result.page.pa |= va & kPageMask;
  return result;
}

void ToyCpu::raise_fault(const Fault& fault, Access access, uint8_t) {
  if (!faulted) faulted = {pc(), fault.words[0], access};
  set_pc(kHaltPage);
}

AfterExit ToyCpu::engine_exit(uint8_t reason, uint64_t, uint64_t argument) {
  if (reason == kStop) return AfterExit::kStop;
  switch (static_cast<Opcode>(reason)) {
    case Opcode::kSetSpace:
      current = static_cast<uint32_t>(argument);
      return AfterExit::kContinue;
    case Opcode::kInvalidateId:
      tlb->invalidate_asid(static_cast<uint32_t>(argument));
      return AfterExit::kContinue;
    default:
      return AfterExit::kShutdown;
  }
}

Machine::Machine(Accelerator accelerator, const Techniques& techniques)
    : runtime_(ir::new_runtime(sizeof(State))),
      backend_(x86_64::make_backend({.validate = true, .return_stack = techniques.return_stack})) {
  cpu = std::make_unique<ToyCpu>(*runtime_);
  Result<void> ready = memory.add_ram(0, kRamSize);
  group = std::make_unique<VcpuGroup>(memory, backend_.get(), accelerator, 4 << 20);
  vcpu = std::make_unique<Vcpu>(*cpu, *group, *this, techniques);
  vcpu->set_exact(true);
  if (ready) ready = group->init();
  if (!ready) {
    std::fprintf(stderr, "%s\n", ready.message().c_str());
    std::abort();
  }
  vcpu->translator()->verify = true;
  cpu->tlb = &vcpu->tlb();
  load(kHaltPage, Code(kHaltPage).halt().bytes());
}

Machine::~Machine() {
  vcpu.reset();
  group.reset();
  cpu.reset();
  ir::delete_runtime(runtime_);
}

Translation& Machine::map(uint32_t space, uint64_t va, uint64_t pa) {
  while (cpu->spaces.size() <= space) {
    cpu->spaces.push_back({.id = static_cast<uint32_t>(cpu->spaces.size()), .pages = {}});
    map(static_cast<uint32_t>(cpu->spaces.size() - 1), kHaltPage, kHaltPage);
  }
  Translation t{.pa = pa};
  t.permissions[0] = kCanRead | kCanWrite | kCanExecute;
  return cpu->spaces[space].pages[va] = t;
}

void Machine::load(uint64_t pa, const std::vector<uint8_t>& bytes) {
  if (!memory.write(pa, bytes.data(), bytes.size())) std::abort();
}

void Machine::load(uint64_t pa, uint64_t next_pa, const std::vector<uint8_t>& bytes) {
  const size_t n = std::min<size_t>(bytes.size(), kGuestPageSize - (pa & kPageMask));
  if (!memory.write(pa, bytes.data(), n)) std::abort();
  if (!memory.write(next_pa, bytes.data() + n, bytes.size() - n)) std::abort();
}

uint64_t Machine::read(uint64_t pa) {
  uint64_t value = 0;
  memory.read(pa, &value, 8);
  return value;
}

bool Machine::run(uint64_t pc, uint32_t space) {
  cpu->current = space;
  cpu->set_pc(pc);
  vcpu->translation_changed();
  return vcpu->run(10'000'000) == AfterExit::kShutdown;
}

bool Machine::read(uint64_t pa, unsigned width, uint64_t& value) {
  if (!device_at(pa)) return false;
  ++device_accesses;
  value = 0;
  std::memcpy(&value, device.data() + (pa - kDevice), width);
  return true;
}

bool Machine::write(uint64_t pa, unsigned width, uint64_t value) {
  if (!device_at(pa)) return false;
  ++device_accesses;
  std::memcpy(device.data() + (pa - kDevice), &value, width);
  return true;
}

}  // namespace mynah::test::toy
