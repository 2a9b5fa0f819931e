// SPDX-License-Identifier: Apache-2.0
//
// A guest of a few instructions that is what AArch64 is not: instructions have 1 to 10 bytes and begin
// anywhere, nothing demands alignment, nothing faults for want of a device, and one instruction may copy 512
// bytes. Pages are translated by a map for each address space.
//
// An instruction is an opcode and its operands: registers (0 to 7) a byte each, numbers little-endian. Jumps
// are relative to their end. A store in the slow flavour ends its block: code may change the next
// instruction. Faults are noted, and execution goes on at kHaltPage, which stops.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/vcpu.h"
#include "frontend/guest.h"
#include "ir/runtime.h"

namespace mynah::test::toy {

enum class Opcode : uint8_t {
  kNop,
  kMove,          // r, imm64
  kAdd,           // d, s: d += s
  kLoad,          // d, s: 8 bytes at s
  kStore,         // d, s: 8 bytes to d
  kCopy,          // d, s, n16: n bytes at s to d
  kJump,          // rel32
  kJumpIndirect,  // r
  kCall,          // r, rel32: r is where it returns to
  kReturn,        // r
  kLoop,          // r, rel32: r -= 1; jumps unless it is zero
  kSetSpace,      // r: the address space of this number
  kInvalidateId,  // r
  kHalt = 0xff,   // and whatever is not above
};

// A program for a place; what is appended is behind what was.
class Code {
 public:
  explicit Code(uint64_t at) : at_(at) {}
  uint64_t here() const { return at_ + bytes_.size(); }
  uint64_t address() const { return at_; }
  const std::vector<uint8_t>& bytes() const { return bytes_; }

  Code& nop() { return op(Opcode::kNop); }
  Code& move(uint8_t r, uint64_t value) { return op(Opcode::kMove, {r}).number(value, 8); }
  Code& add(uint8_t d, uint8_t s) { return op(Opcode::kAdd, {d, s}); }
  Code& load(uint8_t d, uint8_t s) { return op(Opcode::kLoad, {d, s}); }
  Code& store(uint8_t d, uint8_t s) { return op(Opcode::kStore, {d, s}); }
  Code& copy(uint8_t d, uint8_t s, unsigned n) { return op(Opcode::kCopy, {d, s}).number(n, 2); }
  Code& jump(uint64_t to) { return op(Opcode::kJump).relative(to); }
  Code& jump_indirect(uint8_t r) { return op(Opcode::kJumpIndirect, {r}); }
  Code& call(uint8_t r, uint64_t to) { return op(Opcode::kCall, {r}).relative(to); }
  Code& ret(uint8_t r) { return op(Opcode::kReturn, {r}); }
  Code& loop(uint8_t r, uint64_t to) { return op(Opcode::kLoop, {r}).relative(to); }
  Code& set_space(uint8_t r) { return op(Opcode::kSetSpace, {r}); }
  Code& invalidate_id(uint8_t r) { return op(Opcode::kInvalidateId, {r}); }
  Code& halt() { return op(Opcode::kHalt); }

 private:
  Code& op(Opcode opcode, std::initializer_list<uint8_t> registers = {}) {
    bytes_.push_back(static_cast<uint8_t>(opcode));
    bytes_.insert(bytes_.end(), registers);
    return *this;
  }
  Code& number(uint64_t value, unsigned n) {
    for (unsigned i = 0; i < n; ++i) bytes_.push_back(static_cast<uint8_t>(value >> 8 * i));
    return *this;
  }
  Code& relative(uint64_t to) { return number(to - (here() + 4), 4); }

  uint64_t at_;
  std::vector<uint8_t> bytes_;
};

class ToyFrontend final : public Frontend {
 public:
  Lifted lift(ir::Region& region, CodeSource& source, uint32_t pc_offset, uint64_t mode,
              const LiftOptions& options) const override;
  ir::FpMode fp_mode(uint64_t) const override { return {}; }
  std::span<const ir::SlotInfo> slots() const override;
  std::string disassemble(std::span<const uint8_t>, uint64_t) const override { return {}; }
};

struct State {
  uint64_t pc_page;
  uint64_t r[8];
  uint64_t pc_offset;  // valid outside translated code
};

struct Space {
  uint32_t id = 0;
  std::map<uint64_t, Translation> pages;  // by virtual address
};

class ToyCpu final : public GuestCpu {
 public:
  explicit ToyCpu(ir::Runtime& runtime) : state_(*reinterpret_cast<State*>(runtime.state)) {}

