// SPDX-License-Identifier: Apache-2.0
//
// ArmCpu: the Arm processor element as the engine drives it. Ties together the state, the walk of the tables,
// the exceptions, the system registers and the lifter; what lies outside of the processor comes in through
// ArmSystem and Firmware.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "frontend/arm/a64/frontend.h"
#include "frontend/arm/cpu_models.h"
#include "frontend/arm/exceptions.h"
#include "frontend/arm/mode.h"
#include "frontend/arm/state.h"
#include "frontend/arm/sysregs.h"
#include "frontend/arm/system.h"
#include "frontend/guest.h"
#include "ir/runtime.h"

namespace mynah::arm {

// What answers HVC and SMC (PSCI; nothing: the instruction is undefined) and HLT.
class Firmware {
 public:
  virtual ~Firmware() = default;
  virtual std::optional<AfterExit> call(ArmState& state, bool smc) = 0;
  // HLT, which is undefined but for a debugger's calls. kAgain: the instruction has not completed, and is to
  // be executed again when something has come from outside.
  enum class Halt : uint8_t { kUndefined, kDone, kAgain };
  virtual Halt halt(ArmState&, uint16_t immediate) { return Halt::kUndefined; }
};

class ArmCpu final : public GuestCpu {
 public:
  // The state lives in runtime.state.
  ArmCpu(CpuModel model, ArmSystem& system, Firmware* firmware, ir::Runtime& runtime);

  ArmState& arm() { return state_; }
  const ArmState& arm() const { return state_; }
  const CpuModel& model() const { return model_; }
  ResetConfig reset_config;

  // An instruction that the model lacks: its word, address and the feature it belongs to ("" when
  // unallocated).
  std::function<void(uint32_t word, uint64_t pc, std::string_view feature)> on_undefined;
  // Every exception taken, for -d int.
  std::function<void(const Exception&, uint64_t return_address)> on_exception;

  // An event of another processor element or of the event stream, for WFE.
  void send_event() { state_.event_register = 1; }
  // What ArmSystem::call_after_cycles() asks for.
  void cycles_passed();

  // FPSR with the flags that translated code gathered.
  uint32_t fpsr() const;
  void set_fpsr(uint32_t value);

  // System registers for a debugger (sysregs.h). After a write the engine has to be told that translation
  // changed: a register may be a part of the block key.
  std::vector<uint16_t> debug_register_keys() { return sysregs::debug_keys(state_, system_, model_); }
  bool debug_read(uint16_t key, uint64_t& value) {
    return sysregs::debug_read(state_, system_, model_, key, value);
  }
  bool debug_write(uint16_t key, uint64_t value) {
    return sysregs::debug_write(state_, system_, model_, key, value);
  }

  // Text for logs (guest_debug.h). Lines end with a newline.
  std::string dump() const;

  // --- GuestCpu
  std::string_view name() const override { return model_.name; }
  void reset() override;
  void* state() override { return &state_; }
  size_t state_size() const override { return sizeof(ArmState); }
  const Frontend& frontend() const override { return frontend_; }
  uint64_t pc() const override { return state_.pc(); }
  void set_pc(uint64_t pc) override;
  uint64_t canonical(uint64_t va) const override;
  uint64_t tag_bits() const override { return uint64_t{0xff} << 56; }
  uint32_t address_space_ids() const override { return 1 << 16; }
  ContextKey context_key() override;
  uint32_t user_class() const override { return 0; }
  TranslateResult translate(uint64_t va, ::mynah::Access access, uint32_t permission_class) override;
  const GuestStops& guest_stops() const override;
  bool watched(uint64_t va, uint64_t length, bool read, bool write, uint8_t note, uint32_t permission_class,
               ::mynah::Fault& fault) const override;
  ::mynah::Fault alignment_fault(uint64_t va, ::mynah::Access access, uint32_t permission_class) override;
  std::optional<::mynah::Fault> unaligned_device(uint64_t va, ::mynah::Access access,
                                                 uint32_t permission_class) override {
    return alignment_fault(va, access, permission_class);
  }
  std::optional<::mynah::Fault> nothing_there(uint64_t va, ::mynah::Access access,
                                              uint32_t permission_class) override;
  void raise_fault(const ::mynah::Fault&, ::mynah::Access access, uint8_t note) override;
  void arrive(uint64_t pc, const Arrival& how) override;
  Entry enter() override;
  AfterExit engine_exit(uint8_t reason, uint64_t imm, uint64_t argument) override;
  bool call_helper(unsigned helper, const uint64_t args[4], uint64_t& result) override;
  bool interrupt_deliverable() const override;
  void deliver_interrupt() override;
  bool asleep() const override { return state_.sleep != Sleep::kNone; }
  bool wake_pending() const override;
  void wake() override;
  void others_ran() override;
  // Firmware turns the element off, and on as after a reset, to go on at pc with `context` in X0.
  void turn_off() { state_.sleep = Sleep::kOff; }
  void turn_on(uint64_t pc, uint64_t context);
  bool is_off() const { return state_.sleep == Sleep::kOff; }

 private:
  void take(const Exception& exception, uint64_t return_address);
  void return_from_exception(uint64_t address);
  bool complete_step();
  AfterExit halt(uint16_t immediate);
  AfterExit wait_for_interrupt();
  AfterExit wait_for_event();
  AfterExit fall_asleep(Sleep);
  uint32_t note_stops(GuestStops stops);
  bool reported_as_write(Fault kind, uint64_t va, uint8_t note) const;

  const CpuModel model_;
  const a64::A64Frontend frontend_{model_};
  ArmSystem& system_;
  Firmware* firmware_;
  ir::Runtime& runtime_;
  ArmState& state_;
  std::map<GuestStops, uint32_t> stops_numbers_;
  std::map<GuestStops, uint32_t>::const_iterator stops_ = stops_numbers_.end();
  uint32_t next_stops_ = 1;
};

}  // namespace mynah::arm
