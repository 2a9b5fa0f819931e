// SPDX-License-Identifier: Apache-2.0
//
// I6300Esb: the watchdog timer of Intel's 6300ESB ICH (data sheet 300641, section 16), a PCI function,
// 8086:25ab. It counts down in two stages: at the end of the first it would interrupt, at the end of the
// second it asks for what a watchdog is there for.
//
// What is not modelled: the first stage's interrupt and SMI, which show in the status register alone.
#pragma once

#include <functional>
#include <string>

#include "devices/core/event_queue.h"
#include "devices/pci/function.h"

namespace mynah::dev {

class I6300Esb final : public pci::Function {
 public:
  static constexpr unsigned kConfig = 0x60, kLock = 0x68;  // in configuration space
  enum Register : Offset { kPreload1 = 0, kPreload2 = 4, kInterrupt = 8, kReload = 12 };
  enum Config : uint16_t { kInterruptType = 3, kMicroseconds = 4, kOutputOff = 0x20 };
  enum Lock : uint8_t { kLocked = 1, kEnable = 2, kFreeRunning = 4 };
  enum Reload : uint16_t { kDoReload = 0x100, kTimeout = 0x200 };
  static constexpr uint64_t kUnlock1 = 0x80, kUnlock2 = 0x86;

  // `event` is the name of its event in the queue; `expired` is called from inside of it.
  I6300Esb(EventQueue& events, Log& log, std::string event, std::function<void()> expired);
  uint32_t state_version() const override { return 1; }

 private:
  uint64_t bar_read(unsigned bar, uint64_t offset, Width width) override;
  void bar_write(unsigned bar, uint64_t offset, Width width, uint64_t value) override;
  void config_written(unsigned offset, unsigned width) override;
  void reset_model() override;
  void serialize_model(StateStream& s) override;
  void start_stage(unsigned stage, TimeNs late = 0);
  void stage_over(TimeNs late);

  EventQueue& events_;
  const EventId event_;
  const std::function<void()> expired_;
  uint32_t preload_[2] = {};
  uint8_t stage_ = 0;      // 0 or 1, while it counts
  uint8_t unlocking_ = 0;  // how much of the sequence has come
  uint8_t lock_ = 0;       // as configuration space has it
  bool interrupt_ = false;
  bool timeout_ = false;  // it was the watchdog that reset the machine: stays over that
};

}  // namespace mynah::dev
