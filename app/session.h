// SPDX-License-Identifier: Apache-2.0
//
// Session: one run of the program. It makes the host side, the machine and what watches it from options
// (setup.cpp), and drives all of them from one thread: a slice of the guest, then a look at the host about
// every millisecond; while the guest is idle, a wait for the host until the guest's next deadline.
//
// In a deterministic run (-icount) the host is looked at when guest time says so, never when host time does,
// so that what a run does follows from its inputs.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "app/backends.h"
#include "app/gdb_guest.h"
#include "app/gdb_stub.h"
#include "app/initrd_check.h"
#include "app/log.h"
#include "app/monitor.h"
#include "app/options.h"
#include "app/signals.h"
#include "app/stats.h"
#include "devices/host/char_output.h"
#include "devices/host/char_socket.h"
#include "devices/host/curses_display.h"
#include "devices/host/host_clock.h"
#include "devices/host/make_net.h"
#include "devices/host/semihosting_files.h"
#include "devices/storage/removable_drive.h"
#include "machines/machine.h"

namespace mynah::app {

class Session final : private RunControl, private GdbTarget {
 public:
  // Everything up to the first instruction.
  static Result<std::unique_ptr<Session>> create(Options options);
  ~Session() override;
  Session(const Session&) = delete;

  // Until the guest powers off or a person ends it. The process's exit code.
  int run();
  std::span<const uint8_t> device_tree() const { return machine_->device_tree(); }

 private:
  using HostClock = std::chrono::steady_clock;
  enum class State : uint8_t { kRunning, kStepping, kPaused };

  explicit Session(Options options);
  // setup.cpp
  Result<void> set_up();
  void set_up_entropy(MachineConfig& config);
  std::string nothing_to_start() const;
  void set_up_calendar(MachineConfig& config);
  std::string serial_spec() const;
  std::string monitor_spec(const std::string& serial) const;  // empty: none
  Result<void> set_up_lines(MachineConfig& config);
  Result<void> set_up_disks(MachineConfig& config);
  Result<void> set_up_networks();
  Result<void> set_up_devices();
  Result<std::vector<uint8_t>> option_rom(const DeviceOption& device) const;
  Result<void> set_up_debugger();
  // session_display.cpp
  Result<void> set_up_display();
  void leave_display();
  // setup_memory.cpp
  Result<void> set_up_memory_files(MachineConfig& config);
  Result<void> set_up_kernel(MachineConfig& config);
  Result<void> set_up_initrd(MachineConfig& config);
  Result<void> set_up_firmware_files(MachineConfig& config);
  Result<void> set_up_semihosting(MachineConfig& config);
  void end_from_guest(int code);
  void watchdog_expired();  // setup_devices.cpp; from inside of a slice

  // session.cpp
  void run_slice();
  void idle();
  void after_slice(AfterExit after);
  void poll_host(std::chrono::nanoseconds timeout);
  void look_after_debugger();
  bool poll_is_due() const;
  // The one that a debugger and the monitor look at.
  const Processor& processor() const { return machine_->processors()[selected_]; }
  void stop(GdbStop reason, const char* why);
  void end(int code);
  void report(const std::string& sentence, bool loss);
  int finish();

  // RunControl
  Machine& machine() override { return *machine_; }
  size_t selected() const override { return selected_; }
  void select(size_t processor) override { selected_ = processor; }
  bool running() const override { return state_ != State::kPaused; }
  std::string status() const override;
  void pause() override;
  void go_on() override;
  void quit() override { end(0); }
  void reset_machine() override { reset_wanted_ = true; }
  std::string figures() override;
  std::string network_info() override;
  std::string block_info() override;
  Result<void> eject_medium(std::string_view drive, bool force) override;
  Result<void> change_medium(std::string_view drive, const std::string& file, const std::string& format,
                             std::string_view mode, bool force) override;
  std::string name_and_uuid(bool uuid) override;
  dev::VirtioBalloon* balloon() override { return balloon_; }

