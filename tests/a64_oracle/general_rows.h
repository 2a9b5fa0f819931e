// SPDX-License-Identifier: Apache-2.0
//
// The rows of the decode tables that work on general registers, and what QEMU has wrong of them.
#pragma once

#include "tests/a64_oracle/oracle.h"

namespace mynah::a64_oracle {

inline constexpr Encoding kDataProcessing[] = {
#define ROW(id, ...) Encoding::id,
#include "frontend/arm/a64/table_dp_immediate.inc"
#undef ROW
#define ROW(id, ...) Encoding::id,
#include "frontend/arm/a64/table_dp_register.inc"
#undef ROW
};
inline constexpr Encoding kLoadStore[] = {
#define ROW(id, ...) Encoding::id,
#include "frontend/arm/a64/table_load_store.inc"
#undef ROW
};

inline bool qemu_is_wrong(const Case& c) {
  switch (arm::a64::decode(c.word).encoding) {
    // The manual wants ones in the field that LDAPR has no use for; QEMU calls other words undefined.
    case Encoding::ldapr:
      return (c.word >> 16 & 31) != 31;
    // The second register of a pair that begins with X30 is XZR; QEMU writes SP.
    case Encoding::casp:
      return (c.word >> 16 & 31) == 30;
    // CRm should be zero here; other words are undefined to QEMU.
    case Encoding::cfinv:
    case Encoding::xaflag:
    case Encoding::axflag:
      return (c.word >> 8 & 15) != 0;
    default:
      return false;
  }
}

}  // namespace mynah::a64_oracle
