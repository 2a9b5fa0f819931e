// SPDX-License-Identifier: Apache-2.0
#include "app/log.h"

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
    return Error{"cannot write the log " +
                 (path.empty() ? std::string("to standard error") : "'" + path + "'") + ": " +
                 host::errno_text(errno) + "; give -D a path that you may write to"};
  return std::unique_ptr<LogOutput>(new LogOutput(file, path));
}

LogOutput::~LogOutput() {
  if (file_) std::fclose(file_);
}

std::string LogOutput::close() {
  if (!file_) return {};
  const bool lost = std::fclose(file_) != 0 || failed_;
  const int error = errno;
  file_ = nullptr;
  if (!lost || path_.empty()) return {};
  return "the log '" + path_ + "' is not complete: " + host::errno_text(error ? error : ENOSPC) +
         "; free some space, or log less";
}

void DeviceLog::say(std::string_view kind, std::string_view device, std::string_view message) {
  if (said_.size() > kMostMessages) return;
  std::string line = std::string(kind) + ": " + std::string(device) + ": " + std::string(message) + "\n";
  if (!said_.insert(line).second) return;
  output_.write(line);
  if (said_.size() > kMostMessages) output_.write("guest-error: no more messages of this kind are shown\n");
}

}  // namespace mynah::app
