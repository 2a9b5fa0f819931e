// SPDX-License-Identifier: Apache-2.0
//
// Where a pointer's authentication code lies (Arm ARM, CalculateBottomPACBit and the pseudocode of AddPAC):
// from TCR_EL1 into the mode's bits, and from the mode's bits into masks. The two are inverse as far as
// lifting asks.
#include "frontend/arm/pauth.h"

#include <algorithm>

#include "frontend/arm/mmu.h"
#include "frontend/arm/mode.h"
#include "frontend/arm/sysregs_fields.h"

namespace mynah::arm {
namespace {

// In the key, from kModePauthShift up: for each half the address bits beyond kLeastBits (kSizeBits wide),
// then a bit for tags of data and one for tags of instructions.
constexpr unsigned kLeastBits = 25, kSizeBits = 5, kHalfBits = kSizeBits + 2;

// CalculateBottomPACBit: the code starts where the address space of that half ends.
unsigned address_bits(const ArmState& state, bool upper) {
  const unsigned size_offset = static_cast<unsigned>(field(state.tcr, upper ? 16 : 0, 6));
  return 64 - std::clamp(size_offset, 16u, 64 - kLeastBits);
}

}  // namespace

uint64_t pauth_mode(const ArmState& state) {
  uint64_t mode = 0;
  for (unsigned upper = 0; upper < 2; ++upper) {
    const uint64_t address = upper ? bit(55) : 0;
    const uint64_t half = (address_bits(state, upper) - kLeastBits) |
                          uint64_t{top_byte_ignored(state, address, false)} << kSizeBits |
                          uint64_t{top_byte_ignored(state, address, true)} << (kSizeBits + 1);
    mode |= half << (kModePauthShift + upper * kHalfBits);
  }
  return mode;
}

PauthLayout pauth_layout(uint64_t mode, bool instruction) {
  PauthLayout layout;
  for (unsigned upper = 0; upper < 2; ++upper) {
    const uint64_t facts = mode >> (kModePauthShift + upper * kHalfBits);
    const bool tagged = facts >> (kSizeBits + instruction) & 1;
    layout.half[upper] = {(tagged ? bit(56) : 0) - bit(kLeastBits + field(facts, 0, kSizeBits)), tagged};
  }
  // With tags in use in either half, bit 63 may be part of one.
  layout.selector = layout.half[0].tagged || layout.half[1].tagged ? 55 : 63;
  return layout;
}

}  // namespace mynah::arm
