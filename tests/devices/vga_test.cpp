// SPDX-License-Identifier: Apache-2.0
//
// VGA by its registers: planes with write modes, text and what it shows, palette, DISPI, ROM, retrace.
#include "devices/display/vga.h"

#include <gtest/gtest.h>

#include "tests/devices/pci_fakes.h"

namespace mynah::dev {
namespace {

struct Card : testing::Test {
  Card() {
    vga = &pc.plug(std::make_unique<Vga>(events, std::vector<uint8_t>{0x55, 0xaa, 4}, pc.log), 2);
    pc.host.reset();
    port(0x3c2, 0x63);  // color: the CRT controller at 0x3d4
  }
  void port(uint16_t at, uint8_t value) { vga->ports().write(at - 0x3c0u, Width::k1, value); }
  uint8_t port(uint16_t at) { return static_cast<uint8_t>(vga->ports().read(at - 0x3c0u, Width::k1)); }
  void indexed(uint16_t at, uint8_t index, uint8_t value) {
    port(at, index);
    port(at + 1, value);
  }
  void dispi(uint16_t index, uint16_t value) {
    vga->dispi_ports().write(0, Width::k2, index);
    vga->dispi_ports().write(1, Width::k2, value);
  }
  uint16_t dispi(uint16_t index) {
    vga->dispi_ports().write(0, Width::k2, index);
    return static_cast<uint16_t>(vga->dispi_ports().read(1, Width::k2));
  }
  void text_mode() {
    indexed(0x3c4, 2, 3);
    indexed(0x3c4, 4, 2);
    indexed(0x3ce, 5, 0x10);
    indexed(0x3ce, 6, 0x0e);
    indexed(0x3d4, 0x11, 0);
    indexed(0x3d4, 0x01, 79);
    indexed(0x3d4, 0x07, 0x02);
    indexed(0x3d4, 0x09, 15);
    indexed(0x3d4, 0x12, 0x8f);
    indexed(0x3d4, 0x13, 40);
  }
  void planar() {
    indexed(0x3c4, 4, 6);
    indexed(0x3ce, 3, 0);
    indexed(0x3ce, 5, 0);
    indexed(0x3ce, 6, 5);
    indexed(0x3ce, 8, 0xff);
  }
  void poke(uint64_t at, uint8_t value) { vga->window().write(at, Width::k1, value); }
  uint8_t peek(uint64_t at) { return static_cast<uint8_t>(vga->window().read(at, Width::k1)); }
  uint8_t plane(unsigned p, uint64_t at) {
    indexed(0x3ce, 4, static_cast<uint8_t>(p));
    return peek(at);
  }

