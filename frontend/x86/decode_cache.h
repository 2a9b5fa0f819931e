// SPDX-License-Identifier: Apache-2.0
//
// DecodeCache: what Zydis said of instruction forms, to be said again.
//
// An instruction's prefixes, opcode, ModRM and SIB bytes (its head) tell everything about it but the values
// of its displacement and immediate, which stand behind them (Intel SDM volume 2, 2.1). The forms of most
// programs are few: found by its head, an instruction costs a tenth of what decoding it takes.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>

#include "frontend/x86/decode.h"

namespace mynah::x86 {

class DecodeCache {
 public:
  DecodeCache();
  // What decode() gives.
  void decode(std::span<const uint8_t> bytes, CodeWidth width, bool real_mode, Decoded& to);

 private:
  static constexpr unsigned kMostHead = 8, kSize = 1 << 14;
  struct Entry {
    uint64_t head = 0;  // its bytes, zero above them
    Shape shape;        // of head bytes: 0: none
    uint8_t mode = 0;
    Decoded decoded;
  };
  // Of a first byte: bit n: heads of n + 1 bytes have been seen that begin with it.
  using Lengths = std::array<uint8_t, 256>;

  static uint64_t head_of(uint64_t bytes, unsigned n) {
    return n == 8 ? bytes : bytes & ((uint64_t{1} << 8 * n) - 1);
  }
  static size_t place(uint64_t head, unsigned n, unsigned mode) {
    return ((head + n) * 0x9e3779b97f4a7c15 + mode) >> 50;
  }
  void note(uint64_t first, unsigned mode, const Shape& shape, const Decoded& decoded);  // bytes

  std::array<Lengths, 4> lengths_{};  // by mode
  std::unique_ptr<std::array<Entry, kSize>> entries_;
};

}  // namespace mynah::x86
