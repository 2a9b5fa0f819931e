// SPDX-License-Identifier: Apache-2.0
//
// See e1000.h.
#include "devices/net/e1000.h"

namespace mynah::dev {

using namespace e1000;

namespace {
constexpr pci::Identity kIdentity = {.vendor = 0x8086,
                                     .device = 0x100e,
                                     .class_code = 0x020000,
                                     .revision = 3,
                                     .subsystem_vendor = 0x1af4,
                                     .subsystem = 0x1100,
                                     .interrupt_pin = 1};
constexpr uint32_t kCauses = 0x0001'f6df;  // 13.4.17
constexpr uint16_t kM88E1011 = 0x0c20;
constexpr TimeNs kItrUnit = 256;  // nanoseconds
}  // namespace

E1000::E1000(EventQueue& events, Log& log, NetBackend& network, const Options& options)
    : Core("e1000", kIdentity, events, log, network, options,
           {.phy_id = kM88E1011, .tx_queues = 1, .extended = false, .interrupts = kCauses}),
      throttle_event_(
          events.register_event(options.name + " ITR", [this](uint64_t, TimeNs) { update_interrupts(); })) {
  add_bar(0, pci::BarKind::kMemory32, 0x20000);
  add_bar(1, pci::BarKind::kIo, 0x40);
}

void E1000::reset_interrupts() {
  events().cancel(throttle_event_);
  next_interrupt_ = 0;
  raised_ = false;
}

// The line follows the causes; between two rises there are at least ITR units.
void E1000::update_interrupts() {
  const bool wanted = !masked();
  if (wanted && !raised_) {
    const TimeNs now = events().now();
    if (now < next_interrupt_) {
      if (!events().pending(throttle_event_)) schedule(throttle_event_, next_interrupt_ - now);
      return;
    }
    next_interrupt_ = now + TimeNs{reg(ITR)} * kItrUnit;
  }
  raised_ = wanted;
  set_intx(raised_);
}

// Reading takes all causes.
uint32_t E1000::read_icr() {
  const uint32_t value = reg(ICR);
  reg(ICR) = 0;
  update_interrupts();
  return value;
}

void E1000::serialize_controller(StateStream& s) {
  s.io(next_interrupt_);
  s.io(raised_);
}

}  // namespace mynah::dev
