// SPDX-License-Identifier: Apache-2.0
//
// Vga's registers: ports, DISPI, reset and state.
#include <algorithm>

#include "devices/core/registers.h"
#include "devices/display/vga.h"

namespace mynah::dev {

namespace {

constexpr unsigned kRegistersBar = 2;
constexpr uint64_t kRegistersSize = 0x1000;
constexpr uint64_t kVgaAt = 0x400, kVgaEnd = 0x420, kDispiAt = 0x500;
constexpr uint16_t kDispiId = 0xb0c5;
constexpr uint16_t kMostWidth = 2560, kMostHeight = 1600;
// Of DISPI's enable register.
constexpr uint16_t kOn = 0x01, kCapabilities = 0x02, kEightBitDac = 0x20, kKeepMemory = 0x80;

// Bits that there are.
constexpr std::array<uint8_t, 8> kSequencerMask = {0x03, 0x3d, 0x0f, 0x3f, 0x0e, 0, 0, 0xff};
constexpr std::array<uint8_t, 16> kGraphicsMask = {0x0f, 0x0f, 0x0f, 0x1f, 0x03, 0x7b, 0x0f, 0x0f,
                                                   0xff, 0,    0,    0,    0,    0,    0,    0};

constexpr TimeNs kFrame = 16'683'350, kLine = 31'778;
constexpr TimeNs kRetraceFrom = 15'700'000, kBlankFrom = 25'400;

}  // namespace

Vga::Vga(const EventQueue& events, std::vector<uint8_t> bios, Log& log, uint64_t memory)
    : Function("VGA", {.vendor = 0x1234, .device = 0x1111, .class_code = 0x030000, .revision = 2}, log,
               pci::ConfigSize::kConventional),
      events_(events),
      pages_(new (std::align_val_t{kPage}) uint8_t[memory + kTextBytes]()),
      memory_(pages_.get(), memory),
      text_(pages_.get() + memory, kTextBytes) {
  add_bar(kMemoryBar, pci::BarKind::kMemory32, memory_.size());
  add_bar(kRegistersBar, pci::BarKind::kMemory32, kRegistersSize);
  if (!bios.empty()) add_rom(std::move(bios));
}

void Vga::reset_model() {
  misc_ = feature_ = 0;
  sequencer_index_ = graphics_index_ = crtc_index_ = attribute_index_ = 0;
  attribute_data_ = false;
  sequencer_ = {};
  graphics_ = {};
  attribute_ = {};
  crtc_ = {};
  palette_ = {};
  dac_mask_ = 0xff;
  dac_read_ = dac_write_ = dac_part_ = 0;
  dac_reads_ = false;
  latch_ = 0;
  dispi_index_ = 0;
  dispi_ = {};
  dispi_[kId] = kDispiId;
  update_plain();
  contents_change_();
  std::fill(memory_.begin(), memory_.end(), uint8_t{0});
}

// --- ports

uint64_t Vga::Ports::read(Offset offset, Width width) {
  return read_by_bytes(offset, width,
                       [this](Offset at) { return vga_.read_port(static_cast<uint16_t>(first_ + at)); });
}

void Vga::Ports::write(Offset offset, Width width, uint64_t value) {
  write_by_bytes(offset, width, value, [this](Offset at, uint8_t byte) {
    vga_.write_port(static_cast<uint16_t>(first_ + at), byte);
  });
}

// Both kinds of retrace, of 60 frames a second.
uint8_t Vga::status1() {
  attribute_data_ = false;
  const TimeNs at = events_.now() % kFrame;
  const bool vertical = at >= kRetraceFrom;
  return static_cast<uint8_t>(vertical << 3 | (vertical || at % kLine >= kBlankFrom));
}

uint8_t Vga::read_port(uint16_t port) {
  const bool color = misc_ & 1;
  if (port < 0x3c0 && color) return 0xff;
  if (port >= 0x3d0 && !color) return 0xff;
  switch (port) {
    case 0x3c0:
      return attribute_index_;
    case 0x3c1:
      return attribute_[attribute_index_ & 0x1f];
    case 0x3c2:
      return 0x10;  // a monitor is there
    case 0x3c3:
      return 1;
    case 0x3c4:
      return sequencer_index_;
    case 0x3c5:
      return sequencer_[sequencer_index_ & 7];
    case 0x3c6:
      return dac_mask_;
    case 0x3c7:
      return dac_reads_ ? 3 : 0;
    case 0x3c8:
      return dac_write_;
    case 0x3c9: {
      const uint8_t value = palette_[dac_read_ * 3u + dac_part_];
      if (++dac_part_ == 3) {
        dac_part_ = 0;
        ++dac_read_;
      }
      return value;
    }
    case 0x3ca:
      return feature_;
    case 0x3cc:
      return misc_;
    case 0x3ce:
      return graphics_index_;
    case 0x3cf:
      return graphics_[graphics_index_ & 15];
    case 0x3b4:
    case 0x3d4:
      return crtc_index_;
    case 0x3b5:
    case 0x3d5:
      return crtc_[crtc_index_ & 0x3f];
    case 0x3ba:
    case 0x3da:
      return status1();
    default:
      return 0;
  }
}

void Vga::write_attribute(uint8_t value) {
  if (!attribute_data_) {
    attribute_index_ = value & 0x3f;
  } else if (const unsigned index = attribute_index_ & 0x1f; index < 0x15) {
    static constexpr uint8_t kMasks[] = {0xef, 0xff, 0x3f, 0x0f, 0x0f};  // from 0x10
    attribute_[index] = value & (index < 0x10 ? 0x3f : kMasks[index - 0x10]);
  }
  attribute_data_ = !attribute_data_;
}

// The first eight can be protected, all but a bit that belongs to what is beside them.
void Vga::write_crtc(uint8_t value) {
  constexpr unsigned kOverflow = 0x07, kProtects = 0x11;
  const unsigned index = crtc_index_ & 0x3f;
  if (index <= kOverflow && (crtc_[kProtects] & 0x80)) {
    if (index == kOverflow) crtc_[index] = static_cast<uint8_t>((crtc_[index] & ~0x10) | (value & 0x10));
    return;
  }
  crtc_[index] = value;
}

void Vga::write_port(uint16_t port, uint8_t value) {
  const bool color = misc_ & 1;
  if (port < 0x3c0 && color) return;
  if (port >= 0x3d0 && !color) return;
  switch (port) {
    case 0x3c0:
      return write_attribute(value);
    case 0x3c2:
      misc_ = value & ~0x10;
      return;
    case 0x3c4:
      sequencer_index_ = value & 7;
      return;
    case 0x3c5:
      sequencer_[sequencer_index_ & 7] = value & kSequencerMask[sequencer_index_ & 7];
      return update_plain();
    case 0x3c6:
      dac_mask_ = value;
      return;
    case 0x3c7:
      dac_read_ = value;
      dac_part_ = 0;
      dac_reads_ = true;
      return;
    case 0x3c8:
      dac_write_ = value;
      dac_part_ = 0;
      dac_reads_ = false;
      return;
    case 0x3c9:
      palette_[dac_write_ * 3u + dac_part_] =
          dispi_[kEnable] & kEightBitDac ? value : static_cast<uint8_t>(value & 0x3f);
      if (++dac_part_ == 3) {
        dac_part_ = 0;
        ++dac_write_;
      }
      return;
    case 0x3ce:
      graphics_index_ = value & 15;
      return;
    case 0x3cf:
      graphics_[graphics_index_] = value & kGraphicsMask[graphics_index_];
      return update_plain();
    case 0x3b4:
    case 0x3d4:
      crtc_index_ = value;
      return;
    case 0x3b5:
    case 0x3d5:
      return write_crtc(value);
    case 0x3ba:
    case 0x3da:
      feature_ = value;
      return;
    default:
      return;
  }
}

// --- DISPI

uint16_t Vga::read_dispi(unsigned index) const {
  if (index == kMemorySize) return static_cast<uint16_t>(memory_.size() >> 16);
  if (index >= kDispiRegisters) return 0;
  if (dispi_[kEnable] & kCapabilities) {
    if (index == kWidth) return kMostWidth;
    if (index == kHeight) return kMostHeight;
    if (index == kDepth) return 32;
  }
  return dispi_[index];
}

void Vga::enable_dispi(uint16_t value) {
  const bool was = dispi_on();
  if (((dispi_[kEnable] ^ value) & kEightBitDac) != 0)
    for (uint8_t& part : palette_)
      part = static_cast<uint8_t>(value & kEightBitDac ? part << 2 | part >> 4 : part >> 2);
  dispi_[kEnable] = value & (kOn | kCapabilities | 0x40 | kEightBitDac | kKeepMemory);
  update_plain();
  if (!(value & kOn) || was) return;
  dispi_[kVirtualWidth] = dispi_[kWidth];
  dispi_[kXOffset] = dispi_[kYOffset] = 0;
  const uint64_t line = uint64_t{dispi_[kWidth]} * ((dispi_[kDepth] + 7u) / 8);
  dispi_[kVirtualHeight] =
      static_cast<uint16_t>(line ? std::min<uint64_t>(memory_.size() / line, 0xffff) : 0);
  if (value & kKeepMemory) return;
  contents_change_();
  std::fill_n(memory_.begin(), std::min<uint64_t>(line * dispi_[kHeight], memory_.size()), uint8_t{0});
}

void Vga::write_dispi(unsigned index, uint16_t value) {
  switch (index) {
    case kId:
      if (value >= 0xb0c0 && value <= kDispiId) dispi_[kId] = value;
      return;
    case kWidth:
      if (value <= kMostWidth) dispi_[index] = value & ~7;
      return;
    case kHeight:
      if (value <= kMostHeight) dispi_[index] = value;
      return;
    case kDepth:
      if (value == 0) value = 8;
      if (value == 4 || value == 8 || value == 15 || value == 16 || value == 24 || value == 32)
        dispi_[index] = value;
      return;
    case kEnable:
      return enable_dispi(value);
    case kBank:
      dispi_[index] = static_cast<uint16_t>(value & ((memory_.size() >> 16) - 1));
      return update_plain();
    case kVirtualWidth: {
      if (value < dispi_[kWidth]) return;
      const uint64_t line = uint64_t{value} * ((dispi_[kDepth] + 7u) / 8);
      if (line == 0 || line * dispi_[kHeight] > memory_.size()) return;
      dispi_[index] = value;
      dispi_[kVirtualHeight] = static_cast<uint16_t>(std::min<uint64_t>(memory_.size() / line, 0xffff));
      return;
    }
    case kXOffset:
    case kYOffset:
      dispi_[index] = value;
      return;
    default:
      return;
  }
}

uint64_t Vga::DispiPorts::read(Offset offset, Width width) {
  if (offset == 0) return low_bytes(vga_.dispi_index_, width);
  return low_bytes(vga_.read_dispi(vga_.dispi_index_), width);
}

void Vga::DispiPorts::write(Offset offset, Width width, uint64_t value) {
  if (width != Width::k2) return;
  if (offset == 0)
    vga_.dispi_index_ = static_cast<uint16_t>(value);
  else
    vga_.write_dispi(vga_.dispi_index_, static_cast<uint16_t>(value));
}

// --- BARs

uint64_t Vga::bar_read(unsigned bar, uint64_t offset, Width width) {
  if (bar == kMemoryBar) {
    write_back_text();
    return read_by_bytes(offset, width, [this](Offset at) { return memory_[at]; });
  }
  if (offset >= kDispiAt && offset < kDispiAt + 2 * kDispiRegisters && width == Width::k2)
    return read_dispi(static_cast<unsigned>((offset - kDispiAt) / 2));
  if (offset < kVgaAt || offset + bytes(width) > kVgaEnd) return 0;
  return read_by_bytes(offset, width,
                       [this](Offset at) { return read_port(static_cast<uint16_t>(0x3c0 + (at - kVgaAt))); });
}

void Vga::bar_write(unsigned bar, uint64_t offset, Width width, uint64_t value) {
  if (bar == kMemoryBar)
    return write_by_bytes(offset, width, value, [this](Offset at, uint8_t byte) {
      memory_[at] = byte;
      if (at < 2 * kTextBytes && at % 4 < 2) text_[at / 4 * 2 + at % 4] = byte;
    });
  if (offset >= kDispiAt && offset < kDispiAt + 2 * kDispiRegisters && width == Width::k2)
    return write_dispi(static_cast<unsigned>((offset - kDispiAt) / 2), static_cast<uint16_t>(value));
  if (offset < kVgaAt || offset + bytes(width) > kVgaEnd) return;
  write_by_bytes(offset, width, value, [this](Offset at, uint8_t byte) {
    write_port(static_cast<uint16_t>(0x3c0 + (at - kVgaAt)), byte);
  });
}

void Vga::serialize_model(StateStream& s) {
  if (s.loading())
    contents_change_();
  else
    write_back_text();
  s.raw(memory_.data(), memory_.size());
  for (uint8_t* byte : {&misc_, &feature_, &sequencer_index_, &graphics_index_, &crtc_index_,
                        &attribute_index_, &dac_mask_, &dac_read_, &dac_write_, &dac_part_})
    s.io(*byte);
  s.io(attribute_data_);
  s.io(dac_reads_);
  s.raw(sequencer_.data(), sequencer_.size());
  s.raw(graphics_.data(), graphics_.size());
  s.raw(attribute_.data(), attribute_.size());
  s.raw(crtc_.data(), crtc_.size());
  s.raw(palette_.data(), palette_.size());
  s.io(latch_);
  s.io(dispi_index_);
  for (uint16_t& word : dispi_) s.io(word);
  if (!s.loading()) return;
  // What no saved state has, but a damaged one may.
  graphics_index_ &= 15;
  sequencer_index_ &= 7;
  if (dac_part_ > 2) dac_part_ = 0;
  dispi_[kWidth] = std::min(dispi_[kWidth], kMostWidth);
  dispi_[kHeight] = std::min(dispi_[kHeight], kMostHeight);
  dispi_[kBank] &= static_cast<uint16_t>((memory_.size() >> 16) - 1);
  plain_ = PlainWindow::kNone;  // what was, is not: the text is in what was loaded
  update_plain();
  plain_changed_();
}

}  // namespace mynah::dev
