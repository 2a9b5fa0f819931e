// SPDX-License-Identifier: Apache-2.0
//
// e1000 and e1000e by registers, rings and descriptors, as Intel's manuals have them.
#include <gtest/gtest.h>

#include <cstring>
#include <numeric>

#include "devices/net/e1000.h"
#include "devices/net/e1000e.h"
#include "devices/net/ethernet.h"
#include "tests/devices/card_machine.h"

namespace mynah::dev {
namespace {

using namespace e1000;

constexpr Mac kMac = {0x52, 0x54, 0x00, 0x12, 0x34, 0x56};
constexpr uint64_t kRam = 0x40000000, kTx = kRam + 0x1000, kRx = kRam + 0x2000, kTxData = kRam + 0x10000,
                   kRxData = kRam + 0x40000;
constexpr unsigned kEntries = 8;
constexpr uint32_t kMsixTable = 0;

struct Network final : NetBackend {
  void send(std::span<const uint8_t> frame) override { sent.emplace_back(frame.begin(), frame.end()); }
  void attach(Receiver r) override { receiver = std::move(r); }
  void buffers_available() override { ++asked; }
  std::vector<std::vector<uint8_t>> sent;
  Receiver receiver;
  unsigned asked = 0;
};

struct Surroundings {
  ManualClock clock;
  EventQueue events{clock};
  fake::RecordingLog card_log;
  Network network;
};

template <typename Card>
struct Driver : Surroundings, fake::CardMachine<Card> {
  using fake::CardMachine<Card>::r;
  using fake::CardMachine<Card>::w;
  using fake::CardMachine<Card>::poke;
  Driver()
      : fake::CardMachine<Card>(0x80000, events, card_log, network, typename Card::Options{kMac, "net0"}) {}
  void pass(TimeNs by) {
    clock.time += by;
    events.run_due();
  }
  void start(uint32_t rctl = 0) {
    w(TX_RING + kBaseLow, kTx);
    w(TX_RING + kLength, kEntries * 16);
    w(TCTL, kTctlEnable | kTctlPad);
    w(RX_RING + kBaseLow, kRx);
    w(RX_RING + kLength, kEntries * 16);
    for (unsigned i = 0; i < kEntries; ++i) poke(kRx + 16 * i, kRxData + 0x1000 * i);
    w(RX_RING + kTail, kEntries - 1);
    w(RCTL, kRctlEnable | kRctlBroadcast | kRctlStripCrc | rctl);
  }
  void descriptor(uint32_t d0, uint32_t d1, uint32_t d2, uint32_t d3) {
    const uint32_t words[] = {d0, d1, d2, d3};
    this->memory.write(kTx + 16 * tail, words, sizeof words);
    tail = (tail + 1) % kEntries;
  }
  void send() { w(TX_RING + kTail, tail); }
  void put(std::span<const uint8_t> bytes) { this->memory.write(kTxData, bytes.data(), bytes.size()); }
  bool receive(const std::vector<uint8_t>& frame) { return network.receiver(frame); }
  unsigned tail = 0;
};

std::vector<uint8_t> frame(size_t size, const Mac& to = kMac) {
  std::vector<uint8_t> f(size);
  std::iota(f.begin(), f.end(), 0);
  std::copy(to.begin(), to.end(), f.begin());
  f[12] = 0x88;
  f[13] = 0xb5;
  return f;
}

// IPv4 and TCP, or UDP, with right checksums.
std::vector<uint8_t> packet(size_t payload, bool tcp) {
  const size_t transport = tcp ? 20 : 8;
  std::vector<uint8_t> f(34 + transport + payload);
  std::iota(f.begin(), f.end(), 7);
  std::copy(kMac.begin(), kMac.end(), f.begin());
  ethernet::put16(f, 12, 0x0800);
  f[14] = 0x45;
  ethernet::put16(f, 16, static_cast<uint16_t>(f.size() - 14));
  ethernet::put16(f, 20, 0);
  f[23] = tcp ? 6 : 17;
  ethernet::put16(f, 24, 0);
  if (tcp) {
    f[46] = 0x50;
    f[47] = 0x19;  // FIN, PSH, ACK
  } else {
    ethernet::put16(f, 38, static_cast<uint16_t>(8 + payload));
  }
  const size_t at = tcp ? 50 : 40;
  const std::span<uint8_t> s = f;
  ethernet::put16(f, 24, static_cast<uint16_t>(~ethernet::checksum(s.subspan(14, 20))));
  ethernet::put16(f, at, 0);
  const uint32_t pseudo = ethernet::checksum(s.subspan(26, 8)) + f[23] + static_cast<uint32_t>(f.size() - 34);
  ethernet::put16(f, at, static_cast<uint16_t>(~ethernet::checksum(s.subspan(34), pseudo)));
  return f;
}

template <typename Card>
class E1000Cards : public testing::Test {};
using Cards = testing::Types<E1000, E1000e>;
TYPED_TEST_SUITE(E1000Cards, Cards);

TYPED_TEST(E1000Cards, AddressAndLink) {
  Driver<TypeParam> d;
  EXPECT_EQ(d.card->config_read(8, 4) >> 8, 0x020000u);
  EXPECT_EQ(d.r(STATUS) & 0x283, 0x283u);
  EXPECT_EQ(d.r(RAL0), 0x12005452u);
  EXPECT_EQ(d.r(RAH0), 0x80005634u);
  d.w(RAL0, 1);
  d.w(MTA, 7);
  d.w(CTRL, kCtrlReset);
  EXPECT_EQ(d.r(CTRL), 0u);
  EXPECT_EQ(d.r(RAL0), 0x12005452u);
  EXPECT_EQ(d.r(MTA), 0u);
  // The I/O window: an address and what is there.
  const unsigned io = std::is_same_v<TypeParam, E1000> ? 1 : 2;
  d.w(0, RAH0, Width::k4, io);
  EXPECT_EQ(d.r(4, Width::k4, io), 0x80005634u);
  d.w(4, 5, Width::k4, io);
  EXPECT_EQ(d.r(RAH0), 5u);
}

TYPED_TEST(E1000Cards, PhyByMdic) {
  Driver<TypeParam> d;
  d.w(MDIC, kMdicRead | 1u << 21 | 1u << 16);
  EXPECT_EQ(d.r(MDIC), kMdicReady | kMdicRead | 1u << 21 | 1u << 16 | 0x796d);
  d.w(MDIC, kMdicWrite | 1u << 21 | 4u << 16 | 0x1e1);
  d.w(MDIC, kMdicRead | 1u << 21 | 4u << 16);
  EXPECT_EQ(d.r(MDIC) & 0xffff, 0x1e1u);
  d.w(MDIC, kMdicWrite | 1u << 21 | 0u << 16 | 0x8000);  // reset
  d.w(MDIC, kMdicRead | 1u << 21 | 4u << 16);
  EXPECT_EQ(d.r(MDIC) & 0xffff, 0x0de1u);
  d.w(MDIC, kMdicRead | 2u << 21 | 1u << 16);
  EXPECT_TRUE(d.r(MDIC) & kMdicError);
  d.w(IMS, kMdac);
  d.w(MDIC, kMdicInterrupt | kMdicRead | 1u << 21);
  EXPECT_TRUE(d.line());
}

TYPED_TEST(E1000Cards, EepromByWord) {
  Driver<TypeParam> d;
  const bool e = std::is_same_v<TypeParam, E1000e>;
  uint16_t sum = 0;
  for (uint32_t n = 0; n < 64; ++n) {
    d.w(EERD, 1 | n << (e ? 2 : 8));
    const uint64_t value = d.r(EERD);
    EXPECT_TRUE(value & (e ? 2 : 16));
    sum = static_cast<uint16_t>(sum + (value >> 16));
    if (n == 0) {
      EXPECT_EQ(value >> 16, 0x5452u);
    } else if (n == 13) {
      EXPECT_EQ(value >> 16, e ? 0x10d3u : 0x100eu);
    }
  }
  EXPECT_EQ(sum, 0xbaba);
}

TEST(E1000, EepromByWires) {
  Driver<E1000> d;
  d.w(EECD, kEecdRequest);
  EXPECT_TRUE(d.r(EECD) & kEecdGrant);
  const auto bit = [&d](bool in) {
    const uint32_t wires = kEecdRequest | kEecdSelect | (in ? kEecdIn : 0);
    d.w(EECD, wires);
    d.w(EECD, wires | kEecdClock);
    const bool out = d.r(EECD) & kEecdOut;
    d.w(EECD, wires);
    return out;
  };
  const auto read = [&](unsigned address) {
    d.w(EECD, kEecdRequest);
    for (int i = 8; i >= 0; --i) bit((6u << 6 | address) >> i & 1);
    EXPECT_FALSE(d.r(EECD) & kEecdOut);  // the dummy bit
    unsigned value = 0;
    for (int i = 0; i < 16; ++i) value = value << 1 | (bit(false) ? 1 : 0);
    return value;
  };
  EXPECT_EQ(read(0), 0x5452u);
  EXPECT_EQ(read(2), 0x5634u);
  EXPECT_EQ(read(13), 0x100eu);
}

TYPED_TEST(E1000Cards, LegacyTransmit) {
  Driver<TypeParam> d;
  d.start();
  const auto f = frame(100);
  d.put(f);
  d.w(IMS, kTxdw);
  d.descriptor(kTxData, 0, 40, 0);  // in two pieces
  d.descriptor(kTxData + 40, 0, 60 | kTxEop | kTxReport, 0);
  d.send();
  ASSERT_EQ(d.network.sent.size(), 1u);
  EXPECT_EQ(d.network.sent[0], f);
  EXPECT_EQ(d.template peek<uint8_t>(kTx + 12), 0);
  EXPECT_EQ(d.template peek<uint8_t>(kTx + 28), 1);
  EXPECT_EQ(d.r(TX_RING + kHead), 2u);
  EXPECT_TRUE(d.line());
  EXPECT_TRUE(d.r(ICR) & kTxdw);
  EXPECT_FALSE(d.line());
  EXPECT_EQ(d.r(GPTC), 1u);
  EXPECT_EQ(d.r(GPTC), 0u);  // cleared by reading
  EXPECT_EQ(d.r(TOTL), 104u);
  EXPECT_EQ(d.r(PTC64 + 4), 1u);
  // Short ones are padded; one with a checksum from CSS 14 at CSO 20; one with a tag.
  d.put(std::vector<uint8_t>(20, 1));
  d.descriptor(kTxData, 0, 20 | kTxEop, 0);
  d.w(CTRL, kCtrlVlanMode);
  d.put(std::vector<uint8_t>(60, 0));
  d.send();
  EXPECT_EQ(d.network.sent.at(1).size(), 60u);
  std::vector<uint8_t> g(60, 0);
  g[30] = 0x12;
  d.put(g);
  d.descriptor(kTxData, 0, 60 | kTxEop | kTxInsertSum | 20u << 16, 14u << 8);
  d.descriptor(kTxData, 0, 60 | kTxEop | kTxVlan, 0x0123u << 16);
  d.send();
  EXPECT_EQ(ethernet::get16(d.network.sent.at(2), 20), 0xedff);
  EXPECT_EQ(d.network.sent.at(3).size(), 64u);
  EXPECT_EQ(ethernet::get32(d.network.sent.at(3), 12), 0x81000123u);
}

TYPED_TEST(E1000Cards, ChecksumOffload) {
  Driver<TypeParam> d;
  d.start();
  for (const bool tcp : {false, true}) {
    const auto right = packet(100, tcp);
    auto f = right;
    const size_t at = tcp ? 50 : 40;
    const uint32_t pseudo =
        ethernet::checksum(std::span(f).subspan(26, 8)) + f[23] + static_cast<uint32_t>(f.size() - 34);
    ethernet::put16(f, at, ethernet::checksum({}, pseudo));
    ethernet::put16(f, 24, 0x5555);
    d.put(f);
    d.descriptor(14 | 24u << 8 | 33u << 16, 34 | static_cast<uint32_t>(at) << 8, kTxExtended, 0);
    d.descriptor(kTxData, 0, static_cast<uint32_t>(f.size()) | kTxEop | kTxExtended | kTxTypeData, 3u << 8);
    d.send();
    EXPECT_EQ(d.network.sent.back(), right);
  }
}

TYPED_TEST(E1000Cards, Segmentation) {
  Driver<TypeParam> d;
  d.start();
  auto f = packet(2500, true);
  ethernet::put16(f, 50, ethernet::checksum({}, ethernet::checksum(std::span(f).subspan(26, 8)) + 6u));
  d.put(f);
  d.descriptor(14 | 24u << 8 | 33u << 16, 34 | 50u << 8,
               kTxExtended | kTxTse | kContextTcp | kContextIpv4 | 2500, 1000u << 16 | 54u << 8);
  d.descriptor(kTxData, 0, 54 | kTxExtended | kTxTypeData | kTxTse, 3u << 8);
  d.descriptor(kTxData + 54, 0, 2500 | kTxEop | kTxExtended | kTxTypeData | kTxTse, 3u << 8);
  d.send();
  ASSERT_EQ(d.network.sent.size(), 3u);
  for (unsigned n = 0; n < 3; ++n) {
    const auto& s = d.network.sent[n];
    const size_t payload = n < 2 ? 1000 : 500;
    ASSERT_EQ(s.size(), 54 + payload);
    EXPECT_EQ(ethernet::get16(s, 16), 40 + payload);
    EXPECT_EQ(ethernet::get16(s, 18), ethernet::get16(f, 18) + n);
    EXPECT_EQ(ethernet::get32(s, 38), ethernet::get32(f, 38) + 1000 * n);
    EXPECT_EQ(s[47], n < 2 ? 0x10 : 0x19);
    EXPECT_EQ(std::memcmp(&s[54], &f[54 + 1000 * n], payload), 0);
    const ethernet::Checked sums = ethernet::check(s);
    EXPECT_TRUE(sums.ip && sums.ip_right && sums.tcp && sums.right);
  }
  EXPECT_EQ(d.r(TSCTC), 1u);
  // A header that is none.
  d.descriptor(0, 0, kTxExtended | kTxTse | kContextTcp, 0);
  d.descriptor(kTxData, 0, 54 | kTxEop | kTxExtended | kTxTypeData | kTxTse, 3u << 8);
  d.send();
  EXPECT_EQ(d.network.sent.size(), 3u);
  EXPECT_EQ(d.card_log.errors.size(), 1u);
}

TYPED_TEST(E1000Cards, TransmitRingsThatAreNone) {
  Driver<TypeParam> d;
  d.start();
  d.w(TX_RING + kTail, 4000);
  EXPECT_EQ(d.card_log.errors.size(), 1u);
  d.w(TX_RING + kBaseLow, 0x1000);
  d.w(TX_RING + kTail, 3);
  EXPECT_EQ(d.card_log.errors.size(), 2u);
  d.w(TX_RING + kBaseLow, kTx);
  d.w(TX_RING + kHead, 0);
  d.descriptor(0x100, 0, 64 | kTxEop, 0);  // the buffer is not in RAM
  d.send();
  EXPECT_TRUE(d.network.sent.empty());
  EXPECT_EQ(d.r(TX_RING + kHead), 1u);
  // A full ring of the longest pieces goes on by events.
  for (unsigned i = 0; i < kEntries; ++i) d.descriptor(kRam, 0, 0x70000 | kTxExtended | kTxTypeData, 0);
  d.send();
  for (unsigned i = 0; i < 10; ++i) d.pass(1'000'000);
  EXPECT_EQ(d.r(TX_RING + kHead), d.r(TX_RING + kTail));
}

TYPED_TEST(E1000Cards, Receive) {
  Driver<TypeParam> d;
  EXPECT_TRUE(d.receive(frame(100)));  // nobody listens
  d.start();
  d.w(IMS, kRxt0);
  const auto f = frame(100);
  EXPECT_TRUE(d.receive(f));
  EXPECT_EQ(std::memcmp(d.memory.at(kRxData), f.data(), f.size()), 0);
  EXPECT_EQ(d.template peek<uint16_t>(kRx + 8), 100);
  EXPECT_EQ(d.template peek<uint8_t>(kRx + 12), 3);
  EXPECT_EQ(d.r(RX_RING + kHead), 1u);
  EXPECT_TRUE(d.line());
  EXPECT_TRUE(d.r(ICR) & kRxt0);
  EXPECT_FALSE(d.line());
  EXPECT_EQ(d.r(GPRC), 1u);
  EXPECT_EQ(d.r(GORCL), 104u);
  EXPECT_EQ(d.r(PRC64 + 4), 1u);
  // With its FCS, in buffers of 256 bytes.
  d.w(RCTL, kRctlEnable | 3u << 16);
  EXPECT_TRUE(d.receive(frame(600)));
  EXPECT_EQ(d.template peek<uint16_t>(kRx + 16 + 8), 256);
  EXPECT_EQ(d.template peek<uint8_t>(kRx + 16 + 12), 1);
  EXPECT_EQ(d.template peek<uint16_t>(kRx + 48 + 8), 604 - 512);
  EXPECT_EQ(d.template peek<uint8_t>(kRx + 48 + 12), 3);
  const auto g = frame(600);
  EXPECT_EQ(d.template peek<uint32_t>(kRxData + 0x3000 + 600 - 512), ethernet::frame_check_sequence(g));
  // Three are left: a frame of four buffers waits.
  EXPECT_FALSE(d.receive(frame(1000)));
  d.network.asked = 0;
  d.w(RX_RING + kTail, 3);
  EXPECT_EQ(d.network.asked, 1u);
  EXPECT_TRUE(d.receive(frame(1000)));
  EXPECT_EQ(d.r(RX_RING + kHead), 0u);
  EXPECT_EQ(d.r(TPR), 3u);
}

TYPED_TEST(E1000Cards, Filters) {
  Driver<TypeParam> d;
  const auto taken = [&d](const Mac& to) {
    d.w(RX_RING + kTail, (d.r(RX_RING + kHead) + kEntries - 1) % kEntries);
    const uint64_t before = d.r(RX_RING + kHead);
    d.receive(frame(64, to));
    return d.r(RX_RING + kHead) != before;
  };
  const Mac other = {2, 0, 0, 0, 0, 1}, all = {255, 255, 255, 255, 255, 255},
            group = {1, 0, 0x5e, 0, 0x12, 0xfb};
  d.start();
  EXPECT_TRUE(taken(kMac));
  EXPECT_TRUE(taken(all));
  EXPECT_FALSE(taken(other));
  EXPECT_FALSE(taken(group));
  d.w(RAL0 + 8 * 5, 2);
  d.w(RAH0 + 8 * 5, 0x0100 | kRahValid);
  EXPECT_TRUE(taken(other));
  d.w(MTA + 4 * (0xfb1 >> 5), 1u << (0xfb1 & 31));
  EXPECT_TRUE(taken(group));
  d.w(RCTL, kRctlEnable | 3u << 12);  // the other twelve bits
  EXPECT_FALSE(taken(group));
  EXPECT_FALSE(taken(all));
  d.w(MTA + 4 * (0xb12 >> 5), 1u << (0xb12 & 31));
  EXPECT_TRUE(taken(group));
  d.w(RCTL, kRctlEnable | kRctlMulticastAll);
  EXPECT_TRUE(taken(all));
  d.w(RAH0 + 8 * 5, 0);
  EXPECT_FALSE(taken(other));
  d.w(RCTL, kRctlEnable | kRctlUnicastAll);
  EXPECT_TRUE(taken(other));

  // VLAN: filtered by its table, and the tag in the descriptor.
  auto f = frame(80);
  ethernet::put32(f, 12, 0x81002123);
  d.w(RCTL, kRctlEnable | kRctlVlanFilter | kRctlStripCrc);
  const uint64_t head = d.r(RX_RING + kHead);
  d.receive(f);
  EXPECT_EQ(d.r(RX_RING + kHead), head);
  d.w(VFTA + 4 * (0x123 >> 5), 1u << (0x123 & 31));
  d.w(CTRL, kCtrlVlanMode);
  d.receive(f);
  EXPECT_EQ(d.template peek<uint16_t>(kRx + 16 * head + 8), 76);
  EXPECT_EQ(d.template peek<uint8_t>(kRx + 16 * head + 12), 0xb);
  EXPECT_EQ(d.template peek<uint16_t>(kRx + 16 * head + 14), 0x2123);
  // Too long.
  d.receive(frame(1600));
  EXPECT_EQ(d.r(ROC), 1u);
}

TYPED_TEST(E1000Cards, ReceiveChecksums) {
  Driver<TypeParam> d;
  d.start();
  d.w(RXCSUM, kRxcsumIp | kRxcsumTcp);
  auto f = packet(50, true);
  d.receive(f);
  EXPECT_EQ(d.template peek<uint16_t>(kRx + 12), 0x0063);
  f[60] ^= 1;
  d.receive(f);
  EXPECT_EQ(d.template peek<uint16_t>(kRx + 16 + 12), 0x2063);
  f[15] ^= 1;
  d.receive(f);
  EXPECT_EQ(d.template peek<uint16_t>(kRx + 32 + 12), 0x6063);
}

TYPED_TEST(E1000Cards, Delays) {
  Driver<TypeParam> d;
  d.start();
  d.w(IMS, kRxt0 | kTxdw);
  d.w(RDTR, 10);
  d.w(RADV, 25);
  d.receive(frame(64));
  EXPECT_FALSE(d.line());
  d.pass(9'000);
  d.receive(frame(64));
  d.pass(9'000);
  EXPECT_FALSE(d.line());
  d.receive(frame(64));
  d.pass(8'000);  // the bound
  EXPECT_TRUE(d.line());
  d.r(ICR);
  d.receive(frame(64));
  d.pass(11'000);
  EXPECT_TRUE(d.line());
  d.r(ICR);
  d.receive(frame(64));
  d.w(RDTR, 10 | kFlushDelayed);
  EXPECT_TRUE(d.line());
  d.r(ICR);
  d.w(TIDV, 10);
  d.descriptor(kTxData, 0, 64 | kTxEop | kTxReport | kTxDelay, 0);
  d.send();
  EXPECT_FALSE(d.line());
  d.pass(11'000);
  EXPECT_TRUE(d.line());
  d.r(ICR);
  // The distance of two interrupts.
  d.w(ITR, 100);
  d.pass(1'000'000);
  d.w(ICS, kTxdw);
  EXPECT_TRUE(d.line());
  d.r(ICR);
  d.w(ICS, kTxdw);
  EXPECT_FALSE(d.line());
  d.pass(25'600);
  EXPECT_TRUE(d.line());
}

TYPED_TEST(E1000Cards, Loopback) {
  Driver<TypeParam> d;
  d.start();
  d.w(MDIC, kMdicWrite | 1u << 21 | 0x4140);
  d.put(frame(64));
  d.descriptor(kTxData, 0, 64 | kTxEop, 0);
  d.send();
  EXPECT_TRUE(d.network.sent.empty());
  EXPECT_EQ(d.r(RX_RING + kHead), 1u);
}

TYPED_TEST(E1000Cards, SaveAndRestore) {
  Driver<TypeParam> a, b;
  a.start();
  a.w(IMS, kRxt0);
  a.w(RDTR, 10);
  a.receive(frame(64));
  a.put(frame(64));
  a.descriptor(kTxData, 0, 32, 0);  // half a frame
  a.send();
  b.memory.ram = a.memory.ram;
  const auto card = fake::save(*a.card), events = fake::save(a.events);
  ASSERT_TRUE(fake::load(*b.card, card) && fake::load(b.events, events));
  EXPECT_EQ(fake::save(*b.card), card);
  b.tail = a.tail;
  b.descriptor(kTxData + 32, 0, 32 | kTxEop, 0);
  b.send();
  EXPECT_EQ(b.network.sent.at(0), frame(64));
  b.pass(11'000);
  EXPECT_TRUE(b.line());
}

TEST(E1000e, MsixByIvar) {
  Driver<E1000e> d;
  d.enable_msix(5, 3, kMsixTable);
  d.start();
  // RxQ0 to vector 0, TxQ0 to 1, the rest to 2.
  d.w(IVAR, 8 | 9u << 8 | 10u << 16);
  d.w(EIAC, kRxq0);
  d.w(IMS, kRxq0 | kTxq0 | kOther | kLsc);
  d.receive(frame(64));
  EXPECT_EQ(d.messages_of(0), 1u);
  EXPECT_FALSE(d.r(ICS) & kRxq0);  // taken by the message
  d.descriptor(kTxData, 0, 64 | kTxEop | kTxReport, 0);
  d.send();
  EXPECT_EQ(d.messages_of(1), 1u);
  EXPECT_TRUE(d.r(ICS) & kTxq0);
  d.w(CTRL_EXT, kExtEiame);
  d.w(IAM, kOther);
  d.w(ICS, kLsc);
  EXPECT_EQ(d.messages_of(2), 1u);
  EXPECT_FALSE(d.r(IMS) & kOther);
  EXPECT_TRUE(d.r(ICR) & kLsc);
  d.w(ICS, kLsc);
  EXPECT_EQ(d.messages_of(2), 0u);
  d.w(IMS, kOther);
  EXPECT_EQ(d.messages_of(2), 1u);
  // EITR keeps messages of a vector apart.
  d.w(EITR, 100);
  d.receive(frame(64));
  d.receive(frame(64));
  EXPECT_EQ(d.messages_of(0), 1u);
  d.pass(25'600);
  EXPECT_EQ(d.messages_of(0), 1u);
  EXPECT_FALSE(d.line());
}

TEST(E1000e, ExtendedReceiveDescriptors) {
  Driver<E1000e> d;
  d.start();
  d.w(RFCTL, kRfctlExtended);
  d.w(RXCSUM, kRxcsumIp | kRxcsumTcp);
  auto f = packet(50, true);
  f[60] ^= 1;
  d.receive(f);
  EXPECT_EQ(d.peek<uint64_t>(kRx), 0u);
  EXPECT_EQ(d.peek<uint32_t>(kRx + 8), 0x2000'0063u);
  EXPECT_EQ(d.peek<uint16_t>(kRx + 12), f.size());
}

TEST(E1000e, CausesAreTakenAsTheManualHasIt) {
  Driver<E1000e> d;
  d.start();
  d.w(ICS, kLsc);
  EXPECT_EQ(d.r(ICR), kLsc | kOther);
  EXPECT_EQ(d.r(ICR), 0u);  // all masked: taken
  d.w(IMS, kTxdw);
  d.w(ICS, kLsc);
  EXPECT_EQ(d.r(ICR), kLsc | kOther);  // not asserted: kept
  EXPECT_EQ(d.r(ICR), kLsc | kOther);
  d.w(CTRL_EXT, kExtIame);
  d.w(IAM, ~0u);
  d.w(ICS, kTxdw);
  EXPECT_TRUE(d.line());
  EXPECT_EQ(d.r(ICR), kIntAsserted | kLsc | kOther | kTxdw | kTxq0);
  EXPECT_EQ(d.r(IMS), 0u);
  EXPECT_FALSE(d.line());
}

}  // namespace
}  // namespace mynah::dev
