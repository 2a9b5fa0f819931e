// SPDX-License-Identifier: Apache-2.0
//
// See e1000e.h.
#include "devices/net/e1000e.h"

namespace mynah::dev {

using namespace e1000;

namespace {
constexpr pci::Identity kIdentity = {.vendor = 0x8086,
                                     .device = 0x10d3,
                                     .class_code = 0x020000,
                                     .subsystem_vendor = 0x8086,
                                     .subsystem = 0x0000,
                                     .interrupt_pin = 1};
constexpr uint32_t kCauses = 0x01f7'82d7;
constexpr uint16_t kBm = 0x0cb1;                             // the PHY within the 82574
constexpr TimeNs kItrUnit = 256;                             // nanoseconds
constexpr unsigned kFirstQueueCause = 20, kQueueCauses = 5;  // RxQ0, RxQ1, TxQ0, TxQ1, Other: IVAR's order
}  // namespace

E1000e::E1000e(EventQueue& events, Log& log, NetBackend& network, const Options& options)
    : Core("e1000e", kIdentity, events, log, network, options,
           {.phy_id = kBm, .tx_queues = 2, .extended = true, .interrupts = kCauses}),
      throttle_event_(
          events.register_event(options.name + " ITR", [this](uint64_t, TimeNs) { update_interrupts(); })) {
  add_bar(0, pci::BarKind::kMemory32, 0x20000);
  add_bar(1, pci::BarKind::kMemory32, 0x20000);  // flash: none, reads 0
  add_bar(2, pci::BarKind::kIo, 0x20);
  add_power_management();
  add_msi(1, /*per_vector_mask=*/false);
  add_express(pci::PortType::kEndpoint);
  add_bar(3, pci::BarKind::kMemory32, 0x4000);
  add_msix(kVectors, 3, 0, 0x2000);
}

void E1000e::reset_interrupts() {
  events().cancel(throttle_event_);
  next_interrupt_.fill(0);
  signalled_ = 0;
}

bool E1000e::held_back(unsigned n, uint32_t interval) {
  const TimeNs now = events().now();
  if (now < next_interrupt_[n]) {
    if (!events().pending(throttle_event_)) schedule(throttle_event_, next_interrupt_[n] - now);
    return true;
  }
  next_interrupt_[n] = now + TimeNs{interval} * kItrUnit;
  return false;
}

void E1000e::update_interrupts() {
  if (msix_enabled()) {
    send_vectors();
    set_intx(false);
  } else {
    send_shared();
  }
}

// A message for each cause that has a vector (IVAR), is unmasked and was not told of. The message takes the
// causes of EIAC and masks those of IAM.
void E1000e::send_vectors() {
  signalled_ &= reg(ICR) & reg(IMS);
  for (unsigned n = 0; n < kQueueCauses; ++n) {
    const uint32_t cause = 1u << (kFirstQueueCause + n), route = reg(IVAR) >> (4 * n);
    if (!(reg(ICR) & reg(IMS) & cause) || (signalled_ & cause) || !(route & 8)) continue;
    const unsigned vector = route & 7;
    if (vector >= kVectors || held_back(vector, reg(EITR + 4 * vector))) continue;
    signalled_ |= cause;
    notify(vector);
    reg(ICR) &= ~(cause & reg(EIAC));
    if (reg(CTRL_EXT) & kExtEiame) reg(IMS) &= ~(cause & reg(IAM));
    signalled_ &= reg(ICR) & reg(IMS);
  }
}

void E1000e::send_shared() {
  const uint32_t causes = reg(ICR) & reg(IMS);
  signalled_ &= causes;
  if ((causes & ~signalled_) && !(signalled_ && !msi_enabled())) {
    if (held_back(0, reg(ITR))) return;
    notify(0);
  }
  signalled_ = causes;
  set_intx(causes != 0);
}

// 82574 10.2.4.1: causes are taken where all are masked, or where the interrupt is asserted; then IAM may
// mask.
uint32_t E1000e::read_icr() {
  const bool asserted = !masked();
  const uint32_t value = reg(ICR) | (asserted ? kIntAsserted : 0);
  if (reg(IMS) == 0 || asserted) reg(ICR) = 0;
  if (asserted && (reg(CTRL_EXT) & kExtIame)) reg(IMS) &= ~reg(IAM);
  update_interrupts();
  return value;
}

void E1000e::serialize_controller(StateStream& s) {
  s.io(next_interrupt_);
  s.io(signalled_);
}

}  // namespace mynah::dev
