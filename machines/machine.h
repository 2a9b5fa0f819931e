// SPDX-License-Identifier: Apache-2.0
//
// Machine: the base of all boards. It owns what every machine has (guest memory, the event queue, guest time,
// the buses, the processors) and does what every machine does: runs slices, steps, resets, skips idle time,
// saves itself. A board derives from it and is wiring: it maps devices, connects lines, lays out memory.
//
// One thread. Nothing here may be called from inside of run_slice() or step() but what says so.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "devices/core/bus.h"
#include "devices/core/event_queue.h"
#include "devices/display/screen.h"
#include "devices/input/ps2.h"
#include "devices/pci/host.h"
#include "devices/storage/ide_controller.h"
#include "devices/storage/removable_drive.h"
#include "engine/guest_memory.h"
#include "ir/result.h"
#include "machines/device_places.h"
#include "machines/guest_clock.h"
#include "machines/machine_config.h"
#include "machines/processor.h"

namespace mynah {

class Machine {
 public:
  virtual ~Machine();
  Machine(const Machine&) = delete;
  virtual std::string_view name() const = 0;  // the board's

  // Add a device; before init(). Errors are about the place: a bus or slot that is not there, one that is
  // taken.
  Result<void> add_pci(const PciFactory& make, const PciPlace& place);
  Result<void> add_virtio(const VirtioFactory& make, const VirtioPlace& place);
  Result<void> add_isa(const IsaFactory& make, const IsaPlace& place);
  Result<void> add_ide(const IdeFactory& make, const IdePlace& place);
  // Null: a drive without a disk.
  virtual Result<dev::RemovableDrive*> add_floppy(unsigned, dev::BlockBackend*) {
    return Error{"the machine has no floppy drives"};
  }
  // Up to the first instruction; once.
  Result<void> init();

  // Runs for a slice. kHalt: the guest waits; call again when next_deadline() is reached or a device got
  // input.
  // kDebug: the current() processor is at a breakpoint, or behind an instruction that hit a watchpoint.
  AfterExit run_slice();
  // One instruction of a processor, for a debugger: interrupts wait, and so does one that would sleep; one
  // that is turned off does nothing.
  AfterExit step(size_t processor = 0);
  // From inside of a slice: it ends soon.
  void request_stop();
  // The same, for a device that turns the machine off or resets it: what the slice that runs returns.
  void ask_for(AfterExit after) {
    asked_ = after;
    request_stop();
  }
  // What is called before the state is reset, saved or restored: devices' requests that other threads have
  // come to their end.
  void settle_with(std::function<void()> settle) { settle_ = std::move(settle); }
  dev::TimeNs next_deadline() const { return events_.next_deadline(); }
  // Deterministic clock only: an idle guest's time jumps. False when nothing is to come.
  bool skip_idle_time();
  void reset();
  // The guest's time stands still from pause() to resume(), its calendar perhaps not.
  void pause() { clock_.pause(); }
  void resume();
  virtual void press_power_key() = 0;

  // All that the guest can tell: memory, time, processors, devices; not what stands behind those (disks,
  // lines, networks). restore() takes it on a machine of the same board and configuration, which goes on
  // where the other was; after an error it has to be reset.
  std::vector<uint8_t> save();
  Result<void> restore(std::vector<uint8_t> saved);
  // What has state, in the order in which it is reset and saved.
  std::span<dev::Stateful* const> parts() const { return parts_; }

  std::span<const Processor> processors() const { return processors_; }
  Vcpu& vcpu(size_t n = 0) { return *processors_[n].vcpu; }
  uint64_t instructions() const;  // executed by all
  // Firmware's paths of what it is to start from, by boot index.
  const std::map<unsigned, std::string>& boot_order() const { return boot_order_; }
  // Number of the processor whose turn it is, or was last.
  size_t current() const { return current_; }
  uint64_t turns() const { return turns_; }    // so far
  VcpuGroup& vcpu_group() { return *group_; }  // from init() on
  GuestClock& clock() { return clock_; }
  GuestMemory& memory() { return memory_; }
  dev::EventQueue& events() { return events_; }
  const dev::Bus& bus() const { return bus_; }
  const dev::Bus& ports() const { return ports_; }  // an I/O space beside memory; empty where there is none
  const ir::Backend* backend() const { return backend_.get(); }
  bool halted() const;                               // every processor sleeps
  bool wake_pending() const;                         // what one of them waits for is there
  bool can_run(size_t processor) const;              // awake, or about to be
  virtual dev::pci::Host* pci() { return nullptr; }  // null where the board has none
  // What a person looks at and types on; null where the board has none.
  virtual const dev::Screen* screen() const { return nullptr; }
  virtual dev::Ps2Keyboard* keyboard() { return nullptr; }
  // Empty where the board has none.
  virtual std::span<const uint8_t> device_tree() const { return {}; }

