// SPDX-License-Identifier: Apache-2.0
//
// Writing to a pipe or past a limit gives an error to its caller, never a signal to the process.
#include "devices/host/fd.h"

#include <csignal>

namespace mynah::host {

void ignore_write_signals() {
  for (int signal : {SIGPIPE, SIGXFSZ}) {
    struct sigaction now {};
    if (::sigaction(signal, nullptr, &now) != 0 || now.sa_handler != SIG_DFL) continue;
    now.sa_handler = SIG_IGN;
    ::sigaction(signal, &now, nullptr);
  }
}

}  // namespace mynah::host
