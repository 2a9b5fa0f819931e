// SPDX-License-Identifier: Apache-2.0
//
// getrandom(2), else /dev/urandom. The seeded sequence is ChaCha20's key stream (RFC 8439, with the original
// 64-bit counter): the same on every host.
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

namespace {

void quarter_round(uint32_t& a, uint32_t& b, uint32_t& c, uint32_t& d) {
  a += b, d = std::rotl(d ^ a, 16);
  c += d, b = std::rotl(b ^ c, 12);
  a += b, d = std::rotl(d ^ a, 8);
  c += d, b = std::rotl(b ^ c, 7);
}

}  // namespace

// "expand 32-byte k", the key, a counter of 64 bits, and a nonce of 0.
SeededEntropy::SeededEntropy(uint64_t seed)
    : state_{0x61707865,
             0x3320646e,
             0x79622d32,
             0x6b206574,
             static_cast<uint32_t>(seed),
             static_cast<uint32_t>(seed >> 32)} {}

void SeededEntropy::next_block() {
  auto x = state_;
  for (unsigned i = 0; i < 10; ++i) {
    for (unsigned k = 0; k < 4; ++k) quarter_round(x[k], x[4 + k], x[8 + k], x[12 + k]);
    for (unsigned k = 0; k < 4; ++k)
      quarter_round(x[k], x[4 + (k + 1) % 4], x[8 + (k + 2) % 4], x[12 + (k + 3) % 4]);
  }
  for (unsigned i = 0; i < 16; ++i) block_[i] = x[i] + state_[i];
  if (++state_[12] == 0) ++state_[13];
}

void SeededEntropy::fill(std::span<uint8_t> to) {
  for (uint8_t& byte : to) {
    if (at_ == 4 * block_.size()) {
      next_block();
      at_ = 0;
    }
    byte = static_cast<uint8_t>(block_[at_ / 4] >> 8 * (at_ % 4));
    ++at_;
  }
}

}  // namespace mynah::host
