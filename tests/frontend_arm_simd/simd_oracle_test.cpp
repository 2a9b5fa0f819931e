// SPDX-License-Identifier: Apache-2.0
//
// Every row of the floating-point, Advanced SIMD and cryptographic decode tables, and the SIMD&FP loads and
// stores: random cases, lifted and evaluated, against the oracles.
#include <algorithm>
#include <cstring>
#include <iterator>
#include <vector>

#include "frontend/arm/a64/lift.h"
#include "tests/frontend_arm_simd/oracle_fixture.h"

namespace mynah::a64_oracle {
namespace {

constexpr Encoding kFp[] = {
#define ROW(id, ...) Encoding::id,
#include "frontend/arm/a64/table_fp.inc"
#undef ROW
};
constexpr Encoding kScalar[] = {
#define ROW(id, ...) Encoding::id,
#include "frontend/arm/a64/table_simd_scalar.inc"
#undef ROW
};
constexpr Encoding kVector[] = {
#define ROW(id, ...) Encoding::id,
#include "frontend/arm/a64/table_simd.inc"
#undef ROW
};
constexpr Encoding kCrypto[] = {
#define ROW(id, ...) Encoding::id,
#include "frontend/arm/a64/table_crypto.inc"
#undef ROW
};
constexpr Encoding kLoadStore[] = {
#define ROW(id, ...) Encoding::id,
#include "frontend/arm/a64/table_load_store.inc"
#undef ROW
};

bool is_simd_access(Encoding encoding) {
  const std::string_view id = encoding_id(encoding);
  return id.ends_with("_simd") || id.find("_multiple") != id.npos || id.find("_single") != id.npos ||
         (id.size() >= 4 && id.substr(0, 2) == "ld" && id[2] >= '1' && id[2] <= '4' && id[3] == 'r');
}

// What the oracles are known to get wrong.
bool half_by_immh(uint32_t word) { return (word >> 20 & 7) == 1; }
bool flush_to_zero(const State& state) { return state.fpcr >> 24 & 1; }
bool qemu_is_wrong(const Case& c) {
  switch (arm::a64::decode(c.word).encoding) {
    // A flushed input leaves Z clear: the source is not an integer. QEMU looks at it after flushing.
    case Encoding::fjcvtzs:
      return flush_to_zero(c.state);
    // A 16-bit result is zero-extended. QEMU sign-extends it to 32 bits.
    case Encoding::fcvtzs_fixed_simd_scalar:
      return half_by_immh(c.word);
    default:
      return false;
  }
}
bool unicorn_is_wrong(const Case& c) {
  switch (arm::a64::decode(c.word).encoding) {
    // With 64-bit vectors of halves it gathers the exceptions of the upper lanes, too.
    case Encoding::fcmla_element:
      return !(c.word >> 30 & 1);
    default:
      return qemu_is_wrong(c);
  }
}

std::vector<Encoding> simd_accesses() {
  std::vector<Encoding> rows;
  std::copy_if(std::begin(kLoadStore), std::end(kLoadStore), std::back_inserter(rows), is_simd_access);
  return rows;
}

using SimdOracle = OracleTest;

TEST_F(SimdOracle, FpUnicorn) { check_unicorn(unicorn_is_wrong, kFp); }
TEST_F(SimdOracle, ScalarUnicorn) { check_unicorn(unicorn_is_wrong, kScalar); }
TEST_F(SimdOracle, VectorUnicorn) { check_unicorn(unicorn_is_wrong, kVector); }
TEST_F(SimdOracle, CryptoUnicorn) { check_unicorn(unicorn_is_wrong, kCrypto); }
TEST_F(SimdOracle, LoadStoreUnicorn) { check_unicorn(unicorn_is_wrong, simd_accesses()); }

TEST_F(SimdOracle, FpQemu) { check_qemu(qemu_is_wrong, kFp); }
TEST_F(SimdOracle, ScalarQemu) { check_qemu(qemu_is_wrong, kScalar); }
TEST_F(SimdOracle, VectorQemu) { check_qemu(qemu_is_wrong, kVector); }
TEST_F(SimdOracle, CryptoQemu) { check_qemu(qemu_is_wrong, kCrypto); }
TEST_F(SimdOracle, LoadStoreQemu) { check_qemu(qemu_is_wrong, simd_accesses()); }

// Where CPACR_EL1 traps floating point each of them leaves, before anything else.
TEST_F(SimdOracle, TrappedWithoutAccess) {
  std::vector<Encoding> rows = simd_accesses();
  for (std::span<const Encoding> more :
       {std::span<const Encoding>(kFp), std::span<const Encoding>(kScalar),
        std::span<const Encoding>(kVector), std::span<const Encoding>(kCrypto)}) {
    rows.insert(rows.end(), more.begin(), more.end());
  }
  Random random(1);
  ir::Region region;
  for (const Encoding encoding : rows) {
    const auto word = random_word(random, encoding, slot_pc(0));
    ASSERT_TRUE(word) << encoding_id(encoding);
    uint8_t page[4];
    std::memcpy(page, &*word, 4);
    arm::a64::lift_block(region, page, 0, arm::kModeEl1, model_, {.max_insts = 1, .slow = false});
    const auto leaves = [](const ir::Inst& inst) { return ir::info(inst.op).effects & ir::kLeave; };
    const auto first = std::find_if(region.insts.begin(), region.insts.end(), leaves);
    ASSERT_NE(first, region.insts.end());
    EXPECT_EQ(first->op, ir::Op::exit_engine) << encoding_id(encoding);
    EXPECT_EQ(first->aux, static_cast<uint8_t>(arm::ExitReason::kFpTrap)) << encoding_id(encoding);
  }
}

}  // namespace
}  // namespace mynah::a64_oracle
