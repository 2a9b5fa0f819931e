// SPDX-License-Identifier: Apache-2.0
//
// Pointer authentication (FEAT_PAuth, without EnhancedPAC, PAuth2 or FPAC) with an algorithm of our own,
// which the ID registers call implementation defined. Manual: AddPAC, Auth, Strip, ComputePAC.
//
// The hash is cheap and no secret-keeping device: a guest gets the behaviour of pointer authentication, the
// strength is that of an emulator whose host can see everything anyway.
#pragma once

#include <cstdint>

#include "frontend/arm/state.h"

namespace mynah::arm {

enum class PauthKeyName : uint8_t { kIa, kIb, kDa, kDb };

// SCTLR_EL1.EnIA and so on. When false the instruction leaves its pointer alone (callers check; PACGA and
// XPAC do not ask).
bool pauth_enabled(const ArmState&, PauthKeyName);

uint64_t add_pac(const ArmState&, PauthKeyName, uint64_t pointer, uint64_t modifier);
// The pointer with its extension bits restored; poisoned to fault on use when the code is wrong.
uint64_t authenticate(const ArmState&, PauthKeyName, uint64_t pointer, uint64_t modifier);
// XPACI (instruction) and XPACD.
uint64_t strip_pac(const ArmState&, uint64_t pointer, bool instruction);
// PACGA: the code in the upper half.
uint64_t generic_pac(const ArmState&, uint64_t value, uint64_t modifier);

// ComputePAC: every bit of the result depends on every input bit.
uint64_t compute_pac(uint64_t value, uint64_t modifier, const PauthKey&);

}  // namespace mynah::arm
