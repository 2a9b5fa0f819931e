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
