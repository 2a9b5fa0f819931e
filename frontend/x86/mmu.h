// SPDX-License-Identifier: Apache-2.0
//
// Paging (SDM vol. 3, chapter 4): 32-bit, PAE, 4-level and 5-level tables, and none.
//
// A walk changes nothing but accessed and dirty flags, and those only when the access it is made for
// succeeds: from the root down, by compare-and-swap; an entry that changed meanwhile begins the walk anew. It
// reads at most five entries a try, and gives up after a few tries.
#pragma once

#include <cstdint>

#include "frontend/translation.h"
#include "frontend/x86/cpu_model.h"
#include "frontend/x86/state.h"
#include "frontend/x86/system.h"

namespace mynah::x86 {

// Bits of a page fault's error code.
namespace page_fault {
constexpr uint32_t kPresent = 1 << 0, kWrite = 1 << 1, kUser = 1 << 2, kReserved = 1 << 3, kFetch = 1 << 4,
                   kKey = 1 << 5;
}  // namespace page_fault

struct Walk {
  enum class Status : uint8_t { kOk, kPageFault, kNotCanonical } status = Status::kPageFault;
  uint32_t error = 0;  // of a page fault

  // On success only.
  uint64_t pa = 0;  // of `va` itself
  uint8_t page_bits = 12;
  bool global = false;
  // By permission class, Permission bits. To write: only where the dirty flag is set already, so that the
  // first write walks again.
  uint8_t permissions[kMaxClasses] = {};
};

// `va`: linear, of 32 bits unless the processor is in long mode.
Walk walk(const X86State& state, const CpuModel& model, X86System& system, uint64_t va, Access access,
          uint32_t permission_class);

// What of the state the meaning of tables depends on, beside CR3 (TranslationKey::regime).
Regime paging_regime(const X86State& state);
// The number that tags translations which are not global.
inline uint32_t current_pcid(const X86State& state) {
  return state.cr4 & cr4::kPcide ? static_cast<uint32_t>(state.cr3 & 0xfff) : 0;
}

// PAE: reads the four entries that CR3 points to. False: a reserved bit is set, and nothing was read.
bool load_pdptes(X86State& state, const CpuModel& model, X86System& system, uint64_t cr3);

}  // namespace mynah::x86
