// SPDX-License-Identifier: Apache-2.0
//
// What all boards do alike. A slice is bounded by the next deadline; what is due happens before anything of
// it can be seen (docs/ARCHITECTURE.md, Time).
#include "machines/machine.h"

#include <algorithm>
#include <utility>

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
  host_mapping_changed();
}

void Machine::host_mapping_changed() {
  for (const Processor& p : processors_)
    if (p.vcpu) p.vcpu->host_mapping_changed();
}

bool Machine::show_device_memory(uint64_t pa, std::span<uint8_t> memory) {
  for (const dev::Bus::Window& w : bus_.windows())
    if (w.base < pa + memory.size() && pa < w.base + w.size) return false;
  return memory_.show(pa, memory);
}

void Machine::hide_device_memory(uint64_t pa) {
  memory_.remove(pa);
  host_mapping_changed();
}

void Machine::route_memory(uint64_t pa, uint8_t* reads, bool writable) {
  memory_.route(pa, reads, writable);
  host_mapping_changed();
}

Result<void> Machine::init() {
  if (auto built = build(); !built) return built;
  backend_ = make_host_backend(config_.techniques, config_.verify);
  group_ = std::make_unique<VcpuGroup>(memory_, backend_.get(), config_.accelerator, config_.code_bytes);
  if (auto ready = group_->init(); !ready) return ready;
  for (Processor& p : processors_) {
    p.vcpu = std::make_unique<Vcpu>(*p.guest, *group_, *devices_, config_.techniques);
    p.vcpu->set_exact(clock_.deterministic());
    p.vcpu->translator()->verify = config_.verify;
    p.vcpu->translator()->yields = processors_.size() > 1;
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
  if (const auto& vcpu = processors_[current_].vcpu) vcpu->request_stop();
}

bool Machine::halted() const {
  return std::ranges::all_of(processors_, [](const Processor& p) { return p.guest->asleep(); });
}

void Machine::forget_translations() {
  for (const Processor& p : processors_) {
    p.vcpu->tlb().invalidate_all();
    p.vcpu->translation_changed();
  }
}

void Machine::reset() {
  settle_();
  if (!reset_to_resume()) {
    for (dev::Stateful* part : parts_) part->reset();
    reset_board();
  }
  forget_translations();
  current_ = turn_left_ = turn_pieces_ = 0;
  for (Processor& p : processors_) p.gave_way = false;
}

// --- turns

namespace {
// A turn goes piece by piece, as long as no other processor waits and it is no longer than so many. What one
// does for another (a lock, an interrupt) so waits for a piece of each other one's at most; each turn costs
// half a microsecond, and some ten for what the host's caches forget.
constexpr uint64_t kTurnPiece = 50'000;  // instructions
constexpr uint64_t kTurnPieces = 40;
}  // namespace

bool Machine::can_run(size_t processor) const {
  const Processor& p = processors_[processor];
  if (p.waits_for_host) return p.guest->interrupt_deliverable();
  return !p.guest->asleep() || p.guest->wake_pending();
}

bool Machine::wake_pending() const {
  return std::ranges::any_of(processors_, [](const Processor& p) {
    return p.waits_for_host ? p.guest->interrupt_deliverable() : p.guest->wake_pending();
  });
}

void Machine::try_host_again() {
  for (Processor& p : processors_) p.waits_for_host = false;
}

// Behind a turn, so that those that wait for a store of this processor's look again.
void Machine::end_turn() {
  turn_left_ = 0;
  try_host_again();
  for (const Processor& p : processors_)
    if (&p != &processors_[current_]) p.guest->others_ran();
}

void Machine::begin_turn(size_t processor) {
  if (processor != current_) processors_[processor].vcpu->translation_changed();  // names may have ended
  current_ = processor;
  processors_[processor].gave_way = false;
  turn_left_ = kTurnPiece;
  turn_pieces_ = kTurnPieces - 1;
  ++turns_;
}

// For more than its turn to come: for another one, for an interrupt, for what has woken it.
bool Machine::others_wait() const {
  for (size_t n = 0; n < processors_.size(); ++n) {
    const Processor& p = processors_[n];
    if (n != current_ && can_run(n) && (p.gave_way || p.guest->asleep() || p.guest->interrupt_deliverable()))
      return true;
  }
  return false;
}

bool Machine::go_on_with_turn() {
  if (turn_pieces_ == 0 || others_wait()) return false;
  --turn_pieces_;
  turn_left_ = kTurnPiece;
  return true;
}

bool Machine::choose() {
  if (turn_left_ > 0 && can_run(current_)) return true;
  if (turn_left_ > 0) end_turn();
  for (size_t i = 1; i <= processors_.size(); ++i) {
    const size_t n = (current_ + i) % processors_.size();
    if (!can_run(n)) continue;
    begin_turn(n);
    return true;
  }
  return false;
}

uint64_t Machine::instructions_to_deadline() {
  const dev::TimeNs deadline = events_.next_deadline();
  if (deadline == dev::kNever) return ~uint64_t{0};
  if (clock_.deterministic()) return clock_.instructions_until(deadline);
  // About one instruction a nanosecond: late by little when the guest is slower, early costs another slice.
  return static_cast<uint64_t>(std::max<dev::TimeNs>(deadline - clock_.now(), 2000));
}

// Interrupts are taken here first: the engine does not look for a breakpoint before the first instruction of
// a slice.
bool Machine::at_breakpoint() {
  const bool resumed = std::exchange(resumed_, false);
  const StopPoints& points = group_->stop_points();
  if (points.breakpoints().empty()) return false;
  const Processor& p = processors_[current_];
  if (!resumed && points.has_breakpoint(p.guest->pc())) return true;
  if (!p.guest->interrupt_deliverable()) return false;
  p.guest->deliver_interrupt();
  p.vcpu->translation_changed();
  return points.has_breakpoint(p.guest->pc());
}

AfterExit Machine::run_slice() {
  constexpr uint64_t kSlice = 200'000;  // instructions; bounds how late host input is seen
  const bool turns = processors_.size() > 1;
  try_host_again();
  for (uint64_t left = kSlice; left > 0;) {
    events_.run_due();
    if (asked_) return *std::exchange(asked_, std::nullopt);  // by an event, perhaps while the guest sleeps
    if (!choose()) return AfterExit::kHalt;
    if (at_breakpoint()) return AfterExit::kDebug;
    Processor& processor = processors_[current_];
    Vcpu& vcpu = *processor.vcpu;
    const uint64_t wanted = std::min(instructions_to_deadline(), turns ? turn_left_ : left);
    const uint64_t before = vcpu.instructions();
    AfterExit after = vcpu.run(wanted);
    if (asked_) after = *std::exchange(asked_, std::nullopt);
    const uint64_t ran = vcpu.instructions() - before;
    turn_left_ -= std::min(turn_left_, ran);
    // By the host's clock a run ends where the next block may be longer than what is left.
    if (!clock_.deterministic() && turn_left_ < vcpu.translator()->max_insts) turn_left_ = 0;
    const bool waits = after == AfterExit::kHalt || after == AfterExit::kYield;
    if (after != AfterExit::kContinue && !waits) return after;
    const bool for_host = after == AfterExit::kHalt && !processor.guest->asleep();
    if (!turns) {
      processor.waits_for_host = for_host;
      if (waits) events_.run_due();
      return waits && !asked_ && !wake_pending() ? AfterExit::kHalt : AfterExit::kContinue;
    }
    const bool over = turn_left_ == 0;
    if (for_host && ran == 0)
      turn_left_ = 0;  // nothing happened
    else if (waits || (over && !go_on_with_turn()))
      end_turn();
    processor.waits_for_host = for_host;
    processor.gave_way = after == AfterExit::kYield;
    if (!waits && !over) return AfterExit::kContinue;  // an event is due, or something asked for a stop
    left -= std::min(left, ran + kTurnPiece / 100);    // a turn costs, however short
  }
  return AfterExit::kContinue;
}

AfterExit Machine::step(size_t processor) {
  const Processor& p = processors_[processor];
  GuestCpu& guest = *p.guest;
  events_.run_due();
  if (current_ != processor) {
    end_turn();
    begin_turn(processor);
  }
  if (guest.asleep()) guest.wake();
  if (guest.asleep()) return AfterExit::kContinue;
  hold_interrupts(true);
  const AfterExit after = p.vcpu->step();
  hold_interrupts(false);
  if (after != AfterExit::kHalt && after != AfterExit::kYield) return after;
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
  resumed_ = true;
  time_resumed();
}

}  // namespace mynah
