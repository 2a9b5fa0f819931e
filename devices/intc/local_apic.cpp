// SPDX-License-Identifier: Apache-2.0
//
// Priorities, delivery and registers of the local APIC; the timer is in local_apic_timer.cpp,
// the bus in apic_bus.cpp.
#include "devices/intc/local_apic.h"

#include <fmt/core.h>

#include <algorithm>
#include <bit>

namespace mynah::dev {

namespace {

constexpr uint32_t kVersion =
    0x14 | 5 << 16 | 1 << 24;  // six entries in the LVT, EOI broadcasts can be suppressed
constexpr uint32_t kMasked = 1 << 16, kLevelTriggered = 1 << 15, kRemoteIrr = 1 << 14;
constexpr uint8_t kSendIllegal = 1 << 5, kReceivedIllegal = 1 << 6, kIllegalRegister = 1 << 7;

void set(std::array<uint32_t, 8>& v, uint8_t vector, bool to) {
  const uint32_t bit = 1u << vector % 32;
  v[vector / 32] = to ? v[vector / 32] | bit : v[vector / 32] & ~bit;
}
bool test(const std::array<uint32_t, 8>& v, uint8_t vector) { return v[vector / 32] >> vector % 32 & 1; }
int highest(const std::array<uint32_t, 8>& v) {
  for (int i = 7; i >= 0; --i)
    if (v[i]) return 32 * i + 31 - std::countl_zero(v[i]);
  return -1;
}

}  // namespace

LocalApic::LocalApic(EventQueue& events, ApicBus& bus, ApicProcessor& processor, uint32_t id, bool bootstrap,
                     Log& log)
    : events_(events),
      bus_(bus),
      processor_(processor),
      log_(log),
      id_(id),
      bootstrap_(bootstrap),
      name_(fmt::format("apic{}", id)) {
  timer_event_ =
      events_.register_event(name_ + ".timer", [this](uint64_t, TimeNs late) { timer_expired(late); });
  bus_.add(*this);
  reset();
}

void LocalApic::reset() {
  base_ = ApicBus::kWindow | kBaseEnable | (bootstrap_ ? kBaseBootstrap : 0);
  tsc_offset_ = 0;
  external_ = nmi_line_ = 0;
  reset_by_init();
}

void LocalApic::reset_by_init() {
  stop_timer();
  ldr_ = 0;
  dfr_ = ~0u;
  svr_ = 0xff;
  tpr_ = 0;
  irr_ = isr_ = tmr_ = {};
  esr_ = esr_new_ = 0;
  icr_ = 0;
  lvt_.fill(kMasked);
  initial_count_ = divide_ = 0;
  if (x2apic()) ldr_ = (id_ >> 4 << 16) | 1u << (id_ & 15);
  processor_.interrupt_changed();
}

void LocalApic::set_virtual_wire() {
  svr_ = 0x1ff;
  lvt_[kLint0] = static_cast<uint32_t>(ApicDelivery::kExtInt) << 8;
  lvt_[kLint1] = static_cast<uint32_t>(ApicDelivery::kNmi) << 8;
  processor_.interrupt_changed();
}

// --- priorities

uint8_t LocalApic::processor_priority() const {
  const int in_service = highest(isr_);
  const unsigned service_class = in_service < 0 ? 0 : static_cast<unsigned>(in_service) & 0xf0;
  return static_cast<uint8_t>((tpr_ & 0xf0u) >= service_class ? tpr_ : service_class);
}

bool LocalApic::interrupt_pending() const {
  // Without the APIC the 8259's output is the processor's own pin.
  if (!enabled()) return external_wired();
  const int requested = highest(irr_);
  if (software_enabled() && requested >= 0 && (requested & 0xf0) > (processor_priority() & 0xf0)) return true;
  return external_wired();
}

// The 8259 asks, and is heard.
bool LocalApic::external_wired() const {
  return external_ &&
         (!enabled() || (!(lvt_[kLint0] & kMasked) &&
                         (lvt_[kLint0] >> 8 & 7) == static_cast<uint32_t>(ApicDelivery::kExtInt)));
}

uint8_t LocalApic::accept() {
  const int requested = highest(irr_);
  if (enabled() && software_enabled() && requested >= 0 &&
      (requested & 0xf0) > (processor_priority() & 0xf0)) {
    const auto vector = static_cast<uint8_t>(requested);
    set(irr_, vector, false);
    set(isr_, vector, true);
    processor_.interrupt_changed();
    return vector;
  }
  if (external_wired() && external_vector) return external_vector();
  return static_cast<uint8_t>(svr_);
}

void LocalApic::set_tpr(uint8_t value) {
  tpr_ = value;
  processor_.interrupt_changed();
}

bool LocalApic::request(uint8_t vector, bool level) {
  if (vector < 16) {
    error(kReceivedIllegal);
    return false;
  }
  set(irr_, vector, true);
  set(tmr_, vector, level);
  processor_.interrupt_changed();
  return true;
}

void LocalApic::error(uint8_t bit) {
  if (esr_new_ & bit) return;
  esr_new_ |= bit;
  fire(kError);
}

void LocalApic::end_of_interrupt() {
  const int in_service = highest(isr_);
  if (in_service < 0) return;
  const auto vector = static_cast<uint8_t>(in_service);
  set(isr_, vector, false);
  if (test(tmr_, vector)) {
    if (!(svr_ & 1 << 12)) bus_.end_of_interrupt(vector);
    if ((lvt_[kLint0] & 0xff) == vector) lvt_[kLint0] &= ~kRemoteIrr;
    look_at_lint0();
  }
  processor_.interrupt_changed();
}

// --- what comes in

// LINT0 alone can; what the manual says of LINT1 is that it cannot.
bool LocalApic::by_level(unsigned n) const {
  return n == kLint0 && (lvt_[n] & kLevelTriggered) && (lvt_[n] >> 8 & 7) == 0;
}

void LocalApic::look_at_lint0() {
  if (enabled() && external_ && by_level(kLint0) && !(lvt_[kLint0] & kRemoteIrr)) fire(kLint0);
}

void LocalApic::fire(unsigned n) {
  const uint32_t entry = lvt_[n];
  if (entry & kMasked) return;
  if (n == kPerformance) lvt_[n] |= kMasked;  // until the handler has seen to the counters
  const auto delivery =
      n == kTimer || n == kError ? ApicDelivery::kFixed : static_cast<ApicDelivery>(entry >> 8 & 7);
  switch (delivery) {
    case ApicDelivery::kFixed: {
      const bool level = by_level(n);
      if (request(static_cast<uint8_t>(entry), level) && level) lvt_[n] |= kRemoteIrr;
      return;
    }
    case ApicDelivery::kNmi:
      return processor_.nmi();
    case ApicDelivery::kExtInt:
      return processor_.interrupt_changed();
    case ApicDelivery::kInit:
      return processor_.init();
    default:
      return;
  }
}

void LocalApic::set_external(bool level) {
  const bool rises = level && !external_;
  external_ = level;
  const auto delivery = static_cast<ApicDelivery>(lvt_[kLint0] >> 8 & 7);
  if (by_level(kLint0)) return look_at_lint0();
  if (rises && enabled() && delivery != ApicDelivery::kExtInt) return fire(kLint0);
  processor_.interrupt_changed();
}

void LocalApic::set_nmi_line(bool level) {
  const bool rises = level && !nmi_line_;
  nmi_line_ = level;
  if (!rises) return;
  if (enabled()) return fire(kLint1);
  processor_.nmi();
}

bool LocalApic::matches(uint32_t destination, bool logical) const {
  if (destination == ApicMessage::kAll) return true;
  if (!logical) return destination == id_ || (!x2apic() && destination == 0xff);
  if (x2apic()) {
    return destination >> 16 == ldr_ >> 16 && (destination & ldr_ & 0xffff);
  }
  const uint32_t mine = ldr_ >> 24;
  if (destination == 0xff) return true;
  if (dfr_ >> 28 == 0xf) return mine & destination;
  return mine >> 4 == (destination >> 4 & 15) && (mine & destination & 15);
}

bool LocalApic::deliver(const ApicMessage& m) {
  if (!enabled()) return false;
  switch (m.delivery) {
    case ApicDelivery::kFixed:
    case ApicDelivery::kLowestPriority:
      return software_enabled() && request(m.vector, m.level);
    case ApicDelivery::kNmi:
      processor_.nmi();
      return true;
    case ApicDelivery::kInit:
      if (!m.deassert) processor_.init();
      return true;
    case ApicDelivery::kStartUp:
      processor_.start_up(m.vector);
      return true;
    default:
      return false;
  }
}

// --- what goes out

void LocalApic::send(uint64_t icr) {
  ApicMessage m;
  m.destination = static_cast<uint32_t>(x2apic() ? icr >> 32 : icr >> 56);
  m.logical = icr & 1 << 11;
  m.delivery = static_cast<ApicDelivery>(icr >> 8 & 7);
  m.vector = static_cast<uint8_t>(icr);
  m.deassert = m.delivery == ApicDelivery::kInit && (icr & 1 << 15) && !(icr & 1 << 14);
  const bool has_vector = m.delivery == ApicDelivery::kFixed || m.delivery == ApicDelivery::kLowestPriority;
  if (has_vector && m.vector < 16) return error(kSendIllegal);
  switch (icr >> 18 & 3) {
    case 0:
      bus_.send(m);
      return;
    case 1:
      deliver(m);
      return;
    case 2:
      return bus_.send_all(m, nullptr);
    default:
      return bus_.send_all(m, this);
  }
}

uint32_t LocalApic::writable(unsigned n) const {
  constexpr uint32_t kWritable[kLvts] = {0x300ff, 0x107ff, 0x107ff, 0x1a7ff, 0x1a7ff, 0x100ff};
  return kWritable[n] | (n == kTimer && deadline_offered_ ? 1 << 18 : 0);
}

void LocalApic::write_lvt(unsigned n, uint32_t value) {
  value = (value & writable(n)) | (lvt_[n] & kRemoteIrr);
  if (!software_enabled()) value |= kMasked;
  if (n == kTimer) return set_timer_mode(value);
  lvt_[n] = value;
  if (n == kLint0) {
    if (!by_level(n)) lvt_[n] &= ~kRemoteIrr;  // an edge waits for nothing
    look_at_lint0();
  }
  processor_.interrupt_changed();
}

uint64_t LocalApic::page() const {
  const uint64_t base = base_ & ~uint64_t{0xfff} & ((uint64_t{1} << physical_bits_) - 1);
  return enabled() && !x2apic() ? base : ApicBus::kWindow;
}

void LocalApic::offer(bool x2apic, bool tsc_deadline, unsigned physical_bits) {
  physical_bits_ = physical_bits;
  x2apic_offered_ = x2apic;
  deadline_offered_ = tsc_deadline;
}

// --- registers

uint32_t LocalApic::read_register(unsigned n) {
  events_.run_due();
  switch (n) {
    case 0x02:
      return x2apic() ? id_ : id_ << 24;
    case 0x03:
      return kVersion;
    case 0x08:
      return tpr_;
    case 0x09:  // arbitration priority, and
    case 0x0c:  // remote read: there since the Pentium 4 without effect
      return 0;
    case 0x0a:
      return processor_priority();
    case 0x0d:
      return ldr_;
    case 0x0e:
      return dfr_;
    case 0x0f:
      return svr_;
    case 0x28:
      return esr_;
    case 0x30:
      return static_cast<uint32_t>(icr_);
    case 0x31:
      return static_cast<uint32_t>(icr_ >> 32);
    case 0x32:
      return lvt_[kTimer];
    case 0x33:
    case 0x34:
    case 0x35:
    case 0x36:
    case 0x37:
      return lvt_[n - 0x32];
    case 0x38:
      return initial_count_;
    case 0x39:
      return current_count();
    case 0x3e:
      return divide_;
    default:
      if (n >= 0x10 && n < 0x18) return isr_[n - 0x10];
      if (n >= 0x18 && n < 0x20) return tmr_[n - 0x18];
      if (n >= 0x20 && n < 0x28) return irr_[n - 0x20];
      error(kIllegalRegister);
      log_.guest_error(name_, fmt::format("read of no register at {:#x}", n * 16));
      return 0;
  }
}

void LocalApic::write_register(unsigned n, uint32_t value) {
  events_.run_due();
  switch (n) {
    case 0x02:
    case 0x03:
    case 0x09:
    case 0x0a:
    case 0x0c:
    case 0x39:
      return;
    case 0x08:
      return set_tpr(static_cast<uint8_t>(value));
    case 0x0b:
      return end_of_interrupt();
    case 0x0d:
      ldr_ = value & 0xff000000;
      return;
    case 0x0e:
      dfr_ = value | 0x0fffffff;
      return;
    case 0x0f:
      svr_ = value & 0x13ff;
      if (!software_enabled())
        for (uint32_t& entry : lvt_) entry |= kMasked;
      return processor_.interrupt_changed();
    case 0x28:
      esr_ = esr_new_;
      esr_new_ = 0;
      return;
    case 0x30:
      icr_ = (icr_ & 0xffffffff00000000) | (value & 0xccfff);
      return send(icr_);
    case 0x31:
      icr_ = (icr_ & 0xffffffff) | uint64_t{value} << 32;
      return;
    case 0x32:
    case 0x33:
    case 0x34:
    case 0x35:
    case 0x36:
    case 0x37:
      return write_lvt(n - 0x32, value);
    case 0x38:
      if (timer_mode() == 2) return;
      initial_count_ = value;
      return start_timer(events_.now(), value);
    case 0x3e:
      return set_divider(value);
    default:
      if (n >= 0x10 && n < 0x28) return;  // ISR, TMR, IRR
      error(kIllegalRegister);
      log_.guest_error(name_, fmt::format("write of no register at {:#x}", n * 16));
  }
}

bool LocalApic::read_msr(uint32_t msr, uint64_t& value) {
  if (msr == 0x1b) {
    value = base_;
    return true;
  }
  if (msr == 0x6e0) {
    value = timer_mode() == 2 ? deadline_ : 0;
    return true;
  }
  if (!x2apic() || msr < 0x800 || msr > 0x83f) return false;
  const unsigned n = msr - 0x800;
  switch (n) {
    case 0x30:
      value = icr_;
      return true;
    case 0x0e:
    case 0x31:
    case 0x0b:
    case 0x3f:
      return false;
    default:
      break;
  }
  const bool known = n == 2 || n == 3 || n == 8 || n == 10 || n == 13 || n == 15 ||
                     (n >= 0x10 && n <= 0x28) || (n >= 0x32 && n <= 0x39) || n == 0x3e;
  if (known) value = read_register(n);
  return known;
}

bool LocalApic::write_msr(uint32_t msr, uint64_t value) {
  if (msr == 0x1b) {
    if (value >> physical_bits_ || value & 0x2ff) return false;
    const bool enable = value & kBaseEnable, x2 = value & kBaseX2;
    if (x2 && (!enable || !x2apic_offered_)) return false;
    if (x2apic() && enable && !x2) return false;  // only by way of off
    if (!enabled() && x2) return false;
    const bool was_x2 = x2apic();
    base_ = (value & ~uint64_t{kBaseBootstrap}) | (bootstrap_ ? kBaseBootstrap : 0);
    if (!enable) reset_by_init();
    if (!was_x2 && x2) ldr_ = (id_ >> 4 << 16) | 1u << (id_ & 15);
    processor_.interrupt_changed();
    return true;
  }
  if (msr == 0x6e0) {
    if (timer_mode() == 2) set_deadline(value);
    return true;
  }
  if (!x2apic() || msr < 0x800 || msr > 0x83f) return false;
  const unsigned n = msr - 0x800;
  switch (n) {
    case 0x30:
      if (value & 0xfff32000) return false;
      icr_ = value & ~uint64_t{0x1000};  // its status, once: as written it means nothing
      send(icr_);
      return true;
    case 0x3f:
      if (value >> 8) return false;
      send_self(static_cast<uint8_t>(value));
      return true;
    case 0x0b:
    case 0x28:
      if (value) return false;
      break;
    case 0x08:
      if (value >> 8) return false;
      break;
    case 0x0f:
      if (value & ~uint64_t{0x13ff}) return false;
      break;
    case 0x32:
    case 0x33:
    case 0x34:
    case 0x35:
    case 0x36:
    case 0x37: {
      // What is read only may be written as it is.
      const uint32_t read_only = 1u << 12 | (n == 0x35 || n == 0x36 ? kRemoteIrr : 0);
      if (value & ~uint64_t{writable(n - 0x32) | read_only}) return false;
      break;
    }
    case 0x38:
      if (value >> 32) return false;
      break;
    case 0x3e:
      if (value & ~uint64_t{0xb}) return false;
      break;
    default:
      return false;
  }
  write_register(n, static_cast<uint32_t>(value));
  return true;
}

void LocalApic::send_self(uint8_t vector) {
  if (vector < 16) return error(kSendIllegal);
  request(vector, false);
}

void LocalApic::serialize_state(StateStream& s) {
  s.io(base_);
  s.io(ldr_);
  s.io(dfr_);
  s.io(svr_);
  s.io(tpr_);
  s.io(external_);
  s.io(nmi_line_);
  for (Vectors* v : {&irr_, &isr_, &tmr_})
    for (uint32_t& word : *v) s.io(word);
  s.io(esr_);
  s.io(esr_new_);
  s.io(icr_);
  for (uint32_t& entry : lvt_) s.io(entry);
  s.io(initial_count_);
  s.io(divide_);
  s.io(timer_start_);
  s.io(start_count_);
  s.io(deadline_);
  s.io(tsc_offset_);
  if (!s.loading()) return;
  timer_start_ = std::clamp<TimeNs>(timer_start_, 0, events_.now());
  processor_.interrupt_changed();
}

}  // namespace mynah::dev
