// SPDX-License-Identifier: Apache-2.0
//
// virtio-rng. A request gets as much as it asks for up to kMaxBytes; a driver has to cope with less
// (5.4.6.1).
#include "devices/virtio/virtio_rng.h"

#include <algorithm>

namespace mynah::dev {
namespace {
constexpr uint64_t kMaxBytes = 64 * 1024;
}

VirtioRng::VirtioRng(DmaMemory& memory, Log& log, EntropySource& source)
    : VirtioDevice("virtio-rng", memory, log, {64}), source_(source) {}

void VirtioRng::notify(unsigned queue) {
  process(queue, [this](const DescriptorChain& chain) -> uint32_t {
    if (chain.writable_size == 0) {
      fail("request without a writable buffer");
      return 0;
    }
    const uint64_t n = std::min(chain.writable_size, kMaxBytes);
    const auto put = [this](std::span<uint8_t> to) {
      source_.fill(to);
      return true;
    };
    if (ScatterCursor(memory_, chain.writable).fill(n, put) != Transfer::kDone) {
      fail("request buffer is not in RAM");
      return 0;
    }
    return static_cast<uint32_t>(n);
  });
}

}  // namespace mynah::dev
