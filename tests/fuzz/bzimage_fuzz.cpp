// SPDX-License-Identifier: Apache-2.0
//
// Linux kernels for x86 of any bytes, and with headers near what could be: what is accepted lies inside of
// memory, and the zero page says where.
#include "machines/loader/bzimage.h"

#include "machines/loader/x86_kernel.h"
#include "tests/fuzz/x86_boot_fuzz.h"
#include "tests/machines/x86_kernels.h"

using namespace mynah;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  fuzz::Input in(data, size);
  const uint8_t shape = in.u8();
  const X86Memory memory = fuzz::memory(in);
  X86KernelFiles files;
  if (shape & 2) files.modules.push_back(fuzz::module(in));
  files.command_line = std::string(in.u16() % 3000, 'x');
  for (unsigned n = in.u8() % 3; n != 0; --n)
    files.setup_data.push_back({in.u8(), std::vector<uint8_t>(in.u16())});
  std::vector<uint8_t> file;
  if (shape & 1) {
    const auto near = [&](uint64_t value, unsigned n) { return in.u8() % 4 ? value : in.number(n); };
    x86_test::Linux k;
    k.version = static_cast<uint16_t>(in.u8() % 8 ? 0x200 + in.u8() % 18 : in.u16());
    k.setup_sects = in.u8() % 8;
    k.loadflags = static_cast<uint8_t>(near(1, 1));
    k.header_length = static_cast<uint8_t>(near(0x6a, 1));
    k.kernel_bytes = in.u16();
    k.syssize = static_cast<uint32_t>(near(k.kernel_bytes / 16, 4));
    k.initrd_max = static_cast<uint32_t>(near(0x7fffffff, 4));
    k.alignment = in.u8() % 4 ? 1u << in.u8() % 32 : in.u32();
    k.cmdline_size = static_cast<uint32_t>(near(2047, 4));
    k.relocatable = in.u8() % 2;
    k.xloadflags = static_cast<uint16_t>(near(3, 2));
    k.payload_offset = static_cast<uint32_t>(near(0, 4));
    k.payload_length = static_cast<uint32_t>(near(0, 4));
    k.init_size = static_cast<uint32_t>(near(0x10000, 4));
    k.pref_address = near(0x100000, 8);
    file = make(k);
  }
  while (!in.empty()) file.push_back(in.u8());
  files.kernel = file;
  const std::vector<uint8_t> unpacked = make(x86_test::pvh(in.u8() % 2));
  if (shape & 4) files.unpacked = unpacked;
  (void)x86_kernel_kind(file);
  (void)unpack_bzimage(file, 1 << 20);
  for (const X86Entry entry : {X86Entry::k32, X86Entry::k64, X86Entry::kBest64}) {
    const auto boot = place_bzimage(files, memory, entry);
    if (!boot) continue;
    fuzz::check(*boot, memory);
    for (const LoadPiece& p : boot->memory.pieces())
      if (p.at == boot->state.rsi) {
        fuzz::require(p.bytes.size() == 4096 && x86_test::get(p.bytes, 0x1e8, 1) <= 128);
        for (const LoadPiece& other : boot->memory.pieces())
          if (other.name == "the initrd")
            fuzz::require((x86_test::get(p.bytes, 0x218, 4) | x86_test::get(p.bytes, 0xc0, 4) << 32) ==
                          other.at);
      }
  }
  return 0;
}
