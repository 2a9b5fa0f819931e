// SPDX-License-Identifier: Apache-2.0
//
// As the output side of standard input and output (char_stdio.h): what is not taken at once is queued.
#include "devices/host/char_output.h"

namespace mynah::host {

OutputChar::OutputChar(int fd, std::string name, Poller& poller, Report report)
    : report_(std::move(report)),
      output_(poller, fd, OutputQueue::WhenFull::kWait, kOutputLimit,
              {.failed =
                   [this, name](int error) {
                     report_(error, "cannot write " + name + ": " + errno_text(error) +
                                        "; the guest's output is being lost");
                   },
               .dropping =
                   [this, name] {
                     report_(-1, "nothing reads " + name + "; the guest's output is being lost");
                   }}) {
  ignore_write_signals();
}

OutputChar::~OutputChar() { output_.drain(OutputQueue::kPatience); }

}  // namespace mynah::host
