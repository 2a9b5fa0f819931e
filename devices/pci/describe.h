// SPDX-License-Identifier: Apache-2.0
//
// The functions of a host for a person: identity, numbers, BARs as the guest has them now.
#pragma once

#include <string>

#include "devices/pci/host.h"

namespace mynah::dev::pci {

// In the order of buses and places; what is behind a bridge that has no number yet is left out. Lines of the
// form that people know from `info pci`.
std::string describe(const Host& host);

}  // namespace mynah::dev::pci
