// SPDX-License-Identifier: Apache-2.0
//
// Vcpu: the run loop.
#include "engine/vcpu.h"

#include <algorithm>
#include <cstring>

#include "ir/f80.h"

namespace mynah {

namespace {
Vcpu& vcpu_of(ir::Runtime* runtime) { return *static_cast<Vcpu*>(runtime->engine); }

bool guard_miss(ir::Runtime* runtime, uint64_t site, ir::HostRegisters* registers) {
  return vcpu_of(runtime).dispatcher()->guard_miss(site, *registers);
}

bool call_helper(ir::Runtime* runtime, uint64_t site, ir::HostRegisters* registers) {
  return vcpu_of(runtime).dispatcher()->call_helper(site, *registers);
}
}  // namespace

Vcpu::Vcpu(GuestCpu& guest, VcpuGroup& group, DeviceBus& devices, const Techniques& techniques)
    : techniques_(techniques),
      group_(group),
      core_(guest, group.memory(), devices, techniques_, group.backend() ? group.backend()->stack_bytes() : 0,
            group.names(), group.stop_points()),
      translator_(guest.frontend(), group.backend(), group.cache()) {
  translator_.techniques = techniques_;
  if (group.backend()) group.backend()->prepare(core_.runtime);
  if (group.cache()) dispatcher_ = std::make_unique<Dispatcher>(core_, group, translator_, techniques_);
  core_.runtime.engine = this;
  core_.runtime.guard_miss = guard_miss;
  core_.runtime.call_helper = call_helper;
  core_.runtime.run_op = ir::run_op;
  group_.join(core_);
}

Vcpu::~Vcpu() { group_.leave(core_); }

void Vcpu::request_stop() {
  core_.stop_requested = true;
  core_.budget.cut();
}

// One whose delivery meets a watchpoint of the debugger's is delivered by itself, as an instruction is
// executed.
void Vcpu::take_interrupt() {
  const bool wanted = core_.stops.alone_wanted();
  core_.guest.deliver_interrupt();
  core_.space.changed();
  if (wanted || !core_.stops.alone_wanted()) return;
  core_.stops.begin_alone();
  core_.guest.deliver_interrupt();
  core_.stops.end_alone();
  core_.space.changed();
}

namespace {
// The host's x87 is this vCPU's while it runs (ir/f80.h).
class ExtendedFloats {
 public:
  explicit ExtendedFloats(ir::Runtime& runtime) : runtime_(runtime) { ir::load_f80(runtime_); }
  ~ExtendedFloats() { ir::store_f80(runtime_); }
  ExtendedFloats(const ExtendedFloats&) = delete;

 private:
  ir::Runtime& runtime_;
};
}  // namespace

AfterExit Vcpu::run(uint64_t n) {
  const ExtendedFloats floats(core_.runtime);
  GuestCpu& guest = core_.guest;
  core_.stop_requested = false;
  if (guest.asleep()) {
    if (!guest.wake_pending()) return AfterExit::kHalt;
    guest.wake();
  }
  const uint64_t end = core_.budget.settled() + n;
  bool first = true;  // nothing was executed yet: a breakpoint here was met before
  while (core_.budget.settled() < end && !core_.stop_requested) {
    if (guest.interrupt_deliverable()) {
      take_interrupt();
      first = false;
      if (core_.stops.has_hit()) return AfterExit::kDebug;
    }
    core_.space.refresh();
    const uint64_t remaining = end - core_.budget.settled();
    AfterExit after;
    if (core_.stops.alone_wanted() || (first && core_.stops.points().has_breakpoint(guest.pc())))
      after = interpreter_.run_alone();
    else if (!dispatcher_)
      after = interpreter_.run(remaining);
    else
      after = run_slice(remaining);
    first = false;
    if (after == AfterExit::kStop) after = stopped();
    if (after != AfterExit::kContinue) return after;
    if (!exact_ && end - core_.budget.settled() < translator_.max_insts) break;
  }
  return AfterExit::kContinue;
}

AfterExit Vcpu::run_slice(uint64_t n) {
  InstructionBudget& budget = core_.budget;
  const uint64_t end = budget.settled() + n;
  budget.start(n);
  const AfterExit after = dispatcher_->run(exact_);
  budget.end();
  // What is left is shorter than a block may be: the evaluator stops where it must.
  if (after != AfterExit::kContinue || !exact_ || core_.stop_requested || core_.stops.alone_wanted() ||
      budget.settled() >= end || end - budget.settled() >= translator_.max_insts ||
      core_.guest.interrupt_deliverable())
    return after;
  core_.space.refresh();
  return interpreter_.run(end - budget.settled());
}

AfterExit Vcpu::stopped() {
  if (core_.stops.points().has_breakpoint(core_.guest.pc())) return AfterExit::kDebug;
  core_.space.refresh();
  return interpreter_.run_alone();  // one of the guest's own: entering it tells whether it hits
}

AfterExit Vcpu::step() {
  const ExtendedFloats floats(core_.runtime);
  if (core_.guest.interrupt_deliverable()) take_interrupt();
  if (core_.stops.has_hit()) return AfterExit::kDebug;
  core_.space.refresh();
  return interpreter_.run_alone();
}

namespace {
// Calls piece(physical address, done, n) for each page's part of [va, va + size).
template <typename Piece>
bool for_each_page(Core& core, uint64_t va, size_t size, Piece piece) {
  core.space.refresh();
  for (size_t done = 0; done < size;) {
    const uint64_t at = va + done;
    const size_t n = std::min<size_t>(size - done, kGuestPageSize - (at & (kGuestPageSize - 1)));
    const TranslateResult t = core.guest.translate(at, Access::kRead, core.space.permission_class(false));
    if (!t.ok || !piece(t.page.pa, done, n)) return false;
    done += n;
  }
  return true;
}
}  // namespace

bool Vcpu::debug_read(uint64_t va, std::span<uint8_t> to) {
  return for_each_page(core_, va, to.size(), [&](uint64_t pa, size_t done, size_t n) {
    return core_.memory.read(pa, to.data() + done, n);
  });
}

bool Vcpu::debug_write(uint64_t va, std::span<const uint8_t> from) {
  return for_each_page(core_, va, from.size(), [&](uint64_t pa, size_t done, size_t n) {
    return core_.memory.write(pa, from.data() + done, n);
  });
}

}  // namespace mynah
