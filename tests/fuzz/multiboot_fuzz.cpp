// SPDX-License-Identifier: Apache-2.0
//
// Multiboot kernels of any bytes, and with headers near what could be, and -initrd's list of modules: what is
// accepted lies inside of memory.
#include "machines/loader/multiboot.h"

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
  if (shape & 4) files.kernel_name = "kernel";
  std::vector<uint8_t> file;
  if (shape & 1) {
    const uint32_t at = in.u8() % 64 * 4, load = in.u8() % 4 ? in.u32() & 0xffffff : in.u32();
    const uint32_t sizes[] = {in.u16(), in.u16(), in.u16()};
    file.resize(in.u16());
    const auto header = x86_test::multiboot_header(
        (in.u8() % 8 ? 3u : in.u32()) | 1u << 16,
        {load + (in.u8() % 4 ? at : in.u8()), load, in.u8() % 4 ? load + sizes[0] : in.u32() % 2,
         in.u8() % 4 ? load + sizes[0] + sizes[1] : in.u32() % 2, in.u8() % 4 ? load + sizes[2] : in.u32()});
    if (file.size() < at + header.size()) file.resize(at + in.u8() % (header.size() + 1));
    std::copy_n(header.begin(), std::min(header.size(), file.size() - at), file.begin() + at);
  } else if (shape & 2) {
    elf_test::File f = x86_test::multiboot_elf(in.u8() % 8);
    f.segments[0].at = in.u32() & 0xffffff;
    f.entry = f.segments[0].at + in.u8();
    f.is_64 = in.u8() % 4 == 0;
    f.machine = static_cast<uint16_t>(f.is_64 ? 62 : 3);
    file = make(f);
    for (unsigned n = in.u8() % 4; n != 0; --n) file[in.u8() % file.size()] = in.u8();
  }
  std::string option;
  while (!in.empty()) {
    file.push_back(in.u8());
    option += static_cast<char>(file.back());
  }
  files.kernel = file;
  (void)x86_kernel_kind(file);
  for (const ModuleName& name : parse_module_names(option))
    fuzz::require(!name.file.empty() && name.text.starts_with(name.file));
  if (const auto boot = place_multiboot(files, memory)) fuzz::check(*boot, memory);
  if (const auto boot = place_x86_kernel(files, memory, X86Entry::kBest64)) fuzz::check(*boot, memory);
  return 0;
}
