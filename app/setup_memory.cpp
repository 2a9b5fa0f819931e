// SPDX-License-Identifier: Apache-2.0
//
// Session's set-up of what the guest finds in memory or by name: kernel, initrd, device tree, firmware, files
// of loaders and of -fw_cfg, and what a program gets by semihosting.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

#include "app/files.h"
#include "app/session.h"
#include "devices/host/foreign_format.h"

namespace mynah::app {
namespace {

constexpr uint64_t kMiB = 1 << 20;
// A kernel is larger than memory where it is ELF with what debuggers want.
constexpr uint64_t kLargestFile = 256 * kMiB;

// A file of the guest's memory that is packed, or that is a disk.
Result<void> refuse_packed(std::span<const uint8_t> bytes, const std::string& what, const std::string& path,
                           const std::string& option) {
  const host::ForeignFormat* format = host::foreign_format(bytes);
  if (!format) return {};
  const std::string begin = "the " + what + " '" + path + "' " + host::describe(*format);
  if (format->kind == host::ForeignFormat::Kind::kImage)
    return Error{begin + ", and that is a disk; check " + option};
  return Error{begin + "; unpack it with " + host::plain_file_command(*format, path, "") +
               " and give that to " + option};
}

}  // namespace

Result<void> Session::set_up_kernel(MachineConfig& config) {
  const uint64_t ram = options_.ram_bytes;
  auto kernel = read_file(options_.kernel, "kernel", "-kernel", std::max(ram, kLargestFile));
  if (!kernel) return kernel.error();
  if (auto ok = options_.board->unpack_kernel(*kernel, std::max(ram, kLargestFile)); !ok) return ok;
  if (auto ok = refuse_packed(*kernel, "kernel", options_.kernel, "-kernel"); !ok) return ok;
  // Here for its sentences: with firmware nobody else looks at the kernel.
  const auto checked = options_.board->check_kernel(*kernel, ram, !options_.initrd.empty());
  if (!checked) return checked.error();
  if (!checked->empty()) report("warning: " + *checked, false);
  config.kernel = std::move(*kernel);
  config.kernel_name = options_.kernel;
  return {};
}

Result<void> Session::set_up_initrd(MachineConfig& config) {
  const uint64_t ram = options_.ram_bytes;
  if (options_.kernel.empty())
    return Error{"-initrd is for the kernel of -kernel; add one, or leave -initrd out"};
  uint64_t left = ram;
  for (const auto& [file, text] : options_.board->kernel_modules(config.kernel, options_.initrd)) {
    auto module = read_file(file, "module", "-initrd", left, EmptyFile::kTaken);
    if (!module) return module.error();
    left -= std::min<uint64_t>(left, module->size());
    config.modules.push_back({std::move(*module), text});
  }
  if (!config.modules.empty()) return {};
  auto initrd = read_file(options_.initrd, "initrd", "-initrd", ram, EmptyFile::kTaken);
  if (!initrd) return initrd.error();
  if (!initrd->empty()) initrd_check_.start(*initrd, options_.initrd, [this] { poller_->wake(); });
  config.initrd = std::move(*initrd);
  return {};
}

Result<void> Session::set_up_memory_files(MachineConfig& config) {
  const uint64_t ram = options_.ram_bytes;
  if (!options_.kernel.empty())
    if (auto ok = set_up_kernel(config); !ok) return ok;
  if (!options_.initrd.empty())
    if (auto ok = set_up_initrd(config); !ok) return ok;
  if (!options_.append.empty() && options_.kernel.empty())
    return Error{"-append is for the kernel of -kernel; add one, or leave -append out"};
  if (!options_.dtb.empty()) {
    auto tree = read_file(options_.dtb, "device tree", "-dtb", 2 * kMiB);
    if (!tree) return tree.error();
    if (auto ok = refuse_packed(*tree, "device tree", options_.dtb, "-dtb"); !ok) return ok;
    config.dtb = std::move(*tree);
  }
  const Board& board = *options_.board;
  const bool flash = std::any_of(options_.drives.begin(), options_.drives.end(), [](const DriveOption& d) {
    return d.interface == DriveOption::Interface::kFlash;
  });
  const bool behind =
      !config.kernel.empty() && board.kernel_behind_firmware && board.kernel_behind_firmware(config.kernel);
  const bool own =
      options_.bios.empty() && (options_.kernel.empty() || behind) && !flash && board.starts_firmware;
  if (!options_.bios.empty() || own) {
    const std::string name(own ? board.firmware : options_.bios);
    const std::string path = find_firmware(name, options_.firmware_folders, board.firmware_folders);
    const bool absent = own && path == name && ::access(name.c_str(), F_OK) != 0;
    if (absent && !behind)
      return error("the machine's firmware {} is not there; install the package {}, or give another by -bios",
                   name, board.firmware_package);
    if (!absent) {
      auto firmware = read_file(path, "firmware", "-bios", options_.board->flash_bytes);
      if (!firmware) return firmware.error();
      if (auto ok = refuse_packed(*firmware, "firmware", path, "-bios"); !ok) return ok;
      config.firmware = std::move(*firmware);
    }
  }
  if (const std::string name(board.video_bios); !name.empty()) {
    const std::string path = find_firmware(name, options_.firmware_folders, board.firmware_folders);
    if (path != name) {
      auto bios = read_file(path, "video BIOS", "-L", kMiB);
      if (!bios) return bios.error();
      config.video_bios = std::move(*bios);
    }
  }
  for (const LoaderOption& option : options_.loads) {
    LoadRequest request{.file = option.file,
                        .bytes = option.data,
                        .raw = option.raw,
                        .address = option.address.value_or(0),
                        .processor = option.processor};
    if (!option.file.empty()) {
      auto bytes =
          read_file(option.file, "file", "-device loader", std::max(ram, kLargestFile), EmptyFile::kTaken);
      if (!bytes) return bytes.error();
      request.bytes = std::move(*bytes);
    }
    config.loads.push_back(std::move(request));
  }
  return set_up_firmware_files(config);
}

Result<void> Session::set_up_firmware_files(MachineConfig& config) {
  for (const FirmwareFileOption& option : options_.firmware_files) {
    FirmwareFile file{option.name, {}};
    if (option.text) {
      file.contents.assign(option.text->begin(), option.text->end());
    } else {
      auto bytes = read_file(option.file, "file", "-fw_cfg", kLargestFile, EmptyFile::kTaken);
      if (!bytes) return bytes.error();
      file.contents = std::move(*bytes);
    }
    config.firmware_files.push_back(std::move(file));
  }
  return {};
}

// After the other lines: a program that is given none has standard input where nobody else has it.
Result<void> Session::set_up_semihosting(MachineConfig& config) {
  const SemihostingOption& option = options_.semihosting;
  if (!option.enabled) return {};
  SemihostingConfig& made = config.semihosting.emplace();
  made.user_space = option.user_space;
  for (const std::string& argument : option.arguments)
    made.command_line += (made.command_line.empty() ? "" : " ") + argument;
  if (option.arguments.empty()) {
    made.command_line = options_.kernel;
    for (size_t at = 0; at < options_.append.size();) {
      const size_t end = std::min(options_.append.find(' ', at), options_.append.size());
      if (end != at) made.command_line += " " + options_.append.substr(at, end - at);
      at = end + 1;
    }
  }
  if (!option.folder.empty()) {
    auto folder = host::SemihostingFiles::open_folder(option.folder);
    if (!folder) return folder.error();
    guest_files_ = std::move(*folder);
    made.files = guest_files_.get();
  }
  const auto lost = [this](const std::string& sentence) { report(sentence, true); };
  if (!option.chardev.empty() || !lines_->stdio_taken()) {
    auto line = lines_->take(option.chardev.empty() ? "stdio" : "chardev:" + option.chardev, "-semihosting");
    if (!line) return line.error();
    made.console = *line;
  } else {
    plain_output_ = std::make_unique<host::OutputChar>(1, "standard output", *poller_, lost);
    made.console = plain_output_.get();
  }
  if (option.chardev.empty()) {
    plain_errors_ = std::make_unique<host::OutputChar>(2, "standard error", *poller_, lost);
    made.errors = plain_errors_.get();
  }
  made.exit = [this](int code) { end_from_guest(code); };
  made.input = [this] { input_for_call_ = true; };
  made.tell = [this](const std::string& sentence) { report(sentence, false); };
  return {};
}

void Session::end_from_guest(int code) {
  end(code);
  if (machine_) machine_->request_stop();
}

}  // namespace mynah::app
