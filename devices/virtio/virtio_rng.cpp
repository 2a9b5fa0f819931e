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

VirtioRng::VirtioRng(DmaMemory& memory, Log& log, EntropySource& source, Limit limit)
    : VirtioDevice("virtio-rng", memory, log, {64}), source_(source), limit_(std::move(limit)) {
  if (!limit_.events) return;
  left_ = limit_.bytes;
  period_ends_ = limit_.events->register_event(limit_.event_name, [this](uint64_t, TimeNs) {
    left_ = limit_.bytes;
    if (running()) kick(0);
  });
}

uint32_t VirtioRng::fill(const DescriptorChain& chain, uint64_t most) {
  if (chain.writable_size == 0) {
    fail("request without a writable buffer");
    return 0;
  }
  const uint64_t n = std::min({chain.writable_size, kMaxBytes, most});
  const auto put = [this](std::span<uint8_t> to) {
    source_.fill(to);
    return true;
  };
  if (ScatterCursor(memory_, chain.writable).fill(n, put) != Transfer::kDone) {
    fail("request buffer is not in RAM");
    return 0;
  }
  return static_cast<uint32_t>(n);
}

void VirtioRng::notify(unsigned queue) {
  if (limit_.events) return notify_limited(queue);
  process(queue, [this](const DescriptorChain& chain) { return fill(chain, kMaxBytes); });
}

void VirtioRng::notify_limited(unsigned index) {
  Virtqueue& q = queue(index);
  constexpr unsigned kMostRequests = 64;  // at a time: what the queue holds
  for (unsigned done = 0; left_ > 0 && done < kMostRequests; ++done) {
    const Virtqueue::Pop pop = q.pop(chain_);
    if (pop == Virtqueue::Pop::kBroken) return fail(q.error());
    if (pop == Virtqueue::Pop::kEmpty) {
      if (q.enable_notification()) break;
      continue;
    }
    const uint32_t n = fill(chain_, left_);
    if (broken()) return;
    left_ -= n;
    q.add_used(chain_.head, n);
  }
  if (left_ < limit_.bytes && !limit_.events->pending(period_ends_))
    limit_.events->schedule(period_ends_, limit_.events->now() + limit_.period);
  complete(index);
}

void VirtioRng::serialize_device(StateStream& stream) {
  if (!limit_.events) return;
  stream.io(left_);
  if (left_ > limit_.bytes) {
    left_ = 0;
    stream.fail();
  }
}

}  // namespace mynah::dev
