// SPDX-License-Identifier: Apache-2.0
//
// Opened without waiting, since the path may be a named pipe without a reader; that is an error then.
#include "devices/host/char_file.h"

#include <fcntl.h>

#include <cerrno>

namespace mynah::host {

Result<std::unique_ptr<FileChar>> FileChar::open(const std::string& path, Poller& poller, Report report,
                                                 bool append) {
  // Non-blocking for the sake of named pipes: without a reader the open fails instead of waiting for one.
  UniqueFd fd(::open(path.c_str(),
                     O_WRONLY | O_CREAT | (append ? O_APPEND : O_TRUNC) | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
                     0666));
  if (!fd) {
    if (errno == ENXIO) return Error{"nothing reads the pipe '" + path + "'; start its reader first"};
    return Error{"cannot write the file '" + path + "': " + errno_text(errno) +
                 "; give a path in a folder that you may write to"};
  }
  return std::unique_ptr<FileChar>(new FileChar(path, std::move(fd), poller, std::move(report)));
}

FileChar::FileChar(std::string path, UniqueFd fd, Poller& poller, Report report)
    : path_(std::move(path)),
      fd_(std::move(fd)),
      report_(std::move(report)),
      output_(poller, fd_.get(), OutputQueue::WhenFull::kDrop, kOutputLimit, {.failed = [this](int error) {
                report_(error, "cannot write to '" + path_ + "': " + errno_text(error) +
                                   "; serial output to it is being lost");
              }}) {}

FileChar::~FileChar() { output_.drain(OutputQueue::kPatience); }

}  // namespace mynah::host
