// SPDX-License-Identifier: Apache-2.0
//
// Forms whose chapter is not written yet.
#include "frontend/x86/lift.h"

namespace mynah::x86 {

void lift_mov_segment(Lifter& l) { l.undefined(); }
void lift_push_segment(Lifter& l) { l.undefined(); }
void lift_pop_segment(Lifter& l) { l.undefined(); }
void lift_far_jump(Lifter& l) { l.undefined(); }
void lift_far_call(Lifter& l) { l.undefined(); }
void lift_far_return(Lifter& l) { l.undefined(); }
void lift_scalar_movsd(Lifter& l) { l.undefined(); }
void lift_scalar_cmpsd(Lifter& l) { l.undefined(); }

}  // namespace mynah::x86
