// SPDX-License-Identifier: Apache-2.0
//
// Options: what the command line asks for, checked as far as it can be without touching the host. Spellings
// are those that people have in their scripts; each has one row in a table (options.cpp), and options that
// consist of lists of properties have a table of those (options_*.cpp).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "devices/host/make_net.h"
#include "devices/host/slirp_options.h"
#include "engine/vcpu.h"
#include "ir/result.h"
#include "machines/boards.h"
#include "machines/guest_clock.h"
#include "machines/machine_config.h"

namespace mynah::app {

using MacAddress = std::array<uint8_t, 6>;

struct DriveOption {
  // kUsual: what the machine has, a disk of virtio or IDE.
  enum class Interface : uint8_t { kUsual, kNone, kVirtio, kFlash, kIde, kFloppy };
  Interface interface = Interface::kUsual;
  std::string file, id;  // no file: a drive without a medium
  std::string format;    // "raw", or empty
  bool read_only = false;
  bool cd = false;  // media=cdrom
  bool discard = false;
  bool unsafe = false;  // cache=unsafe: flushes do nothing
  bool write_through = false;
  bool lock = true;
  bool node = false;             // of -blockdev
  std::string stops_on_error;    // werror, rerror: what is not done
  std::string serial;            // of the disk that is made for it
  std::optional<bool> snapshot;  // absent: as -snapshot says
  std::optional<unsigned> unit, bus;
  bool by_index = false;  // unit= was spelled index=, which counts over all buses
  std::string if_absent;  // what to say when there is no such file, where more is known than that
  bool used = false;
};

// What the calendar starts with (kDefault: the host's date, or a fixed one where every run is to be the
// same), and what it goes by: the host's date, a clock of the host that nobody sets, guest time.
enum class RtcBase : uint8_t { kDefault, kUtc, kLocal, kDate };
enum class RtcSource : uint8_t { kHost, kSteady, kGuest };

// kRemovable: a drive for media, which may be without one. kScsi: an adapter, which has others behind it.
enum class DeviceKind : uint8_t {
  kBlock,
  kRemovable,
  kScsi,
  kNet,
  kRng,
  kLine,
  kSerial,
  kConsole,
  kSerialPort,
  kOther
};

struct DeviceRow;  // device_rows.h

struct DeviceOption {
  const DeviceRow* row = nullptr;
  DeviceKind kind = DeviceKind::kOther;  // the row's
  std::string id;
  // Where it goes, on PCI or virtio-mmio.
  std::string bus;  // of a port: its virtio-serial device
  std::optional<unsigned> slot;
  unsigned function = 0;
  bool multifunction = false;
  std::optional<unsigned> boot_index;   // when firmware tries it
  std::optional<std::string> rom_file;  // absent: the row's, where the board has those
  bool rom_bar = true;
  // Of a virtio-pci transport.
  std::optional<bool> disable_legacy;
  bool disable_modern = false;
  std::optional<unsigned> vectors;
  // Of bridges.
  unsigned chassis = 0, slot_number = 0, port_number = 0;
  bool hot_plug = true;

  // On ISA.
  std::optional<uint16_t> io_base;
  std::optional<unsigned> io_size;
  std::optional<unsigned> irq;
  uint8_t answer = 0xe9;  // isa-debugcon: what it reads as

