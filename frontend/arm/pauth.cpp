// SPDX-License-Identifier: Apache-2.0
//
// Pointer authentication codes: where they sit in a pointer, and how they are made and checked.
#include "frontend/arm/pauth.h"

#include <algorithm>
#include <bit>

#include "frontend/arm/mmu.h"
#include "frontend/arm/sysregs_fields.h"

namespace mynah::arm {
namespace {

const PauthKey& key_value(const ArmState& state, PauthKeyName name) {
  switch (name) {
    case PauthKeyName::kIa:
      return state.apia;
    case PauthKeyName::kIb:
      return state.apib;
    case PauthKeyName::kDa:
      return state.apda;
    case PauthKeyName::kDb:
      return state.apdb;
  }
  return state.apia;
}

bool is_instruction(PauthKeyName name) { return name == PauthKeyName::kIa || name == PauthKeyName::kIb; }
unsigned key_number(PauthKeyName name) {
  return name == PauthKeyName::kIa || name == PauthKeyName::kDa ? 0 : 1;
}

// CalculateBottomPACBit: the code starts where the address space of that half ends.
unsigned bottom_bit(const ArmState& state, bool upper) {
  const unsigned size_offset = static_cast<unsigned>(field(state.tcr, upper ? 16 : 0, 6));
  return 64 - std::clamp(size_offset, 16u, 39u);
}

// The bits that hold a code, extension bits and the half selector included.
uint64_t field_mask(unsigned bottom, bool tbi) { return (tbi ? bit(56) : 0) - bit(bottom); }

uint64_t extended(uint64_t pointer, uint64_t mask, bool upper) {
  return upper ? pointer | mask : pointer & ~mask;
}

bool either_tbi(const ArmState& state, bool instruction) {
  return top_byte_ignored(state, 0, instruction) || top_byte_ignored(state, bit(55), instruction);
}

}  // namespace

bool pauth_enabled(const ArmState& state, PauthKeyName name) {
  switch (name) {
    case PauthKeyName::kIa:
      return state.sctlr & sctlr::kEnIa;
    case PauthKeyName::kIb:
      return state.sctlr & sctlr::kEnIb;
    case PauthKeyName::kDa:
      return state.sctlr & sctlr::kEnDa;
    case PauthKeyName::kDb:
      return state.sctlr & sctlr::kEnDb;
  }
  return false;
}

uint64_t compute_pac(uint64_t value, uint64_t modifier, const PauthKey& key) {
  constexpr uint64_t kOdd1 = 0x9e3779b97f4a7c15, kOdd2 = 0xd6e8feb86659fd93;
  uint64_t h = (value ^ key.lo) * kOdd1;
  h ^= h >> 32;
  h = (h + std::rotl(modifier ^ key.hi, 29)) * kOdd2;
  h ^= h >> 29;
  h = (h ^ key.lo) * kOdd1;
  h ^= h >> 32;
  h *= kOdd2;
  return h ^ h >> 31;
}

uint64_t add_pac(const ArmState& state, PauthKeyName name, uint64_t pointer, uint64_t modifier) {
  const bool instruction = is_instruction(name);
  const bool tbi = top_byte_ignored(state, pointer, instruction);
  // With tags in use in either half, bit 55 selects the half; a tag may have changed bit 63.
  const bool upper = pointer & (either_tbi(state, instruction) ? bit(55) : bit(63));
  const unsigned bottom = bottom_bit(state, upper);
  const uint64_t mask = field_mask(bottom, tbi);
  uint64_t pac = compute_pac(extended(pointer, mask, upper), modifier, key_value(state, name));
  // Signing a pointer that is not canonical must give one that does not authenticate.
  const uint64_t extension = pointer & mask;
  if (extension != 0 && extension != mask) pac ^= bit(tbi ? 54 : 62);
  const uint64_t code_mask = mask & ~bit(55);
  return (pointer & ~mask) | (upper ? bit(55) : 0) | (pac & code_mask);
}

uint64_t authenticate(const ArmState& state, PauthKeyName name, uint64_t pointer, uint64_t modifier) {
  const bool tbi = top_byte_ignored(state, pointer, is_instruction(name));
  const bool upper = pointer & bit(55);
  const uint64_t mask = field_mask(bottom_bit(state, upper), tbi);
  const uint64_t original = extended(pointer, mask, upper);
  const uint64_t pac = compute_pac(original, modifier, key_value(state, name));
  if (((pac ^ pointer) & mask & ~bit(55)) == 0) return original;
  // The error code takes two extension bits of which one is always wrong.
  const unsigned low = tbi ? 53 : 61;
  const uint64_t error = key_number(name) == 0 ? 1 : 2;
  return (original & ~(uint64_t{3} << low)) | error << low;
}

uint64_t strip_pac(const ArmState& state, uint64_t pointer, bool instruction) {
  const bool upper = pointer & bit(55);
  const uint64_t mask = field_mask(bottom_bit(state, upper), top_byte_ignored(state, pointer, instruction));
  return extended(pointer, mask, upper);
}

uint64_t generic_pac(const ArmState& state, uint64_t value, uint64_t modifier) {
  return compute_pac(value, modifier, state.apga) & ~uint64_t{0xffffffff};
}

}  // namespace mynah::arm
