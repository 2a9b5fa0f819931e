// SPDX-License-Identifier: Apache-2.0
//
// An AArch64 processor as a debugger and logs see it. Numbers: 0 to 67 are x0-x30, sp, pc, cpsr, v0-v31, fpsr
// and fpcr; on processors with pointer authentication four masks; then the system registers that can be read
// without effects, under their names in the manual.
#pragma once

#include "frontend/arm/cpu.h"
#include "frontend/guest_debug.h"

namespace mynah::arm {

class ArmDebug final : public GuestDebug {
 public:
  explicit ArmDebug(ArmCpu& cpu) : cpu_(cpu) {}

  std::string_view gdb_architecture() const override { return "aarch64"; }
  const std::vector<DebugFeature>& features() const override;
  unsigned general_registers() const override;
  unsigned pc_register() const override;
  std::string read_register(unsigned number) const override;
  bool write_register(unsigned number, std::string_view bytes) override;
  // What only the other exception level may touch included.
  std::optional<uint64_t> physical(uint64_t va) const override;
  std::string disassemble(std::span<const uint8_t> code, uint64_t pc) const override {
    return cpu_.frontend().disassemble(code, pc);
  }
  std::string dump() const override { return cpu_.dump(); }
  void tell_exceptions(Tell tell) override;
  void tell_undefined(Tell tell) override;

 private:
  size_t size(unsigned number) const;  // in bytes; 0: there is no such register
  const std::vector<uint16_t>& system_keys() const;

  ArmCpu& cpu_;
  // Found when they are first asked for: that reads every register, on a machine that is complete.
  mutable std::vector<uint16_t> system_keys_;  // by number
  mutable std::vector<DebugFeature> features_;
};

}  // namespace mynah::arm
