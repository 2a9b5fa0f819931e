// SPDX-License-Identifier: Apache-2.0
//
// X86Frontend: what of an x86 processor needs none that runs (frontend/frontend.h).
#pragma once

#include "frontend/frontend.h"
#include "frontend/x86/cpu_model.h"

namespace mynah::x86 {

class X86Frontend final : public Frontend {
 public:
  explicit X86Frontend(const CpuModel& model) : model_(model) {}
  Lifted lift(ir::Region& region, CodeSource& source, uint32_t pc_offset, uint64_t mode,
              const LiftOptions& options) const override;
  ir::FpMode fp_mode(uint64_t mode) const override;
  std::span<const ir::SlotInfo> slots() const override;
  std::string disassemble(std::span<const uint8_t> bytes, uint64_t pc) const override;

 private:
  const CpuModel& model_;
};

}  // namespace mynah::x86
