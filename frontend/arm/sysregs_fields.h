// SPDX-License-Identifier: Apache-2.0
//
// Fields of the system registers that the front end itself acts on, in the manual's names.
#pragma once

#include <cstdint>

namespace mynah::arm {

constexpr uint64_t bit(unsigned n) { return uint64_t{1} << n; }
constexpr uint64_t field(uint64_t value, unsigned low, unsigned width) {
  return value >> low & ((uint64_t{1} << width) - 1);
}

namespace sctlr {
constexpr uint64_t kM = bit(0), kA = bit(1), kC = bit(2), kSa = bit(3), kSa0 = bit(4), kItd = bit(7),
                   kSed = bit(8), kUma = bit(9), kEos = bit(11), kI = bit(12), kEnDb = bit(13),
                   kDze = bit(14), kUct = bit(15), kNtwi = bit(16), kNtwe = bit(18), kWxn = bit(19),
                   kTscxt = bit(20), kEis = bit(22), kSpan = bit(23), kUci = bit(26), kEnDa = bit(27),
                   kNtlsmd = bit(28), kLsmaoe = bit(29), kEnIb = bit(30), kEnIa = bit(31), kBt0 = bit(35),
                   kBt1 = bit(36), kDssbs = bit(44);
}  // namespace sctlr

namespace tcr {
constexpr uint64_t kEpd0 = bit(7), kA1 = bit(22), kEpd1 = bit(23), kAs = bit(36), kTbi0 = bit(37),
                   kTbi1 = bit(38), kHa = bit(39), kHd = bit(40), kHpd0 = bit(41), kHpd1 = bit(42),
                   kTbid0 = bit(51), kTbid1 = bit(52), kE0pd0 = bit(55), kE0pd1 = bit(56);
}  // namespace tcr

namespace mdscr {
constexpr uint64_t kSs = bit(0), kTdcc = bit(12), kKde = bit(13), kMde = bit(15);
}  // namespace mdscr

namespace pmcr {
constexpr uint64_t kE = bit(0), kP = bit(1), kC = bit(2), kD = bit(3), kX = bit(4), kDp = bit(5),
                   kLc = bit(6);
}  // namespace pmcr

namespace pmccfiltr {
constexpr uint64_t kU = bit(30), kP = bit(31);  // not at EL0, not at EL1
}  // namespace pmccfiltr

namespace cntkctl {
constexpr uint64_t kEl0Pcten = bit(0), kEl0Vcten = bit(1), kEvnten = bit(2), kEvntdir = bit(3),
                   kEl0Vten = bit(8), kEl0Pten = bit(9);
constexpr unsigned kEvntiShift = 4;
}  // namespace cntkctl

constexpr uint64_t kPmuCycleCounter = bit(31);  // its bit in PMCNTEN, PMINTEN and PMOVS
constexpr uint64_t kPmuCounters = kPmuCycleCounter | 0x3f;
constexpr uint64_t kPmuEventMask = 0x3ff;  // PMEVTYPER<n>_EL0.evtCount
constexpr uint64_t kOslsrOslm = bit(3), kOslsrOslk = bit(1);

}  // namespace mynah::arm
