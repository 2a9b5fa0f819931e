// SPDX-License-Identifier: Apache-2.0
//
// An x86 processor with memory and next to nothing else, for programs of a few instructions: RAM from 0,
// tables that a test may change, handlers that stop. Every interrupt's handler is a HLT; vector() says whose.
// An instruction takes a tick of the TSC.
#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/vcpu.h"
#include "frontend/x86/cpu.h"
#include "frontend/x86/descriptors.h"
#include "tests/x86_system/kvm_runner.h"

namespace mynah::test {

constexpr uint64_t kRamSize = 4 << 20;
constexpr uint64_t kGdt = 0x1000, kIdt = 0x2000, kTss = 0x3000, kTss2 = 0x3800, kLdt = 0x4000,
                   kCode = 0x10000, kStack0 = 0x20000, kStack1 = 0x24000, kIstStack = 0x28000,
                   kStack3 = 0x30000, kHandlers = 0x40000, kUserCode = 0x50000, kData = 0x60000,
                   kTables = 0x100000;

// Selectors of the GDT that every machine begins with. SYSCALL's and SYSRET's are in the order they need.
enum : uint16_t {
  kCode64 = 0x08,
  kData0 = 0x10,
  kCode32User = 0x18 | 3,
  kDataUser = 0x20 | 3,
  kCode64User = 0x28 | 3,
  kCode32 = 0x30,
  kCode16 = 0x38,
  kData16 = 0x40,
  kTssSelector = 0x48,  // 16 bytes in long mode
  kLdtSelector = 0x58,  // the same
  kFree = 0x68,         // from here on
};

enum class Start : uint8_t { kReal, kProtected16, kProtected32, kLong64 };

struct BareOptions {
  Start start = Start::kLong64;
  Accelerator accelerator = Accelerator::kInterp;
  std::string cpu = "max";
  bool on_host = false;  // by KvmRunner, where there is one
};

class BareMachine : public x86::X86System, public DeviceBus {
 public:
  explicit BareMachine(const BareOptions& options);
  ~BareMachine() override;

  // --- set-up
  void load(uint64_t pa, const std::vector<uint8_t>& bytes);
  template <typename T>
  void put(uint64_t pa, T value) {
    memory_.write(pa, &value, sizeof value);
  }
  template <typename T>
  T get(uint64_t pa) {
    T value{};
    memory_.read(pa, &value, sizeof value);
    return value;
  }
  void set_descriptor(uint16_t selector, uint64_t descriptor) { put(kGdt + (selector & ~7u), descriptor); }
  uint64_t descriptor(uint16_t selector) { return get<uint64_t>(kGdt + (selector & ~7u)); }
  static uint64_t segment(uint32_t base, uint32_t limit, unsigned access, unsigned flags) {
    return (limit & 0xffff) | uint64_t{base & 0xffffff} << 16 | uint64_t{access} << 40 |
           uint64_t{limit >> 16 & 15} << 48 | uint64_t{flags} << 52 | uint64_t{base >> 24} << 56;
  }
  static uint64_t gate(uint16_t selector, uint32_t offset, unsigned access, unsigned count = 0) {
    return (offset & 0xffff) | uint64_t{selector} << 16 | uint64_t{count} << 32 | uint64_t{access} << 40 |
           uint64_t{offset >> 16} << 48;
  }
  // Gates of the IDT, by mode; the handler is the vector's own.
  void set_gate(unsigned vector, uint16_t selector, unsigned access, unsigned ist = 0);
  // Goes to CPL 3 with flat user segments, or to virtual-8086 mode.
  void enter_user(bool code64);
  void enter_vm86();

  // --- running
  // Puts code where the processor is (kCode; kUserCode with CPL 3), and runs it until something halts; at
  // most n instructions, which the host does not count.
  AfterExit run(std::initializer_list<uint8_t> code, uint64_t n = 1000);
  AfterExit run_at(uint64_t pc, uint64_t n = 1000);
  AfterExit go_on(uint64_t n = 1000);
  // The vector whose handler halted; nothing: something else did.
  std::optional<unsigned> vector();
  // Word n of the stack, in words of the machine's frames.
  uint64_t frame(unsigned n);
  bool halted_at(uint64_t pc) { return s().sleep == x86::Sleep::kHalt && s().pc() == pc; }

