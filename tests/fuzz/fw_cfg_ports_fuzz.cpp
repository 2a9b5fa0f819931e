// SPDX-License-Identifier: Apache-2.0
//
// Fuzzes fw_cfg by its I/O ports, DMA included, with descriptors and buffers anywhere.
#include "devices/fwcfg/fw_cfg_ports.h"
#include "tests/fuzz/fuzz_input.h"

using namespace mynah;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  fuzz::Input in(data, size);
  dev::fake::Memory memory(0, 4096);
  dev::NullLog log;
  dev::FwCfg fw_cfg(memory, log);
  dev::FwCfgPorts ports(fw_cfg, log);
  fw_cfg.add_item_u32(dev::FwCfg::kArchLocal + 2, 1);
  fw_cfg.add_file("a", std::vector<uint8_t>(100, 0xaa));
  fw_cfg.add_writable_file("b", std::vector<uint8_t>(64));
  fuzz::run(in, {.device = ports,
                 .pick_offset = [](fuzz::Input& i) -> dev::Offset { return i.u8() % 16; },
                 .pick_value = [](fuzz::Input& i) -> uint64_t {
                   // Keys that are there; big-endian addresses in RAM.
                   const uint8_t b = i.u8();
                   return b & 0x80 ? b & 0x3f : b & 0x40 ? uint64_t{i.u16() & 0xfffu} << 16 : i.u64();
                 },
                 .extra =
                     [&](fuzz::Input& i) {
                       const size_t at = i.u16() % 4080;
                       for (unsigned n = 0; n < 16; ++n) memory.ram[at + n] = i.u8() & 0x1f;
                     }});
  fuzz::save_and_load(fw_cfg);
  return 0;
}
