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

// The xoshiro256** generator (Blackman, Vigna: "Scrambled linear pseudorandom number generators"), its state
// filled from the seed with splitmix64. The sequence of bytes depends on the seed alone, not on how it is
// split into calls. Not for secrets.
class SeededEntropy final : public dev::EntropySource {
 public:
  explicit SeededEntropy(uint64_t seed);
  void fill(std::span<uint8_t> to) override;

 private:
  uint64_t next();
  std::array<uint64_t, 4> state_;
  uint64_t word_ = 0;
  unsigned left_ = 0;  // bytes of word_ not handed out yet
};

}  // namespace mynah::host
