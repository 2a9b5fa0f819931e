// SPDX-License-Identifier: Apache-2.0
//
// The descriptions of the boards `pc` and `q35`.
#pragma once

#include "machines/boards.h"

namespace mynah {

extern const Board kPcBoard, kQ35Board;

}  // namespace mynah
