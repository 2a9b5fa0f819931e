// SPDX-License-Identifier: Apache-2.0
//
// A processor of user mode alone around X86Frontend: its address space is a table of three ranges, exceptions
// end the case, helpers are those that need no other part of a machine.
#include "tests/x86_oracle/our_side.h"

#include <cstdio>
#include <cstdlib>

#include "backend-x86_64/backend.h"
#include "backend-x86_64/target.h"
#include "engine/vcpu.h"
#include "frontend/guest.h"
#include "frontend/x86/cpu.h"
#include "frontend/x86/frontend.h"
#include "frontend/x86/helpers.h"
#include "frontend/x86/lift.h"
#include "frontend/x86/mode.h"
#include "frontend/x86/mxcsr.h"
#include "frontend/x86/segments.h"
#include "frontend/x86/state.h"
#include "frontend/x86/system.h"
#include "frontend/x86/x87.h"
#include "ir/runtime.h"
#include "tests/x86_oracle/oracle_system.h"
#include "tests/x86_oracle/our_state.h"

namespace mynah::x86_oracle {

namespace {

namespace g = mynah::x86;

constexpr uint64_t kRamBytes = 1 << 20, kCodePa = 0x10000, kDataPa = 0x20000;
constexpr uint64_t kMostInstructions = 20000;
// Of a fault's word of the error code, as X86Cpu's have it.
constexpr uint64_t kHasError = uint64_t{1} << 32;

g::CpuModel make_model() {
  g::CpuModel m;
  m.name = "oracle";
  m.isa.set();
  m.features.set();
  return m;
}

class OracleCpu final : public GuestCpu {
 public:
  explicit OracleCpu(ir::Runtime& runtime)
      : runtime_(runtime),
        state_(*reinterpret_cast<g::X86State*>(runtime.state)),
        frontend_(model_),
        helpers_(model_, system_, runtime) {
    system_.find = [this](uint64_t linear, bool write, uint64_t& room, Fault& fault) -> uint8_t* {
      linear = canonical(linear);
      const TranslateResult r = translate(linear, write ? Access::kWrite : Access::kRead, 0);
      fault = r.fault;
      if (!r.ok) return nullptr;
      // Pages that are neighbours are so in memory.
      const uint64_t page = linear & ~(kGuestPageSize - 1);
      const bool last = page == kCode + kCodeBytes - kGuestPageSize ||
                        page == kData + kDataBytes - kGuestPageSize ||
                        page == kLowData + kDataBytes - kGuestPageSize;
      room = page + (last ? 1 : 2) * kGuestPageSize - linear;
      return memory->host(r.page.pa, 1);
    };
  }

  Case* running = nullptr;
  Vcpu* vcpu = nullptr;
  GuestMemory* memory = nullptr;

  g::X86State& x86() { return state_; }
  void load(const Case& c);
  void store(Case& c);

  // --- GuestCpu
  std::string_view name() const override { return "oracle"; }
  const Frontend& frontend() const override { return frontend_; }
  void reset() override { state_ = {}; }
  void* state() override { return &state_; }
  size_t state_size() const override { return sizeof state_; }
  uint64_t pc() const override { return state_.pc(); }
  void set_pc(uint64_t pc) override { state_.set_linear_pc(canonical(pc)); }
  uint64_t canonical(uint64_t va) const override { return wide() ? va : va & 0xffffffff; }
  uint64_t tag_bits() const override { return uint64_t{0xffffffff} << 32; }
  uint32_t address_space_ids() const override { return 2; }
  ContextKey context_key() override {
    ContextKey key;
    key.translation.own_root = wide() ? 1 : 2;
    key.translation.permission_class = g::kClassUser;
    key.code.mode = mode();
    return key;
  }
  uint32_t user_class() const override { return g::kClassUser; }
  TranslateResult translate(uint64_t va, Access access, uint32_t) override;
  Fault alignment_fault(uint64_t, Access, uint32_t) override { return {{kProtection, kHasError, 0}}; }
  std::optional<Fault> unaligned_device(uint64_t, Access, uint32_t) override { return std::nullopt; }
  std::optional<Fault> nothing_there(uint64_t, Access, uint32_t) override { return std::nullopt; }
  const GuestStops& guest_stops() const override { return stops_; }
  bool watched(uint64_t, uint64_t, bool, bool, uint8_t, uint32_t, Fault&) const override { return false; }
  void raise_fault(const Fault& fault, Access access, uint8_t note) override;
  void arrive(uint64_t pc, const Arrival&) override {
    state_.fpu_unchecked = 0;
    set_pc(pc);
  }
  Entry enter() override {
    Entry entry{.facts = g::mode_x87(static_cast<unsigned>(state_.fpu_top / 16), state_.ftw)};
    if (state_.fpu_unchecked)
      entry.facts |= g::kModeX87Unchecked;
    else if (state_.pc() != x87_other_)
      entry.alike = ir::BranchKind::kReturn;
    return entry;
  }
  AfterExit engine_exit(uint8_t reason, uint64_t imm, uint64_t argument) override;
  bool call_helper(unsigned helper, const uint64_t args[4], uint64_t& result) override;
  bool interrupt_deliverable() const override { return false; }
  void deliver_interrupt() override {}
  bool asleep() const override { return false; }
  bool wake_pending() const override { return false; }
  void wake() override {}
  void others_ran() override {}

