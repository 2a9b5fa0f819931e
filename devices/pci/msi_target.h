// SPDX-License-Identifier: Apache-2.0
//
// What takes the messages of MSI and MSI-X: a GICv2m frame, an interrupt translation service, local APICs.
// The board gives one to the PCI host.
#pragma once

#include <cstdint>

namespace mynah::dev::pci {

class MsiTarget {
 public:
  virtual ~MsiTarget() = default;
  // A write of 32 bits by the function `requester` (bus number << 8 | device << 3 | function). False: the
  // address is not the target's, and the write goes to memory as any other of the function's.
  virtual bool message(uint64_t address, uint32_t data, uint16_t requester) = 0;
};

}  // namespace mynah::dev::pci
