// SPDX-License-Identifier: Apache-2.0
//
// A random program for the board `virt`, and the memory that it runs in: code of random instructions with
// pointers that make sense often enough, handlers that skip what faults, page tables with a page of each
// kind.
//
// Physical memory, from kBase: vectors and handlers, code, data, tables. Virtual: the vectors and the board's
// devices stand at their own addresses; code and data have several (see kCodeViews, kDataPages).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tests/lockstep/random.h"

namespace mynah::lockstep {

constexpr uint64_t kPage = 4096;
constexpr uint64_t kBase = 0x40400000;
constexpr uint64_t kVectors = kBase, kCode = kBase + 0x10000, kData = kBase + 0x20000,
                   kTables = kBase + 0x40000;
constexpr uint64_t kCodePages = 4, kCodeBytes = kCodePages * kPage, kDataFrames = 12;
// The code's views, by privilege: bit 1 for EL0 too, bit 0 guarded in the one and not in the other.
constexpr uint64_t kCodeViews = 0x20000000, kCodeView = 0x10000;
// The code once more, writable and not executable.
constexpr uint64_t kCodeStores = 0x21000000;
constexpr uint64_t kDataPages = 0x10000000;
constexpr uint64_t kUpperHalf = 0xffffff8000000000;  // the same tables serve it

struct Program {
  uint64_t seed;
  std::string cpu;
  unsigned gic;
  std::vector<uint32_t> handlers, code;  // at kVectors and kCode
  std::vector<uint64_t> tables;          // at kTables; the first is the root
  uint64_t entry;
};
Program make_program(uint64_t seed, const std::string& cpu, unsigned gic);

}  // namespace mynah::lockstep
