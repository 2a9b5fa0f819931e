// SPDX-License-Identifier: Apache-2.0
//
// Random instruction words of a decode row, and states that suit them.
#include <array>
#include <bit>
#include <cstring>
#include <optional>

#include "frontend/arm/a64/rows.h"
#include "tests/a64_oracle/oracle.h"

namespace mynah::a64_oracle {

namespace a64 = arm::a64;

namespace {

constexpr std::array<std::string_view, a64::kEncodingCount> kIds = {
    "unallocated",
#define ROW(id, ...) #id,
#include "frontend/arm/a64/tables.inc"
};

std::optional<uint32_t> field(const a64::Row& row, std::string_view name, uint32_t word) {
  const a64::Field* f = row.find(name);
  if (!f) return std::nullopt;
  return a64::bits(word, f->lsb, f->width);
}

bool is_load_store(uint32_t word) { return (word >> 27 & 1) && !(word >> 25 & 1); }
bool is_simd(uint32_t word) { return word >> 26 & 1; }

// The address is base + immediate + (register << shift), of which the base can be chosen.
struct Address {
  int64_t immediate = 0;
  int index = -1;  // register number
  unsigned option = 3, shift = 0;
  bool literal = false;
};

unsigned access_size(const a64::Row& row, uint32_t word) {
  if (field(row, "imm7", word)) {
    const unsigned opc = word >> 30;
    return is_simd(word) ? 2 + opc : opc == 2 ? 3 : 2;
  }
  return field(row, "opc1", word).value_or(0) ? 4 : word >> 30;
}

Address address_of(const a64::Row& row, uint32_t word) {
  Address a;
  const unsigned size = access_size(row, word);
  if (field(row, "imm19", word)) {
    a.literal = true;
  } else if (const auto imm12 = field(row, "imm12", word)) {
    a.immediate = int64_t{*imm12} << size;
  } else if (field(row, "imm9", word)) {
    const auto pre = field(row, "pre", word);
    a.immediate = pre && !*pre ? 0 : a64::signed_bits(word, 12, 9);
  } else if (field(row, "imm7", word)) {
    const auto index = field(row, "index", word);
    a.immediate = index && *index == 1 ? 0 : a64::signed_bits(word, 15, 7) * (int64_t{1} << size);
  } else if (const auto option = field(row, "option", word)) {
    a.index = static_cast<int>(a64::rm(word));
    a.option = *option;
    a.shift = a64::S(word) ? size : 0;
  }
  return a;
}

// Words that the manual lets processors treat in several ways.
bool unpredictable(const a64::Row& row, uint32_t word) {
  if (!is_load_store(word)) return false;
  const auto rt = field(row, "rt", word), rt2 = field(row, "rt2", word), rs = field(row, "rs", word);
  const auto rn = field(row, "rn", word), pre = field(row, "pre", word), index = field(row, "index", word);
  const bool load = word >> 22 & 1;
  const bool write_back = (pre || (index && (*index & 1))) && *rn != 31;
  if (rt2 && load && *rt == *rt2) return true;
  if (write_back && !is_simd(word) && (*rt == *rn || (rt2 && *rt2 == *rn))) return true;
  // The status register of a store exclusive.
  if (rs && (word & 0x3f000000) == 0x08000000 && (*rs == *rt || *rs == *rn || (rt2 && *rs == *rt2)))
    return true;
  return false;
}

}  // namespace

std::string_view encoding_id(Encoding encoding) { return kIds[static_cast<size_t>(encoding)]; }

uint64_t Random::next() {  // splitmix64
  uint64_t z = state_ += 0x9e3779b97f4a7c15;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
  z = (z ^ z >> 27) * 0x94d049bb133111eb;
  return z ^ z >> 31;
}

std::optional<uint32_t> random_word(Random& random, Encoding encoding, uint64_t pc) {
  const a64::Row& row = a64::row_of(encoding);
  for (int attempt = 0; attempt < 1000; ++attempt) {
    uint32_t word = (static_cast<uint32_t>(random.next()) & ~row.bits.mask) | row.bits.value;
    // Registers that meet, more often than by chance.
    if (random.chance(25)) {
      const uint32_t n = random.below(32);
      for (std::string_view name : {"rd", "rn", "rm", "ra", "rt", "rt2", "rs"}) {
        const a64::Field* f = row.find(name);
        if (!f || f->width != 5 || !random.chance(60)) continue;
        word = (word & ~(31u << f->lsb)) | n << f->lsb;
      }
    }
    if (is_load_store(word) && address_of(row, word).literal) {
      const uint64_t target = kMemory + random.below((kMemorySize - 16) / 4) * 4;
      word = (word & ~(0x7ffffu << 5)) | (static_cast<uint32_t>((target - pc) / 4) & 0x7ffff) << 5;
    }
    if (a64::decode(word).encoding != encoding || unpredictable(row, word)) continue;
    if (is_load_store(word)) {
      // The base is what leads the access into the window.
      const Address a = address_of(row, word);
      if (a.index >= 0 && a.index == static_cast<int>(a64::rn(word))) continue;
    }
    return word;
  }
  return std::nullopt;
}

namespace {

uint64_t random_integer(Random& random, unsigned bits) {
  const uint64_t mask = bits == 64 ? ~uint64_t{0} : (uint64_t{1} << bits) - 1;
  const uint64_t top = uint64_t{1} << (bits - 1);
  switch (random.below(10)) {
    case 0:
      return 0;
    case 1:
      return 1;
    case 2:
      return mask;
    case 3:
      return top;
    case 4:
      return top - 1;
    case 5:
      return (random.next() % (2 * bits) - bits) & mask;  // a shift, about zero
    case 6:
      return random.next() >> random.below(64) & mask;
    case 7:
      return (top + random.below(5) - 2) & mask;
    default:
      return random.next() & mask;
  }
}

uint64_t random_float(Random& random, unsigned lane) {
  const unsigned width = 8u << lane, exponent_bits = lane == 1 ? 5 : lane == 2 ? 8 : 11;
  const unsigned fraction_bits = width - 1 - exponent_bits;
  const uint64_t max_exponent = (uint64_t{1} << exponent_bits) - 1, bias = max_exponent >> 1;
  const uint64_t fraction_mask = (uint64_t{1} << fraction_bits) - 1;
  const uint64_t sign = random.next() & 1;
  uint64_t exponent = 0, fraction = 0;
  // Few bits in the fraction make exact results and ties.
  const auto some_fraction = [&]() -> uint64_t {
    switch (random.below(5)) {
      case 0:
        return 0;
      case 1:
        return fraction_mask;
      case 2:
        return uint64_t{1} << random.below(fraction_bits);
      case 3:
        return fraction_mask & ~((uint64_t{1} << random.below(fraction_bits)) - 1);
      default:
        return random.next() & fraction_mask;
    }
  };
  switch (random.below(16)) {
    case 0:
      break;  // zero
    case 1:
      fraction = some_fraction();
      break;  // subnormal
    case 2:
      fraction = random.below(4);
      break;
    case 3:
      exponent = 1 + random.below(3);
      fraction = some_fraction();
      break;
    case 4:
      exponent = max_exponent;
      break;  // infinity
    case 5:
      exponent = max_exponent;
      fraction = some_fraction();
      break;
    case 6:
      exponent = max_exponent;
      fraction = uint64_t{1} << (fraction_bits - 1) | (random.next() & 0xff);
      break;
    case 7:
      exponent = max_exponent;
      fraction = random.next() & fraction_mask >> 1;
      break;  // signaling
    case 8:
      exponent = max_exponent - 1 - random.below(3);
      fraction = some_fraction();
      break;
    case 9:
      exponent = bias;
      break;
    case 10:  // about the ranges of integers and their halves
    case 11:
      exponent = bias - 2 + random.below(69);
      fraction = some_fraction();
      break;
    case 12:
    case 13:
      exponent = bias - 4 + random.below(9);
      fraction = some_fraction();
      break;
    default:
      return random.next();
  }
  if (exponent > max_exponent) exponent = max_exponent - 1;
  return sign << (width - 1) | exponent << fraction_bits | fraction;
}

// The lane sizes that a word may work on, as a guess from its fields.
unsigned likely_lane(Random& random, const a64::Row& row, std::string_view id, uint32_t word) {
  if (random.chance(25)) return random.below(4);
  if (id.find("_half") != id.npos) return 1;
  if (const auto ptype = field(row, "ptype", word)) return *ptype == 3 ? 1 : 2 + (*ptype & 1);
  if (const auto sz = field(row, "sz", word)) return 2 + (*sz & 1);
  if (const auto immh = field(row, "immh", word); immh && *immh) {
    return std::min(3u, 31 - static_cast<unsigned>(std::countl_zero(*immh)) + random.below(2));
  }
  if (const auto size = field(row, "size", word)) return std::min(3u, *size + random.below(2));
  return random.below(4);
}

void random_vector(Random& random, unsigned lane, bool floats, uint64_t (&v)[2]) {
  for (uint64_t& half : v) {
    half = 0;
    for (unsigned at = 0; at < 64; at += 8u << lane) {
      const uint64_t x = floats && lane > 0 ? random_float(random, lane) : random_integer(random, 8u << lane);
      half |= (lane == 3 ? x : x & ((uint64_t{1} << (8u << lane)) - 1)) << at;
    }
  }
}

uint64_t extended(uint64_t x, unsigned option) {
  switch (option) {
    case 2:
      return static_cast<uint32_t>(x);
    case 6:
      return static_cast<uint64_t>(static_cast<int32_t>(x));
    default:
      return x;
  }
}

// Leads the word's access into the window.
void set_addresses(Random& random, const a64::Row& row, uint32_t word, State& s) {
  const Address a = address_of(row, word);
  if (a.literal) return;
  // Exclusive, ordered and atomic accesses fault on addresses that are not aligned.
  const bool plain =
      is_simd(word) || ((word >> 24 & 0x3f) != 0x08 &&
                        !((word >> 24 & 0x3f) == 0x38 && (word >> 21 & 1) && (word >> 10 & 3) == 0) &&
                        (word >> 24 & 0x3f) != 0x19);
  uint64_t target = kMemory + random.below(kMemorySize - 64);
  if (random.chance(30)) target = kMemory + 256 - random.below(64);  // about the page boundary
  const unsigned n = a64::rn(word);
  if (!plain || random.chance(40)) target &= ~uint64_t{15};
  uint64_t offset = static_cast<uint64_t>(a.immediate);
  if (a.index >= 0) offset += extended(a.index == 31 ? 0 : s.x[a.index], a.option) << a.shift;
  (n == 31 ? s.sp : s.x[n]) = target - offset;
}

}  // namespace

uint32_t random_fpcr(Random& random) {
  if (random.chance(40)) return 0;
  const auto r = static_cast<uint32_t>(random.next());
  uint32_t fpcr = (r & 3) << 22;
  if ((r & 0x30) == 0) fpcr |= 1u << 25;   // DN
  if ((r & 0xc0) == 0) fpcr |= 1u << 24;   // FZ
  if ((r & 0x300) == 0) fpcr |= 1u << 19;  // FZ16
  if ((r & 0xc00) == 0) fpcr |= 1u << 26;  // AHP
  return fpcr;
}

State random_state(Random& random, uint32_t word, uint64_t pc, uint32_t fpcr) {
  const Encoding encoding = a64::decode(word).encoding;
  const a64::Row& row = a64::row_of(encoding);
  const std::string_view id = encoding_id(encoding);
  State s{};
  for (uint64_t& x : s.x) x = random_integer(random, random.chance(70) ? 64 : 8u << random.below(4));
  s.sp = random_integer(random, 64) & ~uint64_t{15};
  s.pc = pc;
  s.nzcv = static_cast<uint32_t>(random.next()) & 0xf0000000;
  s.fpcr = fpcr;
  const unsigned lane = likely_lane(random, row, id, word);
  const bool floats =
      id.starts_with("f") ? random.chance(85) : id.find("cvtf") == id.npos && random.chance(15);
  for (auto& v : s.v) random_vector(random, lane, floats, v);
  // Tables look bytes up by small indices.
  if (id.starts_with("tb")) {
    const unsigned m = a64::rm(word);
    for (unsigned i = 0; i < 16; ++i) {
      uint8_t& byte = reinterpret_cast<uint8_t*>(s.v[m])[i];
      if (random.chance(80)) byte = static_cast<uint8_t>(random.below(80));
    }
  }
  for (size_t i = 0; i < kMemorySize; i += 8) {
    const uint64_t x = random.next();
    std::memcpy(s.memory + i, &x, 8);
  }
  if (is_load_store(word)) set_addresses(random, row, word, s);
  return s;
}

}  // namespace mynah::a64_oracle
