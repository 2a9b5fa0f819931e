// SPDX-License-Identifier: Apache-2.0
//
// Q35Mch: the host bridge of Intel's Q35 (3 Series Express Chipset, data sheet 316966, 5.1) as a PCI
// function: PAM, and PCIEXBAR, which says where in memory configuration space is.
//
// What is not modelled: SMM's second half (ESMRAMC), DRAM registers, remapping. Of a configuration window
// that is smaller than 256 MiB the rest reads as all ones.
#pragma once

#include "devices/chipset/pam_bridge.h"

namespace mynah::dev {

class Q35Mch final : public PamBridge {
 public:
  enum Register : unsigned { kPciexbar = 0x60, kPam0 = 0x90, kPam6 = 0x96, kSmram = 0x9d, kEsmramc = 0x9e };
  static constexpr uint64_t kPciexbarAtReset = 0xb0000000, kPciexbarSize = uint64_t{256} << 20;
  static constexpr uint32_t kPciexbarEnable = 1;

  // `ecam`: configuration space of all buses.
  Q35Mch(Changed changed, Device& ecam, Log& log);

 private:
  void reset_model() override;
  void serialize_model(StateStream&) override;
  void config_written(unsigned offset, unsigned width) override;
  uint64_t bar_read(unsigned bar, uint64_t offset, Width width) override;
  void bar_write(unsigned bar, uint64_t offset, Width width, uint64_t value) override;
  uint64_t window() const;  // bytes
  void place();

  Device& ecam_;
};

}  // namespace mynah::dev
