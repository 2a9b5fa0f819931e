// SPDX-License-Identifier: Apache-2.0
//
// The processor's lines, its generic timer's system registers (Arm ARM, D17.8), and its saved state. Whatever
// shows a condition of the clock has what is due run first.
#include "machines/arm_processor.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstring>
#include <type_traits>

#include "devices/intc/gicv3_cpu.h"
#include "frontend/arm/guest_debug.h"
#include "frontend/arm/pstate.h"
#include "frontend/arm/sysregs.h"
#include "machines/psci.h"
#include "machines/tlb_invalidation.h"

namespace mynah {

namespace {

constexpr uint16_t kCntfrq = arm::system_key(3, 3, 14, 0, 0), kCntpct = arm::system_key(3, 3, 14, 0, 1),
                   kCntvct = arm::system_key(3, 3, 14, 0, 2), kCntpTval = arm::system_key(3, 3, 14, 2, 0),
                   kCntpCtl = arm::system_key(3, 3, 14, 2, 1), kCntpCval = arm::system_key(3, 3, 14, 2, 2),
                   kCntvTval = arm::system_key(3, 3, 14, 3, 0), kCntvCtl = arm::system_key(3, 3, 14, 3, 1),
                   kCntvCval = arm::system_key(3, 3, 14, 3, 2);
using Timer = dev::GenericTimer::Timer;

std::optional<dev::IccReg> icc_register(uint16_t key) {
  return dev::icc_reg_from_encoding(key >> 14, key >> 11 & 7, key >> 7 & 15, key >> 3 & 15, key & 7);
}

}  // namespace

struct ArmProcessor::Walks final : arm::PhysicalMemory {
  explicit Walks(GuestMemory& memory) : memory(memory) {}
  bool read64(uint64_t pa, uint64_t& value) override { return memory.load64(pa, value); }
  bool compare_exchange64(uint64_t pa, uint64_t& expected, uint64_t desired) override {
    return memory.compare_exchange64(pa, expected, desired);
  }
  GuestMemory& memory;
};

struct ArmProcessor::System final : arm::ArmSystem, arm::Firmware, PsciProcessors {
  explicit System(ArmProcessor& p) : p(p) {}
  arm::PhysicalMemory& memory() override { return *p.walks_; }
  void tlb_invalidate(const arm::TlbInvalidation& request) override {
    invalidate(vcpu().tlb(), request);
    if (!request.broadcast) return;
    for (const auto& other : p.all_)
      if (other.get() != &p) drop(other->vcpu().tlb(), request);
  }
  void translation_changed() override { vcpu().translation_changed(); }
  void instruction_cache_invalidate(uint64_t, bool) override {}
  bool read_external(uint16_t key, uint64_t& value) override;
  bool write_external(uint16_t key, uint64_t value) override;
  void catch_up() override { p.machine_.events().run_due(); }
  std::optional<uint64_t> random() override {
    if (!p.entropy_) return std::nullopt;
    uint8_t bytes[8];
    p.entropy_->fill(bytes);
    uint64_t value;
    std::memcpy(&value, bytes, sizeof value);
    return value;
  }
  void send_event() override {
    for (const auto& other : p.all_)
      if (other.get() != &p) other->cpu_->send_event();
  }
  bool others_can_run() override {
    return std::ranges::any_of(p.all_, [this](const auto& other) {
      return other.get() != &p && p.machine_.can_run(other->number_);
    });
  }
  void set_event_stream(const arm::EventStreamControl& c) override {
    p.event_stream_->set(c.enabled, c.bit, c.falling);
  }
  bool take_stream_event() override { return p.event_stream_->take(); }
  void sleeps(bool for_event) override {
    p.cycles_->sleep();
    if (for_event) p.event_stream_->wait();
  }
  void wakes() override {
    p.event_stream_->stop_waiting();
    p.cycles_->wake();
  }
  uint64_t cycle_count() override { return p.cycles_->now(); }
  uint64_t instruction_count() override { return vcpu().instructions(); }
  uint64_t cycles_of(uint64_t instructions) override {
    // By the host's clock nobody knows how long they take: no less than a sixteenth of a nanosecond each.
    constexpr uint64_t kSixteenth = 4, kShortest = 1000;
    if (!p.machine_.clock().deterministic()) return std::max(instructions >> kSixteenth, kShortest);
    return instructions << p.machine_.clock().shift();
  }
  void call_after_cycles(uint64_t cycles) override { p.cycles_->call_after(cycles); }
  void set_pmu_interrupt(bool level) override { p.pmu_irq_.set(level); }
  std::optional<AfterExit> call(arm::ArmState& state, bool) override { return psci_call(state, *this); }
  Halt halt(arm::ArmState& state, uint16_t immediate) override;

