// SPDX-License-Identifier: Apache-2.0
//
// Split virtqueue. Layouts are those of VIRTIO 1.2, 2.7.5 (descriptor), 2.7.6 (available), 2.7.8 (used).
#include "devices/virtio/virtqueue.h"

#include <atomic>
#include <bit>
#include <cassert>
#include <cstring>
#include <limits>

namespace mynah::dev {
namespace {

struct Descriptor {
  uint64_t address;
  uint32_t length;
  uint16_t flags;
  uint16_t next;
};
static_assert(sizeof(Descriptor) == 16);

struct UsedElement {
  uint32_t id;
  uint32_t length;
};
static_assert(sizeof(UsedElement) == 8);

constexpr uint16_t kDescriptorNext = 1, kDescriptorWrite = 2, kDescriptorIndirect = 4;
constexpr uint16_t kAvailableNoInterrupt = 1;
constexpr uint16_t kUsedNoNotify = 1;
constexpr uint64_t kMaxChainBytes = uint64_t{1} << 32;  // 2.7.5

bool wraps(uint64_t pa, uint64_t size) { return pa > std::numeric_limits<uint64_t>::max() - size; }

// Neighbours in guest memory become one segment: drivers cut buffers into pages, hosts like large transfers.
void append(std::vector<Segment>& list, uint64_t pa, uint64_t size) {
  if (!list.empty() && list.back().pa + list.back().size == pa) {
    list.back().size += size;
  } else {
    list.push_back({pa, size});
  }
}

}  // namespace

Virtqueue::Virtqueue(DmaMemory& memory, uint16_t max_size)
    : memory_(memory), max_size_(max_size), size_(max_size) {
  assert(std::has_single_bit(max_size) && max_size <= 32768);
}

bool Virtqueue::set_size(uint32_t size) {
  if (!std::has_single_bit(size) || size > max_size_) return false;
  size_ = static_cast<uint16_t>(size);
  return true;
}

bool Virtqueue::enable() {
  if (addresses_.descriptors % 16 != 0 || addresses_.available % 2 != 0 || addresses_.used % 4 != 0)
    return false;
  if (wraps(addresses_.descriptors, 16 * uint64_t{size_}) || wraps(addresses_.available, available_size()) ||
      wraps(addresses_.used, used_size())) {
    return false;
  }
  ready_ = true;
  return true;
}

bool Virtqueue::enable_legacy(uint64_t block, uint32_t alignment) {
  const uint64_t mask = uint64_t{alignment} - 1;
  addresses_.descriptors = block;
  addresses_.available = block + 16 * uint64_t{size_};
  addresses_.used = (addresses_.available + available_size() + mask) & ~mask;
  return enable();
}

void Virtqueue::disable() {
  ready_ = false;
  error_ = nullptr;
  available_ = next_available_ = next_used_ = published_ = signalled_ = 0;
}

void Virtqueue::reset() {
  disable();
  size_ = max_size_;
  addresses_ = {};
  event_index_ = indirect_ = false;
}

bool Virtqueue::read_available_index(uint16_t& index) {
  if (!memory_.read(addresses_.available + 2, &index, sizeof index)) {
    return fail("available ring is not in RAM");
  }
  std::atomic_thread_fence(std::memory_order_acquire);
  return true;
}

Virtqueue::Pop Virtqueue::pop(DescriptorChain& chain) {
  if (error_) return Pop::kBroken;
  if (!ready_) return Pop::kEmpty;
  if (available_ == next_available_) {
    if (!read_available_index(available_)) return Pop::kBroken;
    if (available_ == next_available_) return Pop::kEmpty;
    if (static_cast<uint16_t>(available_ - next_available_) > size_) {
      fail("available index is ahead by more than the queue size");
      return Pop::kBroken;
    }
  }
  if (static_cast<uint16_t>(next_available_ - next_used_) >= size_) {
    fail("more chains in use than the queue has entries");
    return Pop::kBroken;
  }
  const uint64_t entry =
      addresses_.available + 4 + 2 * uint64_t{static_cast<uint16_t>(next_available_ % size_)};
  if (!memory_.read(entry, &chain.head, sizeof chain.head)) {
    fail("available ring is not in RAM");
    return Pop::kBroken;
  }
  if (!walk(chain)) return Pop::kBroken;
  ++next_available_;
  return Pop::kChain;
}

bool Virtqueue::walk(DescriptorChain& chain) {
  chain.clear();
  uint64_t table = addresses_.descriptors;
  uint32_t count = size_;
  const uint8_t* host = nullptr;  // the table, where it could be mapped
  bool in_indirect = false;
  uint32_t index = chain.head;
  for (uint32_t visited = 0;;) {
    if (index >= count) return fail("descriptor index is outside the table");
    if (visited++ == std::min(count, kMaxChainLength)) return fail("descriptor chain loops or is too long");
    Descriptor d;
    if (host) {
      std::memcpy(&d, host + uint64_t{index} * sizeof d, sizeof d);
    } else if (!memory_.read(table + uint64_t{index} * sizeof d, &d, sizeof d)) {
      return fail("descriptor table is not in RAM");
    }

    if (d.flags & kDescriptorIndirect) {
      if (!indirect_) return fail("indirect descriptor without the feature");
      if (in_indirect) return fail("indirect descriptor in an indirect table");
      if (d.flags & kDescriptorNext) return fail("indirect descriptor with a next one");
      if (d.length == 0 || d.length % sizeof d != 0) return fail("indirect table of a bad size");
      if (wraps(d.address, d.length)) return fail("indirect table wraps around the address space");
      in_indirect = true;
      table = d.address;
      count = d.length / sizeof d;
      host = memory_.map(table, d.length, false);
      index = 0;
      visited = 0;
      continue;
    }

    if (d.length == 0) return fail("descriptor of length 0");
    if (wraps(d.address, d.length)) return fail("buffer wraps around the address space");
    if (d.flags & kDescriptorWrite) {
      append(chain.writable, d.address, d.length);
      chain.writable_size += d.length;
    } else {
      if (!chain.writable.empty()) return fail("readable buffer after a writable one");
      append(chain.readable, d.address, d.length);
      chain.readable_size += d.length;
    }
    if (chain.readable_size + chain.writable_size > kMaxChainBytes) return fail("chain of more than 4 GiB");
    if (!(d.flags & kDescriptorNext)) return true;
    index = d.next;
  }
}

void Virtqueue::add_used(uint16_t head, uint32_t written) {
  if (error_) return;
  const UsedElement element{head, written};
  const uint64_t pa = addresses_.used + 4 + 8 * uint64_t{static_cast<uint16_t>(next_used_ % size_)};
  if (!memory_.write(pa, &element, sizeof element)) {
    fail("used ring is not in RAM");
    return;
  }
  ++next_used_;
}

void Virtqueue::publish() {
  if (error_ || published_ == next_used_) return;
  std::atomic_thread_fence(std::memory_order_release);
  if (!memory_.write(addresses_.used + 2, &next_used_, sizeof next_used_)) {
    fail("used ring is not in RAM");
    return;
  }
  published_ = next_used_;
}

bool Virtqueue::wants_interrupt() {
  if (error_ || published_ == signalled_) return false;
  const uint16_t before = signalled_;
  signalled_ = published_;
  // The driver writes its wish, then reads our index; we wrote our index and now read its wish.
  std::atomic_thread_fence(std::memory_order_seq_cst);
  uint16_t wish = 0;
  if (!memory_.read(event_index_ ? used_event_pa() : addresses_.available, &wish, sizeof wish)) {
    return fail("available ring is not in RAM");
  }
  if (!event_index_) return !(wish & kAvailableNoInterrupt);
  return static_cast<uint16_t>(published_ - wish - 1) < static_cast<uint16_t>(published_ - before);
}

bool Virtqueue::enable_notification() {
  if (error_ || !ready_) return true;
  const uint16_t value = event_index_ ? next_available_ : 0;
  if (!memory_.write(event_index_ ? available_event_pa() : addresses_.used, &value, sizeof value)) {
    fail("used ring is not in RAM");
    return true;
  }
  std::atomic_thread_fence(std::memory_order_seq_cst);
  uint16_t index = 0;
  if (!read_available_index(index)) return true;
  return index == next_available_;
}

// With event indices there is nothing to do: an index that was passed asks for nothing.
void Virtqueue::disable_notification() {
  if (error_ || !ready_ || event_index_) return;
  if (!memory_.write(addresses_.used, &kUsedNoNotify, sizeof kUsedNoNotify)) fail("used ring is not in RAM");
}

void Virtqueue::serialize(StateStream& stream) {
  uint16_t size = size_;
  uint8_t ready = ready_, event_index = event_index_, indirect = indirect_;
  stream.io(size);
  stream.io(addresses_.descriptors);
  stream.io(addresses_.available);
  stream.io(addresses_.used);
  stream.io(ready);
  stream.io(event_index);
  stream.io(indirect);
  stream.io(next_available_);
  stream.io(next_used_);
  stream.io(published_);
  stream.io(signalled_);
  if (!stream.loading()) return;
  error_ = nullptr;
  available_ = next_available_;  // read again
  event_index_ = event_index != 0;
  indirect_ = indirect != 0;
  ready_ = false;
  if (!set_size(size) || (ready != 0 && !enable())) stream.fail();
}

}  // namespace mynah::dev
