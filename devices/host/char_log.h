// SPDX-License-Identifier: Apache-2.0
//
// A line whose output is kept in a file besides (logfile=). Input passes through.
#pragma once

#include <memory>

#include "devices/host/char_file.h"

namespace mynah::host {

class LoggedChar final : public dev::CharBackend {
 public:
  LoggedChar(std::unique_ptr<dev::CharBackend> lower, std::unique_ptr<FileChar> log)
      : lower_(std::move(lower)), log_(std::move(log)) {}
  void write(std::span<const uint8_t> bytes) override {
    log_->write(bytes);
    lower_->write(bytes);
  }
  void attach(dev::CharReceiver* receiver) override { lower_->attach(receiver); }
  void accept_input() override { lower_->accept_input(); }
  dev::CharBackend& lower() { return *lower_; }

 private:
  std::unique_ptr<dev::CharBackend> lower_;
  std::unique_ptr<FileChar> log_;
};

// The line itself, without a log around it.
inline dev::CharBackend& without_log(dev::CharBackend& line) {
  auto* logged = dynamic_cast<LoggedChar*>(&line);
  return logged ? logged->lower() : line;
}

}  // namespace mynah::host
