// SPDX-License-Identifier: Apache-2.0
//
// The instructions on general registers by the same harness: data processing, loads and stores, and branches.
// System instructions and pointer authentication are not single-instruction matters: they have tests of their
// own.
#include <algorithm>
#include <iterator>
#include <vector>

#include "tests/frontend_arm_simd/oracle_fixture.h"

namespace mynah::a64_oracle {
namespace {

constexpr Encoding kDataProcessing[] = {
#define ROW(id, ...) Encoding::id,
#include "frontend/arm/a64/table_dp_immediate.inc"
#undef ROW
#define ROW(id, ...) Encoding::id,
#include "frontend/arm/a64/table_dp_register.inc"
#undef ROW
};
constexpr Encoding kLoadStore[] = {
#define ROW(id, ...) Encoding::id,
#include "frontend/arm/a64/table_load_store.inc"
#undef ROW
};
constexpr Encoding kBranches[] = {Encoding::b_cond, Encoding::b,   Encoding::bl,   Encoding::cbz,
                                  Encoding::cbnz,   Encoding::tbz, Encoding::tbnz, Encoding::br,
                                  Encoding::blr,    Encoding::ret};

std::vector<Encoding> without(std::span<const Encoding> rows,
                              std::initializer_list<std::string_view> prefixes) {
  std::vector<Encoding> kept;
  std::copy_if(rows.begin(), rows.end(), std::back_inserter(kept), [&](Encoding encoding) {
    return std::none_of(prefixes.begin(), prefixes.end(),
                        [&](std::string_view prefix) { return encoding_id(encoding).starts_with(prefix); });
  });
  return kept;
}

bool qemu_is_wrong(const Case& c) {
  switch (arm::a64::decode(c.word).encoding) {
    // The manual wants ones in the field that LDAPR has no use for; QEMU calls other words undefined.
    case Encoding::ldapr:
      return (c.word >> 16 & 31) != 31;
    // The second register of a pair that begins with X30 is XZR; QEMU writes SP.
    case Encoding::casp:
      return (c.word >> 16 & 31) == 30;
    default:
      return false;
  }
}

using GeneralOracle = OracleTest;

TEST_F(GeneralOracle, DataProcessingUnicorn) {
  check_unicorn(nullptr, without(kDataProcessing, {"udf", "pac", "aut", "xpac"}));
}
TEST_F(GeneralOracle, BranchesUnicorn) { check_unicorn(nullptr, kBranches); }
// QEMU lacks the limited-ordering accesses; LDRAA authenticates.
std::vector<Encoding> accesses() { return without(kLoadStore, {"stllr", "ldlar", "ldraa"}); }
TEST_F(GeneralOracle, LoadStoreQemu) { check_qemu(qemu_is_wrong, accesses()); }
TEST_F(GeneralOracle, SlowLoadStoreQemu) { check_qemu(qemu_is_wrong, accesses(), true); }

}  // namespace
}  // namespace mynah::a64_oracle
