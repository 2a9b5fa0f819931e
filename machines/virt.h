// SPDX-License-Identifier: Apache-2.0
//
// The Arm board `virt`, with the memory map, interrupt numbers and device tree that firmware and systems know
// from the QEMU machine of that name. Wiring only: behaviour is the devices' and the engine's.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "devices/core/bus.h"
#include "devices/core/char_backend.h"
#include "devices/core/event_queue.h"
#include "devices/core/host_backends.h"
#include "devices/flash/pflash_cfi01.h"
#include "devices/fwcfg/fw_cfg.h"
#include "devices/gpio/pl061.h"
#include "devices/intc/gicv2.h"
#include "devices/intc/gicv3.h"
#include "devices/rtc/pl031.h"
#include "devices/serial/pl011.h"
#include "devices/timer/cycle_clock.h"
#include "devices/timer/event_stream.h"
#include "devices/timer/generic_timer.h"
#include "devices/virtio/virtio_device.h"
#include "devices/virtio/virtio_mmio.h"
#include "engine/vcpu.h"
#include "frontend/arm/cpu.h"
#include "machines/guest_clock.h"

namespace mynah {

struct VirtConfig {
  unsigned gic_version = 2;
  uint64_t ram_bytes = uint64_t{128} << 20;
  arm::CpuModel cpu;
  std::vector<uint8_t> kernel;  // Image, already uncompressed; empty: start at the first flash
  std::vector<uint8_t> initrd;
  std::string command_line;
  std::vector<uint8_t> dtb;       // empty: made here
  std::vector<uint8_t> firmware;  // contents of the first flash
  dev::BlockBackend* flash[2] = {nullptr, nullptr};
  dev::CharBackend* serial = nullptr;
  const dev::Clock* rtc_clock = nullptr;  // what the calendar goes by; guest time where it is null
  int64_t rtc_base_seconds = 0;           // the calendar where that clock is at 0
  GuestClock::Kind clock = GuestClock::Kind::kRealtime;
  unsigned clock_shift = 3;
  Accelerator accelerator = Accelerator::kJit;
  size_t code_bytes = size_t{256} << 20;
  Techniques techniques;
  bool verify = ir::kVerifyByDefault;     // the translator checks its own work
  std::vector<uint8_t> rng_seed;          // 32 bytes for /chosen
  dev::EntropySource* entropy = nullptr;  // the processor's random numbers; null: they are not available
  std::vector<uint8_t> uuid;              // 16 bytes for firmware, or none

  // Without firmware the kernel is started directly; with it, firmware finds the kernel through fw_cfg.
  bool starts_kernel() const { return !kernel.empty() && firmware.empty() && !flash[0]; }
};

class VirtMachine final {
 public:
  static constexpr uint64_t kRamBase = 0x40000000;
  static constexpr unsigned kVirtioSlots = 32;

  VirtMachine(VirtConfig config, dev::Log& log);
  ~VirtMachine();
  VirtMachine(const VirtMachine&) = delete;

  // Builds memory and boots up to the first instruction. Empty, or a sentence that says what is wrong.
  std::string init();

  // Makes a virtio device in the last free slot, as QEMU does. The factory gets DMA memory and log. Before
  // init().
  using VirtioFactory = std::function<std::unique_ptr<dev::VirtioDevice>(dev::DmaMemory&, dev::Log&)>;
  std::string add_virtio(const VirtioFactory& make);

  // Runs for a slice. kHalt: the guest waits; call again when wait_deadline() is reached or a device got
  // input.
  AfterExit run_slice();
  // One instruction, for a debugger: interrupts wait, and so does a guest that would sleep.
  AfterExit step();
  dev::TimeNs next_deadline() const { return events_.next_deadline(); }
  // Deterministic clock only: an idle guest's time jumps. False when nothing is to come.
  bool skip_idle_time();
  void reset();

  void press_power_key();
  GuestClock& clock() { return clock_; }
  // The guest's time stands still from pause() to resume(), its calendar perhaps not.
  void pause() { clock_.pause(); }
  void resume();
  Vcpu& vcpu() { return *vcpu_; }
  arm::ArmCpu& cpu() { return *cpu_; }
  GuestMemory& memory() { return memory_; }
  dev::EventQueue& events() { return events_; }
  const dev::Bus& bus() const { return bus_; }
  const ir::Backend* backend() const { return backend_.get(); }
  bool halted() const { return cpu_->asleep(); }
  const std::vector<uint8_t>& device_tree() const { return dtb_; }

 private:
  // The interfaces that others see of the machine.
  struct System;   // arm::ArmSystem, arm::Firmware
  struct Dma;      // dev::DmaMemory
  struct Walks;    // arm::PhysicalMemory
  struct Lines;    // dev::IrqSink: interrupt inputs of the processor
  struct Devices;  // DeviceBus
  void add_devices();
  std::string load_kernel();
  dev::IrqLine spi(unsigned n);

  VirtConfig config_;
  dev::Log& log_;
  GuestClock clock_;
  dev::RtcClock rtc_clock_;
  dev::EventQueue events_;
  GuestMemory memory_;
  dev::Bus bus_;
  ir::Runtime* runtime_;
  std::unique_ptr<Walks> walks_;
  std::unique_ptr<System> system_;
  std::unique_ptr<Dma> dma_;
  std::unique_ptr<Lines> lines_;
  std::unique_ptr<Devices> devices_;
  std::unique_ptr<ir::Backend> backend_;
  std::unique_ptr<arm::ArmCpu> cpu_;
  std::unique_ptr<Vcpu> vcpu_;
  std::unique_ptr<dev::Gicv2> gicv2_;
  std::unique_ptr<dev::Gicv3> gicv3_;
  std::unique_ptr<dev::GenericTimer> timer_;
  std::unique_ptr<dev::EventStream> event_stream_;
  std::unique_ptr<dev::CycleClock> cycles_;
  dev::IrqLine pmu_irq_;
  dev::NullCharBackend null_serial_;
  std::unique_ptr<dev::Pl011> uart_;
  std::unique_ptr<dev::Pl031> rtc_;
  std::unique_ptr<dev::Pl061> gpio_;
  std::unique_ptr<dev::FwCfg> fw_cfg_;
  std::unique_ptr<dev::PflashCfi01> flash_[2];
  std::unique_ptr<dev::VirtioDevice> slots_[kVirtioSlots];
  std::vector<std::unique_ptr<dev::VirtioMmio>> transports_;  // these let go of the devices
  std::vector<uint8_t> dtb_;
  uint64_t dtb_address_ = 0, entry_ = 0;
  bool stepping_ = false;  // step() keeps interrupts from the processor
};

// The device tree of a configuration; initrd range and command line included.
struct VirtTreeInput {
  const VirtConfig& config;
  uint64_t initrd_start, initrd_end;
};
std::vector<uint8_t> make_virt_tree(const VirtTreeInput& input);

}  // namespace mynah
