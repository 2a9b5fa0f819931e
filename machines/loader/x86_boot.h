// SPDX-License-Identifier: Apache-2.0
//
// What all ways to start an x86 kernel without firmware have in common: what a person gave, the memory there
// is and how the kernel is told of it (E820, ACPI 6.4 chapter 15), and the result: what lies where in memory,
// and what is in the processor's registers at the first instruction. The loaders are functions of this and
// know no board and no processor.
#pragma once

#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <vector>

#include "ir/result.h"
#include "machines/loader/load_list.h"

namespace mynah {

// --- memory

enum class E820Type : uint32_t { kRam = 1, kReserved = 2, kAcpi = 3, kNvs = 4, kUnusable = 5 };

struct E820Range {
  AddressSpan span;
  E820Type type = E820Type::kRam;
};

struct X86Memory {
  uint64_t below_4g = 0;            // bytes of RAM from address 0; at most 4 GiB
  uint64_t above_4g = 0;            // bytes of RAM from 4 GiB
  std::vector<E820Range> reserved;  // what of RAM, or beside it, is not to be used: ACPI tables and such
};

// Sorted, without overlaps: RAM below 640 KiB without the last one (the BIOS's own), from 1 MiB, and from 4
// GiB, without what is reserved; that, and the BIOS's own, with their types.
std::vector<E820Range> e820_table(const X86Memory& memory);

// The RAM in a table.
std::vector<AddressSpan> usable_ram(std::span<const E820Range> table);

// `spans` where `hole` is not.
std::vector<AddressSpan> without(std::span<const AddressSpan> spans, const AddressSpan& hole);

// --- the processor at the kernel's first instruction

struct X86BootSegment {
  uint16_t selector = 0;
  uint64_t base = 0;
  uint32_t limit = 0;       // in bytes: the last valid offset
  uint16_t attributes = 0;  // bits 40 to 47 of the descriptor in 0 to 7, 52 to 55 in 12 to 15; 0: not usable
};

// Interrupts are off. Registers that are not named are zero; IDTR has limit 0; control registers are as after
// reset but for what `mode` says.
struct X86BootState {
  enum class Mode : uint8_t {
    kProtected,  // CR0.PE alone
    kLong        // CR0.PE and PG, CR4.PAE, EFER.LME and LMA; CR3 below
  };
  Mode mode = Mode::kProtected;
  uint64_t entry = 0;  // linear, which is EIP or RIP: the code segment's base is zero
  uint64_t rax = 0, rbx = 0, rsi = 0, rsp = 0;
  uint64_t gdt_base = 0;
  uint16_t gdt_limit = 0;
  uint64_t cr3 = 0;         // kLong: every address below 4 GiB is mapped to itself
  X86BootSegment cs, data;  // `data`: DS, ES, SS, FS, GS
  X86BootSegment tr;
};

// --- a kernel and what comes with it

struct X86Module {
  std::span<const uint8_t> bytes;  // outlive the result
  std::string command_line;        // multiboot: the file's name and what follows it
};

struct X86SetupData {  // Linux, boot protocol 2.09: a list of blobs by type (arch/x86 bootparam.h)
  static constexpr uint32_t kDtb = 2, kRngSeed = 9;
  uint32_t type = 0;
  std::vector<uint8_t> bytes;
};

struct X86KernelFiles {
  std::span<const uint8_t> kernel;  // not compressed (unpack_kernel); outlives the result
  // Of a bzImage, what unpack_bzimage gave, where that is to be placed and entered at once: the way from
  // there on is the same in every run. It outlives the result.
  std::span<const uint8_t> unpacked;
  std::string kernel_name;         // for multiboot, whose command line begins with it
  std::vector<X86Module> modules;  // bzImage and PVH: the first one is the initrd; of no size: none
  std::string command_line;
  std::vector<X86SetupData> setup_data;
  uint64_t rsdp = 0;  // where the board puts ACPI's root pointer; 0: the kernel searches
};

struct X86Boot {
  X86Boot() = default;
  X86Boot(X86Boot&&) = default;
  X86Boot& operator=(X86Boot&&) = default;

  LoadList memory;  // all that is to be written, checked
  X86BootState state;
  std::deque<std::vector<uint8_t>> made;  // bytes of `memory` that no file has

  // Adds a piece of bytes that are made here.
  void add(std::string name, uint64_t at, std::vector<uint8_t> bytes);
};

// Below it the BIOS's own data, of which nothing is there; above it the loaders' tables.
constexpr uint64_t kX86LowMemoryEnd = 0x9fc00;
constexpr uint64_t kFourGiB = uint64_t{1} << 32;
// Linux's boot protocol wants these selectors.
constexpr uint16_t kX86BootCs = 0x10, kX86BootDs = 0x18, kX86BootTr = 0x20;

// Puts a table of flat segments to `gdt` (48 bytes), and says so in the state.
void add_boot_segments(X86Boot& boot, X86BootState::Mode mode, uint64_t gdt);
// Puts six pages to `at` that map the first 4 GiB to themselves, and names them in CR3.
void add_identity_map(X86Boot& boot, uint64_t at);

}  // namespace mynah
