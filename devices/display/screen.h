// SPDX-License-Identifier: Apache-2.0
//
// Screen: what a display device shows, for whoever looks at it: cells of text, or pixels.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace mynah::dev {

class Screen {
 public:
  struct Text {
    unsigned columns = 0, rows = 0;
    std::vector<uint16_t> cells;             // the character, of code page 437, and its attribute above
    std::optional<size_t> cursor;            // number of its cell, where it shows
    std::vector<std::string> lines() const;  // printable characters, without blanks at the end
  };
  struct Picture {
    unsigned width = 0, height = 0;
    std::vector<uint32_t> pixels;  // 0xrrggbb
  };

  struct Size {
    unsigned width = 0, height = 0;
  };

  virtual ~Screen() = default;
  virtual bool text_mode() const = 0;
  virtual Text text() const = 0;  // while text_mode()
  virtual Size size() const = 0;  // of the picture
  virtual Picture picture() const = 0;
};

}  // namespace mynah::dev
