// SPDX-License-Identifier: Apache-2.0
//
// Fuzzes CFI flash of all widths, with backends of its size and others; mode changes are told once each.
#include "devices/flash/pflash_cfi01.h"
#include "tests/fuzz/fuzz_input.h"

using namespace mynah;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using F = dev::PflashCfi01;
  constexpr uint32_t kSector = 1024;
  constexpr uint64_t kSize = 4 * kSector;
  fuzz::Input in(data, size);
  const uint8_t shape = in.u8();
  F::Config config;
  config.size = kSize;
  config.sector_size = kSector;
  config.bank_width = static_cast<uint8_t>(1u << (shape % 3));
  config.device_width = shape & 8 && config.bank_width > 1 ? 2 : 1;
  config.read_only = (shape >> 4) == 0;
  dev::fake::Disk disk(shape & 0x80 ? kSize : kSize / 2 + 1, 0xff);
  dev::NullLog log;
  F flash(config, &disk, log);
  bool array = true;
  flash.on_mode_change([&](bool now) {
    fuzz::require(now != array);
    array = now;
  });
  static constexpr uint8_t kCommands[] = {0x01, 0x10, 0x20, 0x2f, 0x40, 0x50, 0x60, 0x70,
                                          0x90, 0x98, 0xb0, 0xc0, 0xd0, 0xe8, 0xff, 0x00};
  fuzz::run(in, {.device = flash,
                 .pick_offset = [](fuzz::Input& i) -> dev::Offset {
                   const uint8_t b = i.u8();
                   if (b < 0xc0) return (b & 0x3f) * 4u + (b >> 6) * kSector;
                   return b < 0xfc ? i.u16() % (kSize + 16) : i.u64();
                 },
                 .pick_value = [](fuzz::Input& i) -> uint64_t {
                   const uint8_t b = i.u8();
                   const uint64_t c = kCommands[b & 0xf];
                   if (b < 0xa0) return c << 48 | c << 32 | c << 16 | c;
                   return b < 0xd0 ? (b & 0x7) * 0x1'0001'0001'0001u : i.u64();
                 },
                 // A whole command sequence: erase, program or buffered program at one place.
                 .extra =
                     [&](fuzz::Input& i) {
                       const dev::Offset at = i.u16() % (kSize - 8);
                       const uint8_t b = i.u8();
                       const auto all = [](uint64_t c) { return c << 24 | c << 16 | c << 8 | c; };
                       const auto wide = [](uint64_t c) { return c << 16 | c; };
                       const auto c = [&](uint64_t v) { return config.device_width == 1 ? all(v) : wide(v); };
                       if (b & 1) {
                         flash.write(at, dev::Width::k4, c(F::kEraseSetup));
                         flash.write(at, dev::Width::k4, c(F::kConfirm));
                       } else if (b & 2) {
                         flash.write(at, dev::Width::k4, c(F::kProgram));
                         flash.write(at, dev::Width::k4, i.u32());
                       } else {
                         const unsigned n = (b >> 2) % 16;
                         flash.write(at, dev::Width::k4, c(F::kBufferedProgram));
                         flash.write(at, dev::Width::k4, c(n));
                         for (unsigned k = 0; k <= n; ++k) flash.write(at + 4 * k, dev::Width::k4, i.u32());
                         flash.write(at, dev::Width::k4, c(F::kConfirm));
                       }
                     }});
  fuzz::require(array == flash.array_mode());
  return 0;
}
