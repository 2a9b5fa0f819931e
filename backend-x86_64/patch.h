// SPDX-License-Identifier: Apache-2.0
//
// Changes of installed code (ir::Patch). A jump or call of five bytes takes another's place. Where it lies
// within one aligned word of eight bytes, that is one store of the word, which a processor fetches before or
// after: so it is with entries of blocks of several processors (their first instruction is long enough), and
// with the distance of a conditional jump. Where it lies across two words, no order of stores is right while
// others run: a jump to itself as a first step does not help a processor that has fetched the first word
// already. Such a change wants a safepoint (patch_needs_safepoint); so does linking an exit to another page,
// whose first instruction is longer than a word.
//
// Sites are not aligned for it: an instruction more in front of an exit would cost every run of the block.
#pragma once

#include "backend-x86_64/thunks.h"

namespace mynah::x86_64 {

constexpr size_t kPortalBytes = 8;  // a jump, in one word

uint64_t apply_patch(ir::CodeSpan code, const ir::Patch& patch, const ThunkTable& thunks);
bool patch_needs_safepoint(ir::CodeSpan code, const ir::Patch& patch);

}  // namespace mynah::x86_64
