// SPDX-License-Identifier: Apache-2.0
//
// A64Frontend: lifts and disassembles A64 for one processor model.
#pragma once

#include "frontend/arm/cpu_models.h"
#include "frontend/frontend.h"

namespace mynah::arm::a64 {

class A64Frontend final : public Frontend {
 public:
  explicit A64Frontend(const CpuModel& model) : model_(model) {}
  Lifted lift(ir::Region& region, CodeSource& source, uint32_t pc_offset, uint64_t mode,
              const LiftOptions& options) const override;
  ir::FpMode fp_mode(uint64_t mode) const override;
  std::span<const ir::SlotInfo> slots() const override;
  std::string disassemble(std::span<const uint8_t> bytes, uint64_t pc) const override;

 private:
  const CpuModel& model_;
};

}  // namespace mynah::arm::a64
