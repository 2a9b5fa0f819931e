// SPDX-License-Identifier: Apache-2.0
//
// e1000: Intel 82540EM (8086:100e), 317453. One line for all causes; ITR holds it back.
#pragma once

#include "devices/net/e1000_core.h"

namespace mynah::dev {

class E1000 final : public e1000::Core {
 public:
  E1000(EventQueue& events, Log& log, NetBackend& network, const Options& options);
  uint32_t state_version() const override { return 1; }

 private:
  void update_interrupts() override;
  uint32_t read_icr() override;
  void reset_interrupts() override;
  void serialize_controller(StateStream& s) override;

  const EventId throttle_event_;
  TimeNs next_interrupt_ = 0;
  bool raised_ = false;
};

}  // namespace mynah::dev