 private:
  bool wide() const { return state_.segments[g::kCs].access & g::access::kLong; }
  uint64_t mode() const;
  AfterExit breakpoint(uint64_t at, unsigned length);
  AfterExit finish(uint8_t vector, uint32_t error = 0, uint64_t cr2 = 0) {
    if (!finished_) running->outcome = {vector, error, cr2};
    finished_ = true;
    vcpu->request_stop();
    return AfterExit::kShutdown;
  }

  ir::Runtime& runtime_;
  g::X86State& state_;
  const g::CpuModel model_ = make_model();
  const g::X86Frontend frontend_;
  OracleSystem system_;
  g::X86Cpu helpers_;  // on the same state
  GuestStops stops_;
  uint64_t x87_other_ = ~uint64_t{0};
  bool finished_ = false;
};

uint64_t OracleCpu::mode() const {
  using namespace g;
  uint64_t m =
      kModeLong | kModeOsfxsr | kModeOsxsave | kModeAvx | kModeNe | kModeFsgsbase | kModeUmip | kModeMp;
  m |= wide() ? kModeCode64 : kModeCode32 | kModeStack32;
  m |= uint64_t{3} << kModeCplShift;
  if (state_.eflags & eflags::kDf) m |= kModeDf;
  m |= mxcsr::mode_of(state_.mxcsr, true);
  if ((state_.fcw & 0x3f) != 0x3f) m |= kModeX87Unmasked;
  for (const unsigned s : {kEs, kCs, kSs, kDs}) m |= mode_flat(s) | mode_full(s);
  return m;
}

void OracleCpu::load(const Case& c) {
  const State& s = c.state;
  g::X86State& t = state_;
  finished_ = false;
  const bool is_wide = c.mode == Mode::k64;
  for (unsigned i = 0; i < g::kSegments; ++i) {
    t.segments[i] = {static_cast<uint16_t>(i == g::kCs ? (is_wide ? 0x33 : 0x23) : 0x2b), true,
                     (i == g::kCs ? 0xfbu : 0xf3u) << 8 | g::access::kGranularity |
                         (is_wide && i == g::kCs ? g::access::kLong : g::access::kBig),
                     0xffffffff};
    t.base(i) = 0;
    t.open[i] = g::open_bytes(t.segments[i], false);
  }
  t.cpl = 3;
  t.cr0 = g::cr0::kPe | g::cr0::kPg | g::cr0::kNe | g::cr0::kMp | g::cr0::kEt;
  t.cr4 = g::cr4::kPae | g::cr4::kOsfxsr | g::cr4::kOsxmmexcpt | g::cr4::kOsxsave | g::cr4::kFsgsbase;
  t.xcr0 = 7;
  t.efer = g::efer::kLma | g::efer::kLme;
  set_registers(helpers_, c.mode, s);
}

void OracleCpu::store(Case& c) {
  State& s = c.state;
  const g::X86State& t = state_;
  for (unsigned i = 0; i < 16; ++i) s.gpr[i] = t.r(i);
  if (c.mode == Mode::k64) {
    s.fs_base = t.base(g::kFs);
    s.gs_base = t.base(g::kGs);
  }
  s.rip = t.pc();
  s.rflags = g::rflags(t);
  s.mxcsr = helpers_.mxcsr();
  const g::X87Image x87 = g::x87_image(helpers_);
  s.fcw = x87.control;
  s.fsw = x87.status;
  s.ftw = x87.tags;
  for (unsigned i = 0; i < 8; ++i) {
    std::memcpy(s.st[i], &x87.stack[i].significand, 8);
    std::memcpy(s.st[i] + 8, &x87.stack[i].sign_exponent, 2);
  }
  for (unsigned i = 0; i < 16; ++i) {
    s.ymm[i][0] = t.xmm[i].lo;
    s.ymm[i][1] = t.xmm[i].hi;
    s.ymm[i][2] = t.ymm_high[i].lo;
    s.ymm[i][3] = t.ymm_high[i].hi;
  }
}

TranslateResult OracleCpu::translate(uint64_t va, Access access, uint32_t) {
  va = canonical(va);
  const uint64_t page = va & ~(kGuestPageSize - 1);
  if (wide() && static_cast<uint64_t>(static_cast<int64_t>(va << 16) >> 16) != va)
    return {.fault = {{kProtection, kHasError, 0}}};
  TranslateResult r{.ok = true};
  uint8_t& may = r.page.permissions[g::kClassUser];
  if (page >= kCode && page < kCode + kCodeBytes) {
    r.page.pa = kCodePa + (va - kCode);
    may = kCanRead | kCanExecute;
  } else if (page >= kData && page < kData + kDataBytes) {
    r.page.pa = kDataPa + (va - kData);
    may = kCanRead | kCanWrite;
  } else if (page >= kLowData && page < kLowData + kDataBytes) {
    r.page.pa = kDataPa + (va - kLowData);
    may = kCanRead | kCanWrite;
  }
  constexpr uint8_t kNeeds[] = {kCanRead, kCanWrite, kCanExecute};
  if (may & kNeeds[static_cast<unsigned>(access)]) return r;
  const uint64_t error = kHasError | 4 | (may ? 1 : 0) | (access == Access::kWrite ? 2 : 0) |
                         (access == Access::kExecute ? 16 : 0);
  return {.fault = {{kPage, error, va}}};
}

void OracleCpu::raise_fault(const Fault& fault, Access, uint8_t note) {
  auto vector = static_cast<uint8_t>(fault.words[0]);
  if (vector == kProtection && note & g::kNoteStack && !(note & g::kNoteAligned)) vector = kStack;
  finish(vector, static_cast<uint32_t>(fault.words[1]), fault.words[2]);
}

// An INT3 there: the case's own, or one of those around it, which end it.
AfterExit OracleCpu::breakpoint(uint64_t at, unsigned length) {
  const bool ours = at - running->state.rip < running->length;
  state_.set_linear_pc(ours ? at + length : at);
  return finish(ours ? uint8_t{kBreakpoint} : uint8_t{kNone});
}

AfterExit OracleCpu::engine_exit(uint8_t reason, uint64_t imm, uint64_t) {
  switch (static_cast<g::ExitReason>(reason)) {
    case g::ExitReason::kContinue:
    case g::ExitReason::kPause:
    case g::ExitReason::kShadow:
      return AfterExit::kContinue;
    case g::ExitReason::kX87Other:
      x87_other_ = state_.pc();
      return AfterExit::kContinue;
    case g::ExitReason::kX87Stack:
      state_.fpu_unchecked = 1;
      return AfterExit::kContinue;
    case g::ExitReason::kStop:
      return AfterExit::kStop;
    case g::ExitReason::kSlow:
      return AfterExit::kSlow;
    case g::ExitReason::kException:
      return finish(static_cast<uint8_t>(imm), static_cast<uint32_t>(imm >> 16));
    case g::ExitReason::kUndefined: {
      const bool lacking = imm && !has_lifter(static_cast<unsigned>(imm & 0xffff));
      return finish(lacking ? kUnsupported : uint8_t{kUndefined});
    }
    default:
      return finish(kUnsupported);
  }
}

bool OracleCpu::call_helper(unsigned helper, const uint64_t args[4], uint64_t& result) {
  const uint64_t pc = state_.pc();
  if (g::call_helper(static_cast<g::Helper>(helper), helpers_, args, result)) return true;
  const auto raised = helpers_.take_raised();
  if (!raised) return false;
  if (raised->vector == kBreakpoint && raised->software) {
    breakpoint(pc, raised->length);
    return false;
  }
  finish(raised->vector, raised->error.value_or(0), raised->address);
  if (raised->software) state_.set_linear_pc(pc + raised->length);
  return false;
}

class OurSideImpl final : public OurSide, public DeviceBus {
 public:
  explicit OurSideImpl(const Way& way);
  ~OurSideImpl() override {
    vcpu_.reset();
    group_.reset();
    cpu_.reset();
    ir::delete_runtime(runtime_);
  }
  void run(Case& c) override;
  bool read(uint64_t, unsigned, uint64_t&) override { return false; }
  bool write(uint64_t, unsigned, uint64_t) override { return false; }