  std::vector<Space> spaces;
  uint32_t current = 0;      // of spaces
  uint64_t common_root = 0;  // TranslationKey's
  bool faults_where_nothing_is = false;
  Tlb* tlb = nullptr;  // what kInvalidateId is for
  struct Faulted {
    uint64_t pc, va;
    Access access;
  };
  std::optional<Faulted> faulted;  // the first
  State& toy() { return state_; }

  std::string_view name() const override { return "toy"; }
  const Frontend& frontend() const override { return frontend_; }
  void reset() override { state_ = {}; }
  void* state() override { return &state_; }
  size_t state_size() const override { return sizeof(State); }
  uint64_t pc() const override { return state_.pc_page + state_.pc_offset; }
  void set_pc(uint64_t pc) override {
    state_.pc_page = pc & ~(kGuestPageSize - 1);
    state_.pc_offset = pc & (kGuestPageSize - 1);
  }
  uint64_t canonical(uint64_t va) const override { return va; }
  uint64_t tag_bits() const override { return 0; }
  uint32_t address_space_ids() const override { return 16; }
  ContextKey context_key() override;
  uint32_t user_class() const override { return 0; }
  TranslateResult translate(uint64_t va, Access access, uint32_t permission_class) override;
  Fault alignment_fault(uint64_t va, Access, uint32_t) override { return {{va}}; }
  std::optional<Fault> unaligned_device(uint64_t, Access, uint32_t) override { return std::nullopt; }
  std::optional<Fault> nothing_there(uint64_t va, Access, uint32_t) override {
    return faults_where_nothing_is ? std::optional(Fault{{va}}) : std::nullopt;
  }
  const GuestStops& guest_stops() const override { return stops_; }
  bool watched(uint64_t, uint64_t, bool, bool, uint8_t, uint32_t, Fault&) const override { return false; }
  void raise_fault(const Fault& fault, Access access, uint8_t note) override;
  void arrive(uint64_t pc, const Arrival&) override { set_pc(pc); }
  Entry enter() override { return {.alike = ir::BranchKind::kReturn}; }
  AfterExit engine_exit(uint8_t reason, uint64_t imm, uint64_t argument) override;
  bool call_helper(unsigned, const uint64_t*, uint64_t&) override { return true; }
  bool interrupt_deliverable() const override { return false; }
  void deliver_interrupt() override {}
  bool asleep() const override { return false; }
  bool wake_pending() const override { return false; }
  void wake() override {}
  void others_ran() override {}

 private:
  State& state_;
  ToyFrontend frontend_;
  GuestStops stops_;
};

// Physical memory: RAM from 0, kRamSize bytes; kDevice: device registers, which are what was written last;
// kNothing: nothing.
constexpr uint64_t kRamSize = 1 << 20;
constexpr uint64_t kDevice = 0x1000'0000;
constexpr uint64_t kNothing = 0x2000'0000;
// Virtual and physical: mapped in every space. One halt.
constexpr uint64_t kHaltPage = 0;

class Machine final : public DeviceBus {
 public:
  explicit Machine(Accelerator accelerator, const Techniques& techniques = {});
  ~Machine() override;

  // Space number `space`, of id `space`, exists; va is at pa there. Tells no TLB.
  Translation& map(uint32_t space, uint64_t va, uint64_t pa);
  void unmap(uint32_t space, uint64_t va) { cpu->spaces.at(space).pages.erase(va); }
  void invalidate_page(uint64_t va) { vcpu->tlb().invalidate_pages(va, 1, true, 0); }
  void load(uint64_t pa, const std::vector<uint8_t>& bytes);
  // A program that goes on in another frame behind its page.
  void load(uint64_t pa, uint64_t next_pa, const std::vector<uint8_t>& bytes);
  uint64_t read(uint64_t pa);
  // From pc in a space, until it halts.
  bool run(uint64_t pc, uint32_t space = 0);
  uint64_t& r(unsigned n) { return cpu->toy().r[n]; }
  CodeCacheStats stats() const { return vcpu->cache() ? vcpu->cache()->stats : CodeCacheStats{}; }

  GuestMemory memory;
  std::unique_ptr<ToyCpu> cpu;
  std::unique_ptr<VcpuGroup> group;
  std::unique_ptr<Vcpu> vcpu;
  std::array<uint8_t, 2 * kGuestPageSize> device{};
  uint64_t device_from = 0;  // below, within `device`, is nothing
  unsigned device_accesses = 0;

  bool read(uint64_t pa, unsigned width, uint64_t& value) override;
  bool write(uint64_t pa, unsigned width, uint64_t value) override;

 private:
  bool device_at(uint64_t pa) const { return pa >= kDevice + device_from && pa < kDevice + device.size(); }
  ir::Runtime* runtime_;
  std::unique_ptr<ir::Backend> backend_;
};

}  // namespace mynah::test::toy
