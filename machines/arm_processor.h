// SPDX-License-Identifier: Apache-2.0
//
// ArmProcessor: an Arm processor element on a board, and what belongs to each whichever the board: generic
// timer, event stream, cycle clock, interrupt inputs, firmware calls. It answers what the front end asks of
// the rest of the machine (frontend/arm/system.h) from these and from the Machine; the board connects lines.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "devices/core/device.h"
#include "devices/core/host_backends.h"
#include "devices/intc/gicv3.h"
#include "devices/timer/cycle_clock.h"
#include "devices/timer/event_stream.h"
#include "devices/timer/generic_timer.h"
#include "frontend/arm/cpu.h"
#include "machines/machine.h"
#include "machines/semihosting.h"

namespace mynah {

class ArmProcessor;

// Those of a board, by number: what events, broadcasts and firmware calls reach.
using ArmProcessors = std::vector<std::unique_ptr<ArmProcessor>>;

class ArmProcessor final : public dev::Stateful {
 public:
  // `number` is its place in machine.processors() and in `all`; `affinity` as in MPIDR_EL1. Without entropy
  // it has no random numbers.
  ArmProcessor(Machine& machine, const ArmProcessors& all, unsigned number, uint64_t affinity,
               dev::EntropySource* entropy);
  ~ArmProcessor() override;
  // What the machine is to own; once, before anything below.
  Processor make(arm::CpuModel model);

  dev::IrqLine irq() const;
  dev::IrqLine fiq() const;
  struct Outputs {
    dev::IrqLine physical_timer, virtual_timer, pmu;
    dev::Gicv3* gicv3 = nullptr;  // whose CPU interface the ICC_ registers are; null: there are none
  };
  void connect(const Outputs& outputs);  // once
  // HLT #0xF000 calls it from now on; null: it is undefined, as without.
  void serve_semihosting(Semihosting* semihosting) { semihosting_ = semihosting; }
  // In the order in which they are reset.
  std::array<dev::Stateful*, 4> parts();

  arm::ArmCpu& cpu() { return *cpu_; }
  // While held the processor sees no interrupt; then its lines as they are.
  void hold_interrupts(bool hold);
  uint64_t affinity() const { return affinity_; }
  // As firmware does; turned on, it goes on at `entry` with `context` in X0.
  void turn_off();
  void turn_on(uint64_t entry, uint64_t context);

  // --- Stateful: the processor's registers
  std::string_view name() const override { return name_; }
  uint32_t state_version() const override { return 2; }
  void reset() override;

 private:
  struct System;  // arm::ArmSystem, arm::Firmware, PsciProcessors
  struct Walks;   // arm::PhysicalMemory
  struct Lines;   // dev::IrqSink
  Vcpu& vcpu() { return machine_.vcpu(number_); }
  void serialize_state(dev::StateStream&) override;

  Machine& machine_;
  const ArmProcessors& all_;
  const unsigned number_;
  const uint64_t affinity_;
  const std::string name_;
  dev::EntropySource* entropy_;
  std::unique_ptr<Walks> walks_;
  std::unique_ptr<System> system_;
  std::unique_ptr<Lines> lines_;
  arm::ArmCpu* cpu_ = nullptr;  // the machine's
  std::unique_ptr<dev::GenericTimer> timer_;
  std::unique_ptr<dev::EventStream> event_stream_;
  std::unique_ptr<dev::CycleClock> cycles_;
  dev::IrqLine pmu_irq_;
  dev::Gicv3* gicv3_ = nullptr;
  Semihosting* semihosting_ = nullptr;
};

}  // namespace mynah
