// SPDX-License-Identifier: Apache-2.0
//
// What Vga's registers and memory are on a screen: text with its font, four planes, 256 colors, DISPI's
// packed pixels.
#include <algorithm>

#include "devices/display/vga.h"

namespace mynah::dev {

namespace {

// Of the CRT controller.
enum Crtc : unsigned {
  kColumns = 0x01,
  kOverflow = 0x07,
  kMaxScanLine = 0x09,
  kCursorStart = 0x0a,
  kCursorEnd = 0x0b,
  kStartHigh = 0x0c,
  kStartLow = 0x0d,
  kCursorHigh = 0x0e,
  kCursorLow = 0x0f,
  kVerticalEnd = 0x12,
  kOffset = 0x13,
};
constexpr unsigned kMost = 4096;  // pixels of a side
constexpr unsigned kMostRows = 256;

}  // namespace

bool Vga::text_mode() const { return !dispi_on() && !(graphics_[6] & 1) && (sequencer_[4] & 4) == 0; }

unsigned Vga::lines_shown() const {
  return (crtc_[kVerticalEnd] | (crtc_[kOverflow] & 0x02) << 7 | (crtc_[kOverflow] & 0x40) << 3) + 1u;
}

uint32_t Vga::start() const { return static_cast<uint32_t>(crtc_[kStartHigh] << 8 | crtc_[kStartLow]); }

uint32_t Vga::line_bytes() const { return crtc_[kOffset] * 8u; }  // of the array

// Where the cursor's cell is behind the first one that is shown.
std::optional<size_t> Vga::cursor() const {
  const unsigned first = crtc_[kCursorStart] & 0x1f, last = crtc_[kCursorEnd] & 0x1f;
  if ((crtc_[kCursorStart] & 0x20) || first > last) return std::nullopt;
  return static_cast<uint32_t>(crtc_[kCursorHigh] << 8 | crtc_[kCursorLow]) - start();
}

Vga::Text Vga::text() const {
  Text t;
  if (!text_mode()) return t;
  write_back_text();
  t.columns = crtc_[kColumns] + 1u;
  t.rows = std::min(lines_shown() / ((crtc_[kMaxScanLine] & 0x1fu) + 1), kMostRows);
  for (unsigned row = 0; row < t.rows; ++row)
    for (unsigned column = 0; column < t.columns; ++column) {
      const uint64_t at =
          (uint64_t{start()} * 4 + uint64_t{row} * line_bytes() + 4 * column) % memory_.size();
      t.cells.push_back(static_cast<uint16_t>(memory_[at] | memory_[at + 1] << 8));
    }
  t.cursor = cursor();
  if (t.cursor && *t.cursor >= t.cells.size()) t.cursor.reset();
  return t;
}

std::vector<std::string> Screen::Text::lines() const {
  std::vector<std::string> all;
  for (unsigned row = 0; row < rows; ++row) {
    std::string line;
    for (unsigned column = 0; column < columns; ++column) {
      const char c = static_cast<char>(cells[row * columns + column]);
      line += c >= ' ' && c <= '~' ? c : ' ';
    }
    line.resize(line.find_last_not_of(' ') + 1);
    all.push_back(std::move(line));
  }
  return all;
}

uint32_t Vga::color(uint8_t index) const {
  const uint8_t* const part = &palette_[3u * (index & dac_mask_)];
  const bool eight = dispi_[kEnable] & 0x20;
  const auto wide = [eight](uint8_t v) -> uint32_t { return eight ? v : v << 2 | v >> 4; };
  return wide(part[0]) << 16 | wide(part[1]) << 8 | wide(part[2]);
}

uint32_t Vga::attribute_color(unsigned index) const {
  const uint8_t inner = attribute_[index & 15];
  const uint8_t select = attribute_[0x14];
  const unsigned high = attribute_[0x10] & 0x80 ? (inner & 0x0fu) | (select & 0x0fu) << 4
                                                : (inner & 0x3fu) | (select & 0x0cu) << 4;
  return color(static_cast<uint8_t>(high));
}

void Vga::draw_text(Picture& to) const {
  const Text t = text();
  const unsigned height = (crtc_[kMaxScanLine] & 0x1fu) + 1, width = sequencer_[1] & 1 ? 8 : 9;
  // Fonts of 8 KiB in plane 2; bit 3 of an attribute selects the first or the second.
  const auto font = [this](unsigned bits) {
    static constexpr uint8_t kAt[] = {0, 2, 4, 6, 1, 3, 5, 7};
    return kAt[bits & 7] * 0x2000u;
  };
  const uint8_t map = sequencer_[3];
  const unsigned fonts[2] = {font((map & 3u) | (map >> 2 & 4)), font((map >> 2 & 3u) | (map >> 3 & 4))};
  const unsigned first = crtc_[kCursorStart] & 0x1f, last = crtc_[kCursorEnd] & 0x1f;
  for (unsigned y = 0; y < to.height; ++y)
    for (unsigned x = 0; x < to.width; ++x) {
      const unsigned cell = y / height * t.columns + x / width, line = y % height, dot = x % width;
      const uint16_t value = t.cells[cell];
      const unsigned attribute = value >> 8;
      const uint64_t at = fonts[~attribute >> 3 & 1] + (value & 0xffu) * 32 + line;
      const uint8_t dots = memory_[at * 4 + 2];
      // The ninth is the eighth again in characters that draw lines.
      const bool repeats = (attribute_[0x10] & 4) && (value & 0xe0) == 0xc0;
      bool on = dot < 8 ? dots >> (7 - dot) & 1 : repeats && (dots & 1);
      if (t.cursor == cell && line >= first && line <= last) on = true;
      to.pixels[size_t{y} * to.width + x] = attribute_color(on ? attribute & 15 : attribute >> 4 & 15);
    }
}

void Vga::draw_planes(Picture& to) const {
  const bool pairs = graphics_[5] & 0x20;  // CGA's four colors
  for (unsigned y = 0; y < to.height; ++y)
    for (unsigned x = 0; x < to.width; ++x) {
      const uint64_t at =
          (uint64_t{start()} * 4 + uint64_t{y} * line_bytes() + uint64_t{x / 8} * 4) % memory_.size();
      const unsigned bit = 7 - x % 8;
      unsigned index = 0;
      if (pairs) {
        const uint64_t pair = (uint64_t{start()} * 4 + uint64_t{y / 2} * line_bytes() + (y & 1u) * 0x4000 +
                               x / 8 * 4 + (x / 4 & 1)) %
                              memory_.size();
        index = memory_[pair] >> (6 - 2 * (x % 4)) & 3;
      } else {
        for (unsigned p = 0; p < 4; ++p) index |= (memory_[at + p] >> bit & 1u) << p;
      }
      to.pixels[size_t{y} * to.width + x] = attribute_color(index & attribute_[0x12]);
    }
}

void Vga::draw_256(Picture& to) const {
  for (unsigned y = 0; y < to.height; ++y)
    for (unsigned x = 0; x < to.width; ++x)
      to.pixels[size_t{y} * to.width + x] =
          color(memory_[(uint64_t{start()} * 4 + uint64_t{y} * line_bytes() + x) % memory_.size()]);
}

void Vga::draw_packed(Picture& to) const {
  const unsigned depth = dispi_[kDepth], bytes = std::max((depth + 7) / 8, 1u);
  const auto wide5 = [](unsigned v) { return v << 3 | v >> 2; };
  for (uint64_t y = 0; y < to.height; ++y)
    for (uint64_t x = 0; x < to.width; ++x) {
      const uint64_t pixel = (y + dispi_[kYOffset]) * dispi_[kVirtualWidth] + x + dispi_[kXOffset];
      uint32_t value = 0;
      for (unsigned i = 0; i < bytes; ++i)
        value |= uint32_t{memory_[(pixel * bytes + i) % memory_.size()]} << 8 * i;
      switch (depth) {
        case 15:
          value = wide5(value >> 10 & 31) << 16 | wide5(value >> 5 & 31) << 8 | wide5(value & 31);
          break;
        case 16:
          value =
              wide5(value >> 11) << 16 | (value >> 5 & 63) << 10 | (value >> 9 & 3) << 8 | wide5(value & 31);
          break;
        case 24:
        case 32:
          value &= 0xffffff;
          break;
        default:
          value = color(static_cast<uint8_t>(value));
      }
      to.pixels[y * to.width + x] = value;
    }
}

Vga::Size Vga::size() const {
  if (dispi_on() && dispi_[kDepth] > 4) return {dispi_[kWidth], dispi_[kHeight]};
  const unsigned columns = crtc_[kColumns] + 1u, scan_lines = (crtc_[kMaxScanLine] & 0x1fu) + 1;
  Size made;
  if (text_mode()) {
    made = {columns * (sequencer_[1] & 1 ? 8u : 9u),
            std::min(lines_shown() / scan_lines, kMostRows) * scan_lines};
  } else {
    made = {columns * (graphics_[5] & 0x40 ? 4u : 8u),
            lines_shown() / (scan_lines << (crtc_[kMaxScanLine] >> 7))};
  }
  return {std::min(made.width, kMost), std::min(made.height, kMost)};
}

Vga::Picture Vga::picture() const {
  write_back_text();
  const Size of = size();
  Picture made{of.width, of.height, {}};
  made.pixels.resize(size_t{made.width} * made.height);
  if (dispi_on() && dispi_[kDepth] > 4)
    draw_packed(made);
  else if (text_mode())
    draw_text(made);
  else if (graphics_[5] & 0x40)
    draw_256(made);
  else
    draw_planes(made);
  return made;
}

}  // namespace mynah::dev
