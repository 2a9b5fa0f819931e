// SPDX-License-Identifier: Apache-2.0
//
// ELF kernels for x86 of any bytes, and with segments and notes near what could be: what is accepted lies
// inside of memory.
#include "machines/loader/pvh.h"

#include "machines/loader/x86_kernel.h"
#include "tests/fuzz/x86_boot_fuzz.h"
#include "tests/machines/x86_kernels.h"

using namespace mynah;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  fuzz::Input in(data, size);
  const uint8_t shape = in.u8();
  const X86Memory memory = fuzz::memory(in);
  X86KernelFiles files;
  for (unsigned n = in.u8() % 4; n != 0; --n) files.modules.push_back(fuzz::module(in));
  files.command_line = std::string(in.u16(), 'x');
  std::vector<uint8_t> file;
  if (shape & 1) {
    elf_test::File f = x86_test::pvh((shape & 2) != 0);
    f.segments[0].at = in.u8() % 4 ? 0x100000 + in.u16() * uint64_t{256} : in.u64();
    f.segments[0].memory = in.u8() % 4 ? in.u16() : in.u64();
    for (unsigned n = in.u8() % 3; n != 0; --n)
      f.segments.push_back({.at = 0x100000 + in.u16() * uint64_t{256},
                            .bytes = std::vector<uint8_t>(in.u8()),
                            .memory = in.u16()});
    // Notes: right ones, with any sizes, and any bytes.
    f.segments[1].bytes = x86_test::xen_note(in.u8() % 4 ? 18 : in.u32(), f.segments[0].at + in.u8(),
                                             in.u8() % 4 ? 8 : in.u8() % 12);
    for (unsigned n = in.u8() % 8; n < 3; ++n) {
      std::vector<uint8_t>& notes = f.segments[1].bytes;
      notes[in.u8() % notes.size()] = in.u8();
    }
    file = make(f);
    for (unsigned n = in.u8() % 8; n < 3; ++n) file[in.u8() % file.size()] = in.u8();
  }
  while (!in.empty()) file.push_back(in.u8());
  files.kernel = file;
  (void)x86_kernel_kind(file);
  if (const auto boot = place_pvh(files, memory)) fuzz::check(*boot, memory);
  if (const auto boot = place_x86_kernel(files, memory, X86Entry::kBest64)) fuzz::check(*boot, memory);
  return 0;
}
