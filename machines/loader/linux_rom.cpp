// SPDX-License-Identifier: Apache-2.0
//
// The ROM: header and expansion header (BIOS Boot Specification 1.01, 3.3) with a bootstrap entry vector,
// behind them code for real mode. What it asks fw_cfg for goes by DMA, which reaches all memory.
#include "machines/loader/linux_rom.h"

#include <algorithm>
#include <cstring>
#include <numeric>

#include "devices/fwcfg/fw_cfg.h"
#include "machines/loader/bytes.h"

namespace mynah {
namespace {

using dev::FwCfg;

constexpr uint8_t kCode[] = {
    // clang-format off
    // init: nothing
    0x31, 0xc0,  // xor ax,ax
    0xcb,  // retf
    // boot
    0xfa,  // cli
    0xfc,  // cld
    0x31, 0xc0,  // xor ax,ax
    0x8e, 0xd8,  // mov ds,ax
    0x8e, 0xd0,  // mov ss,ax
    0xbc, 0x00, 0x7c,  // mov sp,0x7c00
    // setup
    0xbb, 0x16, 0x00,  // mov bx,0x16
    0xb1, 0x18,  // mov cl,0x18
    0xe8, 0x44, 0x00,  // call copy
    // command line
    0xbb, 0x13, 0x00,  // mov bx,0x13
    0xb1, 0x15,  // mov cl,0x15
    0xe8, 0x3c, 0x00,  // call copy
    // kernel
    0xbb, 0x07, 0x00,  // mov bx,0x7
    0xb1, 0x11,  // mov cl,0x11
    0xe8, 0x34, 0x00,  // call copy
    // initrd
    0xbb, 0x0a, 0x00,  // mov bx,0xa
    0xb1, 0x12,  // mov cl,0x12
    0xe8, 0x2c, 0x00,  // call copy
    // what is left of the segment is the stack
    0xb8, 0x13, 0x00,  // mov ax,0x13
    0xe8, 0x7f, 0x00,  // call word
    0x66, 0x89, 0xc3,  // mov ebx,eax
    0xb8, 0x16, 0x00,  // mov ax,0x16
    0xe8, 0x76, 0x00,  // call word
    0x66, 0x29, 0xc3,  // sub ebx,eax
    0x66, 0xc1, 0xe8, 0x04,  // shr eax,0x4
    0x8e, 0xd8,  // mov ds,ax
    0x8e, 0xc0,  // mov es,ax
    0x8e, 0xe0,  // mov fs,ax
    0x8e, 0xe8,  // mov gs,ax
    0x8e, 0xd0,  // mov ss,ax
    0x89, 0xdc,  // mov sp,bx
    0x83, 0xec, 0x10,  // sub sp,0x10
    0x83, 0xc0, 0x20,  // add ax,0x20
    0x50,  // push ax
    0x6a, 0x00,  // push 0x0
    0xcb,  // retf
    // copy: bx is the item of the address, that of the length behind it; cl the item of the bytes
    0x89, 0xd8,  // mov ax,bx
    0xe8, 0x54, 0x00,  // call word
    0x66, 0x89, 0xc6,  // mov esi,eax
    0x8d, 0x47, 0x01,  // lea ax,[bx+0x1]
    0xe8, 0x4b, 0x00,  // call word
    0x66, 0x85, 0xc0,  // test eax,eax
    0x74, 0x45,  // je copy+0x58
    0x66, 0x0f, 0xc8,  // bswap eax
    0x66, 0xa3, 0x04, 0x70,  // mov [0x7004],eax
    0x88, 0x0e, 0x01, 0x70,  // mov [0x7001],cl
    0xc6, 0x06, 0x00, 0x70, 0x00,  // mov [0x7000],0x0
    0xc7, 0x06, 0x02, 0x70, 0x00, 0x0a,  // mov [0x7002],0xa00
    0x66, 0xc7, 0x06, 0x08, 0x70, 0x00, 0x00, 0x00, 0x00,  // mov [0x7008],0x0
    0x66, 0x0f, 0xce,  // bswap esi
    0x66, 0x89, 0x36, 0x0c, 0x70,  // mov [0x700c],esi
    0x66, 0x31, 0xc0,  // xor eax,eax
    0xba, 0x14, 0x05,  // mov dx,0x514
    0x66, 0xef,  // out dx,eax
    0x66, 0xb8, 0x00, 0x00, 0x70, 0x00,  // mov eax,0x700000
    0xba, 0x18, 0x05,  // mov dx,0x518
    0x66, 0xef,  // out dx,eax
    0x66, 0xf7, 0x06, 0x00, 0x70, 0xff, 0xff, 0xff, 0xfe,  // test [0x7000],0xfeffffff
    0x75, 0xf5,  // jne copy+0x4d
    0xc3,  // ret
    // word: eax is what item ax has
    0xba, 0x10, 0x05,  // mov dx,0x510
    0xef,  // out dx,ax
    0x42,  // inc dx
    0xb5, 0x04,  // mov ch,0x4
    0xec,  // in al,dx
    0x66, 0xc1, 0xc8, 0x08,  // ror eax,0x8
    0xfe, 0xcd,  // dec ch
    0x75, 0xf7,  // jne word+0x7
    0xc3,  // ret
    // clang-format on
};

constexpr size_t kPnp = 0x1c, kPnpBytes = 0x20, kTitle = 0x3c, kInit = 0x42, kBoot = 0x45, kRomBytes = 512;
static_assert(kInit + sizeof kCode <= kRomBytes);

uint8_t complement(std::span<const uint8_t> bytes) {
  return static_cast<uint8_t>(-std::accumulate(bytes.begin(), bytes.end(), 0));
}

// Where things are for the kernel's real-mode code, in the order of addresses.
constexpr uint64_t kSetup = 0x10000, kCommandLine = 0x20000, kLowEnd = 0x90000;
constexpr uint64_t kPage = 4096;
// Firmware takes what it needs from the end of memory below 4 GiB.
constexpr uint64_t kFirmwares = 1 << 20;
// The setup header (boot.rst).
enum Field : uint64_t {
  kTypeOfLoader = 0x210,
  kLoadflags = 0x211,
  kRamdiskImage = 0x218,
  kRamdiskSize = 0x21c,
  kHeapEndPtr = 0x224,
  kCmdLinePtr = 0x228,
};
constexpr uint8_t kUnknownLoader = 0xff, kCanUseHeap = 0x80;
constexpr uint16_t kHeapEnd = kCommandLine - kSetup - 0x200;

}  // namespace

std::vector<uint8_t> linux_rom() {
  std::vector<uint8_t> rom(kRomBytes);
  const auto put = [&rom](size_t at, std::initializer_list<uint8_t> bytes) {
    std::copy(bytes.begin(), bytes.end(), rom.begin() + static_cast<ptrdiff_t>(at));
  };
  constexpr uint8_t kJump = 0xeb, kJumpAt = 3;
  put(0, {0x55, 0xaa, kRomBytes / 512, kJump, kInit - kJumpAt - 2});
  put(0x1a, {kPnp});
  put(kPnp, {'$', 'P', 'n', 'P', 1, kPnpBytes / 16});
  put(kPnp + 0x10, {kTitle});
  put(kPnp + 0x1a, {kBoot});
  put(kTitle, {'L', 'i', 'n', 'u', 'x'});
  std::memcpy(&rom[kInit], kCode, sizeof kCode);
  rom[kPnp + 9] = complement({&rom[kPnp], kPnpBytes});
  rom.back() = complement(rom);
  return rom;
}

Result<void> add_linux_items(FwCfg& fw_cfg, const BzImage& image, std::span<uint8_t> setup, uint64_t initrd,
                             uint64_t command_line, uint64_t ram_end) {
  if (image.version < 0x202 || image.load_at < kSetup || kCommandLine + command_line > kLowEnd)
    return Error{"the kernel is too old for firmware to start it; leave -bios and the flash out"};
  uint64_t initrd_at = 0;
  if (initrd) {
    const uint64_t end = std::min(ram_end - std::min(kFirmwares, ram_end), image.initrd_max + 1);
    initrd_at = (end - std::min(initrd, end)) & ~(kPage - 1);
    if (initrd_at < image.run_at + image.run_size)
      return error("the initrd has {} MiB, and there is no room for it beside the kernel; use a larger -m",
                   (initrd >> 20) + 1);
  }
  const auto put = [&setup](uint64_t at, auto value) { std::memcpy(&setup[at], &value, sizeof value); };
  put(kTypeOfLoader, kUnknownLoader);
  put(kLoadflags, static_cast<uint8_t>(setup[kLoadflags] | kCanUseHeap));
  put(kHeapEndPtr, kHeapEnd);
  put(kCmdLinePtr, static_cast<uint32_t>(kCommandLine));
  put(kRamdiskImage, static_cast<uint32_t>(initrd_at));
  put(kRamdiskSize, static_cast<uint32_t>(initrd));
  fw_cfg.add_item_u32(FwCfg::kSetupAddress, kSetup);
  fw_cfg.add_item_u32(FwCfg::kCommandLineAddress, kCommandLine);
  fw_cfg.add_item_u32(FwCfg::kKernelAddress, static_cast<uint32_t>(image.load_at));
  fw_cfg.add_item_u32(FwCfg::kInitrdAddress, static_cast<uint32_t>(initrd_at));
  return {};
}

}  // namespace mynah
