// SPDX-License-Identifier: Apache-2.0
//
// The monitor: lines that a person types to the emulator rather than to the guest. Monitor edits lines on a
// character device; run_monitor_command() knows the commands, and is what GDB's "monitor" uses, too.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "devices/core/char_backend.h"
#include "machines/machine.h"

namespace mynah::dev {
class VirtioBalloon;
}

namespace mynah::app {

// What commands can do with the run.
class RunControl {
 public:
  virtual ~RunControl() = default;
  virtual Machine& machine() = 0;
  // Number of the processor that commands are about.
  virtual size_t selected() const = 0;
  virtual void select(size_t processor) = 0;
  virtual bool running() const = 0;
  virtual std::string status() const = 0;  // "running", "paused (debug)"
  virtual void pause() = 0;
  virtual void go_on() = 0;
  virtual void quit() = 0;
  virtual void reset_machine() = 0;
  virtual std::string figures() = 0;
  virtual std::string network_info() = 0;
  virtual std::string block_info() = 0;
  // The medium of a drive. `mode`: empty, or retain, read-only, read-write.
  virtual Result<void> eject_medium(std::string_view drive, bool force) = 0;
  virtual Result<void> change_medium(std::string_view drive, const std::string& file,
                                     const std::string& format, std::string_view mode, bool force) = 0;
  virtual std::string name_and_uuid(bool uuid) = 0;
  virtual dev::VirtioBalloon* balloon() { return nullptr; }  // where there is one
};

// The answer, each line ended by a newline; may be empty.
std::string run_monitor_command(RunControl& control, std::string_view line);

class Monitor final : private dev::CharReceiver {
 public:
  // The answer; nothing when that was the last command.
  using Execute = std::function<std::optional<std::string>(std::string_view line)>;
  Monitor(dev::CharBackend& line, Execute execute);
  ~Monitor() override;
  Monitor(const Monitor&) = delete;
  void greet();  // prints name and prompt, once

 private:
  static constexpr size_t kMostText = 4096;
  size_t can_receive() const override { return 256; }
  void receive(std::span<const uint8_t> bytes) override;
  void write(std::string_view text);  // with a carriage return before each newline

  dev::CharBackend& line_;
  Execute execute_;
  std::string text_, last_;
  uint8_t escape_ = 0;  // how much of an escape sequence (a cursor key) has come
  bool greeted_ = false;
  bool after_return_ = false;
};

}  // namespace mynah::app
