// SPDX-License-Identifier: Apache-2.0
//
// A processor with memory and next to nothing else, for programs of a few instructions: RAM, one page of
// device registers, an MMU that maps RAM to itself, vectors that stop. HVC stops a run. An instruction takes
// a nanosecond, a cycle, and a tick of the generic timer (its counter and event stream; there are no timers).
// The performance monitor's interrupt is IRQ.
//
// Memory: RAM from kRam; vectors at kVectors, each of which is one HVC; page tables from kTables up. Programs
// take the rest: kCode and kData by convention. The device page kDevice reads as what was written to it last.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "devices/timer/cycle_clock.h"
#include "devices/timer/event_stream.h"
#include "engine/vcpu.h"
#include "frontend/arm/cpu.h"
#include "machines/tlb_invalidation.h"
#include "tests/engine/assembler.h"

namespace mynah::test {

constexpr uint64_t kRam = 0x40000000, kRamSize = 32 << 20;
constexpr uint64_t kVectors = kRam + 0x1000;
constexpr uint64_t kCode = kRam + 0x10000;
constexpr uint64_t kData = kRam + 0x100000;
constexpr uint64_t kTables = kRam + (24 << 20);
constexpr uint64_t kDevice = 0x09000000;
constexpr uint64_t kPage = 4096;

// Descriptor bits of map(); none: EL1 alone, read, write, execute, global, normal memory.
enum MapFlag : uint64_t {
  kMapUser = 1 << 6,      // AP[1]; EL1 cannot execute it if it is writable
  kMapReadOnly = 1 << 7,  // AP[2]
  kMapNotGlobal = 1 << 11,
  kMapNoExecute = uint64_t{3} << 53,
  kMapDevice = 1 << 2,  // AttrIndx 1
  kMapGuarded = uint64_t{1} << 50,
};

struct BareOptions {
  Accelerator accelerator = Accelerator::kJit;
  size_t code_bytes = 4 << 20;
  Techniques techniques{};
  bool exact = true;
  bool mmu = true;
  bool validate = true;  // the backend checks its own work
};

class BareMachine final : public arm::ArmSystem,
                          public arm::Firmware,
                          public arm::PhysicalMemory,
                          public DeviceBus {
 public:
  explicit BareMachine(const BareOptions& options = {});
  ~BareMachine() override;

  // --- set-up
  void load(uint64_t pa, const std::vector<a64asm::Word>& words);
  void load(const a64asm::Code& code) { load(code.address(), code.words()); }
  uint64_t new_table();  // an empty level 1 table
  uint64_t kernel_table() const {
    return table_;
  }  // TTBR0 at the start: RAM and the device mapped to themselves
  void map(uint64_t table, uint64_t va, uint64_t pa, uint64_t flags = 0);
  void unmap(uint64_t table, uint64_t va);
  uint64_t pte_address(uint64_t table, uint64_t va);  // of the level 3 descriptor; makes tables on the way
  static uint64_t pte(uint64_t pa, uint64_t flags) {
    return pa | flags | 0x703;
  }  // AF, inner shareable, a page

  // --- running
  void start(uint64_t pc);  // PSTATE.DAIF masked, EL1h
  // Runs n instructions at most. kShutdown: an HVC was executed. kHalt: it sleeps.
  AfterExit run(uint64_t n);
  // Lets time pass to the next event, for a processor that sleeps. False: there is none.
  bool skip();
  // Until an HVC, within a limit that no test reaches; true if so.
  bool run_to_hvc(uint64_t limit = 50'000'000) { return run(limit) == AfterExit::kShutdown; }
  // The exception vector whose HVC stopped the machine, as offset from kVectors; nothing if another HVC did.
  std::optional<unsigned> vector() const;

  arm::ArmState& state() { return cpu->arm(); }
  uint64_t& x(unsigned n) { return state().x(n); }
  uint64_t read(uint64_t pa) {
    uint64_t value = 0;
    memory_.read(pa, &value, 8);
    return value;
  }
  void write(uint64_t pa, uint64_t value) { memory_.write(pa, &value, 8); }
  GuestMemory& memory_of() { return memory_; }
  CodeCacheStats cache_stats() const { return vcpu->cache() ? vcpu->cache()->stats : CodeCacheStats{}; }
  // All that a program can see, as text, to compare two machines by.
  std::string snapshot();

  struct Time final : dev::Clock {
    explicit Time(BareMachine& m) : m(m) {}
    dev::TimeNs now() const override {
      return skipped + static_cast<dev::TimeNs>(m.vcpu ? m.vcpu->instructions() : 0);
    }
    BareMachine& m;
    dev::TimeNs skipped = 0;
  };
  Time time{*this};
  dev::EventQueue events{time};
  dev::GenericTimer timer{events, 0, {}, {}, 1'000'000'000};
  dev::EventStream event_stream{events, timer, 0, [this] { cpu->send_event(); }};
  dev::CycleClock cycles{events, 0, [this] { cpu->cycles_passed(); }};

  std::unique_ptr<arm::ArmCpu> cpu;
  std::unique_ptr<VcpuGroup> group;
  std::unique_ptr<Vcpu> vcpu;
  std::array<uint64_t, 512> device{};  // contents of the device page
  std::function<void(uint64_t offset, uint64_t)> on_device_write;
  std::function<uint64_t(uint64_t offset)> on_device_read;
  unsigned device_reads = 0, device_writes = 0;

  // --- arm::PhysicalMemory
  bool read64(uint64_t pa, uint64_t& value) override { return memory_.load64(pa, value); }
  bool compare_exchange64(uint64_t pa, uint64_t& expected, uint64_t desired) override {
    return memory_.compare_exchange64(pa, expected, desired);
  }
  // --- arm::ArmSystem
  arm::PhysicalMemory& memory() override { return *this; }
  void tlb_invalidate(const arm::TlbInvalidation& request) override { invalidate(vcpu->tlb(), request); }
  void translation_changed() override { vcpu->translation_changed(); }
  void instruction_cache_invalidate(uint64_t, bool) override {}
  bool read_external(uint16_t, uint64_t&) override;
  bool write_external(uint16_t, uint64_t) override { return true; }
  void catch_up() override { events.run_due(); }
  std::optional<uint64_t> random() override { return 4; }
  void send_event() override {}
  bool others_can_run() override { return false; }
  void set_event_stream(const arm::EventStreamControl& c) override {
    event_stream.set(c.enabled, c.bit, c.falling);
  }
  bool take_stream_event() override { return event_stream.take(); }
  void sleeps(bool for_event) override;
  void wakes() override;
  uint64_t cycle_count() override { return cycles.now(); }
  uint64_t instruction_count() override { return vcpu->instructions(); }
  void call_after_cycles(uint64_t n) override { cycles.call_after(n); }
  void set_pmu_interrupt(bool level) override;
  // --- arm::Firmware
  std::optional<AfterExit> call(arm::ArmState&, bool) override { return AfterExit::kShutdown; }
  // --- DeviceBus
  bool read(uint64_t pa, unsigned width, uint64_t& value) override;
  bool write(uint64_t pa, unsigned width, uint64_t value) override;

 private:
  GuestMemory memory_;
  ir::Runtime* runtime_;
  std::unique_ptr<ir::Backend> backend_;
  uint64_t next_table_ = kTables;
  uint64_t table_ = 0;
};

// Names for INSTANTIATE_TEST_SUITE_P.
inline std::string accelerator_name(Accelerator a) { return a == Accelerator::kJit ? "jit" : "interp"; }

}  // namespace mynah::test