  // --- PsciProcessors
  ArmProcessor* find(uint64_t affinity) const {
    const auto at = std::ranges::find(p.all_, affinity, [](const auto& each) { return each->affinity_; });
    return at == p.all_.end() ? nullptr : at->get();
  }
  std::optional<bool> is_on(uint64_t affinity) override {
    const ArmProcessor* const found = find(affinity);
    return found ? std::optional(!found->cpu_->is_off()) : std::nullopt;
  }
  void turn_on(uint64_t affinity, uint64_t entry, uint64_t context) override {
    find(affinity)->turn_on(entry, context);
  }
  void turn_off() override { p.turn_off(); }

  Vcpu& vcpu() { return p.vcpu(); }
  ArmProcessor& p;
};

// Memory as the code that calls may use it, page by page.
struct CallerMemory final : Semihosting::Memory {
  CallerMemory(arm::ArmCpu& cpu, GuestMemory& memory) : cpu(cpu), memory(memory) {}
  bool read(uint64_t address, std::span<uint8_t> to) override {
    return each_page(address, to.size(), Access::kRead,
                     [&](uint64_t pa, size_t at, size_t n) { return memory.read(pa, to.data() + at, n); });
  }
  bool write(uint64_t address, std::span<const uint8_t> from) override {
    return each_page(address, from.size(), Access::kWrite,
                     [&](uint64_t pa, size_t at, size_t n) { return memory.write(pa, from.data() + at, n); });
  }
  template <typename Piece>
  bool each_page(uint64_t address, size_t size, Access access, Piece piece) {
    const uint32_t permission_class = cpu.context_key().translation.permission_class;
    for (size_t done = 0; done < size;) {
      const uint64_t at = address + done;
      const size_t n = std::min<size_t>(size - done, kGuestPageSize - at % kGuestPageSize);
      const TranslateResult t = cpu.translate(at, access, permission_class);
      if (!t.ok || !piece(t.page.pa, done, n)) return false;
      done += n;
    }
    return true;
  }
  arm::ArmCpu& cpu;
  GuestMemory& memory;
};

arm::Firmware::Halt ArmProcessor::System::halt(arm::ArmState& state, uint16_t immediate) {
  constexpr uint16_t kSemihosting = 0xf000;
  if (!p.semihosting_ || immediate != kSemihosting || (state.el == 0 && !p.semihosting_->from_user_space()))
    return Halt::kUndefined;
  p.machine_.events().run_due();
  CallerMemory memory(*p.cpu_, p.machine_.memory());
  return p.semihosting_->call(memory, static_cast<uint32_t>(state.x(0)), state.x(1), state.x(0)) ==
                 Semihosting::Done::kYes
             ? Halt::kDone
             : Halt::kAgain;
}

struct ArmProcessor::Lines final : dev::IrqSink {
  enum Line : unsigned { kIrq, kFiq };
  explicit Lines(ArmProcessor& p) : p(p) {}
  void set_irq(unsigned line, bool level) override {
    levels[line] = level;
    if (held) return;
    show(line, level);
    const Processor& processor = p.machine_.processors()[p.number_];
    if (level && processor.vcpu) processor.vcpu->request_stop();
  }
  void show(unsigned line, bool level) {
    arm::ArmState& state = p.cpu_->arm();
    (line == kFiq ? state.fiq_pending : state.irq_pending) = level;
  }
  void hold(bool hold) {
    held = hold;
    for (const unsigned line : {kIrq, kFiq}) show(line, !hold && levels[line]);
  }
  ArmProcessor& p;
  std::array<bool, 2> levels{};
  bool held = false;
};

bool ArmProcessor::System::read_external(uint16_t key, uint64_t& value) {
  const dev::TimeNs now = p.machine_.events().run_due();
  dev::GenericTimer& t = *p.timer_;
  switch (key) {
    case kCntfrq:
      value = t.frequency();
      return true;
    case kCntpct:
    case kCntvct:
      value = t.counter_at(now);
      return true;
    case kCntpTval:
      value = t.read_tval(Timer::kPhysical);
      return true;
    case kCntpCtl:
      value = t.read_ctl(Timer::kPhysical);
      return true;
    case kCntpCval:
      value = t.read_cval(Timer::kPhysical);
      return true;
    case kCntvTval:
      value = t.read_tval(Timer::kVirtual);
      return true;
    case kCntvCtl:
      value = t.read_ctl(Timer::kVirtual);
      return true;
    case kCntvCval:
      value = t.read_cval(Timer::kVirtual);
      return true;
    default:
      break;
  }
  if (!p.gicv3_) return false;
  const auto icc = icc_register(key);
  return icc && p.gicv3_->read_icc(p.number_, *icc, value);
}

bool ArmProcessor::System::write_external(uint16_t key, uint64_t value) {
  p.machine_.events().run_due();
  dev::GenericTimer& t = *p.timer_;
  switch (key) {
    case kCntfrq:
      return true;  // as firmware would: the frequency is fixed
    case kCntpTval:
      t.write_tval(Timer::kPhysical, value);
      return true;
    case kCntpCtl:
      t.write_ctl(Timer::kPhysical, value);
      return true;
    case kCntpCval:
      t.write_cval(Timer::kPhysical, value);
      return true;
    case kCntvTval:
      t.write_tval(Timer::kVirtual, value);
      return true;
    case kCntvCtl:
      t.write_ctl(Timer::kVirtual, value);
      return true;
    case kCntvCval:
      t.write_cval(Timer::kVirtual, value);
      return true;
    default:
      break;
  }
  if (!p.gicv3_) return false;
  const auto icc = icc_register(key);
  return icc && p.gicv3_->write_icc(p.number_, *icc, value);
}

ArmProcessor::ArmProcessor(Machine& machine, const ArmProcessors& all, unsigned number, uint64_t affinity,
                           dev::EntropySource* entropy)
    : machine_(machine),
      all_(all),
      number_(number),
      affinity_(affinity),
      name_(fmt::format("cpu{}", number)),
      entropy_(entropy),
      walks_(std::make_unique<Walks>(machine.memory())),
      system_(std::make_unique<System>(*this)),
      lines_(std::make_unique<Lines>(*this)) {}

ArmProcessor::~ArmProcessor() = default;

Processor ArmProcessor::make(arm::CpuModel model) {
  Processor made;
  made.runtime.reset(ir::new_runtime(sizeof(arm::ArmState)));
  auto cpu = std::make_unique<arm::ArmCpu>(std::move(model), *system_, system_.get(), *made.runtime);
  cpu_ = cpu.get();
  cpu_->reset_config.affinity = affinity_;
  made.debug = std::make_unique<arm::ArmDebug>(*cpu_);
  made.guest = std::move(cpu);
  return made;
}

dev::IrqLine ArmProcessor::irq() const { return {*lines_, Lines::kIrq}; }
dev::IrqLine ArmProcessor::fiq() const { return {*lines_, Lines::kFiq}; }

void ArmProcessor::connect(const Outputs& outputs) {
  dev::EventQueue& events = machine_.events();
  timer_ =
      std::make_unique<dev::GenericTimer>(events, number_, outputs.physical_timer, outputs.virtual_timer);
  event_stream_ =
      std::make_unique<dev::EventStream>(events, *timer_, number_, [this] { cpu_->send_event(); });
  cycles_ = std::make_unique<dev::CycleClock>(events, number_, [this] { cpu_->cycles_passed(); });
  pmu_irq_ = outputs.pmu;
  gicv3_ = outputs.gicv3;
}

std::array<dev::Stateful*, 4> ArmProcessor::parts() {
  return {timer_.get(), event_stream_.get(), cycles_.get(), this};
}

void ArmProcessor::hold_interrupts(bool hold) { lines_->hold(hold); }

void ArmProcessor::turn_off() {
  cpu_->turn_off();
  cycles_->sleep();
}

// A processor's own timers are reset with it.
void ArmProcessor::turn_on(uint64_t entry, uint64_t context) {
  for (dev::Stateful* part : parts())
    if (part != this) part->reset();
  pmu_irq_.set(false);
  cpu_->turn_on(entry, context);
  vcpu().tlb().invalidate_all();
  vcpu().translation_changed();
}

void ArmProcessor::reset() {
  pmu_irq_.set(false);
  cpu_->reset();
  cpu_->arm().irq_pending = cpu_->arm().fiq_pending = 0;
}

// The registers as they lie in memory: a stream is of the program that wrote it, or of one with the same
// version.
void ArmProcessor::serialize_state(dev::StateStream& stream) {
  static_assert(std::is_trivially_copyable_v<arm::ArmState>);
  std::string model(cpu_->name());
  uint64_t size = sizeof(arm::ArmState);
  stream.io(model);
  stream.io(size);
  if (model != cpu_->name() || size != sizeof(arm::ArmState)) stream.fail();
  arm::ArmState state = cpu_->arm();
  state.fpsr = cpu_->fpsr();
  arm::set_nzcv(state, arm::get_nzcv(state));  // equal flags are equal bytes
  stream.raw(&state, sizeof state);
  stream.io(lines_->levels);
  if (!stream.loading() || stream.failed()) return;
  if (state.el > 1 || state.spsel > 1 || state.sleep > arm::Sleep::kOff || state.btype > 3 ||
      state.pc_page() % kGuestPageSize || state.pc_offset >= kGuestPageSize)
    return stream.fail();
  cpu_->arm() = state;
  cpu_->set_fpsr(state.fpsr);
}

}  // namespace mynah
