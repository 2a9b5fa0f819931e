// SPDX-License-Identifier: Apache-2.0
//
// A PC with Debian's SeaBIOS and VGA BIOS by the deterministic clock, and a disk or floppy that begins with
// one of the guests here.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>

#include "devices/host/key_codes.h"
#include "devices/storage/ata_disk.h"
#include "machines/pc.h"
#include "tests/devices/fakes.h"

namespace mynah::test {

constexpr const char* kBios = "/usr/share/seabios/bios-256k.bin";
constexpr const char* kVideoBios = "/usr/share/seabios/vgabios-stdvga.bin";

inline std::vector<uint8_t> contents(const std::string& file) {
  std::ifstream from(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(from), {}};
}

inline std::vector<uint8_t> guest(const std::string& name) {
  return contents(std::string(MYNAH_GUESTS) + "/" + name + ".bin");
}

enum class Medium : uint8_t { kFloppy, kDisk };

class BiosMachine {
 public:
  static constexpr size_t kFloppyBytes = 1440 << 10, kDiskBytes = 16 << 20;
  BiosMachine(const std::string& name, Medium medium)
      : disk(medium == Medium::kFloppy ? kFloppyBytes : kDiskBytes) {
    write(0, guest(name));
    PcConfig config;
    config.clock = GuestClock::Kind::kDeterministic;
    config.ram_bytes = 32 << 20;
    config.code_bytes = 16 << 20;
    config.firmware = contents(kBios);
    config.video_bios = contents(kVideoBios);
    config.cpu = *x86::parse_cpu("max");
    config.boot.order = medium == Medium::kFloppy ? "a" : "c";
    machine = std::make_unique<PcMachine>(std::move(config), log);
    if (medium == Medium::kFloppy) {
      EXPECT_TRUE(machine->add_floppy(0, &disk));
    } else {
      EXPECT_TRUE(machine->add_ide(
          [this](unsigned, dev::Log& to) {
            return std::make_unique<dev::AtaDisk>(disk, dev::AtaDisk::Options{}, to);
          },
          {}));
    }
    const auto made = machine->init();
    EXPECT_TRUE(made) << made.message();
  }
  void write(size_t at, std::span<const uint8_t> bytes) {
    std::copy(bytes.begin(), bytes.end(), disk.data.begin() + static_cast<ptrdiff_t>(at));
  }
  void write(size_t at, std::string_view text) {
    write(at, std::span(reinterpret_cast<const uint8_t*>(text.data()), text.size()));
  }

  // Until it is so, or that many seconds of the guest's have passed.
  bool run_until(const std::function<bool()>& done, unsigned seconds = 30) {
    const dev::TimeNs end = machine->clock().now() + seconds * dev::TimeNs{1'000'000'000};
    while (!done()) {
      if (machine->clock().now() >= end) return false;
      const AfterExit after = machine->run_slice();
      if (after == AfterExit::kReset) machine->reset();
      if (after == AfterExit::kShutdown) return done();
      if (after == AfterExit::kHalt && !machine->skip_idle_time()) return done();
    }
    return true;
  }
  bool wait_for(const std::string& text) {
    return run_until([&] { return screen().find(text) != std::string::npos; });
  }
  std::string screen() const {
    std::string all;
    if (!machine->screen()->text_mode()) return all;
    for (const std::string& line : machine->screen()->text().lines()) all += line + "\n";
    return all;
  }
  uint16_t cell(unsigned row, unsigned column) const {
    return machine->screen()->text().cells[row * 80 + column];
  }
  uint16_t word(uint64_t pa) const {
    uint16_t value = 0;
    EXPECT_TRUE(machine->memory().read(pa, &value, sizeof value));
    return value;
  }
  void press(uint16_t code) {
    for (const host::KeyChange& change : host::changes_of({code}))
      EXPECT_TRUE(machine->keyboard()->key(change.code, change.down));
  }

  dev::fake::Disk disk;
  dev::NullLog log;
  std::unique_ptr<PcMachine> machine;
};

struct BiosTest : testing::Test {
  void SetUp() override {
    if (!std::filesystem::exists(kBios)) GTEST_SKIP() << "no SeaBIOS; install the package seabios";
  }
};

}  // namespace mynah::test
