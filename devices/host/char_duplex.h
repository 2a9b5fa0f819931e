// SPDX-License-Identifier: Apache-2.0
//
// A serial line over files of the host that are there already: a pair of named pipes (PATH.in to the guest,
// PATH.out from it, or PATH alone for both), or a terminal device, which is made raw.
#pragma once

#include <memory>
#include <string>

#include "devices/host/char_io.h"

namespace mynah::host {

class DuplexChar final : public dev::CharBackend {
 public:
  static Result<std::unique_ptr<DuplexChar>> open_pipes(const std::string& path, Poller& poller,
                                                        Report report);
  static Result<std::unique_ptr<DuplexChar>> open_terminal(const std::string& path, Poller& poller,
                                                           Report report);
  ~DuplexChar() override;
  void write(std::span<const uint8_t> bytes) override { output_.write(bytes); }
  void attach(dev::CharReceiver* receiver) override { input_.attach(receiver); }
  void accept_input() override { input_.resume(); }

 private:
  DuplexChar(std::string path, UniqueFd in, UniqueFd out, Poller& poller, Report report);
  void failed(int error);
  std::string path_;
  UniqueFd in_, out_;  // out_: none when in_ is both
  OnceReport report_;
  InputPump input_;
  OutputQueue output_;
};

}  // namespace mynah::host
