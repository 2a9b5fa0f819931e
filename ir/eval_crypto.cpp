// SPDX-License-Identifier: Apache-2.0
//
// The evaluator's cryptographic ops, as the Arm instructions of the same names define them: FIPS 197 (AES),
// FIPS 180-4 (SHA-1, SHA-256, SHA-512) and the Arm ARM (DDI 0487), A64 SIMD instructions.
#include <array>
#include <utility>

#include "ir/eval_lanes.h"

namespace mynah::ir {

namespace {

constexpr uint8_t times_two(uint8_t x) { return static_cast<uint8_t>(x << 1 ^ (x & 0x80 ? 0x1b : 0)); }
constexpr uint8_t rotate8(uint8_t x, int n) { return static_cast<uint8_t>(x << n | x >> (8 - n)); }

struct AesTables {
  std::array<uint8_t, 256> box{}, inverse{};
};

// Walks the field's multiplicative group with the generator 3 and, beside it, with its inverse: at every step
// p * q = 1.
constexpr AesTables make_aes_tables() {
  AesTables t;
  uint8_t p = 1, q = 1;
  do {
    p = static_cast<uint8_t>(p ^ times_two(p));
    q = static_cast<uint8_t>(q ^ q << 1);
    q = static_cast<uint8_t>(q ^ q << 2);
    q = static_cast<uint8_t>(q ^ q << 4);
    if (q & 0x80) q ^= 0x09;
    t.box[p] = static_cast<uint8_t>(q ^ rotate8(q, 1) ^ rotate8(q, 2) ^ rotate8(q, 3) ^ rotate8(q, 4) ^ 0x63);
  } while (p != 1);
  t.box[0] = 0x63;
  for (unsigned i = 0; i < 256; ++i) t.inverse[t.box[i]] = static_cast<uint8_t>(i);
  return t;
}
constexpr AesTables kAes = make_aes_tables();
static_assert(kAes.box[0x53] == 0xed && kAes.inverse[0xed] == 0x53);

V128 exclusive_or(const V128& a, const V128& b) { return {a.lo ^ b.lo, a.hi ^ b.hi}; }

// The state's byte of row r and column c is byte 4c + r.
V128 aes_encrypt(const V128& state) {
  const Lanes<uint8_t> s(state);
  Lanes<uint8_t> r;
  for (unsigned i = 0; i < 16; ++i) r[i] = kAes.box[s[(i + i % 4 * 4) % 16]];
  return r.pack();
}
V128 aes_decrypt(const V128& state) {
  const Lanes<uint8_t> s(state);
  Lanes<uint8_t> r;
  for (unsigned i = 0; i < 16; ++i) r[i] = kAes.inverse[s[(i + 16 - i % 4 * 4) % 16]];
  return r.pack();
}

V128 aes_mix(const V128& state) {
  const Lanes<uint8_t> s(state);
  Lanes<uint8_t> r;
  for (unsigned c = 0; c < 16; c += 4) {
    const auto all = static_cast<uint8_t>(s[c] ^ s[c + 1] ^ s[c + 2] ^ s[c + 3]);
    for (unsigned i = 0; i < 4; ++i) {
      r[c + i] = static_cast<uint8_t>(s[c + i] ^ all ^
                                      times_two(static_cast<uint8_t>(s[c + i] ^ s[c + (i + 1) % 4])));
    }
  }
  return r.pack();
}

// The inverse matrix is the forward one times {05, 00, 04, 00}.
V128 aes_unmix(const V128& state) {
  Lanes<uint8_t> s(state);
  for (unsigned c = 0; c < 16; c += 4) {
    for (unsigned i = 0; i < 2; ++i) {
      const auto sum = times_two(times_two(static_cast<uint8_t>(s[c + i] ^ s[c + i + 2])));
      s[c + i] ^= sum;
      s[c + i + 2] ^= sum;
    }
  }
  return aes_mix(s.pack());
}

V128 aes_key_assist(const V128& key, uint8_t round) {
  const auto substituted = [](uint32_t word) {
    uint32_t r = 0;
    for (unsigned i = 0; i < 32; i += 8) r |= uint32_t{kAes.box[word >> i & 0xff]} << i;
    return r;
  };
  const auto half = [&](uint64_t words) {
    const uint32_t x = substituted(static_cast<uint32_t>(words >> 32));
    return x | uint64_t{std::rotr(x, 8) ^ round} << 32;
  };
  return {half(key.lo), half(key.hi)};
}

using Words = Lanes<uint32_t>;

constexpr uint32_t choose(uint32_t x, uint32_t y, uint32_t z) { return ((y ^ z) & x) ^ z; }
constexpr uint32_t parity(uint32_t x, uint32_t y, uint32_t z) { return x ^ y ^ z; }
constexpr uint32_t majority(uint32_t x, uint32_t y, uint32_t z) { return (x & y) | ((x | y) & z); }

// Four rounds; x holds a, b, c, d (a in lane 0), y holds e.
template <typename F>
V128 sha1_rounds(const OpInput& in, F f) {
  Words x(in.args[0]);
  auto y = static_cast<uint32_t>(in.args[1].lo);
  const Words w(in.args[2]);
  for (unsigned i = 0; i < 4; ++i) {
    const uint32_t next = y + std::rotl(x[0], 5) + f(x[1], x[2], x[3]) + w[i];
    y = x[3];
    x[3] = x[2];
    x[2] = std::rotl(x[1], 30);
    x[1] = x[0];
    x[0] = next;
  }
  return x.pack();
}

V128 sha1_schedule1(const V128& a, const V128& b) {
  const V128 t = exclusive_or(a, {b.lo >> 32 | b.hi << 32, b.hi >> 32});
  Words r(t);
  for (auto& lane : r.lane) lane = std::rotl(lane, 1);
  r[3] ^= std::rotl(static_cast<uint32_t>(t.lo), 2);
  return r.pack();
}

// Four rounds; x holds a, b, c, d and y e, f, g, h.
std::pair<V128, V128> sha256_rounds(const V128& abcd, const V128& efgh, const V128& schedule) {
  Words x(abcd), y(efgh);
  const Words w(schedule);
  for (unsigned i = 0; i < 4; ++i) {
    const uint32_t t = y[3] + (std::rotr(y[0], 6) ^ std::rotr(y[0], 11) ^ std::rotr(y[0], 25)) +
                       choose(y[0], y[1], y[2]) + w[i];
    const uint32_t e = t + x[3];
    const uint32_t a =
        t + (std::rotr(x[0], 2) ^ std::rotr(x[0], 13) ^ std::rotr(x[0], 22)) + majority(x[0], x[1], x[2]);
    for (unsigned j = 3; j > 0; --j) {
      x[j] = x[j - 1];
      y[j] = y[j - 1];
    }
    x[0] = a;
    y[0] = e;
  }
  return {x.pack(), y.pack()};
}

V128 sha256_schedule0(const V128& a, const V128& b) {
  const Words x(a);
  Words r;
  for (unsigned i = 0; i < 4; ++i) {
    const uint32_t next = i < 3 ? x[i + 1] : static_cast<uint32_t>(b.lo);
    r[i] = x[i] + (std::rotr(next, 7) ^ std::rotr(next, 18) ^ next >> 3);
  }
  return r.pack();
}

V128 sha256_schedule1(const V128& a, const V128& b, const V128& c) {
  const Words x(a), y(b), z(c);
  Words r;
  for (unsigned i = 0; i < 4; ++i) {
    const uint32_t two_ago = i < 2 ? z[i + 2] : r[i - 2];
    const uint32_t seven_ago = i < 3 ? y[i + 1] : z[0];
    r[i] = x[i] + seven_ago + (std::rotr(two_ago, 17) ^ std::rotr(two_ago, 19) ^ two_ago >> 10);
  }
  return r.pack();
}

}  // namespace

V128 evaluate_crypto(const OpInput& in) {
  const V128* a = in.args;
  switch (in.op) {
    case Op::aese:
      return aes_encrypt(exclusive_or(a[0], a[1]));
    case Op::aesd:
      return aes_decrypt(exclusive_or(a[0], a[1]));
    case Op::aesmc:
      return aes_mix(a[0]);
    case Op::aesimc:
      return aes_unmix(a[0]);
    case Op::sha1c:
      return sha1_rounds(in, choose);
    case Op::sha1p:
      return sha1_rounds(in, parity);
    case Op::sha1m:
      return sha1_rounds(in, majority);
    case Op::sha1h:
      return {std::rotl(static_cast<uint32_t>(a[0].lo), 30), 0};
    case Op::sha1su0:
      return {a[0].hi ^ a[0].lo ^ a[2].lo, a[1].lo ^ a[0].hi ^ a[2].hi};
    case Op::sha1su1:
      return sha1_schedule1(a[0], a[1]);
    case Op::sha256h:
      return sha256_rounds(a[0], a[1], a[2]).first;
    case Op::sha256h2:
      return sha256_rounds(a[1], a[0], a[2]).second;
    case Op::sha256su0:
      return sha256_schedule0(a[0], a[1]);
    case Op::sha256su1:
      return sha256_schedule1(a[0], a[1], a[2]);
    case Op::rax1:
      return {a[0].lo ^ std::rotl(a[1].lo, 1), a[0].hi ^ std::rotl(a[1].hi, 1)};
    case Op::xar: {
      const int n = static_cast<int>(in.imm & 63);
      return {std::rotr(a[0].lo ^ a[1].lo, n), std::rotr(a[0].hi ^ a[1].hi, n)};
    }
    case Op::aes_enc:
      return exclusive_or(aes_mix(aes_encrypt(a[0])), a[1]);
    case Op::aes_enc_last:
      return exclusive_or(aes_encrypt(a[0]), a[1]);
    case Op::aes_dec:
      return exclusive_or(aes_unmix(aes_decrypt(a[0])), a[1]);
    case Op::aes_dec_last:
      return exclusive_or(aes_decrypt(a[0]), a[1]);
    case Op::aes_key_assist:
      return aes_key_assist(a[0], static_cast<uint8_t>(in.imm));
    case Op::vclmul:
      return carryless_product(in.imm & 1 ? a[0].hi : a[0].lo, in.imm & 16 ? a[1].hi : a[1].lo);
    default:
      return evaluate_crypto_rounds(in);
  }
}

}  // namespace mynah::ir
