// SPDX-License-Identifier: Apache-2.0
//
// Semihosting's calls with any parameters, in memory that is small and full of them: nothing outside of it is
// touched, every call ends, and what is saved loads.
#include "machines/semihosting.h"

#include "tests/fuzz/fuzz_input.h"

using namespace mynah;

namespace {

struct Memory final : Semihosting::Memory {
  bool read(uint64_t address, std::span<uint8_t> to) override {
    return ram.read(address, to.data(), to.size());
  }
  bool write(uint64_t address, std::span<const uint8_t> from) override {
    return ram.write(address, from.data(), from.size());
  }
  dev::fake::Memory ram{0x1000, 0x2000};
};

// Answers as any host could.
struct Files final : dev::HostFiles {
  explicit Files(fuzz::Input& in) : in(in) {}
  Answer any(uint64_t most) {
    const uint8_t kind = in.u8();
    return kind % 4 == 0 ? -1 - kind : static_cast<Answer>(in.u16() % (most + 1));
  }
  Answer open(const std::string& path, Mode mode) override {
    fuzz::require(path.size() <= 4096 && mode <= Mode::kAppendUpdate);
    return any(1000);
  }
  Answer close(int64_t) override { return any(0); }
  Answer read(int64_t, std::span<uint8_t> to) override { return any(to.size()); }
  Answer write(int64_t, std::span<const uint8_t> from) override { return any(from.size()); }
  Answer seek(int64_t, uint64_t) override { return any(0); }
  Answer length(int64_t) override { return any(60000); }
  Answer remove(const std::string&) override { return any(0); }
  Answer rename(const std::string&, const std::string&) override { return any(0); }
  fuzz::Input& in;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  fuzz::Input in(data, size);
  Memory memory;
  Files files(in);
  dev::fake::Serial console;
  dev::ManualClock clock;
  dev::NullLog log;
  SemihostingConfig config;
  config.command_line = "prog argument";
  config.files = in.u8() & 1 ? &files : nullptr;
  config.console = in.u8() & 1 ? &console : nullptr;
  config.exit = [](int code) { fuzz::require(code >= 0 && code <= 255); };
  Semihosting semihosting(config, {.clock = clock, .calendar = [] { return 1; }}, log);
  for (unsigned step = 0; step < 256 && !in.empty(); ++step) {
    const uint8_t kind = in.u8();
    if (kind % 16 == 0) {
      console.type(std::string(in.u8(), 'x'));
      console.sent.clear();
      continue;
    }
    if (kind % 16 == 1) {
      fuzz::save_and_load(semihosting);
      continue;
    }
    // A block of words that could be handles, addresses and lengths.
    const uint64_t block = 0x1000 + in.u16() % 0x2000;
    for (unsigned i = 0; i < 4; ++i) {
      const uint8_t what = in.u8();
      const uint64_t word = what % 4 == 0   ? in.u8() % 16
                            : what % 4 == 1 ? 0x1000 + in.u16() % 0x2000
                            : what % 4 == 2 ? in.u16()
                                            : in.u64();
      memory.ram.write(block + 8 * i, &word, 8);
    }
    if (kind % 16 == 2) memory.ram.write(0x1800, ":tt", 4);
    uint64_t result = 0;
    clock.time = in.u16();
    semihosting.call(memory, kind % 16 == 3 ? in.u32() : in.u8() % 0x34, kind % 16 == 4 ? in.u64() : block,
                     result);
  }
  return 0;
}
