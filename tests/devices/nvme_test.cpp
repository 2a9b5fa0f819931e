// SPDX-License-Identifier: Apache-2.0
//
// NVMe by registers, queues and commands, as NVM Express 1.4 has them.
#include "devices/storage/nvme.h"

#include <gtest/gtest.h>

#include <cstring>
#include <numeric>
#include <string>

#include "tests/devices/card_machine.h"

namespace mynah::dev {
namespace {

using nvme::Command;
using nvme::Completion;

constexpr uint64_t kRam = fake::CardMachine<Nvme>::kRam, kAdminSq = kRam + 0x1000, kAdminCq = kRam + 0x2000,
                   kIoSq = kRam + 0x3000, kIoCq = kRam + 0x4000, kData = kRam + 0x10000,
                   kList = kRam + 0x8000;
constexpr unsigned kEntries = 16;

struct Disks {
  fake::RecordingLog log_of_card;
  fake::Disk disk{1 << 20}, second{64 << 10};
};

struct Driver : Disks, fake::CardMachine<Nvme> {
  explicit Driver(Nvme::Options options = {.serial = "disk-1"})
      : CardMachine(0x200000, log_of_card, std::vector<BlockBackend*>{&disk, &second}, std::move(options)) {
    std::iota(disk.data.begin(), disk.data.end(), 0);
    for (size_t i = 0; i < disk.data.size(); i += 512) disk.data[i] = static_cast<uint8_t>(i / 512);
  }
  void enable() {
    w(nvme::kAqa, (kEntries - 1) << 16 | (kEntries - 1));
    w(nvme::kAsq, kAdminSq, Width::k8);
    w(nvme::kAcq, kAdminCq, Width::k8);
    w(nvme::kCc, 0x0046'0001);
  }
  void create_queues(unsigned vector = 0) {
    EXPECT_EQ(admin({.opcode = 5, .prp1 = kIoCq, .dw10 = (kEntries - 1) << 16 | 1, .dw11 = vector << 16 | 3}),
              0);
    EXPECT_EQ(admin({.opcode = 1, .prp1 = kIoSq, .dw10 = (kEntries - 1) << 16 | 1, .dw11 = 1u << 16 | 1}), 0);
  }
  struct Queue {
    uint64_t sq, cq;
    unsigned n, tail = 0, head = 0;
    bool phase = true;
  };
  void submit(Queue& q, Command c) {
    c.id = next_id++;
    poke(q.sq + 64 * q.tail, c);
    q.tail = (q.tail + 1) % kEntries;
    w(0x1000 + 8 * q.n, q.tail);
  }
  bool has_completion(const Queue& q) { return (peek<Completion>(q.cq + 16 * q.head).status & 1) == q.phase; }
  Completion take(Queue& q) {
    EXPECT_TRUE(has_completion(q));
    const Completion done = peek<Completion>(q.cq + 16 * q.head);
    if (++q.head == kEntries) {
      q.head = 0;
      q.phase = !q.phase;
    }
    w(0x1004 + 8 * q.n, q.head);
    return done;
  }
  int run(Queue& q, const Command& c) {
    submit(q, c);
    last = take(q);
    EXPECT_EQ(last.command_id, next_id - 1);
    EXPECT_EQ(last.sq_id, q.n);
    return last.status >> 1;
  }
  int admin(const Command& c) { return run(admin_queue, c); }
  int io(const Command& c) { return run(io_queue, c); }
  std::string text(uint64_t pa, size_t n) { return {reinterpret_cast<const char*>(memory.at(pa)), n}; }

  Queue admin_queue{kAdminSq, kAdminCq, 0}, io_queue{kIoSq, kIoCq, 1};
  uint16_t next_id = 1;
  Completion last{};
};

TEST(Nvme, Identification) {
  Driver d;
  EXPECT_EQ(d.card->config_read(0, 4), 0x0010'1b36u);
  EXPECT_EQ(d.card->config_read(8, 4) >> 8, 0x010802u);
  EXPECT_EQ(d.r(0, Width::k8), 0x0040'0020'0f01'07ffu);
  EXPECT_EQ(d.r(4), 0x0040'0020u);
  EXPECT_EQ(d.r(8), 0x0001'0400u);
  EXPECT_EQ(d.r(nvme::kCsts), 0u);
  d.enable();
  EXPECT_EQ(d.r(nvme::kCsts), 1u);
  d.w(nvme::kCc, 0x0046'0000);
  EXPECT_EQ(d.r(nvme::kCsts), 0u);
  EXPECT_EQ(d.r(nvme::kAsq, Width::k8), kAdminSq);
}

TEST(Nvme, WrongConfigurationsAreFatal) {
  for (const auto& [reg, value] : {std::pair{nvme::kAqa, 0x000f'0000u}, {nvme::kAqa, 0x0000'000fu}}) {
    Driver d;
    d.w(nvme::kAsq, kAdminSq, Width::k8);
    d.w(nvme::kAcq, kAdminCq, Width::k8);
    d.w(reg, value);
    d.w(nvme::kCc, 1);
    EXPECT_EQ(d.r(nvme::kCsts), 2u);
    d.w(nvme::kCc, 0);
    EXPECT_EQ(d.r(nvme::kCsts), 0u);
  }
  for (const uint32_t cc : {0x0046'0781u, 0x0046'0011u, 0x0046'0801u}) {
    Driver d;
    d.enable();
    d.w(nvme::kCc, 0);
    d.w(nvme::kCc, cc);
    EXPECT_EQ(d.r(nvme::kCsts), 2u) << cc;
  }
}

TEST(Nvme, Identify) {
  Driver d;
  d.enable();
  ASSERT_EQ(d.admin({.opcode = 6, .prp1 = kData, .dw10 = 1}), 0);
  EXPECT_EQ(d.peek<uint16_t>(kData), 0x1b36);
  EXPECT_EQ(d.text(kData + 4, 20), "disk-1              ");
  EXPECT_EQ(d.text(kData + 24, 22), "Mynah NVMe Controller ");
  EXPECT_EQ(d.peek<uint8_t>(kData + 77), 7);
  EXPECT_EQ(d.peek<uint32_t>(kData + 516), 2u);
  EXPECT_EQ(d.peek<uint32_t>(kData + 536), 0u);  // SGLS
  ASSERT_EQ(d.admin({.opcode = 6, .nsid = 1, .prp1 = kData}), 0);
  EXPECT_EQ(d.peek<uint64_t>(kData), 2048u);
  EXPECT_EQ(d.peek<uint8_t>(kData + 130), 9);
  // Across a page: the rest in PRP 2.
  ASSERT_EQ(d.admin({.opcode = 6, .prp1 = kData + 0x1800, .prp2 = kData + 0x4000, .dw10 = 2}), 0);
  EXPECT_EQ(d.peek<uint32_t>(kData + 0x1800), 1u);
  EXPECT_EQ(d.peek<uint32_t>(kData + 0x1804), 2u);
  EXPECT_EQ(d.peek<uint32_t>(kData + 0x1808), 0u);
  ASSERT_EQ(d.admin({.opcode = 6, .nsid = 2, .prp1 = kData, .dw10 = 3}), 0);
  EXPECT_EQ(d.peek<uint32_t>(kData), 0x0801u);
  EXPECT_EQ(d.peek<uint8_t>(kData + 4), 0x52);
  EXPECT_EQ(d.admin({.opcode = 6, .nsid = 3, .prp1 = kData}), nvme::kInvalidNamespace);
  EXPECT_EQ(d.admin({.opcode = 6, .prp1 = kData, .dw10 = 0x77}), nvme::kInvalidField);
  EXPECT_EQ(d.admin({.opcode = 6, .prp1 = kData + 2, .dw10 = 1}), nvme::kInvalidPrpOffset);
  EXPECT_EQ(d.admin({.opcode = 6, .prp1 = 0x1000, .dw10 = 1}), nvme::kDataTransferError);
  EXPECT_EQ(d.admin({.opcode = 6, .flags = 0x40, .prp1 = kData, .dw10 = 1}), nvme::kInvalidField);  // SGL
  EXPECT_EQ(d.admin({.opcode = 0x7f}), nvme::kInvalidOpcode);
}

TEST(Nvme, ReadAndWrite) {
  Driver d;
  d.enable();
  d.create_queues();
  ASSERT_EQ(d.io({.opcode = 2, .nsid = 1, .prp1 = kData + 0x200, .dw10 = 5, .dw12 = 1}), 0);
  EXPECT_EQ(std::memcmp(d.memory.at(kData + 0x200), &d.disk.data[5 * 512], 1024), 0);

  std::memset(d.memory.at(kData), 0x5a, 0x2000);
  ASSERT_EQ(
      d.io({.opcode = 1, .nsid = 1, .prp1 = kData + 0x800, .prp2 = kData + 0x1000, .dw10 = 100, .dw12 = 7}),
      0);
  EXPECT_EQ(d.disk.data[100 * 512], 0x5a);
  EXPECT_EQ(d.disk.data[108 * 512 - 1], 0x5a);
  EXPECT_NE(d.disk.data[108 * 512], 0x5a);
  EXPECT_EQ(d.second.writes, 0u);

  // A list, by pages in falling order, that begins four bytes before the end of its page and goes on in
  // another.
  constexpr unsigned kPages = 5;
  d.poke(kList + 0xff0, kData + 0x9000);
  d.poke(kList + 0xff8, kList + 0x2000);
  for (unsigned i = 0; i < kPages - 2; ++i) d.poke(kList + 0x2000 + 8 * i, kData + 0x8000 - 0x1000 * i);
  ASSERT_EQ(
      d.io({.opcode = 2, .nsid = 1, .prp1 = kData, .prp2 = kList + 0xff0, .dw10 = 8, .dw12 = 8 * kPages - 1}),
      0);
  EXPECT_EQ(std::memcmp(d.memory.at(kData), &d.disk.data[8 * 512], 4096), 0);
  EXPECT_EQ(std::memcmp(d.memory.at(kData + 0x9000), &d.disk.data[16 * 512], 4096), 0);
  EXPECT_EQ(std::memcmp(d.memory.at(kData + 0x6000), &d.disk.data[40 * 512], 4096), 0);
}

TEST(Nvme, WhatTheHostDoesLaterCompletesLater) {
  Driver d;
  d.enable();
  d.create_queues();
  d.disk.defers = true;
  d.submit(d.io_queue, {.opcode = 2, .nsid = 1, .prp1 = kData, .dw10 = 5, .dw12 = 1});
  d.submit(d.io_queue, {.opcode = 0, .nsid = 1});
  EXPECT_EQ(d.io({.opcode = 2, .nsid = 2, .prp1 = kData + 0x2000}), 0);  // another disk's overtakes
  EXPECT_FALSE(d.has_completion(d.io_queue));
  EXPECT_EQ(d.disk.waiting(), 2u);
  d.disk.settle();
  EXPECT_EQ(std::memcmp(d.memory.at(kData), &d.disk.data[5 * 512], 1024), 0);
  EXPECT_EQ(d.take(d.io_queue).command_id, d.next_id - 3);
  EXPECT_EQ(d.take(d.io_queue).command_id, d.next_id - 2);
  EXPECT_FALSE(d.has_completion(d.io_queue));
}

TEST(Nvme, CommandsThatWaitHaveRoomForTheirCompletions) {
  Driver d;
  d.enable();
  d.create_queues();
  d.disk.defers = true;
  // A completion queue of 16 holds 15.
  for (unsigned i = 0; i < 15; ++i) d.submit(d.io_queue, {.opcode = 2, .nsid = 1, .prp1 = kData});
  d.submit(d.io_queue, {.opcode = 2, .nsid = 1, .prp1 = kData});
  EXPECT_EQ(d.disk.waiting(), 15u);
  d.disk.settle();
  EXPECT_EQ(d.disk.waiting(), 0u);
  for (unsigned i = 0; i < 15; ++i) EXPECT_EQ(d.take(d.io_queue).status >> 1, 0);
  EXPECT_EQ(d.disk.waiting(), 1u);
  d.disk.settle();
  EXPECT_EQ(d.take(d.io_queue).status >> 1, 0);
}

TEST(Nvme, RequestsEndBeforeTheQueueAndTheController) {
  Driver d;
  d.enable();
  d.create_queues();
  d.disk.defers = true;
  d.submit(d.io_queue, {.opcode = 2, .nsid = 1, .prp1 = kData, .dw10 = 5});
  EXPECT_EQ(d.admin({.opcode = 0, .dw10 = 1}), 0);
  EXPECT_EQ(d.disk.waiting(), 0u);
  EXPECT_TRUE(d.has_completion(d.io_queue));
  d.take(d.io_queue);
  d.io_queue.tail = 0;
  EXPECT_EQ(d.admin({.opcode = 1, .prp1 = kIoSq, .dw10 = (kEntries - 1) << 16 | 1, .dw11 = 1u << 16 | 1}), 0);
  d.submit(d.io_queue, {.opcode = 2, .nsid = 1, .prp1 = kData + 0x1000, .dw10 = 6});
  d.w(nvme::kCc, 0);
  EXPECT_EQ(d.disk.waiting(), 0u);
  EXPECT_EQ(std::memcmp(d.memory.at(kData + 0x1000), &d.disk.data[6 * 512], 512), 0);
}

TEST(Nvme, WrongTransfers) {
  Driver d;
  d.enable();
  d.create_queues();
  EXPECT_EQ(d.io({.opcode = 2, .nsid = 3, .prp1 = kData}), nvme::kInvalidNamespace);
  EXPECT_EQ(d.io({.opcode = 2, .nsid = 0, .prp1 = kData}), nvme::kInvalidNamespace);
  EXPECT_EQ(d.io({.opcode = 2, .nsid = 1, .prp1 = kData, .dw10 = 2048}), nvme::kLbaOutOfRange);
  EXPECT_EQ(d.io({.opcode = 2, .nsid = 1, .prp1 = kData, .dw10 = 2047, .dw12 = 1}), nvme::kLbaOutOfRange);
  EXPECT_EQ(d.io({.opcode = 2, .nsid = 1, .prp1 = kData, .dw10 = ~0u, .dw11 = ~0u}), nvme::kLbaOutOfRange);
  EXPECT_EQ(d.io({.opcode = 2, .nsid = 1, .prp1 = kData, .dw12 = 1024}), nvme::kInvalidField);  // MDTS
  EXPECT_EQ(d.io({.opcode = 2, .nsid = 1, .prp1 = 0}), nvme::kDataTransferError);
  EXPECT_EQ(d.io({.opcode = 2, .nsid = 1, .prp1 = kData, .prp2 = 4, .dw12 = 15}), nvme::kInvalidPrpOffset);
  EXPECT_EQ(d.io({.opcode = 2, .nsid = 1, .prp1 = kData, .prp2 = 0x1000, .dw12 = 31}),
            nvme::kDataTransferError);
  // A list that leads to itself.
  d.poke(kList + 0xff8, kList + 0xff8);
  EXPECT_EQ(d.io({.opcode = 2, .nsid = 1, .prp1 = kData, .prp2 = kList + 0xff8, .dw12 = 31}),
            nvme::kInvalidPrpOffset);
  EXPECT_EQ(d.io({.opcode = 0x55, .nsid = 1}), nvme::kInvalidOpcode);
  d.disk.only_read = true;
  EXPECT_EQ(d.io({.opcode = 1, .nsid = 1, .prp1 = kData}), nvme::kWriteProtected);
  EXPECT_EQ(d.io({.opcode = 8, .nsid = 1}), nvme::kWriteProtected);
  d.disk.only_read = false;
  d.disk.broken = true;
  EXPECT_EQ(d.io({.opcode = 1, .nsid = 1, .prp1 = kData}), nvme::kWriteFault);
  EXPECT_EQ(d.io({.opcode = 2, .nsid = 1, .prp1 = kData}), nvme::kUnrecoveredRead);
  EXPECT_EQ(d.io({.opcode = 0, .nsid = 1}), nvme::kWriteFault);
  EXPECT_EQ(d.io({.opcode = 0, .nsid = 2}), 0);
  EXPECT_EQ(d.r(nvme::kCsts), 1u);
}

TEST(Nvme, ZeroesDeallocationCompare) {
  Driver d;
  d.enable();
  d.create_queues();
  ASSERT_EQ(d.io({.opcode = 8, .nsid = 1, .dw10 = 10, .dw12 = 1}), 0);
  EXPECT_EQ(std::count(d.disk.data.begin() + 5120, d.disk.data.begin() + 6144, 0), 1024);
  std::memcpy(d.memory.at(kData), &d.disk.data[0], 512);
  EXPECT_EQ(d.io({.opcode = 5, .nsid = 1, .prp1 = kData}), 0);
  *d.memory.at(kData + 511) ^= 1;
  EXPECT_EQ(d.io({.opcode = 5, .nsid = 1, .prp1 = kData}), nvme::kCompareFailure);
  const uint32_t ranges[] = {0, 8, 16, 0, 0, 1, 2047, 0};
  d.memory.write(kData, ranges, sizeof ranges);
  EXPECT_EQ(d.io({.opcode = 9, .nsid = 1, .prp1 = kData, .dw10 = 1, .dw11 = 4}), 0);
  d.poke(kData + 24, uint64_t{2048});
  EXPECT_EQ(d.io({.opcode = 9, .nsid = 1, .prp1 = kData, .dw10 = 1, .dw11 = 4}), nvme::kLbaOutOfRange);
  EXPECT_EQ(d.io({.opcode = 9, .nsid = 1, .prp1 = kData, .dw10 = 1}), 0);  // hints alone
}

TEST(Nvme, Queues) {
  Driver d;
  d.enable();
  const auto cq = [&d](uint32_t id, uint32_t size, uint32_t dw11, uint64_t pa = kIoCq) {
    return d.admin({.opcode = 5, .prp1 = pa, .dw10 = (size - 1) << 16 | id, .dw11 = dw11});
  };
  const auto sq = [&d](uint32_t id, uint32_t size, uint32_t dw11, uint64_t pa = kIoSq) {
    return d.admin({.opcode = 1, .prp1 = pa, .dw10 = (size - 1) << 16 | id, .dw11 = dw11});
  };
  EXPECT_EQ(cq(0, 16, 3), nvme::kInvalidQueueId);
  EXPECT_EQ(cq(65, 16, 3), nvme::kInvalidQueueId);
  EXPECT_EQ(cq(1, 1, 3), nvme::kInvalidQueueSize);
  EXPECT_EQ(cq(1, 2049, 3), nvme::kInvalidQueueSize);
  EXPECT_EQ(cq(1, 16, 2), nvme::kInvalidField);
  EXPECT_EQ(cq(1, 16, 1u << 16 | 3), nvme::kInvalidVector);  // without MSI-X there is one
  EXPECT_EQ(cq(1, 16, 3, kIoCq + 8), nvme::kInvalidPrpOffset);
  EXPECT_EQ(sq(1, 16, 1u << 16 | 1), nvme::kCompletionQueueInvalid);
  EXPECT_EQ(cq(1, 16, 3), 0);
  EXPECT_EQ(cq(1, 16, 3), nvme::kInvalidQueueId);
  EXPECT_EQ(sq(1, 16, 1), nvme::kCompletionQueueInvalid);
  EXPECT_EQ(sq(1, 16, 1u << 16 | 1), 0);
  EXPECT_EQ(sq(2, 16, 1u << 16 | 1, kIoSq + 0x2000), 0);  // two may share a completion queue
  EXPECT_EQ(d.admin({.opcode = 4, .dw10 = 1}), nvme::kInvalidQueueDeletion);
  EXPECT_EQ(d.admin({.opcode = 0, .dw10 = 1}), 0);
  EXPECT_EQ(d.admin({.opcode = 0, .dw10 = 2}), 0);
  EXPECT_EQ(d.admin({.opcode = 0, .dw10 = 2}), nvme::kInvalidQueueId);
  EXPECT_EQ(d.admin({.opcode = 4, .dw10 = 1}), 0);
}

TEST(Nvme, AFullCompletionQueueWaits) {
  Driver d;
  d.enable();
  d.create_queues();
  for (unsigned i = 0; i < kEntries - 1; ++i) d.submit(d.io_queue, {.opcode = 0, .nsid = 1});
  d.submit(d.io_queue, {.opcode = 8, .nsid = 1, .dw10 = 20});  // has no room for its completion
  EXPECT_NE(d.disk.data[20 * 512], 0);
  d.take(d.io_queue);
  EXPECT_EQ(d.disk.data[20 * 512], 0);
  for (unsigned i = 0; i < kEntries - 1; ++i) EXPECT_EQ(d.take(d.io_queue).status >> 1, 0);
  EXPECT_FALSE(d.has_completion(d.io_queue));
}

TEST(Nvme, Interrupts) {
  Driver d;
  d.enable();
  d.create_queues();
  EXPECT_FALSE(d.line());
  d.submit(d.io_queue, {.opcode = 0, .nsid = 1});
  EXPECT_TRUE(d.line());
  d.w(nvme::kIntms, 1);
  EXPECT_FALSE(d.line());
  EXPECT_EQ(d.r(nvme::kIntms), 1u);
  d.w(nvme::kIntmc, 1);
  EXPECT_TRUE(d.line());
  d.take(d.io_queue);
  EXPECT_FALSE(d.line());

  Driver m;
  m.enable_msix(65, 0, 0x2000);
  m.enable();
  m.create_queues(7);
  EXPECT_EQ(m.messages_of(0), 2u);
  m.io({.opcode = 0, .nsid = 1});
  EXPECT_EQ(m.messages_of(7), 1u);
  EXPECT_FALSE(m.line());
}

TEST(Nvme, Features) {
  Driver d;
  d.enable();
  const auto get = [&d](uint32_t dw10, uint32_t dw11 = 0) {
    EXPECT_EQ(d.admin({.opcode = 10, .dw10 = dw10, .dw11 = dw11}), 0) << dw10;
    return d.last.result;
  };
  const auto set = [&d](uint32_t dw10, uint32_t dw11) {
    return d.admin({.opcode = 9, .dw10 = dw10, .dw11 = dw11});
  };
  EXPECT_EQ(set(7, 3 << 16 | 3), 0);
  EXPECT_EQ(d.last.result, 63u << 16 | 63);
  EXPECT_EQ(set(7, 0xffff), nvme::kInvalidField);
  EXPECT_EQ(get(6), 1u);
  EXPECT_EQ(set(6, 0), 0);
  EXPECT_EQ(get(6), 0u);
  EXPECT_EQ(get(6 | 1 << 8), 1u);  // the default
  EXPECT_EQ(get(6 | 3 << 8), 4u);  // can be changed, not saved
  EXPECT_EQ(set(6 | 1u << 31, 0), nvme::kNotSaveable);
  EXPECT_EQ(set(9, 5 | 1 << 16), 0);
  EXPECT_EQ(get(9, 5), 5u | 1 << 16);
  EXPECT_EQ(set(9, 65), nvme::kInvalidField);
  EXPECT_EQ(get(4), 343u);
  EXPECT_EQ(set(4, 1u << 20 | 200), 0);
  EXPECT_EQ(get(4, 1u << 20), 200u);
  EXPECT_EQ(set(4, 2u << 20), nvme::kInvalidField);
  EXPECT_EQ(set(2, 1), nvme::kInvalidField);
  EXPECT_EQ(set(0x55, 1), nvme::kInvalidField);
  // A controller reset brings the defaults back.
  d.w(nvme::kCc, 0);
  Driver::Queue& q = d.admin_queue;
  q = {kAdminSq, kAdminCq, 0};
  std::memset(d.memory.at(kAdminCq), 0, 0x100);
  d.enable();
  EXPECT_EQ(get(6), 1u);
}

TEST(Nvme, AsynchronousEvents) {
  Driver d;
  d.enable();
  for (unsigned i = 0; i < 4; ++i) {
    d.submit(d.admin_queue, {.opcode = 12});
    EXPECT_FALSE(d.has_completion(d.admin_queue));
  }
  EXPECT_EQ(d.admin({.opcode = 12}), nvme::kTooManyAsyncEvents);
  d.w(0x1000 + 8 * 9, 1);  // doorbell of no queue
  Completion event = d.take(d.admin_queue);
  EXPECT_EQ(event.command_id, 1);
  EXPECT_EQ(event.result, 0x0001'0000u);
  d.w(0x1000 + 8 * 9, 1);
  EXPECT_FALSE(d.has_completion(d.admin_queue));  // not again before the log page is read
  EXPECT_EQ(d.admin({.opcode = 2, .prp1 = kData, .dw10 = 15u << 16 | 1}), 0);
  d.w(0x1000, 99);  // beyond the queue
  event = d.take(d.admin_queue);
  EXPECT_EQ(event.command_id, 2);
  EXPECT_EQ(event.result, 0x0001'0100u);
  // The temperature.
  EXPECT_EQ(d.admin({.opcode = 9, .dw10 = 11, .dw11 = 2}), 0);
  d.submit(d.admin_queue, {.opcode = 9, .dw10 = 4, .dw11 = 300});
  event = d.take(d.admin_queue);
  EXPECT_EQ(event.result, 0x0002'0101u);
  EXPECT_EQ(event.command_id, 3);
  EXPECT_EQ(d.take(d.admin_queue).status >> 1, 0);
  EXPECT_EQ(d.admin({.opcode = 2, .nsid = ~0u, .prp1 = kData, .dw10 = 127u << 16 | 2}), 0);
  EXPECT_EQ(d.peek<uint8_t>(kData), 2);
  EXPECT_EQ(d.peek<uint16_t>(kData + 1), 323);
  // The last of them is aborted.
  d.submit(d.admin_queue, {.opcode = 8, .dw10 = 4u << 16});
  event = d.take(d.admin_queue);
  EXPECT_EQ(event.command_id, 4);
  EXPECT_EQ(event.status >> 1, nvme::kAbortRequested);
  EXPECT_EQ(d.take(d.admin_queue).result, 0u);
  EXPECT_EQ(d.admin({.opcode = 8, .dw10 = 4u << 16}), 0);
  EXPECT_EQ(d.last.result, 1u);
}

TEST(Nvme, LogPages) {
  Driver d;
  d.enable();
  d.create_queues();
  d.io({.opcode = 2, .nsid = 1, .prp1 = kData, .dw12 = 7});
  d.io({.opcode = 2, .nsid = 1, .prp1 = kData, .dw10 = 9999});
  EXPECT_EQ(d.admin({.opcode = 2, .nsid = ~0u, .prp1 = kData, .dw10 = 127u << 16 | 2}), 0);
  EXPECT_EQ(d.peek<uint64_t>(kData + 32), 1u);
  EXPECT_EQ(d.peek<uint64_t>(kData + 64), 1u);
  EXPECT_EQ(d.peek<uint64_t>(kData + 176), 1u);
  EXPECT_EQ(d.admin({.opcode = 2, .prp1 = kData, .dw10 = 15u << 16 | 1}), 0);
  EXPECT_EQ(d.peek<uint64_t>(kData), 1u);
  EXPECT_EQ(d.peek<uint16_t>(kData + 8), 1);
  EXPECT_EQ(d.peek<uint16_t>(kData + 12), nvme::kLbaOutOfRange << 1);
  EXPECT_EQ(d.peek<uint64_t>(kData + 16), 9999u);
  EXPECT_EQ(d.admin({.opcode = 2, .prp1 = kData, .dw10 = 127u << 16 | 3}), 0);
  EXPECT_EQ(d.peek<uint8_t>(kData), 1);
  EXPECT_EQ(d.admin({.opcode = 2, .prp1 = kData, .dw10 = 0u << 16 | 5, .dw12 = 1024 + 4}), 0);
  EXPECT_EQ(d.peek<uint32_t>(kData), 3u);  // write: supported, changes blocks
  EXPECT_EQ(d.admin({.opcode = 2, .prp1 = kData, .dw10 = 5, .dw12 = 4096}), nvme::kInvalidField);
  EXPECT_EQ(d.admin({.opcode = 2, .prp1 = kData, .dw10 = 0x70}), nvme::kInvalidLogPage);
  EXPECT_EQ(d.admin({.opcode = 2, .prp1 = kData, .dw10 = 0xffffu << 16 | 1, .dw11 = 0xffff}),
            nvme::kInvalidField);
}

TEST(Nvme, ShutdownAndQueuesOutsideRam) {
  Driver d;
  d.enable();
  d.w(nvme::kCc, 0x0046'4001);
  EXPECT_EQ(d.r(nvme::kCsts), 9u);
  d.w(nvme::kCc, 0);
  EXPECT_EQ(d.r(nvme::kCsts), 0u);
  d.w(nvme::kAsq, 0x1000, Width::k8);
  d.w(nvme::kCc, 0x0046'0001);
  d.w(0x1000, 1);
  EXPECT_EQ(d.r(nvme::kCsts), 3u);
  d.w(0x1000, 2);
  EXPECT_EQ(d.r(nvme::kCsts), 3u);
  // Without bus mastering it reaches nothing.
  Driver e;
  e.enable();
  e.command(2);
  e.submit(e.admin_queue, {.opcode = 0x18});
  EXPECT_EQ(e.r(nvme::kCsts), 3u);
}

TEST(Nvme, SaveAndRestore) {
  Driver a, b;
  a.enable();
  a.create_queues();
  a.submit(a.admin_queue, {.opcode = 12});
  a.submit(a.io_queue, {.opcode = 0, .nsid = 1});
  const auto state = fake::save(*a.card);
  b.memory.ram = a.memory.ram;
  ASSERT_TRUE(fake::load(*b.card, state));
  EXPECT_EQ(fake::save(*b.card), state);
  EXPECT_TRUE(b.line());
  b.admin_queue = a.admin_queue;
  b.io_queue = a.io_queue;
  b.next_id = a.next_id;
  b.take(b.io_queue);
  EXPECT_EQ(b.io({.opcode = 2, .nsid = 1, .prp1 = kData}), 0);
  b.w(0x1000 + 8 * 9, 1);
  EXPECT_EQ(b.take(b.admin_queue).result, 0x0001'0000u);
  auto damaged = state;
  damaged.resize(damaged.size() / 2);
  EXPECT_FALSE(fake::load(*b.card, damaged));
}

}  // namespace
}  // namespace mynah::dev
