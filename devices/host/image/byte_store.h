// SPDX-License-Identifier: Apache-2.0
//
// ByteStore: the bytes that an image format lives in, usually a file of the host.
#pragma once

#include <cstdint>
#include <span>

#include "devices/core/host_backends.h"

namespace mynah::host {

class ByteStore {
 public:
  virtual ~ByteStore() = default;
  virtual uint64_t size() const = 0;  // bytes; grows with what is written behind the end
  // False on a failure of the host, which has been reported then. What lies behind the end reads as zeroes.
  virtual bool read(uint64_t offset, std::span<uint8_t> to) = 0;
  // The same, where the host answers at once.
  using Answer = dev::BlockBackend::Answer;
  virtual Answer read_now(uint64_t offset, std::span<uint8_t> to) {
    return read(offset, to) ? Answer::kDone : Answer::kFailed;
  }
  virtual bool write(uint64_t offset, std::span<const uint8_t> from) = 0;
  // A barrier: what was written before survives a crash of the host, whatever becomes of what follows.
  virtual bool sync() = 0;
  virtual void punch(uint64_t offset, uint64_t n) = 0;  // the host may have the space back
};

}  // namespace mynah::host
