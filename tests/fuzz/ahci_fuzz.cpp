// SPDX-License-Identifier: Apache-2.0
//
// Registers of an AHCI controller with a disk and a CD, and commands of any kind in its list.
#include <cstddef>
#include <cstdint>
#include <memory>

#include "devices/storage/ahci.h"
#include "devices/storage/ata_disk.h"
#include "devices/storage/atapi_cd.h"
#include "tests/devices/card_machine.h"
#include "tests/fuzz/fuzz_input.h"

namespace {

using namespace mynah::dev;
using namespace mynah::dev::ahci;
using mynah::fuzz::Input;
using Card = fake::CardMachine<Ahci>;

constexpr uint64_t kRam = Card::kRam;
constexpr size_t kSize = 0x20000;
constexpr unsigned kBar = 5;

void make_command(Input& in, Card& card, unsigned slot) {
  static constexpr uint8_t kCodes[] = {0x25, 0x35, 0x60, 0x61, 0xec, 0xa1, 0xa0, 0xa0, 0xa0, 0x20,
                                       0x30, 0x29, 0x39, 0x2f, 0x06, 0xef, 0xea, 0x08, 0x90, 0xc6};
  static constexpr uint8_t kPackets[] = {0,    3,    0x12, 0x1a, 0x1b, 0x1e, 0x25, 0x28,
                                         0x43, 0x46, 0x4a, 0x51, 0x5a, 0xa8, 0xbe};
  const uint64_t table = kRam + 0x1000 + 0x400 * slot;
  const unsigned regions = in.u8() % 8;
  const uint32_t header[4] = {5u | (in.u8() & 0xe0u) | (in.u8() & 7u) << 8 | regions << 16, 0,
                              static_cast<uint32_t>(table), 0};
  card.memory.write(kRam + 32 * slot, header, sizeof header);
  uint8_t fis[20] = {kRegisterToDevice, static_cast<uint8_t>(in.u8() & 0x0f ? 0x80 : 0),
                     kCodes[in.u8() % 20]};
  for (unsigned i = 3; i < 7; ++i) fis[i] = in.u8();
  fis[7] = 0x40;
  fis[12] = in.u8();
  fis[15] = in.u8() & 4;
  if (in.u8() % 8 == 0) fis[in.u8() % 20] = in.u8();
  card.memory.write(table, fis, sizeof fis);
  uint8_t packet[16] = {kPackets[in.u8() % 15]};
  for (unsigned i = 1; i < 10; ++i) packet[i] = in.u8() & 0x13;
  card.memory.write(table + kPacketOffset, packet, sizeof packet);
  for (unsigned i = 0; i < regions; ++i) {
    const uint32_t region[4] = {static_cast<uint32_t>(kRam + in.number(3) % (kSize + 0x1000)), 0, 0,
                                in.u16() | (in.u8() & 1u) << 31};
    card.memory.write(table + kTableOffset + 16 * i, region, sizeof region);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Input in(data, size);
  NullLog log;
  fake::Disk disk(512 * 200), cd(2048 * 30);
  Card card(kSize, log);
  card.card->plug_drive(0, 0, std::make_unique<AtaDisk>(disk, AtaDisk::Options{"S"}, log));
  card.card->plug_drive(1, 0, std::make_unique<AtapiCd>(&cd, log));
  const auto set = [&card](unsigned port, uint32_t at, uint32_t value) {
    card.w(kPortBase + port * kPortStride + at, value, Width::k4, kBar);
  };
  const auto start = [&set](unsigned port) {
    set(port, kPxClb, static_cast<uint32_t>(kRam));
    set(port, kPxFb, static_cast<uint32_t>(kRam) + 0x400);
    set(port, kPxCmd, kReceive | kStart);
  };
  start(0);
  start(1);
  for (int steps = 0; !in.empty() && steps < 400; ++steps) {
    const uint8_t op = in.u8();
    const unsigned port = op >> 4 & 1;
    switch (op & 7) {
      case 0:
      case 1:
      case 2: {
        const unsigned slot = in.u8() % kSlots;
        make_command(in, card, slot);
        if (op & 0x80) set(port, kPxSact, 1u << slot);
        set(port, kPxCi, 1u << slot);
        break;
      }
      case 3:
        set(port, kPxCmd, 0);
        start(port);
        break;
      case 4:
        card.w(in.u16() % 0x1000, in.u32(), in.width(), kBar);
        break;
      case 5:
        card.r(in.u16() % 0x1000, in.width(), op & 0x80 ? 5 : 4);
        break;
      case 6:
        card.w(in.u8() % 32, in.u32(), in.width(), 4);
        break;
      default:
        mynah::fuzz::load_saved(*card.card, in, !(op & 0x80));
        break;
    }
  }
  mynah::fuzz::save_and_load(*card.card);
  return 0;
}
