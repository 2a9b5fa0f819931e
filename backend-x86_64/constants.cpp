// SPDX-License-Identifier: Apache-2.0
//
// Their values, in the order of K.
#include "backend-x86_64/constants.h"

namespace mynah::x86_64 {

namespace {

constexpr uint64_t each8(uint64_t x) { return x * 0x0101010101010101; }
constexpr uint64_t each16(uint64_t x) { return x * 0x0001000100010001; }
constexpr uint64_t each32(uint64_t x) { return x * 0x0000000100000001; }
constexpr Constant both(uint64_t x) { return {x, x}; }

}  // namespace

const Constant kConstants[] = {
    // kSign8 to kOnes
    both(each8(0x80)),
    both(each16(0x8000)),
    both(each32(0x80000000)),
    both(uint64_t{1} << 63),
    both(each8(0x7f)),
    both(each16(0x7fff)),
    both(each32(0x7fffffff)),
    both(~(uint64_t{1} << 63)),
    both(each8(1)),
    both(each16(1)),
    both(each32(1)),
    both(1),
    both(~uint64_t{0}),
    // kLow8In16 to k16In32
    both(each16(0xff)),
    both(each16(0xff00)),
    both(each32(0xffff)),
    both(each32(0xff)),
    both(0xff),
    both(0xffffffff),
    both(each32(256)),
    both(256),
    both(63),
    both(each8(0x0f)),
    both(each16(8)),
    both(each32(16)),
    // kBitCount: of a nibble; kZerosHigh, kZerosLow: leading zeros of a byte by its high nibble (8 when zero)
    // and, where
    // that is zero, by its low one; kReverseLow, kReverseHigh: a nibble reversed, for the low and the high
    // half
    {0x0302020102010100, 0x0403030203020201},
    {0x0101010102020308, 0},
    {0x0505050506060708, 0x0404040404040404},
    {0xe060a020c0408000, 0xf070b030d0509010},
    {0x0e060a020c040800, 0x0f070b030d050901},
    both(each8(0x70)),
    // kReverse8In16 to kReverse16In64
    {0x0607040502030001, 0x0e0f0c0d0a0b0809},
    {0x0405060700010203, 0x0c0d0e0f08090a0b},
    {0x0001020304050607, 0x08090a0b0c0d0e0f},
    {0x0504070601000302, 0x0d0c0f0e09080b0a},
    {0x0100030205040706, 0x09080b0a0d0c0f0e},
    // kNarrow16 to kNarrow64
    {0x0e0c0a0806040200, 0x8080808080808080},
    {0x0d0c090805040100, 0x8080808080808080},
    {0x0b0a090803020100, 0x8080808080808080},
    // kFirst8 to kFirst32
    {0xff, 0},
    {0xffff, 0},
    {0xffffffff, 0},
    // kLeft1 to kLeft7
    both(each8(0xfe)),
    both(each8(0xfc)),
    both(each8(0xf8)),
    both(each8(0xf0)),
    both(each8(0xe0)),
    both(each8(0xc0)),
    both(each8(0x80)),
    // kRight1 to kRight7
    both(each8(0x7f)),
    both(each8(0x3f)),
    both(each8(0x1f)),
    both(each8(0x0f)),
    both(each8(0x07)),
    both(each8(0x03)),
    both(each8(0x01)),
    // kSignShifted1 to kSignShifted7
    both(each8(0x40)),
    both(each8(0x20)),
    both(each8(0x10)),
    both(each8(0x08)),
    both(each8(0x04)),
    both(each8(0x02)),
    both(each8(0x01)),
    // kMinNormal32 to kTwo84And52
    both(each32(0x00800000)),
    both(0x0010000000000000),
    both(each16(0x0400)),
    both(each32(0x3f000000)),
    both(0x3fe0000000000000),  // 0.5
    both(each32(0x3f800000)),
    both(0x3ff0000000000000),  // 1
    both(each32(0x4b000000)),
    both(0x4330000000000000),  // 2^23, 2^52: integral from there on
    both(each32(0x4f000000)),
    both(0x41e0000000000000),  // 2^31
    both(each32(0x5f000000)),
    both(0x43e0000000000000),  // 2^63
    both(each32(0x47800000)),  // 2^16
    both(0x4330000000000000),
    both(0x4530000000000000),
    both(0x4530000000100000),  // 2^52, 2^84, their sum
    // kSha1A to kSha1C
    both(each32(0x5a827999)),
    both(each32(0x6ed9eba1)),
    both(each32(0x8f1bbcdc)),
    // kCrc32, both with the highest power in bit 0
    {0xb4e5b025f7011641, 0x1db710641},
};
static_assert(sizeof kConstants == sizeof(Constant) * static_cast<unsigned>(K::kCount));

}  // namespace mynah::x86_64
