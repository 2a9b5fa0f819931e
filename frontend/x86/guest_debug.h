// SPDX-License-Identifier: Apache-2.0
//
// X86Debug: the processor as a debugger sees it (GDB manual, "i386 Features").
#pragma once

#include <vector>

#include "frontend/guest_debug.h"
#include "frontend/x86/cpu.h"

namespace mynah::x86 {

class X86Debug final : public GuestDebug {
 public:
  explicit X86Debug(X86Cpu& cpu);

  std::string_view gdb_architecture() const override { return "i386:x86-64"; }
  const std::vector<DebugFeature>& features() const override { return features_; }
  unsigned general_registers() const override { return 24; }
  std::string read_register(unsigned number) const override;
  bool write_register(unsigned number, std::string_view bytes) override;
  std::optional<uint64_t> physical(uint64_t va) const override;
  std::string disassemble(std::span<const uint8_t> code, uint64_t pc) const override;
  std::string dump() const override;
  void tell_exceptions(Tell) override;
  void tell_undefined(Tell) override;

 private:
  X86Cpu& cpu_;
  std::vector<DebugFeature> features_;
};

}  // namespace mynah::x86
