// SPDX-License-Identifier: Apache-2.0
//
// The walk: one function for each step of the manual's AArch64.S1Translate, in its order.
#include "frontend/arm/mmu.h"

#include <algorithm>

#include "frontend/arm/sysregs_fields.h"

namespace mynah::arm {
namespace {

constexpr unsigned kMaxDescriptorRetries = 64;
constexpr uint64_t kOutputMask = (uint64_t{1} << 48) - 1;
constexpr uint8_t kNormalNonCacheable = 0x44;

// Descriptor fields.
constexpr uint64_t kValid = bit(0), kTableOrPage = bit(1);
constexpr uint64_t kAp1 = bit(6), kAp2 = bit(7), kAf = bit(10), kNg = bit(11), kGp = bit(50), kDbm = bit(51),
                   kPxn = bit(53), kUxn = bit(54);
constexpr uint64_t kPxnTable = bit(59), kUxnTable = bit(60), kApTable0 = bit(61), kApTable1 = bit(62);

// What TCR and TTBR say about one half of the address space.
struct Regime {
  bool upper;
  unsigned granule;      // log2
  unsigned size_offset;  // TxSZ
  bool walks_disabled;   // EPD
  bool hierarchical_disabled;
  bool el0_excluded;  // E0PD
  uint64_t ttbr;
};

unsigned implemented_pa_bits(const ArmState& state) { return state.pa_bits ? state.pa_bits : 48; }

unsigned output_size(const ArmState& state) {
  constexpr uint8_t kSizes[] = {32, 36, 40, 42, 44, 48, 48, 48};
  return std::min<unsigned>(kSizes[field(state.tcr, 32, 3)], implemented_pa_bits(state));
}

// The two halves encode their granule differently. A reserved or unimplemented value counts as 4 KiB.
unsigned decode_granule(const ArmState& state, bool upper) {
  constexpr uint8_t kLower[] = {12, 16, 14, 12}, kUpper[] = {12, 14, 12, 16};
  const unsigned bits = upper ? kUpper[field(state.tcr, 30, 2)] : kLower[field(state.tcr, 14, 2)];
  return bits == 14 && !state.granule_16k ? 12 : bits;
}

Regime select_regime(const ArmState& state, uint64_t va) {
  const uint64_t tcr = state.tcr;
  if (va & bit(55)) {
    return {true,
            decode_granule(state, true),
            static_cast<unsigned>(field(tcr, 16, 6)),
            (tcr & tcr::kEpd1) != 0,
            (tcr & tcr::kHpd1) != 0,
            (tcr & tcr::kE0pd1) != 0,
            state.ttbr1};
  }
  return {false,
          decode_granule(state, false),
          static_cast<unsigned>(field(tcr, 0, 6)),
          (tcr & tcr::kEpd0) != 0,
          (tcr & tcr::kHpd0) != 0,
          (tcr & tcr::kE0pd0) != 0,
          state.ttbr0};
}

WalkResult failure(Fault fault, unsigned level) {
  WalkResult result;
  result.fault = fault;
  result.level = static_cast<uint8_t>(level);
  return result;
}

WalkResult walk_disabled(const ArmState& state, uint64_t va, Access access) {
  const bool instruction = access == Access::kExecute;
  const uint64_t address = top_byte_ignored(state, va, instruction) ? va & (bit(56) - 1) : va;
  if (address >> implemented_pa_bits(state)) return failure(Fault::kAddressSize, 0);
  WalkResult result;
  result.pa = address;
  result.page_bits = 12;
  result.read_el0 = result.write_el0 = result.execute_el0 = true;
  result.read_el1 = result.write_el1 = result.execute_el1 = true;
  result.global = true;
  result.device = !instruction;
  result.attributes = !instruction ? 0 : state.sctlr & sctlr::kI ? 0xaa : kNormalNonCacheable;
  result.shareability = 2;
  return result;
}

// Permissions of a leaf, given what the tables above it took away.
struct Permissions {
  bool user, writable, writable_when_dirty;
  bool execute_el0, execute_el1;
};

Permissions leaf_permissions(const ArmState& state, uint64_t descriptor, uint64_t table_bits) {
  Permissions p{};
  const bool dirty_managed = (state.tcr & tcr::kHd) && (state.tcr & tcr::kHa) && (descriptor & kDbm);
  p.user = (descriptor & kAp1) && !(table_bits & kApTable0);
  p.writable = !(descriptor & kAp2) && !(table_bits & kApTable1);
  p.writable_when_dirty = p.writable || (dirty_managed && !(table_bits & kApTable1));
  const bool wxn = state.sctlr & sctlr::kWxn;
  const bool user_writable = p.user && p.writable_when_dirty;
  p.execute_el0 = !(descriptor & kUxn) && !(table_bits & kUxnTable) && !(wxn && user_writable);
  // What EL0 may write, EL1 never executes, whatever PXN says.
  p.execute_el1 =
      !(descriptor & kPxn) && !(table_bits & kPxnTable) && !(wxn && p.writable_when_dirty) && !user_writable;
  return p;
}

bool permitted(const Permissions& p, Access access, bool privileged, bool pan) {
  if (access == Access::kExecute) return privileged ? p.execute_el1 : p.execute_el0;
  if (privileged ? pan && p.user : !p.user) return false;
  return access == Access::kRead || access == Access::kTranslateRead || p.writable_when_dirty;
}

WalkResult describe(const ArmState& state, uint64_t va, uint64_t descriptor, unsigned page_bits,
                    const Permissions& p) {
  const uint64_t offset_mask = bit(page_bits) - 1;
  WalkResult result;
  result.pa = (descriptor & kOutputMask & ~offset_mask) | (va & offset_mask);
  result.page_bits = static_cast<uint8_t>(page_bits);
  result.user = result.read_el0 = p.user;
  result.write_el0 = p.user && p.writable;
  result.execute_el0 = p.execute_el0;
  result.read_el1 = true;
  result.write_el1 = p.writable;
  result.execute_el1 = p.execute_el1;
  result.global = !(descriptor & kNg);
  result.guarded = descriptor & kGp;
  result.attributes = static_cast<uint8_t>(state.mair >> (8 * field(descriptor, 2, 3)));
  result.device = (result.attributes & 0xf0) == 0;
  if (!result.device && !(state.sctlr & sctlr::kC)) result.attributes = kNormalNonCacheable;
  // Device and non-cacheable memory is outer shareable, whatever the descriptor says.
  result.shareability = result.device || result.attributes == kNormalNonCacheable
                            ? 2
                            : static_cast<uint8_t>(field(descriptor, 8, 2));
  return result;
}

// A leaf found at `address`: checks in the manual's order, then the update of its flags if it needs one.
WalkResult use_leaf(const ArmState& state, PhysicalMemory& memory, uint64_t va, Access access,
                    bool privileged, bool pan, uint64_t address, uint64_t& descriptor, uint64_t table_bits,
                    unsigned level, unsigned page_bits, bool& retry) {
  const bool translate_only = access == Access::kTranslateRead || access == Access::kTranslateWrite;
  const bool hardware_flag = state.tcr & tcr::kHa;
  if (!(descriptor & kAf) && !hardware_flag) return failure(Fault::kAccessFlag, level);
  Permissions p = leaf_permissions(state, descriptor, table_bits);
  if (!permitted(p, access, privileged, pan)) return failure(Fault::kPermission, level);

  uint64_t updated = descriptor;
  if (!translate_only) {
    updated |= kAf;
    if (access == Access::kWrite && !p.writable) updated &= ~kAp2;
  }
  if (updated != descriptor) {
    uint64_t seen = descriptor;
    if (!memory.compare_exchange64(address, seen, updated)) {
      if (seen == descriptor) return failure(Fault::kWalkExternal, level);
      descriptor = seen;
      retry = true;
      return {};
    }
    p = leaf_permissions(state, updated, table_bits);
  }
  return describe(state, va, updated, page_bits, p);
}

}  // namespace

bool top_byte_ignored(const ArmState& state, uint64_t va, bool instruction) {
  const bool upper = va & bit(55);
  const bool tbi = state.tcr & (upper ? tcr::kTbi1 : tcr::kTbi0);
  const bool tbid = state.tcr & (upper ? tcr::kTbid1 : tcr::kTbid0);
  return tbi && !(instruction && tbid);
}

unsigned granule_bits(const ArmState& state, uint64_t va) { return decode_granule(state, va & bit(55)); }

uint16_t current_asid(const ArmState& state) {
  const uint64_t ttbr = state.tcr & tcr::kA1 ? state.ttbr1 : state.ttbr0;
  const uint16_t asid = static_cast<uint16_t>(ttbr >> 48);
  return state.tcr & tcr::kAs ? asid : asid & 0xff;
}

uint32_t fault_status_code(Fault fault, unsigned level) {
  switch (fault) {
    case Fault::kNone:
      return 0;
    case Fault::kAddressSize:
      return 0x00 + level;
    case Fault::kTranslation:
      return 0x04 + level;
    case Fault::kAccessFlag:
      return 0x08 + level;
    case Fault::kPermission:
      return 0x0c + level;
    case Fault::kExternal:
      return 0x10;
    case Fault::kWalkExternal:
      return 0x14 + level;
    case Fault::kAlignment:
      return 0x21;
  }
  return 0;
}

WalkResult walk(const ArmState& state, PhysicalMemory& memory, uint64_t va, Access access, bool privileged,
                bool pan) {
  if (!(state.sctlr & sctlr::kM)) return walk_disabled(state, va, access);

  const Regime regime = select_regime(state, va);
  // TxSZ outside of what is implemented faults, one of the behaviours that the manual allows.
  if (regime.size_offset < 16 || regime.size_offset > 39) return failure(Fault::kTranslation, 0);
  const unsigned input_size = 64 - regime.size_offset;
  const unsigned top_bits = top_byte_ignored(state, va, access == Access::kExecute) ? 56 : 64;
  const uint64_t top = field(va, input_size, top_bits - input_size);
  const uint64_t expected_top = regime.upper ? field(~uint64_t{0}, 0, top_bits - input_size) : 0;
  if (top != expected_top || regime.walks_disabled || (regime.el0_excluded && !privileged)) {
    return failure(Fault::kTranslation, 0);
  }

  const unsigned stride = regime.granule - 3;
  unsigned level = 3 - (input_size - regime.granule - 1) / stride;
  unsigned low = regime.granule + (3 - level) * stride;  // lowest bit of the index at this level
  unsigned index_bits = input_size - low;
  const unsigned output_bits = output_size(state);

  // A table is aligned to its size; BADDR bits below that are RES0, as are ASID and CnP.
  uint64_t table = regime.ttbr & kOutputMask & ~(bit(index_bits + 3) - 1);
  if (table >> output_bits) return failure(Fault::kAddressSize, 0);

  uint64_t table_bits = 0;
  for (;; ++level, low -= stride, index_bits = stride) {
    const uint64_t address = table | field(va, low, index_bits) << 3;
    uint64_t descriptor;
    if (!memory.read64(address, descriptor)) return failure(Fault::kWalkExternal, level);

    for (unsigned tries = 0;; ++tries) {
      if (!(descriptor & kValid)) return failure(Fault::kTranslation, level);
      const bool table_or_page = descriptor & kTableOrPage;
      if (table_or_page && level < 3) break;
      // Blocks exist at level 2, and with the 4 KiB granule at level 1 as well.
      const bool leaf = level == 3 ? table_or_page : level == 2 || (level == 1 && regime.granule == 12);
      if (!leaf) return failure(Fault::kTranslation, level);
      const uint64_t output = descriptor & kOutputMask & ~(bit(low) - 1);
      if (output >> output_bits) return failure(Fault::kAddressSize, level);
      bool retry = false;
      WalkResult result = use_leaf(state, memory, va, access, privileged, pan, address, descriptor,
                                   table_bits, level, low, retry);
      if (!retry) {
        if (regime.el0_excluded) result.read_el0 = result.write_el0 = result.execute_el0 = false;
        return result;
      }
      if (tries == kMaxDescriptorRetries) return failure(Fault::kWalkExternal, level);
    }

    if (!regime.hierarchical_disabled)
      table_bits |= descriptor & (kPxnTable | kUxnTable | kApTable0 | kApTable1);
    table = descriptor & kOutputMask & ~(bit(regime.granule) - 1);
    if (table >> output_bits) return failure(Fault::kAddressSize, level);
  }
}

}  // namespace mynah::arm
