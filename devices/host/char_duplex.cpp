// SPDX-License-Identifier: Apache-2.0
//
// Pipes are opened for both reading and writing, so that neither end waits for the other, and no reader that
// goes away ends the line (fifo(7)).
#include "devices/host/char_duplex.h"

#include <fcntl.h>
#include <termios.h>

#include <cerrno>

namespace mynah::host {
namespace {

UniqueFd open_both_ways(const std::string& path) {
  return UniqueFd(::open(path.c_str(), O_RDWR | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
}

}  // namespace

Result<std::unique_ptr<DuplexChar>> DuplexChar::open_pipes(const std::string& path, Poller& poller,
                                                           Report report) {
  UniqueFd in = open_both_ways(path + ".in"), out = open_both_ways(path + ".out");
  if (!in || !out) {
    in = open_both_ways(path);
    out.reset();
  }
  if (!in)
    return Error{"cannot open the pipes '" + path + ".in' and '" + path + ".out', or '" + path +
                 "': " + errno_text(errno) + "; make them with mkfifo first"};
  return std::unique_ptr<DuplexChar>(
      new DuplexChar(path, std::move(in), std::move(out), poller, std::move(report)));
}

Result<std::unique_ptr<DuplexChar>> DuplexChar::open_terminal(const std::string& path, Poller& poller,
                                                              Report report) {
  UniqueFd fd = open_both_ways(path);
  if (!fd)
    return Error{"cannot open the terminal '" + path + "': " + errno_text(errno) +
                 "; give a device that you may read and write"};
  termios settings{};
  if (::tcgetattr(fd.get(), &settings) != 0)
    return Error{"'" + path + "' is no terminal; give a serial device such as /dev/ttyUSB0"};
  ::cfmakeraw(&settings);
  ::tcsetattr(fd.get(), TCSANOW, &settings);
  return std::unique_ptr<DuplexChar>(new DuplexChar(path, std::move(fd), {}, poller, std::move(report)));
}

DuplexChar::DuplexChar(std::string path, UniqueFd in, UniqueFd out, Poller& poller, Report report)
    : path_(std::move(path)),
      in_(std::move(in)),
      out_(std::move(out)),
      report_(std::move(report)),
      input_(poller, in_.get(), [this](int error) { failed(error); }),
      output_(poller, out_ ? out_.get() : in_.get(), OutputQueue::WhenFull::kDrop, kOutputLimit,
              {.failed = [this](int error) { failed(error); }}) {}

DuplexChar::~DuplexChar() { output_.drain(std::chrono::milliseconds(100)); }

void DuplexChar::failed(int error) {
  report_(error, "the line '" + path_ + "' " + (error ? "failed: " + errno_text(error) : "was closed") +
                     "; it is unconnected from now on");
}

}  // namespace mynah::host
