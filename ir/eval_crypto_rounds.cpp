// SPDX-License-Identifier: Apache-2.0
//
// The evaluator's cryptographic ops that have whole rounds' operands, as the x86 instructions of the same
// meaning define them: FIPS 180-4 (SHA-1, SHA-256), and bytes of the field of AES (Intel SDM, vol. 2:
// SHA1RNDS4, ..., GF2P8AFFINEQB). Words of a state are numbered from the top there: A is lane 3.
#include "ir/eval_lanes.h"

namespace mynah::ir {

namespace {

using Words = Lanes<uint32_t>;

uint32_t sha1_function(unsigned kind, uint32_t b, uint32_t c, uint32_t d) {
  switch (kind) {
    case 0:
      return ((b & c) ^ (~b & d)) + 0x5a827999u;
    case 1:
      return (b ^ c ^ d) + 0x6ed9eba1u;
    case 2:
      return ((b & c) ^ (b & d) ^ (c & d)) + 0x8f1bbcdcu;
    default:
      return (b ^ c ^ d) + 0xca62c1d6u;
  }
}

V128 sha1_four_rounds(const OpInput& in) {
  const Words start(in.args[0]), w(in.args[1]);
  uint32_t a = start[3], b = start[2], c = start[1], d = start[0], e = 0;  // E is in the first word already
  for (unsigned i = 0; i < 4; ++i) {
    const uint32_t next = sha1_function(in.imm & 3, b, c, d) + std::rotl(a, 5) + w[3 - i] + e;
    e = d;
    d = c;
    c = std::rotl(b, 30);
    b = a;
    a = next;
  }
  Words r;
  r[3] = a, r[2] = b, r[1] = c, r[0] = d;
  return r.pack();
}

V128 sha1_message2(const V128& first, const V128& second) {
  const Words x(first), y(second);
  Words r;
  r[3] = std::rotl(x[3] ^ y[2], 1);
  r[2] = std::rotl(x[2] ^ y[1], 1);
  r[1] = std::rotl(x[1] ^ y[0], 1);
  r[0] = std::rotl(x[0] ^ r[3], 1);
  return r.pack();
}

V128 sha256_two_rounds(const OpInput& in) {
  const Words cdgh(in.args[0]), abef(in.args[1]), wk(in.args[2]);
  uint32_t a = abef[3], b = abef[2], c = cdgh[3], d = cdgh[2];
  uint32_t e = abef[1], f = abef[0], g = cdgh[1], h = cdgh[0];
  for (unsigned i = 0; i < 2; ++i) {
    const uint32_t t =
        h + (std::rotr(e, 6) ^ std::rotr(e, 11) ^ std::rotr(e, 25)) + ((e & f) ^ (~e & g)) + wk[i];
    const uint32_t u =
        (std::rotr(a, 2) ^ std::rotr(a, 13) ^ std::rotr(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
    h = g, g = f, f = e, e = d + t;
    d = c, c = b, b = a, a = t + u;
  }
  Words r;
  r[3] = a, r[2] = b, r[1] = e, r[0] = f;
  return r.pack();
}

V128 sha256_message1(const V128& first, const V128& second) {
  const Words x(first), y(second);
  Words r;
  for (unsigned i = 0; i < 4; ++i) {
    const uint32_t next = i < 3 ? x[i + 1] : y[0];
    r[i] = x[i] + (std::rotr(next, 7) ^ std::rotr(next, 18) ^ next >> 3);
  }
  return r.pack();
}

V128 sha256_message2(const V128& first, const V128& second) {
  const Words x(first), y(second);
  Words r;
  for (unsigned i = 0; i < 4; ++i) {
    const uint32_t two_ago = i < 2 ? y[i + 2] : r[i - 2];
    r[i] = x[i] + (std::rotr(two_ago, 17) ^ std::rotr(two_ago, 19) ^ two_ago >> 10);
  }
  return r.pack();
}

uint8_t field_product(uint8_t x, uint8_t y) {
  uint8_t r = 0;
  for (unsigned i = 0; i < 8; ++i) {
    if (y >> i & 1) r ^= x;
    x = static_cast<uint8_t>(x << 1 ^ (x & 0x80 ? 0x1b : 0));
  }
  return r;
}

// The power 254; of zero, zero.
uint8_t field_inverse(uint8_t x) {
  uint8_t r = 1;
  for (unsigned i = 0; i < 7; ++i) {
    x = field_product(x, x);
    r = field_product(r, x);
  }
  return r;
}

V128 affine(const OpInput& in, bool inverted) {
  const Lanes<uint8_t> x(in.args[0]), matrix(in.args[1]);
  Lanes<uint8_t> r;
  for (unsigned i = 0; i < 16; ++i) {
    const uint8_t byte = inverted ? field_inverse(x[i]) : x[i];
    auto sum = static_cast<uint8_t>(in.imm);
    for (unsigned bit = 0; bit < 8; ++bit)
      sum ^= static_cast<uint8_t>(
          (std::popcount(static_cast<unsigned>(matrix[i / 8 * 8 + 7 - bit] & byte)) & 1) << bit);
    r[i] = sum;
  }
  return r.pack();
}

}  // namespace

V128 evaluate_crypto_rounds(const OpInput& in) {
  const V128* a = in.args;
  switch (in.op) {
    case Op::sha1_rounds4:
      return sha1_four_rounds(in);
    case Op::sha1_next_e: {
      const uint32_t e =
          static_cast<uint32_t>(a[1].hi >> 32) + std::rotl(static_cast<uint32_t>(a[0].hi >> 32), 30);
      return {a[1].lo, (a[1].hi & 0xffffffff) | uint64_t{e} << 32};
    }
    case Op::sha1_msg1:
      return {a[1].hi ^ a[0].lo, a[0].lo ^ a[0].hi};
    case Op::sha1_msg2:
      return sha1_message2(a[0], a[1]);
    case Op::sha256_rounds2:
      return sha256_two_rounds(in);
    case Op::sha256_msg1:
      return sha256_message1(a[0], a[1]);
    case Op::sha256_msg2:
      return sha256_message2(a[0], a[1]);
    case Op::gf_mul:
      return map_lanes<uint8_t>(a[0], a[1], field_product);
    case Op::gf_affine:
      return affine(in, false);
    case Op::gf_affine_inv:
      return affine(in, true);
    default:
      return {};
  }
}

}  // namespace mynah::ir
