// SPDX-License-Identifier: Apache-2.0
//
// Vga's memory as the processor sees it at 0xa0000: by planes with latches and write modes, by pairs of
// planes (text), or as one array (chain 4, and DISPI's modes).
#include "devices/core/registers.h"
#include "devices/display/vga.h"

namespace mynah::dev {

namespace {

// Of the graphics controller.
enum Graphics : unsigned {
  kSetReset = 0,
  kEnableSetReset = 1,
  kCompare = 2,
  kRotate = 3,
  kReadPlane = 4,
  kMode = 5,
  kMisc = 6,
  kDontCare = 7,
  kBitMask = 8
};
constexpr unsigned kMapMask = 2, kMemoryMode = 4;  // of the sequencer
constexpr uint8_t kChain4 = 8;

// Each plane's byte all ones where its bit is set.
constexpr uint32_t spread(unsigned planes) {
  uint32_t value = 0;
  for (unsigned p = 0; p < 4; ++p)
    if (planes >> p & 1) value |= 0xffu << 8 * p;
  return value;
}
constexpr uint32_t all_planes(uint8_t byte) { return byte * 0x01010101u; }

}  // namespace

// From an offset in the window to one in what it shows. False: nothing is there.
bool Vga::place(Offset& offset) const {
  switch (graphics_[kMisc] >> 2 & 3) {
    case 0:
      return offset < 0x20000;
    case 1:
      if (offset >= 0x10000) return false;
      offset += uint64_t{dispi_[kBank]} << 16;
      return true;
    case 2:
      offset -= 0x10000;
      return offset < 0x8000;
    default:
      offset -= 0x18000;
      return offset < 0x8000;
  }
}

uint8_t Vga::read_byte(Offset offset) {
  if (!place(offset)) return 0xff;
  if (plain_ == PlainWindow::kText) return text_[offset];
  if ((sequencer_[kMemoryMode] & kChain4) || dispi_on()) return memory_[offset % memory_.size()];
  const bool pairs = graphics_[kMode] & 0x10;
  const uint64_t at = (pairs ? offset >> 1 : offset) * 4 % memory_.size();
  latch_ = 0;
  for (unsigned p = 0; p < 4; ++p) latch_ |= uint32_t{memory_[at + p]} << 8 * p;
  if (pairs) return memory_[at + ((graphics_[kReadPlane] & 2) | (offset & 1))];
  if (!(graphics_[kMode] & 8)) return static_cast<uint8_t>(latch_ >> 8 * (graphics_[kReadPlane] & 3));
  // Bits of pixels that have the color, as far as planes count.
  const uint32_t differs = (latch_ ^ spread(graphics_[kCompare])) & spread(graphics_[kDontCare]);
  return static_cast<uint8_t>(~(differs | differs >> 8 | differs >> 16 | differs >> 24));
}

// What the write mode makes of a byte, for all planes.
uint32_t Vga::planes_for(uint8_t value) const {
  const unsigned rotate = graphics_[kRotate] & 7;
  const auto rotated = static_cast<uint8_t>(value >> rotate | value << (8 - rotate));
  uint32_t mask = all_planes(graphics_[kBitMask]);
  uint32_t data;
  switch (graphics_[kMode] & 3) {
    case 0: {
      const uint32_t set = spread(graphics_[kEnableSetReset]);
      data = (all_planes(rotated) & ~set) | (spread(graphics_[kSetReset]) & set);
      break;
    }
    case 1:
      return latch_;
    case 2:
      data = spread(value & 15);
      break;
    default:
      data = spread(graphics_[kSetReset]);
      mask &= all_planes(rotated);
  }
  switch (graphics_[kRotate] >> 3 & 3) {
    case 1:
      data &= latch_;
      break;
    case 2:
      data |= latch_;
      break;
    case 3:
      data ^= latch_;
      break;
    default:
      break;
  }
  return (data & mask) | (latch_ & ~mask);
}

void Vga::write_byte(Offset offset, uint8_t value) {
  if (!place(offset)) return;
  if (plain_ == PlainWindow::kText) {
    text_[offset] = value;
    return;
  }
  const uint8_t planes = sequencer_[kMapMask];
  if (dispi_on()) {
    memory_[offset % memory_.size()] = value;
    return;
  }
  if (sequencer_[kMemoryMode] & kChain4) {
    if (planes >> (offset & 3) & 1) memory_[offset % memory_.size()] = value;
    return;
  }
  const bool pairs = graphics_[kMode] & 0x10;
  const uint64_t at = (pairs ? offset >> 1 : offset) * 4 % memory_.size();
  if (pairs) {
    const unsigned plane = offset & 1;  // and the one two above
    if (planes >> plane & 1) memory_[at + plane] = value;
    if (planes >> (plane + 2) & 1) memory_[at + plane + 2] = value;
    return;
  }
  const uint32_t data = planes_for(value);
  for (unsigned p = 0; p < 4; ++p)
    if (planes >> p & 1) memory_[at + p] = static_cast<uint8_t>(data >> 8 * p);
}

// --- plain memory

void Vga::write_back_text() const {
  if (plain_ != PlainWindow::kText) return;
  for (size_t i = 0; i < kTextBytes; i += 2) {
    memory_[2 * i] = text_[i];
    memory_[2 * i + 1] = text_[i + 1];
  }
}

// Behind each register that decides.
void Vga::update_plain() {
  PlainWindow now = PlainWindow::kNone;
  Offset offset = 0;
  uint64_t bank = 0;
  const unsigned where = graphics_[kMisc] >> 2 & 3;
  constexpr uint8_t kPairs = 0x10, kOtherPlanes = 2;
  if (dispi_on() || (sequencer_[kMemoryMode] & kChain4)) {
    if (where == 1 && (dispi_on() || sequencer_[kMapMask] == 0xf)) {
      now = PlainWindow::kLinear;
      bank = uint64_t{dispi_[kBank]} << 16;
    }
  } else if (where >= 2 && (graphics_[kMode] & kPairs) && !(graphics_[kReadPlane] & kOtherPlanes) &&
             sequencer_[kMapMask] == 3) {
    now = PlainWindow::kText;
    offset = where == 2 ? 0x10000 : 0x18000;
  }
  if (now == plain_ && offset == plain_offset_ && bank == plain_bank_) return;
  write_back_text();
  if (now == PlainWindow::kText && plain_ != PlainWindow::kText)
    for (size_t i = 0; i < kTextBytes; i += 2) {
      text_[i] = memory_[2 * i];
      text_[i + 1] = memory_[2 * i + 1];
    }
  plain_ = now;
  plain_offset_ = offset;
  plain_bank_ = bank;
  plain_changed_();
}

std::optional<Vga::Plain> Vga::plain_window() {
  constexpr size_t kBankBytes = 0x10000;
  switch (plain_) {
    case PlainWindow::kText:
      return Plain{plain_offset_, text_};
    case PlainWindow::kLinear:
      return Plain{plain_offset_, memory_.subspan(plain_bank_ % memory_.size(), kBankBytes)};
    default:
      return std::nullopt;
  }
}

std::span<uint8_t> Vga::linear_memory() {
  return plain_ == PlainWindow::kText ? std::span<uint8_t>{} : memory_;
}

uint64_t Vga::Window::read(Offset offset, Width width) {
  return read_by_bytes(offset, width, [this](Offset at) { return vga_.read_byte(at); });
}

void Vga::Window::write(Offset offset, Width width, uint64_t value) {
  write_by_bytes(offset, width, value, [this](Offset at, uint8_t byte) { vga_.write_byte(at, byte); });
}

}  // namespace mynah::dev
