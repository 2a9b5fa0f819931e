// SPDX-License-Identifier: Apache-2.0
//
// Text with returns, new lines and backspaces; other control characters are passed over.
#include "devices/host/text_console.h"

#include <algorithm>

namespace mynah::host {

void TextConsole::type(std::string_view bytes) {
  const size_t room = receiver_ ? receiver_->can_receive() : 0;
  bytes = bytes.substr(0, room);
  if (!bytes.empty()) receiver_->receive({reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()});
}

void TextConsole::write(std::span<const uint8_t> bytes) {
  for (const uint8_t c : bytes) {
    std::string& line = lines_.back();
    if (c == '\n') {
      lines_.emplace_back();
      column_ = 0;
      if (lines_.size() > kMostLines) lines_.pop_front();
    } else if (c == '\r') {
      column_ = 0;
    } else if (c == '\b') {
      if (column_) --column_;
    } else if (c >= ' ' && c <= '~' && column_ < kLongest) {
      line.resize(std::max(line.size(), column_ + 1), ' ');
      line[column_++] = static_cast<char>(c);
    }
  }
}

}  // namespace mynah::host
