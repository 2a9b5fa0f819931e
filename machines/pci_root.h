// SPDX-License-Identifier: Apache-2.0
//
// Functions of PCI root buses that are the board's own: host bridges without registers of their own.
#pragma once

#include <memory>

#include "devices/pci/function.h"

namespace mynah {

// At 0:0.0 of a generic PCI Express host.
std::unique_ptr<dev::pci::Function> make_generic_root(dev::Log& log);

}  // namespace mynah