  x86::X86State& s() { return cpu->x86(); }
  uint64_t& r(unsigned n) { return s().r(n); }

  std::unique_ptr<x86::X86Cpu> cpu;
  std::unique_ptr<VcpuGroup> group;
  std::unique_ptr<Vcpu> vcpu;
  int interrupt = -1;  // vector that the APIC asks for
  bool shut = false;
  std::vector<unsigned> taken;  // vectors; the host does not tell
  struct PortAccess {
    uint16_t port;
    unsigned bytes;
    uint32_t value;
    bool write;
    bool operator==(const PortAccess&) const = default;
  };
  std::vector<PortAccess> ports;
  std::function<void()> on_port_write;
  uint32_t port_value = ~0u;  // what is read, wherever

  // --- X86System
  bool read64(uint64_t pa, uint64_t& value) override { return memory_.load64(pa, value); }
  bool compare_exchange64(uint64_t pa, uint64_t& expected, uint64_t desired) override {
    return memory_.compare_exchange64(pa, expected, desired);
  }
  uint8_t* linear(uint64_t linear, unsigned n, bool write, uint32_t permission_class,
                  LinearFault& fault) override;
  bool commit(const uint8_t* pointer, Fault& fault) override;
  uint8_t* ram(uint64_t linear, unsigned n, bool write, uint32_t permission_class) override {
    return vcpu->memory_path().ram(linear, n, write, permission_class);
  }
  void tlb_flush_all() override { vcpu->tlb().invalidate_all(); }
  void tlb_flush_id(uint32_t id) override { vcpu->tlb().invalidate_asid(id); }
  void tlb_flush_page(uint64_t va) override {
    vcpu->tlb().invalidate_pages(va & ~uint64_t{0xfff}, 1, true, 0);
  }
  void tlb_flush_page_of(uint64_t va, uint32_t id) override {
    vcpu->tlb().invalidate_pages(va & ~uint64_t{0xfff}, 1, false, id);
  }
  void translation_changed() override { vcpu->translation_changed(); }
  uint32_t port_read(uint16_t port, unsigned bytes) override {
    const uint32_t value = bytes == 4 ? port_value : port_value & ((1u << 8 * bytes) - 1);
    ports.push_back({port, bytes, value, false});
    return value;
  }
  void port_write(uint16_t port, unsigned bytes, uint32_t value) override {
    ports.push_back({port, bytes, bytes == 4 ? value : value & ((1u << 8 * bytes) - 1), true});
    if (on_port_write) on_port_write();
  }
  int pending_vector() override { return interrupt; }
  int accept_interrupt() override { return std::exchange(interrupt, -1); }
  uint64_t cr8() override { return 0; }
  void set_cr8(uint64_t) override {}
  bool read_apic_msr(uint32_t, uint64_t&) override { return false; }
  bool write_apic_msr(uint32_t, uint64_t) override { return false; }
  bool apic_enabled() override { return true; }
  uint32_t apic_id() override { return 0; }
  unsigned processors() override { return 1; }
  uint64_t tsc() override { return vcpu->instructions(); }
  uint64_t tsc_hz() override { return 1'000'000'000; }
  void tsc_offset_changed(uint64_t) override {}
  std::optional<uint64_t> random() override { return 4; }
  void sleeps() override {}
  void wakes() override {}
  void look_soon() override { vcpu->request_stop(); }
  bool others_can_run() override { return false; }
  void reset_apic() override {}
  void shut_down() override { shut = true; }
  // --- DeviceBus
  bool read(uint64_t, unsigned, uint64_t&) override { return false; }
  bool write(uint64_t, unsigned, uint64_t) override { return false; }

 private:
  void set_up_tables();
  void set_up_state();

  const Start start_;
  GuestMemory memory_;
  ir::Runtime* runtime_;
  std::unique_ptr<ir::Backend> backend_;
  std::unique_ptr<KvmRunner> host_;
};

}  // namespace mynah::test
