// SPDX-License-Identifier: Apache-2.0
//
// X86Debug: the processor as a debugger sees it (GDB manual, "i386 Features"): x86-64 where the model has
// long mode, else i386. The pc is linear, in 16-bit code too, so that memory there is what is executed.
#pragma once

#include <vector>

#include "frontend/guest_debug.h"
#include "frontend/x86/cpu.h"
#include "frontend/x86/x87.h"

namespace mynah::x86 {

// General registers of 64-bit code in the debugger's order.
constexpr uint8_t kGdbOrder[] = {kRax, kRbx, kRcx, kRdx, kRsi, kRdi, kRbp, kRsp,
                                 8,    9,    10,   11,   12,   13,   14,   15};
constexpr const char* kGdbNames[] = {"rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "rsp",
                                     "r8",  "r9",  "r10", "r11", "r12", "r13", "r14", "r15"};

class X86Debug final : public GuestDebug {
 public:
  explicit X86Debug(X86Cpu& cpu);

  std::string_view gdb_architecture() const override { return wide_ ? "i386:x86-64" : "i386"; }
  const std::vector<DebugFeature>& features() const override { return features_; }
  unsigned general_registers() const override { return general_; }
  unsigned pc_register() const override { return pc_; }
  std::string read_register(unsigned number) const override;
  bool write_register(unsigned number, std::string_view bytes) override;
  std::optional<uint64_t> physical(uint64_t va) const override;
  std::string disassemble(std::span<const uint8_t> code, uint64_t pc) const override;
  std::string dump() const override;
  void tell_exceptions(Tell) override;
  void tell_undefined(Tell) override;

 private:
  // What a register is, by its number.
  enum class What : uint8_t {
    kGeneral,
    kPc,
    kFlags,
    kSelector,
    kX87,
    kX87Control,
    kXmm,
    kYmmHigh,
    kMxcsr,
    kBase,
    kKernelGsBase,
    kControl,
    kEfer
  };
  struct Place {
    What what;
    uint8_t index, bytes;
  };
  X87Image x87() const;

  X86Cpu& cpu_;
  const bool wide_;
  unsigned general_ = 0, pc_ = 0;
  std::vector<Place> places_;
  std::vector<DebugFeature> features_;
};

}  // namespace mynah::x86
