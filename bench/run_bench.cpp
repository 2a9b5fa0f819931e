// SPDX-License-Identifier: Apache-2.0
//
// What running costs: ways from block to block, soft TLB misses, exceptions, stores into code pages, the
// event queue. "s/inst" is a guest instruction's time, "s/op" that of the thing a benchmark is about.
#include <benchmark/benchmark.h>

#include <functional>

#include "devices/core/event_queue.h"
#include "tests/engine/bare_machine.h"

namespace mynah {
namespace {

using namespace a64asm;
using test::BareMachine;
using test::kCode;
using test::kData;
using test::kPage;
using test::kVectors;

enum Label { kLoop, kOther, kEnd };

// Runs an endless program; `per_op` instructions of it do the thing once.
void run_program(benchmark::State& state, BareMachine& m, unsigned per_op) {
  constexpr uint64_t kSlice = 1'000'000;
  m.vcpu->run(kSlice);  // translated from here on
  const uint64_t before = m.vcpu->instructions();
  for (auto _ : state) m.vcpu->run(kSlice);
  using benchmark::Counter;
  const auto insts = static_cast<double>(m.vcpu->instructions() - before);
  state.counters["s/inst"] = Counter(insts, Counter::kIsRate | Counter::kInvert);
  state.counters["s/op"] = Counter(insts / per_op, Counter::kIsRate | Counter::kInvert);
}

test::BareOptions options(Accelerator accelerator = Accelerator::kJit) {
  return {.accelerator = accelerator, .code_bytes = 16 << 20, .exact = false, .validate = false};
}

// A block that branches to itself.
void BM_DirectLink(benchmark::State& state) {
  BareMachine m(options(state.range(0) ? Accelerator::kInterp : Accelerator::kJit));
  Code c(kCode);
  c(movz(0, 0)).bind(kLoop)(add_imm(0, 0, 1), eor(1, 0, 2), add(2, 2, 1)).b(kLoop);
  m.load(c);
  run_program(state, m, 4);
}
BENCHMARK(BM_DirectLink)->ArgName("interp")->Arg(0)->Arg(1)->Unit(benchmark::kMillisecond);

// Two pages that branch to each other.
void BM_LinkAcrossPages(benchmark::State& state) {
  BareMachine m(options());
  m.load(kCode, {add_imm(0, 0, 1), b(kPage - 4)});
  m.load(kCode + kPage, {add_imm(0, 0, 1), b(-static_cast<int64_t>(kPage) - 4)});
  run_program(state, m, 2);
}
BENCHMARK(BM_LinkAcrossPages)->Unit(benchmark::kMillisecond);

// Call and return through registers: the jump cache.
void BM_IndirectBranch(benchmark::State& state) {
  BareMachine m(options());
  Code c(kCode);
  c.load(1, kCode + 0x100).bind(kLoop)(blr(1)).b(kLoop).pad_to(kCode + 0x100)(add_imm(0, 0, 1), ret());
  m.load(c);
  run_program(state, m, 4);
}
BENCHMARK(BM_IndirectBranch)->Unit(benchmark::kMillisecond);

// Branches to more targets than the jump cache can hold: each goes through the engine.
void BM_JumpCacheMiss(benchmark::State& state) {
  BareMachine m(options());
  constexpr unsigned kTargets = 8192, kStride = 16;
  constexpr uint64_t kBase = test::kRam + (2 << 20);
  static_assert(kTargets * kStride == 1 << 17);
  std::vector<Word> words;
  for (unsigned i = 0; i < kTargets; ++i)
    words.insert(words.end(),
                 {add_imm(1, 1, kStride), 0x92404021 /* and x1, x1, #0x1ffff */, add(2, 1, 3), br(2)});
  m.load(kBase, words);
  Code c(kCode);
  c.load(3, kBase)(movz(1, 0), br(3));
  m.load(c);
  run_program(state, m, 4);
}
BENCHMARK(BM_JumpCacheMiss)->Unit(benchmark::kMillisecond);

// A load from each of a number of pages in turn. The first level holds 256 of a context, the second 4096.
void BM_Pages(benchmark::State& state) {
  BareMachine m(options());
  const auto pages = static_cast<unsigned>(state.range(0));
  constexpr uint64_t kVa = 0x10000000;
  for (unsigned i = 0; i < pages; ++i) m.map(m.kernel_table(), kVa + i * kPage, kData + i % 256 * kPage);
  Code c(kCode);
  c.bind(kOther).load(1, kVa).load(9, pages);
  c.bind(kLoop)(ldr(2, 1), add_imm(1, 1, 2048), add_imm(1, 1, 2048), subs_imm(9, 9, 1))
      .b_cc(kNe, kLoop)
      .b(kOther);
  m.load(c);
  run_program(state, m, 5);
  using benchmark::Counter;
  const auto& tlb = m.vcpu->tlb().stats;
  const double loads = static_cast<double>(m.vcpu->instructions()) / 5;
  state.counters["refills/op"] = static_cast<double>(tlb.refills) / loads;
  state.counters["walks/op"] = static_cast<double>(tlb.walks) / loads;
}
BENCHMARK(BM_Pages)->ArgName("pages")->Arg(64)->Arg(1024)->Arg(8192)->Unit(benchmark::kMillisecond);

// A device register read: the slow flavour and the bus.
void BM_DeviceRead(benchmark::State& state) {
  BareMachine m(options());
  Code c(kCode);
  c.load(1, test::kDevice).bind(kLoop)(ldr_w(2, 1), add_imm(3, 3, 1)).b(kLoop);
  m.load(c);
  run_program(state, m, 3);
}
BENCHMARK(BM_DeviceRead)->Unit(benchmark::kMillisecond);

// SVC and ERET.
void BM_Exception(benchmark::State& state) {
  BareMachine m(options());
  m.load(kVectors + 0x200, {add_imm(3, 3, 1), kEret});
  Code c(kCode);
  c.bind(kLoop)(svc(0)).b(kLoop);
  m.load(c);
  run_program(state, m, 4);
}
BENCHMARK(BM_Exception)->Unit(benchmark::kMillisecond);

// Address space switch and back, a load in each.
void BM_ContextSwitch(benchmark::State& state) {
  BareMachine m(options());
  Code c(kCode);
  c.load(1, m.kernel_table() | uint64_t{1} << 48)
      .load(2, m.kernel_table() | uint64_t{2} << 48)
      .load(3, kData);
  c.bind(kLoop)(msr(kTtbr0, 1), kIsb, ldr(4, 3), msr(kTtbr0, 2), kIsb, ldr(4, 3)).b(kLoop);
  m.load(c);
  run_program(state, m, 7);
}
BENCHMARK(BM_ContextSwitch)->Unit(benchmark::kMillisecond);

// Stores to a page that also holds the code that makes them, into another line.
void BM_StoreToCodePage(benchmark::State& state) {
  BareMachine m(options());
  Code c(kCode);
  c.load(1, kCode + 0x800).bind(kLoop)(str(2, 1), add_imm(2, 2, 1)).b(kLoop);
  m.load(c);
  run_program(state, m, 3);
}
BENCHMARK(BM_StoreToCodePage)->Unit(benchmark::kMillisecond);

// A word rewritten and executed, a new one each time.
void BM_RewrittenCode(benchmark::State& state) {
  BareMachine m(options());
  m.load(kCode + kPage, {movz(0, 0), ret()});
  Code c(kCode);
  c.load(1, kCode + kPage).load(5, movz(0, 0))(movz(4, 0)).bind(kLoop);
  c(add_imm(4, 4, 1), 0x92403c84 /* and x4, x4, #0xffff */, 0xaa0414a2 /* orr x2, x5, x4, lsl #5 */);
  c(str_w(2, 1), dc_cvau(1), kDsb, ic_ivau(1), kDsb, kIsb, blr(1)).b(kLoop);
  m.load(c);
  run_program(state, m, 13);
}
BENCHMARK(BM_RewrittenCode)->Unit(benchmark::kMillisecond);

// --- events

void BM_EventQueue(benchmark::State& state) {
  dev::ManualClock clock;
  dev::EventQueue queue(clock);
  const auto events = static_cast<unsigned>(state.range(0));
  uint64_t ran = 0;
  std::vector<dev::EventId> ids;
  for (unsigned i = 0; i < events; ++i)
    ids.push_back(
        queue.register_event("event" + std::to_string(i), [&ran](uint64_t, dev::TimeNs) { ++ran; }));
  uint64_t seed = 1;
  for (auto _ : state) {
    for (const dev::EventId id : ids) {
      seed = seed * 6364136223846793005 + 1442695040888963407;
      queue.schedule(id, clock.time + 1 + static_cast<dev::TimeNs>(seed >> 54));
    }
    while (queue.next_deadline() != dev::kNever) {
      clock.time = queue.next_deadline();
      queue.run_due();
    }
  }
  using benchmark::Counter;
  state.counters["s/op"] = Counter(static_cast<double>(ran), Counter::kIsRate | Counter::kInvert);
}
BENCHMARK(BM_EventQueue)->ArgName("pending")->Arg(1)->Arg(8)->Arg(64);

// Timer interrupts are set anew far more often than they fire.
void BM_EventReschedule(benchmark::State& state) {
  dev::ManualClock clock;
  dev::EventQueue queue(clock);
  std::vector<dev::EventId> ids;
  for (unsigned i = 0; i < 8; ++i) {
    ids.push_back(queue.register_event("event" + std::to_string(i), [](uint64_t, dev::TimeNs) {}));
    queue.schedule(ids.back(), 1'000'000 + i);
  }
  dev::TimeNs when = 1000;
  for (auto _ : state) queue.reschedule(ids[3], ++when);
}
BENCHMARK(BM_EventReschedule);

}  // namespace
}  // namespace mynah
