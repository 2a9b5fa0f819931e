// SPDX-License-Identifier: Apache-2.0
//
// How a guest's addresses are translated, as the engine sees it: one page's translation, what selects
// translations and what selects translated code. All addresses are guest virtual unless they are called pa.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

namespace mynah {

enum class Access : uint8_t { kRead, kWrite, kExecute };

// Permission classes: who asks. A context belongs to one. Arm: EL0, EL1, EL1 with PAN.
constexpr unsigned kMaxClasses = 3;
enum Permission : uint8_t { kCanRead = 1, kCanWrite = 2, kCanExecute = 4 };

// One translated page, as a TLB keeps it.
struct Translation {
  uint64_t pa = 0;         // of the byte asked for
  uint8_t page_bits = 12;  // log2 of the mapping's size, at least 12
  uint8_t permissions[kMaxClasses] = {};
  bool global = false;  // for every address-space id
  // Found through TranslationKey::common_root: another address space with the same one has it too, until an
  // invalidation by id says otherwise.
  bool common = false;
  bool device = false;          // device memory: no guard may be satisfied unaligned
  bool always_aligned = false;  // every guard that may be satisfied there demands it of itself
  // Facts of the page that code in it is keyed by: bits of CodeKey::mode that context_key() leaves zero.
  uint64_t code_facts = 0;
};

// A fault, to be raised by GuestCpu::raise_fault(). Opaque to the engine.
struct Fault {
  uint64_t words[4] = {};
};

struct TranslateResult {
  bool ok = false;
  Translation page;
  Fault fault;
};

// The words themselves, never a hash: a guest can make hashes collide.
using Regime = std::array<uint64_t, 3>;

// What selects the table of a soft TLB.
struct TranslationKey {
  uint64_t own_root = 0;     // tables of this address space
  uint64_t common_root = 0;  // tables that other address spaces may have too; 0: there are none such
  Regime regime{};           // control words that change how tables are read
  uint32_t asid = 0;         // below GuestCpu::address_space_ids()
  uint32_t permission_class = 0;
  uint32_t stops = 0;  // GuestCpu::guest_stops(), by a number; 0: none
  bool operator==(const TranslationKey&) const = default;
};

// What selects translated code, with the former.
struct CodeKey {
  uint64_t mode = 0;  // facts fixed while lifting
  bool operator==(const CodeKey&) const = default;
};

struct ContextKey {
  TranslationKey translation;
  CodeKey code;
  bool operator==(const ContextKey&) const = default;
};

// What a guest's own debug registers stop at, as far as they could at the moment.
struct GuestStops {
  std::vector<uint64_t> breakpoints;  // addresses, ascending
  struct Range {
    uint64_t first = 0, last = 0;  // addresses without tags
    bool operator==(const Range&) const = default;
    auto operator<=>(const Range&) const = default;
  };
  std::vector<Range> watched;
  bool operator==(const GuestStops&) const = default;
  auto operator<=>(const GuestStops&) const = default;
};

}  // namespace mynah
