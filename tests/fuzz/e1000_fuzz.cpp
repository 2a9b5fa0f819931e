// SPDX-License-Identifier: Apache-2.0
//
// Registers, descriptors and frames of any kind on both of Intel's controllers.
#include <cstddef>
#include <cstdint>

#include "devices/net/e1000.h"
#include "devices/net/e1000e.h"
#include "tests/devices/card_machine.h"
#include "tests/fuzz/fuzz_input.h"

namespace {

using namespace mynah::dev;
using namespace mynah::dev::e1000;
using mynah::fuzz::Input;

constexpr uint64_t kRam = 0x40000000, kSize = 0x40000, kTx = kRam, kRx = kRam + 0x1000;

struct Network final : NetBackend {
  void send(std::span<const uint8_t> frame) override {
    mynah::fuzz::require(frame.size() >= 14 && frame.size() <= (128 << 10) + 4);
  }
  void attach(Receiver r) override { receiver = std::move(r); }
  Receiver receiver;
};

template <typename Card>
void run(Input& in) {
  ManualClock clock;
  EventQueue events(clock);
  NullLog log;
  Network network;
  fake::CardMachine<Card> card(kSize, events, log, network,
                               typename Card::Options{{0x52, 0x54, 0, 0x12, 0x34, 0x56}, "net0"});
  const auto start = [&card] {
    card.command(7);
    for (const uint32_t ring : {RX_RING, TX_RING}) {
      card.w(ring + kBaseLow, ring == RX_RING ? kRx : kTx);
      card.w(ring + kBaseHigh, 0);
      card.w(ring + kLength, 0x100);
      card.w(ring + kHead, 0);
    }
    card.w(TCTL, kTctlEnable);
    card.w(RCTL, kRctlEnable | kRctlUnicastAll | kRctlMulticastAll);
  };
  start();
  unsigned tail = 0;
  for (int steps = 0; !in.empty() && steps < 300; ++steps) {
    const uint8_t op = in.u8();
    switch (op % 12) {
      case 0:
      case 1:
      case 2: {  // a descriptor that is nearly right
        uint32_t d[4] = {static_cast<uint32_t>(kRam + in.u16()), 0, in.u16() % 3000u, in.u32()};
        d[2] |= in.u32() & 0xff000000;
        if (op & 0x40) d[2] |= kTxExtended | (op & 0x20 ? kTxTypeData : 0);
        if (op & 0x80) d[in.u8() & 3] = in.u32();
        card.memory.write(kTx + 16 * tail, d, sizeof d);
        tail = (tail + 1) % 16;
        card.w(TX_RING + kTail, tail);
        break;
      }
      case 3:
      case 4: {
        std::vector<uint8_t> frame(in.u16() % 2000);
        for (size_t i = 0; i < std::min<size_t>(frame.size(), 64); ++i) frame[i] = in.u8();
        if (frame.size() > 24 && op & 0x40) {
          frame[12] = 8;
          frame[13] = 0;
          frame[14] = 0x45;
        }
        network.receiver(frame);
        break;
      }
      case 5:
        card.w(RX_RING + kTail, in.u8() % 20);
        break;
      case 6: {
        static constexpr uint32_t kInteresting[] = {
            CTRL, EECD, EERD, CTRL_EXT, MDIC, ITR,  ICS,  IMS,   IMC,    EIAC, IAM,
            IVAR, RCTL, TCTL, RDTR,     RADV, TIDV, TADV, RFCTL, RXCSUM, VET,  RX_RING + kHead};
        card.w(kInteresting[in.u8() % std::size(kInteresting)], in.u32());
        break;
      }
      case 7:
        card.w(in.number(3) % 0x20000, in.u64(), in.width(), in.u8() % 3);
        break;
      case 8:
        card.r(in.number(3) % 0x20000, in.width(), in.u8() % 3);
        break;
      case 9:
        clock.time += in.u32();
        events.run_due();
        break;
      case 10:
        card.poke(kRam + in.number(3) % (kSize - 8), in.u64());
        if (op & 0x80) start();
        break;
      default:
        mynah::fuzz::load_saved(*card.card, in, !(op & 0x80));
        break;
    }
  }
  mynah::fuzz::save_and_load(*card.card);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Input in(data, size);
  if (in.u8() & 1) {
    run<E1000>(in);
  } else {
    run<E1000e>(in);
  }
  return 0;
}
