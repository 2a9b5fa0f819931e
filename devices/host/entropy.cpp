// SPDX-License-Identifier: Apache-2.0
#include "devices/host/entropy.h"

#include <fcntl.h>
#include <sys/random.h>

#include <bit>
#include <cerrno>
#include <cstdio>
#include <cstdlib>

#include "devices/host/fd.h"

namespace mynah::host {

void HostEntropy::fill(std::span<uint8_t> to) {
  while (!to.empty()) {
    ssize_t n = ::getrandom(to.data(), to.size(), 0);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) {  // forbidden by a sandbox, or an ancient kernel
      UniqueFd device(::open("/dev/urandom", O_RDONLY | O_CLOEXEC));
      n = device ? ::read(device.get(), to.data(), to.size()) : -1;
    }
    if (n <= 0) {
      std::fprintf(stderr, "mynah: the host has no source of random numbers; make /dev/urandom readable\n");
      std::abort();
    }
    to = to.subspan(static_cast<size_t>(n));
  }
}

SeededEntropy::SeededEntropy(uint64_t seed) {
  for (uint64_t& word : state_) {
    seed += 0x9e3779b97f4a7c15;
    uint64_t z = seed;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    word = z ^ (z >> 31);
  }
}

uint64_t SeededEntropy::next() {
  auto& s = state_;
  const uint64_t result = std::rotl(s[1] * 5, 7) * 9;
  const uint64_t shifted = s[1] << 17;
  s[2] ^= s[0];
  s[3] ^= s[1];
  s[1] ^= s[2];
  s[0] ^= s[3];
  s[2] ^= shifted;
  s[3] = std::rotl(s[3], 45);
  return result;
}

void SeededEntropy::fill(std::span<uint8_t> to) {
  for (uint8_t& byte : to) {
    if (left_ == 0) {
      word_ = next();
      left_ = 8;
    }
    byte = static_cast<uint8_t>(word_);
    word_ >>= 8;
    --left_;
  }
}

}  // namespace mynah::host
