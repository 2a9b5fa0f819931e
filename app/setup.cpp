// SPDX-License-Identifier: Apache-2.0
//
// Session's first half: from options to a machine that is ready to run.
#include <fmt/format.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "app/files.h"
#include "app/session.h"
#include "app/text.h"
#include "app/trace.h"
#include "devices/host/dump_net.h"
#include "devices/host/entropy.h"
#include "devices/host/make_char.h"
#include "devices/host/shell_text.h"

namespace mynah::app {
namespace {

constexpr uint64_t kDefaultSeed = 1;
constexpr int64_t kFixedDate = 1767225600;  // 2026-01-01, where deterministic calendars start

}  // namespace

struct Session::GdbInput final : dev::CharReceiver {
  explicit GdbInput(Session& session) : session(session) {}
  size_t can_receive() const override { return 4096; }
  void receive(std::span<const uint8_t> bytes) override {
    session.look_after_debugger();
    session.gdb_->receive(bytes);
  }
  Session& session;
};

Session::Session(Options options) : options_(std::move(options)) {}

Session::~Session() {
  leave_display();
  // Devices let go of their backends, then backends of the poll loop.
  gdb_input_.reset();
  gdb_line_.reset();
  machine_.reset();
  networks_.clear();
  lines_.reset();
  if (wrote_pid_file_) ::unlink(options_.pid_file.c_str());
}

Result<std::unique_ptr<Session>> Session::create(Options options) {
  std::unique_ptr<Session> session(new Session(std::move(options)));
  if (auto ready = session->set_up(); !ready) return ready.error();
  return session;
}

Result<void> Session::set_up() {
  if (const uint64_t there_is = host_memory(); there_is && options_.ram_bytes > there_is)
    return Error{"the guest is to have " + size_text(options_.ram_bytes) + " of memory and this host has " +
                 size_text(there_is) + "; use a smaller -m"};
  auto poller = host::Poller::create();
  if (!poller) return poller.error();
  poller_ = std::move(*poller);
  signals_ = std::make_unique<Signals>(*poller_);
  // By the deterministic clock a request ends where it begins, whatever the host does.
  if (options_.clock == GuestClock::Kind::kRealtime)
    pool_ = std::make_unique<host::WorkerPool>([this] { poller_->wake(); });
  auto output = LogOutput::open(options_.log_file);
  if (!output) return output.error();
  log_output_ = std::move(*output);
  log_ = std::make_unique<DeviceLog>(*log_output_, options_.traces_any(Trace::kGuestErrors),
                                     options_.traces_any(Trace::kUnimp));

  MachineConfig config;
  config.ram_bytes = options_.ram_bytes;
  config.processors = options_.processors;
  config.command_line = options_.append;
  config.clock = options_.clock;
  config.clock_shift = options_.clock_shift;
  config.accelerator = options_.accelerator;
  config.code_bytes = options_.code_bytes;
  config.techniques = options_.techniques;
  config.verify = options_.verify;
  config.smbios = options_.smbios;
  config.boot = {options_.boot_menu, options_.boot_strict, options_.boot_menu_wait, options_.boot_fail_wait,
                 options_.boot_order};
  if (options_.uuid_given) config.uuid.assign(options_.uuid.begin(), options_.uuid.end());
  set_up_calendar(config);
  set_up_entropy(config);
  if (auto ok = set_up_memory_files(config); !ok) return ok;
  if (auto ok = set_up_disks(config); !ok) return ok;
  if (auto ok = set_up_lines(config); !ok) return ok;
  if (auto ok = set_up_semihosting(config); !ok) return ok;
  if (auto ok = set_up_networks(); !ok) return ok;

  machine_ = options_.board->make(options_.board_choice, std::move(config), *log_);
  if (pool_) machine_->settle_with([this] { pool_->settle(); });
  if (auto ok = set_up_devices(); !ok) return ok;
  if (auto ok = machine_->init(); !ok) return ok;
  install_traces(*machine_, options_, *log_output_, *log_);
  if (auto ok = set_up_debugger(); !ok) return ok;
  if (!options_.pid_file.empty()) {
    const std::string number = std::to_string(::getpid()) + "\n";
    if (auto ok = write_file(options_.pid_file, "process number to",
                             {reinterpret_cast<const uint8_t*>(number.data()), number.size()});
        !ok)
      return ok;
    wrote_pid_file_ = true;
  }
  if (auto ok = set_up_display(); !ok) return ok;
  if (options_.start_stopped) {
    state_ = State::kPaused;
    machine_->pause();
  }
  return {};
}

// The calendar starts with the host's date or one that is given, and goes by one of three clocks.
void Session::set_up_calendar(MachineConfig& config) {
  const bool deterministic = options_.clock == GuestClock::Kind::kDeterministic;
  const RtcSource source = options_.rtc_source.value_or(deterministic ? RtcSource::kGuest : RtcSource::kHost);
  const auto seconds = [](const dev::Clock& clock) { return clock.now() / 1'000'000'000; };
  const int64_t wall = seconds(host::HostClock(host::HostClock::Kind::kWall));
  int64_t now = 0;  // of the clock that it goes by
  if (source == RtcSource::kHost) {
    calendar_clock_ = std::make_unique<host::HostClock>(host::HostClock::Kind::kWall);
    now = wall;
  } else if (source == RtcSource::kSteady) {
    calendar_clock_ = std::make_unique<host::HostClock>(host::HostClock::Kind::kSteady);
    now = seconds(*calendar_clock_);
  }
  int64_t start = wall;
  switch (options_.rtc_base) {
    case RtcBase::kDefault:
      if (deterministic && source == RtcSource::kGuest) start = kFixedDate;
      break;
    case RtcBase::kUtc:
      break;
    case RtcBase::kLocal: {
      tm local{};
      ::localtime_r(&wall, &local);
      start = ::timegm(&local);
      break;
    }
    case RtcBase::kDate:
      start = options_.rtc_date;
      break;
  }
  config.rtc_clock = calendar_clock_.get();
  config.rtc_base_seconds = start - now;
}

void Session::set_up_entropy(MachineConfig& config) {
  std::optional<uint64_t> seed = options_.seed;
  if (!seed && options_.clock == GuestClock::Kind::kDeterministic) seed = kDefaultSeed;
  if (seed)
    entropy_ = std::make_unique<host::SeededEntropy>(*seed);
  else
    entropy_ = std::make_unique<host::HostEntropy>();
  config.rng_seed.resize(32);
  entropy_->fill(config.rng_seed);
  config.entropy = entropy_.get();
}

// Images report on the threads that use them.
host::Report Session::disk_report() {
  return [this](const std::string& sentence) {
    if (std::this_thread::get_id() == thread_ || !pool_) return report(sentence, true);
    pool_->post([this, sentence] { report(sentence, true); });
  };
}

Result<void> Session::set_up_disks(MachineConfig& config) {
  for (const DriveOption& drive : options_.drives) {
    if (!drive.if_absent.empty() && ::access(drive.file.c_str(), F_OK) != 0 && errno == ENOENT)
      return Error{drive.if_absent};
    if (drive.file.empty()) {
      disks_.push_back({drive.id, {}, nullptr});
      continue;
    }
    auto disk = open_drive(drive, options_.snapshot, pool_.get(), disk_report());
    if (!disk) return disk.error();
    if (drive.interface == DriveOption::Interface::kFlash) {
      const uint64_t size = (*disk)->size(), flash = options_.board->flash_bytes;
      if (size > flash)
        return error(
            "the flash image '{}' has {} bytes and a flash has {}; give -drive if=pflash firmware, "
            "and a disk if=virtio",
            drive.file, size, flash);
      if (size < flash && !options_.board->flash_as_file)
        return error(
            "the flash image '{}' has {} bytes and a flash has {}; lengthen it with truncate -s {} {}, "
            "or give it to -bios",
            drive.file, size, flash, flash, host::shell_path(drive.file));
      config.flash[*drive.unit] = disk->get();
    }
    disks_.push_back({drive.id, drive.file, std::move(*disk)});
  }
  const bool started_by_loader =
      std::any_of(config.loads.begin(), config.loads.end(), [](const LoadRequest& l) { return l.processor; });
  const bool nothing =
      config.kernel.empty() && config.firmware.empty() && !config.flash[0] && !started_by_loader;
  if (nothing && options_.dump_dtb.empty() && options_.gdb.empty() && !options_.start_stopped)
    return Error{nothing_to_start()};
  return {};
}

// With what there is on the command line, what would start.
std::string Session::nothing_to_start() const {
  const Board& board = *options_.board;
  const std::string firmware(board.firmware);
  const bool found = find_firmware(firmware, options_.firmware_folders, board.firmware_folders) != firmware;
  const std::string from =
      found ? "" : fmt::format(" (from the package {}, or any for this machine)", board.firmware_package);
  constexpr std::string_view kBegin = "mynah -nographic -m 1024";
  if (options_.drives.empty())
    return fmt::format(
        "there is nothing to start; give it a kernel, as in {} -kernel linux -initrd initrd.gz -append "
        "console={}, or firmware and a disk, as in {} -bios {} disk.raw{}; -help lists all options",
        kBegin, board.console, kBegin, firmware, from);
  const DriveOption& disk = options_.drives.front();
  return fmt::format(
      "there is nothing to start '{}' with: the machine has no firmware of its own; add it, as in {} -bios "
      "{}{} {}{}, or a kernel with -kernel FILE",
      disk.file, kBegin, firmware, is_cd_image(disk.file) ? " -cdrom" : "", host::shell_path(disk.file),
      from);
}

std::string Session::serial_spec() const {
  if (!options_.serials.empty()) {
    // With -nographic the monitor is on the terminal as well, unless it was put elsewhere.
    const bool shared = options_.nographic && !options_.monitor && !options_.no_defaults;
    return shared && options_.serials[0] == "stdio" ? "mon:stdio" : options_.serials[0];
  }
  if (options_.no_defaults || options_.daemonize || options_.curses ||
      (options_.display_none && !options_.nographic))
    return "null";
  if (!options_.monitor) {
    const bool taken = std::any_of(options_.chars.begin(), options_.chars.end(),
                                   [](const CharOption& c) { return c.spec.starts_with("stdio"); });
    return taken && !options_.nographic ? "null" : "mon:stdio";
  }
  return *options_.monitor == "stdio" ? "null" : "stdio";
}

std::string Session::monitor_spec(const std::string& serial) const {
  if (options_.monitor)
    return *options_.monitor == "none" || *options_.monitor == "null" ? "" : *options_.monitor;
  if (options_.no_defaults || !options_.nographic || options_.serials.empty()) return {};
  const bool taken = lines_->stdio_taken() || serial.starts_with("mon:");
  return taken ? "" : "stdio";
}

Result<void> Session::set_up_lines(MachineConfig& config) {
  CharLines::Env env;
  env.poller = poller_.get();
  env.announce = [](const std::string& s) { std::fprintf(stderr, "mynah: %s\n", s.c_str()); };
  env.report = [this](const std::string& s, bool loss) { report(s, loss); };
  env.quit = [this] { end(0); };
  env.exit = [this](int code) { end_from_guest(code); };
  env.execute = [this](std::string_view line) -> std::optional<std::string> {
    std::string answer = run_monitor_command(*this, line);
    if (ended_) return std::nullopt;
    return answer;
  };
  env.escape_key = options_.escape_key;
  lines_ = std::make_unique<CharLines>(std::move(env));
  for (const CharOption& option : options_.chars)
    if (auto ok = lines_->add(option); !ok) return ok;
  const std::string serial = serial_spec();
  auto line = lines_->take(serial, "-serial");
  if (!line) return line.error();
  config.serial = *line;
  if (options_.serials.size() > 1 && options_.serials[1] != "none") {
    auto second = lines_->take(options_.serials[1], "the second -serial");
    if (!second) return second.error();
    config.second_serial = *second;
  }
  if (const std::string parallel = options_.parallel.value_or(options_.no_defaults ? "none" : "null");
      options_.board->parallel_port && parallel != "none") {
    auto printer = lines_->take(parallel, "-parallel");
    if (!printer) return printer.error();
    config.parallel = *printer;
  }
  if (const std::string monitor = monitor_spec(serial); !monitor.empty())
    if (auto ok = lines_->add_monitor(monitor); !ok) return ok;
  return {};
}

Result<void> Session::set_up_networks() {
  for (const NetOption& option : options_.nets) {
    host::NetEnv env;
    if (options_.clock == GuestClock::Kind::kDeterministic)
      env.user.clock = [this] { return machine_ ? machine_->clock().now() : 0; };
    env.user.guest_error = [this](const std::string& message) { log_->guest_error("network", message); };
    env.user.kick = [this] {
      poll_soon_ = true;
      if (machine_) machine_->request_stop();
    };
    env.report = [this](const std::string& s) { report(s, false); };
    env.user.line = [this](const std::string& spec, const std::string& user) {
      return lines_->take(spec, user);
    };
    auto net = host::make_net(option.kind, option.user, option.link, *poller_, std::move(env));
    if (!net) return net.error();
    const auto* user = dynamic_cast<const host::SlirpNet*>(net->get());
    for (const DumpOption& dump : options_.dumps) {
      if (dump.netdev != option.id) continue;
      const bool deterministic = options_.clock == GuestClock::Kind::kDeterministic;
      auto recorded = host::DumpNet::open(
          std::move(*net), dump.file, dump.longest,
          [this, deterministic] {
            return deterministic ? machine_->clock().now()
                                 : host::HostClock(host::HostClock::Kind::kWall).now();
          },
          [this](const std::string& s) { report(s, true); });
      if (!recorded) return recorded.error();
      *net = std::move(*recorded);
    }
    networks_.push_back({option.id, std::move(*net), user});
  }
  return {};
}

Result<void> Session::set_up_debugger() {
  if (options_.gdb.empty()) return {};
  host::CharEnv env;
  env.poller = poller_.get();
  auto line = host::make_char(options_.gdb, env);
  if (!line) return line.error();
  auto* socket = dynamic_cast<host::SocketChar*>(line->get());
  if (!socket) return Error{"-gdb needs a socket; write tcp::PORT, tcp:HOST:PORT or unix:PATH"};
  line->release();
  gdb_line_.reset(socket);
  gdb_line_->refuse_others(
      {.after = '#',
       .answer = "+" + GdbStub::framed("E.another debugger is connected already"),
       .said = [this](const std::string& sentence) { report("-gdb: " + sentence, false); }});
  gdb_ = std::make_unique<GdbStub>(static_cast<GdbTarget&>(*this), [this](std::string_view bytes) {
    gdb_line_->write({reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()});
  });
  gdb_input_ = std::make_unique<GdbInput>(*this);
  gdb_line_->attach(gdb_input_.get());
  return {};
}

}  // namespace mynah::app
