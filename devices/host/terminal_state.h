// SPDX-License-Identifier: Apache-2.0
//
// What the bytes that were written to a terminal have changed about it: the modes that a guest left on, its
// colours, its alternate screen. Knows the control sequences of ECMA-48 and of xterm that programs use for
// that, and nothing of what is on the screen.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>

namespace mynah::host {

class TerminalState {
 public:
  void wrote(std::span<const uint8_t> bytes);

  bool line_started() const { return cursor_.line_started; }  // the cursor is behind something
  bool alternate_screen() const;
  // The bytes that make the terminal what a shell expects: plain text, the cursor to be seen, at the start of
  // a line below everything that was written. Empty where that is the case.
  std::string undo() const;

 private:
  enum class Parse : uint8_t { kText, kEscape, kCharset, kSequence, kString, kStringEscape };
  // The cursor, and how characters come out there: what ESC 7 saves.
  struct Cursor {
    bool coloured = false, shifted = false, other_charset = false;
    bool line_started = false;  // something is in its line
    // It was sent to a place on the screen, and is above the last line by so much at most.
    unsigned lines_left = 0;
  };
  void byte(uint8_t c);
  void escape(uint8_t c);
  void sequence(uint8_t last);
  void set_mode(unsigned mode, bool on);

  Parse parse_ = Parse::kText;
  std::string parameters_;
  uint8_t charset_ = 0;  // which one the next byte names
  bool keypad_ = false, margins_ = false, inserts_ = false;
  Cursor cursor_, saved_;
  std::map<unsigned, bool> modes_;  // private modes that are not as they are at the start
};

}  // namespace mynah::host
