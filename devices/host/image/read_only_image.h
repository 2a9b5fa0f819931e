// SPDX-License-Identifier: Apache-2.0
//
// ReadOnlyImage: what is refused of a disk that is only read.
#pragma once

#include "devices/core/host_backends.h"

namespace mynah::host {

class ReadOnlyImage : public dev::BlockBackend {
 public:
  bool read_only() const override { return true; }
  bool write(uint64_t, std::span<const uint8_t>) override { return false; }
  bool flush() override { return true; }
  bool discard(uint64_t, uint64_t) override { return false; }
  bool write_zeroes(uint64_t, uint64_t) override { return false; }
};

}  // namespace mynah::host
