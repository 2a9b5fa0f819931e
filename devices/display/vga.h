// SPDX-License-Identifier: Apache-2.0
//
// Vga: a standard VGA (IBM PS/2 Hardware Interface Technical Reference, "Video Subsystem"; Ferraro's
// Programmer's Guide to the EGA, VGA and Super VGA Cards for what is not said there) with the registers of
// Bochs's VBE extension (DISPI, version 0xb0c5), as the PCI function that systems know by 1234:1111.
//
// Guest interface: ports 0x3b4 to 0x3df, 0x1ce to 0x1d0; 128 KiB at 0xa0000; BAR 0, video memory; BAR 2, the
// same registers as memory (VGA's at 0x400, DISPI's at 0x500). The BIOS comes as the expansion ROM.
//
// Video memory is one array: byte 4 n + p is byte n of plane p, and packed pixels are as they lie. Where it
// is plain memory to guests, a board may let them have it (plain_window(), linear_memory()). For text, which
// is pairs of planes, the window is then an array of its own, in place of these planes' first bytes; latches
// do not see what is read there.
//
// What is not modelled: the interrupt at vertical retrace, light pen, blinking, panning within a character.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <new>
#include <optional>
#include <span>
#include <vector>

#include "devices/core/event_queue.h"
#include "devices/core/stateless_device.h"
#include "devices/display/screen.h"
#include "devices/pci/function.h"

namespace mynah::dev {

class Vga final : public pci::Function, public Screen {
 public:
  static constexpr uint64_t kMemoryBytes = 16 << 20;
  static constexpr uint64_t kWindowSize = 0x20000;
  static constexpr uint16_t kFirstPort = 0x3b0, kPortsEnd = 0x3e0;

  // `bios` may be empty. `memory`: bytes, a power of two from 256 KiB on.
  Vga(const EventQueue& events, std::vector<uint8_t> bios, Log& log, uint64_t memory = kMemoryBytes);

  // --- What a board maps.
  Device& mono_ports() { return mono_ports_; }    // at 0x3b4, two bytes
  Device& mono_status() { return mono_status_; }  // at 0x3ba, one
  Device& ports() { return ports_; }              // at 0x3c0, 32
  Device& dispi_ports() { return dispi_ports_; }  // at 0x1ce, three
  Device& window() { return window_; }            // at 0xa0000

  static constexpr unsigned kMemoryBar = 0;

  // --- What guests may reach as they reach RAM, and what is called when that is something else, and before
  // the card itself changes what is in it.
  struct Plain {
    Offset offset = 0;          // in the window
    std::span<uint8_t> memory;  // whole pages
  };
  std::optional<Plain> plain_window();
  std::span<uint8_t> linear_memory();  // BAR 0; empty: the card has to see accesses
  void on_plain_change(std::function<void()> changed, std::function<void()> contents_change) {
    plain_changed_ = std::move(changed);
    contents_change_ = std::move(contents_change);
  }

  // --- What is on the screen.
  bool text_mode() const override;
  Text text() const override;
  Size size() const override;
  Picture picture() const override;

 private:
  enum Dispi : unsigned {
    kId,
    kWidth,
    kHeight,
    kDepth,
    kEnable,
    kBank,
    kVirtualWidth,
    kVirtualHeight,
    kXOffset,
    kYOffset,
    kMemorySize,
    kDispiRegisters
  };
  // Ports from `first` on.
  class Ports final : public StatelessDevice {
   public:
    Ports(Vga& vga, uint16_t first) : StatelessDevice("vga-ports"), vga_(vga), first_(first) {}
    uint64_t read(Offset, Width) override;
    void write(Offset, Width, uint64_t) override;

   private:
    Vga& vga_;
    const uint16_t first_;
  };
  // Index and data of 16 bits: ports that are not aligned.
  class DispiPorts final : public StatelessDevice {
   public:
    explicit DispiPorts(Vga& vga) : StatelessDevice("vga-dispi"), vga_(vga) {}
    uint64_t read(Offset, Width) override;
    void write(Offset, Width, uint64_t) override;

   private:
    Vga& vga_;
  };
  class Window final : public StatelessDevice {
   public:
    explicit Window(Vga& vga) : StatelessDevice("vga-memory"), vga_(vga) {}
    uint64_t read(Offset, Width) override;
    void write(Offset, Width, uint64_t) override;

   private:
    Vga& vga_;
  };

  uint64_t bar_read(unsigned bar, uint64_t offset, Width width) override;
  void bar_write(unsigned bar, uint64_t offset, Width width, uint64_t value) override;
  void reset_model() override;
  void serialize_model(StateStream&) override;

  // vga_registers.cpp
  uint8_t read_port(uint16_t port);
  void write_port(uint16_t port, uint8_t value);
  void write_attribute(uint8_t value);
  void write_crtc(uint8_t value);
  uint8_t status1();
  uint16_t read_dispi(unsigned index) const;
  void write_dispi(unsigned index, uint16_t value);
  void enable_dispi(uint16_t value);
  // vga_memory.cpp
  bool place(Offset& offset) const;
  uint8_t read_byte(Offset offset);
  void write_byte(Offset offset, uint8_t value);
  uint32_t planes_for(uint8_t value) const;
  void update_plain();
  void write_back_text() const;
  // vga_picture.cpp
  bool dispi_on() const { return dispi_[kEnable] & 1; }
  uint32_t color(uint8_t index) const;
  uint32_t attribute_color(unsigned index) const;
  void draw_text(Picture& to) const;
  void draw_planes(Picture& to) const;
  void draw_256(Picture& to) const;
  void draw_packed(Picture& to) const;
  unsigned lines_shown() const;
  std::optional<size_t> cursor() const;
  uint32_t start() const;
  uint32_t line_bytes() const;

  const EventQueue& events_;
  struct FreePages {
    void operator()(uint8_t* pages) const { ::operator delete[](pages, std::align_val_t{kPage}); }
  };
  static constexpr size_t kPage = 4096, kTextBytes = 0x8000;
  const std::unique_ptr<uint8_t[], FreePages> pages_;  // memory_, and behind it text_
  const std::span<uint8_t> memory_, text_;
  enum class PlainWindow : uint8_t { kNone, kText, kLinear };
  PlainWindow plain_ = PlainWindow::kNone;
  Offset plain_offset_ = 0;  // in the window
  uint64_t plain_bank_ = 0;  // in memory_
  std::function<void()> plain_changed_ = [] {}, contents_change_ = [] {};
  Ports mono_ports_{*this, 0x3b4}, mono_status_{*this, 0x3ba}, ports_{*this, 0x3c0};
  DispiPorts dispi_ports_{*this};
  Window window_{*this};

  uint8_t misc_ = 0, feature_ = 0;
  uint8_t sequencer_index_ = 0, graphics_index_ = 0, crtc_index_ = 0, attribute_index_ = 0;
  bool attribute_data_ = false;  // the next write of 0x3c0 is data
  std::array<uint8_t, 8> sequencer_{};
  std::array<uint8_t, 16> graphics_{};
  std::array<uint8_t, 32> attribute_{};
  std::array<uint8_t, 0x40> crtc_{};
  std::array<uint8_t, 768> palette_{};  // 6 bits a color, or 8
  uint8_t dac_mask_ = 0xff, dac_read_ = 0, dac_write_ = 0, dac_part_ = 0;
  bool dac_reads_ = false;
  uint32_t latch_ = 0;  // a byte of each plane
  uint16_t dispi_index_ = 0;
  std::array<uint16_t, kDispiRegisters> dispi_{};
};

}  // namespace mynah::dev
