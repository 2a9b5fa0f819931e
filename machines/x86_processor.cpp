// SPDX-License-Identifier: Apache-2.0
//
// The processor's way to memory, ports and its local APIC, and its saved state. Whatever shows a condition of
// the clock has what is due run first.
#include "machines/x86_processor.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstring>
#include <type_traits>

#include "frontend/x86/guest_debug.h"
#include "frontend/x86/x87.h"
#include "ir/f80.h"

namespace mynah {

struct X86Processor::System final : x86::X86System, dev::ApicProcessor {
  explicit System(X86Processor& p) : p(p) {}

  // --- memory
  bool read64(uint64_t pa, uint64_t& value) override { return p.machine_.memory().load64(pa, value); }
  bool compare_exchange64(uint64_t pa, uint64_t& expected, uint64_t desired) override {
    return p.machine_.memory().compare_exchange64(pa, expected, desired);
  }
  uint8_t* linear(uint64_t linear, unsigned n, bool write, uint32_t permission_class,
                  LinearFault& fault) override {
    uint8_t* pointer = nullptr;
    const auto result = vcpu().memory_path().linear(linear, n, write, permission_class, pointer, fault.fault);
    if (result == MemoryPath::Result::kPointer) return pointer;
    fault.alone = result == MemoryPath::Result::kAlone;
    return nullptr;
  }
  bool commit(const uint8_t* pointer, Fault& fault) override {
    return vcpu().memory_path().commit(pointer, fault);
  }
  uint8_t* ram(uint64_t linear, unsigned n, bool write, uint32_t permission_class) override {
    return vcpu().memory_path().ram(linear, n, write, permission_class);
  }

  // --- translations
  void tlb_flush_all() override { vcpu().tlb().invalidate_all(); }
  void tlb_flush_id(uint32_t id) override { vcpu().tlb().invalidate_asid(id); }
  void tlb_flush_page(uint64_t va) override {
    vcpu().tlb().invalidate_pages(va & ~uint64_t{0xfff}, 1, true, 0);
  }
  void tlb_flush_page_of(uint64_t va, uint32_t id) override {
    vcpu().tlb().invalidate_pages(va & ~uint64_t{0xfff}, 1, false, id);
  }
  void translation_changed() override {
    if (has_vcpu()) vcpu().translation_changed();
  }

  // --- ports. Accesses that are wider than a device, or go across two, are made by bytes.
  uint32_t port_read(uint16_t port, unsigned bytes) override {
    p.machine_.events().run_due();
    if (const auto found = p.board_.ports.read(port, static_cast<dev::Width>(bytes)))
      return static_cast<uint32_t>(*found);
    uint32_t value = 0;
    for (unsigned i = 0; i < bytes; ++i) {
      const auto found = p.board_.ports.read(static_cast<uint16_t>(port + i), dev::Width::k1);
      value |= static_cast<uint32_t>(found.value_or(0xff) & 0xff) << 8 * i;
    }
    return value;
  }
  void port_write(uint16_t port, unsigned bytes, uint32_t value) override {
    p.machine_.events().run_due();
    if (p.board_.ports.write(port, static_cast<dev::Width>(bytes), value)) return;
    if (bytes == 1) return;
    for (unsigned i = 0; i < bytes; ++i)
      p.board_.ports.write(static_cast<uint16_t>(port + i), dev::Width::k1, value >> 8 * i & 0xff);
  }

  // --- local APIC
  int pending_vector() override { return !p.held_ && p.apic_->interrupt_pending() ? 0 : -1; }
  int accept_interrupt() override { return p.apic_->accept(); }
  uint64_t cr8() override { return p.apic_->cr8(); }
  void set_cr8(uint64_t value) override { p.apic_->set_cr8(value); }
  bool read_apic_msr(uint32_t msr, uint64_t& value) override { return p.apic_->read_msr(msr, value); }
  bool write_apic_msr(uint32_t msr, uint64_t value) override { return p.apic_->write_msr(msr, value); }
  bool apic_enabled() override { return p.apic_->enabled(); }
  uint32_t apic_id() override { return p.number_; }
  unsigned processors() override { return p.board_.processors; }

