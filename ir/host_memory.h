// SPDX-License-Identifier: Apache-2.0
//
// The one way to guest RAM from C++, for memory that another processor may look at meanwhile.
//
// An aligned access of 1, 2, 4 or 8 bytes is single-copy atomic and orders nothing (relaxed: the plain moves
// that translated code uses); fences are the caller's. One that is not aligned is not atomic: guards demand
// alignment where the guest architecture promises more. A copy is a sequence of such accesses in ascending
// order, each as wide as alignment and length allow: a descriptor or a ring index is never seen half changed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace mynah::ir {

inline bool host_aligned(const void* p, size_t n) { return reinterpret_cast<uintptr_t>(p) % n == 0; }

template <typename T>
T host_load(const void* p) {
  static_assert(__atomic_always_lock_free(sizeof(T), nullptr));
  if (host_aligned(p, sizeof(T))) return __atomic_load_n(static_cast<const T*>(p), __ATOMIC_RELAXED);
  T value;
  std::memcpy(&value, p, sizeof value);
  return value;
}

template <typename T>
void host_store(void* p, T value) {
  static_assert(__atomic_always_lock_free(sizeof(T), nullptr));
  if (host_aligned(p, sizeof(T))) {
    __atomic_store_n(static_cast<T*>(p), value, __ATOMIC_RELAXED);
  } else {
    std::memcpy(p, &value, sizeof value);
  }
}

// Aligned and sequentially consistent. True: it was `expected` and is `desired` now. False: `expected` is
// what it is; never without a reason.
template <typename T>
bool host_compare_exchange(void* p, T& expected, T desired) {
  static_assert(__atomic_always_lock_free(sizeof(T), nullptr));
  return __atomic_compare_exchange_n(static_cast<T*>(p), &expected, desired, false, __ATOMIC_SEQ_CST,
                                     __ATOMIC_SEQ_CST);
}

// Calls f with a zero of the type of 1 << size bytes.
template <typename F>
auto with_host_type(unsigned size, F&& f) {
  switch (size) {
    case 0:
      return f(uint8_t{});
    case 1:
      return f(uint16_t{});
    case 2:
      return f(uint32_t{});
    default:
      return f(uint64_t{});
  }
}

// Calls piece(offset, size) for accesses of 1 << size bytes that make up the n bytes at p, and bulk(offset,
// bytes) for a long run of whole words where `other`, the private side of the copy, is aligned with it. The
// bulk is memcpy's: with both sides at a word boundary the blocks it moves begin and end at one, and no
// memcpy moves long blocks in less than words. What is short, where the protocols of devices are, does not
// depend on that.
template <typename Piece, typename Bulk>
void host_pieces(const void* p, const void* other, size_t n, Piece&& piece, Bulk&& bulk) {
  constexpr size_t kShort = 64;
  const auto start = reinterpret_cast<uintptr_t>(p);
  const bool alike = (start - reinterpret_cast<uintptr_t>(other)) % 8 == 0;
  for (size_t at = 0; at < n;) {
    const size_t left = n - at;
    if ((start + at) % 8 == 0 && left >= 8) {
      if (alike && left > kShort) {
        bulk(at, left & ~size_t{7});
        at += left & ~size_t{7};
      } else {
        piece(at, 3);
        at += 8;
      }
      continue;
    }
    unsigned size = 0;
    while (size < 2 && (start + at) % (2u << size) == 0 && (2u << size) <= left) ++size;
    piece(at, size);
    at += size_t{1} << size;
  }
}

// From guest RAM to memory of the caller's own.
inline void copy_from_ram(void* to, const uint8_t* ram, size_t n) {
  auto* own = static_cast<uint8_t*>(to);
  host_pieces(
      ram, own, n,
      [&](size_t at, unsigned size) {
        with_host_type(size, [&](auto value) {
          value = host_load<decltype(value)>(ram + at);
          std::memcpy(own + at, &value, sizeof value);
        });
      },
      [&](size_t at, size_t bytes) { std::memcpy(own + at, ram + at, bytes); });
}

// The other way.
inline void copy_to_ram(uint8_t* ram, const void* from, size_t n) {
  const auto* own = static_cast<const uint8_t*>(from);
  host_pieces(
      ram, own, n,
      [&](size_t at, unsigned size) {
        with_host_type(size, [&](auto value) {
          std::memcpy(&value, own + at, sizeof value);
          host_store(ram + at, value);
        });
      },
      [&](size_t at, size_t bytes) { std::memcpy(ram + at, own + at, bytes); });
}

}  // namespace mynah::ir
