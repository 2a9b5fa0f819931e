// SPDX-License-Identifier: Apache-2.0
//
// -daemonize: a second process becomes the emulator, in a session of its own; the first waits until that is
// ready to run, or has failed, and ends with its result.
#pragma once

#include "devices/host/fd.h"
#include "ir/result.h"

namespace mynah::app {

class Daemon {
 public:
  // Before there is any thread. True in the new process; false in the first, whose exit code is then
  // exit_code().
  static Result<bool> start(Daemon& daemon);
  int exit_code() const { return exit_code_; }
  // In the new process, once: the first ends, and the terminal is let go.
  void ready();

 private:
  host::UniqueFd result_;
  int exit_code_ = 1;
};

}  // namespace mynah::app
