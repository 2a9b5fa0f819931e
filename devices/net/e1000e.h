// SPDX-License-Identifier: Apache-2.0
//
// e1000e: Intel 82574L (8086:10d3), 82574 datasheet (318694). Two transmit queues; causes by MSI-X with five
// vectors and IVAR, EIAC, IAM, EITR (section 7.4), by MSI, or by the line.
#pragma once

#include "devices/net/e1000_core.h"

namespace mynah::dev {

class E1000e final : public e1000::Core {
 public:
  E1000e(EventQueue& events, Log& log, NetBackend& network, const Options& options);
  uint32_t state_version() const override { return 1; }

 private:
  static constexpr unsigned kVectors = 5;

  void update_interrupts() override;
  uint32_t read_icr() override;
  void reset_interrupts() override;
  void serialize_controller(StateStream& s) override;
  void messages_changed() override { update_interrupts(); }
  void send_vectors();
  void send_shared();
  bool held_back(unsigned n, uint32_t interval);

  const EventId throttle_event_;
  // Of each vector; MSI and the line are the first with ITR.
  std::array<TimeNs, kVectors> next_interrupt_{};
  uint32_t signalled_ = 0;  // unmasked causes that a message or the line has told of
};

}  // namespace mynah::dev
