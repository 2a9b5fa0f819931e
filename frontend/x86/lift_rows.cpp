// SPDX-License-Identifier: Apache-2.0
//
// The rows of all chapters by mnemonic.
#include <array>

#include "frontend/x86/lift.h"

namespace mynah::x86 {

namespace {
using Table = std::array<const Row*, ZYDIS_MNEMONIC_MAX_VALUE + 1>;

const Table& table() {
  static const Table all = [] {
    Table t{};
    for (const Rows rows : {move_rows(),
                            arithmetic_rows(),
                            logic_rows(),
                            shift_rows(),
                            bit_rows(),
                            control_rows(),
                            string_rows(),
                            flag_rows(),
                            x87_rows(),
                            x87_control_rows(),
                            segment_rows(),
                            transfer_rows(),
                            bmi_rows(),
                            vector_packed_rows(),
                            vector_unpack_rows(),
                            vector_move_rows(),
                            vector_shuffle_rows(),
                            crypto_rows(),
                            avx_rows(),
                            system_control_rows(),
                            state_rows(),
                            port_rows(),
                            mxcsr_rows(),
                            float_arithmetic_rows(),
                            float_compare_rows(),
                            fma_rows(),
                            convert_rows()})
      for (const Row& row : rows) t[row.mnemonic] = &row;
    return t;
  }();
  return all;
}
}  // namespace

const Row* find_row(ZydisMnemonic mnemonic) { return table()[mnemonic]; }

}  // namespace mynah::x86
