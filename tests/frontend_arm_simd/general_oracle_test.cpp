// SPDX-License-Identifier: Apache-2.0
//
// The instructions on general registers by the same harness: data processing, loads and stores, and branches.
// System instructions and pointer authentication are not single-instruction matters: they have tests of their
// own.
#include <algorithm>
#include <iterator>
#include <vector>

#include "tests/a64_oracle/general_rows.h"
#include "tests/frontend_arm_simd/oracle_fixture.h"

namespace mynah::a64_oracle {
namespace {

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
