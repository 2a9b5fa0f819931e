// SPDX-License-Identifier: Apache-2.0
//
// A serial line on the standard input and output of the emulator. A terminal on the input side is put into
// raw mode for the life of the object (terminal.h); end of input ends the reading and nothing else. A
// terminal on the output side is left as a shell expects it, whatever the guest did to it (terminal_state.h).
//
// Console output is what a person came for, so it is not dropped for a slow reader: what a terminal or pipe
// does not take at once is queued, and a full queue holds the guest up until there is room. Only a reader
// that takes nothing at all for two seconds loses output, and that is said.
#pragma once

#include <memory>
#include <optional>

#include "devices/host/char_io.h"
#include "devices/host/terminal.h"
#include "devices/host/terminal_state.h"

namespace mynah::host {

class StdioChar final : public dev::CharBackend {
 public:
  struct Options {
    int input = 0;  // descriptors; never closed
    int output = 1;
    bool keep_signals = false;  // Ctrl-C ends the emulator instead of reaching the guest
  };
  static Result<std::unique_ptr<StdioChar>> open(Options options, Poller& poller, Report report);
  ~StdioChar() override;

  void write(std::span<const uint8_t> bytes) override {
    output_.write(bytes);
    if (screen_) screen_->wrote(bytes);
  }
  void attach(dev::CharReceiver* receiver) override { input_.attach(receiver); }
  void accept_input() override { input_.resume(); }
  bool input_ended() const override { return input_ended_; }
  // What was written did to the terminal; null when the output is none.
  const TerminalState* screen() const { return screen_ ? &*screen_ : nullptr; }
  // So that what others write to the same terminal stands on a line of its own.
  void start_line();
  // Gives the terminal back as it was found. Async-signal-safe, may be called often.
  void restore() const noexcept {
    if (terminal_) terminal_->restore();
  }

 private:
  StdioChar(Options options, UniqueFd own_output, std::unique_ptr<RawTerminal> terminal, Poller& poller,
            Report report);
  std::unique_ptr<RawTerminal> terminal_;
  UniqueFd own_output_;
  std::optional<TerminalState> screen_;
  OnceReport report_;
  bool input_ended_ = false;
  InputPump input_;
  OutputQueue output_;
};

}  // namespace mynah::host
