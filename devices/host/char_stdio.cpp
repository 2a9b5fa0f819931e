// SPDX-License-Identifier: Apache-2.0
//
// The open file behind standard output is shared with other programs and stays as it is: for writes that do
// not wait it is opened a second time.
#include "devices/host/char_stdio.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>

namespace mynah::host {
namespace {

constexpr size_t kQueue = 64 * 1024;  // small: it is also how far Ctrl-C lags behind on a slow terminal

// The description behind standard output is shared with the shell and other programs, so it must not be made
// non-blocking. A terminal or pipe can be opened a second time instead; files keep theirs for its position.
UniqueFd reopen_nonblocking(int fd) {
  struct stat info {};
  if (::fstat(fd, &info) != 0 || !(S_ISCHR(info.st_mode) || S_ISFIFO(info.st_mode))) return UniqueFd();
  const std::string path = "/proc/self/fd/" + std::to_string(fd);
  return UniqueFd(::open(path.c_str(), O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
}

}  // namespace

Result<std::unique_ptr<StdioChar>> StdioChar::open(Options options, Poller& poller, Report report) {
  ignore_write_signals();
  std::unique_ptr<RawTerminal> terminal;
  if (::isatty(options.input)) {
    auto raw = RawTerminal::create(options.input, options.keep_signals);
    if (!raw) return raw.error();
    terminal = std::move(*raw);
  }
  return std::unique_ptr<StdioChar>(new StdioChar(options, reopen_nonblocking(options.output),
                                                  std::move(terminal), poller, std::move(report)));
}

StdioChar::StdioChar(Options options, UniqueFd own_output, std::unique_ptr<RawTerminal> terminal,
                     Poller& poller, Report report)
    : terminal_(std::move(terminal)),
      own_output_(std::move(own_output)),
      report_(std::move(report)),
      input_(poller, options.input,
             [this](int error) {
               input_ended_ = true;
               if (error)
                 report_(error, "cannot read standard input: " + errno_text(error) +
                                    "; the guest's console gets no more input");
             }),
      output_(poller, own_output_ ? own_output_.get() : options.output, OutputQueue::WhenFull::kWait, kQueue,
              {.failed =
                   [this](int error) {
                     report_(error, "cannot write standard output: " + errno_text(error) +
                                        "; the guest's console output is being lost");
                   },
               .dropping =
                   [this] {
                     report_(-1,
                             "nothing reads standard output; the guest's console output is being lost until "
                             "something does");
                   }}) {
  if (::isatty(options.output)) screen_.emplace();
}

StdioChar::~StdioChar() {
  if (screen_) {
    const std::string undo = screen_->undo();
    write({reinterpret_cast<const uint8_t*>(undo.data()), undo.size()});
  }
  output_.drain(OutputQueue::kPatience);
}

void StdioChar::start_line() {
  if (!screen_ || !screen_->line_started()) return;
  constexpr uint8_t kNewLine[] = {'\r', '\n'};
  write(kNewLine);
  output_.drain(std::chrono::milliseconds(100));
}

}  // namespace mynah::host