 private:
  void put_code(const Case& c);

  GuestMemory memory_;
  ir::Runtime* runtime_;
  std::unique_ptr<ir::Backend> backend_;
  std::unique_ptr<OracleCpu> cpu_;
  std::unique_ptr<VcpuGroup> group_;
  std::unique_ptr<Vcpu> vcpu_;
  std::vector<uint8_t> code_;
  uint64_t code_at_ = 0;
};

OurSideImpl::OurSideImpl(const Way& way) : runtime_(ir::new_runtime(sizeof(g::X86State))) {
  const ir::BackendOptions options{.validate = true, .return_stack = way.techniques.return_stack};
  backend_ = way.plain ? x86_64::make_backend(options, x86_64::Features{}) : x86_64::make_backend(options);
  cpu_ = std::make_unique<OracleCpu>(*runtime_);
  Result<void> ready = memory_.add_ram(0, kRamBytes);
  const auto accelerator = way.translated ? Accelerator::kJit : Accelerator::kInterp;
  group_ = std::make_unique<VcpuGroup>(memory_, backend_.get(), accelerator, 4 << 20);
  vcpu_ = std::make_unique<Vcpu>(*cpu_, *group_, *this, way.techniques);
  vcpu_->set_exact(false);
  if (ready) ready = group_->init();
  if (!ready) {
    std::fprintf(stderr, "%s\n", ready.message().c_str());
    std::abort();
  }
  vcpu_->translator()->verify = true;
  cpu_->vcpu = vcpu_.get();
  cpu_->memory = &memory_;
  const std::vector<uint8_t> ends(kCodeBytes, 0xcc);
  memory_.write(kCodePa, ends.data(), ends.size());
}

void OurSideImpl::put_code(const Case& c) {
  const std::vector<uint8_t> code(c.code, c.code + c.length);
  if (code == code_ && code_at_ == c.state.rip) return;
  if (!code_.empty()) {
    const std::vector<uint8_t> ends(code_.size(), 0xcc);
    memory_.write(kCodePa + (code_at_ - kCode), ends.data(), ends.size());
  }
  code_ = code;
  code_at_ = c.state.rip;
  memory_.write(kCodePa + (code_at_ - kCode), code_.data(), code_.size());
}

void OurSideImpl::run(Case& c) {
  put_code(c);
  uint8_t* data = memory_.host(kDataPa, kDataBytes);
  std::memcpy(data, c.data, kDataBytes);
  cpu_->running = &c;
  c.outcome = {kHang, 0, 0};
  cpu_->load(c);
  vcpu_->translation_changed();
  vcpu_->run(kMostInstructions);
  cpu_->store(c);
  std::memcpy(c.data, data, kDataBytes);
}

}  // namespace

bool has_lifter(unsigned mnemonic) { return g::find_row(static_cast<ZydisMnemonic>(mnemonic)) != nullptr; }

std::unique_ptr<OurSide> OurSide::make(const Way& way) { return std::make_unique<OurSideImpl>(way); }

const std::vector<Way>& ways() {
  static const std::vector<Way> kWays = {
      {.name = "evaluator", .translated = false},
      {.name = "jit"},
      {.name = "jit-plain", .plain = true},
      {.name = "jit-bare", .techniques = {.side_exits = false, .reuse = false, .merge_guards = false}},
  };
  return kWays;
}

}  // namespace mynah::x86_oracle
