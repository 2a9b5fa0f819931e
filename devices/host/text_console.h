// SPDX-License-Identifier: Apache-2.0
//
// TextConsole: a character line with a person's lines of text behind it, for displays that show them.
#pragma once

#include <deque>
#include <string>
#include <string_view>

#include "devices/core/char_backend.h"

namespace mynah::host {

class TextConsole final : public dev::CharBackend {
 public:
  static constexpr size_t kMostLines = 1000, kLongest = 1024;  // the oldest lines go

  void type(std::string_view bytes);                               // by the person
  const std::deque<std::string>& lines() const { return lines_; }  // the last has the cursor
  size_t column() const { return column_; }

  // --- dev::CharBackend
  void write(std::span<const uint8_t> bytes) override;
  void attach(dev::CharReceiver* receiver) override { receiver_ = receiver; }

 private:
  dev::CharReceiver* receiver_ = nullptr;
  std::deque<std::string> lines_{std::string()};
  size_t column_ = 0;
};

}  // namespace mynah::host
