// SPDX-License-Identifier: Apache-2.0
//
// Fuzzes fw_cfg with files of both kinds; a write that is told of lies inside its file.
#include "devices/fwcfg/fw_cfg.h"
#include "tests/fuzz/fuzz_input.h"

using namespace mynah;

namespace {
constexpr uint64_t kRam = 0x4000'0000;
constexpr size_t kRamSize = 0x2000;

uint64_t swap(uint64_t v, unsigned n) {
  uint64_t r = 0;
  for (unsigned i = 0; i < n; ++i) r = r << 8 | (v >> (8 * i) & 0xff);
  return r;
}
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  fuzz::Input in(data, size);
  dev::fake::Memory memory(kRam, kRamSize);
  dev::NullLog log;
  dev::FwCfg cfg(memory, log);
  cfg.add_file("etc/read-only", std::vector<uint8_t>(300, 0x55));
  size_t written = 0;
  cfg.add_writable_file("etc/writable", std::vector<uint8_t>(64),
                        [&](std::span<const uint8_t> all, size_t offset, size_t n) {
                          fuzz::require(all.size() == 64 && offset <= 64 && n <= 64 - offset);
                          written += n;
                        });
  fuzz::run(in, {.device = cfg,
                 .pick_offset = [](fuzz::Input& i) -> dev::Offset {
                   const uint8_t b = i.u8();
                   if (b < 0x80) return 8u * (b % 3);
                   return b < 0xf8 ? b % 0x20 : i.u64();
                 },
                 .pick_value = [](fuzz::Input& i) -> uint64_t {
                   const uint8_t b = i.u8();
                   if (b < 0x60) return swap(b, 2);
                   return b < 0xa0 ? swap(kRam + i.u8(), 8) : i.u64();
                 },
                 // A descriptor whose fields are mostly plausible, and its start.
                 .extra =
                     [&](fuzz::Input& i) {
                       uint8_t* p = memory.at(kRam + i.u8());
                       const uint64_t at = kRam + static_cast<uint64_t>(p - memory.ram.data());
                       const uint8_t kind = i.u8();
                       const uint32_t control = uint32_t{i.u8()} << 16 | (i.u8() & 0x1f);
                       const uint32_t length = kind & 1 ? i.u32() : i.u8();
                       const uint64_t address = kind & 2 ? i.u64() : kRam + i.u16() % (kRamSize + 16);
                       const uint64_t head = swap(uint64_t{control} << 32 | length, 8);
                       const uint64_t tail = swap(address, 8);
                       std::memcpy(p, &head, 8);
                       std::memcpy(p + 8, &tail, 8);
                       cfg.write(dev::FwCfg::kDma, dev::Width::k8, swap(at, 8));
                     }});
  return 0;
}
