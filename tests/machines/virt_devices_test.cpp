// SPDX-License-Identifier: Apache-2.0
//
// The board `virt`: where devices are, which registers they show, and what firmware and systems are told of
// them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "devices/virtio/virtio_rng.h"
#include "machines/boards.h"
#include "machines/virt.h"

extern "C" {
#include <libfdt.h>
}

namespace mynah {
namespace {

using testing::HasSubstr;

struct NoEntropy final : dev::EntropySource {
  void fill(std::span<uint8_t>) override {}
};

struct VirtDevices : testing::Test {
  dev::NullLog log;
  NoEntropy entropy;
  dev::NullCharBackend first, second;
  BoardChoice choice{.cpu = "cortex-a57"};
  MachineConfig config;
  std::unique_ptr<Machine> machine;

  VirtDevices() { config.ram_bytes = 16 << 20; }
  Machine& make() {
    config.code_bytes = 4 << 20;
    machine = find_board("virt")->make(choice, std::move(config), log);
    return *machine;
  }
  Result<void> add(const VirtioMmioPlace& place) {
    return machine->add_virtio(
        [this](dev::DmaMemory& memory, dev::Log& l) {
          return std::make_unique<dev::VirtioRng>(memory, l, entropy);
        },
        place);
  }
  uint32_t word(uint64_t pa) {
    return static_cast<uint32_t>(machine->bus().read(pa, dev::Width::k4).value_or(~0u));
  }
  const char* tree_text(const char* node, const char* property) {
    const void* tree = machine->device_tree().data();
    const int offset = fdt_path_offset(tree, node);
    return offset < 0 ? nullptr : static_cast<const char*>(fdt_getprop(tree, offset, property, nullptr));
  }
  // A file of the firmware configuration device, by its 8-bit data register.
  std::string firmware_file(const std::string& name) {
    using virt_map::kFwCfg;
    const auto select = [&](uint16_t key) {
      machine->bus().write(kFwCfg + dev::FwCfg::kSelector, dev::Width::k2,
                           static_cast<uint16_t>(key << 8 | key >> 8));
    };
    const auto bytes = [&](size_t n) {
      std::string text;
      for (size_t i = 0; i < n; ++i)
        text +=
            static_cast<char>(machine->bus().read(kFwCfg + dev::FwCfg::kData, dev::Width::k1).value_or(0));
      return text;
    };
    const auto number = [](const std::string& text) {
      unsigned value = 0;
      for (unsigned char c : text) value = value << 8 | c;
      return value;
    };
    select(dev::FwCfg::kFileDirectory);
    const unsigned files = number(bytes(4));
    for (unsigned i = 0; i < files; ++i) {
      const unsigned size = number(bytes(4)), key = number(bytes(2));
      bytes(2);
      if (bytes(56).c_str() != name) continue;
      select(static_cast<uint16_t>(key));
      return bytes(size);
    }
    return "no such file";
  }
};

TEST_F(VirtDevices, VirtioRegistersAreOfVersion1UnlessToldOtherwise) {
  for (const char* legacy : {"", "on", "off"}) {
    config = {};
    config.ram_bytes = 16 << 20;
    choice.properties.clear();
    if (*legacy) choice.properties.emplace_back("virtio-mmio.force-legacy", legacy);
    make();
    ASSERT_TRUE(add({}));
    ASSERT_TRUE(machine->init());
    const uint64_t last = virt_map::kVirtio + 31 * virt_map::kVirtioSize;
    EXPECT_EQ(word(last + 4), std::string(legacy) == "off" ? 2u : 1u);
    EXPECT_EQ(word(last + 8), 4u);
    EXPECT_EQ(word(virt_map::kVirtio + 8), 0u) << "nothing in the first";
  }
}

TEST_F(VirtDevices, FirmwareIsToldWhatToStartFrom) {
  config.boot = {.menu = true, .strict = true, .menu_wait = 0x1234, .fail_wait = 0xffffffff};
  make();
  ASSERT_TRUE(add({.boot = {7, "disk@0,0"}}));
  ASSERT_TRUE(add({.boot = {3, "ethernet-phy@0"}}));
  EXPECT_THAT(add({.boot = {3, "disk@0,0"}}).message(), HasSubstr("two devices have bootindex=3"));
  ASSERT_TRUE(machine->init());
  EXPECT_EQ(
      firmware_file("bootorder"),
      std::string(
          "/virtio-mmio@000000000a003c00/ethernet-phy@0\n/virtio-mmio@000000000a003e00/disk@0,0\nHALT") +
          '\0');
  EXPECT_EQ(firmware_file("etc/boot-menu-wait"), "\x34\x12");
  EXPECT_EQ(firmware_file("etc/boot-fail-wait"), "\xff\xff\xff\xff");
}

TEST_F(VirtDevices, TheSecondSerialLineIsThereWhenItIsWanted) {
  make();
  ASSERT_TRUE(machine->init());
  EXPECT_FALSE(machine->bus().read(virt_map::kSecondUart + 0x18, dev::Width::k4));
  EXPECT_EQ(tree_text("/pl011@9040000", "compatible"), nullptr);
  config = {};
  config.ram_bytes = 16 << 20;
  config.serial = &first;
  config.second_serial = &second;
  make();
  ASSERT_TRUE(machine->init());
  EXPECT_TRUE(machine->bus().read(virt_map::kSecondUart + 0x18, dev::Width::k4));
  EXPECT_STREQ(tree_text("/aliases", "serial0"), "/pl011@9000000");
  EXPECT_STREQ(tree_text("/aliases", "serial1"), "/pl011@9040000");
  EXPECT_STREQ(tree_text("/chosen", "stdout-path"), "/pl011@9000000");
  std::vector<uint8_t> saved = machine->save();
  EXPECT_TRUE(machine->restore(std::move(saved)));
}

TEST_F(VirtDevices, SeedsCanBeLeftOutOfTheTree) {
  for (const bool seeds : {true, false}) {
    config = {};
    config.ram_bytes = 16 << 20;
    config.rng_seed.assign(32, 7);
    choice.properties.clear();
    if (!seeds) choice.properties.emplace_back("dtb-randomness", "off");
    make();
    ASSERT_TRUE(machine->init());
    EXPECT_EQ(tree_text("/chosen", "rng-seed") != nullptr, seeds);
  }
}

}  // namespace
}  // namespace mynah
