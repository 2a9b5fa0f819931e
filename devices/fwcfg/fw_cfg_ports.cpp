// SPDX-License-Identifier: Apache-2.0
//
// The selector and data registers share a word: an access to both at once is none.
#include "devices/fwcfg/fw_cfg_ports.h"

#include <fmt/core.h>

namespace mynah::dev {

uint64_t FwCfgPorts::read(Offset offset, Width width) {
  if (offset == kData && width == Width::k1) return fw_cfg_.read(FwCfg::kData, Width::k1);
  if (offset >= kDma && offset < kWindowSize && bytes(width) <= kWindowSize - offset)
    return fw_cfg_.read(FwCfg::kDma + (offset - kDma), width);
  log_.guest_error(name(), fmt::format("read of {} bytes at {:#x}", bytes(width), offset));
  return 0;
}

void FwCfgPorts::write(Offset offset, Width width, uint64_t value) {
  if (offset == kSelector && width == Width::k2) return fw_cfg_.select(static_cast<uint16_t>(value));
  if (offset >= kDma && offset < kWindowSize)
    return fw_cfg_.write(FwCfg::kDma + (offset - kDma), width, value);
  log_.guest_error(name(), fmt::format("write of {} bytes at {:#x}", bytes(width), offset));
}

}  // namespace mynah::dev
