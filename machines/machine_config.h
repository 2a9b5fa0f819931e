// SPDX-License-Identifier: Apache-2.0
//
// What every board is made from. What only one board has is in its own configuration.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "devices/core/char_backend.h"
#include "devices/core/event_queue.h"
#include "devices/core/host_backends.h"
#include "devices/core/host_files.h"
#include "devices/fwcfg/smbios.h"
#include "engine/vcpu.h"
#include "machines/guest_clock.h"
#include "machines/loader/load_requests.h"

namespace mynah {

// What a person told firmware about its choice of what to start; times in ms.
struct BootChoice {
  bool menu = false;
  bool strict = false;  // nothing but devices that have a boot index
  std::optional<uint16_t> menu_wait;
  std::optional<uint32_t> fail_wait;
  std::string order = {};  // letters: a floppy, c disk, d CD, n network; empty: the board's
};

// Sockets of clusters of cores of threads; `now` of `max` are there, the others could be added.
struct ProcessorConfig {
  unsigned now = 1, max = 1;
  unsigned sockets = 1, clusters = 1, cores = 1, threads = 1;  // their product is max
};

// A file that firmware and systems find by its name (fw_cfg).
struct FirmwareFile {
  std::string name;
  std::vector<uint8_t> contents;
};

// What a program gets from its debugger, on boards that have that (semihosting).
struct SemihostingConfig {
  bool user_space = false;  // unprivileged code may call, too
  std::string command_line;
  dev::HostFiles* files = nullptr;      // null: none can be opened
  dev::CharBackend* console = nullptr;  // null: output is lost, and there is no input
  dev::CharBackend* errors = nullptr;   // what the program writes as errors; null: the console
  std::function<void(int code)> exit;   // the program has ended; 0 to 255
  std::function<void(const std::string& sentence)> tell;  // a person
  std::function<void()> input;                            // has come: a call that waits can go on
};

// What a multiboot kernel finds besides itself.
struct KernelModule {
  std::vector<uint8_t> bytes;
  std::string text;  // its file's name and what follows it
};

struct MachineConfig {
  ProcessorConfig processors;
  uint64_t ram_bytes = uint64_t{128} << 20;
  std::vector<uint8_t> kernel;  // as the board's unpack_kernel leaves it; empty: start the firmware
  std::string kernel_name;      // its file, for kernels that are told
  std::vector<uint8_t> initrd;
  std::vector<KernelModule> modules;  // in place of an initrd
  std::string command_line;
  std::vector<uint8_t> dtb;         // empty: the board makes it, where it has one
  std::vector<uint8_t> firmware;    // contents of the first flash
  std::vector<uint8_t> video_bios;  // of boards that have a video card
  dev::BlockBackend* flash[2] = {nullptr, nullptr};
  dev::CharBackend* serial = nullptr;
  dev::CharBackend* second_serial = nullptr;  // null: the board is without the second line
  dev::CharBackend* parallel = nullptr;       // what prints; null: the board is without the port
  BootChoice boot;
  dev::SmbiosChoice smbios;
  const dev::Clock* rtc_clock = nullptr;  // what the calendar goes by; guest time where it is null
  int64_t rtc_base_seconds = 0;           // the calendar where that clock is at 0
  GuestClock::Kind clock = GuestClock::Kind::kRealtime;
  unsigned clock_shift = 3;
  Accelerator accelerator = Accelerator::kJit;
  size_t code_bytes = size_t{256} << 20;
  Techniques techniques;
  bool verify = ir::kVerifyByDefault;     // the translator checks its own work
  std::vector<uint8_t> rng_seed;          // 32 bytes for the guest's first random numbers
  dev::EntropySource* entropy = nullptr;  // the processor's random numbers; null: they are not available
  std::vector<uint8_t> uuid;              // 16 bytes for firmware, or none
  std::vector<FirmwareFile> firmware_files;
  std::vector<LoadRequest> loads;
  std::optional<SemihostingConfig> semihosting;

  // Without firmware the kernel is started directly; with it, firmware finds the kernel itself.
  bool starts_kernel() const { return !kernel.empty() && firmware.empty() && !flash[0]; }
};

}  // namespace mynah
