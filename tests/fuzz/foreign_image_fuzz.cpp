// SPDX-License-Identifier: Apache-2.0
//
// Images of VirtualBox, Hyper-V and VMware with any bytes: opened and read from without a crash.
#include <algorithm>
#include <cstring>
#include <memory>

#include "devices/host/image/block_image.h"
#include "devices/host/image/vmdk_image.h"
#include "tests/devices/memory_store.h"
#include "tests/fuzz/fuzz_input.h"

using namespace mynah;

namespace {

template <typename T>
void put(std::vector<uint8_t>& to, size_t at, T value) {
  std::memcpy(to.data() + at, &value, sizeof value);
}

// A disk of four blocks of 4 KiB, two of them there.
std::vector<uint8_t> vdi() {
  std::vector<uint8_t> image(0x600 + 2 * 4096);
  put<uint32_t>(image, 0x40, 0xbeda107f);
  put<uint32_t>(image, 0x44, 0x10001);
  put<uint32_t>(image, 0x4c, 1);
  put<uint32_t>(image, 0x154, 0x400);
  put<uint32_t>(image, 0x158, 0x600);
  put<uint32_t>(image, 0x168, 512);
  put<uint64_t>(image, 0x170, 4 * 4096);
  put<uint32_t>(image, 0x178, 4096);
  put<uint32_t>(image, 0x180, 4);
  for (uint32_t n = 0; n < 4; ++n) put<uint32_t>(image, 0x400 + 4 * n, n & 1 ? ~0u : n / 2);
  return image;
}

// Sparse, with one table of 512 grains of 4 KiB.
std::vector<uint8_t> vmdk(bool compressed) {
  std::vector<uint8_t> image(16384);
  put<uint32_t>(image, 0, 0x564d444b);
  put<uint32_t>(image, 4, compressed ? 3 : 1);
  put<uint32_t>(image, 8, compressed ? 0x30003 : 3);
  put<uint64_t>(image, 12, 2048);
  put<uint64_t>(image, 20, 8);
  put<uint32_t>(image, 44, 512);
  put<uint64_t>(image, 56, 2);
  put<uint16_t>(image, 77, compressed);
  put<uint32_t>(image, 1024, 4);
  for (uint32_t n = 0; n < 8; ++n) put<uint32_t>(image, 2048 + 4 * n, n & 1 ? 16 : 0);
  if (compressed) {
    const uint8_t packed[] = {0x78, 0x9c, 0x63, 0x60, 0x18, 0x05, 0xa3, 0x60, 0x14,
                              0x0c, 0x77, 0x00, 0x00, 0x10, 0x00, 0x00, 0x01};
    put<uint32_t>(image, 8192 + 8, sizeof packed);
    std::memcpy(image.data() + 8192 + 12, packed, sizeof packed);
  }
  return image;
}

constexpr size_t kVhdxHeader = 0x10000, kVhdxRegions = 0x30000, kVhdxTable = 0x50000, kVhdxMetadata = 0x51000;

// Two blocks of 1 MiB, the first there; checksums are change_vhdx()'s.
std::vector<uint8_t> vhdx() {
  static constexpr uint8_t kGuids[5][16] = {
      {0x66, 0x77, 0xc2, 0x2d, 0x23, 0xf6, 0x00, 0x42, 0x9d, 0x64, 0x11, 0x5e, 0x9b, 0xfd, 0x4a, 0x08},
      {0x06, 0xa2, 0x7c, 0x8b, 0x90, 0x47, 0x9a, 0x4b, 0xb8, 0xfe, 0x57, 0x5f, 0x05, 0x0f, 0x88, 0x6e},
      {0x37, 0x67, 0xa1, 0xca, 0x36, 0xfa, 0x43, 0x4d, 0xb3, 0xb6, 0x33, 0xf0, 0xaa, 0x44, 0xe7, 0x6b},
      {0x24, 0x42, 0xa5, 0x2f, 0x1b, 0xcd, 0x76, 0x48, 0xb2, 0x11, 0x5d, 0xbe, 0xd8, 0x3b, 0xf4, 0xb8},
      {0x1d, 0xbf, 0x41, 0x81, 0x6f, 0xa9, 0x09, 0x47, 0xba, 0x47, 0xf2, 0x33, 0xa8, 0xfa, 0xab, 0x5f}};
  std::vector<uint8_t> image(kVhdxMetadata + 0x11000);
  std::memcpy(image.data() + kVhdxHeader, "head", 4);
  std::memcpy(image.data() + kVhdxRegions, "regi", 4);
  std::memcpy(image.data() + kVhdxMetadata, "metadata", 8);
  put<uint32_t>(image, kVhdxRegions + 8, 2);
  put<uint16_t>(image, kVhdxMetadata + 10, 3);
  for (size_t n = 0; n < 5; ++n) {
    const size_t at = n < 2 ? kVhdxRegions + 16 + 32 * n : kVhdxMetadata + 32 * (n - 1);
    std::memcpy(image.data() + at, kGuids[n], 16);
    if (n < 2) {
      put<uint64_t>(image, at + 16, n ? kVhdxMetadata : kVhdxTable);
      put<uint32_t>(image, at + 24, n ? 0x11000 : 0x1000);
    } else {
      put<uint32_t>(image, at + 16, static_cast<uint32_t>(0x10000 + 8 * n));
      put<uint32_t>(image, at + 20, n == 4 ? 4 : 8);
    }
  }
  put<uint64_t>(image, kVhdxMetadata + 0x10010, 1 << 20);
  put<uint64_t>(image, kVhdxMetadata + 0x10018, 2 << 20);
  put<uint32_t>(image, kVhdxMetadata + 0x10020, 512);
  put<uint64_t>(image, kVhdxTable, 6);
  return image;
}

void change_vhdx(std::vector<uint8_t>& image, fuzz::Input& in) {
  static constexpr size_t kPlaces[] = {kVhdxHeader, kVhdxRegions, kVhdxTable, kVhdxMetadata,
                                       kVhdxMetadata + 0x10000};
  for (unsigned n = in.u8() % 6; n; --n) image[kPlaces[in.u8() % 5] + in.u8() % 0x90] = in.u8();
  for (const auto& [at, bytes] :
       {std::pair(kVhdxHeader, size_t{4096}), std::pair(kVhdxRegions, size_t{65536})})
    put<uint32_t>(image, at + 4, host::vhdx_checksum(std::span(image).subspan(at, bytes)));
}

std::vector<uint8_t> description() {
  constexpr std::string_view kText =
      "# Disk DescriptorFile\nversion=1\nparentCID=ffffffff\ncreateType=\"monolithicFlat\"\n"
      "RW 8 FLAT \"a-flat.vmdk\" 0\nRW 16 ZERO\nRW 2048 SPARSE \"b.vmdk\"\n";
  return {kText.begin(), kText.end()};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  fuzz::Input in(data, size);
  const unsigned kind = in.u8() % 5;
  std::vector<uint8_t> image = kind == 0   ? vdi()
                               : kind == 3 ? description()
                               : kind == 4 ? vhdx()
                                           : vmdk(kind == 2);
  if (kind == 4) change_vhdx(image, in);
  for (unsigned n = kind == 4 ? 0 : in.u8() % 8; n; --n) {
    const size_t at =
        in.u8() & 1 ? in.u16() % std::min<size_t>(image.size(), 0x200) : in.u16() % image.size();
    image[at] = in.u8();
  }
  if (in.u8() % 8 == 0) image.resize(in.u16() % (image.size() + 1));
  std::vector<uint8_t> extent = vmdk(false);
  auto store = std::make_unique<host::test::MemoryStore>(image);
  auto disk = kind == 0 ? host::open_vdi(std::move(store), "image")
              : kind == 4
                  ? host::open_vhdx(std::move(store), "image")
                  : host::open_vmdk(std::move(store), "image",
                                    [&](const std::string&) -> Result<std::unique_ptr<host::ByteStore>> {
                                      return std::unique_ptr<host::ByteStore>(
                                          std::make_unique<host::test::MemoryStore>(extent));
                                    });
  if (!disk) return 0;
  std::vector<uint8_t> bytes(5000);
  for (unsigned steps = 0; steps < 32 && !in.empty(); ++steps) {
    const auto part = std::span(bytes).first(in.u16() % bytes.size());
    (void)(*disk)->read(in.u8() & 1 ? in.u64() : in.u16() * uint64_t{64}, part);
  }
  return 0;
}
