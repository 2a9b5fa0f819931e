// SPDX-License-Identifier: Apache-2.0
//
// Split virtqueue, device side (VIRTIO 1.2, 2.7): takes descriptor chains off the available ring as scatter
// lists, puts used elements back, and suppresses notifications both ways (flags or event index).
//
// The rings are in guest memory and hostile. Whatever they hold, every function returns after bounded work;
// the first malformed thing is kept as error(), and from then on the queue yields nothing until reset(). Each
// descriptor is read once.
//
// Other vCPUs touch the rings while the device does: indices are read before, and written after, what they
// publish, with fences between.
#pragma once

#include <cstdint>

#include "devices/core/device.h"
#include "devices/virtio/scatter.h"

namespace mynah::dev {

class Virtqueue {
 public:
  // A chain, counted separately in the ring's own table and in an indirect one.
  static constexpr uint32_t kMaxChainLength = 1024;

  struct Addresses {
    uint64_t descriptors = 0;  // multiple of 16
    uint64_t available = 0;    // multiple of 2; the manual's driver area
    uint64_t used = 0;         // multiple of 4; the manual's device area
  };
  enum class Pop : uint8_t { kChain, kEmpty, kBroken };

  // max_size is a power of two, at most 32768.
  Virtqueue(DmaMemory& memory, uint16_t max_size);

  // Set-up, by the transport. Size and addresses change only while the queue is not ready.
  uint16_t max_size() const { return max_size_; }
  uint16_t size() const { return size_; }
  bool set_size(uint32_t size);  // false, and no change: not a power of two, or above max_size()
  Addresses& addresses() { return addresses_; }
  const Addresses& addresses() const { return addresses_; }
  void set_features(bool event_index, bool indirect) {
    event_index_ = event_index;
    indirect_ = indirect;
  }
  bool ready() const { return ready_; }
  bool enable();  // false when an address is misaligned or a ring would wrap around the address space
  // The legacy queue is one block: descriptors, available ring, and from the next multiple of the alignment
  // (a power of two) the used ring (2.7.2).
  bool enable_legacy(uint64_t block, uint32_t alignment);
  void disable();  // forgets the indices too
  void reset();

  // What is malformed, or nullptr. A string literal.
  const char* error() const { return error_; }

  // Takes the next available chain. `chain` keeps its storage between calls.
  Pop pop(DescriptorChain& chain);
  // Gives back the last n chains taken, none of which was added to the used ring.
  void unpop(uint16_t n) { next_available_ -= n; }

  // Adds a used element; the driver sees it after publish(). `written` counts the bytes written to the chain.
  void add_used(uint16_t head, uint32_t written);
  void publish();
  // Whether the driver wants an interrupt for what was published since the last call.
  bool wants_interrupt();

  // Asks the driver to notify of the next chain. False when one is available already: no notification may
  // come for it.
  bool enable_notification();
  void disable_notification();

  void serialize(StateStream& stream);

 private:
  bool fail(const char* what) {
    error_ = what;
    return false;
  }
  bool read_available_index(uint16_t& index);
  bool walk(DescriptorChain& chain);

  uint64_t available_size() const { return 6 + 2 * uint64_t{size_}; }
  uint64_t used_size() const { return 6 + 8 * uint64_t{size_}; }
  uint64_t used_event_pa() const { return addresses_.available + 4 + 2 * uint64_t{size_}; }
  uint64_t available_event_pa() const { return addresses_.used + 4 + 8 * uint64_t{size_}; }

  DmaMemory& memory_;
  const uint16_t max_size_;
  uint16_t size_;
  Addresses addresses_;
  bool ready_ = false;
  bool event_index_ = false;
  bool indirect_ = false;
  const char* error_ = nullptr;

  // Free-running indices, as in the rings.
  uint16_t available_ = 0;       // the driver's index when last read
  uint16_t next_available_ = 0;  // next entry to take
  uint16_t next_used_ = 0;       // next entry to fill, those not yet published included
  uint16_t published_ = 0;
  uint16_t signalled_ = 0;  // published_ when an interrupt was last considered
};

}  // namespace mynah::dev
