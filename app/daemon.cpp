// SPDX-License-Identifier: Apache-2.0
//
// fork(2), setsid(2). The pipe between the two brings one byte when all is ready, and its end otherwise;
// until then what goes wrong is said on the terminal.
#include "app/daemon.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

namespace mynah::app {

Result<bool> Daemon::start(Daemon& daemon) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0)
    return error("-daemonize: {}; start it with & instead", host::errno_text(errno));
  host::UniqueFd read_end(ends[0]), write_end(ends[1]);
  const pid_t child = ::fork();
  if (child < 0) return error("-daemonize: {}; start it with & instead", host::errno_text(errno));
  if (child == 0) {
    ::setsid();
    daemon.result_ = std::move(write_end);
    return true;
  }
  write_end.reset();
  char byte = 0;
  ssize_t n = 0;
  do n = ::read(read_end.get(), &byte, 1);
  while (n < 0 && errno == EINTR);
  if (n == 1) {
    daemon.exit_code_ = 0;
    return false;
  }
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  daemon.exit_code_ = WIFEXITED(status) && WEXITSTATUS(status) != 0 ? WEXITSTATUS(status) : 1;
  return false;
}

void Daemon::ready() {
  if (!result_) return;
  if (const host::UniqueFd nothing(::open("/dev/null", O_RDWR | O_CLOEXEC)); nothing)
    for (const int fd : {0, 1, 2}) ::dup2(nothing.get(), fd);
  [[maybe_unused]] const ssize_t sent = ::write(result_.get(), "", 1);
  result_.reset();
}

}  // namespace mynah::app
