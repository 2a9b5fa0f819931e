// SPDX-License-Identifier: Apache-2.0
//
// FwCfgPorts: the registers of an FwCfg in I/O space, as PCs have them (QEMU, docs/specs/fw_cfg). The items
// and all state are the FwCfg's.
//
// Guest interface, a window of 12 bytes (at port 0x510):
//   0  selector, 16 bits, little-endian, write only
//   1  data, one byte: the next one of the selected item
//   4  DMA address, 64 bits, big-endian, in two halves; writing the low one starts the operation
#pragma once

#include "devices/core/stateless_device.h"
#include "devices/fwcfg/fw_cfg.h"

namespace mynah::dev {

class FwCfgPorts final : public StatelessDevice {
 public:
  static constexpr uint64_t kWindowSize = 12;
  enum Register : Offset { kSelector = 0, kData = 1, kDma = 4 };

  FwCfgPorts(FwCfg& fw_cfg, Log& log) : StatelessDevice("fw_cfg-ports"), fw_cfg_(fw_cfg), log_(log) {}

  uint64_t read(Offset, Width) override;
  void write(Offset, Width, uint64_t) override;

 private:
  FwCfg& fw_cfg_;
  Log& log_;
};

}  // namespace mynah::dev
