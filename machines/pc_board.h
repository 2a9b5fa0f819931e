// SPDX-License-Identifier: Apache-2.0
//
// The description of the board `pc`.
#pragma once

#include "machines/boards.h"

namespace mynah {

extern const Board kPcBoard;

}  // namespace mynah
