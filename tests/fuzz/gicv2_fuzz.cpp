// SPDX-License-Identifier: Apache-2.0
//
// Register accesses, line changes, saves and loads in any order on a GICv2. Oracles: the highest pending
// interrupt found by reading every register one by one, outputs that agree with the acknowledge registers,
// and save, load, save giving equal bytes.
#include <cstddef>
#include <cstdint>
#include <vector>

#include "devices/intc/gicv2.h"
#include "tests/fuzz/fuzz_input.h"

namespace {

using namespace mynah::dev;
using mynah::fuzz::Input;
using mynah::fuzz::require;

constexpr unsigned kSpis = 64, kIds = 32 + kSpis;

unsigned highest_pending(Gicv2& gic, unsigned cpu, unsigned cpus) {
  auto read = [&](Offset at, Width w = Width::k4) { return gic.read_distributor(cpu, at, w); };
  auto bit = [&](Offset base, unsigned id) { return read(base + id / 32 * 4) >> (id % 32) & 1; };
  const uint64_t ctlr = read(0);
  unsigned best = 1023, best_priority = 256;
  for (unsigned id = 0; id < kIds; id++) {
    if (!bit(0x200, id) || !bit(0x100, id) || bit(0x300, id)) continue;
    if (!(ctlr & (bit(0x080, id) ? 2 : 1))) continue;
    if (id >= 32 && cpus > 1 && !(read(0x800 + id, Width::k1) >> cpu & 1)) continue;
    const auto priority = static_cast<unsigned>(read(0x400 + id, Width::k1));
    if (priority < best_priority) {
      best = id;
      best_priority = priority;
    }
  }
  return best;
}

void check_state(Gicv2& gic, unsigned cpus) {
  auto read = [&](unsigned cpu, Offset at) {
    return static_cast<unsigned>(gic.read_cpu_interface(cpu, at, Width::k4));
  };
  for (unsigned cpu = 0; cpu < cpus; cpu++) {
    const unsigned best = highest_pending(gic, cpu, cpus);
    const unsigned group0 = read(cpu, 0x018) & 0x3ff, group1 = read(cpu, 0x028) & 0x3ff;
    require(group1 == best || (group0 == best && group1 == 1023));

    bool irq = false, fiq = false;
    if (best != 1023) {
      const unsigned ctlr = read(cpu, 0x000), running = read(cpu, 0x014);
      const bool in_group1 = group1 == best;
      const auto priority = static_cast<unsigned>(gic.read_distributor(cpu, 0x400 + best, Width::k1));
      const unsigned point = in_group1 && !(ctlr & 0x10) ? read(cpu, 0x01c) - 1 : read(cpu, 0x008);
      const unsigned group_priority = priority >> (point + 1) << (point + 1);
      const bool signal =
          priority < read(cpu, 0x004) && (ctlr & (in_group1 ? 2 : 1)) && group_priority < running;
      fiq = signal && !in_group1 && (ctlr & 8);
      irq = signal && !fiq;
    }
    require(gic.irq(cpu) == irq && gic.fiq(cpu) == fiq);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Input in(data, size);
  NullLog log;
  const unsigned cpus = in.u8() & 1 ? 2 : 1;
  unsigned cpu = 0;
  Gicv2 gic(log, {.cpus = cpus, .spis = kSpis, .current_cpu = [&] { return cpu; }});
  constexpr Width kWidths[] = {Width::k1, Width::k2, Width::k4, Width::k8};
  for (int steps = 0; !in.empty() && steps < 400; steps++) {
    const uint64_t op = in.u8();
    const Width width = op & 0x40 ? kWidths[in.u8() & 3] : Width::k4;
    cpu = cpus == 2 ? op >> 7 : 0;
    switch (op & 15) {
      case 0:
      case 1:
      case 2:
        gic.write(in.number(2) & ~3ull, width, in.number(4));
        break;
      case 3:
        gic.write(in.number(8), width, in.number(8));
        break;
      case 4:
        gic.read(in.number(8), width);
        break;
      case 5:
        gic.read(in.number(2), width);
        break;
      case 6:
        gic.cpu_interface().write(in.u8(), width, in.number(4));
        break;
      case 7:
        gic.cpu_interface().write(in.number(2), width, in.number(8));
        break;
      case 8:
        gic.cpu_interface().read(in.number(2), width);
        break;
      case 9:
        gic.set_irq(static_cast<unsigned>(in.u8()) % kSpis, in.u8() & 1);
        break;
      case 10:
        gic.set_ppi(cpu, 16 + (in.u8() & 15), in.u8() & 1);
        break;
      case 11: {
        const bool raised = gic.irq(cpu) || gic.fiq(cpu);
        const uint64_t id = gic.cpu_interface().read(0x00c, Width::k4);
        require(raised == (id != 1023));
        if (id == 1022) require(gic.cpu_interface().read(0x020, Width::k4) < 1020);
        break;
      }
      case 12:
        gic.cpu_interface().write(0x010, Width::k4, in.number(2));
        break;
      case 13: {  // Everything on: the state in which the rest does something.
        gic.write(0x000, Width::k4, 3);
        gic.cpu_interface().write(0x000, Width::k4, 3 | in.number(2));
        gic.cpu_interface().write(0x004, Width::k4, 0xff);
        for (unsigned w = 0; w < kIds / 32; w++) gic.write(0x100 + 4 * w, Width::k4, 0xffffffff);
        for (unsigned id = 32; id < kIds; id += 4) gic.write(0x800 + id, Width::k4, 0x03010203);
        break;
      }
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
    check_state(gic, cpus);
  }
  return 0;
}
