// SPDX-License-Identifier: Apache-2.0
//
// Line editing for a terminal in raw mode: what is typed is echoed here, cursor keys are swallowed whole, and
// bytes that are no text are ignored.
#include "app/monitor.h"

#include <algorithm>

#include "app/options.h"

namespace mynah::app {
namespace {
constexpr std::string_view kPrompt = "(mynah) ";
}  // namespace

Monitor::Monitor(dev::CharBackend& line, Execute execute) : line_(line), execute_(std::move(execute)) {
  line_.attach(this);
}

Monitor::~Monitor() { line_.attach(nullptr); }

void Monitor::write(std::string_view text) {
  std::string out;
  for (char c : text) {
    if (c == '\n') out += '\r';
    out += c;
  }
  line_.write({reinterpret_cast<const uint8_t*>(out.data()), out.size()});
}

void Monitor::greet() {
  if (greeted_) return;
  greeted_ = true;
  write("\n" + version_text() + "type 'help' for the commands\n" + std::string(kPrompt));
}

void Monitor::receive(std::span<const uint8_t> bytes) {
  greet();
  for (uint8_t byte : bytes) {
    const bool newline_of_return = after_return_ && byte == '\n';
    after_return_ = byte == '\r';
    if (newline_of_return) continue;
    if (escape_) {  // ESC [ parameters final, or ESC O final
      if (escape_ == 1)
        escape_ = byte == '[' || byte == 'O' ? 2 : 0;
      else if (byte >= 0x40)
        escape_ = 0;
      continue;
    }
    switch (byte) {
      case '\r':
      case '\n': {
        write("\n");
        std::string line;
        line.swap(text_);
        const auto answer = execute_(line);
        if (!answer) return;
        if (!answer->empty()) write(*answer);
        if (!line.empty()) last_ = line;
        write(kPrompt);
        break;
      }
      case 0x7f:
      case '\b':
        if (text_.empty()) break;
        text_.pop_back();
        write("\b \b");
        break;
      case 0x15:  // Ctrl-U
        for (; !text_.empty(); text_.pop_back()) write("\b \b");
        break;
      case 0x10:  // Ctrl-P: the line before
        for (; !text_.empty(); text_.pop_back()) write("\b \b");
        text_ = last_;
        write(text_);
        break;
      case 0x1b:
        escape_ = 1;
        break;
      default:
        if (byte < 0x20 || byte > 0x7e || text_.size() >= kMostText) break;
        text_ += static_cast<char>(byte);
        write({&text_.back(), 1});
        break;
    }
  }
}

}  // namespace mynah::app
