// SPDX-License-Identifier: Apache-2.0
//
// X86Processor: an x86 logical processor on a board, and what belongs to each whichever the board: its local
// APIC. It answers what the front end asks of the rest of the machine (frontend/x86/system.h) from that and
// from the Machine; the board connects lines.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "devices/core/host_backends.h"
#include "devices/intc/local_apic.h"
#include "frontend/x86/cpu.h"
#include "machines/loader/x86_boot.h"
#include "machines/machine.h"

namespace mynah {

class X86Processor final : public dev::Stateful {
 public:
  struct Board {
    dev::ApicBus& apics;
    const dev::Bus& ports;
    dev::EntropySource* entropy = nullptr;  // null: it has no random numbers
    dev::Log& log;
    unsigned processors = 1;
    std::function<void()> shut_down;  // it has met an exception that it cannot take
  };
  // `number` is its place in machine.processors(), and its APIC id. The first one is the bootstrap processor.
  X86Processor(Machine& machine, const Board& board, unsigned number);
  ~X86Processor() override;
  // What the machine is to own; once, before anything below.
  Processor make(x86::CpuModel model);

  x86::X86Cpu& cpu() { return *cpu_; }
  dev::LocalApic& apic() { return *apic_; }
  // In the order in which they are reset.
  std::array<dev::Stateful*, 2> parts() { return {apic_.get(), this}; }
  // While held the processor sees no interrupt; then its lines as they are.
  void hold_interrupts(bool hold);
  // Registers at a kernel's first instruction; behind reset().
  void start(const X86BootState& state);

  // --- Stateful: the processor's registers
  std::string_view name() const override { return name_; }
  uint32_t state_version() const override { return 1; }
  void reset() override;

 private:
  struct System;  // x86::X86System, dev::ApicProcessor
  Vcpu& vcpu() { return machine_.vcpu(number_); }
  void serialize_state(dev::StateStream&) override;

  Machine& machine_;
  const Board board_;
  const unsigned number_;
  const std::string name_;
  x86::X86Cpu* cpu_ = nullptr;  // the machine's; null until make(), which the others look at
  std::unique_ptr<System> system_;
  std::unique_ptr<dev::LocalApic> apic_;
  bool held_ = false;
};

}  // namespace mynah
