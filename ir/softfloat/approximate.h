// SPDX-License-Identifier: Apache-2.0
//
// RCPPS and RSQRTPS: approximations with a relative error of at most 1.5 * 2^-12 (Intel SDM volume 2), whose
// bits each processor has its own. On an x86-64 host they are the host's, which translated code executes; on
// others those of a table that is computed here. So evaluator and translated code agree on every host, and
// different hosts need not.
//
// Neither looks at a rounding or flushing mode nor raises a flag: subnormal operands are zeros, tiny results
// become zero, a NaN becomes quiet, the root of a negative number is the default NaN.
#pragma once

#include <cstdint>

namespace mynah::ir::sf {

uint32_t approximate_reciprocal(uint32_t single);
uint32_t approximate_reciprocal_root(uint32_t single);

// What hosts without such instructions have: the exact value, rounded to 12 significant bits.
uint32_t portable_reciprocal(uint32_t single);
uint32_t portable_reciprocal_root(uint32_t single);

}  // namespace mynah::ir::sf
