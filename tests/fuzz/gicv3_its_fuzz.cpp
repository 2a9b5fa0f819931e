// SPDX-License-Identifier: Apache-2.0
//
// Commands, tables, messages and register accesses of any kind on an ITS and the GIC behind it. Oracles:
// outputs that agree with the acknowledge registers, at most one queue of commands a write, and save, load,
// save giving equal bytes.
#include <cstddef>
#include <cstdint>
#include <vector>

#include "devices/intc/gicv3_its.h"
#include "tests/fuzz/fuzz_input.h"

namespace {

using namespace mynah::dev;
using mynah::fuzz::Input;
using mynah::fuzz::require;

constexpr unsigned kCpus = 3;
constexpr uint64_t kRam = 0x40000000, kSize = 0x40000, kBase = 0x08080000;
constexpr uint64_t kQueue = kRam + 0x1000, kDevices = kRam + 0x2000, kCollections = kRam + 0x3000,
                   kItt = kRam + 0x4000, kConfig = kRam + 0x10000, kPending = kRam + 0x20000;
constexpr uint64_t kValid = uint64_t{1} << 63;
constexpr unsigned kFirstLpi = 8192;

struct Board {
  Board() {
    for (unsigned c = 0; c < kCpus; c++) {
      gic.write_icc(c, IccReg::kPmr, 0xf0);
      gic.write_icc(c, IccReg::kIgrpen1, 1);
      redistributor(c, 0x70, kConfig | 13);
      redistributor(c, 0x78, kPending + 0x8000 * c);
      redistributor(c, 0x00, 1);
    }
    gic.write(0, Width::k4, 3);
    its.write(0x100, Width::k8, kValid | kDevices);
    its.write(0x108, Width::k8, kValid | kCollections);
    its.write(0x80, Width::k8, kValid | kQueue);
    its.write(0, Width::k4, 1);
    for (uint64_t i = 0; i < 256; i++) *memory.at(kConfig + i) = static_cast<uint8_t>(i << 3 | 1);
  }
  void redistributor(unsigned cpu, Offset at, uint64_t value) {
    gic.redistributors().write(cpu * 0x20000ull + at, at >= 0x70 && at < 0x80 ? Width::k8 : Width::k4, value);
  }

  NullLog log;
  fake::Memory memory{kRam, kSize};
  Gicv3 gic{log, {.spis = 32, .affinities = {0, 1, 2}, .lpi_tables = &memory}};
  Gicv3Its its{gic, memory, log, kBase};
};

// A command that is nearly right, of small numbers.
void put_command(Board& b, Input& in) {
  static constexpr uint8_t kOpcodes[] = {1, 3, 4, 5, 8, 9, 10, 11, 12, 13, 14, 15};
  uint64_t words[4];
  const uint8_t opcode = kOpcodes[in.u8() % 12];
  const uint64_t small = in.u8(), event = in.u8() & 7, collection = in.u8() % 5;
  words[0] = opcode | (small & 3) << 32;
  words[1] = opcode == 8 ? 3 : event | (kFirstLpi + (small >> 2)) << 32;
  words[2] = opcode == 8 ? kItt + (small & 3) * 0x1000 + kValid : collection | (small & 3) << 16 | kValid;
  words[3] = (small >> 4 & 3) << 16;
  if (in.u8() % 8 == 0) words[in.u8() & 3] ^= in.u64();
  const uint64_t at = b.its.read(0x88, Width::k8);
  b.memory.write(kQueue + at, words, sizeof words);
  b.its.write(0x88, Width::k8, (at + 32) % 0x1000);
}

void check_outputs(Board& b) {
  for (unsigned c = 0; c < kCpus; c++) {
    uint64_t best = 0, running = 0;
    b.gic.read_icc(c, IccReg::kHppir1, best);
    b.gic.read_icc(c, IccReg::kRpr, running);
    require(!b.gic.irq(c) || best != 1023);
    if (running == 0xff && best >= kFirstLpi && best != 1023) {
      uint64_t mask = 0;
      b.gic.read_icc(c, IccReg::kPmr, mask);
      require(b.gic.irq(c) || mask < 0xf8);
    }
  }
}

void take_interrupt(Board& b, unsigned c) {
  const bool irq = b.gic.irq(c);
  uint64_t id = 0;
  b.gic.read_icc(c, IccReg::kIar1, id);
  require(irq == (id != 1023));
  if (irq) b.gic.write_icc(c, IccReg::kEoir1, id);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Input in(data, size);
  Board b;
  for (int steps = 0; !in.empty() && steps < 400; steps++) {
    const uint8_t op = in.u8();
    const unsigned cpu = (op >> 4 & 3) % kCpus;
    switch (op & 15) {
      case 0:
      case 1:
      case 2:
      case 3:
        put_command(b, in);
        break;
      case 4:
      case 5:
        b.its.message(kBase + Gicv3Its::kTranslater, in.u8() & 7, in.u8() & 3);
        break;
      case 6:
        b.its.write(in.number(3), in.width(), in.u64());
        break;
      case 7: {
        static constexpr Offset kRegisters[] = {0x00, 0x80, 0x88, 0x90, 0x100, 0x108};
        const Offset at = kRegisters[in.u8() % 6] + (in.u8() & 4);
        b.its.write(at, in.width(), op & 0x80 ? in.u64() : kValid | (kRam + in.number(3) % kSize));
        break;
      }
      case 8:
        require(b.its.read(in.number(3), Width::k4) >> 32 == 0);
        b.its.read(in.number(3), in.width());
        break;
      case 9:  // tables that hold anything
        *b.memory.at(kRam + in.number(3) % kSize) = in.u8();
        break;
      case 10:
        b.redistributor(cpu, in.u8() & 1 ? 0x00 : 0x70 + (in.u8() & 8),
                        in.u8() & 1 ? in.u64() : kConfig | 15);
        break;
      case 11:
        b.gic.write_icc(cpu, static_cast<IccReg>(in.u8() % 26), in.number(3));
        break;
      case 12:
      case 13:
        take_interrupt(b, cpu);
        break;
      case 14:
        b.its.write(0, Width::k4, op >> 7);
        break;
      default:
        mynah::fuzz::restore(b.its, in);
        mynah::fuzz::restore(b.gic, in);
        break;
    }
    check_outputs(b);
  }
  return 0;
}
