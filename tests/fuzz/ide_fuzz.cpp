// SPDX-License-Identifier: Apache-2.0
//
// Fuzzes IDE with a disk and a CD: registers of both channels, bus-master registers, tables in memory.
#include <memory>

#include "devices/storage/ata_disk.h"
#include "devices/storage/atapi_cd.h"
#include "devices/storage/piix_ide.h"
#include "tests/devices/pci_fakes.h"
#include "tests/fuzz/fuzz_input.h"

using namespace mynah;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  fuzz::Input in(data, size);
  dev::fake::PciHost pc;
  dev::fake::Irq irq;
  dev::fake::Disk disk(512 * 200), cd(2048 * 30);
  auto& ide = pc.plug(std::make_unique<dev::PiixIde>(irq.line(14), irq.line(15), pc.log), 1, 1);
  ide.channel(0).plug(0, std::make_unique<dev::AtaDisk>(disk, dev::AtaDisk::Options{"S"}, pc.log));
  ide.channel(0).plug(1, std::make_unique<dev::AtapiCd>(&cd, pc.log));
  pc.host.reset();
  pc.set(1, dev::pci::kBar0 + 16, 0xc000, 4, 0, 1);
  pc.set(1, dev::pci::kCommand, dev::pci::kIoSpace | dev::pci::kBusMaster, 2, 0, 1);
  const auto width = [](uint8_t op) {
    return static_cast<dev::Width>(1u << (op >> 6 & 1 ? op >> 5 & 1 : 1));
  };
  for (unsigned step = 0; step < 4096 && !in.empty(); ++step) {
    const uint8_t op = in.u8();
    dev::IdeChannel& channel = ide.channel(op >> 3 & 1);
    switch (op & 7) {
      case 0:
      case 1:
        channel.command_block().write(in.u8() & 7, dev::Width::k1, in.u8());
        break;
      case 2:
        channel.command_block().write(0, width(op), in.u32());
        break;
      case 3:
        (void)channel.command_block().read(in.u8() & 7, width(op));
        break;
      case 4:
        channel.control().write(0, dev::Width::k1, in.u8() & 0x87);
        break;
      case 5:
        pc.host.write(dev::pci::Space::kIo, 0xc000 + (in.u8() & 15), dev::Width::k1, in.u8());
        break;
      case 6: {  // a table, and where it is
        for (unsigned i = 0; i < 4; ++i) {
          const uint32_t entry[2] = {0x4000'0000u + in.u16(), in.u16() | (in.u8() & 1u) << 31};
          pc.ram.write(0x4000'1000 + 8 * i, entry, sizeof entry);
        }
        pc.host.write(dev::pci::Space::kIo, 0xc004 + (op & 8u), dev::Width::k4, 0x4000'1000);
        break;
      }
      default:
        if (in.u8() % 16 == 0)
          pc.host.reset();
        else
          fuzz::restore_part(pc.host, in);
    }
  }
  fuzz::save_and_load(pc.host);
  return 0;
}