  std::string drive, serial;                           // kBlock, kRemovable
  std::string model;                                   // ide-hd
  std::string vendor, product;                         // on SCSI
  std::optional<unsigned> target;                      // the same
  unsigned lun = 0;                                    // the same
  std::optional<unsigned> unit;                        // on IDE, of floppies and serial lines
  std::optional<unsigned> index;                       // of the -drive that it is made for
  unsigned logical_block = 512, physical_block = 512;  // kBlock
  unsigned queue_pairs = 64;                           // nvme
  std::string netdev;                                  // kNet
  std::optional<MacAddress> mac;                       // kNet
  std::string rng;                                     // kRng
  uint64_t rng_limit = UINT64_MAX;                     // kRng: bytes a period
  uint64_t rng_period_ms = 65536;                      // kRng
  std::string chardev, name;                           // kConsole, kSerialPort
  std::optional<unsigned> port;                        // the same: its number on the bus
  size_t owner = 0;                                    // the same, and on SCSI: which device is the bus
};

struct NetOption {
  std::string id;
  host::NetKind kind = host::NetKind::kUser;
  host::LinkOptions link;  // of all kinds but kUser
  host::SlirpOptions user;
  bool ipv6_given = false;
  bool used = false;
};

// -object filter-dump: a network's frames in a file.
struct DumpOption {
  std::string netdev, file;
  uint32_t longest = 65536;
};

// As -smp says; 0: not said.
struct ProcessorTopology {
  unsigned cpus = 0, max = 0, sockets = 0, clusters = 0, cores = 0, threads = 0;
};

struct CharOption {
  std::string id;
  std::string spec;  // as host::make_char takes it
  bool mux = false;
  bool append = false;  // a file's output goes on where it ends
  std::string log_file;
  bool log_append = false;
};

// -device loader: a file, or without one data, or a processor's start.
struct LoaderOption {
  std::string file;
  std::vector<uint8_t> data;
  bool raw = false;
  std::optional<uint64_t> address;
  std::optional<unsigned> processor;
};

struct FirmwareFileOption {
  std::string name, file;
  std::optional<std::string> text;  // in place of a file
};

struct SemihostingOption {
  bool enabled = false, user_space = false;
  std::string chardev, folder;  // empty: the terminal; no files
  std::vector<std::string> arguments;
};

// What -d asks for.
enum class Trace : uint16_t {
  kInAsm = 1 << 0,
  kIr = 1 << 1,
  kIrOpt = 1 << 2,
  kOutAsm = 1 << 3,
  kInt = 1 << 4,
  kExec = 1 << 5,
  kCpu = 1 << 6,
  kGuestErrors = 1 << 7,
  kUnimp = 1 << 8,
  kNoChain = 1 << 9,
};

struct AddressRange {
  uint64_t first, last;
};

// When a watchdog has expired.
enum class WatchdogAction : uint8_t { kReset, kShutdown, kPowerOff, kPause, kDebug, kNone };

enum class StatsForm : uint8_t { kNone, kTable, kJson };

struct Options {
  std::vector<std::string> warnings;  // sentences; the run is possible all the same
  // Set: print this on standard output and exit successfully.
  std::optional<std::string> print;

  // --- machine
  const Board* board = boards().front();
  BoardChoice board_choice;  // its processor and properties
  ProcessorTopology topology;
  ProcessorConfig processors;  // what follows from it
  std::string dump_dtb;
  uint64_t ram_bytes = uint64_t{128} << 20;
  bool ram_given = false;
  std::string kernel, initrd, append, dtb, bios;
  std::vector<std::string> firmware_folders;
  std::vector<LoaderOption> loads;
  std::vector<FirmwareFileOption> firmware_files;
  SemihostingOption semihosting;
  std::array<uint8_t, 16> uuid{};
  bool uuid_given = false;
  std::string name;

  // --- devices and what stands behind them
  std::vector<DriveOption> drives;
  std::vector<DeviceOption> devices;
  std::vector<NetOption> nets;
  std::vector<CharOption> chars;
  std::vector<std::string> rng_ids;
  std::vector<DumpOption> dumps;
  bool snapshot = false;
  bool no_defaults = false;
  std::vector<std::string> serials;  // specs, or "chardev:ID"
  std::optional<std::string> parallel;
  std::optional<std::string> monitor;
  bool nographic = false;
  bool display_none = false;
  bool curses = false;  // the screen on the terminal
  uint8_t escape_key = 0x01;

  // --- running
  Accelerator accelerator = Accelerator::kJit;
  std::string host_accelerator;  // "KVM": asked for, and not used
  size_t code_bytes = size_t{256} << 20;
  Techniques techniques;
  bool verify = ir::kVerifyByDefault;
  GuestClock::Kind clock = GuestClock::Kind::kRealtime;
  unsigned clock_shift = 3;
  bool sleep_when_idle = true;
  RtcBase rtc_base = RtcBase::kDefault;
  int64_t rtc_date = 0;                 // kDate: seconds since 1970
  std::optional<RtcSource> rtc_source;  // absent: guest time with -icount, else the host's
  std::optional<uint64_t> seed;
  bool exit_on_reset = false;
  bool stay_after_shutdown = false;
  WatchdogAction watchdog_action = WatchdogAction::kReset;
  bool start_stopped = false;
  std::string gdb;  // as host::make_char takes it
  std::string pid_file;
  bool daemonize = false;

  // --- what firmware is told
  bool boot_menu = false, boot_strict = false;
  std::string boot_order;  // letters
  dev::SmbiosChoice smbios;
  std::optional<uint16_t> boot_menu_wait;  // ms
  std::optional<uint32_t> boot_fail_wait;  // ms

  // --- what to tell
  uint16_t traces = 0;  // of Trace
  std::string log_file;
  std::vector<AddressRange> trace_ranges;
  StatsForm stats = StatsForm::kNone;
  std::string stats_file;  // empty: standard error

  bool traces_any(Trace t) const { return (traces & static_cast<uint16_t>(t)) != 0; }
};

// Arguments without the program's name. The error is a sentence without the program's name.
Result<Options> parse_options(std::span<const std::string_view> arguments);

std::string help_text();
std::string version_text();

}  // namespace mynah::app
