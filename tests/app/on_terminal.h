// SPDX-License-Identifier: Apache-2.0
//
// Runs the built program on a terminal of 30 lines of 90 columns.
#pragma once

#include <poll.h>
#include <pty.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <utmp.h>

#include <thread>

#include "tests/app/program.h"

namespace mynah::app::test {

// Runs the program with a terminal for all its descriptors.
class OnTerminal {
 public:
  explicit OnTerminal(Args args) {
    args.insert(args.begin(), MYNAH_PROGRAM);
    std::vector<char*> argv;
    for (std::string& a : args) argv.push_back(a.data());
    argv.push_back(nullptr);
    winsize size{.ws_row = 30, .ws_col = 90, .ws_xpixel = 0, .ws_ypixel = 0};
    pid_ = ::forkpty(&master_, nullptr, nullptr, &size);
    if (pid_ == 0) {
      ::setenv("TERM", "xterm", 1);
      ::setenv("LC_ALL", "C.UTF-8", 1);
      ::execv(argv[0], argv.data());
      ::_exit(127);
    }
  }
  ~OnTerminal() {
    if (pid_ > 0) {
      ::kill(pid_, SIGKILL);
      ::waitpid(pid_, nullptr, 0);
    }
    ::close(master_);
  }
  OnTerminal(const OnTerminal&) = delete;
  void type(std::string_view text) {
    ASSERT_EQ(::write(master_, text.data(), text.size()), ssize_t(text.size()));
  }
  bool raw() const {
    termios modes{};
    ::tcgetattr(master_, &modes);
    return !(modes.c_lflag & ICANON);
  }
  bool wait_raw() {
    for (int i = 0; i < 500 && !raw(); ++i) std::this_thread::sleep_for(20ms);
    return raw();
  }
  bool wait_for(std::string_view text, std::chrono::milliseconds limit = 20s) {
    const auto end = std::chrono::steady_clock::now() + limit;
    while (screen.find(text) == std::string::npos && std::chrono::steady_clock::now() < end)
      if (!take(20)) return screen.find(text) != std::string::npos;
    return screen.find(text) != std::string::npos;
  }
  void signal(int number) { ::kill(pid_, number); }
  int finish() {
    while (take(20'000)) {
    }
    int status = 0;
    ::waitpid(pid_, &status, 0);
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }
  std::string screen;  // everything that was written to it

 private:
  bool take(int patience_ms) {
    pollfd fd{master_, POLLIN, 0};
    if (::poll(&fd, 1, patience_ms) == 0) return patience_ms < 1000;
    char buffer[4096];
    const ssize_t n = ::read(master_, buffer, sizeof buffer);
    if (n <= 0) return false;
    screen.append(buffer, static_cast<size_t>(n));
    // The terminal's own handling of line ends doubles returns.
    for (size_t at; (at = screen.find("\r\r")) != std::string::npos;) screen.erase(at, 1);
    return true;
  }
  pid_t pid_ = -1;
  int master_ = -1;
};

}  // namespace mynah::app::test
