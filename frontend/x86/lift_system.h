// SPDX-License-Identifier: Apache-2.0
//
// What lift functions of system instructions and their helpers tell each other.
#pragma once

#include <cstdint>

namespace mynah::x86 {

// Forms of XSAVE and XRSTOR.
constexpr uint32_t kFormWide = 1;        // with REX.W: pointers of 64 bits
constexpr uint32_t kFormOptimized = 2;   // XSAVEOPT
constexpr uint32_t kFormCompact = 4;     // XSAVEC, XSAVES
constexpr uint32_t kFormSupervisor = 8;  // XSAVES, XRSTORS

// Port accesses: bits of helper_in's and its relatives' third argument, beside the number of bytes.
constexpr uint32_t kPortChecked = 1 << 8;  // the TSS says whether the port is open
// INS and OUTS.
constexpr uint32_t kPortRepeats = 1 << 9, kPortDown = 1 << 10;
constexpr unsigned kPortAddressShift = 16;  // log2 of the address size's bytes
constexpr unsigned kPortSegmentShift = 20;  // OUTS's

}  // namespace mynah::x86