  // GdbTarget: a thread is a processor, by its number and 1
  unsigned gdb_thread_count() override { return static_cast<unsigned>(machine_->processors().size()); }
  void gdb_select_thread(unsigned thread) override { selected_ = thread - 1; }
  std::string gdb_thread_text(unsigned thread) override;
  unsigned gdb_register_count() override;
  unsigned gdb_pc_register() override;
  std::string gdb_read_register(unsigned number) override;
  size_t gdb_register_size(unsigned number) override;
  bool gdb_write_register(unsigned number, std::string_view bytes) override;
  size_t gdb_read_memory(uint64_t address, std::span<uint8_t> to) override;
  bool gdb_write_memory(uint64_t address, std::span<const uint8_t> from) override;
  void gdb_use_physical(bool on) override;
  bool gdb_set_point(GdbPoint kind, uint64_t address, uint64_t length, bool insert) override;
  void gdb_clear_points() override;
  std::string gdb_target_xml() override;
  void gdb_continue() override { go_on(); }
  void gdb_step(unsigned thread) override;
  void gdb_interrupt() override;
  void gdb_kill() override { end(0); }
  std::string gdb_command(std::string_view text) override { return run_monitor_command(*this, text); }
  struct GdbInput;
  struct Backends;  // what devices stand on

  // Users before what they use, from the last to the first.
  Options options_;
  CycleClock cycle_clock_;
  std::unique_ptr<host::Poller> poller_;
  std::unique_ptr<host::WorkerPool> pool_;  // null: disks' requests are not given to other threads
  std::unique_ptr<Signals> signals_;
  std::unique_ptr<LogOutput> log_output_;
  std::unique_ptr<DeviceLog> log_;
  std::unique_ptr<host::CursesDisplay> display_;
  std::vector<std::string> unsaid_;  // sentences, while the terminal is the display's
  std::unique_ptr<CharLines> lines_;
  std::unique_ptr<host::OutputChar> plain_output_, plain_errors_;  // of semihosting
  std::unique_ptr<host::SemihostingFiles> guest_files_;
  std::unique_ptr<dev::EntropySource> entropy_;
  std::unique_ptr<host::HostClock> calendar_clock_;  // the guest's, unless it goes by guest time
  struct Disk {
    std::string id, file;
    std::unique_ptr<dev::BlockBackend> backend;
  };
  std::vector<Disk> disks_;  // as options_.drives
  const std::thread::id thread_ = std::this_thread::get_id();
  host::Report disk_report();
  void finish_requests() {
    if (pool_ && pool_->has_finished()) pool_->finish();
  }
  struct Removable {
    std::string drive, device;  // ids, either may be empty
    size_t disk;                // number in disks_
    dev::RemovableDrive* what;
  };
  std::vector<Removable> removables_;
  size_t disk_number(const std::string& id) const;
  void add_removable(const std::string& drive, const std::string& device, dev::RemovableDrive& what);
  // session_media.cpp
  Result<Removable*> find_removable(std::string_view name);
  std::string removable_names() const;
  struct Network {
    std::string id;
    std::unique_ptr<dev::NetBackend> backend;
    const host::SlirpNet* user = nullptr;  // the backend, or what is below it, where it is one
  };
  std::vector<Network> networks_;
  std::unique_ptr<Machine> machine_;
  dev::VirtioBalloon* balloon_ = nullptr;  // the machine's
  std::unique_ptr<host::SocketChar> gdb_line_;
  AddressKind gdb_addresses_ = AddressKind::kVirtual;
  std::unique_ptr<GdbStub> gdb_;
  std::unique_ptr<GdbInput> gdb_input_;
  InitrdCheck initrd_check_;

  State state_ = State::kRunning;
  const char* why_paused_ = "prelaunch";
  bool ended_ = false;
  int exit_code_ = 0;
  bool lost_data_ = false;  // said already; the exit code tells, too
  bool reset_wanted_ = false, pause_wanted_ = false;
  bool poll_soon_ = false;       // a backend has work for the poll loop
  bool input_for_call_ = false;  // a guest that waits for it in a call of semihosting can go on
  bool gdb_connected_ = false;
  size_t selected_ = 0;  // number of a processor
  size_t stepping_ = 0;  // kStepping: the one that does
  bool wrote_pid_file_ = false;
  HostClock::time_point next_poll_{};
  dev::TimeNs next_guest_poll_ = 0;
  bool idle_ = false;
  HostClock::time_point idle_since_{};  // host time that belongs to the guest time at which it went idle
};

}  // namespace mynah::app
