// SPDX-License-Identifier: Apache-2.0
//
// What translated code is found by, and the flavours that one piece of guest code is translated in.
#pragma once

#include <cstdint>

namespace mynah {

constexpr uint64_t kNoPage = ~uint64_t{0};

// How a block makes its memory accesses.
//   kFast: a guard may serve several accesses. What every block is translated in first.
//   kNarrow: each access has its own guard. For where a merged one missed, mostly since it reached into the
//     next page.
//   kSlow: each access goes through C++, which may answer with a bounce buffer. For what a plain pointer
//     cannot serve, and for what the other flavours leave out.
// A block leaves for a slower flavour in front of the instruction that needs it, and behind that block
// everything is fast again: a flavour lasts for one block.
enum class Flavour : uint8_t { kFast, kNarrow, kSlow };

constexpr bool merges_guards(Flavour flavour) { return flavour == Flavour::kFast; }
constexpr bool leaves_nothing_out(Flavour flavour) { return flavour == Flavour::kSlow; }
// The flavour that serves a guard which a plain pointer did not, or not at once where it was `merged`.
constexpr Flavour slower(bool merged) { return merged ? Flavour::kNarrow : Flavour::kSlow; }

struct BlockKey {
  uint64_t pa = 0;                 // of the first instruction
  uint64_t second_page = kNoPage;  // pa of the page that the last instruction goes on in, where it does
  uint64_t mode = 0;               // facts fixed while lifting, the front end's
  uint32_t stops = 0;              // number of the page's stop set, see StopPoints; 0: none
  Flavour flavour = Flavour::kFast;
  bool operator==(const BlockKey&) const = default;
  // Alike but for the second page, which only the bytes tell.
  bool same_start(const BlockKey& other) const {
    return pa == other.pa && mode == other.mode && stops == other.stops && flavour == other.flavour;
  }
};

// Of what same_start() compares; every bit tells in every bit.
constexpr uint64_t hash_start(const BlockKey& key) {
  constexpr uint64_t kMix = 0x9e3779b97f4a7c15;
  uint64_t h = key.pa * kMix;
  h = (h ^ h >> 32 ^ key.mode) * kMix;
  h = (h ^ h >> 32 ^ (uint64_t{key.stops} << 8 | static_cast<uint64_t>(key.flavour))) * kMix;
  return h ^ h >> 32;
}

}  // namespace mynah
