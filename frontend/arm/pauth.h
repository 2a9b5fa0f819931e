// SPDX-License-Identifier: Apache-2.0
//
// Pointer authentication (FEAT_PAuth, without EnhancedPAC, PAuth2 or FPAC): where codes sit in a pointer.
// What decides that, TCR_EL1's sizes and tags, changes about once in the life of a guest, so it is part of
// the block key, and the lifter knows the masks as constants. The algorithm is one of our own, which the ID
// registers call implementation defined; the lifter alone has it (a64/lift_pauth.cpp).
#pragma once

#include <array>
#include <cstdint>

#include "frontend/arm/state.h"

namespace mynah::arm {

enum class PauthKeyName : uint8_t { kIa, kIb, kDa, kDb };

struct PauthLayout {
  struct Half {
    uint64_t field;  // the bits of a pointer that are replaced: code, and the extension that it displaces
    bool tagged;     // the top byte is a tag, and no part of the code

    uint64_t code() const { return field & ~(uint64_t{1} << 55); }  // bit 55 goes on to say which half
    unsigned bad_code() const { return tagged ? 54 : 62; }          // flipped in the code of a bad pointer
    unsigned error() const { return tagged ? 53 : 61; }             // two bits for the number of the key
  };
  std::array<Half, 2> half;  // lower, upper
  unsigned selector;         // bit of an unsigned pointer that says which half it belongs to
};

// The layouts as a part of the block key, and back from there.
uint64_t pauth_mode(const ArmState&);
PauthLayout pauth_layout(uint64_t mode, bool instruction);

}  // namespace mynah::arm
