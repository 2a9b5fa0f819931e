// SPDX-License-Identifier: Apache-2.0
//
// Register accesses, system registers, line changes, saves and loads in any order on a GICv3. Oracles: the
// highest pending interrupt found by reading every register one by one, outputs that agree with the
// acknowledge registers, and save, load, save giving equal bytes.
#include <cstddef>
#include <cstdint>
#include <vector>

#include "devices/intc/gicv3.h"
#include "tests/fuzz/fuzz_input.h"

namespace {

using namespace mynah::dev;
using mynah::fuzz::Input;
using mynah::fuzz::require;

constexpr unsigned kSpis = 64, kIds = 32 + kSpis, kCpus = 2;
constexpr uint64_t kAffinities[kCpus] = {0, 0x101};

uint64_t icc(Gicv3& gic, unsigned cpu, IccReg reg) {
  uint64_t value = 0;
  require(gic.read_icc(cpu, reg, value));
  return value;
}

unsigned highest_pending(Gicv3& gic, unsigned cpu) {
  auto read = [&](unsigned id, Offset at, Width w = Width::k4) {
    return id < 32 ? gic.redistributors().read(cpu * 0x20000 + 0x10000 + at, w) : gic.read(at, w);
  };
  auto bit = [&](Offset base, unsigned id) { return read(id, base + id / 32 * 4) >> (id % 32) & 1; };
  const uint64_t ctlr = gic.read(0, Width::k4);
  unsigned best = 1023, best_priority = 256;
  for (unsigned id = 0; id < kIds; id++) {
    if (!bit(0x200, id) || !bit(0x100, id) || bit(0x300, id)) continue;
    const bool group1 = bit(0x080, id);
    if (!(ctlr & (group1 ? 2 : 1))) continue;
    if (!icc(gic, cpu, group1 ? IccReg::kIgrpen1 : IccReg::kIgrpen0)) continue;
    if (id >= 32 && gic.read(0x6000 + 8 * id, Width::k8) != kAffinities[cpu]) continue;
    const auto priority = static_cast<unsigned>(read(id, 0x400 + id, Width::k1));
    if (priority < best_priority) {
      best = id;
      best_priority = priority;
    }
  }
  return best;
}

void check_state(Gicv3& gic) {
  for (unsigned cpu = 0; cpu < kCpus; cpu++) {
    const unsigned best = highest_pending(gic, cpu);
    const uint64_t group0 = icc(gic, cpu, IccReg::kHppir0), group1 = icc(gic, cpu, IccReg::kHppir1);
    require((group0 == best && group1 == 1023) || (group1 == best && group0 == 1023));

    bool irq = false, fiq = false;
    if (best != 1023) {
      const bool in_group1 = group1 == best, cbpr = icc(gic, cpu, IccReg::kCtlr) & 1;
      const uint64_t priority = best < 32
                                    ? gic.redistributors().read(cpu * 0x20000 + 0x10400 + best, Width::k1)
                                    : gic.read(0x400 + best, Width::k1);
      const uint64_t point =
          in_group1 && !cbpr ? icc(gic, cpu, IccReg::kBpr1) - 1 : icc(gic, cpu, IccReg::kBpr0);
      const uint64_t group_priority = priority >> (point + 1) << (point + 1);
      const bool signal =
          priority < icc(gic, cpu, IccReg::kPmr) && group_priority < icc(gic, cpu, IccReg::kRpr);
      irq = signal && in_group1;
      fiq = signal && !in_group1;
    }
    require(gic.irq(cpu) == irq && gic.fiq(cpu) == fiq);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Input in(data, size);
  NullLog log;
  Gicv3 gic(log, {.spis = kSpis, .affinities = {kAffinities[0], kAffinities[1]}});
  constexpr Width kWidths[] = {Width::k1, Width::k2, Width::k4, Width::k8};
  for (int steps = 0; !in.empty() && steps < 400; steps++) {
    const uint64_t op = in.u8();
    const Width width = op & 0x40 ? kWidths[in.u8() & 3] : Width::k4;
    const unsigned cpu = op >> 7;
    const Offset frame = cpu * 0x20000u;
    uint64_t value = 0;
    switch (op & 15) {
      case 0:
      case 1:
        gic.write(in.number(2) & ~3ull, width, in.number(4));
        break;
      case 2:
        gic.redistributors().write(frame + 0x10000 + (in.number(2) & 0xfff), width, in.number(4));
        break;
      case 3:
        gic.write(in.number(8), width, in.number(8));
        break;
      case 4:
        gic.redistributors().write(in.number(8), width, in.number(8));
        break;
      case 5:
        gic.read(in.number(8), width);
        gic.read(in.number(2), width);
        break;
      case 6:
        gic.redistributors().read(in.number(8), width);
        gic.redistributors().read(in.number(3), width);
        break;
      case 7:
      case 8:
        gic.write_icc(cpu, static_cast<IccReg>(in.u8() % 26), in.number(5));
        break;
      case 9:
        if (auto reg =
                icc_reg_from_encoding(3, 0, static_cast<unsigned>(in.u8()), static_cast<unsigned>(in.u8()),
                                      static_cast<unsigned>(in.u8()))) {
          gic.read_icc(cpu, *reg, value);
        }
        gic.read_icc(cpu, static_cast<IccReg>(in.u8() % 26), value);
        break;
      case 10:
        gic.set_irq(static_cast<unsigned>(in.u8()) % kSpis, in.u8() & 1);
        break;
      case 11:
        gic.set_ppi(cpu, 16 + (in.u8() & 15), in.u8() & 1);
        break;
      case 12: {
        const bool irq = gic.irq(cpu), fiq = gic.fiq(cpu);
        if (op & 0x20) {
          require(fiq == (icc(gic, cpu, IccReg::kIar0) != 1023));
        } else {
          require(irq == (icc(gic, cpu, IccReg::kIar1) != 1023));
        }
        break;
      }
      case 13:  // Everything on: the state in which the rest does something.
        gic.write(0x000, Width::k4, 3);
        gic.write_icc(cpu, IccReg::kIgrpen0, in.u8());
        gic.write_icc(cpu, IccReg::kIgrpen1, 1);
        gic.write_icc(cpu, IccReg::kPmr, 0xff);
        gic.redistributors().write(frame + 0x10100, Width::k4, 0xffffffff);
        gic.redistributors().write(frame + 0x10080, Width::k4, 0xffff0f0f);
        gic.write(0x104, Width::k4, 0xffffffff);
        gic.write(0x108, Width::k4, 0xffffffff);
        break;
      case 14: {
        StateStream saved;
        gic.serialize(saved);
        StateStream loading(saved.bytes());
        gic.serialize(loading);
        require(!loading.failed());
        StateStream again;
        gic.serialize(again);
        require(saved.bytes() == again.bytes());
        break;
      }
      default: {
        StateStream hostile;
        if (op & 0x20) gic.serialize(hostile);
        std::vector<uint8_t> bytes = hostile.take();
        for (uint64_t i = 0, n = in.u8(); i < n && !bytes.empty(); i++) {
          bytes[in.number(2) % bytes.size()] = static_cast<uint8_t>(in.u8());
        }
        while (bytes.size() < 64 && !in.empty()) bytes.push_back(in.u8());
        StateStream loading(std::move(bytes));
        gic.serialize(loading);
        break;
      }
    }
    check_state(gic);
  }
  return 0;
}
