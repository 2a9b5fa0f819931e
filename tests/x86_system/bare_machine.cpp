// SPDX-License-Identifier: Apache-2.0
//
// The x86 machine of memory and one processor: its tables, its state at the start, linear memory for C++ by
// a walk for each page.
#include "tests/x86_system/bare_machine.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "backend-x86_64/backend.h"
#include "frontend/x86/segments.h"

namespace mynah::test {

using namespace x86;

namespace {
constexpr uint64_t kPage = 4096;
constexpr uint8_t kHlt = 0xf4;
[[noreturn]] void give_up(const std::string& why) {
  std::fprintf(stderr, "%s\n", why.c_str());
  std::abort();
}
}  // namespace

BareMachine::BareMachine(const BareOptions& options)
    : start_(options.start),
      runtime_(ir::new_runtime(sizeof(X86State))),
      backend_(x86_64::make_backend({.validate = true})) {
  auto model = parse_cpu(options.cpu);
  if (!model) give_up(model.message());
  cpu = std::make_unique<X86Cpu>(*model, *this, *runtime_);
  Result<void> ready = memory_.add_ram(0, kRamSize);
  group = std::make_unique<VcpuGroup>(memory_, backend_.get(), options.accelerator, 4 << 20);
  vcpu = std::make_unique<Vcpu>(*cpu, *group, *this, options.techniques);
  vcpu->set_exact(true);
  if (ready) ready = group->init();
  if (!ready) give_up(ready.message());
  vcpu->translator()->verify = true;
  cpu->on_exception = [this](const Exception& e) { taken.push_back(e.vector); };
  cpu->reset();
  set_up_tables();
  set_up_state();
  if (!options.on_host) return;
  host_ = KvmRunner::open(memory_.host(0, kRamSize), kRamSize);
  if (!host_) give_up("/dev/kvm does not open");
  host_->port_read = [this](uint16_t port, unsigned bytes) { return port_read(port, bytes); };
  host_->port_write = [this](uint16_t port, unsigned bytes, uint32_t value) {
    port_write(port, bytes, value);
  };
}

BareMachine::~BareMachine() {
  vcpu.reset();
  group.reset();
  cpu.reset();
  ir::delete_runtime(runtime_);
}

void BareMachine::load(uint64_t pa, const std::vector<uint8_t>& bytes) {
  if (!memory_.write(pa, bytes.data(), bytes.size())) std::abort();
}

void BareMachine::set_gate(unsigned vector, uint16_t selector, unsigned access, unsigned ist) {
  const auto offset = static_cast<uint32_t>(kHandlers + vector * 16);
  const unsigned bytes = start_ == Start::kLong64 ? 16 : 8;
  put(kIdt + vector * bytes, gate(selector, offset, access, ist));
  if (bytes == 16) put<uint64_t>(kIdt + vector * 16 + 8, 0);
}

void BareMachine::set_up_tables() {
  const bool is_long = start_ == Start::kLong64;
  set_descriptor(kCode64, segment(0, 0xfffff, 0x9b, is_long ? 0xa : 0xc));
  set_descriptor(kData0, segment(0, 0xfffff, 0x93, 0xc));
  set_descriptor(kCode32User, segment(0, 0xfffff, 0xfb, 0xc));
  set_descriptor(kDataUser, segment(0, 0xfffff, 0xf3, 0xc));
  set_descriptor(kCode64User, segment(0, 0xfffff, 0xfb, is_long ? 0xa : 0xc));
  set_descriptor(kCode32, segment(0, 0xfffff, 0x9b, 0xc));
  set_descriptor(kCode16, segment(0, 0xffff, 0x9b, 0));
  set_descriptor(kData16, segment(0, 0xffff, 0x93, 0));
  if (start_ == Start::kProtected16) {
    set_descriptor(kSmallCode, segment(kCode, 0xffff, 0x9b, 0));
    set_descriptor(kSmallData, segment(kData, 0xffff, 0x93, 0));
  }
  set_descriptor(kTssSelector, segment(kTss, 0x7ff, 0x89, 0));
  set_descriptor(kLdtSelector, segment(kLdt, 0xff, 0x82, 0));
  for (unsigned v = 0; v < 256; ++v) {
    load(kHandlers + v * 16, {kHlt, 0xeb, 0xfd});
    if (start_ == Start::kReal)
      put(v * 4, static_cast<uint32_t>((kHandlers >> 4) << 16 | v * 16));
    else
      set_gate(v, is_long ? kCode64 : kCode32, 0x8e);
  }
  if (is_long) {
    put<uint64_t>(kTss + 4, kStack0);
    put<uint64_t>(kTss + 0x24, kIstStack);
  } else {
    put<uint32_t>(kTss + 4, kStack0);
    put<uint16_t>(kTss + 8, kData0);
  }
  put<uint16_t>(kTss + 0x66, 0x800);  // no I/O map
  // The first 2 MiB by pages of 4 KiB, the rest by 2 MiB; user, writable.
  put<uint64_t>(kTables, (kTables + kPage) | 7);
  put<uint64_t>(kTables + kPage, (kTables + 2 * kPage) | 7);
  put<uint64_t>(kTables + 2 * kPage, (kTables + 3 * kPage) | 7);
  put<uint64_t>(kTables + 2 * kPage + 8, 0x200087);
  for (uint64_t n = 0; n < 512; ++n) put<uint64_t>(kTables + 3 * kPage + n * 8, n * kPage | 7);
}

void BareMachine::set_up_state() {
  X86State& x = s();
  const auto set = [&](SegmentNumber n, uint16_t selector) {
    Descriptor d;
    const uint64_t bits = descriptor(selector);
    d.low = static_cast<uint32_t>(bits);
    d.high = static_cast<uint32_t>(bits >> 32);
    if (n == kCs)
      set_code(x, selector, d, 0, kCode);
    else
      set_segment(x, n, selector, d);
  };
  r(kRsp) = kStack0 - 0x100;
  if (start_ == Start::kReal) {
    for (unsigned n = 0; n < kSegments; ++n) set_real_segment(x, n, 0);
    x.idtr = {0, 0x3ff};
    r(kRsp) = 0x8000;
    set_real_code(x, kCode >> 4, 0);
    cpu->changed();
    return;
  }
  const bool is_long = start_ == Start::kLong64;
  x.gdtr = {kGdt, 0xfff};
  x.idtr = {kIdt, 0xfff};
  x.cr0 |= cr0::kPe | cr0::kNe;
  x.tr.segment = {kTssSelector, true, 0x8b00, 0x7ff};
  x.tr.base = kTss;
  put<uint8_t>(kGdt + kTssSelector + 5, 0x8b);
  if (is_long) {
    x.cr4 |= cr4::kPae;
    x.efer |= efer::kLme | efer::kLma | efer::kSce;
    x.cr3 = kTables;
    x.cr0 |= cr0::kPg | cr0::kWp;
  }
  const bool small = start_ == Start::kProtected16;
  const uint16_t data = small ? kSmallData : kData0;
  for (const SegmentNumber n : {kEs, kSs, kDs, kFs, kGs}) set(n, data);
  if (small) r(kRsp) = 0x8000;
  set(kCs, is_long ? kCode64 : small ? kSmallCode : kCode32);
  if (small) set_ip(x, 0);
  cpu->changed();
}

void BareMachine::enter_user(bool code64) {
  X86State& x = s();
  set_code(x, code64 ? kCode64User : kCode32User, flat_code(3, code64), 3, kUserCode);
  for (const SegmentNumber n : {kEs, kSs, kDs, kFs, kGs}) set_segment(x, n, kDataUser, flat_data(3));
  r(kRsp) = kStack3;
  cpu->changed();
}

void BareMachine::enter_vm86() {
  X86State& x = s();
  x.eflags |= eflags::kVm;
  x.cpl = 3;
  for (unsigned n = 0; n < kSegments; ++n) set_vm86_segment(x, n, kUserCode >> 4);
  r(kRsp) = 0x8000;
  set_ip(x, 0);
  cpu->changed();
}

AfterExit BareMachine::run(std::initializer_list<uint8_t> code, uint64_t n) {
  load(s().pc(), code);
  return go_on(n);
}

AfterExit BareMachine::run_at(uint64_t pc, uint64_t n) {
  s().set_linear_pc(pc);
  return go_on(n);
}

AfterExit BareMachine::go_on(uint64_t n) {
  if (!host_) {
    // What is to be looked at soon ends a slice.
    const uint64_t end = vcpu->instructions() + n;
    AfterExit after = AfterExit::kContinue;
    while (after == AfterExit::kContinue && vcpu->instructions() < end && !shut)
      after = vcpu->run(end - vcpu->instructions());
    return after;
  }
  const KvmRunner::End end = host_->run(s(), interrupt);
  shut |= end == KvmRunner::End::kShutdown;
  return end == KvmRunner::End::kStuck ? AfterExit::kContinue : AfterExit::kHalt;
}

std::optional<unsigned> BareMachine::vector() {
  const uint64_t pc = s().pc() - 1;
  if (s().sleep != Sleep::kHalt || pc < kHandlers || pc >= kHandlers + 256 * 16) return {};
  return static_cast<unsigned>((pc - kHandlers) / 16);
}

uint64_t BareMachine::frame(unsigned n) {
  if (start_ == Start::kLong64) return get<uint64_t>(r(kRsp) + n * 8);
  if (start_ == Start::kReal) return get<uint16_t>(s().base(kSs) + ((r(kRsp) + n * 2) & 0xffff));
  return get<uint32_t>(s().base(kSs) + r(kRsp) + n * 4);
}

uint8_t* BareMachine::linear(uint64_t linear, unsigned n, bool write, uint32_t permission_class,
                             LinearFault& fault) {
  uint8_t* pointer = nullptr;
  const auto result = vcpu->memory_path().linear(linear, n, write, permission_class, pointer, fault.fault);
  if (result == MemoryPath::Result::kPointer) return pointer;
  fault.alone = result == MemoryPath::Result::kAlone;
  return nullptr;
}

bool BareMachine::commit(const uint8_t* pointer, Fault& fault) {
  return vcpu->memory_path().commit(pointer, fault);
}

}  // namespace mynah::test
