// SPDX-License-Identifier: Apache-2.0
//
// Compiles a region, runs its code, and answers guard misses in the engine's place.
#include "tests/a64_integer/jit_runner.h"

#include <sys/mman.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "backend-x86_64/backend.h"
#include "backend-x86_64/enter.h"
#include "backend-x86_64/target.h"
#include "ir/passes/passes.h"
#include "ir/text.h"

namespace mynah::a64_oracle {

namespace {
constexpr size_t kThunkBytes = 8192, kCodeBytes = 256 << 10;
constexpr uint64_t kFirstPage = kMemory & ~uint64_t{kPageSize - 1};
}  // namespace

JitRunner::JitRunner(const JitOptions& options)
    : options_(options),
      backend_(options.plain ? x86_64::make_backend({.validate = options.validate}, x86_64::Features{})
                             : x86_64::make_backend({.validate = options.validate})),
      runtime_(ir::new_runtime(sizeof(arm::ArmState))),
      tlb_(std::make_unique<ir::TlbTable>()) {
  code_memory_ =
      static_cast<uint8_t*>(mmap(nullptr, kThunkBytes + kCodeBytes, PROT_READ | PROT_WRITE | PROT_EXEC,
                                 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  if (code_memory_ == MAP_FAILED) std::abort();
  thunks_ = backend_->emit_thunks({code_memory_, code_memory_, kThunkBytes});
  compiler_ = backend_->make_compiler();
  backend_->prepare(*runtime_);
  runtime_->engine = this;
  runtime_->second_jumps = second_jumps_.data();
  runtime_->guard_miss = guard_miss;
  runtime_->call_helper = call_helper;
  runtime_->run_op = ir::run_op;
  runtime_->empty_return = runtime_->return_top = ir::make_return_stack(return_stack_.get());
  runtime_->tlb = runtime_->user_tlb = tlb_.get();
  runtime_->jumps = jumps_.data();
  for (unsigned i = 0; i < ir::kJumpEntries; ++i) jumps_[i] = {ir::jump_invalid_address(i), 0};
  clear_tlb();
}

JitRunner::~JitRunner() {
  ir::delete_runtime(runtime_);
  munmap(code_memory_, kThunkBytes + kCodeBytes);
}

void JitRunner::clear_tlb() {
  for (unsigned i = 0; i < ir::kTlbSize; ++i)
    tlb_->tlb[i] = {{ir::tlb_invalid_tag(i), 0}, {ir::tlb_invalid_tag(i), 0}};
}

RegionExit JitRunner::run(ir::Region& region, arm::ArmState& state, uint8_t* memory, uint32_t& fpsr) {
  if (options_.passes) ir::run_passes(region);
  uint8_t* at = code_memory_ + kThunkBytes;
  if (!compiler_->compile(region, code_) || code_.size > kCodeBytes) {
    std::fprintf(stderr, "does not compile:\n%s", ir::print(region).c_str());
    std::abort();
  }
  span_ = {at, at, code_.size};
  backend_->install(code_, span_);
  backend_->publish(span_);
  if (runs_++ % 8 == 0) clear_tlb();
  std::memcpy(pages_ + (kMemory - kFirstPage), memory, kMemorySize);
  std::memcpy(runtime_->state, &state, sizeof state);
  runtime_->counter = 1000;
  ir::set_fp_mode(*runtime_, region.fp);
  ir::set_fp_flags(*runtime_, fpsr);
  x86_64::enter(thunks_, runtime_, at);
  std::memcpy(&state, runtime_->state, sizeof state);
  std::memcpy(memory, pages_ + (kMemory - kFirstPage), kMemorySize);
  fpsr = ir::fp_flags(*runtime_);
  switch (static_cast<ir::Leave>(runtime_->exit_reason)) {
    case ir::Leave::kLink:  // pc_page is that of the target
      return {Outcome::kDone, state.pc_page() + (site_at(runtime_->exit_site).imm & (kPageSize - 1))};
    case ir::Leave::kIndirect:
      return {Outcome::kDone, runtime_->exit_target};
    case ir::Leave::kCall:
      return {Outcome::kUnsupported, 0};
    default:
      return {Outcome::kException, 0};
  }
}

const ir::Site& JitRunner::site_at(uint64_t address) const {
  const auto offset = static_cast<uint32_t>(address - reinterpret_cast<uint64_t>(span_.execute));
  for (const ir::Site& s : code_.sites)
    if (s.offset == offset) return s;
  std::fprintf(stderr, "no site at %u\n", offset);
  std::abort();
}

// As the engine answers, but that what lies across the pages' boundary is one range of host memory here.
bool JitRunner::guard_miss(ir::Runtime* rt, uint64_t address, ir::HostRegisters* registers) {
  JitRunner& r = *static_cast<JitRunner*>(rt->engine);
  const ir::Site& site = r.site_at(address);
  rt->resume_at = reinterpret_cast<uint64_t>(r.span_.execute) + site.resume;
  if (site.kind == ir::Site::Kind::kCommit) return true;
  const ir::GuardRange range = ir::guard_range({.op = ir::Op::guard, .type = ir::Type::ptr, .imm = site.imm});
  uint64_t base = 0;
  switch (site.base.kind) {
    case ir::Location::Kind::kConst:
      base = site.base.imm;
      break;
    case ir::Location::Kind::kSpill:
      base = registers->spill[site.base.spill];
      break;
    default:
      base = registers->gpr[site.base.index];
  }
  const uint64_t first = base + static_cast<uint64_t>(int64_t{range.lo});
  const unsigned align = site.aux >> ir::kGuardAlignShift & 7;
  if (first < kMemory || first + range.length > kMemory + kMemorySize || first % (1u << align)) return false;
  const uint64_t page = first & ~uint64_t{kPageSize - 1};
  uint8_t* host = r.pages_ + (page - kFirstPage);
  if (first + range.length <= page + kPageSize && !(site.aux & ir::kGuardSlow)) {
    ir::TlbPair& pair = r.tlb_->tlb[ir::tlb_index(first)];
    (site.aux & ir::kGuardWrite ? pair.write : pair.read) = {page, reinterpret_cast<uint64_t>(host)};
  }
  registers->gpr[site.result] = reinterpret_cast<uint64_t>(host + (first - page));
  return true;
}

bool JitRunner::call_helper(ir::Runtime*, uint64_t, ir::HostRegisters*) { return false; }

}  // namespace mynah::a64_oracle
