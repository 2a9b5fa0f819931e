// SPDX-License-Identifier: Apache-2.0
//
// What the process does on signals. Ending ones (SIGTERM, SIGINT, SIGHUP) are noted and wake the main loop,
// so that it ends in order; crashing ones give the terminal back and then take their usual course. Signals
// belong to the process, so this is, with devices/host/terminal, the other place with process-wide state: one
// Signals exists at a time.
#pragma once

#include <signal.h>

#include <atomic>
#include <vector>

#include "devices/host/poller.h"

namespace mynah::app {

class Signals {
 public:
  explicit Signals(host::Poller& poller);
  ~Signals();  // earlier dispositions are put back
  Signals(const Signals&) = delete;

  struct Ending {
    int signal = 0;  // 0: none
    pid_t sender = 0;
  };
  Ending ending() const;
  // SIGUSR1 came since the last call.
  bool take_report_request();

 private:
  struct Saved {
    int signal;
    struct sigaction action;
  };
  void set(int signal, void (*handler)(int, siginfo_t*, void*), int flags);
  std::vector<Saved> saved_;
  std::vector<uint8_t> stack_;  // for handlers of crashes
};

}  // namespace mynah::app
