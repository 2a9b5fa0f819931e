// SPDX-License-Identifier: Apache-2.0
//
// Randomness for the guest: the host's, or for reproducible runs a sequence that a seed fixes.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "devices/core/host_backends.h"

namespace mynah::host {

// The kernel's generator. Aborts when the kernel has none: weak random numbers would be worse than no guest.
class HostEntropy final : public dev::EntropySource {
 public:
  void fill(std::span<uint8_t> to) override;
};

// The ChaCha20 stream (Bernstein, "ChaCha, a variant of Salsa20"; RFC 8439) with the seed as its key: what a
// guest gets tells nothing of what comes next, except to somebody who tries all seeds. The sequence of bytes
// depends on the seed alone, not on how it is split into calls.
class SeededEntropy final : public dev::EntropySource {
 public:
  explicit SeededEntropy(uint64_t seed);
  void fill(std::span<uint8_t> to) override;

 private:
  void next_block();
  std::array<uint32_t, 16> state_;
  std::array<uint32_t, 16> block_{};
  unsigned at_ = 64;  // bytes of block_ handed out
};

}  // namespace mynah::host
