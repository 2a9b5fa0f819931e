// SPDX-License-Identifier: Apache-2.0
//
// Sites as the cache keeps them: a few bytes each instead of a few dozen, decoded only on cold paths. A
// block's sites are written in order of their offsets, each with its length in front so that a search can
// skip.
#pragma once

#include <cstdint>
#include <vector>

#include "ir/backend.h"

namespace mynah {

void encode_sites(const ir::CompiledCode& code, std::vector<uint8_t>& out);
// The site at `offset` of the block whose sites start at `from`; aborts when there is none.
ir::Site decode_site(const uint8_t* from, uint32_t offset, std::vector<ir::SavedSlot>& saved);

}  // namespace mynah
