// SPDX-License-Identifier: Apache-2.0
//
// Session's second half: the loop that drives guest and host.
#include "app/session.h"

#include <fmt/format.h>
#include <sys/prctl.h>

#include <algorithm>
#include <cstdio>
#include <utility>

#include "app/files.h"
#include "app/text.h"

namespace mynah::app {
namespace {

using namespace std::chrono_literals;
constexpr auto kPollEvery = 1ms;
constexpr dev::TimeNs kGuestPollEvery = 1'000'000;  // deterministic runs
constexpr auto kForever = std::chrono::nanoseconds(-1);

}  // namespace

int Session::run() {
  if (!options_.name.empty()) ::prctl(PR_SET_NAME, options_.name.c_str());
  ::prctl(PR_SET_TIMERSLACK, 1000);  // ns: guest timers are late by what the host adds
  next_poll_ = HostClock::now();
  while (!ended_) {
    if (const auto ending = signals_->ending(); ending.signal) {
      leave_display();
      lines_->start_line();
      std::fprintf(stderr, "mynah: terminating on signal %d", ending.signal);
      std::fprintf(stderr, ending.sender ? " from pid %d\n" : "\n", static_cast<int>(ending.sender));
      end(0);
      break;
    }
    if (reset_wanted_) {
      reset_wanted_ = false;
      machine_->reset();
    }
    if (std::exchange(pause_wanted_, false) && state_ != State::kPaused)
      stop({.signal = GdbStop::kInterrupt}, "watchdog");
    switch (state_) {
      case State::kPaused:
        poll_host(kForever);
        break;
      case State::kStepping: {
        const AfterExit after = machine_->step(stepping_);
        if (after != AfterExit::kContinue) after_slice(after);
        if (!ended_ && state_ == State::kStepping) stop({}, "debug");
        break;
      }
      case State::kRunning:
        run_slice();
        break;
    }
  }
  return finish();
}

void Session::run_slice() {
  input_for_call_ = false;
  const AfterExit after = machine_->run_slice();
  if (ended_) return;  // by the guest
  finish_requests();
  if (after == AfterExit::kHalt) return idle();
  idle_ = false;
  if (after != AfterExit::kContinue) after_slice(after);
  if (!ended_ && poll_is_due()) poll_host(0ns);
}

bool Session::poll_is_due() const {
  if (poll_soon_) return true;
  if (machine_->clock().deterministic()) return machine_->clock().now() >= next_guest_poll_;
  return HostClock::now() >= next_poll_;
}

void Session::idle() {
  const bool deterministic = machine_->clock().deterministic();
  const auto left = [&]() -> std::chrono::nanoseconds {
    const dev::TimeNs deadline = machine_->next_deadline();
    if (deadline == dev::kNever) return kForever;
    return std::chrono::nanoseconds(std::max<dev::TimeNs>(deadline - machine_->clock().now(), 0));
  };
  if (!deterministic) return poll_host(left());

  if (!idle_) idle_since_ = HostClock::now();
  idle_ = true;
  poll_host(0ns);
  const auto awake = [&] {
    return ended_ || state_ != State::kRunning || signals_->ending().signal || reset_wanted_ ||
           input_for_call_ || machine_->wake_pending();
  };
  if (awake()) return;
  const auto skip = left();
  if (skip < 0ns) return poll_host(kForever);
  if (options_.sleep_when_idle) {
    // Nothing but a whole wait moves guest time: a part of it would be the host's to choose.
    while (HostClock::now() < idle_since_ + skip) {
      poll_host(idle_since_ + skip - HostClock::now());
      if (awake() || left() != skip) return;
    }
  }
  machine_->skip_idle_time();
  idle_since_ += skip;
}

void Session::poll_host(std::chrono::nanoseconds timeout) {
  poll_soon_ = false;
  poller_->poll(timeout);
  finish_requests();
  next_poll_ = HostClock::now() + kPollEvery;
  if (machine_->clock().deterministic()) next_guest_poll_ = machine_->clock().now() + kGuestPollEvery;
  if (gdb_) look_after_debugger();
  if (const auto result = initrd_check_.poll(); result && !*result)
    report("warning: " + result->message(), false);
  if (signals_->take_report_request()) {
    if (display_ && display_->drawing()) {
      unsaid_.push_back(figures());
    } else {
      lines_->start_line();
      std::fputs(figures().c_str(), stderr);
    }
  }
}

void Session::after_slice(AfterExit after) {
  switch (after) {
    case AfterExit::kShutdown:
      if (options_.stay_after_shutdown) return stop({.signal = GdbStop::kInterrupt}, "shutdown");
      return end(0);
    case AfterExit::kReset:
      if (!options_.exit_on_reset) return machine_->reset();
      if (options_.stay_after_shutdown) return stop({.signal = GdbStop::kInterrupt}, "shutdown");
      return end(0);
    case AfterExit::kDebug: {
      const auto hit = machine_->vcpu(machine_->current()).take_watch_hit();
      if (!hit) return stop({.reason = GdbStop::Reason::kSoftwareBreakpoint}, "debug");
      return stop({.reason = GdbStop::Reason::kWatchpoint,
                   .watch = !hit->on_read    ? GdbPoint::kWrite
                            : !hit->on_write ? GdbPoint::kRead
                                             : GdbPoint::kAccess,
                   .address = hit->address},
                  "watchpoint");
    }
    case AfterExit::kContinue:
    case AfterExit::kSlow:
    case AfterExit::kStop:
    case AfterExit::kHalt:
    case AfterExit::kYield:
      return;
  }
}

void Session::stop(GdbStop reason, const char* why) {
  state_ = State::kPaused;
  why_paused_ = why;
  machine_->pause();
  selected_ = machine_->current();
  reason.thread = static_cast<unsigned>(selected_) + 1;
  if (gdb_) gdb_->stopped(reason);
}

void Session::end(int code) {
  if (!ended_) exit_code_ = code;
  ended_ = true;
}

void Session::report(const std::string& sentence, bool loss) {
  lost_data_ |= loss;
  if (display_ && display_->drawing()) return unsaid_.push_back("mynah: " + sentence + "\n");
  if (lines_) lines_->start_line();
  std::fprintf(stderr, "mynah: %s\n", sentence.c_str());
}

int Session::finish() {
  leave_display();
  if (pool_) pool_->settle();
  if (gdb_) gdb_->exited(static_cast<uint8_t>(exit_code_));
  for (Disk& disk : disks_)
    if (disk.backend && !disk.backend->read_only() && !disk.backend->flush()) lost_data_ = true;
  if (options_.stats != StatsForm::kNone) {
    const Figures all = collect_figures(*machine_, cycle_clock_);
    const std::string text = options_.stats == StatsForm::kJson ? figures_json(all) : figures_table(all);
    if (options_.stats_file.empty()) {
      lines_->start_line();
      std::fputs(text.c_str(), stderr);
    } else if (auto ok = write_file(options_.stats_file, "figures to",
                                    {reinterpret_cast<const uint8_t*>(text.data()), text.size()});
               !ok) {
      report(ok.message(), true);
    }
  }
  if (const auto closed = log_output_->close(); !closed) report(closed.message(), true);
  return exit_code_ == 0 && lost_data_ ? 1 : exit_code_;
}

void Session::look_after_debugger() {
  if (!gdb_line_ || gdb_line_->connected() == gdb_connected_) return;
  gdb_connected_ = !gdb_connected_;
  if (!gdb_connected_) return gdb_->disconnected();
  gdb_->connected();
  if (state_ != State::kPaused) stop({.signal = GdbStop::kInterrupt}, "debug");
}

// --- RunControl

std::string Session::status() const {
  return state_ == State::kPaused ? "paused (" + std::string(why_paused_) + ")" : "running";
}

void Session::pause() {
  if (state_ == State::kRunning) stop({.signal = GdbStop::kInterrupt}, "by the monitor");
}

void Session::go_on() {
  if (state_ == State::kRunning) return;
  state_ = State::kRunning;
  idle_ = false;
  machine_->resume();
}

std::string Session::figures() { return figures_table(collect_figures(*machine_, cycle_clock_)); }

std::string Session::network_info() {
  std::string text;
  for (const Network& n : networks_)
    text += n.id + (n.user ? ": user\n" + n.user->connection_info() : ": to the outside\n");
  return text;
}

std::string Session::name_and_uuid(bool uuid) {
  if (!uuid) return options_.name.empty() ? "" : options_.name + "\n";
  std::string text;
  for (size_t i = 0; i < options_.uuid.size(); ++i) {
    text += fmt::format("{:02x}", options_.uuid[i]);
    if (i == 3 || i == 5 || i == 7 || i == 9) text += '-';
  }
  return text + "\n";
}

// --- GdbTarget

unsigned Session::gdb_register_count() { return processor().debug->general_registers(); }
unsigned Session::gdb_pc_register() { return processor().debug->pc_register(); }
std::string Session::gdb_read_register(unsigned number) { return processor().debug->read_register(number); }
size_t Session::gdb_register_size(unsigned number) { return register_size(*processor().debug, number); }
bool Session::gdb_write_register(unsigned number, std::string_view bytes) {
  if (!processor().debug->write_register(number, bytes)) return false;
  processor().vcpu->translation_changed();
  return true;
}
void Session::gdb_use_physical(bool on) {
  gdb_addresses_ = on ? AddressKind::kPhysical : AddressKind::kVirtual;
}
size_t Session::gdb_read_memory(uint64_t address, std::span<uint8_t> to) {
  return read_guest(*machine_, selected_, address, to, gdb_addresses_);
}
bool Session::gdb_write_memory(uint64_t address, std::span<const uint8_t> from) {
  return write_guest(*machine_, selected_, address, from, gdb_addresses_);
}
bool Session::gdb_set_point(GdbPoint kind, uint64_t address, uint64_t length, bool insert) {
  return set_engine_point(*machine_, kind, address, length, insert);
}
void Session::gdb_clear_points() { clear_engine_points(*machine_); }
std::string Session::gdb_target_xml() { return target_description(*processor().debug); }

std::string Session::gdb_thread_text(unsigned thread) {
  return fmt::format("CPU#{} [{}]", thread - 1,
                     machine_->processors()[thread - 1].guest->asleep() ? "halted" : "running");
}

void Session::gdb_step(unsigned thread) {
  state_ = State::kStepping;
  stepping_ = thread - 1;
  machine_->resume();
}

void Session::gdb_interrupt() {
  if (state_ != State::kPaused) stop({.signal = GdbStop::kInterrupt}, "debug");
}

}  // namespace mynah::app
