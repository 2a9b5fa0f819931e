// SPDX-License-Identifier: Apache-2.0
//
// The machine of memory, one device page and one processor: its tables, its run loop, its snapshot.
#include "tests/engine/bare_machine.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "backend-x86_64/backend.h"
#include "frontend/arm/pstate.h"

namespace mynah::test {

namespace {
constexpr uint64_t kTableDescriptor = 3;
constexpr uint64_t kAddress = 0x0000fffffffff000;
// 39 bits of address in both halves (walks begin at level 1), 4 KiB granules, 48 bits of output, 16-bit
// ASIDs.
constexpr uint64_t kTcrValue =
    25 | uint64_t{25} << 16 | uint64_t{2} << 30 | uint64_t{5} << 32 | uint64_t{1} << 36;
constexpr uint64_t kMairValue = 0x04ff;  // 0: normal, 1: device
constexpr uint64_t kSctlrM = 1;
}  // namespace

BareMachine::BareMachine(const BareOptions& options)
    : runtime_(ir::new_runtime(sizeof(arm::ArmState))),
      backend_(x86_64::make_backend(
          {.validate = options.validate, .return_stack = options.techniques.return_stack})) {
  cpu = std::make_unique<arm::ArmCpu>(*arm::make_cpu_model("max").model, *this, this, *runtime_);
  Result<void> ready = memory_.add_ram(kRam, kRamSize);
  group = std::make_unique<VcpuGroup>(memory_, backend_.get(), options.accelerator, options.code_bytes);
  vcpu = std::make_unique<Vcpu>(*cpu, *group, *this, options.techniques);
  vcpu->set_exact(options.exact);
  events.on_earlier_deadline([this] { vcpu->request_stop(); });
  if (ready) ready = group->init();
  if (!ready) {
    std::fprintf(stderr, "%s\n", ready.message().c_str());
    std::abort();
  }
  vcpu->translator()->verify = options.validate;
  for (unsigned offset = 0; offset < 0x800; offset += 0x80) load(kVectors + offset, {a64asm::hvc(offset)});

  cpu->reset();
  arm::ArmState& s = state();
  s.vbar = kVectors;
  s.cpacr = 3 << 20;
  if (options.mmu) {
    table_ = new_table();
    for (uint64_t at = kRam; at < kRam + (8 << 20); at += kPage) map(table_, at, at);
    for (uint64_t at = kTables; at < kRam + kRamSize; at += kPage) map(table_, at, at);
    map(table_, kDevice, kDevice, kMapDevice | kMapNoExecute);
    s.ttbr0 = table_;
    s.tcr = kTcrValue;
    s.mair = kMairValue;
    s.sctlr |= kSctlrM;
  }
  start(kCode);
}

BareMachine::~BareMachine() {
  vcpu.reset();
  group.reset();
  cpu.reset();
  ir::delete_runtime(runtime_);
}

void BareMachine::load(uint64_t pa, const std::vector<a64asm::Word>& words) {
  if (!memory_.write(pa, words.data(), words.size() * 4)) std::abort();
}

uint64_t BareMachine::new_table() {
  const uint64_t table = next_table_;
  next_table_ += kPage;
  if (next_table_ > kRam + kRamSize) std::abort();
  return table;
}

uint64_t BareMachine::pte_address(uint64_t table, uint64_t va) {
  for (unsigned shift = 30; shift > 12; shift -= 9) {
    const uint64_t at = table + (va >> shift & 511) * 8;
    uint64_t descriptor = read(at);
    if (!(descriptor & 1)) {
      descriptor = new_table() | kTableDescriptor;
      write(at, descriptor);
    }
    table = descriptor & kAddress;
  }
  return table + (va >> 12 & 511) * 8;
}

void BareMachine::map(uint64_t table, uint64_t va, uint64_t pa, uint64_t flags) {
  write(pte_address(table, va), pte(pa, flags));
}
void BareMachine::unmap(uint64_t table, uint64_t va) { write(pte_address(table, va), 0); }

void BareMachine::start(uint64_t pc) {
  arm::select_level(state(), 1, 1);
  state().daif = arm::kDaifAll;
  cpu->set_pc(pc);
  vcpu->translation_changed();
}

AfterExit BareMachine::run(uint64_t n) {
  const uint64_t end = vcpu->instructions() + n;
  while (vcpu->instructions() < end) {
    events.run_due();
    uint64_t budget = end - vcpu->instructions();
    if (const dev::TimeNs deadline = events.next_deadline(); deadline != dev::kNever)
      budget = std::min(budget, static_cast<uint64_t>(deadline - time.now()));
    const AfterExit after = vcpu->run(budget);
    if (after != AfterExit::kContinue) return after;
  }
  return AfterExit::kContinue;
}

bool BareMachine::skip() {
  const dev::TimeNs deadline = events.next_deadline();
  if (deadline == dev::kNever) return false;
  if (deadline > time.now()) time.skipped += deadline - time.now();
  events.run_due();
  return true;
}

void BareMachine::sleeps(bool for_event) {
  cycles.sleep();
  if (for_event) event_stream.wait();
}

void BareMachine::wakes() {
  event_stream.stop_waiting();
  cycles.wake();
}

void BareMachine::set_pmu_interrupt(bool level) {
  state().irq_pending = level;
  if (level) vcpu->request_stop();
}

std::optional<unsigned> BareMachine::vector() const {
  const uint64_t pc = cpu->pc() - 4;
  if (pc < kVectors || pc >= kVectors + 0x800) return std::nullopt;
  return static_cast<unsigned>(pc - kVectors);
}

std::string BareMachine::snapshot() {
  std::string text = cpu->dump();
  char line[200];
  const arm::ArmState& s = state();
  std::snprintf(line, sizeof line, "ELR=%llx ESR=%llx FAR=%llx SPSR=%llx n=%llu memory=%llx\n",
                static_cast<unsigned long long>(s.elr), static_cast<unsigned long long>(s.esr),
                static_cast<unsigned long long>(s.far), static_cast<unsigned long long>(s.spsr),
                static_cast<unsigned long long>(vcpu->instructions()),
                static_cast<unsigned long long>(memory_.hash()));
  text += line;
  for (unsigned i = 0; i < 32; ++i) {
    std::snprintf(line, sizeof line, "V%u=%016llx%016llx\n", i, static_cast<unsigned long long>(s.v[i].hi),
                  static_cast<unsigned long long>(s.v[i].lo));
    text += line;
  }
  return text;
}

bool BareMachine::read_external(uint16_t, uint64_t& value) {
  value = timer.counter();
  return true;
}

bool BareMachine::read(uint64_t pa, unsigned width, uint64_t& value) {
  if (pa < kDevice || pa + width > kDevice + kPage) return false;
  ++device_reads;
  const uint64_t offset = pa - kDevice;
  if (on_device_read) {
    value = on_device_read(offset);
    return true;
  }
  value = 0;
  std::memcpy(&value, reinterpret_cast<const uint8_t*>(device.data()) + offset, width);
  return true;
}

bool BareMachine::write(uint64_t pa, unsigned width, uint64_t value) {
  if (pa < kDevice || pa + width > kDevice + kPage) return false;
  ++device_writes;
  const uint64_t offset = pa - kDevice;
  std::memcpy(reinterpret_cast<uint8_t*>(device.data()) + offset, &value, width);
  if (on_device_write) on_device_write(offset, value);
  return true;
}

}  // namespace mynah::test
