// SPDX-License-Identifier: Apache-2.0
//
// UniqueFd closes a file descriptor; errno_text names an errno; Report carries a run-time failure of the host
// to the person; OnceReport says each kind of failure once, since a guest repeats what fails.
#pragma once

#include <unistd.h>

#include <cstring>
#include <functional>
#include <mutex>
#include <set>
#include <string>
#include <utility>

namespace mynah::host {

class UniqueFd {
 public:
  UniqueFd() = default;
  explicit UniqueFd(int fd) : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    if (this != &other) reset(std::exchange(other.fd_, -1));
    return *this;
  }
  ~UniqueFd() { reset(); }
  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  int release() { return std::exchange(fd_, -1); }
  void reset(int fd = -1) {
    if (fd_ >= 0) ::close(fd_);
    fd_ = fd;
  }

 private:
  int fd_ = -1;
};

inline std::string errno_text(int error) {
  char buffer[128];
  return ::strerror_r(error, buffer, sizeof buffer);
}

using Report = std::function<void(const std::string& sentence)>;

class OnceReport {
 public:
  OnceReport() = default;
  explicit OnceReport(Report report) : report_(std::move(report)) {}
  // `kind` is any number that tells the failure from others, usually an errno. Any thread may call it.
  void operator()(int kind, const std::string& sentence) {
    {
      const std::lock_guard lock(mutex_);
      if (!said_.insert(kind).second) return;
    }
    if (report_) report_(sentence);
  }

 private:
  Report report_;
  std::mutex mutex_;
  std::set<int> said_;
};

// A write to a pipe or socket without a reader, or past the file size limit, must come back as an errno
// instead of ending the process. Changes the process's disposition of SIGPIPE and SIGXFSZ unless somebody set
// one already.
void ignore_write_signals();

}  // namespace mynah::host