  // --- time
  uint64_t tsc() override { return static_cast<uint64_t>(p.machine_.events().run_due()); }
  uint64_t tsc_hz() override { return 1'000'000'000; }
  void tsc_offset_changed(uint64_t offset) override { p.apic_->set_tsc_offset(offset); }
  std::optional<uint64_t> random() override {
    if (!p.board_.entropy) return std::nullopt;
    uint8_t bytes[8];
    p.board_.entropy->fill(bytes);
    uint64_t value;
    std::memcpy(&value, bytes, sizeof value);
    return value;
  }
  void sleeps() override {}
  void wakes() override {}
  void look_soon() override {
    if (has_vcpu()) vcpu().request_stop();
  }
  bool others_can_run() override {
    return std::ranges::any_of(p.machine_.processors(), [this](const Processor& other) {
      return other.guest.get() != p.cpu_ && (!other.guest->asleep() || other.guest->wake_pending());
    });
  }

  void reset_apic() override { p.apic_->reset_by_init(); }
  void shut_down() override { p.board_.shut_down(); }

  // --- ApicProcessor
  void interrupt_changed() override {
    if (p.cpu_ && p.apic_) p.cpu_->interrupt_changed();
  }
  void nmi() override { p.cpu_->nmi(); }
  void init() override { p.cpu_->init(); }
  void start_up(uint8_t vector) override { p.cpu_->startup(vector); }

  bool has_vcpu() {
    if (!vcpu_ && p.cpu_) vcpu_ = p.machine_.processors()[p.number_].vcpu.get();
    return vcpu_ != nullptr;
  }
  Vcpu& vcpu() {
    if (!vcpu_) vcpu_ = &p.vcpu();
    return *vcpu_;
  }
  Vcpu* vcpu_ = nullptr;  // there is none before the machine has made it; then it stays
  X86Processor& p;
};

X86Processor::X86Processor(Machine& machine, const Board& board, unsigned number)
    : machine_(machine),
      board_(board),
      number_(number),
      name_(fmt::format("cpu{}", number)),
      system_(std::make_unique<System>(*this)),
      apic_(std::make_unique<dev::LocalApic>(machine.events(), board.apics, *system_, number, number == 0,
                                             board.log)) {}

X86Processor::~X86Processor() = default;

Processor X86Processor::make(x86::CpuModel model) {
  apic_->offer(model.has(x86::Feature::kX2apic), model.has(x86::Feature::kTscDeadline));
  Processor made;
  made.runtime.reset(ir::new_runtime(sizeof(x86::X86State)));
  auto cpu = std::make_unique<x86::X86Cpu>(std::move(model), *system_, *made.runtime);
  cpu->bootstrap = number_ == 0;
  cpu_ = cpu.get();
  made.debug = std::make_unique<x86::X86Debug>(*cpu_);
  made.guest = std::move(cpu);
  return made;
}

void X86Processor::hold_interrupts(bool hold) {
  held_ = hold;
  cpu_->interrupt_changed();
}

void X86Processor::reset() {
  cpu_->reset();
  cpu_->interrupt_changed();
}

void X86Processor::start(const X86BootState& boot) {
  x86::X86State& s = cpu_->x86();
  const auto set = [](x86::Segment& to, const X86BootSegment& from) {
    to.selector = from.selector;
    to.usable = from.attributes != 0;
    to.access = static_cast<uint32_t>(from.attributes) << 8 & x86::access::kMask;
    to.limit = from.limit;
  };
  for (unsigned i = 0; i < x86::kSegments; ++i) {
    const X86BootSegment& from = i == x86::kCs ? boot.cs : boot.data;
    set(s.segments[i], from);
    s.base(i) = from.base;
  }
  set(s.tr.segment, boot.tr);
  s.tr.base = boot.tr.base;
  for (unsigned i = 0; i < 16; ++i) s.r(i) = 0;
  s.r(x86::kRax) = boot.rax;
  s.r(x86::kRbx) = boot.rbx;
  s.r(x86::kRsi) = boot.rsi;
  s.r(x86::kRsp) = boot.rsp;
  s.gdtr = {boot.gdt_base, boot.gdt_limit};
  s.idtr = {0, 0};
  s.cr0 |= x86::cr0::kPe | x86::cr0::kEt;
  if (boot.mode == X86BootState::Mode::kLong) {
    s.cr0 |= x86::cr0::kPg;
    s.cr3 = boot.cr3;
    s.cr4 |= x86::cr4::kPae;
    s.efer |= x86::efer::kLme | x86::efer::kLma;
  }
  s.cpl = 0;
  s.set_linear_pc(boot.entry);
  apic_->set_virtual_wire();
  cpu_->changed();
}

// The registers as they lie in memory: a stream is of the program that wrote it, or of one with the same
// version.
void X86Processor::serialize_state(dev::StateStream& stream) {
  static_assert(std::is_trivially_copyable_v<x86::X86State>);
  std::string model(cpu_->name());
  uint64_t size = sizeof(x86::X86State);
  stream.io(model);
  stream.io(size);
  if (model != cpu_->name() || size != sizeof(x86::X86State)) stream.fail();
  x86::X86State state = cpu_->x86();
  state.mxcsr = cpu_->mxcsr();
  x86::set_rflags(state, x86::rflags(state));  // equal flags are equal bytes
  stream.raw(&state, sizeof state);
  if (!stream.loading() || stream.failed()) return;
  if (state.cpl > 3 || state.sleep > x86::Sleep::kShutdown || state.fpu_top > 0x70 || state.fpu_top % 16 ||
      state.pc_page() % kGuestPageSize || state.pc_offset >= kGuestPageSize)
    return stream.fail();
  cpu_->x86() = state;
  cpu_->set_mxcsr(state.mxcsr);
  cpu_->changed();
}

}  // namespace mynah
