// SPDX-License-Identifier: Apache-2.0
//
// TLBI: CRm says whom it reaches (and whether it is a range form), op2 what it matches.
#include "frontend/arm/tlbi.h"

#include "frontend/arm/mmu.h"
#include "frontend/arm/sysregs_fields.h"

namespace mynah::arm {
namespace {

using Scope = TlbInvalidation::Scope;

uint64_t sign_extend(uint64_t value, unsigned bits) {
  return static_cast<uint64_t>(static_cast<int64_t>(value << (64 - bits)) >> (64 - bits));
}

uint16_t asid_argument(const ArmState& state, uint64_t argument) {
  const uint16_t asid = static_cast<uint16_t>(argument >> 48);
  return state.tcr & tcr::kAs ? asid : asid & 0xff;
}

void decode_range(TlbInvalidation& request, uint64_t argument) {
  constexpr uint8_t kGranules[] = {0, 12, 14, 16};
  const unsigned granule = kGranules[field(argument, 46, 2)];
  if (granule == 0) {
    request.scope = Scope::kAll;  // reserved: invalidating more than asked is always right
    return;
  }
  const uint64_t scale = field(argument, 44, 2), number = field(argument, 39, 5);
  request.scope = Scope::kRange;
  request.va = sign_extend(field(argument, 0, 37) << granule, granule + 37);
  request.pages4k = (number + 1) << (5 * scale + 1) << (granule - 12);
}

}  // namespace

std::optional<TlbInvalidation> decode_tlbi(const ArmState& state, const CpuModel& model, uint16_t key,
                                           uint64_t argument) {
  const unsigned op0 = key >> 14, op1 = key >> 11 & 7, crn = key >> 7 & 15, crm = key >> 3 & 15,
                 op2 = key & 7;
  if (op0 != 1 || op1 != 0 || crn != 8) return std::nullopt;
  bool range = false, outer = false;
  TlbInvalidation request{};
  switch (crm) {
    case 1:
      outer = request.broadcast = true;
      break;
    case 2:
      range = request.broadcast = true;
      break;
    case 3:
      request.broadcast = true;
      break;
    case 5:
      range = outer = request.broadcast = true;
      break;
    case 6:
      range = true;
      break;
    case 7:
      break;
    default:
      return std::nullopt;
  }
  if ((outer && !model.has(Feature::kTlbiOs)) || (range && !model.has(Feature::kTlbiRange)))
    return std::nullopt;

  switch (op2) {
    case 0:  // VMALLE1
    case 2:  // ASIDE1
      if (range) return std::nullopt;
      request.scope = op2 == 0 ? Scope::kAll : Scope::kAsid;
      break;
    case 1:  // VAE1
    case 3:  // VAAE1
    case 5:  // VALE1
    case 7:  // VAALE1
      request.last_level_only = op2 & 4;
      request.all_asids = op2 & 2;
      if (range) {
        decode_range(request, argument);
      } else {
        request.scope = request.all_asids ? Scope::kVaAllAsid : Scope::kVa;
        const uint64_t va = sign_extend(field(argument, 0, 44) << 12, 56);
        const unsigned granule = granule_bits(state, va);
        request.va = va & ~(bit(granule) - 1);
        request.pages4k = bit(granule - 12);
      }
      break;
    default:
      return std::nullopt;
  }
  if (request.scope == Scope::kAsid || (!request.all_asids && request.scope != Scope::kAll)) {
    request.asid = asid_argument(state, argument);
  }
  return request;
}

}  // namespace mynah::arm
