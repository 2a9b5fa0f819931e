// SPDX-License-Identifier: Apache-2.0
//
// A PCI Express root port: a bridge from the root bus to a link with one slot (PCI Express Base 4.0, 7.5.3).
// Its slot says that something is in it; changes while the machine runs would be told by it.
#pragma once

#include "devices/pci/bridge.h"

namespace mynah::dev::pci {

class RootPort final : public Bridge {
 public:
  struct Options {
    uint8_t port = 0;      // of the link capabilities
    uint16_t slot = 0;     // physical slot number, below 8192
    bool hot_plug = true;  // the slot says that it can
  };
  RootPort(Log& log, const Options& options);

 private:
  void reset_model() override;
};

}  // namespace mynah::dev::pci
