// SPDX-License-Identifier: Apache-2.0
//
// Standard error is duplicated, so that closing the log, which tells of lost lines, leaves the other messages
// a place. Device messages stop at a bound: a guest can make up as many as it likes.
#include "app/log.h"

#include <fmt/core.h>
#include <unistd.h>

#include <cerrno>

#include "devices/host/fd.h"

namespace mynah::app {

Result<std::unique_ptr<LogOutput>> LogOutput::open(const std::string& path) {
  std::FILE* file = nullptr;
  if (path.empty()) {
    const int copy = ::dup(2);
    file = copy < 0 ? nullptr : ::fdopen(copy, "w");
    if (file) std::setvbuf(file, nullptr, _IOLBF, 1 << 16);
  } else {
    file = std::fopen(path.c_str(), "we");
  }
  if (!file)
    return error("cannot write the log {}: {}; give -D a path that you may write to",
                 path.empty() ? "to standard error" : fmt::format("'{}'", path), host::errno_text(errno));
  return std::unique_ptr<LogOutput>(new LogOutput(file, path));
}

LogOutput::~LogOutput() {
  if (file_) std::fclose(file_);
}

Result<void> LogOutput::close() {
  if (!file_) return {};
  const bool lost = std::fclose(file_) != 0 || failed_;
  const int number = errno;
  file_ = nullptr;
  if (!lost || path_.empty()) return {};
  return error("the log '{}' is not complete: {}; free some space, or log less", path_,
               host::errno_text(number ? number : ENOSPC));
}

void DeviceLog::say(std::string_view kind, std::string_view device, std::string_view message) {
  if (said_.size() > kMostMessages) return;
  std::string line = fmt::format("{}: {}: {}\n", kind, device, message);
  if (!said_.insert(line).second) return;
  output_.write(line);
  if (said_.size() > kMostMessages) output_.write("guest-error: no more messages of this kind are shown\n");
}

}  // namespace mynah::app
