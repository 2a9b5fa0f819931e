// SPDX-License-Identifier: Apache-2.0
//
// termios(3). Modes are set with SIGTTOU blocked, or a process in the background would stop; handlers see one
// lock-free pointer.
#include "devices/host/terminal.h"

#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>

#include "devices/host/fd.h"

namespace mynah::host {
namespace {

constinit std::atomic<RawTerminal*> current{nullptr};
constinit std::atomic<unsigned> resumes{0};
static_assert(std::atomic<RawTerminal*>::is_always_lock_free, "used in signal handlers");

void set_modes(int fd, const termios& modes) noexcept {
  const int saved_errno = errno;
  // From the background this would stop the process; with the signal blocked the call just works.
  sigset_t block, before;
  sigemptyset(&block);
  sigaddset(&block, SIGTTOU);
  ::pthread_sigmask(SIG_BLOCK, &block, &before);
  while (::tcsetattr(fd, TCSANOW, &modes) != 0 && errno == EINTR) {
  }
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  errno = saved_errno;
}

// A terminal that controls no process, or not this one, has no background.
bool in_background(int fd) noexcept {
  const pid_t foreground = ::tcgetpgrp(fd);
  return foreground > 0 && foreground != ::getpgrp();
}

}  // namespace

RawTerminal::RawTerminal(int fd, const termios& saved, bool keep_signals)
    : fd_(fd), saved_(saved), raw_(saved) {
  raw_.c_iflag &= ~tcflag_t(IGNBRK | BRKINT | PARMRK | ISTRIP | INLCR | IGNCR | ICRNL | IXON);
  raw_.c_lflag &= ~tcflag_t(ECHO | ECHONL | ICANON | IEXTEN);
  if (!keep_signals) raw_.c_lflag &= ~tcflag_t(ISIG);
  // OPOST stays: the emulator's own messages end lines with a plain newline.
  raw_.c_cflag &= ~tcflag_t(CSIZE | PARENB);
  raw_.c_cflag |= CS8;
  raw_.c_cc[VMIN] = 1;
  raw_.c_cc[VTIME] = 0;
}

Result<std::unique_ptr<RawTerminal>> RawTerminal::create(int fd, bool keep_signals) {
  termios saved;
  if (::tcgetattr(fd, &saved) != 0)
    return Error{"cannot read the terminal's modes: " + errno_text(errno) +
                 "; redirect standard input from a file"};
  std::unique_ptr<RawTerminal> terminal(new RawTerminal(fd, saved, keep_signals));
  RawTerminal* none = nullptr;
  if (!current.compare_exchange_strong(none, terminal.get())) {
    terminal->fd_ = -1;
    return Error{"the terminal is already used by another character device; use mon:stdio to share it"};
  }
  terminal->resume();
  return terminal;
}

RawTerminal::~RawTerminal() {
  if (fd_ < 0) return;
  RawTerminal* self = this;
  current.compare_exchange_strong(self, nullptr);
  restore();
}

void RawTerminal::restore() const noexcept {
  const int saved_errno = errno;
  if (const char* text = farewell_.load())
    if (::write(STDOUT_FILENO, text, ::strlen(text)) < 0) errno = saved_errno;
  set_modes(fd_, saved_);
}

void RawTerminal::resume() const noexcept {
  if (!in_background(fd_)) set_modes(fd_, raw_);
}

void restore_terminal() noexcept {
  if (const RawTerminal* terminal = current.load()) terminal->restore();
}

void resume_terminal() noexcept {
  if (const RawTerminal* terminal = current.load()) terminal->resume();
  ++resumes;
}

unsigned terminal_resumes() noexcept { return resumes.load(); }

}  // namespace mynah::host
