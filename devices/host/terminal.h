// SPDX-License-Identifier: Apache-2.0
//
// Raw mode of the terminal that the emulator was started from. Keys go to the guest one by one and unechoed;
// the person gets the terminal back as it was, also when the process is ended by a signal.
//
// The terminal belongs to the process, not to a machine, so this is the one place with process-wide state: at
// most one RawTerminal exists at a time, and restore_terminal() and resume_terminal() act on it. Both are
// async-signal-safe and do nothing when there is none.
#pragma once

#include <termios.h>

#include <atomic>
#include <memory>

#include "ir/result.h"

namespace mynah::host {

class RawTerminal {
 public:
  // Puts the terminal `fd` into raw mode. With keep_signals Ctrl-C, Ctrl-Z and Ctrl-\ keep signalling the
  // emulator; without, they are bytes for the guest. A process in the background leaves the terminal alone
  // until resume_terminal().
  static Result<std::unique_ptr<RawTerminal>> create(int fd, bool keep_signals);
  ~RawTerminal();
  RawTerminal(const RawTerminal&) = delete;
  RawTerminal& operator=(const RawTerminal&) = delete;

  // Bytes that restore() writes to standard output, or null: whoever draws on the terminal undoes it so.
  // They must stay where they are.
  void set_farewell(const char* text) { farewell_ = text; }
  void restore() const noexcept;  // the modes found at creation
  void resume() const noexcept;   // raw again, if in the foreground

 private:
  RawTerminal(int fd, const termios& saved, bool keep_signals);
  int fd_;
  termios saved_;
  termios raw_;
  std::atomic<const char*> farewell_{nullptr};
};

void restore_terminal() noexcept;      // from handlers of signals that end the process
void resume_terminal() noexcept;       // from the handler of SIGCONT
unsigned terminal_resumes() noexcept;  // how often that was: what was drawn is gone

}  // namespace mynah::host
