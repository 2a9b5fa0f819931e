// SPDX-License-Identifier: Apache-2.0
//
// The board `virt` as the command line sees it.
#pragma once

#include "machines/boards.h"

namespace mynah {

extern const Board kVirtBoard;

}  // namespace mynah
