// SPDX-License-Identifier: Apache-2.0
//
// Registers, doorbells and commands of any kind on an NVMe controller.
#include <cstddef>
#include <cstdint>

#include "devices/storage/nvme.h"
#include "tests/devices/card_machine.h"
#include "tests/fuzz/fuzz_input.h"

namespace {

using namespace mynah::dev;
using mynah::fuzz::Input;
using Card = fake::CardMachine<Nvme>;

constexpr uint64_t kRam = Card::kRam, kSize = 0x40000;

nvme::Command make_command(Input& in, bool admin) {
  static constexpr uint8_t kAdmin[] = {0, 1, 2, 4, 5, 6, 8, 9, 10, 12}, kIo[] = {0, 1, 2, 5, 8, 9};
  nvme::Command c{};
  c.opcode = admin ? kAdmin[in.u8() % 10] : kIo[in.u8() % 6];
  c.id = in.u8();
  c.nsid = in.u8() % 4;
  const auto page = [&in] {
    return kRam + in.number(2) % 0x40 * 0x1000 + (in.u8() & 1 ? in.number(2) & 0xffc : 0);
  };
  c.prp1 = page();
  c.prp2 = page();
  c.dw10 = in.u8() | static_cast<uint32_t>(in.u8()) << 16;
  c.dw11 = (in.u8() & 3) | static_cast<uint32_t>(in.u8()) << 16;
  c.dw12 = in.u8();
  if (in.u8() % 8 == 0) {
    auto* bytes = reinterpret_cast<uint8_t*>(&c);
    for (unsigned n = in.u8() % 8; n != 0; --n) bytes[in.u8() % sizeof c] = in.u8();
  }
  return c;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Input in(data, size);
  NullLog log;
  fake::Disk disk(64 << 10), second(4 << 10);
  Card card(kSize, log, std::vector<BlockBackend*>{&disk, &second},
            Nvme::Options{.serial = "fuzz", .io_queues = 4});
  const auto enable = [&card] {
    card.w(nvme::kAqa, 0x000f'000f);
    card.w(nvme::kAsq, kRam, Width::k8);
    card.w(nvme::kAcq, kRam + 0x1000, Width::k8);
    card.w(nvme::kCc, 0x0046'0001);
  };
  enable();
  uint64_t sq_of[5] = {kRam, 0, 0, 0, 0};
  unsigned tails[5] = {};
  for (int steps = 0; !in.empty() && steps < 400; ++steps) {
    const uint8_t op = in.u8();
    switch (op % 12) {
      case 0:
      case 1:
      case 2:
      case 3:
      case 4: {  // a command where the guest keeps its queue
        const unsigned queue = op >> 4 & 1 ? 0 : in.u8() % 5;
        const nvme::Command c = make_command(in, queue == 0);
        if (queue == 0 && c.opcode == 1) sq_of[c.dw10 % 5] = c.prp1;
        card.poke(sq_of[queue] + 64 * tails[queue], c);
        tails[queue] = (tails[queue] + 1) % 16;
        card.w(0x1000 + 8 * queue, tails[queue]);
        break;
      }
      case 5:
        card.w(0x1004 + 8 * (in.u8() % 6), in.u8() % 20);
        break;
      case 6:
        card.w(in.u16() % 0x4000, in.u64(), in.width());
        break;
      case 7:
        card.r(in.u16() % 0x4000, in.width());
        break;
      case 8:
        card.poke(kRam + in.number(3) % (kSize - 8), in.u64());
        break;
      case 9:
        if (op & 0x80) card.w(nvme::kCc, in.u32());
        enable();
        break;
      case 10:
        card.card->config_write(in.u16() % 0x1000 & ~3u, 4, in.u32());
        card.command(6);
        break;
      default:
        mynah::fuzz::load_saved(*card.card, in, !(op & 0x80));
        break;
    }
  }
  mynah::fuzz::save_and_load(*card.card);
  return 0;
}
