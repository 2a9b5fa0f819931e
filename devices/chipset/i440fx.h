// SPDX-License-Identifier: Apache-2.0
//
// I440Fx: the host bridge of Intel's 82441FX (data sheet 290549, 3.2) as a PCI function.
//
// What is not modelled: DRAM timing and error registers, which read as zero.
#pragma once

#include <utility>

#include "devices/chipset/pam_bridge.h"

namespace mynah::dev {

class I440Fx final : public PamBridge {
 public:
  enum Register : unsigned { kPam0 = 0x59, kPam6 = 0x5f, kSmram = 0x72 };

  I440Fx(Changed changed, Log& log)
      : PamBridge("i440FX", {.vendor = 0x8086, .device = 0x1237, .class_code = 0x060000, .revision = 2},
                  kPam0, kSmram, std::move(changed), log) {}
};

}  // namespace mynah::dev
