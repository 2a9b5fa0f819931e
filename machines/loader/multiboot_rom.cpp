// SPDX-License-Identifier: Apache-2.0
//
// The ROM: header, Plug and Play header, its code, a table of the pieces with their bytes. The memory map is
// asked of the BIOS (ACPI 6.4, 15.1: INT 15h, E820h), to a place of its own.
#include "machines/loader/multiboot_rom.h"

#include <algorithm>
#include <array>
#include <initializer_list>
#include <numeric>
#include <string>

#include "machines/loader/multiboot.h"

namespace mynah {
namespace {

constexpr uint64_t kMiB = 1 << 20;
constexpr uint16_t kMap = 0x8000, kMapEntry = 24, kMostEntries = 64;
constexpr uint32_t kLowEnd = 0x80000;  // from here on a BIOS may have data
constexpr size_t kBlock = 512, kMostRom = 48 << 10;

struct Code {
  std::vector<uint8_t> bytes;

  uint16_t here() const { return static_cast<uint16_t>(bytes.size()); }
  void op(std::initializer_list<uint8_t> list) { bytes.insert(bytes.end(), list); }
  void number(uint64_t value, size_t size) {
    for (size_t i = 0; i < size; ++i) bytes.push_back(static_cast<uint8_t>(value >> 8 * i));
  }
  void op16(std::initializer_list<uint8_t> list, uint64_t value) { op(list), number(value, 2); }
  void op32(std::initializer_list<uint8_t> list, uint64_t value) { op(list), number(value, 4); }
  void set16(size_t at, uint64_t value) {
    bytes[at] = static_cast<uint8_t>(value);
    bytes[at + 1] = static_cast<uint8_t>(value >> 8);
  }
  // A short jump to a place that is not there yet.
  size_t jump(uint8_t opcode) { return op({opcode, 0}), bytes.size(); }
  void lands(size_t jump) { bytes[jump - 1] = static_cast<uint8_t>(bytes.size() - jump); }
  void jump_back(uint8_t opcode, size_t to) {
    op({opcode, 0});
    bytes.back() = static_cast<uint8_t>(to - bytes.size());
  }
};

constexpr uint8_t kJump = 0xeb, kIfCarry = 0x72, kIfBelow = 0x72, kIfZero = 0x74, kIfNotZero = 0x75,
                  kIfCxZero = 0xe3;

// A table entry: length, offset, segment, where its bytes are. Returns where the table's address goes.
size_t copy_pieces(Code& c) {
  c.op({0xfa, 0xfc});  // cli; cld
  c.op({0x0e, 0x1f});  // push cs; pop ds
  c.op16({0xbe}, 0);   // mov si, table
  const size_t table = c.bytes.size() - 2, next = c.here();
  c.op({0x8b, 0x0c});  // mov cx, [si]
  const size_t end = c.jump(kIfCxZero);
  c.op({0x56});              // push si
  c.op({0xc4, 0x7c, 0x02});  // les di, [si + 2]
  c.op({0x8b, 0x74, 0x06});  // mov si, [si + 6]
  c.op({0xf3, 0xa4});        // rep movsb
  c.op({0x5e});              // pop si
  c.op({0x83, 0xc6, 0x08});  // add si, 8
  c.jump_back(kJump, next);
  c.lands(end);
  return table;
}

// To DI its bytes, to EBP the KiB from 1 MiB on.
void ask_for_map(Code& c) {
  c.op16({0xb8}, kMap >> 4);  // mov ax, segment
  c.op({0x8e, 0xc0});         // mov es, ax
  c.op({0x31, 0xff});         // xor di, di
  c.op({0x66, 0x31, 0xdb});   // xor ebx, ebx
  c.op({0x66, 0x31, 0xed});   // xor ebp, ebp
  const size_t next = c.here();
  c.op32({0x26, 0x66, 0xc7, 0x05}, kMapEntry - 4);  // mov dword es:[di], 20
  c.op({0x83, 0xc7, 0x04});                         // add di, 4
  c.op32({0x66, 0xb8}, 0xe820);                     // mov eax, ...
  c.op32({0x66, 0xba}, 0x534d4150);                 // mov edx, "SMAP"
  c.op32({0x66, 0xb9}, kMapEntry - 4);              // mov ecx, 20
  c.op({0xcd, 0x15});                               // int 15h
  const size_t none = c.jump(kIfCarry);
  c.op32({0x26, 0x66, 0x81, 0x3d}, kMiB);  // cmp dword es:[di], 1 MiB
  const size_t other = c.jump(kIfNotZero);
  c.op({0x26, 0x66, 0x83, 0x7d, 0x04, 0x00});  // cmp dword es:[di + 4], 0
  const size_t high = c.jump(kIfNotZero);
  c.op({0x26, 0x66, 0x8b, 0x6d, 0x08});  // mov ebp, es:[di + 8]
  c.op({0x66, 0xc1, 0xed, 0x0a});        // shr ebp, 10
  c.lands(other);
  c.lands(high);
  c.op({0x83, 0xc7, kMapEntry - 4});  // add di, 20
  c.op({0x66, 0x85, 0xdb});           // test ebx, ebx
  const size_t last = c.jump(kIfZero);
  c.op16({0x81, 0xff}, kMapEntry * (kMostEntries - 1));  // cmp di, ...
  c.jump_back(kIfBelow, next);
  const size_t full = c.jump(kJump);
  c.lands(none);
  c.op({0x83, 0xef, 0x04});  // sub di, 4
  c.lands(last);
  c.lands(full);
}

// Returns where the address of what LGDT loads goes.
size_t enter(Code& c, const X86BootState& state) {
  const auto info = static_cast<uint32_t>(state.rbx);
  c.op({0xcd, 0x12});                             // int 12h: ax = KiB of low memory
  c.op({0x66, 0x0f, 0xb7, 0xc0});                 // movzx eax, ax
  c.op16({0xb9}, info >> 4);                      // mov cx, segment
  c.op({0x8e, 0xc1});                             // mov es, cx
  c.op16({0x26, 0x66, 0xa3}, kMemLower);          // mov es:[...], eax
  c.op16({0x26, 0x66, 0x89, 0x2e}, kMemUpper);    // mov es:[...], ebp
  c.op({0x66, 0x0f, 0xb7, 0xff});                 // movzx edi, di
  c.op16({0x26, 0x66, 0x89, 0x3e}, kMmapLength);  // mov es:[...], edi
  c.op16({0x26, 0x66, 0xc7, 0x06}, kMmapAddr);    // mov dword es:[...], map
  c.number(kMap, 4);
  c.op({0xfa});                         // cli
  c.op16({0x66, 0x0f, 0x01, 0x16}, 0);  // lgdt [...]
  const size_t gdt = c.bytes.size() - 2;
  c.op({0x0f, 0x20, 0xc0, 0x0c, 0x01, 0x0f, 0x22, 0xc0});  // mov eax, cr0; or al, 1; mov cr0, eax
  c.op16({0xb9}, state.data.selector);                     // mov cx, ...
  for (const uint8_t segment : {0xd9, 0xc1, 0xd1, 0xe1, 0xe9}) c.op({0x8e, segment});  // ds es ss fs gs
  c.op32({0x66, 0xb8}, state.rax);
  c.op32({0x66, 0xbb}, info);
  c.op32({0x66, 0xea}, state.entry);  // jmp far
  c.number(state.cs.selector, 2);
  return gdt;
}

}  // namespace

X86Memory memory_beside_bios(X86Memory memory) {
  constexpr uint64_t kAtTheEnd = 2 * kMiB;
  memory.reserved.push_back({{0, kMap + kMapEntry * kMostEntries}, E820Type::kReserved});
  memory.reserved.push_back({{kLowEnd, kX86LowMemoryEnd}, E820Type::kReserved});
  const uint64_t end = memory.below_4g;
  memory.reserved.push_back({{end - std::min(end / 4, kAtTheEnd), end}, E820Type::kReserved});
  return memory;
}

Result<std::vector<uint8_t>> make_multiboot_rom(X86Boot& boot) {
  Code c;
  constexpr size_t kPnp = 0x20, kSizeAt = 2, kPnpAt = 0x1a, kPnpChecksum = 9;
  c.op({0x55, 0xaa, 0, 0xcb});  // its size comes below; retf: nothing to initialize
  c.bytes.resize(kPnp);
  c.set16(kPnpAt, kPnp);
  for (const char letter : std::string_view("$PnP")) c.op({static_cast<uint8_t>(letter)});
  c.op({1, 2});  // revision, length in 16 bytes
  c.bytes.resize(kPnp + 0x1a);
  c.number(kPnp + 0x20, 2);  // bootstrap entry vector
  c.bytes.resize(kPnp + 0x20);
  uint8_t sum = std::accumulate(c.bytes.begin() + kPnp, c.bytes.end(), uint8_t{0});
  c.bytes[kPnp + kPnpChecksum] = static_cast<uint8_t>(-sum);

  const size_t table = copy_pieces(c);
  ask_for_map(c);
  const size_t gdt = enter(c, boot.state);
  c.set16(gdt, c.here());
  c.number(boot.state.gdt_limit, 2);
  c.number(boot.state.gdt_base, 4);

  LoadList above;
  std::vector<const LoadPiece*> low;
  size_t bytes = c.bytes.size();
  for (const LoadPiece& piece : boot.memory.pieces()) {
    if (piece.at >= kMiB) {
      above.add(piece);
      continue;
    }
    low.push_back(&piece);
    bytes += piece.size + 8;
    if (bytes > kMostRom)
      return Error{
          "the kernel, or its command lines, have more below 1 MiB than a BIOS leaves room for; make the "
          "command lines "
          "shorter"};
  }
  c.set16(table, c.here());
  size_t at = c.bytes.size() + 8 * low.size() + 2;
  for (const LoadPiece* piece : low) {
    c.number(piece->size, 2);
    c.number(piece->at & 15, 2);
    c.number(piece->at >> 4, 2);
    c.number(at, 2);
    at += piece->size;
  }
  c.number(0, 2);
  for (const LoadPiece* piece : low) {
    c.bytes.insert(c.bytes.end(), piece->bytes.begin(), piece->bytes.end());
    c.bytes.resize(c.bytes.size() + piece->size - piece->bytes.size());
  }
  c.bytes.resize((c.bytes.size() + 1 + kBlock - 1) / kBlock * kBlock);
  c.bytes[kSizeAt] = static_cast<uint8_t>(c.bytes.size() / kBlock);
  sum = std::accumulate(c.bytes.begin(), c.bytes.end(), uint8_t{0});
  c.bytes.back() = static_cast<uint8_t>(-sum);
  boot.memory = std::move(above);
  return std::move(c.bytes);
}

}  // namespace mynah
