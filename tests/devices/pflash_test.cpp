// SPDX-License-Identifier: Apache-2.0
//
// CFI flash: queries, programming, erasing, locks, at each width; what its backend keeps and refuses.
#include "devices/flash/pflash_cfi01.h"

#include <gtest/gtest.h>

#include "tests/devices/fakes.h"

namespace mynah::dev {
namespace {

using F = PflashCfi01;
constexpr uint32_t kSector = 0x1000;
constexpr uint64_t kSize = 16 * kSector;
constexpr uint32_t kReady = 0x0080'0080;

F::Config small() {
  F::Config c;
  c.size = kSize;
  c.sector_size = kSector;
  return c;
}

constexpr uint32_t both(uint16_t command) { return uint32_t{command} << 16 | command; }

struct PflashTest : testing::Test {
  uint32_t rd(Offset o) { return static_cast<uint32_t>(flash.read(o, Width::k4)); }
  void wr(Offset o, uint32_t v) { flash.write(o, Width::k4, v); }
  void cmd(uint16_t c, Offset o = 0) { wr(o, both(c)); }
  uint32_t status() {
    cmd(F::kReadStatus);
    return rd(0);
  }
  void program(Offset o, uint32_t v) {
    cmd(F::kProgram, o);
    wr(o, v);
  }

