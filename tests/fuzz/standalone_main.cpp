// SPDX-License-Identifier: Apache-2.0
//
// Runs a fuzz target without libFuzzer, so that every compiler builds and tests it: 20,000 pseudo-random
// inputs, the same ones in every run. `NAME_fuzz -runs=N` runs another number; `NAME_fuzz FILE...` runs the
// files.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

// splitmix64: one addition and three mixing steps a number.
class Random {
 public:
  uint64_t next() {
    uint64_t z = state_ += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
  }

 private:
  uint64_t state_ = 0x6d796e6168;
};

}  // namespace

int main(int argc, char** argv) {
  unsigned long runs = 20'000;
  bool files = false;
  for (int i = 1; i < argc; ++i) {
    if (std::strncmp(argv[i], "-runs=", 6) == 0) {
      runs = std::strtoul(argv[i] + 6, nullptr, 10);
      continue;
    }
    if (argv[i][0] == '-') continue;
    std::ifstream file(argv[i], std::ios::binary);
    if (!file) {
      std::fprintf(stderr, "cannot read %s\n", argv[i]);
      return 1;
    }
    const std::vector<char> bytes{std::istreambuf_iterator<char>(file), {}};
    LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
    files = true;
  }
  if (files) return 0;

  Random random;
  std::vector<uint8_t> input;
  for (unsigned long run = 0; run < runs; ++run) {
    // Lengths from nothing to 1 KiB, most of them short. Every second input prefers small bytes: they are the
    // register numbers, bit fields and counts that mean something.
    input.resize(random.next() % (uint64_t{2} << (random.next() % 10)));
    const bool small = run % 2 != 0;
    for (uint8_t& b : input) {
      const uint64_t r = random.next();
      b = static_cast<uint8_t>(small && (r >> 32) % 2 ? r % 16 : r);
    }
    LLVMFuzzerTestOneInput(input.data(), input.size());
  }
  std::printf("%lu inputs\n", runs);
  return 0;
}