 protected:
  Machine(MachineConfig config, dev::Log& log);

  // --- for a board's constructor and build().
  void add_processor(Processor processor) { processors_.push_back(std::move(processor)); }
  void add_part(dev::Stateful& part) { parts_.push_back(&part); }
  // `path` is the device's without its unit.
  Result<void> add_boot_path(const BootPlace& boot, const std::string& path);
  // Its buses are NAME.0 and so on; without a name they are ide.N, N from the first that is free. `path` is
  // the controller's, for firmware.
  void add_ide_controller(dev::IdeController& controller, const std::string& name, const std::string& path);
  void map(uint64_t base, uint64_t size, dev::Device& device) { bus_.map(base, size, device); }
  void map_ports(uint64_t base, uint64_t size, dev::Device& device) { ports_.map(base, size, device); }
  // Who has what no window has.
  void map_rest(dev::Device& device) { bus_.map_rest(device); }
  void map_port_rest(dev::Device& device) { ports_.map_rest(device); }
  // A region of RAM as a chipset routes it (GuestMemory::route).
  void route_memory(uint64_t pa, uint8_t* reads, bool writable);
  // A device's memory that guests reach as RAM, until it is hidden. False: some of the place is taken.
  bool show_device_memory(uint64_t pa, std::span<uint8_t> memory);
  void hide_device_memory(uint64_t pa);
  // A region that is memory or, hidden, a device.
  void show_memory(uint64_t pa, bool visible);
  dev::DmaMemory& dma();

  // --- a board's own.
  // Memory, devices, what is started: all that can fail.
  virtual Result<void> build() = 0;
  // After the parts' reset: what is in memory, and where the processors are.
  virtual void reset_board() = 0;
  // While held, processors see no interrupt; then they see their lines as they are.
  virtual void hold_interrupts(bool hold) = 0;
  virtual Result<void> add_virtio_mmio(const VirtioFactory&, const VirtioMmioPlace&) {
    return Error{"the machine has no virtio-mmio transports; use the -pci form of the device"};
  }
  virtual bool has_isa() const { return false; }  // cards with I/O ports
  // What firmware's paths of devices on PCI begin with.
  virtual std::string_view pci_path() const { return "/pci@ffffffffffffffff"; }
  // For a reset that firmware takes for a way back into what was running: what to reset in place of all.
  // False: it is a start.
  virtual bool reset_to_resume() { return false; }
  virtual void time_resumed() {}  // guest time stood still, other clocks did not

  MachineConfig config_;
  dev::Log& log_;

 private:
  struct Dma;      // dev::DmaMemory over guest memory
  struct Devices;  // DeviceBus: the engine's way to the bus
  void forget_translations();
  void host_mapping_changed();
  // --- turns (machine.cpp)
  bool choose();  // whose turn it is; false: all sleep, or wait for the host
  void begin_turn(size_t processor);
  bool go_on_with_turn();
  bool others_wait() const;
  void end_turn();
  void try_host_again();
  uint64_t instructions_to_deadline();
  bool at_breakpoint();
  void serialize(dev::StateStream& stream);
  void serialize_ram(dev::StateStream& stream);

  GuestClock clock_;
  dev::EventQueue events_;
  GuestMemory memory_;
  dev::Bus bus_, ports_;
  std::unique_ptr<Dma> dma_;
  std::unique_ptr<Devices> devices_;
  std::unique_ptr<ir::Backend> backend_;
  std::unique_ptr<VcpuGroup> group_;
  std::vector<Processor> processors_;
  std::function<void()> settle_ = [] {};
  size_t current_ = 0;
  bool resumed_ = false;  // the current one may start at a breakpoint, which was met before
  std::optional<AfterExit> asked_;
  uint64_t turns_ = 0;
  uint64_t turn_left_ = 0;    // instructions; 0: the next one's turn begins
  uint64_t turn_pieces_ = 0;  // that the turn may still go on for
  std::vector<dev::Stateful*> parts_;
  std::vector<std::unique_ptr<dev::Device>> isa_devices_;
  std::map<unsigned, std::string> boot_order_;
  struct IdeBus {
    std::string name, path;
    dev::IdeController* controller;
    unsigned number;  // of the controller's
  };
  std::vector<IdeBus> ide_buses_;
  unsigned unnamed_ide_buses_ = 0;
};

}  // namespace mynah
