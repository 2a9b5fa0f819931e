// SPDX-License-Identifier: Apache-2.0
//
// Forms whose chapter is not written yet.
#include "frontend/x86/lift.h"

namespace mynah::x86 {

void lift_mov_control(Lifter& l) { l.undefined(); }

}  // namespace mynah::x86
