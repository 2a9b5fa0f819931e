// SPDX-License-Identifier: Apache-2.0
//
// The verifier: a region is what ir.h's invariants and ops.def's declarations say. Passes and backends assume
// a region that it accepts.
#pragma once

#include <string>
#include <string_view>

#include "ir/ir.h"

namespace mynah::ir {

// An empty string, or the first violation: which instruction, what is wrong.
std::string verify(const Region& region);

// Whether translators check the region behind each stage where nobody says so.
#ifdef NDEBUG
constexpr bool kVerifyByDefault = false;
#else
constexpr bool kVerifyByDefault = true;
#endif

// An invariant does not hold, in any build: says so, prints the region and aborts.
[[noreturn]] void broken(const Region& region, std::string_view what);
// broken() where verify() finds something; `stage` made the region.
void verify_after(std::string_view stage, const Region& region);

}  // namespace mynah::ir
