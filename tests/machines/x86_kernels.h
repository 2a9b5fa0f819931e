// SPDX-License-Identifier: Apache-2.0
//
// Kernel files for x86, made by hand: bzImages of any protocol, ELF kernels with a PVH note, multiboot
// kernels.
#pragma once

#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include "tests/machines/elf_builder.h"

namespace mynah::x86_test {

using Bytes = std::vector<uint8_t>;

inline void put(Bytes& file, uint64_t at, uint64_t value, unsigned n) {
  if (file.size() < at + n) file.resize(at + n);
  std::memcpy(&file[at], &value, n);
}
inline uint64_t get(std::span<const uint8_t> bytes, uint64_t at, unsigned n) {
  uint64_t value = 0;
  if (at + n <= bytes.size()) std::memcpy(&value, &bytes[at], n);
  return value;
}

// As Debian's kernels say of themselves.
struct Linux {
  uint16_t version = 0x20f;
  uint8_t setup_sects = 3, loadflags = 1, header_length = 0x6a;
  uint64_t kernel_bytes = 0x4000, syssize = 0x400;
  uint32_t initrd_max = 0x7fffffff, alignment = 0x200000, cmdline_size = 2047;
  uint8_t relocatable = 1;
  uint16_t xloadflags = 3;
  uint32_t payload_offset = 0x300, payload_length = 0x100, init_size = 0x100000;
  uint64_t pref_address = 0x1000000;
};

inline Bytes make(const Linux& k) {
  const uint64_t setup = (k.setup_sects + 1) * 512;
  Bytes file(setup + k.kernel_bytes, 0xcc);
  std::memset(file.data(), 0, setup);
  put(file, 0x1f1, k.setup_sects, 1);
  put(file, 0x1f4, k.syssize, 4);
  put(file, 0x1fe, 0xaa55, 2);
  put(file, 0x200, 0xeb | k.header_length << 8, 2);
  std::memcpy(&file[0x202], "HdrS", 4);
  put(file, 0x206, k.version, 2);
  put(file, 0x211, k.loadflags, 1);
  put(file, 0x214, 0x100000, 4);
  put(file, 0x22c, k.initrd_max, 4);
  put(file, 0x230, k.alignment, 4);
  put(file, 0x234, k.relocatable, 1);
  put(file, 0x236, k.xloadflags, 2);
  put(file, 0x238, k.cmdline_size, 4);
  put(file, 0x248, k.payload_offset, 4);
  put(file, 0x24c, k.payload_length, 4);
  put(file, 0x258, k.pref_address, 8);
  put(file, 0x260, k.init_size, 4);
  return file;
}

// A note of Xen's.
inline Bytes xen_note(uint32_t type, uint64_t value, unsigned bytes) {
  Bytes note;
  put(note, 0, 4, 4);
  put(note, 4, bytes, 4);
  put(note, 8, type, 4);
  put(note, 12, 0x6e6558, 4);
  put(note, 16, value, bytes);
  return note;
}

// Code at 16 MiB, entered 16 bytes behind its start.
inline elf_test::File pvh(bool is_64 = true) {
  Bytes notes = xen_note(6, 0x1234, 4);
  const Bytes entry = xen_note(18, 0x1000010, is_64 ? 8 : 4);
  notes.insert(notes.end(), entry.begin(), entry.end());
  return {.entry = 0x1000000,
          .segments = {{.at = 0x1000000, .bytes = Bytes(0x2000, 0x90), .memory = 0x8000},
                       {.at = 0x2000000, .bytes = notes, .type = 4}},
          .is_64 = is_64,
          .machine = static_cast<uint16_t>(is_64 ? 62 : 3)};
}

inline Bytes multiboot_header(uint32_t flags, const std::vector<uint32_t>& addresses = {}) {
  Bytes header;
  put(header, 0, 0x1badb002, 4);
  put(header, 4, flags, 4);
  put(header, 8, 0u - 0x1badb002u - flags, 4);
  for (size_t i = 0; i < addresses.size(); ++i) put(header, 12 + 4 * i, addresses[i], 4);
  header.resize(48);
  return header;
}

// A 32-bit ELF kernel at 1 MiB whose code begins with the header.
inline elf_test::File multiboot_elf(uint32_t flags = 3) {
  Bytes code = multiboot_header(flags);
  code.resize(0x1000, 0x90);
  return {.entry = 0x100030,
          .segments = {{.at = 0x100000, .bytes = code, .memory = 0x3000}},
          .is_64 = false,
          .machine = 3};
}

// The header is at 0x40 of the file, which goes to 0x200000: code to 0x201000, zeroes to 0x204000.
inline Bytes multiboot_flat(uint32_t load_end = 0x201000, uint32_t bss_end = 0x204000,
                            uint32_t entry = 0x200070) {
  Bytes file(0x1000, 0x90);
  const Bytes header = multiboot_header(1u << 16, {0x200040, 0x200000, load_end, bss_end, entry});
  std::copy(header.begin(), header.end(), file.begin() + 0x40);
  return file;
}

}  // namespace mynah::x86_test
