// SPDX-License-Identifier: Apache-2.0
//
// What all boards do alike. A slice is bounded by the next deadline; what is due happens before anything of
// it can be seen (docs/ARCHITECTURE.md, Time).
#include "machines/machine.h"

#include <algorithm>

#include "machines/host_backend.h"

namespace mynah {

struct Machine::Dma final : dev::DmaMemory {
  explicit Dma(GuestMemory& memory) : memory(memory) {}
  bool read(uint64_t pa, void* to, size_t n) override { return memory.read(pa, to, n); }
  bool write(uint64_t pa, const void* from, size_t n) override { return memory.write(pa, from, n); }
  uint8_t* map(uint64_t pa, size_t n, bool for_write) override {
    return for_write ? memory.for_write(pa, n) : memory.host(pa, n);
  }
  bool discard(uint64_t pa, size_t n) override { return memory.discard(pa, n); }
  GuestMemory& memory;
};

// Before an access what is due happens: a slice is never short enough that a guest could not see a counter
// beyond a mark, and then an interrupt controller that knows nothing of it.
struct Machine::Devices final : DeviceBus {
  Devices(dev::EventQueue& events, const dev::Bus& bus) : events(events), bus(bus) {}
  bool read(uint64_t pa, unsigned width, uint64_t& value) override {
    events.run_due();
    const auto found = bus.read(pa, static_cast<dev::Width>(width));
    value = found.value_or(0);
    return found.has_value();
  }
  bool write(uint64_t pa, unsigned width, uint64_t value) override {
    events.run_due();
    return bus.write(pa, static_cast<dev::Width>(width), value);
  }
  dev::EventQueue& events;
  const dev::Bus& bus;
};

Machine::Machine(MachineConfig config, dev::Log& log)
    : config_(std::move(config)),
      log_(log),
      clock_(config_.clock, config_.clock_shift),
      events_(clock_),
      dma_(std::make_unique<Dma>(memory_)),
      devices_(std::make_unique<Devices>(events_, bus_)) {}

Machine::~Machine() = default;

dev::DmaMemory& Machine::dma() { return *dma_; }

void Machine::show_memory(uint64_t pa, bool visible) {
  memory_.set_visible(pa, visible);
  for (const Processor& p : processors_)
    if (p.vcpu) p.vcpu->host_mapping_changed();
}

Result<void> Machine::init() {
  if (auto built = build(); !built) return built;
  backend_ = make_host_backend(config_.techniques, config_.verify);
  for (Processor& p : processors_) {
    p.vcpu = std::make_unique<Vcpu>(*p.guest, memory_, *devices_, backend_.get(), config_.accelerator,
                                    config_.code_bytes, config_.techniques);
    p.vcpu->set_exact(clock_.deterministic());
    if (auto ready = p.vcpu->init(); !ready) return ready;
    p.vcpu->translator()->verify = config_.verify;
  }
  clock_.count_with([this] { return instructions(); });
  events_.on_earlier_deadline([this] { request_stop(); });
  reset();
  return {};
}

uint64_t Machine::instructions() const {
  uint64_t sum = 0;
  for (const Processor& p : processors_) sum += p.vcpu->instructions();
  return sum;
}

void Machine::request_stop() {
  for (const Processor& p : processors_)
    if (p.vcpu) p.vcpu->request_stop();
}

void Machine::forget_translations() {
  for (const Processor& p : processors_) {
    p.vcpu->tlb().invalidate_all();
    p.vcpu->translation_changed();
  }
}

void Machine::reset() {
  for (dev::Stateful* part : parts_) part->reset();
  reset_board();
  forget_translations();
}

AfterExit Machine::run_slice() {
  constexpr uint64_t kSlice = 200'000;  // instructions; bounds how late host input is seen
  GuestCpu& guest = *processors_[0].guest;
  events_.run_due();
  if (guest.asleep() && !guest.wake_pending()) return AfterExit::kHalt;
  uint64_t budget = kSlice;
  const dev::TimeNs deadline = events_.next_deadline();
  if (clock_.deterministic()) {
    if (deadline != dev::kNever) budget = std::min(budget, clock_.instructions_until(deadline));
  } else if (deadline != dev::kNever) {
    // About one instruction a nanosecond: late by little when the guest is slower, early costs another slice.
    const dev::TimeNs left = std::max<dev::TimeNs>(deadline - clock_.now(), 2000);
    budget = std::min<uint64_t>(budget, static_cast<uint64_t>(left));
  }
  const AfterExit after = vcpu().run(budget);
  if (after == AfterExit::kHalt) {
    events_.run_due();
    if (guest.wake_pending()) return AfterExit::kContinue;
  }
  return after;
}

AfterExit Machine::step() {
  GuestCpu& guest = *processors_[0].guest;
  events_.run_due();
  if (guest.asleep()) guest.wake();
  hold_interrupts(true);
  const AfterExit after = vcpu().step();
  hold_interrupts(false);
  if (after != AfterExit::kHalt) return after;
  guest.wake();
  return AfterExit::kContinue;
}

bool Machine::skip_idle_time() {
  const dev::TimeNs deadline = events_.next_deadline();
  if (deadline == dev::kNever) return false;
  clock_.skip_to(deadline);
  return true;
}

void Machine::resume() {
  clock_.resume();
  time_resumed();
}

}  // namespace mynah
