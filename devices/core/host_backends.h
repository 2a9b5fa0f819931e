// SPDX-License-Identifier: Apache-2.0
//
// BlockBackend: a disk as a storage device sees it; NetBackend: a network as a network card sees it.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>

namespace mynah::dev {

class BlockBackend {
 public:
  virtual ~BlockBackend() = default;
  virtual uint64_t size() const = 0;  // bytes
  virtual bool read_only() const = 0;
  // Synchronous. False on a host error or a range outside the disk (the guest then sees an I/O error); a
  // failed write leaves the bytes outside the range untouched.
  virtual bool read(uint64_t offset, std::span<uint8_t> to) = 0;
  virtual bool write(uint64_t offset, std::span<const uint8_t> from) = 0;
  virtual bool flush() = 0;
  virtual bool discard(uint64_t offset, uint64_t n) = 0;  // contents become undefined; may do nothing
  virtual bool write_zeroes(uint64_t offset, uint64_t n) = 0;

  // --- What the machine need not wait for. A disk without other threads has everything done inside the call.
  enum class Answer : uint8_t { kDone, kFailed, kWaits };
  // As read() and write(), where the host answers at once. kWaits: it would not; some bytes may have moved.
  virtual Answer read_now(uint64_t offset, std::span<uint8_t> to) {
    return read(offset, to) ? Answer::kDone : Answer::kFailed;
  }
  virtual Answer write_now(uint64_t offset, std::span<const uint8_t> from) {
    return write(offset, from) ? Answer::kDone : Answer::kFailed;
  }
  // Whether several threads may use it at once.
  virtual bool any_thread() const { return false; }
  using Work = std::function<bool()>;
  using Done = std::function<void(bool)>;
  // Whether later() has room for a request with n bytes of data; else the caller does it itself.
  virtual bool has_room(uint64_t n) const { return false; }
  // `work` runs on another thread and calls this disk's synchronous functions; `done` is given its answer on
  // the machine's thread, at the latest inside settle(). Requests that overlap in time have no order.
  virtual void later(uint64_t n, Work work, Done done) { done(work()); }
  // Waits for all that later() took. A device calls it before it forgets its requests (a reset), the machine
  // before its state is saved: there is no state of a request that waits.
  virtual void settle() {}
};

class NetBackend {
 public:
  virtual ~NetBackend() = default;
  virtual void send(std::span<const uint8_t> frame) = 0;  // an Ethernet frame from the guest, without FCS
  // Frames to the guest. The receiver returns false when it has no buffer; the backend then keeps or drops
  // it.
  using Receiver = std::function<bool(std::span<const uint8_t>)>;
  virtual void attach(Receiver receiver) = 0;
  virtual void buffers_available() {}  // the device can take frames again
};

class EntropySource {
 public:
  virtual ~EntropySource() = default;
  virtual void fill(std::span<uint8_t> to) = 0;
};

}  // namespace mynah::dev
