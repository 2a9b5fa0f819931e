// SPDX-License-Identifier: Apache-2.0
//
// An Image goes text_offset beyond a multiple of 2 MiB: the first of RAM, because many kernels lose what is
// below it, or the next where the image would begin in the first page, which other loaders of this board keep
// for themselves. A raw binary goes where the first kernels went.
#include "machines/arm_boot.h"

#include <algorithm>

#include "machines/arm_image.h"

namespace mynah {

namespace {

constexpr uint64_t kMiB = 1 << 20;
constexpr uint64_t kRawOffset = 0x80000;
constexpr uint64_t kFirstPage = 4096;
constexpr uint64_t kTreeAlignment = 2 * kMiB;

uint64_t align_up(uint64_t v, uint64_t to) { return (v + to - 1) / to * to; }

Result<ArmBootLayout> place_elf(std::span<const uint8_t> image, const AddressSpan& memory) {
  auto program = read_elf(image, kArm64Elf);
  if (!program) return error("the kernel file {}", program.message());
  ArmBootLayout layout;
  layout.kernel.add(*program, "the kernel", memory);
  if (auto ok = layout.kernel.check(memory); !ok) return ok.error();
  layout.entry = program->entry;
  layout.dtb = memory.begin;
  layout.tree_room = layout.kernel.extent().begin - memory.begin;
  return layout;
}

}  // namespace

Result<ArmBootLayout> place_arm_kernel(std::span<const uint8_t> image, const AddressSpan& memory,
                                       uint64_t initrd_bytes) {
  if (is_elf(image)) return place_elf(image, memory);
  const auto read = read_arm64_image(image);
  if (!read) return read.error();
  Arm64Image kernel{kRawOffset, image.size()};
  if (*read) {
    kernel = **read;
    if (kernel.text_offset < kFirstPage) kernel.text_offset += 2 * kMiB;
  } else if (const std::string known = foreign_kernel(image); !known.empty()) {
    return error("the kernel file {}", known);
  }

  const uint64_t offset = kernel.text_offset, need = kernel.size;
  if (offset > memory.size() || need > memory.size() - offset) {
    const uint64_t all = offset > UINT64_MAX - need ? UINT64_MAX : offset + need;
    return error("the kernel needs {} MiB and the machine has {}; use a larger -m", all / kMiB + 1,
                 memory.size() / kMiB);
  }
  ArmBootLayout layout;
  layout.linux_protocol = true;
  layout.entry = memory.begin + offset;
  layout.kernel.add("the kernel", layout.entry, image);
  layout.initrd = align_up(
      std::max(layout.entry + need, memory.begin + std::min<uint64_t>(memory.size() / 2, 128 * kMiB)),
      kGuestPageSize);
  if (layout.initrd > memory.end || initrd_bytes > memory.end - layout.initrd)
    return error("kernel and initrd do not fit into {} MiB; use a larger -m", memory.size() / kMiB);
  layout.dtb = align_up(layout.initrd + initrd_bytes, kTreeAlignment);
  return layout;
}

}  // namespace mynah
