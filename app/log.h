// SPDX-License-Identifier: Apache-2.0
//
// The log of -d: where its lines go (standard error or the file of -D), and the devices' part of it.
#pragma once

#include <cstdint>
#include <cstdio>
#include <memory>
#include <set>
#include <string>
#include <string_view>

#include "devices/core/device.h"
#include "ir/result.h"

namespace mynah::app {

class LogOutput {
 public:
  // An empty path is standard error.
  static Result<std::unique_ptr<LogOutput>> open(const std::string& path);
  ~LogOutput();
  LogOutput(const LogOutput&) = delete;

  void write(std::string_view text) {
    if (std::fwrite(text.data(), 1, text.size(), file_) != text.size()) failed_ = true;
  }
  Result<void> close();  // the error: lines were lost

 private:
  LogOutput(std::FILE* file, std::string path) : file_(file), path_(std::move(path)) {}
  std::FILE* file_;
  std::string path_;
  bool failed_ = false;
};

// Each distinct message once: a guest repeats what it does wrong.
class DeviceLog final : public dev::Log {
 public:
  DeviceLog(LogOutput& output, bool guest_errors, bool unimplemented)
      : output_(output), guest_errors_(guest_errors), unimplemented_(unimplemented) {}
  void guest_error(std::string_view device, std::string_view message) override {
    if (guest_errors_) say("guest-error", device, message);
  }
  void unimplemented(std::string_view device, std::string_view message) override {
    if (unimplemented_) say("unimplemented", device, message);
  }

 private:
  // A guest can make up as many different ones as it likes.
  static constexpr size_t kMostMessages = 10'000;
  void say(std::string_view kind, std::string_view device, std::string_view message);
  LogOutput& output_;
  bool guest_errors_, unimplemented_;
  std::set<std::string, std::less<>> said_;
};

}  // namespace mynah::app
