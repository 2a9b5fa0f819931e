// SPDX-License-Identifier: Apache-2.0
//
// A serial line on a new pseudo terminal, to which a terminal program connects at any time. While none is
// connected output is dropped.
//
// The kernel reports a pseudo terminal whose other side is closed as hung up, for as long as it is; it says
// nothing when it is opened again. So a hung-up master is not polled, and an inotify watch on the slave's
// file tells of the next opening.
#pragma once

#include <memory>
#include <string>

#include "devices/host/char_io.h"

namespace mynah::host {

class PtyChar final : public dev::CharBackend {
 public:
  // `announce` is given a sentence with the slave's path.
  static Result<std::unique_ptr<PtyChar>> open(Poller& poller, Report announce, Report report);
  ~PtyChar() override;
  void write(std::span<const uint8_t> bytes) override;
  void attach(dev::CharReceiver* receiver) override;
  void accept_input() override;
  const std::string& path() const { return path_; }
  bool connected() const { return output_ != nullptr; }

 private:
  PtyChar(Poller& poller, UniqueFd master, std::string path, Report report);
  Result<void> watch_openings();
  bool hung_up() const;
  void check_connection();
  void end();

  Poller& poller_;
  UniqueFd master_;
  std::string path_;
  OnceReport report_;
  UniqueFd inotify_;
  UniqueFd held_slave_;  // without inotify: keeps the master from hanging up
  Poller::Watch inotify_watch_;
  dev::CharReceiver* receiver_ = nullptr;
  std::unique_ptr<InputPump> input_;
  std::unique_ptr<OutputQueue> output_;
};

}  // namespace mynah::host
