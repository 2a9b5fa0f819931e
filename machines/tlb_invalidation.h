// SPDX-License-Identifier: Apache-2.0
//
// An Arm processor's TLB maintenance request, carried out on the engine's TLB: its own, and, where it is
// broadcast, on those of the others.
#pragma once

#include "engine/tlb.h"
#include "frontend/arm/system.h"

namespace mynah {

// On the processor's that made it.
inline void invalidate(Tlb& tlb, const arm::TlbInvalidation& request) {
  using Scope = arm::TlbInvalidation::Scope;
  switch (request.scope) {
    case Scope::kAll:
      return tlb.invalidate_all();
    case Scope::kAsid:
      return tlb.invalidate_asid(request.asid);
    case Scope::kVa:
    case Scope::kVaAllAsid:
    case Scope::kRange:
      return tlb.invalidate_pages(request.va, request.pages4k, request.all_asids, request.asid);
  }
}

// Then, on another one's.
inline void drop(Tlb& tlb, const arm::TlbInvalidation& request) {
  using Scope = arm::TlbInvalidation::Scope;
  switch (request.scope) {
    case Scope::kAll:
      return tlb.drop_all();
    case Scope::kAsid:
      return tlb.drop_asid(request.asid);
    case Scope::kVa:
    case Scope::kVaAllAsid:
    case Scope::kRange:
      return tlb.drop_pages(request.va, request.pages4k, request.all_asids, request.asid);
  }
}

}  // namespace mynah
