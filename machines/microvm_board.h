// SPDX-License-Identifier: Apache-2.0
//
// The board `microvm` as machines/boards.h wants it, for each of the two architectures of its processors.
#pragma once

#include "machines/boards.h"

namespace mynah {

extern const Board kMicrovmBoard;

}  // namespace mynah