  fake::PciHost pc;
  ManualClock clock;
  EventQueue events{clock};
  Vga* vga;
};

TEST_F(Card, TextIsAtB8000) {
  text_mode();
  const std::string_view words = "Hello";
  for (size_t i = 0; i < words.size(); ++i)
    vga->window().write(0x18000 + 2 * (80 + i), Width::k2, static_cast<uint8_t>(words[i]) | 0x0700u);
  const Vga::Text text = vga->text();
  EXPECT_EQ(text.columns, 80u);
  EXPECT_EQ(text.rows, 25u);
  EXPECT_EQ(text.lines()[1], "Hello");
  EXPECT_EQ(text.lines()[0], "");
  EXPECT_EQ(vga->window().read(0x18000 + 160, Width::k4), 0x07650748u);
  EXPECT_EQ(peek(0), 0xff) << "the window is 32 KiB";
  indexed(0x3d4, 0x0d, 80);  // scrolled by a line
  EXPECT_EQ(vga->text().lines()[0], "Hello");
}

TEST_F(Card, WriteModes) {
  planar();
  indexed(0x3c4, 2, 0x0f);
  poke(10, 0xa5);
  for (unsigned p = 0; p < 4; ++p) EXPECT_EQ(plane(p, 10), 0xa5);
  indexed(0x3c4, 2, 0x02);
  poke(10, 0x11);
  EXPECT_EQ(plane(0, 10), 0xa5);
  EXPECT_EQ(plane(1, 10), 0x11);
  // Set and reset with a bit mask: pixel 0 gets color 9.
  indexed(0x3c4, 2, 0x0f);
  indexed(0x3ce, 0, 9);
  indexed(0x3ce, 1, 0x0f);
  indexed(0x3ce, 8, 0x80);
  peek(20);
  poke(20, 0);
  EXPECT_EQ(plane(0, 20), 0x80);
  EXPECT_EQ(plane(1, 20), 0);
  EXPECT_EQ(plane(3, 20), 0x80);
  indexed(0x3ce, 1, 0);
  // 1: latches are copied.
  peek(20);
  indexed(0x3ce, 5, 1);
  poke(30, 0x55);
  EXPECT_EQ(plane(3, 30), 0x80);
  // 2: a color for the pixels of the mask.
  indexed(0x3ce, 5, 2);
  indexed(0x3ce, 8, 0x0f);
  peek(40);
  poke(40, 5);
  EXPECT_EQ(plane(0, 40), 0x0f);
  EXPECT_EQ(plane(1, 40), 0);
  EXPECT_EQ(plane(2, 40), 0x0f);
  // Read mode 1: which pixels have color 5.
  indexed(0x3ce, 5, 0x0a);
  indexed(0x3ce, 2, 5);
  indexed(0x3ce, 7, 0x0f);
  EXPECT_EQ(peek(40), 0x0f);
  // With the exclusive or of what is there.
  indexed(0x3ce, 5, 0);
  indexed(0x3ce, 8, 0xff);
  indexed(0x3ce, 3, 0x18);
  peek(40);
  poke(40, 0xff);
  EXPECT_EQ(plane(0, 40), 0xf0);
}

TEST_F(Card, PaletteAndProtection) {
  port(0x3c8, 5);
  for (const uint8_t part : {0x3f, 0x7f, 1}) port(0x3c9, part);
  port(0x3c7, 5);
  EXPECT_EQ(port(0x3c9), 0x3f);
  EXPECT_EQ(port(0x3c9), 0x3f) << "six bits";
  EXPECT_EQ(port(0x3c9), 1);
  indexed(0x3d4, 0x11, 0x80);
  indexed(0x3d4, 0x00, 0x5f);
  EXPECT_EQ(port(0x3d5), 0);
  indexed(0x3d4, 0x11, 0);
  indexed(0x3d4, 0x00, 0x5f);
  EXPECT_EQ(port(0x3d5), 0x5f);
}

TEST_F(Card, PackedPixels) {
  EXPECT_EQ(dispi(0), 0xb0c5);
  dispi(1, 640);
  dispi(2, 480);
  dispi(3, 32);
  dispi(4, 0x41);
  EXPECT_EQ(dispi(6), 640);
  pc.set(2, pci::kBar0, 0xe0000000);
  pc.set(2, pci::kCommand, pci::kMemorySpace, 2);
  pc.host.write(pci::Space::kMemory, 0xe0000000 + 4 * 641, Width::k4, 0x123456);
  const Vga::Picture picture = vga->picture();
  ASSERT_EQ(picture.width, 640u);
  ASSERT_EQ(picture.height, 480u);
  EXPECT_EQ(picture.pixels[641], 0x123456u);
  indexed(0x3ce, 6, 5);
  dispi(5, 16);  // bank: 1 MiB
  poke(8, 0x77);
  EXPECT_EQ(pc.memory_at(0xe0000000 + (1 << 20) + 8, Width::k1), 0x77u);
}

TEST_F(Card, TextIsPlainMemory) {
  unsigned changes = 0;
  vga->on_plain_change([&] { ++changes; }, [] {});
  EXPECT_FALSE(vga->plain_window());
  EXPECT_EQ(vga->linear_memory().size(), Vga::kMemoryBytes);
  text_mode();
  EXPECT_EQ(changes, 1u);
  auto window = vga->plain_window();
  ASSERT_TRUE(window);
  EXPECT_EQ(window->offset, 0x18000u);
  ASSERT_EQ(window->memory.size(), 0x8000u);
  EXPECT_TRUE(vga->linear_memory().empty());
  window->memory[0] = 'A';
  window->memory[0x7ffe] = 'Z';
  EXPECT_EQ(vga->text().lines()[0], "A");
  EXPECT_EQ(peek(0x1fffe), 'Z');
  poke(0x18002, 'B');
  EXPECT_EQ(window->memory[2], 'B');
  // BAR 0 sees the planes, and is seen.
  pc.set(2, pci::kBar0, 0xe0000000);
  pc.set(2, pci::kCommand, pci::kMemorySpace, 2);
  EXPECT_EQ(pc.memory_at(0xe0000000, Width::k8), 0x4200000041u);
  pc.host.write(pci::Space::kMemory, 0xe0000008, Width::k4, 0x1743);
  EXPECT_EQ(vga->text().lines()[0], "ABC");
  // What is there stays where the mode changes, for a font or for good.
  planar();
  EXPECT_FALSE(vga->plain_window());
  EXPECT_EQ(plane(0, 1), 'B');
  indexed(0x3c4, 2, 4);
  poke(5, 0x55);
  text_mode();
  EXPECT_EQ(vga->plain_window()->memory[4], 'C');
  indexed(0x3ce, 6, 0x0a);  // at 0xb0000
  EXPECT_EQ(vga->plain_window()->offset, 0x10000u);
  EXPECT_EQ(peek(0x10002), 'B');
  indexed(0x3c4, 2, 1);
  EXPECT_FALSE(vga->plain_window()) << "a plane is not written";
  EXPECT_EQ(peek(0x10002), 'B');
}

TEST_F(Card, PackedPixelsArePlainMemory) {
  indexed(0x3ce, 6, 5);
  indexed(0x3c4, 2, 15);
  indexed(0x3c4, 4, 0x0e);  // chain 4
  auto window = vga->plain_window();
  ASSERT_TRUE(window);
  EXPECT_EQ(window->offset, 0u);
  EXPECT_EQ(window->memory.size(), 0x10000u);
  window->memory[0x1234] = 0x56;
  EXPECT_EQ(peek(0x1234), 0x56);
  indexed(0x3c4, 2, 7);
  EXPECT_FALSE(vga->plain_window());
  indexed(0x3c4, 2, 15);
  dispi(1, 640);
  dispi(2, 480);
  dispi(3, 8);
  dispi(4, 1);
  dispi(5, 255);
  window = vga->plain_window();
  ASSERT_TRUE(window);
  window->memory[0xffff] = 0x78;
  EXPECT_EQ(vga->linear_memory()[Vga::kMemoryBytes - 1], 0x78);
  pc.host.reset();
  EXPECT_FALSE(vga->plain_window());
  EXPECT_EQ(vga->linear_memory()[Vga::kMemoryBytes - 1], 0);
}

TEST_F(Card, RomAndRetrace) {
  pc.set(2, pci::kExpansionRom, 0xfffffffe);
  EXPECT_EQ(pc.get(2, pci::kExpansionRom), 0xfffff800u);
  pc.set(2, pci::kExpansionRom, 0xfe000001);
  EXPECT_EQ(pc.memory_at(0xfe000000, Width::k2), 0xffffu) << "memory is not decoded";
  pc.set(2, pci::kCommand, pci::kMemorySpace, 2);
  EXPECT_EQ(pc.memory_at(0xfe000000), 0xff04aa55u);
  pc.set(2, pci::kExpansionRom, 0xfe000000);
  EXPECT_EQ(pc.memory_at(0xfe000000, Width::k2), 0xffffu);
  EXPECT_EQ(port(0x3da) & 8, 0);
  clock.time = 16'000'000;
  EXPECT_EQ(port(0x3da) & 9, 9);
}

TEST_F(Card, Saved) {
  text_mode();
  vga->window().write(0x18000, Width::k2, 0x0741);
  const auto state = fake::save(pc.host);
  pc.host.reset();
  EXPECT_FALSE(vga->plain_window());
  ASSERT_TRUE(fake::load(pc.host, state));
  EXPECT_EQ(vga->text().lines()[0], "A");
  ASSERT_TRUE(vga->plain_window());
  EXPECT_EQ(vga->plain_window()->memory[0], 'A');
}

}  // namespace
}  // namespace mynah::dev