  fake::RecordingLog log;
  fake::Disk disk{kSize, 0xff};
  F flash{small(), &disk, log};
};

TEST_F(PflashTest, ReadsItsContentsAtEachWidth) {
  for (unsigned i = 0; i < 16; ++i) flash.contents()[i] = static_cast<uint8_t>(i);
  EXPECT_EQ(flash.read(1, Width::k1), 1u);
  EXPECT_EQ(flash.read(2, Width::k2), 0x0302u);
  EXPECT_EQ(flash.read(3, Width::k2), 0x0403u);
  EXPECT_EQ(flash.read(4, Width::k4), 0x07060504u);
  EXPECT_EQ(flash.read(8, Width::k8), 0x0f0e0d0c0b0a0908u);
  EXPECT_EQ(flash.read(kSize - 4, Width::k4), 0xffff'ffffu);
}

// As a PC has it, and as its UEFI asks whether it is flash.
TEST(PflashOfPcs, ClearedStatusIsZeroUntilTheNextOperation) {
  fake::RecordingLog log;
  fake::Disk disk{kSize, 0xff};
  F::Config config = small();
  config.bank_width = config.device_width = 1;
  config.clears_ready = true;
  F flash{config, &disk, log};
  const auto write = [&](std::initializer_list<uint8_t> bytes) {
    for (uint8_t byte : bytes) flash.write(0x10, Width::k1, byte);
  };
  write({F::kClearStatus, F::kReadStatus});
  EXPECT_EQ(flash.read(0x10, Width::k1), 0u);
  write({F::kReadArray});
  EXPECT_EQ(flash.read(0x10, Width::k1), 0xffu);
  write({F::kAlternateProgram, 0x5a});
  EXPECT_EQ(flash.read(0x10, Width::k1), uint64_t{F::kStatusReady});
  write({F::kReadArray});
  EXPECT_EQ(flash.read(0x10, Width::k1), 0x5au);
  EXPECT_EQ(disk.data[0x10], 0x5a);
  write({F::kEraseSetup, F::kConfirm, F::kReadArray});
  EXPECT_EQ(flash.read(0x10, Width::k1), 0xffu);
}

TEST_F(PflashTest, AnswersTheQuery) {
  cmd(F::kReadQuery, 0x55 * 4);
  const auto q = [&](unsigned word) {
    const uint32_t v = rd(word * 4);
    EXPECT_EQ(v >> 16, v & 0xffff);
    return v & 0xffff;
  };
  EXPECT_EQ(q(0x10), 'Q');
  EXPECT_EQ(q(0x11), 'R');
  EXPECT_EQ(q(0x12), 'Y');
  EXPECT_EQ(q(0x13) | q(0x14) << 8, 1u);
  const unsigned p = q(0x15) | q(0x16) << 8;
  EXPECT_EQ(q(p), 'P');
  EXPECT_EQ(q(p + 1), 'R');
  EXPECT_EQ(q(p + 2), 'I');
  EXPECT_EQ(1u << q(0x27), kSize / 2);
  EXPECT_EQ(1u << q(0x2a), F::kBufferBytes);
  EXPECT_EQ(q(0x2c), 1u);
  EXPECT_EQ((q(0x2d) | q(0x2e) << 8) + 1, kSize / kSector);
  EXPECT_EQ((q(0x2f) | q(0x30) << 8) * 256, kSector / 2);
  EXPECT_EQ(q(0xff), 0u);
  EXPECT_EQ(flash.read(0x10 * 4, Width::k8), 0x0052'0052'0051'0051u);
  EXPECT_EQ(flash.read(0x10 * 4 + 2, Width::k1), uint64_t{'Q'});
}

TEST_F(PflashTest, TheBoardsGeometry) {
  F big(F::Config{}, nullptr, log);
  big.write(0, Width::k4, both(F::kReadQuery));
  const auto q = [&](unsigned word) { return static_cast<unsigned>(big.read(word * 4, Width::k2)); };
  EXPECT_EQ(q(0x27), 25u);  // 32 MiB a chip
  EXPECT_EQ(q(0x2d) | q(0x2e) << 8, 255u);
  EXPECT_EQ(q(0x2f) | q(0x30) << 8, 0x200u);  // 128 KiB blocks
}

TEST_F(PflashTest, Identifies) {
  cmd(F::kReadId);
  EXPECT_EQ(rd(0), both(0x89));
  EXPECT_EQ(rd(4), both(0x18));
  EXPECT_EQ(rd(3 * kSector + 8), 0u);
  EXPECT_EQ(rd(0x40), 0u);
}

TEST_F(PflashTest, ProgramsWords) {
  program(0x20, 0x1234'5678);
  EXPECT_EQ(rd(0), kReady);  // status without asking
  EXPECT_EQ(status(), kReady);
  cmd(F::kReadArray);
  EXPECT_EQ(rd(0x20), 0x1234'5678u);
  EXPECT_EQ(rd(0x24), 0xffff'ffffu);
  program(0x20, 0xff00'ff00);  // bits are only cleared
  cmd(F::kReadArray);
  EXPECT_EQ(rd(0x20), 0x1200'5600u);
  EXPECT_EQ(disk.data[0x21], 0x56u);
  EXPECT_EQ(disk.writes, 2u);
}

// As a driver does that takes the flash for one 16-bit chip.
TEST_F(PflashTest, NarrowCommandsReachAllChips) {
  flash.write(2, Width::k2, F::kReadStatus);
  EXPECT_EQ(rd(0), kReady);
  EXPECT_FALSE(flash.array_mode());
  flash.write(2, Width::k2, F::kReadArray);
  EXPECT_TRUE(flash.array_mode());
  flash.write(0x40, Width::k2, F::kProgram);
  flash.write(0x40, Width::k2, 0x1111);
  EXPECT_EQ(flash.read(0x40, Width::k2), 0x80u);
  flash.write(0x40, Width::k2, F::kBufferedProgram);
  flash.write(0x40, Width::k2, 3 - 1);
  for (uint16_t i = 0; i < 3; ++i) flash.write(0x42 + 2 * i, Width::k2, 0x2222u + i);
  flash.write(0x40, Width::k2, F::kConfirm);
  flash.write(0x40, Width::k2, F::kReadArray);
  EXPECT_EQ(rd(0x40), 0x2222'1111u);
  EXPECT_EQ(rd(0x44), 0x2224'2223u);
  EXPECT_EQ(rd(0x48), 0xffff'ffffu);
  flash.write(0x40, Width::k2, F::kEraseSetup);
  flash.write(0x40, Width::k2, F::kConfirm);
  flash.write(0x40, Width::k2, F::kReadArray);
  EXPECT_EQ(rd(0x40), 0xffff'ffffu);
  EXPECT_EQ(rd(0x44), 0xffff'ffffu);
}

TEST_F(PflashTest, SixtyFourBitsAreTwoCycles) {
  flash.write(0x40, Width::k8, uint64_t{0x1234'5678} << 32 | both(F::kProgram));
  cmd(F::kReadArray);
  EXPECT_EQ(rd(0x40), 0xffff'ffffu);
  EXPECT_EQ(rd(0x44), 0x1234'5678u);
}

TEST_F(PflashTest, ErasesASector) {
  program(kSector + 4, 0);
  program(2 * kSector, 0);
  cmd(F::kEraseSetup, kSector + 0x100);
  cmd(F::kReadArray, kSector);  // not a confirmation
  EXPECT_EQ(status(), kReady | both(F::kStatusSequenceError));
  cmd(F::kClearStatus);
  EXPECT_TRUE(flash.array_mode());
  EXPECT_EQ(rd(kSector + 4), 0u);
  cmd(F::kEraseSetup, kSector + 0x100);
  cmd(F::kConfirm, kSector + 0x100);
  EXPECT_EQ(status(), kReady);
  cmd(F::kReadArray);
  EXPECT_EQ(rd(kSector + 4), 0xffff'ffffu);
  EXPECT_EQ(rd(2 * kSector), 0u);
  EXPECT_EQ(disk.data[kSector + 4], 0xff);
}

TEST_F(PflashTest, ProgramsThroughTheBuffer) {
  cmd(F::kBufferedProgram, kSector);
  EXPECT_EQ(rd(kSector), kReady);
  cmd(31, kSector);
  for (uint32_t i = 0; i < 32; ++i) wr(kSector + 4 * i, i * 0x1'0001);
  EXPECT_EQ(flash.contents()[kSector + 4], 0xff);
  cmd(F::kConfirm, kSector);
  EXPECT_EQ(status(), kReady);
  cmd(F::kReadArray);
  for (uint32_t i = 0; i < 32; ++i) EXPECT_EQ(rd(kSector + 4 * i), i * 0x1'0001);
  EXPECT_EQ(disk.data[kSector + 4 * 31], 31);
  EXPECT_EQ(disk.writes, 1u);
}

TEST_F(PflashTest, BufferTakesItsWholeSize) {
  constexpr uint32_t kWords = F::kBufferBytes / 2;
  cmd(F::kBufferedProgram, 0);
  cmd(kWords - 1);
  for (uint32_t i = 0; i < kWords; ++i) wr(4 * i, 0);
  cmd(F::kConfirm);
  EXPECT_EQ(status(), kReady);
  EXPECT_EQ(flash.contents()[4 * kWords - 1], 0);
}

TEST_F(PflashTest, BufferMisuseIsASequenceError) {
  cmd(F::kBufferedProgram);
  cmd(F::kBufferBytes / 2);  // one too many
  EXPECT_EQ(rd(0), kReady | both(F::kStatusSequenceError));
  cmd(F::kClearStatus);

  cmd(F::kBufferedProgram);
  cmd(3);
  wr(0, 0);
  wr(kSector, 0);  // another block
  EXPECT_EQ(rd(0), kReady | both(F::kStatusSequenceError));
  cmd(F::kClearStatus);

  cmd(F::kBufferedProgram);
  cmd(0);
  wr(0, 0);
  cmd(F::kReadArray);  // not a confirmation
  EXPECT_EQ(rd(0), kReady | both(F::kStatusSequenceError));
  cmd(F::kClearStatus);
  EXPECT_EQ(rd(0), 0xffff'ffffu);
  EXPECT_EQ(rd(kSector), 0xffff'ffffu);
}

TEST_F(PflashTest, LocksBlocks) {
  const auto lock_state = [&](Offset block) {
    cmd(F::kReadId, block);
    return rd(block + 8);
  };
  cmd(F::kLockSetup, kSector);
  cmd(F::kLockBlock, kSector);
  EXPECT_EQ(lock_state(kSector), both(1));
  EXPECT_EQ(lock_state(0), 0u);
  program(kSector, 0);
  EXPECT_EQ(rd(0), kReady | both(F::kStatusProgramError | F::kStatusLocked));
  cmd(F::kClearStatus);
  cmd(F::kEraseSetup, kSector);
  cmd(F::kConfirm, kSector);
  EXPECT_EQ(rd(0), kReady | both(F::kStatusEraseError | F::kStatusLocked));
  cmd(F::kClearStatus);
  EXPECT_EQ(rd(kSector), 0xffff'ffffu);

  cmd(F::kLockSetup, kSector);
  cmd(F::kConfirm, kSector);
  EXPECT_EQ(lock_state(kSector), 0u);
  program(kSector, 0);
  EXPECT_EQ(rd(0), kReady);

  cmd(F::kLockSetup, 0);
  cmd(F::kLockDownBlock, 0);
  cmd(F::kLockSetup, 0);
  cmd(F::kConfirm, 0);
  EXPECT_EQ(lock_state(0), both(3));
  flash.reset();
  EXPECT_EQ(lock_state(0), 0u);
}

TEST_F(PflashTest, ReadOnlyFlashRefuses) {
  F::Config c = small();
  c.read_only = true;
  F rom(c, nullptr, log);
  rom.write(0, Width::k4, both(F::kProgram));
  rom.write(0, Width::k4, 0);
  EXPECT_EQ(rom.read(0, Width::k4), kReady | both(F::kStatusProgramError | F::kStatusLocked));
  rom.write(0, Width::k4, both(F::kReadArray));
  EXPECT_EQ(rom.read(0, Width::k4), 0xffff'ffffu);
}

TEST_F(PflashTest, TellsOfModeChanges) {
  std::vector<bool> modes;
  flash.on_mode_change([&](bool array) { modes.push_back(array); });
  program(0, 0);
  cmd(F::kReadStatus);
  cmd(F::kReadArray);
  cmd(F::kReadArray);
  cmd(F::kReadQuery);
  flash.reset();
  EXPECT_EQ(modes, (std::vector<bool>{false, true, false, true}));
}

TEST_F(PflashTest, TellsOfChangedContents) {
  std::vector<std::pair<uint64_t, uint64_t>> changes;
  flash.on_contents_change([&](uint64_t at, uint64_t n) { changes.emplace_back(at, n); });
  cmd(F::kReadStatus);
  EXPECT_TRUE(changes.empty());
  program(0x20, 0x1234'5678);
  cmd(F::kEraseSetup, kSector + 8);
  cmd(F::kConfirm, kSector + 8);
  ASSERT_EQ(changes.size(), 2u);
  EXPECT_EQ(changes[0], std::pair(uint64_t{0x20}, uint64_t{4}));
  EXPECT_EQ(changes[1], std::pair(uint64_t{kSector}, uint64_t{kSector}));
}

TEST_F(PflashTest, UnknownCommandsLeaveItReadable) {
  for (const uint16_t c : {0x00, 0xf0, 0xaa, 0x33}) {
    cmd(F::kReadStatus);
    cmd(c);
    EXPECT_TRUE(flash.array_mode());
  }
  EXPECT_EQ(log.errors.size(), 8u);
}

TEST_F(PflashTest, HostErrorIsAProgramError) {
  disk.broken = true;
  program(0, 0);
  EXPECT_EQ(rd(0), kReady | both(F::kStatusProgramError));
}

TEST_F(PflashTest, SmallerBackendIsTheBeginning) {
  fake::Disk short_disk(kSector + 2, 0x5a);
  F f(small(), &short_disk, log);
  EXPECT_EQ(f.read(kSector, Width::k4), 0xffff'5a5au);
  f.write(kSector, Width::k4, both(F::kEraseSetup));
  f.write(kSector, Width::k4, both(F::kConfirm));
  EXPECT_EQ(short_disk.data[kSector + 1], 0xff);
  EXPECT_EQ(f.read(0, Width::k4), kReady);
}

TEST_F(PflashTest, UnreadableOrReadOnlyBackendProtects) {
  disk.broken = true;
  F f(small(), &disk, log);
  EXPECT_FALSE(f.backend_readable());
  disk.broken = false;
  disk.only_read = true;
  F g(small(), &disk, log);
  EXPECT_TRUE(g.backend_readable());
  for (F* x : {&f, &g}) {
    x->write(0, Width::k4, both(F::kProgram));
    x->write(0, Width::k4, 0);
    EXPECT_EQ(x->contents()[0], 0xff);
  }
}

TEST_F(PflashTest, ByteWideFlash) {
  F::Config c = small();
  c.bank_width = c.device_width = 1;
  F f(c, nullptr, log);
  f.write(5, Width::k1, F::kProgram);
  f.write(5, Width::k1, 0x42);
  EXPECT_EQ(f.read(0, Width::k1), 0x80u);
  f.write(0, Width::k1, F::kReadQuery);
  EXPECT_EQ(f.read(0x10, Width::k1), uint64_t{'Q'});
  f.write(0, Width::k1, F::kReadArray);
  EXPECT_EQ(f.read(4, Width::k4), 0xffff'42ffu);
}

TEST_F(PflashTest, UsesTheStorageItIsGiven) {
  std::vector<uint8_t> storage(kSize, F::kErased);
  F::Config c = small();
  c.storage = storage;
  F f(c, nullptr, log);
  EXPECT_EQ(f.read(0, Width::k8), ~uint64_t{0});
  storage[3] = 7;
  EXPECT_EQ(f.read(3, Width::k1), 7u);
}

TEST_F(PflashTest, LogsMisuse) {
  EXPECT_EQ(flash.read(kSize, Width::k1), 0u);
  EXPECT_EQ(flash.read(kSize - 2, Width::k4), 0u);
  EXPECT_EQ(flash.read(~uint64_t{0}, Width::k8), 0u);
  flash.write(kSize - 4, Width::k8, 0);
  flash.write(1, Width::k1, F::kReadStatus);
  EXPECT_EQ(log.errors.size(), 5u);
  EXPECT_TRUE(flash.array_mode());
}

TEST_F(PflashTest, SavesAndRestores) {
  program(0x20, 0x1234'5678);
  cmd(F::kEraseSetup, 3 * kSector);
  cmd(F::kConfirm, 3 * kSector);
  std::fill_n(flash.contents().begin() + 5 * kSector, kSector, 0);
  cmd(F::kLockSetup, kSector);
  cmd(F::kLockBlock, kSector);
  cmd(F::kBufferedProgram, 2 * kSector);
  cmd(2);
  wr(2 * kSector, 0xaaaa'bbbb);
  const auto state = fake::save(flash);
  EXPECT_LT(state.size(), 2 * kSector);

  fake::Disk disk2(kSize, 0);
  F copy(small(), &disk2, log);
  std::vector<bool> modes;
  copy.on_mode_change([&](bool array) { modes.push_back(array); });
  ASSERT_TRUE(fake::load(copy, state));
  EXPECT_EQ(fake::save(copy), state);
  EXPECT_EQ(modes, std::vector<bool>{false});
  EXPECT_TRUE(std::equal(disk2.data.begin(), disk2.data.end(), flash.contents().begin()));
  for (F* f : {&flash, &copy}) {
    f->write(2 * kSector + 4, Width::k4, 0x1111'2222);
    f->write(2 * kSector + 8, Width::k4, 0x3333'4444);
    f->write(2 * kSector, Width::k4, both(F::kConfirm));
    f->write(0, Width::k4, both(F::kReadArray));
    EXPECT_EQ(f->read(2 * kSector, Width::k8), 0x1111'2222'aaaa'bbbbu);
  }
  for (const size_t n : {size_t{0}, size_t{40}, state.size() / 2, state.size() - 1}) {
    F other(small(), nullptr, log);
    EXPECT_FALSE(fake::load(other, {state.begin(), state.begin() + static_cast<ptrdiff_t>(n)}));
    EXPECT_EQ(other.read(0x20, Width::k4), 0xffff'ffffu);
  }
}

}  // namespace
}  // namespace mynah::dev
