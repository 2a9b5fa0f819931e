// SPDX-License-Identifier: Apache-2.0
//
// A parser of control sequences after ECMA-48, 5.4, and xterm's "Control Sequences": what is too long or not
// known is passed over, as terminals do.
#include "devices/host/terminal_state.h"

#include <algorithm>

namespace mynah::host {
namespace {

constexpr uint8_t kEsc = 0x1b;
constexpr const char* kSaveCursor = "\x1b\x37";
constexpr const char* kRestoreCursor = "\x1b\x38";
constexpr size_t kMostParameters = 64;
constexpr size_t kMostModes = 32;
constexpr unsigned kMostLines = 200;  // of a screen

// Those that are on at the start: lines wrap, the cursor is shown.
bool on_at_start(unsigned mode) { return mode == 7 || mode == 25; }
bool is_alternate_screen(unsigned mode) { return mode == 47 || mode == 1047 || mode == 1049; }

}  // namespace

bool TerminalState::alternate_screen() const {
  return std::any_of(modes_.begin(), modes_.end(),
                     [](const auto& m) { return is_alternate_screen(m.first); });
}

void TerminalState::wrote(std::span<const uint8_t> bytes) {
  for (uint8_t c : bytes) byte(c);
}

void TerminalState::byte(uint8_t c) {
  switch (parse_) {
    case Parse::kText:
      if (c == kEsc) {
        parse_ = Parse::kEscape;
      } else if (c == '\n') {
        cursor_.line_started = false;
        if (cursor_.lines_left) --cursor_.lines_left;
      } else if (c == 0x0e || c == 0x0f) {
        cursor_.shifted = c == 0x0e;
      } else if (c >= 0x20 && c != 0x7f) {
        cursor_.line_started = true;
      }
      break;
    case Parse::kEscape:
      escape(c);
      break;
    case Parse::kCharset:
      parse_ = Parse::kText;
      if (charset_ == '(') cursor_.other_charset = c != 'B';
      break;
    case Parse::kSequence:
      if (c >= 0x40 && c <= 0x7e) {
        parse_ = Parse::kText;
        sequence(c);
      } else if (c == kEsc) {
        parse_ = Parse::kEscape;
      } else if (parameters_.size() < kMostParameters) {
        parameters_ += static_cast<char>(c);
      }
      break;
    case Parse::kString:  // a title or such, until BEL or ESC and a backslash
      if (c == 7) parse_ = Parse::kText;
      if (c == kEsc) parse_ = Parse::kStringEscape;
      break;
    case Parse::kStringEscape:
      parse_ = Parse::kText;
      if (c != '\\') escape(c);
      break;
  }
}

void TerminalState::escape(uint8_t c) {
  parse_ = Parse::kText;
  switch (c) {
    case '[':
      parse_ = Parse::kSequence;
      parameters_.clear();
      break;
    case ']':
    case 'P':
    case 'X':
    case '^':
    case '_':
      parse_ = Parse::kString;
      break;
    case '(':
    case ')':
    case '*':
    case '+':
      parse_ = Parse::kCharset;
      charset_ = c;
      break;
    case '=':
    case '>':
      keypad_ = c == '=';
      break;
    case '7':
      saved_ = cursor_;
      break;
    case '8':
      cursor_ = saved_;
      break;
    case 'c':  // reset of all
      *this = TerminalState();
      break;
    default:
      break;
  }
}

void TerminalState::set_mode(unsigned mode, bool on) {
  if (mode == 1049) {
    if (on)
      saved_ = cursor_;
    else
      cursor_ = saved_;
  }
  if (is_alternate_screen(mode) && !on) {  // whichever mode it was entered by
    for (unsigned m : {47u, 1047u, 1049u}) modes_.erase(m);
  } else if (on == on_at_start(mode)) {
    modes_.erase(mode);
  } else if (modes_.size() < kMostModes) {
    modes_[mode] = on;
  }
}

void TerminalState::sequence(uint8_t last) {
  const bool is_private = parameters_.starts_with('?');
  switch (last) {
    case 'h':
    case 'l': {
      unsigned number = 0;
      bool digits = false;
      for (char c : parameters_.substr(is_private) + ";") {
        if (c >= '0' && c <= '9' && number < 100'000) {
          number = number * 10 + static_cast<unsigned>(c - '0');
          digits = true;
        } else {
          if (digits && is_private) set_mode(number, last == 'h');
          if (digits && !is_private && number == 4) inserts_ = last == 'h';
          number = 0;
          digits = false;
        }
      }
      break;
    }
    case 'm':
      if (parameters_.empty() || (parameters_[0] != '>' && parameters_[0] != '?'))
        cursor_.coloured = !parameters_.empty() && parameters_ != "0";
      break;
    case 'r':
      if (!is_private) margins_ = !parameters_.empty();
      break;
    case 'H':
    case 'f':
    case 'd':
      cursor_.lines_left = kMostLines;
      break;
    default:
      break;
  }
}

std::string TerminalState::undo() const {
  std::string text;
  for (const auto& [mode, on] : modes_)
    if (!is_alternate_screen(mode)) text += "\x1b[?" + std::to_string(mode) + (on ? "l" : "h");
  const bool alternate = alternate_screen();
  // The way back restores what was saved on the way there.
  Cursor cursor = cursor_;
  if (alternate) {
    text += "\x1b[?1049l";
    cursor = saved_;
    cursor.coloured |= cursor_.coloured;
    cursor.shifted |= cursor_.shifted;
    cursor.other_charset |= cursor_.other_charset;
  }
  if (margins_)
    text += std::string(kSaveCursor) + "\x1b[r" + kRestoreCursor;  // it goes to the corner by itself
  if (inserts_) text += "\x1b[4l";
  if (keypad_) text += "\x1b>";
  if (cursor.shifted) text += "\x0f";
  if (cursor.other_charset) text += "\x1b(B";
  if (cursor.coloured) text += "\x1b[0m";
  // From the middle of a full screen to its last line; a terminal stops there.
  if (cursor.lines_left) text += "\x1b[999;1H";
  if (cursor.line_started || cursor.lines_left || alternate) text += "\r\n";
  return text;
}

}  // namespace mynah::host
