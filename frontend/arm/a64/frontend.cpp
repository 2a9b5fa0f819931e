// SPDX-License-Identifier: Apache-2.0
//
// A64Frontend, but for disassembly. Instructions are four bytes, aligned: none goes on in the next page.
#include "frontend/arm/a64/frontend.h"

#include "frontend/arm/a64/lift.h"
#include "frontend/arm/mode.h"
#include "frontend/arm/slots.h"

namespace mynah::arm::a64 {

Lifted A64Frontend::lift(ir::Region& region, CodeSource& source, uint32_t pc_offset, uint64_t mode,
                         const LiftOptions& options) const {
  lift_block(region, source.page(), pc_offset, mode, model_, options);
  return Lifted::kBlock;
}

ir::FpMode A64Frontend::fp_mode(uint64_t mode) const { return fp_mode_of(mode); }

std::span<const ir::SlotInfo> A64Frontend::slots() const { return slot_table(); }

}  // namespace mynah::arm::a64
