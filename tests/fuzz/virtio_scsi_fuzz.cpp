// SPDX-License-Identifier: Apache-2.0
//
// Fuzzes virtio-scsi with a disk and a CD drive whose medium comes and goes: the commands of both.
#include <memory>

#include "devices/storage/mmc_unit.h"
#include "devices/storage/sbc_unit.h"
#include "devices/virtio/virtio_scsi.h"
#include "tests/devices/fakes.h"
#include "tests/fuzz/virtio_fuzz.h"

using namespace mynah::dev;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  fuzz::Input in(data, size);
  const auto kind = in.get<uint8_t>();
  fuzz::Memory memory;
  fuzz::Irq irq;
  NullLog log;
  fake::Disk disk(512 * 40), cd(2048 * 10);
  disk.only_read = kind & 1;
  std::vector<VirtioScsi::Place> units;
  const uint32_t block = kind & 2 ? 1024 : 512;
  units.push_back(
      {0, 0,
       std::make_unique<SbcUnit>(disk, ScsiUnit::Identity{.product = "D"}, SbcUnit::Options{block, block})});
  auto made = std::make_unique<MmcUnit>(&cd, ScsiUnit::Identity{.product = "C"});
  MmcUnit& drive = *made;
  units.push_back({1, 0, std::move(made)});
  VirtioScsi scsi(memory, log, std::move(units));
  VirtioMmio mmio(&scsi, IrqLine(irq, 0), log);
  fuzz::Target target{.queues = 3, .unit = 512};
  target.host_event = [&](fuzz::Input& more) {
    const auto what = more.get<uint8_t>();
    if (what & 1) drive.change_medium(what & 2 ? &cd : nullptr, what & 4);
    if (what & 8) drive.ask_for_medium();
    disk.broken = what & 16;
  };
  target.header = [](fuzz::Input& more, unsigned queue) {
    if (queue == 0)
      return fuzz::bytes_of(more.get<uint8_t>() % uint32_t{3}, more.get<uint8_t>() % uint32_t{8},
                            uint16_t{static_cast<uint16_t>(1 | (more.get<uint8_t>() & 1) << 8)}, uint16_t{0},
                            uint32_t{0}, uint64_t{0});
    static constexpr uint8_t kCommands[] = {0x00, 0x03, 0x08, 0x0a, 0x12, 0x15, 0x1a, 0x1b, 0x1e, 0x25, 0x28,
                                            0x2a, 0x2f, 0x35, 0x41, 0x42, 0x43, 0x46, 0x4a, 0x51, 0x55, 0x5a,
                                            0x88, 0x8a, 0x93, 0x9e, 0xa0, 0xa8, 0xaa, 0xbe, 0xbd, 0x2e};
    std::vector<uint8_t> header(51);
    const auto n = more.get<uint8_t>();
    header[0] = 1;
    header[1] = n >> 7;
    header[19] = kCommands[n & 31];
    for (unsigned i = 20; i < 35; ++i) {
      const auto byte = more.get<uint8_t>();
      header[i] = byte & 0x80 ? byte & 0x3f : 0;
    }
    return header;
  };
  fuzz::Guest(in, memory, mmio, irq, target).run();
  return 0;
}
